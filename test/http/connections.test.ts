import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { stripeAt } from '../support/stripe.ts';
import { asRequest, errorsIn, open, sendRaw, statusesIn } from '../support/raw.ts';
import { payFor, startService, startWorld, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const customer = await world.createCustomer(1_000);
const another = (limits: object = {}): Promise<TestService> =>
  startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url, limits });

const keptAlive = (path: string, headers: Record<string, string>, body: object): string =>
  asRequest(path, headers, JSON.stringify(body)).replace('Connection: close\r\n', '');
const ITEM = 'GET /v1/items/item_demo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_demo\r\n\r\n';

/** What comes on a connection, as text. */
const listen = (socket: Socket): { readonly text: () => string } => {
  let text = '';
  socket.setEncoding('utf8').on('data', (more: string) => (text += more));
  return { text: () => text };
};

describe('a request that does not come to its end', () => {
  const service = another({ requestMs: 500, requestLookEveryMs: 100 });

  it.each([
    ['its body', asRequest('/v1/payments', { 'Idempotency-Key': 'never-came' }, 'x'.repeat(99)).slice(0, -50)],
    ['its head', 'POST /v1/payments HTTP/1.1\r\nHost: x\r\n'],
  ])('is cut off with the envelope of every error, and nothing was done: %s', async (_, bytes) => {
    const answer = await sendRaw((await service).url, bytes);
    expect(statusesIn(answer)).toEqual([408]);
    const [error] = errorsIn(answer);
    expect(error).toMatchObject({ code: 'invalid_request', outcome: 'none' });
    expect(answer).toContain(`Request-Id: ${error?.request_id ?? '?'}`);
    expect(await world.query("select 1 from claims where key = 'never-came'")).toEqual([]);
  });

  it('is no reason to cut off one that waits for its answer', async () => {
    const release = await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const paying = (await service).post('/v1/payments', payFor(customer, 5));
    await sleep(1_000);
    await release();
    expect((await paying).status).toBe(201);
  });
});

describe('replies that are not taken', () => {
  const limits = { takeReplyMs: 400, lookEveryMs: 50 };
  const documents = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200);

  it('end their connection, whether none of them is taken or one byte now and then', async () => {
    const { url } = await another(limits);
    const silent = await open(url);
    silent.pause().write(documents);
    // It reads a byte, and lets a while pass, again and again.
    const { hostname, port } = new URL(url);
    const slow: Socket = connect({
      ...{ port: Number(port), host: hostname },
      onread: {
        buffer: Buffer.alloc(1),
        callback: () => {
          setTimeout(() => slow.resume(), 100);
          return false;
        },
      },
    });
    slow.on('error', () => undefined);
    slow.write(documents);
    const isCut = async (socket: Socket): Promise<boolean> => {
      await sleep(100);
      return new Promise((resolve) => socket.write(ITEM, (error) => resolve(error !== undefined && error !== null)));
    };
    await until(() => isCut(silent));
    await until(() => isCut(slow));
  });

  it('hold no more than there is room for, of all connections together', async () => {
    const { url } = await another({ takeReplyMs: 60_000, lookEveryMs: 50, repliesMaxBytes: 1024 * 1024 });
    const silent = await open(url);
    silent.pause().write(documents);
    const isCut = async (): Promise<boolean> => {
      await sleep(100);
      return new Promise((resolve) => silent.write(ITEM, (error) => resolve(error !== undefined && error !== null)));
    };
    await until(isCut);
    expect(statusesIn(await sendRaw(url, ITEM.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')))).toEqual([200]);
    silent.destroy();
  });

  it('are given all the time that it takes to read them', async () => {
    const { url } = await another(limits);
    const socket = await open(url);
    let bytes = 0;
    // 64 KB in a tenth of a second: far slower than they come, and for longer than nothing may be taken.
    socket.on('data', ({ length }: Buffer) => {
      bytes += length;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    const closed = once(socket, 'close');
    const asked = 'GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
    socket.write(asked.repeat(30) + asked.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await closed;
    const one = (await (await fetch(`${url}/openapi.json`)).arrayBuffer()).byteLength;
    expect(bytes).toBeGreaterThan(31 * one);
  });
});

describe('a request that is cut short behind another on its connection', () => {
  it.each([
    ['without a key, which is refused by its head', 'Authorization: Bearer sk_test_demo\r\n', '', [200, 401]],
    ['with one', '', '', [200]],
  ])('%s, is answered once at the most', async (_, from, to, statuses) => {
    const socket = await open(world.url);
    const heard = listen(socket);
    const closed = once(socket, 'close');
    socket.write(ITEM);
    await until(() => statusesIn(heard.text()).length === 1);
    socket.write(
      asRequest('/v1/debits', {}, 'x'.repeat(99)).replace(from, to).replace('Connection: close\r\n', '').slice(0, -50),
    );
    await sleep(100);
    socket.end();
    await closed;
    expect(statusesIn(heard.text()).slice(0, statuses.length)).toEqual(statuses);
    expect(statusesIn(heard.text()).length).toBeLessThanOrEqual(2);
    expect(errorsIn(heard.text()).length).toBeLessThanOrEqual(1);
  });

  it('without a key, and then garbage: each is answered once', async () => {
    const socket = await open(world.url);
    const heard = listen(socket);
    const closed = once(socket, 'close');
    socket.write(`${ITEM}POST /v1/debits HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab`);
    await until(() => statusesIn(heard.text()).length === 2);
    socket.write('\r\nzz\r\n');
    await closed;
    expect(statusesIn(heard.text())).toEqual([200, 401]);
  });
});

describe('a charge whose caller hangs up', () => {
  const charges = async (): Promise<number> => (await world.sandboxCounts())['charges']!;
  const settled = async (body: object, key: string) => {
    for (;;) {
      const answer = await world.post('/v1/payments', body, key);
      if (answer.status !== 409) return answer;
      await sleep(20);
    }
  };

  it('at whatever moment, is made once, and his key is told of it', async () => {
    const before = await charges();
    const body = payFor(customer, 5);
    const moments = Array.from({ length: 24 }, (_, n) => n);
    for (const n of moments) {
      const key = randomUUID();
      const request = keptAlive('/v1/payments', { 'Idempotency-Key': key }, body);
      const socket = await open(world.url);
      socket.resume();
      // A third breaks off within what is sent; the others later and later, with and without a word.
      socket.write(n % 3 === 0 ? request.slice(0, Math.ceil((request.length * (n + 1)) / 24)) : request);
      await sleep(n % 3 === 0 ? 0 : n);
      if (n % 3 === 1) socket.resetAndDestroy();
      else socket.destroy();
      const told = await settled(body, key);
      const again = await settled(body, key);
      expect([told.status, again.text]).toEqual([201, told.text]);
    }
    expect(await charges()).toBe(before + moments.length);
  });
});

describe('a service that is told to stop', () => {
  it('is kept from it neither by tunnels that are held, nor by documents that are never read', async () => {
    const { url, service } = await another();
    const { hostname, port } = new URL(url);
    const held = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    held.on('error', () => undefined);
    held.write('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
    const unread = await open(url);
    unread.pause().write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
    await sleep(100);
    (await service.close(1_500))._unsafeUnwrap();
    held.destroy();
    unread.destroy();
  });

  it('tells a client who comes seconds later that he is to leave, and loses nothing of his', async () => {
    const { url, service } = await another();
    const socket = await open(url);
    const heard = listen(socket);
    socket.write(ITEM);
    await until(() => statusesIn(heard.text()).length === 1);
    const closed = service.close(9_000);
    await sleep(1_000);
    socket.write(ITEM);
    await until(() => statusesIn(heard.text()).length === 2);
    expect(heard.text().match(/^Connection: .*$/gim)).toEqual(['Connection: keep-alive', 'Connection: close']);
    (await closed)._unsafeUnwrap();
  });

  it('answers all that was sent ahead of a reply, and says with the last that it is', async () => {
    const { url, service } = await another();
    const release = await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const socket = await open(url);
    const heard = listen(socket);
    const debit = { customer, amount: 1, currency: 'usd' };
    socket.write(keptAlive('/v1/payments', { 'Idempotency-Key': randomUUID() }, payFor(customer, 5)));
    const ahead = randomUUID();
    socket.write(keptAlive('/v1/debits', { 'Idempotency-Key': ahead }, debit));
    // Its head is written by then, and waits for the one before it.
    await until(
      async () => (await world.query('select 1 from claims where key = $1 and status = 201', [ahead])).length > 0,
    );
    await sleep(100);
    const closed = service.close(9_000);
    await sleep(100);
    socket.write(keptAlive('/v1/debits', { 'Idempotency-Key': randomUUID() }, debit));
    await sleep(100);
    await release();
    await once(socket, 'close');
    expect(statusesIn(heard.text())).toEqual([201, 201, 201]);
    expect(heard.text().match(/^Connection: .*$/gim)).toEqual([
      'Connection: keep-alive',
      'Connection: keep-alive',
      'Connection: close',
    ]);
    (await closed)._unsafeUnwrap();
  });
});
