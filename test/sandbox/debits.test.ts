/** SEPA Direct Debit in the sandbox: what Stripe's documents say of a payment that takes days. */
import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe } = sandbox;

const MANDATE = { customer_acceptance: { type: 'offline' } } as const;
const DEBIT: Stripe.PaymentIntentCreateParams = {
  ...CHARGE,
  currency: 'eur',
  payment_method: 'pm_success_de',
  allowed_payment_method_types: ['card', 'sepa_debit'],
  mandate_data: MANDATE,
};
const chargeOf = async (intent: Stripe.PaymentIntent): Promise<Stripe.Charge> =>
  stripe.charges.retrieve(intent.latest_charge as string);
const linesOf = async ({ id }: Stripe.Charge): Promise<string[]> => {
  const { data } = await stripe.balanceTransactions.list({ source: id });
  return data.map((line) => `${line.type} ${line.reporting_category} ${line.amount} ${line.fee}`).reverse();
};
const eventsOf = async (...ids: string[]): Promise<string[]> => {
  const { data } = await stripe.events.list({ limit: 100 });
  const own = data.filter(({ data: { object } }) => ids.includes((object as { id: string }).id));
  return own.map(({ type }) => type).reverse();
};

describe('a SEPA debit', () => {
  test('is processing, with a line of the balance from the beginning, and then paid', async () => {
    const intent = await stripe.paymentIntents.create(DEBIT);
    expect(intent).toMatchObject({ status: 'processing', amount_received: 0 });
    const pending = await chargeOf(intent);
    expect(pending.id).toMatch(/^py_/);
    expect(pending).toMatchObject({
      ...{ status: 'pending', paid: false },
      payment_method_details: {
        type: 'sepa_debit',
        sepa_debit: { last4: '3000', country: 'DE', bank_code: '37040044' },
      },
    });
    expect(await linesOf(pending)).toEqual(['payment charge 1250 40']);
    await sandbox.advance(6);
    const paid = await stripe.paymentIntents.retrieve(intent.id);
    expect(paid).toMatchObject({ status: 'succeeded', amount_received: 1250, latest_charge: pending.id });
    expect(await chargeOf(paid)).toMatchObject({ status: 'succeeded', paid: true, failure_balance_transaction: null });
    expect(await linesOf(pending)).toHaveLength(1);
    expect(await eventsOf(intent.id, pending.id)).toEqual([
      ...['payment_intent.created', 'charge.pending', 'payment_intent.processing'],
      ...['charge.succeeded', 'payment_intent.succeeded'],
    ]);
  });

  test.each([
    ['pm_failed_de', 6, 'payment_method_provider_decline'],
    ['pm_insufficientFunds_de', 6, 'insufficient_funds'],
    ['pm_exceedsWeeklyVolumeLimit_de', 6, 'charge_exceeds_source_limit'],
    ['pm_failedDelayed_de', 200, 'payment_method_provider_decline'],
    ['pm_sandbox_failedInDays_de', 15 * 24 * 3600, 'insufficient_funds'],
  ])('with %s fails while it is processing, and its line is taken back', async (method, afterS, code) => {
    const intent = await stripe.paymentIntents.create({ ...DEBIT, payment_method: method });
    const { id } = await chargeOf(intent);
    await sandbox.advance(afterS);
    const failed = await stripe.paymentIntents.retrieve(intent.id);
    expect(failed).toMatchObject({ status: 'requires_payment_method', last_payment_error: { code } });
    const charge = await stripe.charges.retrieve(id, { expand: ['failure_balance_transaction'] });
    expect(charge).toMatchObject({
      ...{ status: 'failed', failure_code: code },
      failure_balance_transaction: { type: 'payment_failure_refund', amount: -1250 },
    });
    expect(await linesOf(charge)).toEqual([
      'payment charge 1250 40',
      'payment_failure_refund charge_failure -1250 -40',
    ]);
  });

  test('with pm_sandbox_failedLate_de fails after it was paid, and the intent stays as it is', async () => {
    const intent = await stripe.paymentIntents.create({ ...DEBIT, payment_method: 'pm_sandbox_failedLate_de' });
    await sandbox.advance(6);
    await sandbox.advance(6);
    const after = await stripe.paymentIntents.retrieve(intent.id);
    expect(after).toMatchObject({ status: 'succeeded', amount_received: 1250 });
    const charge = await chargeOf(after);
    expect(charge).toMatchObject({ status: 'failed', failure_code: 'insufficient_funds' });
    expect(charge.failure_balance_transaction).toMatch(/^txn_/);
    expect(await linesOf(charge)).toEqual(['payment charge 1250 40', 'payment_failure_refund charge_failure -1250 0']);
    expect((await eventsOf(charge.id)).at(-1)).toBe('charge.failed');
  });

  test('that is disputed is lost as the dispute is opened', async () => {
    const intent = await stripe.paymentIntents.create({ ...DEBIT, payment_method: 'pm_disputed_de' });
    await sandbox.advance(8);
    const { data } = await stripe.disputes.list({ payment_intent: intent.id });
    expect(data).toMatchObject([{ status: 'lost', reason: 'debit_not_authorized', amount: 1250 }]);
    expect(await eventsOf(data[0]!.id)).toEqual([
      ...['charge.dispute.created', 'charge.dispute.funds_withdrawn', 'charge.dispute.closed'],
    ]);
  });

  test('is refused in another currency, where cards alone are allowed, and without a mandate', async () => {
    const refusals = await Promise.all(
      [
        { ...DEBIT, currency: 'usd' },
        { ...DEBIT, capture_method: 'manual' as const },
        { ...DEBIT, allowed_payment_method_types: ['card' as const] },
        { ...DEBIT, mandate_data: '' as const },
      ].map((params) => failureOf(stripe.paymentIntents.create(params))),
    );
    expect(refusals.map(({ statusCode, code, param }) => [statusCode, code, param])).toEqual([
      [400, 'payment_intent_invalid_currency', 'allowed_payment_method_types'],
      [400, undefined, 'capture_method'],
      [400, 'payment_intent_incompatible_payment_method', 'payment_method'],
      [400, 'payment_intent_mandate_invalid', undefined],
    ]);
    const setup = await failureOf(
      stripe.setupIntents.create({
        payment_method: 'pm_success_de',
        confirm: true,
        allowed_payment_method_types: ['card'],
      }),
    );
    expect([setup.statusCode, setup.param]).toEqual([400, 'payment_method']);
  });

  test('by a confirmation token needs no other mandate: the page has shown it', async () => {
    const token = await stripe.testHelpers.confirmationTokens.create({ payment_method: 'pm_success_de' });
    expect(token).toMatchObject({ payment_method_preview: { type: 'sepa_debit' }, mandate_data: {} });
    const { payment_method: _, mandate_data: __, ...rest } = DEBIT;
    const intent = await stripe.paymentIntents.create({ ...rest, confirmation_token: token.id });
    expect(intent.status).toBe('processing');
    // Called off meanwhile, it is not paid, and its line is taken back.
    const canceled = await stripe.paymentIntents.cancel(intent.id);
    expect(canceled.status).toBe('canceled');
    expect(await linesOf(await chargeOf(intent))).toHaveLength(2);
  });
});
