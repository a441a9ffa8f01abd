import { expect, it } from '@jest/globals';
import { movedBy } from '../../src/domain/time.ts';
import { startReceiver } from '../support/receiver.ts';
import type { Payment, Timeline } from '../../src/client/api.ts';
import { bankPageOf, payFor, startWorld, type Answer } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, query, as, createKey } = world;
const stripe = stripeAt(world.sandbox.url);
const shop = await startReceiver();
await post('/v1/webhook_endpoints', { url: shop.url, enabled_events: '*' });

type Entry = Timeline['data'][number];
const timeline = async (id: string): Promise<readonly Entry[]> => (await get(`/v1/payments/${id}/timeline`)).body.data;
const tells = (id: string, sentence: string | RegExp, times = 1): Promise<readonly Entry[]> =>
  eventually(
    () => timeline(id),
    (entries) => entries.filter(({ what }) => what.search(sentence) === 0).length >= times,
  );
/** What comes when Stripe, or the merchant's endpoint, is ready for it: each somewhere among the rest. */
const isHearsay = ({ what }: Entry): boolean => /^Stripe reported|delivered|its fee/.test(what);

/** Declined, challenged, paid in part with a third card, refunded in part, and disputed. */
const wholeLife = async (): Promise<string> => {
  const customer = await createCustomer();
  const wanted = { customer, amount: 5000, currency: 'usd', capture_method: 'manual' };
  const { id } = (await post('/v1/payments', wanted, 'order 7')).body;
  const confirm = (payment_method: string): Promise<Answer<Payment>> =>
    post(`/v1/payments/${id}/confirm`, { payment_method, return_url: 'https://shop.example/' });
  await confirm('pm_card_visa_chargeDeclinedInsufficientFunds');
  const challenge = await confirm('pm_card_threeDSecure2Required');
  expect(challenge.body).toMatchObject({ status: 'requires_action' });
  await stripe.answer(bankPageOf(challenge.body), 'fail');
  await tells(id, 'Event payment.failed recorded', 2);
  await confirm('pm_card_createDispute');
  await post(`/v1/payments/${id}/capture`, { amount: 3000 });
  await post('/v1/refunds', { payment: id, amount: 1000 });
  await clock.advance(world.sandbox.url, 61);
  await tells(id, 'Event dispute.open');
  const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
  const dispute = (await stripe.get(`/v1/disputes?payment_intent=${row!.intent}`)).data[0]!;
  await stripe.post(`/v1/disputes/${dispute.id}/close`);
  await tells(id, 'Event dispute.lost');
  return id;
};

it('tells the whole life of a payment in order, and in words', async () => {
  const id = await wholeLife();
  const entries = await tells(id, /Event dispute.lost delivered/);
  expect(entries.filter((entry) => !isHearsay(entry)).map(({ what }) => what)).toEqual([
    'Payment of 50.00 usd created, to be captured later',
    'Charge of 50.00 usd to pm_card_visa_chargeDeclinedInsufficientFunds sent to Stripe',
    'Charge declined: Your card has insufficient funds.',
    'Event payment.failed recorded for the merchant',
    'Charge of 50.00 usd to pm_card_threeDSecure2Required sent to Stripe',
    'Charge waits for the customer to pass 3-D Secure',
    'Event payment.requires_action recorded for the merchant',
    'Event payment.failed recorded for the merchant, as Stripe reported: Your bank did not approve it. Try again, or with another card.',
    'Charge of 50.00 usd to pm_card_createDispute sent to Stripe',
    'Charge authorized: 50.00 usd are held on the card, and not yet taken',
    'Event payment.requires_capture recorded for the merchant',
    'Capture of 30.00 usd sent to Stripe',
    'Capture of 30.00 usd succeeded; the other 20.00 usd are free again on the card',
    '30.00 usd added to the wallet of the customer: paid',
    'Event payment.succeeded recorded for the merchant',
    'Refund of 10.00 usd sent to Stripe',
    'Refund accepted by Stripe',
    '10.00 usd taken from the wallet of the customer: refunded to the card',
    'Event refund.succeeded recorded for the merchant',
    '20.00 usd withdrawn by the bank, and not from the wallet: the customer disputes the payment',
    'Event dispute.open recorded for the merchant, as Stripe reported',
    '20.00 usd taken from the wallet of the customer: the dispute was lost',
    'Event dispute.lost recorded for the merchant, as Stripe reported',
  ]);
  expect(entries.map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      'Event payment.succeeded delivered to the merchant',
      'Stripe reported charge.dispute.created; when it was looked up, the dispute was open',
      'Stripe reported charge.dispute.closed; when it was looked up, the dispute was lost',
    ]),
  );
  // Whatever the words say, the ids behind them are there for who wants to look further.
  const find = (what: string): Record<string, unknown> => entries.find((entry) => entry.what === what)!.details;
  expect(find('Capture of 30.00 usd succeeded; the other 20.00 usd are free again on the card')).toMatchObject({
    attempt: expect.any(String),
    stripe_request_id: expect.stringMatching(/^req_/),
  });
  expect(find('Capture of 30.00 usd sent to Stripe')).toMatchObject({ idempotency_key: expect.any(String) });
  // A posting to a busy account is a little later than the event of its commit, and stands before it.
  const instants = entries.filter(({ details }) => !('transfer' in details)).map(({ at }) => at.slice(0, 23));
  expect(instants.toSorted()).toEqual(instants);
});

it('puts what was written at one instant in the order of cause and effect', async () => {
  const customer = await createCustomer();
  const { id } = (await post('/v1/payments', payFor(customer, 500))).body;
  // As if everything had happened at once.
  const at = '2026-01-01T00:00:00Z';
  await query(`update attempts set started_at = $1, settled_at = $1 where payment_id = $2`, [at, id.slice(4)]);
  await query(`update events set created_at = $1 where subject = $2`, [at, id]);
  // A posting to an account that is busy comes some microseconds later than its commit.
  await query(`update transfers set posted_at = $1::timestamptz + interval '7 microseconds' where payment_id = $2`, [
    at,
    id.slice(4),
  ]);
  const entries = (await timeline(id)).filter((entry) => !isHearsay(entry));
  expect(entries.map(({ what }) => what)).toEqual([
    'Payment of 5.00 usd created',
    'Charge of 5.00 usd to pm_card_visa sent to Stripe',
    'Charge succeeded',
    '5.00 usd added to the wallet of the customer: paid',
    'Event payment.succeeded recorded for the merchant',
  ]);
});

it('dates the first posting of a wallet as what is told of it, though the database’s time is known to a fraction', async () => {
  clock.lead(-movedBy(clock) / 1000 - 0.2);
  // In a currency that the merchant never took: its own account is new, too.
  const { id } = (await post('/v1/payments', { ...payFor(await createCustomer(), 500), currency: 'chf' })).body;
  clock.lead(0);
  const [found] = await query<{ apart: string }>(
    `select (t.posted_at - e.created_at)::text as apart from transfers t join events e on e.subject = $1
      where t.payment_id = $2 and t.kind = 'payment' and e.type = 'payment.succeeded'`,
    [id, id.slice(4)],
  );
  expect(['00:00:00', '00:00:00.000001']).toContain(found?.apart);
});

it('is shown to its merchant, and to nobody else', async () => {
  const { id } = (await post('/v1/payments', payFor(await createCustomer(), 500))).body;
  expect((await as('fk_test_demo').get(`/v1/payments/${id}/timeline`)).status).toBe(200);
  expect((await as('pk_test_demo').get(`/v1/payments/${id}/timeline`)).status).toBe(403);
  const other = as(await createKey('Another', 'secret'));
  expect((await other.get(`/v1/payments/${id}/timeline`)).body.error.code).toBe('payment_not_found');
});
