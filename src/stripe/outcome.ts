/** What Stripe's answers and errors mean for a payment. Pure. */
import { isBrokenCircuitError, isTaskCancelledError } from 'cockatiel';
import Stripe from 'stripe';
import type { Settlement } from '../domain/change.ts';
import {
  PAYMENT_STATUSES,
  type AttemptOutcome,
  type LastError,
  type NextAction,
  type PaymentStatus,
  type RefundStatus,
} from '../domain/payment.ts';
import { ERRORS } from '../error.ts';

const { errors } = Stripe;

/** What a PaymentIntent, as it stands at Stripe, means for its payment. */
export const settlementOf = (intent: Stripe.PaymentIntent, stripeRequestId: string | null): Settlement => {
  // A status of a later version of Stripe is no outcome that we know: it is looked at again, like `processing`.
  const status = PAYMENT_STATUSES.find((known) => known === intent.status) ?? 'processing';
  return {
    outcome: OUTCOMES[status],
    status,
    amountCaptured: status === 'succeeded' ? BigInt(intent.amount_received) : 0n,
    intent: intent.id,
    nextAction: nextActionOf(intent.next_action),
    lastError: status === 'requires_payment_method' ? lastErrorOf(intent.last_payment_error) : null,
    stripeRequestId,
  };
};

const OUTCOMES = {
  requires_payment_method: 'declined',
  requires_confirmation: 'failed',
  requires_action: 'requires_action',
  processing: 'processing',
  requires_capture: 'requires_capture',
  succeeded: 'succeeded',
  canceled: 'canceled',
} as const satisfies Record<PaymentStatus, AttemptOutcome>;

const nextActionOf = (action: Stripe.PaymentIntent.NextAction | null): NextAction | null => {
  const redirect = action?.redirect_to_url;
  return redirect?.url ? { type: 'redirect_to_url', url: redirect.url, returnUrl: redirect.return_url } : null;
};

/**
 * A decline or a refusal, which is an outcome and not a failure of ours; undefined where nothing is certain.
 * A payment that is not in the state that we thought has moved on: its intent comes with the error, and tells.
 */
export const settlementOfError = (error: unknown): Settlement | undefined => {
  if (error instanceof errors.StripeCardError)
    return refused('declined', lastErrorOf(error), error.payment_intent?.id, error.requestId);
  if (error instanceof errors.StripeInvalidRequestError) {
    const intent = error.payment_intent;
    if (error.code === 'payment_intent_unexpected_state' && intent)
      return settlementOf(intent, error.requestId ?? null);
    // `source` is what Stripe still calls the payment method of another's customer.
    const ofMethod = error.param === 'source' || error.param?.startsWith('payment_method') === true;
    const code = ofMethod ? 'payment_method_not_usable' : 'provider_refused';
    return refused('failed', { code, message: error.message }, intent?.id, error.requestId);
  }
  // Nothing was done, and nothing will be until someone mends our key: the caller may try again then.
  if (error instanceof errors.StripeAuthenticationError || error instanceof errors.StripePermissionError)
    return refused(
      'failed',
      { code: 'provider_refused', message: ERRORS.provider_refused.message },
      undefined,
      undefined,
    );
  return undefined;
};

const refused = (
  outcome: 'declined' | 'failed',
  lastError: LastError,
  intent: string | undefined,
  stripeRequestId: string | undefined,
): Settlement => ({
  outcome,
  status: 'requires_payment_method',
  amountCaptured: 0n,
  intent: intent ?? null,
  nextAction: null,
  lastError,
  stripeRequestId: stripeRequestId ?? null,
});

/**
 * Codes of Stripe's that are ours too, be they its `code` or its `decline_code`; any other is a `card_declined` whose
 * `decline_code` says it: https://docs.stripe.com/declines/codes
 */
const OWN_CODES = ['expired_card', 'incorrect_cvc', 'processing_error', 'authentication_required'] as const;

interface CardFailure {
  readonly code?: string | undefined;
  readonly decline_code?: string | undefined;
  readonly message?: string | undefined;
}

const lastErrorOf = (failure: CardFailure | null): LastError => {
  const code = OWN_CODES.find((own) => own === failure?.code || own === failure?.decline_code) ?? 'card_declined';
  // The package's own errors hold '' where Stripe gave no reason.
  const reason = failure?.decline_code || (code === 'card_declined' ? failure?.code : undefined);
  return { code, declineCode: reason, message: failure?.message ?? ERRORS[code].message };
};

/** Stripe's own trouble, or the network's: Stripe is down, was not asked because it is, or still works on that key. */
export const isTrouble = (error: unknown): boolean =>
  isBrokenCircuitError(error) || isUnanswered(error) || error instanceof errors.StripeIdempotencyError;

/** Overload, 5xx, a timeout, a lost connection; or a key that is in use, for what was sent under it before hangs. */
const isUnanswered = (error: unknown): boolean =>
  isTaskCancelledError(error) ||
  error instanceof errors.StripeAPIError ||
  error instanceof errors.StripeConnectionError ||
  error instanceof errors.StripeRateLimitError;

/** Whether an error tells that Stripe is down. One that it repeats from memory tells of the past. */
export const isDown = (error: unknown): boolean => isUnanswered(error) && !wasReplayed(error);

/** Stripe has no object of that id. */
export const isMissing = (error: unknown): boolean =>
  error instanceof errors.StripeInvalidRequestError && error.code === 'resource_missing';

/** Stripe repeats this answer from memory, or knows the key for another request: to send it again is of no use. */
export const wasReplayed = (error: unknown): boolean =>
  error instanceof errors.StripeIdempotencyError
    ? error.statusCode === 400
    : error instanceof errors.StripeError && error.headers?.['idempotent-replayed'] === 'true';

/** What became of a refund at Stripe. */
export interface RefundOutcome {
  readonly status: RefundStatus;
  readonly stripeId: string | null;
  readonly failureReason: string | null;
  readonly stripeRequestId: string | null;
}

/** `requires_action` waits for the customer, and is pending like any other that is not done. */
export const refundOutcomeOf = (refund: Stripe.Refund, stripeRequestId: string | null): RefundOutcome => ({
  status: refund.status === 'succeeded' ? 'succeeded' : isOver(refund.status) ? 'failed' : 'pending',
  stripeId: refund.id,
  failureReason: refund.failure_reason ?? null,
  stripeRequestId,
});

const isOver = (status: string | null): boolean => status === 'failed' || status === 'canceled';

/** A refusal: no refund was made, and none will be under this key. Undefined where nothing is certain. */
export const refundRefusal = (error: unknown): RefundOutcome | undefined => {
  const isRefusal =
    error instanceof errors.StripeCardError ||
    error instanceof errors.StripeInvalidRequestError ||
    error instanceof errors.StripeAuthenticationError ||
    error instanceof errors.StripePermissionError;
  if (!isRefusal) return undefined;
  return { status: 'failed', stripeId: null, failureReason: error.message, stripeRequestId: error.requestId ?? null };
};
