import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createClient, verifyWebhook, type Quittance } from '../../src/client/index.ts';
import { signedHeaders, newSecret } from '../../src/webhooks/sign.ts';
import { afterSuite } from '../support/cleanup.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';
import { startWorld, type World } from '../support/service.ts';

let world: World;
let wire: Proxy;
let quittance: Quittance;
let customer: string;

beforeAll(async () => {
  world = await startWorld();
  wire = await startProxy(world.url);
  quittance = createClient({ key: 'sk_test_demo', baseUrl: wire.url });
  customer = await world.createCustomer();
});

const card = (more: object = {}) => ({
  ...{ customer, amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
  ...more,
});
const charges = async (): Promise<number> => (await world.sandboxCounts())['charges'] ?? 0;

describe('the client', () => {
  it('charges a card, and reads what it made', async () => {
    const paid = (await quittance.createPayment(card()))._unsafeUnwrap();
    expect(paid.status).toBe('succeeded');
    const read = (await quittance.readPayment({ id: paid.id }))._unsafeUnwrap();
    expect(read).toEqual(paid);
    const balance = (await quittance.readCustomerBalance({ id: customer, currency: 'usd' }))._unsafeUnwrap();
    expect(balance.posted).toBe('1250');
  });

  it('answers a decline as a value that a match over the errors of the route takes apart', async () => {
    const declined = await quittance.createPayment(
      card({ payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds' }),
    );
    const told = declined.match(
      () => 'paid',
      (error) => {
        if (error.code !== 'card_declined') return error.code;
        return `declined: ${String(error.declineCode)}, ${error.outcome}, ${error.retry}`;
      },
    );
    expect(told).toBe('declined: insufficient_funds, none, new_key');
  });

  it('makes a key for whoever gives none, and does a request under a key that was given once', async () => {
    const key = randomUUID();
    const before = await charges();
    const [first, second] = await Promise.all([
      quittance.createPayment(card(), { idempotencyKey: key }),
      quittance.createPayment(card(), { idempotencyKey: key }),
    ]);
    expect(second._unsafeUnwrap()).toEqual(first._unsafeUnwrap());
    expect(await charges()).toBe(before + 1);
    expect((await quittance.readPayment({ id: 'pay_nothing' }))._unsafeUnwrapErr().code).toBe('invalid_request');
  });

  it('charges once, though the connection is cut before the request, after it, and in the reply', async () => {
    const before = await charges();
    let cuts = 0;
    wire.judge((bytes) => {
      if (!bytes.toString().startsWith('POST /v1/payments')) return 'forward';
      cuts++;
      return cuts === 1 ? 'lose' : cuts <= 3 ? 'deliver and cut' : 'forward';
    });
    const paid = (await quittance.createPayment(card({ amount: 700 })))._unsafeUnwrap();
    wire.judge(() => 'forward');
    expect(cuts).toBeGreaterThan(2);
    expect(paid.status).toBe('succeeded');
    expect(await charges()).toBe(before + 1);
  });

  it('goes through every item of a list, page after page', async () => {
    const friend = await world.createCustomer();
    for (let nth = 0; nth < 5; nth++)
      expect((await quittance.createPayment(card({ customer: friend, amount: 100 + nth }))).isOk()).toBe(true);
    const amounts: number[] = [];
    for await (const payment of quittance.each.listPayments({ customer: friend, limit: 2 }))
      amounts.push(payment._unsafeUnwrap().amount);
    expect(amounts).toEqual([104, 103, 102, 101, 100]);
  });

  it('gives up at once when its caller does, and says so', async () => {
    wire.judge(() => 'swallow');
    const controller = new AbortController();
    const asked = quittance.createPayment(card(), { signal: controller.signal });
    controller.abort();
    const error = (await asked)._unsafeUnwrapErr();
    wire.judge(() => 'forward');
    expect([error.code, error.outcome]).toEqual(['aborted', 'unknown']);
    expect(error.idempotencyKey).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('knows that a service which refuses the connection has done nothing', async () => {
    const closed = createServer();
    await new Promise<void>((go) => closed.listen(0, '127.0.0.1', go));
    const { port } = closed.address() as AddressInfo;
    await new Promise((go) => closed.close(go));
    const nobody = createClient({ key: 'sk_test_demo', baseUrl: `http://127.0.0.1:${port}`, retries: 1 });
    const error = (await nobody.createPayment(card()))._unsafeUnwrapErr();
    expect([error.code, error.outcome]).toEqual(['connection_failed', 'none']);
  });
});

describe('a later service', () => {
  const answering = async (...answers: (readonly [status: number, body: string, headers?: object])[]) => {
    const asked: { key: string | undefined; at: number }[] = [];
    const server = createServer((request, response) => {
      const [status, body, headers = {}] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, ''];
      asked.push({ key: String(request.headers['idempotency-key']), at: performance.now() });
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
    });
    await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
    afterSuite(async () => {
      server.closeAllConnections();
      await new Promise((go) => server.close(go));
    });
    const { port } = server.address() as AddressInfo;
    return { asked, client: createClient({ key: 'sk_x', baseUrl: `http://127.0.0.1:${port}` }) };
  };
  const failing = (code: string, retry: string) =>
    JSON.stringify({ error: { code, message: 'No.', outcome: 'none', retry, type: 'api_error', param: null } });

  it('may answer a code that this client does not know: it is unrecognised, and keeps its name', async () => {
    const { client } = await answering([402, failing('card_on_fire', 'never')]);
    const error = (await client.createPayment(card()))._unsafeUnwrapErr();
    expect(error).toMatchObject({ code: 'unrecognised', serverCode: 'card_on_fire', outcome: 'none' });
  });

  it('is asked again under the same key while it says so, after as long as it says', async () => {
    const { asked, client } = await answering(
      [503, failing('overloaded', 'same_key'), { 'Retry-After': '1' }],
      [409, failing('idempotency_key_in_use', 'same_key'), { 'Retry-After': '0' }],
      [502, '<html>bad gateway</html>'],
      [201, '{"id":"pay_1"}'],
    );
    expect((await client.createPayment(card())).isOk()).toBe(true);
    expect(asked).toHaveLength(4);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
    expect(asked[1]!.at - asked[0]!.at).toBeGreaterThan(900);
  });

  it('is not asked again where it says never', async () => {
    const { asked, client } = await answering([400, failing('invalid_request', 'never')]);
    expect((await client.createPayment(card())).isErr()).toBe(true);
    expect(asked).toHaveLength(1);
  });
});

describe('a webhook', () => {
  const secret = newSecret();
  const body = JSON.stringify({ id: 'evt_1', object: 'event', type: 'payment.succeeded' });
  const nowS = Math.floor(Date.now() / 1000);

  it('of the service is believed, and read', async () => {
    const event = (await verifyWebhook(body, signedHeaders('evt_1', nowS, body, [secret]), secret))._unsafeUnwrap();
    expect(event.type).toBe('payment.succeeded');
  });

  it('of anybody else, changed on its way, or kept for an hour is not', async () => {
    const codeOf = async (headers: Record<string, string>, text = body) =>
      (await verifyWebhook(text, headers, secret)).match(
        () => 'believed',
        ({ code }) => code,
      );
    expect(await codeOf({})).toBe('signature_missing');
    expect(await codeOf(signedHeaders('evt_1', nowS, body, [newSecret()]))).toBe('signature_wrong');
    expect(await codeOf(signedHeaders('evt_1', nowS, body, [secret]), `${body} `)).toBe('signature_wrong');
    expect(await codeOf(signedHeaders('evt_1', nowS - 3600, body, [secret]))).toBe('too_old');
  });
});
