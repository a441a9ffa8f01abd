import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { createCheckout } from '../../src/client/checkout.ts';
import { createClient, type Quittance } from '../../src/client/index.ts';
import { afterSuite } from '../support/cleanup.ts';

/** Answers a request, of which so many came before. */
type Answer = (response: ServerResponse, before: number, request: IncomingMessage) => void;

const startGateway = async (answer: Answer): Promise<Quittance> => {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response, asked++, request));
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  afterSuite(async () => {
    server.closeAllConnections();
    await new Promise((go) => server.close(go));
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return createClient({ key: 'sk_test_demo', baseUrl: `http://127.0.0.1:${port}`, retries: 1 });
};

const saying =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));

const payment = { customer: `cus_${'0'.repeat(32)}`, amount: 1250, currency: 'usd', confirm: true };

describe('what a gateway answers in the place of the service', () => {
  // As Google's and Microsoft's do, and what a careless one may.
  it.each([
    [504, { error: { code: 504, message: 'upstream request timeout', status: 'DEADLINE_EXCEEDED' } }],
    [504, { error: { code: 'GatewayTimeout', message: 'The gateway did not receive a response in time.' } }],
    [502, { error: null }],
    [500, { error: {} }],
    [503, { message: 'no healthy upstream' }],
    [200, null],
    [200, 'ok'],
  ])('with status %s and the body %j tells nothing of the money', async (status, body) => {
    const quittance = await startGateway(saying(status, body));
    const error = (await quittance.createPayment(payment))._unsafeUnwrapErr();
    expect([error.code, error.outcome]).toEqual(['unreadable_reply', 'unknown']);
    const read = (await quittance.readPayment({ id: 'pay_x' }))._unsafeUnwrapErr();
    expect([read.code, read.outcome]).toEqual(['unreadable_reply', 'none']);
  });

  it('leaves in doubt what it was asked for, though the service refuses the next try', async () => {
    const refusal = { code: 'overloaded', message: 'busy', outcome: 'none', retry: 'same_key', type: 'api_error' };
    const quittance = await startGateway((response, before, request) =>
      (before === 0 ? saying(504, { message: 'timeout' }) : saying(503, { error: refusal }))(response, before, request),
    );
    const error = (await quittance.createPayment(payment))._unsafeUnwrapErr();
    expect([error.code, error.outcome]).toEqual(['overloaded', 'unknown']);
  });

  it('by sending the request elsewhere makes no payment of another answer', async () => {
    const quittance = await startGateway((response, before, request) => {
      if (request.method === 'POST') saying(301, {}, { Location: '/v1/payments' })(response, before, request);
      else saying(200, { object: 'list', data: [], has_more: false })(response, before, request);
    });
    const error = (await quittance.charge(payment.customer, 1250))._unsafeUnwrapErr();
    expect([error.code, error.outcome]).toEqual(['unreadable_reply', 'unknown']);
  });

  it('ends a list with a failure, and throws nothing', async () => {
    const quittance = await startGateway(saying(200, { hello: 'sign in to the network' }));
    const codes: string[] = [];
    for await (const item of quittance.each.listPayments())
      codes.push(
        item.match(
          () => 'a payment',
          ({ code }) => code,
        ),
      );
    expect(codes).toEqual(['unreadable_reply']);
  });

  it('lets no checkout say that nothing was charged', async () => {
    const timeout = saying(504, { error: { code: 504, message: 'upstream request timeout' } });
    const unpaid = { id: 'pay_x', status: 'requires_payment_method', amount: 1, currency: 'usd', last_error: null };
    const quittance = await startGateway((response, before, request) =>
      (request.method === 'POST' ? timeout : saying(200, unpaid))(response, before, request),
    );
    const page = new AbortController();
    const checkout = createCheckout({ quittance, clientSecret: 'pay_x_secret_y', signal: page.signal });
    (await checkout.load())._unsafeUnwrap();
    const seen = new Set<string>();
    checkout.subscribe(({ name }) => seen.add(name));
    const paying = checkout.pay({ payment_method: 'pm_card_visa' });
    await new Promise((go) => setTimeout(go, 6_000));
    page.abort();
    (await paying)._unsafeUnwrap();
    expect([...seen]).toEqual(['idle', 'confirming', 'unknown']);
  });
});
