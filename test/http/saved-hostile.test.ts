import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, stripeAt, type StripeObject } from '../support/stripe.ts';
import type { Payment, PaymentMethod } from '../../src/client/api.ts';
import { payFor, startWorld, type Answer } from '../support/service.ts';

const world = await startWorld();
const { post, get, createCustomer, balanceOf } = world;
const stripe = stripeAt(world.sandbox.url);

const attach = (
  customer: string,
  payment_method: string,
  client = world as { post: typeof post },
): Promise<Answer<PaymentMethod>> => client.post(`/v1/customers/${customer}/payment_methods`, { payment_method });
const methodsOf = async (customer: string): Promise<readonly PaymentMethod[]> =>
  (await get(`/v1/customers/${customer}/payment_methods`)).body.data;
const charge = (customer: string, amount: number, more: object = {}): Promise<Answer<Payment>> =>
  post('/v1/payments', { customer, amount, currency: 'usd', confirm: true, off_session: true, ...more });
const holdersOf = async (customer: string): Promise<readonly StripeObject[]> =>
  (await stripe.get('/v1/customers?limit=100')).data.filter(
    ({ metadata }) => metadata['quittance_customer'] === customer,
  );
/** As somebody does in Stripe's dashboard. */
const deleteHolder = async (customer: string): Promise<void> => {
  const [holder] = await holdersOf(customer);
  const deleted = await fetch(`${world.sandbox.url}/v1/customers/${holder!.id}`, {
    method: 'DELETE',
    headers: { Authorization: 'Bearer sk_test_sandbox' },
  });
  expect(deleted.status).toBe(200);
};

afterEach(stripe.heal);

describe('a customer who is deleted in the dashboard of Stripe', () => {
  it('pays with another card, and saves it', async () => {
    const customer = await createCustomer();
    await attach(customer, 'pm_card_visa');
    await deleteHolder(customer);
    await eventually(
      () => methodsOf(customer),
      (all) => all.length === 0,
    );
    // Until all of it is heard of, he may be refused.
    await eventually(
      () => post('/v1/payments', payFor(customer, 700, { save_payment_method: true })),
      ({ status }) => status === 201,
    );
    expect(await methodsOf(customer)).toHaveLength(1);
    expect((await charge(customer, 300)).body.status).toBe('succeeded');
    expect(await balanceOf(customer)).toBe(1000);
  });

  it('does so though no webhook told of it: one request is refused, and the next is not', async () => {
    await stripe.fault({ kind: 'webhook_drop' });
    const requests: readonly ((customer: string) => Promise<Answer>)[] = [
      (customer) => charge(customer, 300),
      (customer) => post('/v1/payments', payFor(customer, 300)),
      (customer) => attach(customer, 'pm_card_visa'),
      (customer) => post('/v1/setups', { customer, payment_method: 'pm_card_visa', confirm: true }),
    ];
    for (const ask of requests) {
      const customer = await createCustomer();
      await attach(customer, 'pm_card_visa');
      await deleteHolder(customer);
      const refused = await ask(customer);
      expect([refused.status, refused.body.error.code]).toEqual([402, 'payment_method_not_usable']);
      expect(await methodsOf(customer)).toEqual([]);
      expect((await charge(customer, 300)).body.error.code).toBe('payment_method_required');
      const paid = await post('/v1/payments', payFor(customer, 700, { save_payment_method: true }));
      expect([paid.status, paid.body.status]).toEqual([201, 'succeeded']);
    }
  });
});

describe('another merchant', () => {
  it('who names a customer while he comes to be at Stripe gives him no card', async () => {
    const customer = await createCustomer();
    const other = world.as(await world.createKey('Other', 'secret'));
    await stripe.fault({ kind: 'latency', path: '/v1/customers', method: 'POST', ms: 600 });
    const own = attach(customer, 'pm_card_visa');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const theirs = await attach(customer, 'pm_card_mastercard', other);
    expect([theirs.status, theirs.body.error.code]).toEqual([404, 'customer_not_found']);
    expect((await own).status).toBe(201);
    const [holder] = await holdersOf(customer);
    expect((await stripe.get(`/v1/payment_methods?customer=${holder!.id}`)).data).toHaveLength(1);
  });
});

describe('a setup whose reply was lost', () => {
  it.each(['error_after', 'reset_after', 'truncate'] as const)(
    'by %s is made once, and its key is not for another',
    async (kind) => {
      const customer = await createCustomer();
      await attach(customer, 'pm_card_mastercard');
      const [holder] = await holdersOf(customer);
      const key = crypto.randomUUID();
      const body = { customer, payment_method: 'pm_card_visa', confirm: true };
      await stripe.fault({ kind, method: 'POST', path: '/v1/setup_intents', count: 2 });
      expect((await post('/v1/setups', body, key)).body.error.code).toBe('provider_unavailable');
      await stripe.heal();
      const other = await post('/v1/setups', { ...body, payment_method: 'pm_card_amex' }, key);
      expect([other.status, other.body.error.code]).toEqual([400, 'idempotency_key_reused']);
      const again = await post('/v1/setups', body, key);
      expect([again.status, again.body.status]).toEqual([201, 'succeeded']);
      expect((await stripe.get(`/v1/setup_intents?customer=${holder!.id}`)).data).toHaveLength(1);
      expect(await methodsOf(customer)).toHaveLength(2);
      expect((await post('/v1/setups', body, key)).body.id).toBe(again.body.id);
    },
  );
});

describe('a confirmation of a setup', () => {
  it('whose reply was lost is answered when it is repeated, though Stripe has told of it meanwhile', async () => {
    const customer = await createCustomer();
    const made = (await post('/v1/setups', { customer })).body;
    const path = `/v1/setups/${made.id}/confirm` as const;
    await stripe.fault({ kind: 'error_after', method: 'POST', path: '/v1/setup_intents/*/confirm', count: 1 });
    const key = crypto.randomUUID();
    const lost = await post(path, { payment_method: 'pm_card_visa' }, key);
    expect([lost.status, lost.body.error.code]).toEqual([503, 'provider_unavailable']);
    await eventually(
      () => get(`/v1/setups/${made.id}`),
      ({ body }) => body.status === 'succeeded',
    );
    const again = await post(path, { payment_method: 'pm_card_visa' }, key);
    expect([again.status, again.body.status]).toEqual([200, 'succeeded']);
    expect(await methodsOf(customer)).toHaveLength(1);
  });

  it('tries no more cards in an hour than any customer has, however many are sent at once', async () => {
    const made = (await post('/v1/setups', { customer: await createCustomer() })).body;
    const body = { client_secret: made.client_secret, payment_method: 'pm_card_chargeDeclined' };
    const tried = await Promise.all(
      Array.from({ length: 14 }, () => world.as('pk_test_demo').post(`/v1/setups/${made.id}/confirm`, body)),
    );
    expect(tried.filter(({ body: { error } }) => error.code === 'card_declined')).toHaveLength(10);
    const refused = tried.filter(({ body: { error } }) => error.code === 'too_many_attempts');
    expect(refused.map(({ status }) => status)).toEqual([429, 429, 429, 429]);
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(3500);
  });
});

describe('a setup that is over', () => {
  it('has Stripe asked about it no more than a lost reply needs, whoever confirms it again and again', async () => {
    const card = { payment_method: 'pm_card_visa' };
    const made = (await post('/v1/setups', { customer: await createCustomer(), ...card, confirm: true })).body;
    expect(made.status).toBe('succeeded');
    const before = (await world.sandboxCounts())['requests']!;
    const page = world.as('pk_test_demo');
    const body = { ...card, client_secret: made.client_secret };
    const again = await Promise.all(
      Array.from({ length: 100 }, () => page.post(`/v1/setups/${made.id}/confirm`, body)),
    );
    expect(new Set(again.map((answer) => answer.body.error.code))).toEqual(new Set(['setup_not_confirmable']));
    expect((await world.sandboxCounts())['requests']! - before).toBeLessThan(60);
    expect((await get(`/v1/setups/${made.id}`)).body.status).toBe('succeeded');
  });
});

describe('a setup that waits for its customer', () => {
  it('is looked at for all who read it at the same time', async () => {
    const card = { payment_method: 'pm_card_threeDSecure2Required', return_url: 'https://shop.example/back' };
    const made = (await post('/v1/setups', { customer: await createCustomer(), ...card, confirm: true })).body;
    expect(made.status).toBe('requires_action');
    await stripe.fault({ kind: 'latency', method: 'GET', path: '/v1/setup_intents/*', ms: 500 });
    const before = (await world.sandboxCounts())['requests']!;
    const read = await Promise.all(Array.from({ length: 60 }, () => get(`/v1/setups/${made.id}`)));
    expect(new Set(read.map(({ body }) => body.status))).toEqual(new Set(['requires_action']));
    expect((await world.sandboxCounts())['requests']! - before).toBeLessThan(10);
  });
});
