/** What becomes of money that is held: it is taken, let go, or lapses. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { noDescriptorOfCards } from './attempt.ts';
import { recordCharge } from './balance.ts';
import { failedDebit, scheduleWhatFollows, settleCharge } from './charges.ts';
import { CALLED_OFF } from './declines.ts';
import { type Failure, intentRefused, refused, unexpectedState } from './failure.ts';
import { idOf } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { find, save, saveChange, type Scope } from './scope.ts';

type Intent = Stripe.PaymentIntent;
type Outcome = Result<Intent, Failure>;

export interface CaptureParams {
  readonly amount_to_capture?: number | undefined;
  readonly final_capture?: boolean | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly statement_descriptor?: string | null | undefined;
  readonly statement_descriptor_suffix?: string | null | undefined;
}

/**
 * Takes what was held: all of it, or less, and then the rest is let go, unless more captures of it are said to come:
 * https://docs.stripe.com/payments/multicapture
 */
export const captureIntent = (scope: Scope, id: string, params: CaptureParams): Outcome =>
  find(scope, 'payment_intent', id).andThen((intent): Outcome => {
    const held = scope.store.get('charge', idOf(intent.latest_charge) ?? '');
    if (intent.status !== 'requires_capture' || held === undefined) {
      return err(
        unexpectedState(
          `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent ` +
            'with one of the following statuses may be captured: requires_capture.',
          intent,
        ),
      );
    }
    if (typeof params.statement_descriptor === 'string') return err(noDescriptorOfCards());
    const amount = params.amount_to_capture ?? intent.amount_capturable;
    // Nothing can be captured only to let the rest of several captures go, which the sandbox does not have.
    if (amount === 0) {
      return err(refused(`Amount must be at least 1 ${intent.currency}`, 'amount_too_small', 'amount_to_capture'));
    }
    if (amount > intent.amount_capturable) {
      return err(
        intentRefused(
          `The payment could not be captured because the requested capture amount is greater than the amount you can ` +
            `capture for this charge.`,
          'amount_too_large',
          intent,
        ),
      );
    }
    const { amount_captured: before, balance_transaction, captured } = held;
    const charge: Stripe.Charge = {
      ...held,
      amount_captured: before + amount,
      balance_transaction: recordCharge(scope, held, amount).id,
      captured: true,
    };
    saveChange(scope, charge, 'charge.captured', { amount_captured: before, balance_transaction, captured });
    const left = params.final_capture === false ? intent.amount_capturable - amount : 0;
    const paid: Intent = {
      ...intent,
      amount_capturable: left,
      amount_received: before + amount,
      metadata: mergeMetadata(intent.metadata, params.metadata),
      ...(params.statement_descriptor_suffix === undefined
        ? {}
        : { statement_descriptor_suffix: params.statement_descriptor_suffix }),
      status: left > 0 ? 'requires_capture' : 'succeeded',
    };
    save(scope, paid, left > 0 ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded');
    if (left === 0) scheduleWhatFollows(scope, charge);
    return ok(paid);
  });

const CANCELABLE: readonly string[] = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
];

/** Ends an intent that has not succeeded; what was held is let go. */
export const cancelIntent = (scope: Scope, id: string, reason: string | undefined): Outcome =>
  find(scope, 'payment_intent', id).andThen((intent): Outcome => {
    if (!CANCELABLE.includes(intent.status)) {
      return err(
        unexpectedState(
          `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with ` +
            `one of the following statuses may be canceled: ${CANCELABLE.join(', ')}.`,
          intent,
        ),
      );
    }
    return ok(cancel(scope, intent, reason ?? null));
  });

/**
 * What was held and let go was never taken: since basil its charge says nothing of a refund.
 * https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow
 */
const cancel = (scope: Scope, intent: Intent, reason: string | null): Intent => {
  const held = scope.store.get('charge', idOf(intent.latest_charge) ?? '');
  // The bank's answer, when it comes, finds nothing that waits for it.
  if (intent.status === 'processing' && held !== undefined)
    save(
      scope,
      held.captured ? failedDebit(scope, held, CALLED_OFF) : { ...held, status: 'failed' as const },
      'charge.failed',
    );
  const canceled: Intent = {
    ...intent,
    amount_capturable: 0,
    canceled_at: scope.clock.nowS(),
    cancellation_reason: reason,
    next_action: null,
    status: 'canceled',
  };
  save(scope, canceled, 'payment_intent.canceled');
  return canceled;
};

/** Nobody captured it in time. */
export const expireCapture = (scope: Scope, id: string): void => {
  const intent = scope.store.get('payment_intent', id);
  if (intent?.status !== 'requires_capture') return;
  const held = scope.store.get('charge', idOf(intent.latest_charge) ?? '');
  if (held !== undefined) save(scope, held, 'charge.expired');
  cancel(scope, intent, 'expired');
};

/** The balance transaction that `automatic_async` leaves for later. */
export const settleLater = (scope: Scope, charge: string): void => {
  const made = scope.store.get('charge', charge);
  if (made !== undefined) settleCharge(scope, made);
};
