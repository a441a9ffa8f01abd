import { expect, it } from '@jest/globals';
import { createClient } from '../../src/client/index.ts';
import { stripeAt } from '../support/stripe.ts';
import { startWorld } from '../support/service.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const quittance = createClient({ key: 'sk_test_demo', baseUrl: world.url });

const CHARGES = 100;
const AT_ONCE = 64;

it('a customer saves a card once, and is charged a hundred times by id and amount, 64 at once', async () => {
  const customer = (await quittance.createCustomer({ name: 'Ada' }))._unsafeUnwrap().id;
  const card = { payment_method: 'pm_card_visa', save_payment_method: true, confirm: true };
  (await quittance.createPayment({ customer, amount: 1, currency: 'usd', ...card }))._unsafeUnwrap();

  const amounts = Array.from({ length: CHARGES }, (_, n) => 100 + n);
  const waiting = [...amounts];
  const paid: string[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let amount = waiting.pop(); amount !== undefined; amount = waiting.pop())
        paid.push((await quittance.charge(customer, amount))._unsafeUnwrap().status);
    }),
  );

  expect(paid).toEqual(Array.from({ length: CHARGES }, () => 'succeeded'));
  const sum = amounts.reduce((total, amount) => total + amount, 1);
  expect(await world.balanceOf(customer)).toBe(sum);
  expect(await world.sums()).toEqual(['0']);
  const [holder, ...others] = (await stripe.get('/v1/customers?limit=100')).data.filter(
    ({ metadata }) => metadata['quittance_customer'] === customer,
  );
  expect(others).toEqual([]);
  const charged = await stripe.get(`/v1/payment_intents?customer=${holder!.id}&limit=100`);
  expect(charged.data.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 'succeeded'));
  expect((await world.sandboxCounts())['charges']).toBe(CHARGES + 1);
});

it('customers who save their first card a hundred times, 64 at once, have one customer at Stripe, and all are paid', async () => {
  const customer = (await quittance.createCustomer({ name: 'Bob' }))._unsafeUnwrap().id;
  const card = { payment_method: 'pm_card_visa', save_payment_method: true, confirm: true };
  const paid = await Promise.all(
    Array.from({ length: AT_ONCE }, () => quittance.createPayment({ customer, amount: 100, currency: 'usd', ...card })),
  );
  expect(paid.filter((one) => one.isErr())).toEqual([]);
  const held = (await stripe.get('/v1/customers?limit=100')).data.filter(
    ({ metadata }) => metadata['quittance_customer'] === customer,
  );
  expect(held).toHaveLength(1);
  const kept = (await quittance.listPaymentMethods({ id: customer, limit: 100 }))._unsafeUnwrap().data;
  expect(kept).toHaveLength(AT_ONCE);
  expect(kept.filter((one) => one.default)).toHaveLength(1);
});

it('a customer without a card is told so, and nothing is charged', async () => {
  const customer = (await quittance.createCustomer({}))._unsafeUnwrap().id;
  const { charges } = await world.sandboxCounts();
  const refused = (await quittance.charge(customer, 100))._unsafeUnwrapErr();
  expect([refused.code, refused.outcome]).toEqual(['payment_method_required', 'none']);
  expect((await world.sandboxCounts())['charges']).toBe(charges);
});
