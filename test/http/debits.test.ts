/** Payments that are processing for days: SEPA Direct Debit, where the installation takes it. */
import { describe, expect, it } from '@jest/globals';
import { judge } from '../proof/judge.ts';
import { balanceIsRead } from '../support/world.ts';
import type { Payment } from '../../src/client/api.ts';
import { payFor, startService, startWorld, type Answer } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({ PAYMENT_METHOD_TYPES: 'card,sepa_debit' }, clock);
const { post, get, createCustomer, balanceOf, query, sandbox } = world;
const stripe = stripeAt(sandbox.url);
const judged = { databaseUrl: world.databaseUrl, sandboxUrl: sandbox.url };

const DAY_S = 24 * 3600;

const debit = async (method: string, more: object = {}): Promise<Answer<Payment> & { readonly customer: string }> => {
  const customer = await createCustomer();
  const wanted = payFor(customer, 700, { payment_method: method, currency: 'eur', ...more });
  return { ...(await post('/v1/payments', wanted)), customer };
};
const read = async (id: string): Promise<Payment> => (await get(`/v1/payments/${id}`)).body;
const becomes = (id: string, isSo: (payment: Awaited<ReturnType<typeof read>>) => boolean): Promise<unknown> =>
  eventually(() => read(id), isSo);
const postedOf = async (payment: string): Promise<string[]> =>
  (
    await query<{ kind: string }>('select kind from transfers where payment_id = $1 order by posted_at', [
      payment.slice(4),
    ])
  ).map(({ kind }) => kind);
const toldOf = async (payment: string): Promise<{ type: string; data: Payment }[]> =>
  query('select type, data from events where subject = $1 order by id', [payment]);
/** All lines of the balance are here, and every promise of the books is kept. */
const booksAgree = async (): Promise<void> => {
  expect(await balanceIsRead(judged as Parameters<typeof balanceIsRead>[0])).toBe(true);
  const { violations } = await judge({ ...judged, seen: [], balanceRead: true });
  expect(violations).toEqual([]);
};
const returned = async (more?: () => Promise<unknown>): Promise<{ id: string; customer: string }> => {
  const { body, customer } = await debit('pm_sandbox_failedLate_de');
  await clock.advance(sandbox.url, 6);
  await becomes(body.id, ({ status }) => status === 'succeeded');
  await more?.();
  await clock.advance(sandbox.url, 6);
  await becomes(body.id, ({ amount_returned: back }) => back === 700);
  return { id: body.id, customer };
};

describe('a SEPA debit', () => {
  it('is processing for days, in which nothing is credited, and is then paid', async () => {
    const { status, body, customer } = await debit('pm_sandbox_successInDays_de');
    expect([status, body.status]).toEqual([201, 'processing']);
    await clock.advance(sandbox.url, 13 * DAY_S);
    expect((await read(body.id)).status).toBe('processing');
    expect(await balanceOf(customer, 'eur')).toBe(0);
    await booksAgree();
    expect(await postedOf(body.id)).toEqual([]);
    await clock.advance(sandbox.url, 2 * DAY_S);
    await becomes(body.id, (payment) => payment.status === 'succeeded');
    expect(await balanceOf(customer, 'eur')).toBe(700);
    await eventually(
      () => postedOf(body.id),
      (kinds) => kinds.join() === 'payment,fee',
    );
    await booksAgree();
  });

  it('that fails after days was never credited: its payment says why, and another way of paying is open', async () => {
    const { body, customer } = await debit('pm_sandbox_failedInDays_de');
    await clock.advance(sandbox.url, 15 * DAY_S);
    await becomes(body.id, ({ status }) => status === 'requires_payment_method');
    expect((await read(body.id)).last_error).toMatchObject({ decline_code: 'insufficient_funds' });
    expect((await toldOf(body.id)).map(({ type }) => type)).toEqual(['payment.processing', 'payment.failed']);
    // The fee that Stripe had taken for it is given back.
    await eventually(
      () => postedOf(body.id),
      (kinds) => kinds.toSorted().join() === 'fee,fee_returned',
    );
    await booksAgree();
    const again = await post(`/v1/payments/${body.id}/confirm`, { payment_method: 'pm_card_visa' });
    expect([again.status, again.body.status]).toEqual([200, 'succeeded']);
    expect(await balanceOf(customer, 'eur')).toBe(700);
    expect(await read(body.id)).toMatchObject({ amount_returned: 0 });
    await booksAgree();
  });

  it('that its bank returns after it was paid is taken from the wallet, below zero where it was spent', async () => {
    const { id, customer } = await returned(async () => {
      const [payment] = await query<{ customer: string }>(
        `select 'cus_' || replace(customer_id::text, '-', '') as customer from payments order by created_at desc limit 1`,
      );
      await post('/v1/debits', { customer: payment!.customer, amount: 600, currency: 'eur' });
    });
    expect(await read(id)).toMatchObject({
      ...{ status: 'succeeded', amount_captured: 700, amount_refunded: 0, amount_returned: 700 },
      last_error: { code: 'card_declined', decline_code: 'insufficient_funds' },
    });
    expect(await balanceOf(customer, 'eur')).toBe(-600);
    const [, , told] = await toldOf(id);
    expect(told).toMatchObject({ type: 'payment.returned', data: { id, amount_returned: 700 } });
    const { text } = await get(`/v1/payments/${id}/timeline`);
    expect(text).toContain('7.00 eur taken from the wallet of the customer: the bank has returned the debit');
    const refund = await post('/v1/refunds', { payment: id });
    expect([refund.status, refund.body.error.code]).toEqual([409, 'refund_exceeds_payment']);
    await booksAgree();
  });

  it('that is returned stands in activity and among the transactions of Stripe’s balance under a category of its own', async () => {
    const { id } = await returned();
    const entries = await get(`/v1/balance_transactions?limit=100`);
    const lines = entries.body.data;
    expect(
      lines
        .filter(({ payment }) => payment === id)
        .map(({ category, gross }) => `${category} ${gross}`)
        .toSorted(),
    ).toEqual(['charge 700', 'charge_failure -700']);
    const { text } = await get('/v1/activity?from=2020-01-01');
    expect(text).toContain('"category":"charge_failure"');
  });

  it('that is returned is posted once, though Stripe tells of it again and again, and of all that came before', async () => {
    const { id } = await returned();
    const events = await stripe.events();
    const mine = events.filter((event) => JSON.stringify(event).includes(id));
    for (const { id: event } of [...mine.reverse(), ...mine]) await stripe.resend(event);
    await booksAgree();
    expect((await postedOf(id)).filter((kind) => kind === 'payment_returned')).toHaveLength(1);
    expect((await toldOf(id)).filter(({ type }) => type === 'payment.returned')).toHaveLength(1);
  });

  it('that is returned while no webhook comes is found in Stripe’s balance', async () => {
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    const { body, customer } = await debit('pm_sandbox_failedLate_de');
    // Neither that it was paid, nor that it failed, was heard.
    await clock.advance(sandbox.url, 12);
    await clock.advance(sandbox.url, 120);
    await becomes(body.id, ({ amount_returned: back }) => back === 700);
    expect((await postedOf(body.id)).filter((kind) => kind.startsWith('payment'))).toEqual([
      'payment',
      'payment_returned',
    ]);
    expect(await balanceOf(customer, 'eur')).toBe(0);
    await booksAgree();
    await heal();
  });

  it('that is disputed is lost at once, as SEPA has it', async () => {
    const { body, customer } = await debit('pm_disputed_de');
    await clock.advance(sandbox.url, 8);
    await eventually(
      () => postedOf(body.id),
      (kinds) => kinds.includes('dispute_lost'),
    );
    expect(await balanceOf(customer, 'eur')).toBe(0);
    await booksAgree();
  });

  it('that is called off while it is processing is called off at Stripe, and moves nothing', async () => {
    const { body, customer } = await debit('pm_sandbox_successInDays_de');
    const canceled = await post(`/v1/payments/${body.id}/cancel`, {});
    expect([canceled.status, canceled.body.status]).toEqual([200, 'canceled']);
    expect(await balanceOf(customer, 'eur')).toBe(0);
    await booksAgree();
  });

  it.each([
    ['in another currency than eur', { currency: 'usd' }],
    ['to be captured later', { capture_method: 'manual' }],
    ['that is to be kept', { save_payment_method: true }],
  ])('%s is refused, and charges nothing', async (_, more) => {
    const { status, body } = await debit('pm_success_de', more);
    expect([status, body.error.code, body.error.outcome]).toEqual([402, 'payment_method_not_usable', 'none']);
  });

  it('that failed takes nothing from what was paid instead, however late its lines of the balance are read', async () => {
    const heal = await stripe.fault({ kind: 'unauthorized', path: '/v1/balance_transactions', method: 'GET' });
    const { body, customer } = await debit('pm_insufficientFunds_de');
    await clock.advance(sandbox.url, 6);
    await becomes(body.id, ({ status }) => status === 'requires_payment_method');
    const again = await post(`/v1/payments/${body.id}/confirm`, { payment_method: 'pm_card_visa' });
    expect(again.body.status).toBe('succeeded');
    await heal();
    await clock.advance(sandbox.url, 60);
    await booksAgree();
    expect(await balanceOf(customer, 'eur')).toBe(700);
    expect(await read(body.id)).toMatchObject({ amount_returned: 0, last_error: null });
  });

  it('is refused where the installation takes cards alone, as it does unless it is told', async () => {
    const cards = await startService({ databaseUrl: world.databaseUrl, sandboxUrl: sandbox.url, clock });
    const wanted = payFor(await createCustomer(), 700, { payment_method: 'pm_success_de', currency: 'eur' });
    const { status, body } = await cards.post('/v1/payments', wanted);
    expect([status, body.error.code, body.error.outcome]).toEqual([402, 'payment_method_not_usable', 'none']);
  });

  it('is not kept by hand: the method is refused', async () => {
    const customer = await createCustomer();
    const kept = await post(`/v1/customers/${customer}/payment_methods`, { payment_method: 'pm_success_de' });
    expect(kept.body.error.code).toBe('payment_method_not_usable');
    expect((await get(`/v1/customers/${customer}/payment_methods`)).body.data).toEqual([]);
  });
});
