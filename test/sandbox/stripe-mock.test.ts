import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { afterSuite } from '../support/cleanup.ts';
import { CHARGE, startSandbox } from './support.ts';

/** The official mock: in the path, or where `go install github.com/stripe/stripe-mock@latest` puts it. */
const findMock = (): string | undefined =>
  ['stripe-mock', join(homedir(), 'go/bin/stripe-mock')].find(
    (program) => existsSync(program) || spawnSync(program, ['-version']).status === 0,
  );

const program = findMock();
if (program === undefined) {
  process.stderr.write(
    '\n  NOT CHECKED: the shapes of the sandbox against the official stripe-mock, which is not installed here.\n' +
      '  go install github.com/stripe/stripe-mock@latest\n\n',
  );
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const typeOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Objects whose keys are data, not shape; and alternatives of which the mock shows another than the sandbox. */
const NOT_SHAPE = /(^|\.)(metadata|data\.object|payment_method_details|payment_method_options|destination_details)$/;

/** What the mock's object has and ours has not, or has with another type. A null tells nothing of a type. */
const differences = (mock: Json, ours: Json, path: string): string[] => {
  if (mock === null || ours === null || NOT_SHAPE.test(path)) return [];
  if (typeOf(mock) !== typeOf(ours)) return [`${path}: ${typeOf(ours)} where the mock has ${typeOf(mock)}`];
  if (Array.isArray(mock) && Array.isArray(ours)) {
    const [first, second] = [mock[0], ours[0]];
    return first === undefined || second === undefined ? [] : differences(first, second, `${path}[]`);
  }
  if (typeof mock !== 'object' || typeof ours !== 'object' || Array.isArray(mock) || Array.isArray(ours)) return [];
  return Object.entries(mock).flatMap(([key, value]) => {
    const own = ours[key];
    return own === undefined ? [`${path}.${key}: missing`] : differences(value, own, `${path}.${key}`);
  });
};

/** What the sandbox leaves out on purpose: it is one account, and no platform of others. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = { balance: ['balance.connect_reserved: missing'] };

(program === undefined ? describe.skip : describe)("the sandbox's objects, beside those of stripe-mock", () => {
  let mockUrl = '';
  let mock: ChildProcess;
  const objects: Record<string, { path: string; ours: Json }> = {};

  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => probe.close(resolve));
    mock = spawn(program ?? '', ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
    afterSuite(async () => {
      const ended = once(mock, 'exit');
      mock.kill();
      await ended;
    });
    mockUrl = `http://127.0.0.1:${port}`;

    const sandbox = await startSandbox();
    const { stripe } = sandbox;
    const customer = await stripe.customers.create({ name: 'Ada' });
    const pay = { ...CHARGE, customer: customer.id, capture_method: 'automatic' as const };
    const intent = await stripe.paymentIntents.create(pay);
    const disputed = await stripe.paymentIntents.create({ ...pay, payment_method: 'pm_card_createDispute' });
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    await sandbox.advance(1);
    const [dispute] = (await stripe.disputes.list({ payment_intent: disputed.id })).data;
    const [event] = (await stripe.events.list({ limit: 1 })).data;
    const charge = await stripe.charges.retrieve(String(intent.latest_charge));
    const endpoint = await stripe.webhookEndpoints.create({
      url: `${mockUrl}/hook`,
      enabled_events: ['charge.expired'],
    });
    const setup = await stripe.setupIntents.create({
      ...{
        customer: customer.id,
        payment_method: 'pm_card_visa',
        confirm: true,
        allowed_payment_method_types: ['card'],
      },
    });
    const paths = {
      payment_intent: `payment_intents/${intent.id}`,
      charge: `charges/${charge.id}?expand[]=refunds`,
      balance_transaction: `balance_transactions/${String(charge.balance_transaction)}`,
      customer: `customers/${customer.id}`,
      payment_method: `payment_methods/${String(intent.payment_method)}`,
      setup_intent: `setup_intents/${setup.id}`,
      "list of a customer's payment methods": `customers/${customer.id}/payment_methods`,
      refund: `refunds/${refund.id}`,
      dispute: `disputes/${dispute!.id}`,
      event: `events/${event!.id}`,
      webhook_endpoint: `webhook_endpoints/${endpoint.id}`,
      balance: 'balance',
      'list of payment intents': 'payment_intents',
    };
    for (const [kind, path] of Object.entries(paths)) {
      objects[kind] = { path: `/v1/${path}`, ours: (await sandbox.raw('GET', `/v1/${path}`)).json as Json };
    }
  });

  test.each([
    'payment_intent',
    'charge',
    'balance_transaction',
    'customer',
    'payment_method',
    'setup_intent',
    "list of a customer's payment methods",
    'refund',
    'dispute',
    'event',
    'webhook_endpoint',
    'balance',
    'list of payment intents',
  ])('%s has every field, of the same type', async (kind) => {
    const { path, ours } = objects[kind]!;
    const response = await fetchWhenReady(`${mockUrl}${path}`);
    expect(response.status).toBe(200);
    const fixture = (await response.json()) as Json;
    const found = differences(fixture, ours, kind).filter((line) => EXPECTED[kind]?.includes(line) !== true);
    expect(found).toEqual([]);
  });
});

/** The mock says nothing when it is ready; it is asked until it answers. */
const fetchWhenReady = async (url: string): Promise<Response> => {
  const headers = { Authorization: 'Bearer sk_test_123', Connection: 'close' };
  for (let tries = 100; tries > 0; tries--) {
    try {
      return await fetch(url, { headers });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('stripe-mock does not answer');
};
