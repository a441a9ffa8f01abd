import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, movableClock, stripeAt, type StripeObject } from '../support/stripe.ts';
import type { Contradiction, Payment } from '../../src/client/api.ts';
import { payFor, startWorld, type Answer } from '../support/service.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, balanceOf, sums, query, as, createKey } = world;
const stripe = stripeAt(world.sandbox.url);

const CREATE = '/v1/payment_intents';
const LEASE_S = 11;

const read = async (id: string): Promise<Payment> => (await get(`/v1/payments/${id}`)).body;
const becomes = (id: string, status: string): Promise<Payment> =>
  eventually(
    () => read(id),
    (payment) => payment.status === status,
  );
const intentsOf = async (payment: string): Promise<StripeObject[]> =>
  (await stripe.get(`${CREATE}?limit=100`)).data.filter(({ metadata }) => metadata['quittance_payment'] === payment);
afterEach(stripe.heal);
/** Sent, and its reply lost, with that of the repeat; nor does a webhook tell: Stripe may have it, and nobody here knows. */
const lost = async <Reply>(
  path: string,
  kind: 'reset_before' | 'reset_after',
  ask: () => Promise<Answer<Reply>>,
): Promise<Answer<Reply>> => {
  // Two lost replies are no outage, as long as others are answered; all are lost, for who sends first is not known.
  await payment();
  await stripe.fault({ kind: 'webhook_drop', event: 'payment_intent.*' });
  const heal = await stripe.fault({ kind, path, method: 'POST' });
  const answer = await ask();
  expect([answer.status, answer.body.error.outcome]).toEqual([503, 'unknown']);
  await heal();
  return answer;
};
/** A payment of 700 whose reply was lost, and how to ask for it again. */
const lostPayment = async (
  kind: 'reset_before' | 'reset_after',
  more: object = {},
): Promise<{ id: string; customer: string; again: () => Promise<Answer<Payment>> }> => {
  const customer = await createCustomer();
  const key = randomUUID();
  const again = (): Promise<Answer<Payment>> => post('/v1/payments', payFor(customer, 700, more), key);
  const { body } = await lost(CREATE, kind, again);
  return { id: body.error.payment!, customer, again };
};
const untilAnswered = (ask: () => Promise<Answer<Payment>>): Promise<Answer<Payment>> =>
  eventually(ask, ({ status }) => status < 400 || status === 402);
const payment = async (more: object = {}): Promise<Answer<Payment>['body']> =>
  (await post('/v1/payments', payFor(await createCustomer(), 700, more))).body;
const merchantOf = async (id: string): Promise<string> =>
  (
    await query<{ merchant: string }>(
      `select 'mer_' || replace(merchant_id::text, '-', '') as merchant from payments where id = $1`,
      [id.slice(4)],
    )
  )[0]!.merchant;
const tagsOf = async (id: string): Promise<Record<string, string>> => ({
  'metadata[quittance_payment]': id,
  'metadata[quittance_merchant]': await merchantOf(id),
});
/** Another PaymentIntent, made in the dashboard by somebody who copied the tags. */
const paidElsewhere = (tags: Record<string, string>, more: Record<string, string> = {}): Promise<StripeObject> =>
  stripe.post(CREATE, {
    ...{ amount: '700', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
    'allowed_payment_method_types[]': 'card',
    ...tags,
    ...more,
  });
const open = async (status = 'open'): Promise<readonly Contradiction[]> =>
  (await get(`/v1/contradictions?status=${status}&limit=100`)).body.data;
const told = (subject: string, kind: string, status = 'open'): Promise<Contradiction> =>
  eventually(
    async () => (await open(status)).find((one) => one.subject === subject && one.kind === kind),
    (found) => found !== undefined,
  ).then((found) => found!);
const platform = async (kind: string): Promise<number> =>
  Number((await get(`/v1/accounts?kind=${kind}&currency=usd`)).body.data[0]?.posted ?? 0);

describe('a payment that is called off', () => {
  it('while its first charge is under way is not: the charge is found out, and answered under its key', async () => {
    const { id, customer, again } = await lostPayment('reset_after');
    const canceled = await post(`/v1/payments/${id}/cancel`, {});
    expect([canceled.status, canceled.body.error.code]).toEqual([409, 'payment_not_cancelable']);
    await clock.advance(world.sandbox.url, LEASE_S);
    const final = await untilAnswered(again);
    expect([final.status, final.body.status]).toEqual([201, 'succeeded']);
    expect(await balanceOf(customer)).toBe(700);
  });

  it('while Stripe itself waits for the bank is told to be what it is: nobody calls it unknown', async () => {
    const waiting = await payment({ payment_method: 'pm_card_sandbox_processing' });
    expect(waiting.status).toBe('processing');
    const open = await query('select from attempts where payment_id = $1 and outcome is null', [waiting.id.slice(4)]);
    expect(open).toEqual([]);
    await clock.advance(world.sandbox.url, 6);
    await becomes(waiting.id, 'succeeded');
    expect(await balanceOf(waiting.customer!)).toBe(700);
    const other = await payment({ payment_method: 'pm_card_sandbox_processing' });
    const canceled = await post(`/v1/payments/${other.id}/cancel`, {});
    const [intent] = await intentsOf(other.id);
    expect((await read(other.id)).status).toBe(intent!.status);
    expect(canceled.status).toBe(intent!.status === 'canceled' ? 200 : 409);
  });

  it('after a charge that never arrived, as was believed, is called off at Stripe where it did', async () => {
    const { id } = await lostPayment('reset_before');
    await clock.advance(world.sandbox.url, 6 * 60);
    await becomes(id, 'requires_payment_method');
    // It does arrive, and nobody is told.
    const heal = await stripe.fault({ kind: 'webhook_drop', event: 'payment_intent.*' });
    const late = await paidElsewhere(await tagsOf(id), { capture_method: 'manual' });
    const canceled = await post(`/v1/payments/${id}/cancel`, {});
    await heal();
    expect([canceled.status, canceled.body.error.code]).toEqual([409, 'payment_not_cancelable']);
    expect((await read(id)).status).toBe('requires_capture');
    expect((await post(`/v1/payments/${id}/cancel`, {})).body.status).toBe('canceled');
    expect((await stripe.get(`${CREATE}/${late.id}`)).status).toBe('canceled');
  });
});

describe('a charge that Stripe made, and whose reply was lost', () => {
  it.each(['bad_request', 'unauthorized', 'forbidden', 'missing', 'rate_limit', 'lock_timeout'] as const)(
    'is paid, though its resend is refused (%s)',
    async (kind) => {
      const { id, customer, again } = await lostPayment('reset_after');
      const heal = await stripe.fault({ kind, path: CREATE, method: 'POST' });
      await clock.advance(world.sandbox.url, LEASE_S);
      await becomes(id, 'succeeded');
      await heal();
      const final = await untilAnswered(again);
      expect([final.status, final.body.status]).toEqual([201, 'succeeded']);
      expect(await intentsOf(id)).toHaveLength(1);
      expect(await balanceOf(customer)).toBe(700);
    },
  );

  it('is found by the claim where a failover has lost all that was known of it, and is charged once', async () => {
    const { id, customer, again } = await lostPayment('reset_after');
    const uuid = [id.slice(4)];
    await query('delete from claims where id in (select claim_id from attempts where payment_id = $1)', uuid);
    await query('delete from attempts where payment_id = $1', uuid);
    await query('delete from payments where id = $1', uuid);
    const repeated = await again();
    expect([repeated.status, repeated.body.status]).toEqual([201, 'succeeded']);
    expect(await intentsOf(id)).toHaveLength(0);
    expect(await intentsOf(repeated.body.id)).toHaveLength(1);
    expect(await balanceOf(customer)).toBe(700);
  });
});

describe('a charge that never arrived', () => {
  it('is sent again under the key that the release before has sent, its own id', async () => {
    const { id, again } = await lostPayment('reset_before');
    const [attempt] = await query<{ id: string }>(
      'update attempts set stripe_key = null where payment_id = $1 returning id',
      [id.slice(4)],
    );
    await clock.advance(world.sandbox.url, LEASE_S);
    expect((await untilAnswered(again)).status).toBe(201);

    // Stripe knows a key by what came with it: another body is refused.
    const other = await fetch(world.sandbox.url + CREATE, {
      method: 'POST',
      headers: {
        Authorization: 'Bearer sk_test_sandbox',
        'Idempotency-Key': `att_${attempt!.id.replaceAll('-', '')}`,
      },
      body: new URLSearchParams({ amount: '1', currency: 'usd' }),
    });
    expect([other.status, await other.json()]).toMatchObject([400, { error: { type: 'idempotency_error' } }]);
  });

  it('is not sent when its customer has long gone', async () => {
    const { id, again } = await lostPayment('reset_before');
    await clock.advance(world.sandbox.url, 3600);
    const final = await untilAnswered(again);
    expect([final.status, final.body.error.code, final.body.error.outcome]).toEqual([402, 'processing_error', 'none']);
    expect(await intentsOf(id)).toEqual([]);
  });

  it('is unknown for hours where Stripe failed while it worked on it, and paid when Stripe makes it good', async () => {
    const customer = await createCustomer();
    const key = randomUUID();
    const ask = (): Promise<Answer<Payment>> => post('/v1/payments', payFor(customer, 700), key);
    const heal = await stripe.fault({
      kind: 'error_reconciled',
      path: CREATE,
      method: 'POST',
      ms: 3_500_000,
      count: 1,
    });
    const first = await ask();
    await heal();
    expect([first.status, first.body.error.outcome]).toEqual([503, 'unknown']);
    const id = first.body.error.payment!;
    for (const seconds of [LEASE_S, 60, 600]) {
      await clock.advance(world.sandbox.url, seconds);
      await eventually(
        () => query<{ n: number }>('select fence as n from attempts where payment_id = $1', [id.slice(4)]),
        ([attempt]) => attempt!.n > 1,
      );
      expect((await ask()).body.error.code).toBe('idempotency_key_in_use');
    }
    await clock.advance(world.sandbox.url, 3600);
    const final = await untilAnswered(ask);
    expect([final.status, final.body.status]).toEqual([201, 'succeeded']);
    expect(await intentsOf(id)).toHaveLength(1);
  });
});

describe('what Stripe has, whatever was believed', () => {
  it('is posted: a payment that was called off, and is paid after all', async () => {
    const { id, customer } = await lostPayment('reset_before');
    await clock.advance(world.sandbox.url, 6 * 60);
    await becomes(id, 'requires_payment_method');
    expect((await post(`/v1/payments/${id}/cancel`, {})).body.status).toBe('canceled');
    const late = await paidElsewhere(await tagsOf(id));
    await becomes(id, 'succeeded');
    expect(await balanceOf(customer)).toBe(700);
    expect(await told(late.id, 'paid_after_cancel')).toMatchObject({ payment: id, amount: 700, status: 'open' });
  });

  it('is posted: a second charge of one payment, as money that is to go back, until it has gone back', async () => {
    const { id, customer } = await payment();
    const before = await platform('to_return');
    const second = await paidElsewhere(await tagsOf(id));
    expect(await told(second.id, 'second_charge')).toMatchObject({ payment: id, amount: 700 });
    expect(await platform('to_return')).toBe(before + 700);
    expect(await balanceOf(customer!)).toBe(700);
    await stripe.post('/v1/refunds', { payment_intent: second.id });
    const resolved = await told(second.id, 'second_charge', 'resolved');
    expect(resolved.resolution).toBe('It has gone back to the card.');
    expect(await platform('to_return')).toBe(before);
    expect((await read(id)).status).toBe('succeeded');
    expect(await balanceOf(customer!)).toBe(700);
  });

  it('is posted: a refund that was taken for failed', async () => {
    const { id, customer } = await payment();
    const refused = await lost('/v1/refunds', 'reset_before', () => post('/v1/refunds', { payment: id, amount: 300 }));
    expect(refused.body.error.payment).toBe(id);
    const heal = await stripe.fault({ kind: 'bad_request', path: '/v1/refunds', method: 'POST' });
    await clock.advance(world.sandbox.url, 120);
    const failed = await eventually(
      async () => (await get(`/v1/refunds?payment=${id}`)).body.data[0]!,
      ({ status }) => status === 'failed',
    );
    await heal();
    const [intent] = await intentsOf(id);
    const made = await stripe.post('/v1/refunds', {
      payment_intent: intent!.id,
      amount: '300',
      ...(await tagsOf(id)),
      'metadata[quittance_refund]': failed.id,
    });
    await told(made.id, 'refund_after_failure');
    expect((await get(`/v1/refunds/${failed.id}`)).body.status).toBe('succeeded');
    expect(await balanceOf(customer!)).toBe(400);
  });

  it('is not believed of another amount, nor of a payment that is not here: each is told to a person', async () => {
    const { id } = await payment({ payment_method: 'pm_card_visa_chargeDeclined' }).then(async (refused) =>
      read(refused.error.payment!),
    );
    await query('update payments set intent = null where id = $1', [id.slice(4)]);
    const other = await paidElsewhere(await tagsOf(id), { amount: '900' });
    expect(await told(other.id, 'intent_differs')).toMatchObject({ payment: id });
    expect((await read(id)).status).toBe('requires_payment_method');
    const nobodys = `pay_${randomUUID().replaceAll('-', '')}`;
    const orphan = await paidElsewhere({ ...(await tagsOf(id)), 'metadata[quittance_payment]': nobodys });
    expect(await told(orphan.id, 'orphan_intent')).toMatchObject({ payment: null, amount: 700 });
  });

  it('belongs to one payment: tags that were moved to another make it no second one', async () => {
    const [one, other] = [
      await payment(),
      await post('/v1/payments', { customer: await createCustomer(), amount: 700, currency: 'usd' }),
    ];
    const [intent] = await intentsOf(one.id);
    await stripe.post(`${CREATE}/${intent!.id}`, await tagsOf(other.body.id));
    const event = (await stripe.events()).findLast(({ type }) => type === 'payment_intent.succeeded')!;
    await query('delete from stripe_events where id = $1', [event.id]);
    await stripe.resend(event.id);
    await eventually(
      () => query<{ outcome: string | null }>('select outcome from stripe_events where id = $1', [event.id]),
      ([row]) => row !== undefined && row.outcome !== null,
    );
    expect((await read(other.body.id)).status).toBe('requires_payment_method');
    expect(await balanceOf(other.body.customer!)).toBe(0);
  });
});

describe('a contradiction', () => {
  it('is listed for finance, and resolved by a person who says what was done', async () => {
    const finance = as(await createKey('Stranger', 'finance'));
    expect((await finance.get('/v1/contradictions')).body.data).toEqual([]);
    const [first] = await open();
    const path = `/v1/contradictions/${first!.id}/resolve`;
    expect((await finance.post(path, { reason: 'mine?' }, null)).body.error.code).toBe('contradiction_not_found');
    const done = await post(path, { reason: 'Delivered.' }, null);
    expect(done.body).toMatchObject({ id: first!.id, status: 'resolved', resolution: 'Delivered.' });
    expect((await post(path, { reason: 'Again.' }, null)).body.error.code).toBe('contradiction_not_found');
  });
});

describe('amounts that the card networks do not know', () => {
  it.each([
    ['isk', 10_000, 150],
    ['ugx', 10_000, 150],
    ['kwd', 10_000, 5],
  ])('are refused: a fraction of %s is neither refunded nor captured', async (currency, amount, part) => {
    const paid = await payment({ currency, amount });
    const refund = await post('/v1/refunds', { payment: paid.id, amount: part });
    expect([refund.status, refund.body.error.param]).toEqual([400, 'amount']);
    const held = await payment({ currency, amount, capture_method: 'manual' });
    const capture = await post(`/v1/payments/${held.id}/capture`, { amount: part });
    expect([capture.status, capture.body.error.param]).toEqual([400, 'amount']);
  });

  it('are refused: more than Stripe takes of dollars, and not more than it takes of rupiahs', async () => {
    const customer = await createCustomer();
    const dollars = await post('/v1/payments', { customer, amount: 100_000_000, currency: 'usd' });
    expect([dollars.status, dollars.body.error.param]).toEqual([400, 'amount']);
    for (const [currency, most] of [
      ['idr', 999_999_999_999],
      ['cop', 9_999_999_999],
      ['huf', 9_999_999_999],
      ['jpy', 9_999_999_999],
      ['inr', 999_999_999],
      ['eur', 99_999_999],
    ] as const) {
      const largest = await post('/v1/payments', payFor(customer, most, { currency }));
      const larger = await post('/v1/payments', { customer, amount: most + 1, currency });
      expect([currency, largest.status, larger.status, larger.body.error.param]).toEqual([
        currency,
        201,
        400,
        'amount',
      ]);
    }
  });
});

it('tells Stripe why money goes back', async () => {
  const { id } = await payment();
  await post('/v1/refunds', { payment: id, amount: 100, reason: 'requested_by_customer' });
  const [intent] = await intentsOf(id);
  const { data } = await stripe.get(`/v1/refunds?payment_intent=${intent!.id}`);
  expect(data[0]).toMatchObject({ reason: 'requested_by_customer' });
});

it('leaves the sum over all accounts at zero, after all that was done here', async () => {
  for (const sum of await sums()) expect(sum).toBe('0');
});
