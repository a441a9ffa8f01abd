import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordRefund, recordRefundFailure } from './balance.ts';
import { isChargedBack, settleCharge } from './charges.ts';
import { badParam, type Failure, refused } from './failure.ts';
import { idOf, newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { cardBehind } from './payment-methods.ts';
import { find, findNamed, save, saveChange, type Scope } from './scope.ts';

/** A refund that does not succeed at once is decided after this: long enough to be read as it was before. */
const DECIDED_AFTER_MS = 5000;

export interface RefundParams {
  readonly charge?: string | undefined;
  readonly payment_intent?: string | undefined;
  readonly amount?: number | undefined;
  readonly reason?: string | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

/** Gives a charge back, or part of it, never more than was captured. */
export const createRefund = (scope: Scope, params: RefundParams): Result<Stripe.Refund, Failure> =>
  chargeToRefund(scope, params).andThen((found) => {
    const left = found.amount_captured - found.amount_refunded;
    const amount = params.amount ?? left;
    if (isChargedBack(scope, found)) {
      return err(refused(`Charge ${found.id} has been charged back; cannot issue a refund.`, 'charge_disputed'));
    }
    if (left === 0) return err(refused(`Charge ${found.id} has already been refunded.`, 'charge_already_refunded'));
    if (amount > left) {
      return err(
        refused(
          `Refund amount (${amount} ${found.currency}) is greater than unrefunded amount on charge (${left} ${found.currency})`,
          undefined,
          'amount',
        ),
      );
    }
    const charge = settleCharge(scope, found);
    const refund = newRefund(scope, charge, amount, params);
    if (refund.status === 'failed') {
      save(scope, refund, 'refund.created', 'refund.failed');
      return ok(refund);
    }
    save(scope, refund, 'refund.created');
    const { amount_refunded: before, refunded: was } = charge;
    const refunded = { ...charge, amount_refunded: before + amount, refunded: amount === left };
    saveChange(scope, refunded, 'charge.refunded', { amount_refunded: before, refunded: was });
    return ok(refund);
  });

const chargeToRefund = (scope: Scope, params: RefundParams): Result<Stripe.Charge, Failure> => {
  if (params.charge !== undefined) {
    // As if the charge were the path's: 404, and `id`.
    return find(scope, 'charge', params.charge).andThen((charge) =>
      charge.captured && charge.status === 'succeeded'
        ? ok(charge)
        : err(refused(`Charge ${charge.id} has not been captured; cancel it instead.`)),
    );
  }
  if (params.payment_intent === undefined) {
    return err(badParam('One of the following params should be provided for this request: payment_intent or charge.'));
  }
  return findNamed(scope, 'payment_intent', params.payment_intent).andThen((intent) =>
    intent.status === 'succeeded' && typeof intent.latest_charge === 'string'
      ? findNamed(scope, 'charge', intent.latest_charge)
      : err(refused(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`)),
  );
};

/** A refund that has moved nothing yet. */
export const refundOf = (scope: Scope, charge: Stripe.Charge, amount: number, params: RefundParams): Stripe.Refund =>
  ({
    id: newId('re_'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: scope.clock.nowS(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: {
      card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
      type: 'card',
    },
    metadata: mergeMetadata({}, params.metadata),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: params.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  }) satisfies Stripe.Refund;

const newRefund = (scope: Scope, charge: Stripe.Charge, amount: number, params: RefundParams): Stripe.Refund => {
  const behaviour = charge.payment_method === null ? undefined : cardBehind(scope, charge.payment_method).refund;
  const made: Stripe.Refund = {
    ...refundOf(scope, charge, amount, params),
    ...(behaviour === 'pending' ? { pending_reason: 'processing', status: 'pending' } : {}),
  };
  // It has moved nothing: no line of the balance tells of it.
  if (behaviour === 'fails_at_once') return { ...made, failure_reason: 'expired_or_canceled_card', status: 'failed' };
  if (behaviour !== undefined) scope.store.schedule(scope.clock.nowMs() + DECIDED_AFTER_MS, 'decide_refund', made.id);
  return { ...made, balance_transaction: recordRefund(scope, made, charge).id };
};

/** What becomes of a refund that its card keeps waiting: it succeeds, or the bank sends the money back. */
export const decideRefund = (scope: Scope, id: string): void => {
  const refund = scope.store.get('refund', id);
  if (refund === undefined) return;
  if (refund.status === 'pending') {
    const { pending_reason: _, ...decided } = refund;
    saveChange(scope, { ...decided, status: 'succeeded' }, 'refund.updated', { status: 'pending' });
    return;
  }
  failRefund(scope, refund, 'expired_or_canceled_card');
};

/** The money of a refund comes back, and the charge is as it was before it. */
export const failRefund = (scope: Scope, refund: Stripe.Refund, reason: string): void => {
  const charge = scope.store.get('charge', idOf(refund.charge) ?? '');
  if (refund.status !== 'succeeded' || charge === undefined) return;
  const failed: Stripe.Refund = {
    ...refund,
    failure_balance_transaction: recordRefundFailure(scope, refund).id,
    failure_reason: reason,
    status: 'failed',
  };
  save(scope, { ...charge, amount_refunded: charge.amount_refunded - refund.amount, refunded: false });
  save(scope, failed, 'refund.updated', 'refund.failed', 'charge.refund.updated');
};

/** Only a refund that waits for its customer can be canceled, and none of a card does. */
export const cancelRefund = (scope: Scope, id: string): Result<Stripe.Refund, Failure> =>
  find(scope, 'refund', id).andThen((refund) =>
    err(refused(`You can't cancel a refund with a status of ${refund.status}; it must be requires_action.`)),
  );

export const updateRefund = (
  scope: Scope,
  id: string,
  metadata: Record<string, string> | null | undefined,
): Result<Stripe.Refund, Failure> =>
  find(scope, 'refund', id).map((refund) => {
    const updated = { ...refund, metadata: mergeMetadata(refund.metadata ?? {}, metadata) };
    save(scope, updated, 'refund.updated');
    return updated;
  });
