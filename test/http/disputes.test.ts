import { describe, expect, it } from '@jest/globals';
import type { Dispute } from '../../src/client/api.ts';
import { payFor, startWorld } from '../support/service.ts';
import { eventually, movableClock, stripeAt, type StripeObject } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, balanceOf, sums, query } = world;
const stripe = stripeAt(world.sandbox.url);

const CARD = 'pm_card_createDispute';

interface Disputed {
  readonly id: string;
  readonly customer: string;
  readonly dispute: StripeObject;
}

const disputesOf = (payment: string): Promise<{ status: string; amount: string }[]> =>
  query('select status, amount::text from disputes where payment_id = $1', [payment.slice(4)]);
const becomes = (payment: string, status: string): Promise<unknown> =>
  eventually(
    () => disputesOf(payment),
    ([first]) => first?.status === status,
  );
const platform = async (kind: string): Promise<number> =>
  Number((await get(`/v1/accounts?kind=${kind}&currency=usd`)).body.data[0]?.posted ?? 0);

/** A payment of 700 whose holder has gone to their bank; told of here unless its webhooks were dropped. */
const disputed = async (known = true): Promise<Disputed> => {
  const customer = await createCustomer();
  const { id } = (await post('/v1/payments', payFor(customer, 700, { payment_method: CARD }))).body;
  const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
  const find = async (): Promise<StripeObject | undefined> =>
    (await stripe.get(`/v1/disputes?payment_intent=${row!.intent}`)).data[0];
  const dispute = await eventually(find, (found) => found !== undefined);
  if (known) await becomes(id, 'open');
  return { id, customer, dispute: dispute! };
};
/** As the bank decides on evidence of those words. */
const decide = async ({ dispute }: Disputed, evidence: string): Promise<void> => {
  await stripe.post(`/v1/disputes/${dispute.id}`, { 'evidence[uncategorized_text]': evidence });
  await clock.advance(world.sandbox.url, 2);
};
/** But for Stripe's fees, which come when they come. */
const postedOf = async (payment: string): Promise<string[]> =>
  (
    await query<{ kind: string }>(
      `select kind from transfers where payment_id = $1 and kind <> 'fee' order by posted_at`,
      [payment.slice(4)],
    )
  ).map(({ kind }) => kind);
const eventsOf = async (payment: string): Promise<Dispute[]> =>
  (
    await query<{ data: Dispute; type: string }>('select data, type from events where subject = $1 order by id', [
      payment,
    ])
  ).map(({ data, type }) => ({ ...data, kind: type }));

describe('a dispute', () => {
  it('that is opened takes the money from clearing, and leaves the wallet until the bank decides', async () => {
    const before = await platform('disputes');
    const { id, customer } = await disputed();
    expect(await balanceOf(customer)).toBe(700);
    expect(await platform('disputes')).toBe(before - 700);
    expect(await postedOf(id)).toEqual(['payment', 'dispute_opened']);
    expect((await get(`/v1/payments/${id}`)).body.status).toBe('succeeded');
    const [, told] = await eventsOf(id);
    expect(told).toMatchObject({ kind: 'dispute.open', object: 'dispute', payment: id, amount: 700, status: 'open' });
  });

  it('that is won gives it back, and the customer keeps the wallet', async () => {
    const one = await disputed();
    const before = await platform('disputes');
    await decide(one, 'winning_evidence');
    await becomes(one.id, 'won');
    expect(await platform('disputes')).toBe(before + 700);
    expect(await balanceOf(one.customer)).toBe(700);
    expect(await postedOf(one.id)).toEqual(['payment', 'dispute_opened', 'dispute_reinstated']);
  });

  it('that is lost is taken from the wallet', async () => {
    const one = await disputed();
    await decide(one, 'losing_evidence');
    await becomes(one.id, 'lost');
    expect(await balanceOf(one.customer)).toBe(0);
    expect(await postedOf(one.id)).toEqual(['payment', 'dispute_opened', 'dispute_lost']);
  });

  it('that is lost after the money was spent takes the wallet below zero, from where nothing is spent', async () => {
    const one = await disputed();
    await post('/v1/debits', { customer: one.customer, amount: 650, currency: 'usd' });
    await stripe.post(`/v1/disputes/${one.dispute.id}/close`);
    await becomes(one.id, 'lost');
    expect(await balanceOf(one.customer)).toBe(-650);
    const spend = await post('/v1/debits', { customer: one.customer, amount: 1, currency: 'usd' });
    expect([spend.status, spend.body.error.code]).toEqual([402, 'insufficient_funds']);
    await post('/v1/payments', payFor(one.customer, 1000));
    expect(await balanceOf(one.customer)).toBe(350);
  });

  it('that is won after it was lost gives the wallet back what it had lost, and a person is told', async () => {
    const before = await platform('disputes');
    const one = await disputed();
    await decide(one, 'reversed_evidence');
    await becomes(one.id, 'lost');
    expect(await balanceOf(one.customer)).toBe(0);
    await clock.advance(world.sandbox.url, 61);
    await becomes(one.id, 'won');
    expect(await balanceOf(one.customer)).toBe(700);
    expect(await platform('disputes')).toBe(before);
    expect((await postedOf(one.id)).toSorted()).toEqual(
      ['payment', 'dispute_opened', 'dispute_lost', 'dispute_reinstated', 'dispute_loss_returned'].toSorted(),
    );
    const { text } = await get('/v1/contradictions?limit=100');
    expect(JSON.parse(text)).toMatchObject({ data: [{ kind: 'dispute_turned', payment: one.id, status: 'open' }] });
  });

  it('of a payment of which a part was refunded takes the rest, and no more', async () => {
    const customer = await createCustomer();
    const { id } = (await post('/v1/payments', payFor(customer, 700, { payment_method: CARD }))).body;
    const refund = await post('/v1/refunds', { payment: id, amount: 200 });
    expect(refund.status).toBe(201);
    await becomes(id, 'open');
    const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
    const { data } = await stripe.get(`/v1/disputes?payment_intent=${row!.intent}`);
    await stripe.post(`/v1/disputes/${data[0]!.id}/close`);
    await becomes(id, 'lost');
    expect(await balanceOf(customer)).toBe(0);
  });

  it('of which only the end is told is opened and ended together', async () => {
    const heal = await stripe.fault({ kind: 'webhook_drop', event: 'charge.dispute.*' });
    const one = await disputed(false);
    await stripe.post(`/v1/disputes/${one.dispute.id}`, { 'evidence[uncategorized_text]': 'winning_evidence' });
    await heal();
    await clock.advance(world.sandbox.url, 2);
    await becomes(one.id, 'won');
    expect(await postedOf(one.id)).toEqual(['payment', 'dispute_opened', 'dispute_reinstated']);
    expect(await balanceOf(one.customer)).toBe(700);
  });

  it('keeps the payment from being refunded, and what the refund held is free again', async () => {
    const { id, customer } = await disputed();
    const { status, body } = await post('/v1/refunds', { payment: id, amount: 100 });
    expect([status, body.error.code, body.error.outcome]).toEqual([402, 'provider_refused', 'none']);
    const { body: wallet } = await get(`/v1/customers/${customer}/balance?currency=usd`);
    expect([wallet.posted, wallet.pending]).toEqual(['700', '0']);
  });

  it('that is prevented is over as it comes: what it took is the cardholder’s, and no longer in the wallet', async () => {
    const before = await platform('disputes');
    const customer = await createCustomer();
    const card = { payment_method: 'pm_card_sandbox_disputePrevented' };
    const { id } = (await post('/v1/payments', payFor(customer, 700, card))).body;
    await becomes(id, 'lost');
    expect(await balanceOf(customer)).toBe(0);
    expect(await platform('disputes')).toBe(before);
    expect(await postedOf(id)).toEqual(['payment', 'dispute_opened', 'dispute_lost']);
    const { text } = await get('/v1/contradictions?limit=100&status=open');
    expect(JSON.parse(text).data.filter(({ payment }: { payment: string }) => payment === id)).toEqual([]);
  });

  it('that is an inquiry alone moves nothing', async () => {
    const customer = await createCustomer();
    const card = { payment_method: 'pm_card_createDisputeInquiry' };
    const { id } = (await post('/v1/payments', payFor(customer, 700, card))).body;
    await eventually(
      () =>
        query<{ outcome: string }>(`select outcome from stripe_events where type = 'charge.dispute.created'
        and payload->'data'->'object'->>'status' = 'warning_needs_response'`),
      ([event]) => event?.outcome === 'dispute: inquiry',
    );
    expect(await postedOf(id)).toEqual(['payment']);
  });
});

it('leaves the sum over all accounts at zero, after all that was done here', async () => {
  for (const sum of await sums()) expect(sum).toBe('0');
});
