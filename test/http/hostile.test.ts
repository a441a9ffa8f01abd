import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../../src/domain/ids.ts';
import { asRequest, errorsIn, open, sendRaw, statusesIn } from '../support/raw.ts';
import { payFor, startWorld } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';
import { until } from '../support/until.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const { get, post, createCustomer } = world;
const customer = await createCustomer(1_000);
afterEach(stripe.heal);

describe('one request ends nothing but itself', () => {
  it.each(['9'.repeat(21), '9'.repeat(30), '9'.repeat(200_000), '-1e99', '0x1f'])(
    'with an amount that no arithmetic takes, %#',
    async (amount) => {
      const { status, body } = await post('/v1/payments', { ...payFor(customer, 5), amount });
      expect([status, body.error.code, body.error.outcome]).toEqual([400, 'invalid_request', 'none']);
      expect((await post('/v1/payments', payFor(customer, 5))).status).toBe(201);
    },
  );
});

describe('a caller who takes no replies', () => {
  it('keeps nobody out, however much he asks at once', async () => {
    const asked = `POST /v1/payments HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`.repeat(2_000);
    const sockets = await Promise.all([1, 2, 3, 4, 5, 6].map(() => open(world.url)));
    for (const socket of sockets) {
      socket.pause();
      for (let n = 0; n < 5; n++) socket.write(asked);
    }
    await sleep(200);
    for (let n = 0; n < 20; n++) expect((await post('/v1/debits', debitOf(1))).status).toBe(201);
    for (const socket of sockets) socket.destroy();
  });

  it('nor who is known, and sends no body', async () => {
    const sockets = await Promise.all(Array.from({ length: 200 }, () => open(world.url)));
    const request = asRequest(`/v1/payments/pay_${'0'.repeat(32)}/confirm`, {}, 'x'.repeat(1000));
    for (const socket of sockets) socket.write(request.replace('sk_test_demo', 'pk_test_demo').slice(0, -1000));
    expect((await post('/v1/debits', debitOf(1))).status).toBe(201);
    for (const socket of sockets) socket.destroy();
  });

  it('nor who sends all of many large bodies but the end', async () => {
    const sockets = await Promise.all(Array.from({ length: 160 }, () => open(world.url)));
    let refused = 0;
    for (const socket of sockets) {
      socket.on('data', (bytes: Buffer) => {
        const [error] = errorsIn(bytes.toString());
        if (error?.code === 'overloaded' && error.outcome === 'none') refused++;
      });
      socket.write(asRequest('/v1/customers', {}, 'x'.repeat(255 * 1024)).slice(0, -1));
    }
    // Sixteen are read, 64 wait, and the latest comes first.
    await until(() => refused >= 80);
    const items = Array(1000).fill({ quantity: '1', unit_price: '1' });
    expect((await post('/v1/usage/quote', { currency: 'usd', items }, null)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  const debitOf = (amount: number): object => ({ customer, amount, currency: 'usd' });
});

describe('bytes that are no request', () => {
  const charge = (key: string = randomUUID()): string =>
    asRequest('/v1/payments', { 'Idempotency-Key': key }, JSON.stringify(payFor(customer, 7))).replace(
      'Connection: close\r\n',
      '',
    );

  it('behind a charge take nothing from its reply, and claim nothing of it', async () => {
    const answers = await sendRaw(world.url, `${charge()}x\r\n\r\n`);
    expect(statusesIn(answers)).toEqual([201, 400]);
    expect(answers).toMatch(/^HTTP\/1\.1 201 .*"status":"succeeded".*"outcome":"none"/s);
  });

  it('while a charge is under way wait until it is answered', async () => {
    const release = await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const socket = await open(world.url);
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    const closed = once(socket, 'close');
    const key = randomUUID();
    socket.write(charge(key));
    await until(async () => (await world.query('select 1 from claims where key = $1', [key])).length > 0);
    socket.write('x\r\n\r\n');
    await sleep(100);
    expect(answer).toBe('');
    await release();
    await closed;
    expect(statusesIn(answer)).toEqual([201, 400]);
  });

  it('within a body that comes in pieces say that nothing was done, and nothing was', async () => {
    const key = randomUUID();
    const request = charge(key).replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked');
    const [head = ''] = request.split('\r\n\r\n');
    const answers = await sendRaw(world.url, `${head}\r\n\r\n5\r\n{"cus\r\nzz\r\n`);
    expect([statusesIn(answers), errorsIn(answers)]).toEqual([
      [400],
      [expect.objectContaining({ code: 'invalid_request', outcome: 'none' })],
    ]);
    expect(await world.query('select 1 from claims where key = $1', [key])).toEqual([]);
  });

  it.each([
    [400, 'no Host', 'GET /v1/payments HTTP/1.1\r\nConnection: close\r\n\r\n'],
    [400, 'two Hosts', 'GET /v1/payments HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n'],
    [
      400,
      'another coding than chunks',
      'POST /v1/debits HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    ],
    [417, 'an expectation', 'GET /v1/payments HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n'],
    [431, 'headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    [405, 'a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n'],
    [400, 'a URL that is none', 'GET http://[/v1/payments HTTP/1.1\r\nHost: x\r\n\r\n'],
    [404, 'an upgrade', 'GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n'],
    [400, 'HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [400, 'TLS', Buffer.from('1603010200010001fc0303', 'hex')],
    [400, 'two lengths', 'POST /v1/debits HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}'],
    [
      400,
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
  ])('are answered with %d and the envelope of every error: %s', async (status, _, bytes) => {
    const answer = await sendRaw(world.url, bytes);
    expect(statusesIn(answer)).toEqual([status]);
    const [error] = errorsIn(answer);
    expect(error).toMatchObject({ outcome: 'none', request_id: expect.stringMatching(/^req_/) });
    expect(answer).toContain(`Request-Id: ${error?.request_id ?? ''}`);
  });

  it('a tunnel that is asked for behind a charge is refused when that is answered', async () => {
    const answers = await sendRaw(world.url, `${charge()}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(statusesIn(answers)).toEqual([201, 405]);
  });

  it('whose tunnel is broken off by its caller do not end the process', async () => {
    for (let n = 0; n < 40; n++) {
      const socket = await open(world.url);
      socket.write(`CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n${n % 2 === 0 ? '' : 'x'.repeat(100_000)}`);
      if (n % 4 > 1) await sleep(2);
      socket.resetAndDestroy();
    }
    await sleep(100);
    expect((await get('/v1/items/item_demo')).status).toBe(200);
  });

  it.each(['DELETE', 'POST'])(
    'of a %s that takes no body are waited for: broken off, nothing is done',
    async (method) => {
      const { body: endpoint } = await post('/v1/webhook_endpoints', {
        url: 'https://example.com/',
        enabled_events: ['*'],
      });
      const path = `/v1/webhook_endpoints/${endpoint.id}`;
      const head = `${method} ${path}${method === 'POST' ? '/rotate_secret' : ''} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_demo\r\n`;
      const before = await get(path);
      const answers = await sendRaw(world.url, `${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n`);
      expect([statusesIn(answers), errorsIn(answers)[0]?.outcome]).toEqual([[400], 'none']);
      const cut = await open(world.url);
      cut.end(`${head}Content-Length: 5\r\n\r\nab`);
      await once(cut.resume(), 'close');
      expect(await get(path)).toMatchObject({ status: 200, text: before.text });
    },
  );

  it('leave the service as it was', async () => expect((await get('/v1/items/item_demo')).status).toBe(200));
});

describe('a body', () => {
  it('whose head says that it is too large is refused before any of it comes', async () => {
    const socket = await open(world.url);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(asRequest('/v1/payments', {}, '').replace('Content-Length: 0', 'Content-Length: 300000'));
    await until(() => answer.includes('\r\n\r\n{'));
    expect([statusesIn(answer), errorsIn(answer)[0]?.code]).toEqual([[413], 'body_too_large']);
    socket.destroy();
  });

  const confirm = `/v1/payments/pay_${'0'.repeat(32)}/confirm`;
  it('that is absent is as good as an empty object, whatever its type', async () => {
    for (const type of ['application/json', 'text/plain', '']) {
      const { status, body } = await post('/v1/customers', '', undefined, { 'Content-Type': type });
      expect([status, body.object]).toEqual([201, 'customer']);
    }
  });

  it.each(['gzip', 'deflate', 'br', 'x-anything'])('is not inflated: %s', async (encoding) => {
    const { status, body } = await post('/v1/customers', '{}', undefined, { 'Content-Encoding': encoding });
    expect([status, body.error.code, body.error.param]).toEqual([415, 'invalid_request', 'Content-Encoding']);
  });

  it('from a page in a browser is no longer than a page has a use for', async () => {
    const long = JSON.stringify({ return_url: 'x'.repeat(20_000) });
    expect((await world.as('pk_test_demo').post(confirm, long)).status).toBe(413);
    expect((await post(confirm, '{}')).status).toBe(404);
  });

  it('that is no UTF-8 is not taken for something else', async () => {
    const headers = { Authorization: 'Bearer sk_test_demo', 'Content-Type': 'application/json' };
    const response = await fetch(`${world.url}/v1/customers`, {
      method: 'POST',
      headers,
      body: Buffer.from([...Buffer.from('{"name":"'), 0xe4, ...Buffer.from('"}')]),
    });
    expect(response.status).toBe(400);
  });

  it('of a webhook is not read before its signature has the form of one, of about now', async () => {
    const now = Math.floor(Date.now() / 1000);
    const v1 = `v1=${'0'.repeat(64)}`;
    for (const signature of ['', 'x', `t=NaN,${v1}`, `t=${now + 400},${v1}`, `t=${now - 400},${v1}`, `t=${now},v1=0`])
      expect(
        await sendRaw(
          world.url,
          `POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\nStripe-Signature: ${signature}\r\n\r\n`,
        ),
      ).toMatch(/^HTTP\/1.1 400 .*webhook_signature_invalid/s);
  });
});

describe('what one merchant does alone', () => {
  it('is decided, and never costs those their batch who share it', async () => {
    const item = { id: newId('item'), name: 'widget', unit_price: '5', currency: 'usd' };
    expect((await post('/v1/items', item)).status).toBe(201);
    const before = await batches();
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, () => post('/v1/items', item, null)),
      ...Array.from({ length: 30 }, () => post('/v1/debits', { customer, amount: 1, currency: 'usd' })),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([...Array(30).fill(409), ...Array(30).fill(201)]);
    // Halved until the refused ones stand alone, they would have been far more; and nothing was rolled back.
    expect((await batches()) - before).toBeLessThan(60);
    expect(world.logged()).not.toContain('a batch is tried again');
  });
  const batches = async (): Promise<number> => (await world.query('select 1 from batches')).length;

  it('in one request that makes the same item twice at once, one is made', async () => {
    const item = { id: newId('item'), name: 'widget', unit_price: '5', currency: 'usd' };
    const statuses = (await Promise.all([1, 2, 3].map(() => post('/v1/items', item)))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, 409, 409]);
  });
});

describe('a publishable key', () => {
  it('is shown neither customer, description nor metadata of a payment', async () => {
    const more = { confirm: false, description: 'private', metadata: { order: 'private' } };
    const { body: made } = await post('/v1/payments', { ...payFor(customer, 5), ...more });
    const page = world.as('pk_test_demo');
    const secret = made.client_secret ?? '';
    const read = await page.get(`/v1/payments/${made.id}?client_secret=${secret}`);
    const confirmed = await page.post(`/v1/payments/${made.id}/confirm`, { client_secret: secret });
    for (const { status, text, body } of [read, confirmed]) {
      expect([status, body.customer, body.description, body.metadata]).toEqual([200, null, null, {}]);
      expect(text).not.toContain('private');
    }
  });

  it('tries no more cards on a payment in an hour than a customer has', async () => {
    const { body: made } = await post('/v1/payments', { ...payFor(customer, 5), confirm: false });
    const declined = { payment_method: 'pm_card_visa_chargeDeclined' };
    const path = `/v1/payments/${made.id}/confirm`;
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push((await post(path, declined, `card-${made.id}-${n}`)).status);
    expect(statuses).toEqual([...Array(10).fill(402), 429, 429]);
    const { body, headers } = await post(path, declined);
    expect([body.error.code, body.error.outcome, headers.get('retry-after')]).toEqual([
      'too_many_attempts',
      'none',
      '3600',
    ]);
    const replayed = await post(path, declined, `card-${made.id}-3`);
    expect([replayed.status, replayed.headers.get('idempotent-replayed')]).toEqual([402, 'true']);
  });
});

describe('what depends on the key says so', () => {
  it('in an item, which a cache keeps, and an error is kept by none', async () => {
    const { headers } = await get('/v1/items/item_demo', { Origin: 'http://localhost:5173' });
    expect(headers.get('vary')).toContain('Authorization');
    expect(headers.get('access-control-expose-headers')).toContain('ETag');
    expect((await world.as('sk_none').get('/v1/items/item_demo')).headers.get('cache-control')).toBe('no-store');
  });
});

describe('what a browser asks beforehand', () => {
  it('is answered with an id and the headers of any other answer', async () => {
    const headers = { Origin: 'http://localhost:5173', 'Access-Control-Request-Method': 'GET' };
    const answer = await fetch(`${world.url}/v1/items/item_demo`, { method: 'OPTIONS', headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('demo keys, which anyone knows', () => {
  it.each([
    ['Host', 'evil.example:3000'],
    ['Origin', 'https://evil.example'],
    ['Origin', 'null'],
  ])('open nothing to a page from elsewhere, by its %s %s', async (name, value) => {
    const answer = await sendRaw(
      world.url,
      `GET /v1/payments HTTP/1.1\r\n${name === 'Host' ? '' : 'Host: localhost\r\n'}${name}: ${value}\r\nConnection: close\r\nAuthorization: Bearer sk_test_demo\r\n\r\n`,
    );
    expect([statusesIn(answer), errorsIn(answer)[0]?.code]).toEqual([[401], 'unauthenticated']);
  });
});

describe('a document that anyone may read', () => {
  it('is read by a caller who waits while others take none of many', async () => {
    const asked = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(16);
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open(world.url)));
    for (const socket of sockets) socket.pause().write(asked);
    await sleep(200);
    expect((await get('/v1/items/item_demo')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await get('/openapi.json')).status === 200);
  });
});

describe('keys that nobody has', () => {
  it('keep out nobody, whether he was here before or comes for the first time', async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, (_, n) => world.createKey(`New ${n}`, 'secret')));
    // Of each it is remembered for some seconds that nobody has it, and that is no try.
    const guesses = Promise.all(
      Array.from({ length: 300 }, () => world.as(`sk_test_${randomUUID()}`).get('/v1/payments')),
    );
    const answers = await Promise.all(keys.map((key) => world.as(key).get('/v1/payments')));
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(new Set((await guesses).map(({ status }) => status))).toEqual(new Set([401, 429]));
  });
});

describe('an idempotency key', () => {
  it('is the same on the same payment, however its id is spelled', async () => {
    const { body: payment } = await post('/v1/payments', { ...payFor(customer, 5), confirm: false });
    const key = randomUUID();
    const confirmed = await post(`/v1/payments/${payment.id}/confirm`, {}, key);
    const spelled = await post(`/v1/payments/${payment.id.replace('pay_', '%70ay_')}/confirm`, {}, key);
    expect([confirmed.status, spelled.status, spelled.headers.get('idempotent-replayed')]).toEqual([200, 200, 'true']);
    expect(spelled.text).toBe(confirmed.text);
  });
});
