/**
 * A past that was made up elsewhere, under ids of its own: what a demo's books tell of is here too, and can be refunded.
 * Nobody is told of it: it is long over.
 */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { z } from 'zod';
import { lineOf, recordPayout } from './balance.ts';
import { testCard, testCardName } from './cards.ts';
import { newCharge } from './charges.ts';
import { asOf } from './clock.ts';
import { newDispute } from './disputes.ts';
import { badParam, cardError, type Failure } from './failure.ts';
import { declineError, newPaymentMethod } from './payment-methods.ts';
import { newIntent } from './payment-intents.ts';
import { newPayout } from './payouts.ts';
import { refundOf } from './refunds.ts';
import type { Scope } from './scope.ts';

const id = z.string().regex(/^[a-z]{2,4}_[A-Za-z0-9]{1,60}$/);
const seconds = z.int().min(0);
const tags = z.record(z.string(), z.string());
const currency = z.string().regex(/^[a-z]{3}$/);

const payment = z.strictObject({
  ...{ id, currency, created: seconds, metadata: tags },
  amount: z.int().min(1),
  description: z.string().nullable(),
  /** Each try of a card, the last of which may have been paid. */
  charges: z.array(z.strictObject({ id, card: z.string(), created: seconds, declined: z.boolean() })),
  refunds: z.array(z.strictObject({ id, amount: z.int(), created: seconds, metadata: tags })),
  disputes: z.array(z.strictObject({ id, amount: z.int(), created: seconds, status: z.enum(['open', 'won', 'lost']) })),
  /** What the balance says of them. */
  lines: z.array(
    z.strictObject({ ...{ id, source: id, created: seconds }, gross: z.int(), fee: z.int(), payout: id.nullable() }),
  ),
});
const past = z.strictObject({
  payments: z.array(payment).max(1000),
  payouts: z.array(z.strictObject({ ...{ id, currency, created: seconds }, amount: z.int() })).max(1000),
});
type PastPayment = z.infer<typeof payment>;
type PastPayout = z.infer<typeof past>['payouts'][number];

/** Writes all of it; what is here already is written anew. */
export const rememberPast = (scope: Scope, given: unknown): Result<object, Failure> => {
  const read = past.safeParse(given);
  if (!read.success) return err(badParam(z.prettifyError(read.error)));
  const { payments, payouts } = read.data;
  scope.store.transaction(() => {
    for (const one of payments) rememberPayment(scope, one);
    for (const one of payouts) rememberPayout(scope, one);
  });
  return ok({ payments: payments.length, payouts: payouts.length });
};

const at = (scope: Scope, createdS: number): Scope => ({ ...scope, clock: asOf(scope.clock, createdS * 1000) });

const rememberPayment = (scope: Scope, of: PastPayment): void => {
  const { amount, currency: code, description, metadata } = of;
  const params = { amount, currency: code, description, metadata, payment_method_types: ['card'] };
  const begun = { ...newIntent(at(scope, of.created), params, null), id: of.id };
  const lines = new Map(
    [...Map.groupBy(of.lines, ({ source }) => source)].map(([source, own]) => [
      source,
      own.map((line) => rememberLine(scope, of, line)),
    ]),
  );
  let intent: Stripe.PaymentIntent = begun;
  for (const tried of of.charges) {
    const then = at(scope, tried.created);
    const cardName = testCardName(tried.card) ?? 'visa';
    const method = newPaymentMethod(then, { cardName });
    const { decline } = testCard(cardName);
    const verdict =
      tried.declined && decline !== undefined ? { kind: 'declined' as const, decline } : { kind: 'captured' as const };
    const back = of.refunds.reduce((sum, refund) => sum + refund.amount, 0);
    const isPaid = verdict.kind === 'captured';
    const charge: Stripe.Charge = {
      ...newCharge(then, begun, method, verdict),
      id: tried.id,
      balance_transaction: lines.get(tried.id)?.[0]?.id ?? null,
      ...(isPaid ? { amount_refunded: back, refunded: back === amount, disputed: of.disputes.length > 0 } : {}),
    };
    scope.store.put(charge);
    intent = isPaid
      ? { ...begun, amount_received: amount, latest_charge: charge.id, payment_method: method.id, status: 'succeeded' }
      : {
          ...begun,
          latest_charge: charge.id,
          ...(decline === undefined
            ? {}
            : {
                last_payment_error: cardError({ ...declineError(decline), charge: charge.id, payment_method: method })
                  .error,
              }),
        };
    if (isPaid) rememberReversals(scope, of, charge, lines);
  }
  scope.store.put(intent);
};

const rememberLine = (
  scope: Scope,
  { currency: code, description }: PastPayment,
  { id: own, source, gross, fee, created, payout }: PastPayment['lines'][number],
): Stripe.BalanceTransaction => {
  const [type, category] = source.startsWith('ch_')
    ? (['charge', 'charge'] as const)
    : source.startsWith('re_')
      ? (['refund', 'refund'] as const)
      : (['adjustment', gross > 0 ? 'dispute_reversal' : 'dispute'] as const);
  const made = {
    ...lineOf(at(scope, created), {
      ...{ type, source, amount: gross, currency: code, description },
      reportingCategory: category,
      fee: fee === 0 ? null : { amount: fee, description: 'Stripe processing fees' },
    }),
    id: own,
  };
  scope.store.put(made);
  if (payout !== null) scope.store.tie(made.id, payout);
  return made;
};

const rememberReversals = (
  scope: Scope,
  of: PastPayment,
  charge: Stripe.Charge,
  lines: ReadonlyMap<string, readonly Stripe.BalanceTransaction[]>,
): void => {
  for (const { id: own, amount, created, metadata } of of.refunds)
    scope.store.put({
      ...refundOf(at(scope, created), charge, amount, { reason: 'requested_by_customer', metadata }),
      id: own,
      balance_transaction: lines.get(own)?.[0]?.id ?? null,
    });
  for (const { id: own, amount, created, status } of of.disputes)
    scope.store.put({
      ...newDispute(at(scope, created), charge, { reason: 'product_not_received', networkReasonCode: '13.1' }),
      ...{ id: own, amount, status: status === 'open' ? 'needs_response' : status },
      balance_transactions: [...(lines.get(own) ?? [])],
      is_charge_refundable: status === 'won',
    });
};

const rememberPayout = (scope: Scope, { id: own, amount, currency: code, created }: PastPayout): void => {
  if (scope.store.get('payout', own) !== undefined) return;
  const then = at(scope, created);
  const payout: Stripe.Payout = {
    ...newPayout(then, amount, { currency: code }, true),
    ...{ id: own, status: 'paid', reconciliation_status: 'completed' },
  };
  scope.store.put({ ...payout, balance_transaction: recordPayout(then, payout).id });
};
