import { afterEach, describe, expect, it } from '@jest/globals';
import { stripeAt, type StripeObject } from '../support/stripe.ts';
import { startWorld, type Answer } from '../support/service.ts';

const world = await startWorld();
const { post, createCustomer } = world;
const stripe = stripeAt(world.sandbox.url);

const attach = (customer: string, payment_method: string, client = world as { post: typeof post }): Promise<Answer> =>
  client.post(`/v1/customers/${customer}/payment_methods`, { payment_method });
const holdersOf = async (customer: string): Promise<readonly StripeObject[]> =>
  (await stripe.get('/v1/customers?limit=100')).data.filter(
    ({ metadata }) => metadata['quittance_customer'] === customer,
  );
afterEach(() => fetch(`${world.sandbox.url}/_sandbox/faults`, { method: 'DELETE' }));

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
