import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/domain/ids.ts';
import type { ErrorCode } from '../../src/error.ts';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/routes.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripeAt } from '../support/stripe.ts';
import { startElsewhere, type Elsewhere } from '../support/elsewhere.ts';
import type { Payment, Setup } from '../../src/client/api.ts';
import { payFor, send, startWorld, type Answer } from '../support/service.ts';

const world = await startWorld();
const { post, createCustomer, walletOf, query } = world;
const stripe = stripeAt(world.sandbox.url);

/** Why a code that a route lists is not provoked here. */
const nothingDoes =
  'a fault of ours, or a throw: nothing that is sent provokes it, and a test of it would be of the test';
const atOnce = 'its key is taken and answered in one commit: no other request finds it half done';
const whenConfirmed = 'the type of what Stripe may refuse; it declines cards when they are charged, and none of this';
const EXCEPTIONS: Readonly<Record<string, string>> = {
  '* internal': nothingDoes,
  '* contention': 'rows that stay locked longer than all tries of a commit take: seen in test/db, by holding the locks',
  'createCustomer idempotency_key_in_use': atOnce,
  'attachPaymentMethod idempotency_key_in_use': atOnce,
  'createSetup idempotency_key_in_use': atOnce,
  'confirmSetup idempotency_key_in_use': atOnce,
  'createItem idempotency_key_in_use': atOnce,
  'updatePayment idempotency_key_in_use': atOnce,
  'createDebit idempotency_key_in_use': atOnce,
  'createTransfer idempotency_key_in_use': atOnce,
  'createBulkTransfer idempotency_key_in_use': atOnce,
  'reverseTransfer idempotency_key_in_use': atOnce,
  'spendUsage idempotency_key_in_use': atOnce,
  'cancelPayment idempotency_key_reused': 'its body is always {}: there is no other that is valid',
  'createPayment payment_not_confirmable': 'it was called off at Stripe while its first charge was being sent',
  ...Object.fromEntries(
    ['capturePayment', 'cancelPayment'].flatMap((name) =>
      [
        ...['card_declined', 'authentication_required', 'expired_card', 'incorrect_cvc', 'processing_error'],
        'payment_method_not_usable',
      ].map((code) => [`${name} ${code}`, whenConfirmed]),
    ),
  ),
};

const seen = new Set<string>();
const codeOf = ({ status, body }: Answer): ErrorCode | undefined => (status >= 400 ? body.error.code : undefined);
const note = (route: Route, answer: Answer): ErrorCode | undefined => {
  const code = codeOf(answer);
  if (code !== undefined) seen.add(`${route.name} ${code}`);
  return code;
};
const routeOf = (name: string): Route => routes.find((route) => route.name === name)!;
const wrongId = { setups: newId('set'), payments: newId('pay'), customers: newId('cus'), refunds: newId('re') };

interface Asked {
  readonly path?: string;
  readonly query?: string;
  readonly body?: object | string;
  readonly apiKey?: string | null;
  readonly key?: string | null;
  readonly url?: string;
}
const ask = async (route: Route, asked: Asked = {}): Promise<ErrorCode | undefined> => {
  const { apiKey = 'sk_test_demo', key = randomUUID(), url = world.url } = asked;
  const path = (asked.path ?? route.path.replace(':id', 'unknown')) + (asked.query ?? '');
  const answer = await send(url, {
    method: route.method,
    path,
    headers: {
      ...(apiKey === null ? {} : { Authorization: `Bearer ${apiKey}` }),
      ...(route.method === 'POST' ? { 'Content-Type': 'application/json' } : {}),
      ...(route.method === 'POST' && key !== null ? { 'Idempotency-Key': key } : {}),
    },
    ...(route.method === 'POST'
      ? { body: typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body ?? {}) }
      : {}),
  });
  return note(route, answer);
};

const ofAnyRoute = async (route: Route, elsewhere: Elsewhere): Promise<void> => {
  expect(await ask(route, { apiKey: null })).toBe('unauthenticated');
  expect(await ask(route, { apiKey: 'ok_test_demo' })).toBe('forbidden');
  expect(await ask(route, { query: '?nonsense=1' })).toBe('invalid_request');
  expect(await ask(route, { query: '?q=4242424242424242' })).toBe('card_number_refused');
  const apiKey = route.roles.includes('secret') ? 'sk_test_demo' : 'pk_test_demo';
  expect(await ask(route, { url: elsewhere.crowded, apiKey })).toBe('overloaded');
  expect(await ask(route, { url: elsewhere.withoutDatabase, apiKey: `sk_test_${randomUUID()}` })).toBe(
    'database_unavailable',
  );
  const many = await Promise.all(Array.from({ length: 8 }, () => ask(route, { url: elsewhere.limited })));
  expect(many).toContain('rate_limited');
  if (route.schemas.body) expect(await ask(route, { body: 'x'.repeat(300_000) })).toBe('body_too_large');
};
let elsewhere: Elsewhere;
beforeAll(async () => (elsewhere = await startElsewhere(world)));

/** Two bodies under one key, of which the first is done or refused for good. */
const twice = async (name: string, path: string, first: object, second: object): Promise<void> => {
  const key = randomUUID();
  if (routeOf(name).key === 'required')
    expect(await ask(routeOf(name), { path, body: first, key: null })).toBe('idempotency_key_required');
  await ask(routeOf(name), { path, body: first, key });
  expect(await ask(routeOf(name), { path, body: second, key })).toBe('idempotency_key_reused');
};
/** The same under one key, while Stripe works on the first. */
const together = async (name: string, path: string, body: object): Promise<void> => {
  const heal = await stripe.fault({ kind: 'latency', method: 'POST', ms: 1500 });
  const key = randomUUID();
  expect(await ask(routeOf(name), { path, body, key: null })).toBe('idempotency_key_required');
  const first = ask(routeOf(name), { path, body, key });
  await sleep(500);
  expect(await ask(routeOf(name), { path, body, key })).toBe('idempotency_key_in_use');
  await first;
  await heal();
};
/** What Stripe does not let us do, and what it leaves open. */
const refusedByStripe = async (name: string, request: () => Promise<[path: string, body: object]>): Promise<void> => {
  for (const [kind, code] of [
    ['forbidden', 'provider_refused'],
    ['error_before', 'provider_unavailable'],
  ] as const) {
    const [path, body] = await request();
    const heal = await stripe.fault({ kind, method: 'POST', count: 1 });
    expect(await ask(routeOf(name), { path, body })).toBe(code);
    await heal();
  }
};

const CARDS = {
  card_declined: 'pm_card_visa_chargeDeclined',
  authentication_required: 'pm_card_threeDSecure2Required',
  expired_card: 'pm_card_visa_chargeDeclinedExpiredCard',
  incorrect_cvc: 'pm_card_visa_chargeDeclinedIncorrectCvc',
  processing_error: 'pm_card_visa_chargeDeclinedProcessingError',
  payment_method_not_usable: 'pm_of_nobody',
} as const;

const newPayment = async (more: object = {}): Promise<Payment> =>
  (await post('/v1/payments', payFor(await createCustomer(), 500, more))).body;
const open = (): Promise<Payment> => newPayment({ confirm: false });
const newSetup = async (more: object = {}): Promise<Setup> =>
  (await post('/v1/setups', { customer: await createCustomer(), ...more })).body;
const held = (): Promise<Payment> => newPayment({ capture_method: 'manual' });

/** Each in words of its route; what it must come to is its last word. */
const OWN: Readonly<Record<string, () => Promise<void>>> = {
  'a customer that is not there': async () => {
    for (const name of ['readCustomer', 'updateCustomer', 'deleteCustomer', 'readCustomerBalance'])
      await ask(routeOf(name), {
        path: routeOf(name).path.replace(':id', wrongId.customers),
        query: name === 'readCustomerBalance' ? '?currency=usd' : '',
      });
    await ask(routeOf('createPayment'), { body: payFor(wrongId.customers, 500) });
    await ask(routeOf('createDebit'), { body: { customer: wrongId.customers, amount: 1, currency: 'usd' } });
    const usage = { currency: 'usd', items: [{ quantity: 1, unit_price: '1' }] };
    await ask(routeOf('spendUsage'), { body: { customer: wrongId.customers, ...usage } });
    const path = `/v1/customers/${wrongId.customers}/payment_methods`;
    await ask(routeOf('listPaymentMethods'), { path });
    await ask(routeOf('attachPaymentMethod'), { path, body: { payment_method: 'pm_card_visa' } });
    await ask(routeOf('createSetup'), { body: { customer: wrongId.customers } });
  },
  'a payment, and anything else, that is not there': async () => {
    for (const name of [
      ...['confirmPayment', 'readPayment', 'updatePayment', 'capturePayment', 'cancelPayment', 'readPaymentTimeline'],
    ])
      await ask(routeOf(name), { path: routeOf(name).path.replace(':id', wrongId.payments) });
    for (const name of ['readSetup', 'confirmSetup'])
      await ask(routeOf(name), { path: routeOf(name).path.replace(':id', wrongId.setups) });
    await ask(routeOf('detachPaymentMethod'), { path: '/v1/payment_methods/pm_of_nobody' });
    const nobodys = { default_payment_method: 'pm_of_nobody' };
    await ask(routeOf('updateCustomer'), { path: `/v1/customers/${await createCustomer()}`, body: nobodys });
    await ask(routeOf('createRefund'), { body: { payment: wrongId.payments } });
    await ask(routeOf('readRefund'), { path: `/v1/refunds/${wrongId.refunds}` });
    await ask(routeOf('resolveContradiction'), {
      path: `/v1/contradictions/${newId('ctr')}/resolve`,
      body: { reason: 'looked at' },
    });
    await ask(routeOf('readItem'), { path: '/v1/items/item_none' });
    for (const name of ['readAccount', 'readAccountBalance', 'listEntries', 'readStatement'])
      await ask(routeOf(name), { path: routeOf(name).path.replace(':id', newId('acct')) });
    await ask(routeOf('queryBalances'), { body: { accounts: [newId('acct')] } });
    await ask(routeOf('readDispute'), { path: `/v1/disputes/${newId('dp')}` });
    for (const name of ['readPayout', 'listPayoutTransactions'])
      await ask(routeOf(name), { path: routeOf(name).path.replace(':id', 'po_none') });
    for (const name of ['readTransfer', 'reverseTransfer'])
      await ask(routeOf(name), {
        path: routeOf(name).path.replace(':id', newId('tr')),
        ...(name === 'readTransfer' ? {} : { body: { reason: 'a mistake' } }),
      });
    for (const name of ['readWebhookEndpoint', 'updateWebhookEndpoint', 'deleteWebhookEndpoint', 'rotateWebhookSecret'])
      await ask(routeOf(name), { path: routeOf(name).path.replace(':id', newId('we')) });
    for (const name of ['readEvent', 'listDeliveries', 'redeliverEvent'])
      await ask(routeOf(name), { path: routeOf(name).path.replace(':id', newId('evt')) });
  },
  'each card that does not pay': async () => {
    const customer = await createCustomer();
    for (const [code, payment_method] of Object.entries(CARDS)) {
      expect(await ask(routeOf('createPayment'), { body: payFor(customer, 500, { payment_method }) })).toBe(code);
      const path = `/v1/payments/${(await open()).id}/confirm`;
      expect(await ask(routeOf('confirmPayment'), { path, body: { payment_method } })).toBe(code);
    }
  },
  'each card that is not kept': async () => {
    const customer = await createCustomer();
    for (const [code, payment_method] of Object.entries(CARDS)) {
      if (code === 'authentication_required') continue;
      const path = `/v1/customers/${customer}/payment_methods`;
      expect(await ask(routeOf('attachPaymentMethod'), { path, body: { payment_method } })).toBe(code);
      const body = { customer, payment_method, confirm: true };
      expect(await ask(routeOf('createSetup'), { body })).toBe(code);
      const confirm = `/v1/setups/${(await newSetup()).id}/confirm`;
      expect(await ask(routeOf('confirmSetup'), { path: confirm, body: { payment_method } })).toBe(code);
    }
  },
  'no card at all': async () => {
    const customer = await createCustomer();
    const nothing = { customer, amount: 500, currency: 'usd' };
    await ask(routeOf('createPayment'), { body: { ...nothing, confirm: true } });
    const { id } = (await post('/v1/payments', nothing)).body;
    await ask(routeOf('confirmPayment'), { path: `/v1/payments/${id}/confirm` });
    await ask(routeOf('createSetup'), { body: { customer, confirm: true } });
    await ask(routeOf('confirmSetup'), { path: `/v1/setups/${(await newSetup()).id}/confirm` });
  },
  'too many cards': async () => {
    const path = `/v1/payments/${(await open()).id}/confirm`;
    const body = { payment_method: CARDS.card_declined };
    for (let n = 0; n < 10; n++) await ask(routeOf('confirmPayment'), { path, body });
    expect(await ask(routeOf('confirmPayment'), { path, body })).toBe('too_many_attempts');
    const setup = { path: `/v1/setups/${(await newSetup({})).id}/confirm`, body };
    for (let n = 0; n < 10; n++) await ask(routeOf('confirmSetup'), setup);
    expect(await ask(routeOf('confirmSetup'), setup)).toBe('too_many_attempts');
  },
  'a payment in the wrong state': async () => {
    const { id } = await newPayment();
    for (const [name, path] of [
      ['confirmPayment', 'confirm'],
      ['capturePayment', 'capture'],
      ['cancelPayment', 'cancel'],
    ] as const)
      await ask(routeOf(name), { path: `/v1/payments/${id}/${path}` });
    await ask(routeOf('updatePayment'), { path: `/v1/payments/${id}`, body: { amount: 1 } });
    await ask(routeOf('createRefund'), { body: { payment: (await open()).id } });
    const done = (await newSetup({ payment_method: 'pm_card_visa', confirm: true })).id;
    await ask(routeOf('confirmSetup'), { path: `/v1/setups/${done}/confirm` });
    await ask(routeOf('createRefund'), { body: { payment: id, amount: 501 } });
    await ask(routeOf('capturePayment'), { path: `/v1/payments/${(await held()).id}/capture`, body: { amount: 501 } });
  },
  'money that is not there, or does not fit': async () => {
    const customer = await createCustomer(500);
    const other = await createCustomer(500);
    const [from, to] = [await walletOf(customer), await walletOf(other)];
    const move = async (one: object, transfer: object = one): Promise<void> => {
      await ask(routeOf('createTransfer'), { body: transfer });
      await ask(routeOf('createBulkTransfer'), { body: { mode: 'atomic', transfers: [transfer] } });
    };
    const usd = { from, to, amount: 1, currency: 'usd' };
    await move({ ...usd, amount: 501 });
    await move({ ...usd, to: newId('acct') });
    await move({ ...usd, currency: 'eur' });
    const [clearing] = (await world.get('/v1/accounts?kind=stripe_clearing&currency=usd')).body.data;
    await move({ ...usd, from: clearing!.id });
    const spend = { customer, amount: 501, currency: 'usd' };
    await ask(routeOf('createDebit'), { body: spend });
    const usage = (quantity: number) => ({ customer, currency: 'usd', items: [{ quantity, unit_price: '1' }] });
    await ask(routeOf('spendUsage'), { body: usage(501) });
    const back = async (transfer: string, more: object = {}): Promise<void> => {
      await ask(routeOf('reverseTransfer'), {
        path: `/v1/transfers/${transfer}/reverse`,
        body: { reason: 'a mistake', ...more },
      });
    };
    const moved = (await post('/v1/transfers', { ...usd, amount: 10 })).body.id;
    await back(moved, { amount: 11 });
    await post('/v1/debits', { customer: other, amount: 510, currency: 'usd' });
    await back(moved);
    const [charge] = (await world.get(`/v1/transfers?account=${from}&kind=payment`)).body.data;
    await back(charge!.id);
    await post('/v1/payments', payFor(other, 500));
    const paid = (await post('/v1/payments', payFor(customer, 300))).body.id;
    const spent = (await post('/v1/debits', { customer, amount: 700, currency: 'usd' })).body.id;
    await ask(routeOf('createRefund'), { body: { payment: paid } });
    // As much as the ledger holds, which no test could pay in.
    const MAX = 2n ** 63n - 5n;
    await query('update accounts set debits = $2, credits = $2 where id = $1', [uuidOf(to), MAX]);
    await move({ ...usd, amount: 50 });
    await query('update accounts set debits = $2, credits = $2 where id = $1', [uuidOf(from), MAX]);
    await back(spent);
    await query('update accounts set debits = 0, credits = 100 where id = $1', [uuidOf(from)]);
    await query("update accounts set debits = $1, credits = $1 where kind = 'revenue' and currency = 'usd'", [MAX]);
    await ask(routeOf('createDebit'), { body: { ...spend, amount: 50 } });
    await ask(routeOf('spendUsage'), { body: usage(50) });
  },
  'an item of that id, too many endpoints, and one that is off': async () => {
    const item = { id: 'item_twice', name: 'bun', unit_price: '5', currency: 'usd' };
    for (let n = 0; n < 2; n++) await ask(routeOf('createItem'), { body: item });
    const endpoint = { url: 'http://127.0.0.1:9/', enabled_events: ['refund.succeeded'] };
    const { id } = (await post('/v1/webhook_endpoints', endpoint, null)).body;
    await post(`/v1/webhook_endpoints/${id}`, { disabled: true }, null);
    const [event] = (await world.get('/v1/events?limit=1')).body.data;
    const path = `/v1/events/${event!.id}/redeliver`;
    await ask(routeOf('redeliverEvent'), { path, body: { webhook_endpoint: id } });
    await ask(routeOf('redeliverEvent'), { path, body: { webhook_endpoint: newId('we') } });
    for (let n = 0; n < 40 && !seen.has('rotateWebhookSecret webhook_secret_limit'); n++)
      await ask(routeOf('rotateWebhookSecret'), { path: `/v1/webhook_endpoints/${id}/rotate_secret` });
    for (let n = 0; n < 17; n++) await ask(routeOf('createWebhookEndpoint'), { body: endpoint });
  },
  'a key that was used for another body': async () => {
    const customer = await createCustomer(500);
    const wallets = { from: await walletOf(customer), to: await walletOf(await createCustomer(1)) };
    const usage = { customer, currency: 'usd', items: [{ quantity: 1, unit_price: '1' }] };
    const item = { name: 'bun', unit_price: '5', currency: 'usd' };
    const paid = (await newPayment()).id;
    const move = { ...wallets, amount: 1, currency: 'usd' };
    await twice('createCustomer', '/v1/customers', { name: 'a' }, { name: 'b' });
    await twice('createItem', '/v1/items', item, { ...item, name: 'roll' });
    await twice('createPayment', '/v1/payments', payFor(customer, 500), payFor(customer, 501));
    await twice('confirmPayment', `/v1/payments/${(await open()).id}/confirm`, {}, { payment_method: 'pm_card_visa' });
    await twice('updatePayment', `/v1/payments/${paid}`, ...two({ description: 'one' }));
    await twice('capturePayment', `/v1/payments/${(await held()).id}/capture`, {}, { amount: 1 });
    const methods = `/v1/customers/${customer}/payment_methods` as const;
    const card = { payment_method: 'pm_card_visa' };
    await twice('attachPaymentMethod', methods, card, { payment_method: 'pm_card_amex' });
    await twice('createSetup', '/v1/setups', { customer }, { customer, ...card });
    await twice('confirmSetup', `/v1/setups/${(await newSetup()).id}/confirm`, card, {
      ...card,
      return_url: 'https://a.b',
    });
    await twice('createRefund', '/v1/refunds', { payment: paid, amount: 1 }, { payment: paid, amount: 2 });
    await twice('createDebit', '/v1/debits', ...two({ customer, amount: 1, currency: 'usd' }));
    await twice('createTransfer', '/v1/transfers', ...two(move));
    const { id } = (await post('/v1/transfers', move)).body;
    await twice('reverseTransfer', `/v1/transfers/${id}/reverse`, { reason: 'a mistake' }, { reason: 'another' });
    await twice('createBulkTransfer', '/v1/transfers/bulk', ...two({ mode: 'atomic', transfers: [move] }, 'mode'));
    await twice('spendUsage', '/v1/usage', ...two(usage));
  },
  'a key whose first request is under way': async () => {
    const customer = await createCustomer();
    await together('createPayment', '/v1/payments', payFor(customer, 500));
    await together('confirmPayment', `/v1/payments/${(await open()).id}/confirm`, {});
    await together('capturePayment', `/v1/payments/${(await held()).id}/capture`, {});
    await together('cancelPayment', `/v1/payments/${(await held()).id}/cancel`, {});
    await together('createRefund', '/v1/refunds', { payment: (await newPayment()).id });
  },
  'Stripe that lets us do nothing, or fails': async () => {
    const customer = await createCustomer();
    await refusedByStripe('createPayment', async () => ['/v1/payments', payFor(customer, 500)]);
    await refusedByStripe('confirmPayment', async () => [`/v1/payments/${(await open()).id}/confirm`, {}]);
    await refusedByStripe('capturePayment', async () => [`/v1/payments/${(await held()).id}/capture`, {}]);
    await refusedByStripe('cancelPayment', async () => [`/v1/payments/${(await held()).id}/cancel`, {}]);
    const card = { payment_method: 'pm_card_visa' };
    const methods = `/v1/customers/${customer}/payment_methods` as const;
    const saved = (await post(methods, card)).body;
    await refusedByStripe('attachPaymentMethod', async () => [methods, card]);
    await refusedByStripe('createSetup', async () => ['/v1/setups', { customer }]);
    await refusedByStripe('confirmSetup', async () => [`/v1/setups/${(await newSetup()).id}/confirm`, card]);
    await refusedByStripe('detachPaymentMethod', async () => [`/v1/payment_methods/${saved.id}`, {}]);
    await refusedByStripe('createRefund', async () => ['/v1/refunds', { payment: (await newPayment()).id }]);
  },
};
const uuidOf = (id: string): string => id.replace(/^[a-z]+_/, '');
const two = (body: object, of: 'description' | 'mode' = 'description'): [object, object] => [
  body,
  { ...body, ...(of === 'mode' ? { mode: 'independent' } : { description: 'another' }) },
];

describe('every code that a route lists', () => {
  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'of %s that any route of its kind has is provoked',
    (_, route) => ofAnyRoute(route, elsewhere),
  );

  // The last of all puts the books out of order.
  it.each(Object.entries(OWN).toSorted(([a], [b]) => Number(a.startsWith('money')) - Number(b.startsWith('money'))))(
    'is provoked: %s',
    (_, provoke) => provoke(),
  );

  it('was seen, or is named as one that cannot be, with the reason', () => {
    const listed = routes.flatMap(({ name, errors }) => errors.map((code) => `${name} ${code}`));
    const excepted = (line: string): boolean =>
      EXCEPTIONS[line] !== undefined || EXCEPTIONS[`* ${line.split(' ')[1]}`] !== undefined;
    expect(listed.filter((line) => !seen.has(line) && !excepted(line))).toEqual([]);
    // An exception that is seen, or that no route lists, is none.
    expect(Object.keys(EXCEPTIONS).filter((line) => seen.has(line))).toEqual([]);
    const known = new Set([...listed, ...listed.map((line) => `* ${line.split(' ')[1]}`)]);
    expect(Object.keys(EXCEPTIONS).filter((line) => !known.has(line))).toEqual([]);
  });
});
