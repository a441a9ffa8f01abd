/** A PaymentIntent is the payment's own, or a second charge of it, or is not believed: whatever Stripe tells of it. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, movableClock, stripeAt, type StripeObject } from '../support/stripe.ts';
import type { Contradiction, Payment } from '../../src/client/api.ts';
import { payFor, startWorld, type Answer } from '../support/service.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, balanceOf, sums, query } = world;
const stripe = stripeAt(world.sandbox.url);

const CREATE = '/v1/payment_intents';
const TWO_DAYS_S = 2 * 24 * 3600 + 60;

afterEach(stripe.heal);
const read = async (id: string): Promise<Payment> => (await get(`/v1/payments/${id}`)).body;
const payment = async (more: object = {}): Promise<Payment> =>
  (await post('/v1/payments', payFor(await createCustomer(), 700, more))).body;
const ownOf = async (id: string): Promise<StripeObject> =>
  (await stripe.get(`${CREATE}?limit=100`)).data.find(({ metadata }) => metadata['quittance_payment'] === id)!;
const tagsOf = async (id: string): Promise<Record<string, string>> => {
  const rows = await query<{ merchant: string }>('select merchant_id as merchant from payments where id = $1', [
    id.slice(4),
  ]);
  return {
    'metadata[quittance_payment]': id,
    'metadata[quittance_merchant]': `mer_${rows[0]!.merchant.replaceAll('-', '')}`,
  };
};
/** Another PaymentIntent, made elsewhere by somebody who copied the tags. */
const paidElsewhere = async (of: string, more: Record<string, string> = {}): Promise<StripeObject> =>
  stripe.post(CREATE, {
    ...{ amount: '700', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
    'allowed_payment_method_types[]': 'card',
    ...(await tagsOf(of)),
    ...more,
  });
const told = async (subject: string, kind: string, status = 'open'): Promise<Contradiction> =>
  eventually(
    async () =>
      (await get(`/v1/contradictions?status=${status}&limit=100`)).body.data.find(
        (one) => one.subject === subject && one.kind === kind,
      ),
    (found) => found !== undefined,
  ).then((found) => found!);
const platform = async (kind: string): Promise<number> =>
  Number((await get(`/v1/accounts?kind=${kind}&currency=usd`)).body.data[0]?.posted ?? 0);
/** Of all that Stripe has told, nothing waits. */
const allApplied = (): Promise<unknown> =>
  eventually(
    () => query<{ n: number }>('select count(*)::int as n from stripe_events where applied_at is null'),
    ([row]) => row!.n === 0,
  );
const disputeOf = (intent: string): Promise<StripeObject> =>
  eventually(
    async () => (await stripe.get(`/v1/disputes?payment_intent=${intent}`)).data[0],
    (found) => found !== undefined,
  ).then((found) => found!);
const postedOf = async (id: string): Promise<string[]> =>
  (
    await query<{ kind: string; amount: string }>(
      'select kind, amount from transfers where payment_id = $1 order by posted_at, kind',
      [id.slice(4)],
    )
  ).map(({ kind, amount }) => `${kind} ${amount}`);
const becomes = (id: string, posted: string[]): Promise<unknown> =>
  eventually(
    () => postedOf(id),
    (found) => JSON.stringify(found.toSorted()) === JSON.stringify(posted.toSorted()),
  );

describe('an attempt', () => {
  it('is settled by its own intent alone: the end of another that holds money tells it nothing', async () => {
    const { id, customer } = await payment({ capture_method: 'manual' });
    const own = await ownOf(id);
    const other = await paidElsewhere(id, { capture_method: 'manual' });
    await told(other.id, 'second_intent');
    await stripe.fault({ kind: 'latency', method: 'POST', path: `${CREATE}/${own.id}/capture`, ms: 4_000, count: 1 });
    const captured = post(`/v1/payments/${id}/capture`, {});
    await eventually(
      () => read(id),
      ({ status }) => status === 'processing',
    );
    await stripe.post(`${CREATE}/${other.id}/cancel`);
    const answer = await captured;
    expect([answer.status, answer.body.status]).toEqual([200, 'succeeded']);
    expect(await balanceOf(customer!)).toBe(700);
  });
});

describe('of a second charge', () => {
  it('what the bank takes is of what was to go back, and the wallet keeps what was paid once', async () => {
    const { id, customer } = await payment();
    const before = [await platform('to_return'), await platform('disputes')];
    const second = await paidElsewhere(id, { payment_method: 'pm_card_createDispute' });
    await told(second.id, 'second_charge');
    const dispute = await disputeOf(second.id);
    await stripe.post(`/v1/disputes/${dispute.id}/close`);
    await told(second.id, 'second_charge', 'resolved');
    expect(await balanceOf(customer!)).toBe(700);
    expect([await platform('to_return'), await platform('disputes')]).toEqual(before);
    expect((await read(id)).status).toBe('succeeded');
  });

  it('it is posted once, though its payment is then called off, and its refund is posted too', async () => {
    const { id, customer } = await payment({ capture_method: 'manual' });
    const before = await platform('to_return');
    const second = await paidElsewhere(id);
    await told(second.id, 'second_charge');
    expect((await post(`/v1/payments/${id}/cancel`, {})).body.status).toBe('canceled');
    await stripe.post('/v1/refunds', { payment_intent: second.id });
    await told(second.id, 'second_charge', 'resolved');
    await allApplied();
    expect(await platform('to_return')).toBe(before);
    expect(await balanceOf(customer!)).toBe(0);
    expect((await read(id)).status).toBe('canceled');
  });

  it('it is open again, and to go back again, when the card does not take its refund', async () => {
    const { id } = await payment();
    const before = await platform('to_return');
    const second = await paidElsewhere(id, { payment_method: 'pm_card_refundFail' });
    await told(second.id, 'second_charge');
    const refund = await stripe.post('/v1/refunds', { payment_intent: second.id });
    await told(second.id, 'second_charge', 'resolved');
    await clock.advance(world.sandbox.url, 60);
    const again = await told(second.id, 'second_charge');
    expect(again.detail).toContain(refund.id);
    expect(await platform('to_return')).toBe(before + 700);
  });
});

describe('of a charge that is not believed', () => {
  it('neither refund nor dispute nor fee is posted: no money of the payment has moved', async () => {
    const customer = await createCustomer();
    const waiting = (
      await post('/v1/payments', { customer, amount: 700, currency: 'usd', payment_method: 'pm_card_visa' })
    ).body;
    const paid = await payment();
    await becomes(paid.id, ['payment 700', 'fee 50']);
    const foreign = await paidElsewhere(waiting.id, { amount: '300' });
    const disputed = await paidElsewhere(paid.id, { amount: '300', payment_method: 'pm_card_createDispute' });
    await told(foreign.id, 'intent_differs');
    await told(disputed.id, 'intent_differs');
    await stripe.post('/v1/refunds', { payment_intent: foreign.id });
    await stripe.post(`/v1/disputes/${(await disputeOf(disputed.id)).id}/close`);
    await clock.advance(world.sandbox.url, 60);
    await allApplied();
    await eventually(
      () =>
        query<{ n: number }>('select count(*)::int as n from unknown_balance_transactions where gross in (300, -300)'),
      ([row]) => row!.n === 4,
    );
    expect(await postedOf(waiting.id)).toEqual([]);
    expect((await postedOf(paid.id)).toSorted()).toEqual(['fee 50', 'payment 700']);
    expect([await balanceOf(customer), await balanceOf(paid.customer!)]).toEqual([0, 700]);
    const refund = await post('/v1/refunds', { payment: paid.id });
    expect([refund.status, refund.body.amount]).toEqual([201, 700]);
  });
});

describe('of two refunds at Stripe with one tag', () => {
  it('each is posted, and a person is told of the second', async () => {
    const { id, customer } = await payment();
    const { body } = await post('/v1/refunds', { payment: id, amount: 100 });
    const own = await ownOf(id);
    const copy = await stripe.post('/v1/refunds', {
      ...{ payment_intent: own.id, amount: '150' },
      ...(await tagsOf(id)),
      'metadata[quittance_refund]': body.id,
    });
    expect(await told(copy.id, 'second_refund')).toMatchObject({ payment: id, amount: 150 });
    expect(await balanceOf(customer!)).toBe(450);
    expect(await read(id)).toMatchObject({ amount_refunded: 250 });
  });
});

describe('a charge that was paid in an earlier life of its request', () => {
  it('has its fee posted, though its own tags are of the payment that was lost', async () => {
    const customer = await createCustomer();
    const key = randomUUID();
    const ask = (): Promise<Answer<Payment>> => post('/v1/payments', payFor(customer, 700), key);
    const drop = await stripe.fault({ kind: 'webhook_drop', event: '*' });
    const first = (await ask()).body.id.slice(4);
    await query('delete from transfers where payment_id = $1', [first]);
    await query('delete from claims where id in (select claim_id from attempts where payment_id = $1)', [first]);
    for (const table of ['attempts', 'intents', 'balance_transactions'])
      await query(`delete from ${table} where payment_id = $1`, [first]);
    await query('delete from payments where id = $1', [first]);
    await query('update accounts set credits = credits - 700 where customer_id = $1', [customer.slice(4)]);
    await query(`update accounts set debits = debits - 700 where kind = 'stripe_clearing' and currency = 'usd'`);
    const { body } = await ask();
    await drop();
    await clock.advance(world.sandbox.url, 60);
    await becomes(body.id, ['payment 700', 'fee 50']);
  });
});

describe('a payout', () => {
  /** Of all merchants, and so in no one's list. */
  const differs = async (payout: string): Promise<{ amount: string; detail: string }> =>
    (
      await eventually(
        () =>
          query<{ amount: string; detail: string }>(
            `select amount, detail from contradictions where kind = 'payout_differs' and subject = $1 and resolved_at is null`,
            [payout],
          ),
        ({ length }) => length > 0,
      )
    )[0]!;

  it('is not held up by a line that cannot be posted: it is told to a person, and the others are split', async () => {
    const [bad, good] = [await payment(), await payment()];
    for (const { id } of [bad, good]) await becomes(id, ['payment 700', 'fee 50']);
    // As if it were new, and what it posts there already.
    const [line] = await query<{ id: string }>('delete from balance_transactions where payment_id = $1 returning id', [
      bad.id.slice(4),
    ]);
    await clock.advance(world.sandbox.url, TWO_DAYS_S);
    const { id } = await stripe.post('/_sandbox/payouts', { currency: 'usd' });
    await clock.advance(world.sandbox.url, 5);
    await told(line!.id, 'line_not_posted');
    await differs(id);
    const [row] = await eventually(
      () =>
        query<{ payout: string | null }>('select payout from balance_transactions where payment_id = $1', [
          good.id.slice(4),
        ]),
      ([found]) => found?.payout === id,
    );
    expect(row!.payout).toBe(id);
    await eventually(
      () => query<{ status: string }>('select status from payouts where id = $1', [id]),
      ([share]) => share?.status === 'paid',
    );
  });
});

it('leaves the sum over all accounts at zero, after all that was done here', async () => {
  for (const sum of await sums()) expect(sum).toBe('0');
});
