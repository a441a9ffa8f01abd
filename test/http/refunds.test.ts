import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Payment, Refund, Transfer } from '../../src/client/api.ts';
import { payFor, startWorld, type Answer } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, balanceOf, sums, query, as, createKey, sandboxCounts } = world;
const stripe = stripeAt(world.sandbox.url);
/** The sandbox decides about a refund after five seconds. */
const DECIDED_S = 6;

interface Paid {
  readonly id: string;
  readonly customer: string;
  readonly intent: string;
}

const pay = async (amount = 700, more: object = {}): Promise<Paid> => {
  const customer = await createCustomer();
  const { id } = (await post('/v1/payments', payFor(customer, amount, more))).body;
  const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
  return { id, customer, intent: row!.intent };
};
const refund = (payment: string, amount?: number, key?: string): Promise<Answer<Refund>> =>
  post('/v1/refunds', { payment, ...(amount === undefined ? {} : { amount }) }, key);
/** As a client that tries again, under the same key, where it is told that nothing was begun. */
const insist = async <Reply>(ask: (key: string) => Promise<Answer<Reply>>): Promise<Answer<Reply>> => {
  const key = randomUUID();
  for (;;) {
    const answer = await ask(key);
    if (answer.status !== 503 && answer.status !== 429) return answer;
    await sleep(200);
  }
};
const debit = (customer: string, amount: number, key?: string): Promise<Answer<Transfer>> =>
  post('/v1/debits', { customer, amount, currency: 'usd' }, key);
const read = async (id: string): Promise<Payment> => (await get(`/v1/payments/${id}`)).body;
const refundedBecomes = (id: string, amount: number): Promise<unknown> =>
  eventually(
    () => read(id),
    ({ amount_refunded }) => amount_refunded === amount,
  );
const statusBecomes = (id: string, status: string): Promise<Refund> =>
  eventually(
    async () => (await get(`/v1/refunds/${id}`)).body,
    (shown) => shown.status === status,
  );
const wallet = async (customer: string): Promise<(string | null)[]> => {
  const { body } = await get(`/v1/customers/${customer}/balance?currency=usd`);
  return [body.posted, body.pending, body.available];
};
const eventsOf = async (payment: string): Promise<string[]> =>
  (await query<{ type: string }>('select type from events where subject = $1 order by id', [payment])).map(
    ({ type }) => type,
  );

describe('a refund', () => {
  it('sends money back to the card, and takes it from the wallet', async () => {
    const { id, customer } = await pay();
    const { status, body } = await post('/v1/refunds', { payment: id, amount: 300, reason: 'requested_by_customer' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^re_[0-9a-f]{32}$/),
      object: 'refund',
      payment: id,
      amount: 300,
      currency: 'usd',
      status: 'succeeded',
      reason: 'requested_by_customer',
      failure_reason: null,
      created_at: expect.any(String),
    });
    expect((await get(`/v1/refunds/${body.id}`)).body).toEqual(body);
    expect(await read(id)).toMatchObject({ status: 'succeeded', amount_refunded: 300 });
    expect(await wallet(customer)).toEqual(['400', '0', '400']);
    expect(await eventsOf(id)).toEqual(['payment.succeeded', 'refund.succeeded']);
  });

  it('may be followed by others until nothing is left, and the last takes the rest without naming it', async () => {
    const { id, customer } = await pay();
    expect((await refund(id, 100)).body.amount).toBe(100);
    expect((await refund(id, 250)).body.amount).toBe(250);
    expect((await refund(id)).body.amount).toBe(350);
    const none = await refund(id);
    expect([none.status, none.body.error.code, none.body.error.payment]).toEqual([409, 'refund_exceeds_payment', id]);
    expect(await wallet(customer)).toEqual(['0', '0', '0']);
    const list = (await get(`/v1/refunds?payment=${id}`)).body;
    expect(list.data.map(({ amount }) => amount)).toEqual([350, 250, 100]);
  });

  it('of more than was captured is refused, however much was authorized', async () => {
    const { id } = await pay(700, { capture_method: 'manual' });
    await post(`/v1/payments/${id}/capture`, { amount: 200 });
    const { status, body } = await refund(id, 201);
    expect([status, body.error.code, body.error.param]).toEqual([409, 'refund_exceeds_payment', 'amount']);
    expect((await refund(id, 200)).status).toBe(201);
  });

  it('is asked for a thousand times at the most, so that what goes back by the cent holds up nobody', async () => {
    const { id } = await pay();
    await query(
      `insert into refunds (merchant_id, id, payment_id, amount, currency, status, created_at)
       select merchant_id, gen_random_uuid(), id, 1, 'usd', 'failed', now() from payments, generate_series(1, 999)
       where id = $1`,
      [id.slice(4)],
    );
    expect((await refund(id, 1)).status).toBe(201);
    const refused = await refund(id, 1);
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'payment_not_refundable' } } });
    expect(refused.body.error.message).toContain('dashboard');
  });

  it('of what is not paid, or canceled, or of another merchant is refused', async () => {
    const open = (await post('/v1/payments', { customer: await createCustomer(), amount: 5, currency: 'usd' })).body;
    const held = await pay(700, { capture_method: 'manual' });
    const canceled = await pay(700, { capture_method: 'manual' });
    await post(`/v1/payments/${canceled.id}/cancel`, {});
    for (const { id } of [open, held, canceled]) {
      const { status, body } = await refund(id, 1);
      expect([status, body.error.code]).toEqual([409, 'payment_not_refundable']);
    }
    const { id } = await pay();
    const other = as(await createKey('Another', 'secret'));
    const stranger = await other.post('/v1/refunds', { payment: id });
    expect([stranger.status, stranger.body.error.code]).toEqual([404, 'payment_not_found']);
    const mine = (await refund(id, 1)).body;
    expect((await other.get(`/v1/refunds/${mine.id}`)).body.error.code).toBe('refund_not_found');
    expect((await other.get('/v1/refunds')).body.data).toEqual([]);
  });

  it.each([
    { amount: 0 },
    { amount: -5 },
    { amount: 1.5 },
    { currency: 'eur' },
    { reason: 'because' },
    { payment: 'pay_1' },
  ])('of %p is not understood', async (wrong) => {
    const { id } = await pay();
    const { status, body } = await post('/v1/refunds', { payment: id, ...wrong });
    expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', Object.keys(wrong)[0]]);
  });

  it('under one key is made once, and its reply is repeated', async () => {
    const { id, customer } = await pay();
    const key = randomUUID();
    const first = await refund(id, 300, key);
    const second = await refund(id, 300, key);
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(await balanceOf(customer)).toBe(400);
    expect((await refund(id, 400, key)).body.error.code).toBe('idempotency_key_reused');
  });

  it('of what the customer has spent meanwhile is refused', async () => {
    const { id, customer } = await pay();
    await debit(customer, 500);
    const { status, body } = await refund(id, 300);
    expect([status, body.error.code]).toEqual([402, 'insufficient_funds']);
    expect((await refund(id, 200)).status).toBe(201);
    expect(await wallet(customer)).toEqual(['0', '0', '0']);
  });
});

describe('refunds at the same time', () => {
  it('100 of 1, of a payment of 50: 50 succeed, and 50 are refused', async () => {
    const { id, customer } = await pay(50);
    const before = (await sandboxCounts())['refunds']!;
    const answers = await Promise.all(Array.from({ length: 100 }, () => insist((key) => refund(id, 1, key))));
    const count = (status: number): number => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(409)]).toEqual([50, 50]);
    expect((await sandboxCounts())['refunds']! - before).toBe(50);
    expect(await read(id)).toMatchObject({ amount_refunded: 50 });
    expect(await wallet(customer)).toEqual(['0', '0', '0']);
  });

  it('and spending never take a wallet below zero, and take all that it holds', async () => {
    const { id, customer } = await pay(600);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        insist<Refund | Transfer>((key) => (n % 2 === 0 ? refund(id, 50, key) : debit(customer, 50, key))),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(12);
    expect(await wallet(customer)).toEqual(['0', '0', '0']);
    const [low] = await query<{ least: string }>(
      `select least(min(debit_balance_after) filter (where kind in ('refund', 'debit')),
         min(credit_balance_after) filter (where kind = 'payment')) as least from transfers where payment_id = $1`,
      [id.slice(4)],
    );
    expect(Number(low!.least)).toBeGreaterThanOrEqual(0);
  });
});

describe('a refund that the card keeps waiting', () => {
  it('is held, cannot be spent or refunded meanwhile, and is posted when it succeeds', async () => {
    const { id, customer } = await pay(700, { payment_method: 'pm_card_pendingRefund' });
    const made = await refund(id, 300);
    expect([made.status, made.body.status]).toEqual([201, 'pending']);
    expect(await wallet(customer)).toEqual(['700', '300', '400']);
    expect((await debit(customer, 401)).body.error.code).toBe('insufficient_funds');
    expect((await refund(id, 401)).body.error.code).toBe('refund_exceeds_payment');
    expect(await read(id)).toMatchObject({ amount_refunded: 0 });
    await clock.advance(world.sandbox.url, DECIDED_S);
    await statusBecomes(made.body.id, 'succeeded');
    expect(await wallet(customer)).toEqual(['400', '0', '400']);
    expect(await eventsOf(id)).toEqual(['payment.succeeded', 'refund.pending', 'refund.succeeded']);
  });

  it('or does not take gives the money back to the wallet', async () => {
    const { id, customer } = await pay(700, { payment_method: 'pm_card_refundFail' });
    const made = await refund(id, 300);
    expect(made.body.status).toBe('succeeded');
    expect(await balanceOf(customer)).toBe(400);
    await clock.advance(world.sandbox.url, DECIDED_S);
    expect((await statusBecomes(made.body.id, 'failed')).object).toBe('refund');
    expect((await get(`/v1/refunds/${made.body.id}`)).body).toMatchObject({
      failure_reason: 'expired_or_canceled_card',
    });
    expect(await wallet(customer)).toEqual(['700', '0', '700']);
    expect(await read(id)).toMatchObject({ amount_refunded: 0 });
    expect(await eventsOf(id)).toEqual(['payment.succeeded', 'refund.succeeded', 'refund.failed']);
  });
});

describe('a refund whose outcome is lost', () => {
  it.each(['reset_after', 'error_after', 'reset_before', 'error_before'] as const)(
    '(%s) is held until it is known, made once, and then answered under its key',
    async (kind) => {
      const { id, customer } = await pay();
      const before = (await sandboxCounts())['refunds']!;
      const key = randomUUID();
      // Nobody tells of it but the sweeper.
      await stripe.fault({ kind: 'webhook_drop', event: 'refund.*' });
      const heal = await stripe.fault({ kind, method: 'POST', path: '/v1/refunds', count: 2 });
      const lost = await refund(id, 300, key);
      expect([lost.status, lost.body.error.outcome]).toEqual([503, 'unknown']);
      expect(await wallet(customer)).toEqual(['700', '300', '400']);
      expect((await refund(id, 300, key)).body.error.code).toBe('idempotency_key_in_use');
      await heal();
      await clock.advance(world.sandbox.url, 11);
      await refundedBecomes(id, 300);
      const final = await refund(id, 300, key);
      expect([final.status, final.body.status]).toEqual([201, 'succeeded']);
      expect(await wallet(customer)).toEqual(['400', '0', '400']);
      expect((await sandboxCounts())['refunds']! - before).toBe(1);
    },
  );
});

describe('a refund made at Stripe', () => {
  const atStripe = ({ intent }: Paid, amount: number): Promise<{ id: string }> =>
    stripe.post('/v1/refunds', { payment_intent: intent, amount: String(amount) });

  it('is found, posted and told of, and counts against what may still be refunded', async () => {
    const paid = await pay();
    await atStripe(paid, 300);
    await refundedBecomes(paid.id, 300);
    expect(await wallet(paid.customer)).toEqual(['400', '0', '400']);
    expect((await refund(paid.id, 401)).body.error.code).toBe('refund_exceeds_payment');
    const list = (await get(`/v1/refunds?payment=${paid.id}`)).body;
    expect(list.data).toMatchObject([{ object: 'refund', amount: 300, status: 'succeeded' }]);
    expect(await eventsOf(paid.id)).toEqual(['payment.succeeded', 'refund.succeeded']);
  });

  it('of what was spent takes the wallet below zero: Stripe has sent it', async () => {
    const paid = await pay();
    await debit(paid.customer, 600);
    await atStripe(paid, 700);
    await refundedBecomes(paid.id, 700);
    expect(await wallet(paid.customer)).toEqual(['-600', '0', '-600']);
    expect((await debit(paid.customer, 1)).body.error.code).toBe('insufficient_funds');
  });

  it('or asked for here, that failed before it moved anything, takes nothing from the wallet', async () => {
    const paid = await pay(700, { payment_method: 'pm_card_sandbox_refundFailsAtOnce' });
    await debit(paid.customer, 500);
    const { id } = await atStripe(paid, 600);
    await eventually(
      () => query('select from stripe_events where payload::text like $1 and applied_at is not null', [`%${id}%`]),
      ({ length }) => length === 2,
    );
    expect(await wallet(paid.customer)).toEqual(['200', '0', '200']);
    const made = await refund(paid.id, 150);
    expect([made.status, made.body.status]).toEqual([201, 'failed']);
    expect(await wallet(paid.customer)).toEqual(['200', '0', '200']);
    expect(await read(paid.id)).toMatchObject({ amount_refunded: 0 });
    expect(
      await query(`select from transfers where payment_id = $1 and kind like 'refund%'`, [paid.id.slice(4)]),
    ).toEqual([]);
  });

  it('is held while it is pending, and given back where the card does not take it', async () => {
    const pending = await pay(700, { payment_method: 'pm_card_pendingRefund' });
    const failing = await pay(700, { payment_method: 'pm_card_refundFail' });
    await atStripe(pending, 300);
    await atStripe(failing, 300);
    await eventually(
      () => wallet(pending.customer),
      ([, held]) => held === '300',
    );
    await refundedBecomes(failing.id, 300);
    await clock.advance(world.sandbox.url, DECIDED_S);
    await refundedBecomes(pending.id, 300);
    await refundedBecomes(failing.id, 0);
    expect(await wallet(pending.customer)).toEqual(['400', '0', '400']);
    expect(await wallet(failing.customer)).toEqual(['700', '0', '700']);
  });
});

it('leaves nothing held, and no money made', async () => {
  expect(await query('select id from accounts where pending <> 0')).toEqual([]);
  for (const sum of await sums()) expect(sum).toBe('0');
});
