import { describe, expect, it } from '@jest/globals';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { ERRORS } from '../../src/error.ts';
import { sendRaw } from '../support/raw.ts';
import { payFor, send, startService, startWorld, type Answer } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';
import { until } from '../support/until.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const { get, post, createCustomer } = world;
const options = (path: string, origin = 'https://shop.example'): Promise<Answer> =>
  send(world.url, {
    method: 'OPTIONS',
    path,
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization,idempotency-key',
    },
  });

describe('every answer', () => {
  it('has a Request-Id of its own, which its error repeats and the log has', async () => {
    const answers = await Promise.all([
      get('/v1/payments'),
      get('/v1/payments/x'),
      get('/nowhere'),
      world.as('x').get('/v1/payments'),
    ]);
    const ids = answers.map(({ headers }) => headers.get('request-id'));
    expect(new Set(ids).size).toBe(ids.length);
    for (const [index, { body, status }] of answers.entries())
      if (status !== 200) expect(body.error.request_id).toBe(ids[index]);
    for (const id of ids) {
      expect(id).toMatch(/^req_/);
      expect(world.logged()).toContain(String(id));
    }
  });

  it('is one line of the log: method, template of the route, status and duration, and never the path or a body', async () => {
    const customer = await createCustomer();
    const { headers } = await post('/v1/payments', payFor(customer, 5, { description: 'a private matter' }));
    const line = world
      .logged()
      .split('\n')
      .filter((one) => one.includes(String(headers.get('request-id'))) && one.includes('"msg":"request"'));
    expect(line).toHaveLength(1);
    expect(JSON.parse(line[0]!)).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/payments',
      'http.response.status_code': 201,
      duration_ms: expect.any(Number),
    });
    expect(world.logged()).not.toContain('a private matter');
    expect(world.logged()).not.toContain('sk_test_demo');
  });

  it('comes in the order of the questions, of two hundred that are asked at once on one connection', async () => {
    const customer = await createCustomer();
    const asked = Array.from({ length: 200 }, (_, n) => ['usd', 'eur', 'jpy'][n % 3]!);
    const requests = asked.map((currency, n) =>
      [
        `GET /v1/customers/${customer}/balance?currency=${currency} HTTP/1.1`,
        'Host: localhost',
        'Authorization: Bearer sk_test_demo',
        `Connection: ${n === asked.length - 1 ? 'close' : 'keep-alive'}`,
        '\r\n',
      ].join('\r\n'),
    );
    const answers = await sendRaw(world.url, requests.join(''));
    expect([...answers.matchAll(/"currency":"(\w+)"/g)].map(([, currency]) => currency)).toEqual(asked);
  });

  it('is kept by no cache, guessed at by no browser, and says not what serves it', async () => {
    for (const path of ['/v1/payments', '/v1/payments/x', '/nowhere']) {
      const { headers } = await get(path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('strict-transport-security')).toMatch(/max-age=/);
      expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('etag')).toBeNull();
    }
  });
});

describe('an error', () => {
  it.each([
    ['GET', '/v1'],
    ['GET', '/v1/payment'],
    ['GET', '/v1/payments/'],
    ['GET', '/V1/payments'],
    ['GET', '/.env'],
    ['PUT', '/.env'],
    ['GET', '/docs/errors/../../package.json'],
  ])('for what is no route: %s %s', async (method, path) => {
    const { status, body } = await send(world.url, { method, path, headers: { Authorization: 'Bearer sk_test_demo' } });
    expect([status, body.error.code, body.error.type]).toEqual([404, 'route_not_found', 'invalid_request_error']);
  });

  it.each([
    ['DELETE', '/v1/payments', 'POST, GET, HEAD'],
    ['PUT', '/v1/customers', 'POST, GET, HEAD'],
    ['GET', '/v1/debits', 'POST'],
    ['GET', '/v1/transfers/bulk', 'POST'],
    ['PATCH', '/v1/items/item_demo', 'GET, HEAD, OPTIONS'],
    ['GET', '/webhooks/stripe', 'POST'],
    ['OPTIONS', '/v1/payments', 'POST, GET, HEAD'],
  ])('for a method that the path does not know says which it does: %s %s', async (method, path, allow) => {
    const { status, headers, body } = await send(world.url, { method, path, headers: {} });
    expect([status, body.error.code, headers.get('allow')]).toEqual([405, 'route_not_found', allow]);
  });

  it('is told as RFC 9457 where the client asks for that', async () => {
    const { status, headers, text } = await get('/v1/payments/x', { Accept: 'application/problem+json' });
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json']);
    expect(JSON.parse(text)).toEqual({
      type: '/docs/errors#invalid_request',
      title: 'Bad Request',
      status: 400,
      detail: expect.stringContaining('id: '),
      instance: headers.get('request-id'),
      kind: 'invalid_request_error',
      code: 'invalid_request',
      param: 'id',
      outcome: 'none',
      retry: 'never',
    });
  });

  it('that is a page stays one, also for who asks for RFC 9457', async () => {
    const signIn = await fetch(`${world.url}/console/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { Origin: world.url },
      body: new URLSearchParams({ key: DEMO_KEYS.finance }),
    });
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? '';
    const asked = { Cookie: cookie, Accept: 'application/problem+json' };
    const { status, headers } = await send(world.url, {
      method: 'GET',
      path: '/console/payouts?starting_after=x',
      headers: asked,
    });
    expect([status, headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
  });

  it('leads to its anchor on the page of errors', async () => {
    const { body } = await get('/v1/payments/x');
    const page = await get(body.error.doc_url.split('#')[0]!);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    for (const code of Object.keys(ERRORS)) expect(page.text).toContain(`id="${code}"`);
    expect(page.text).not.toContain('<script');
  });
});

describe('a browser of another origin', () => {
  it.each(['/v1/items/item_demo', `/v1/payments/pay_${'0'.repeat(32)}`, `/v1/payments/pay_${'0'.repeat(32)}/confirm`])(
    'may call %s',
    async (path) => {
      const { status, headers } = await options(path);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    },
  );

  it('may read what it asked for, refusals too', async () => {
    for (const key of ['pk_test_demo', 'pk_test_nobody']) {
      const { headers } = await world.as(key).get('/v1/items/item_demo', { Origin: 'https://shop.example' });
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-expose-headers')).toContain('Request-Id');
    }
  });

  it.each(['/v1/payments', '/v1/customers', '/v1/debits', '/v1/accounts'])('may not call %s', async (path) => {
    expect((await options(path)).headers.get('access-control-allow-origin')).toBeNull();
    expect((await get(path, { Origin: 'https://shop.example' })).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('may only be one of those that are named, where some are', async () => {
    const narrow = await startService({
      databaseUrl: world.databaseUrl,
      sandboxUrl: world.sandbox.url,
      env: { CORS_ORIGINS: 'https://shop.example' },
    });
    const allowed = async (origin: string): Promise<string | null> =>
      (await narrow.get('/v1/items/item_demo', { Origin: origin })).headers.get('access-control-allow-origin');
    expect(await allowed('https://shop.example')).toBe('https://shop.example');
    expect(await allowed('https://evil.example')).toBeNull();
  });
});

describe('a service that is told to stop', () => {
  it('finishes what is in flight, takes nothing more, and leaves no attempt unsettled', async () => {
    const stopping = await startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url });
    const customers = await Promise.all(Array.from({ length: 10 }, () => createCustomer()));
    await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 10 });
    const running = customers.map((customer) => stopping.post('/v1/payments', payFor(customer, 5)));
    const open = async (): Promise<number> =>
      (await world.query('select 1 from attempts where outcome is null')).length;
    while ((await open()) < customers.length);

    // Far longer than the suite may take: what is in flight ends by itself, or this test fails.
    const closed = stopping.service.close(600_000);
    // It listens a moment longer, so that whoever knows it already is told to leave.
    await until(() =>
      fetch(`${stopping.url}/v1/payments`).then(
        () => false,
        () => true,
      ),
    );
    await stripe.heal();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual(customers.map(() => 201));
    expect((await closed).isOk()).toBe(true);
    expect(await open()).toBe(0);
  });
});
