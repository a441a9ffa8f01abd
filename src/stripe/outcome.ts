/** What Stripe's answers and errors mean for a payment. Pure. */
import { isBrokenCircuitError, isTaskCancelledError } from 'cockatiel';
import Stripe from 'stripe';
import { parseCurrency } from '../domain/currency.ts';
import { outcomeOf, type DisputeFact, type IntentFact, type RefundFact } from '../domain/fact.ts';
import type { RefundId } from '../domain/ids.ts';
import { PAYMENT_STATUSES, type AttemptOutcome, type LastError, type NextAction } from '../domain/payment.ts';
import type { MethodFact } from '../domain/saved.ts';
import { SETUP_STATUSES, type SetupFact } from '../domain/setup.ts';
import { micros } from '../domain/time.ts';
import { ERRORS } from '../error.ts';
import { grossOfDispute } from './gross.ts';

const { errors } = Stripe;

/** A PaymentIntent as it stands at Stripe. */
export const factOf = (intent: Stripe.PaymentIntent): IntentFact => {
  // A status of a later version of Stripe is none that we know: like `processing`, Stripe will tell what comes of it.
  const status = PAYMENT_STATUSES.find((known) => known === intent.status) ?? 'processing';
  return {
    intent: intent.id,
    status,
    amount: BigInt(intent.amount),
    currency: intent.currency,
    amountReceived: BigInt(intent.amount_received),
    charge: idOf(intent.latest_charge),
    paymentMethod: idOf(intent.payment_method) ?? idOf(intent.last_payment_error?.payment_method),
    ...shownMethod(intent.payment_method),
    nextAction: nextActionOf(intent),
    lastError: status === 'requires_payment_method' ? lastErrorOf(intent.last_payment_error) : null,
  };
};

/** Has Stripe show the method itself, and not its id alone. */
export const SHOWING_METHOD: { readonly expand: string[] } = { expand: ['payment_method'] };

/** Where Stripe was asked to show it; one of nobody's was not kept. */
const shownMethod = (named: Stripe.PaymentIntent['payment_method']): { readonly method?: MethodFact } =>
  typeof named === 'object' && named !== null && named.customer !== null ? { method: methodFactOf(named) } : {};

/** A payment method as it stands at Stripe. */
export const methodFactOf = ({ id, customer, type, card, created }: Stripe.PaymentMethod): MethodFact => ({
  id,
  holder: idOf(customer),
  type,
  card: card
    ? {
        brand: card.brand,
        last4: card.last4,
        expMonth: card.exp_month,
        expYear: card.exp_year,
        country: card.country,
        funding: card.funding,
      }
    : null,
  createdAt: micros(created * 1000),
});

/** A SetupIntent as it stands at Stripe. A status of a later version is none that we know: Stripe will tell what comes of it. */
export const setupFactOf = (intent: Stripe.SetupIntent): SetupFact => {
  const { payment_method: named, last_setup_error: error } = intent;
  const status = SETUP_STATUSES.find((known) => known === intent.status) ?? 'processing';
  return {
    intent: intent.id,
    status,
    paymentMethod: idOf(named) ?? idOf(error?.payment_method),
    method: shownMethod(named).method ?? null,
    nextAction: nextActionOf(intent),
    lastError: status === 'requires_payment_method' && error ? lastErrorOf(error) : null,
  };
};

const idOf = (named: string | { readonly id: string } | null | undefined): string | null =>
  typeof named === 'string' ? named : (named?.id ?? null);

const nextActionOf = ({
  next_action: action,
  client_secret: clientSecret,
}: Pick<Stripe.PaymentIntent | Stripe.SetupIntent, 'next_action' | 'client_secret'>): NextAction | null => {
  const redirect = action?.redirect_to_url;
  if (redirect?.url) return { type: 'redirect_to_url', url: redirect.url, returnUrl: redirect.return_url };
  return action?.type === 'use_stripe_sdk' && clientSecret !== null ? { type: 'use_stripe_js', clientSecret } : null;
};

/** What Stripe refused to do, and why; with the intent as it stands, where the refusal shows it. */
export interface Refusal {
  readonly outcome: AttemptOutcome;
  readonly error: LastError | null;
  readonly found: IntentFact | null;
  readonly stripeRequestId: string | null;
  /** Whether it tells of the request. A key of ours that is not taken, or too many requests, tell of neither. */
  readonly isOfRequest: boolean;
}

/** A decline or a refusal; undefined where Stripe has not answered, or not said anything. */
export const refusalOf = (error: unknown): Refusal | undefined => {
  if (!(error instanceof errors.StripeError)) return undefined;
  const stripeRequestId = error.requestId ?? null;
  const shown = error.payment_intent ? factOf(error.payment_intent) : null;
  const because = (outcome: AttemptOutcome, reason: LastError, isOfRequest: boolean): Refusal => ({
    outcome,
    error: reason,
    found: isOfRequest ? shown : null,
    stripeRequestId,
    isOfRequest,
  });
  if (error instanceof errors.StripeCardError) return because('declined', lastErrorOf(error), true);
  if (error instanceof errors.StripeInvalidRequestError) {
    // It is not in the state that we thought: it has moved on, and tells where to.
    if (error.code === 'payment_intent_unexpected_state' && shown)
      return { outcome: outcomeOf(shown.status), error: null, found: shown, stripeRequestId, isOfRequest: true };
    // Whom Stripe has lost was never the caller's to know.
    if (isMissing(error) && error.param === 'customer')
      return because('failed', { code: 'payment_method_not_usable', message: CUSTOMER_IS_GONE }, true);
    return because('failed', { code: codeOf(error), message: withoutIds(error.message) }, true);
  }
  // Nothing was done, and nothing will be until someone mends our key.
  if (error instanceof errors.StripeAuthenticationError || error instanceof errors.StripePermissionError)
    return because('failed', { code: 'provider_refused', message: ERRORS.provider_refused.message }, false);
  if (error instanceof errors.StripeRateLimitError)
    return because('failed', { code: 'processing_error', message: ERRORS.processing_error.message }, false);
  return undefined;
};

/**
 * Ids of Stripe's, of a customer or an intent, are not the caller's: a card that belongs to another merchant's customer is
 * refused with that customer's. The payment method itself is what he sent.
 */
export const withoutIds = (message: string): string =>
  message.replace(/\b(?!pm_)[a-z]{2,9}_[A-Za-z0-9]{14,}\b/g, '(withheld)');

const CUSTOMER_IS_GONE = 'What this customer had saved was deleted at Stripe. Try again, with another card.';

/** `source` is what Stripe calls a method that belongs to a customer, where the intent names none. */
const codeOf = ({ param }: Stripe.errors.StripeError): 'payment_method_not_usable' | 'provider_refused' =>
  param?.startsWith('payment_method') || param === 'source' || param === 'confirmation_token'
    ? 'payment_method_not_usable'
    : 'provider_refused';

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

/** Why a charge failed, be it long after it was paid. */
export const failureOf = ({ failure_code: code, failure_message: message }: Stripe.Charge): LastError =>
  lastErrorOf({ code: code ?? undefined, message: message ?? undefined });

const lastErrorOf = (failure: CardFailure | null): LastError => {
  const code = OWN_CODES.find((own) => own === failure?.code || own === failure?.decline_code) ?? 'card_declined';
  // The package's own errors hold '' where Stripe gave no reason.
  const reason = failure?.decline_code || (code === 'card_declined' ? failure?.code : undefined);
  return { code, declineCode: reason, message: toldOf(code, failure) };
};

/**
 * Stripe's words for a decline are for who pays; for a bank that wants him, or that he did not satisfy, they are for who
 * integrates (`error_on_requires_action`, `payment_method_data`): https://docs.stripe.com/error-codes
 */
const toldOf = (code: LastError['code'], failure: CardFailure | null): string => {
  if (failure?.code?.endsWith('_intent_authentication_failure')) return BANK_SAID_NO;
  if (code === 'authentication_required') return ERRORS[code].message;
  return withoutIds(failure?.message ?? ERRORS[code].message);
};
const BANK_SAID_NO = 'Your bank did not approve it. Try again, or with another card.';

/** Stripe's own trouble, or the network's: it is down, was not asked because it is, or still works on that key. */
export const isTrouble = (error: unknown): boolean =>
  isBrokenCircuitError(error) ||
  isTaskCancelledError(error) ||
  error instanceof errors.StripeAPIError ||
  error instanceof errors.StripeConnectionError ||
  error instanceof errors.StripeIdempotencyError ||
  error instanceof errors.StripeRateLimitError;

/**
 * Whether an error tells that Stripe is down: a 5xx, a timeout, a lost connection, an answer that is no JSON. One that it
 * repeats from memory tells of the past. The package calls any 4xx that it has no class for an API error too: by its status
 * (409, 424) Stripe is there, and says so. https://docs.stripe.com/api/errors
 */
export const isDown = (error: unknown): boolean =>
  isTaskCancelledError(error) ||
  error instanceof errors.StripeConnectionError ||
  (error instanceof errors.StripeAPIError && (error.statusCode ?? 500) >= 500 && !wasReplayed(error));

/** A 5xx: Stripe may still make the object, when it reconciles: https://docs.stripe.com/error-low-level#server-errors */
export const isServerError = (error: unknown): boolean =>
  error instanceof errors.StripeError && (error.statusCode ?? 0) >= 500;

/** Too many requests, or an object that another of them has locked: nothing was done, and it may be sent again. */
export const isTooMany = (error: unknown): boolean => error instanceof errors.StripeRateLimitError;

/** Stripe knows the key for a request with other parameters. */
export const isKeyOfAnother = (error: unknown): boolean =>
  error instanceof errors.StripeIdempotencyError && error.statusCode === 400;

/** The same request is under way: its answer can be waited for. By its status: the package has no class for it. */
export const isUnderWay = (error: unknown): boolean => error instanceof errors.StripeError && error.statusCode === 409;

/** Stripe has no object of that id. */
export const isMissing = (error: unknown): boolean =>
  error instanceof errors.StripeInvalidRequestError && error.code === 'resource_missing';

/** Stripe repeats this answer from memory: to send it again is of no use. */
export const wasReplayed = (error: unknown): boolean =>
  error instanceof errors.StripeError && error.headers?.['idempotent-replayed'] === 'true';

/** A refund as it stands at Stripe; undefined in a currency that is not known here. */
export const refundFactOf = (refund: Stripe.Refund, ours: RefundId | null): RefundFact | undefined => {
  const currency = parseCurrency(refund.currency);
  if (!currency) return undefined;
  const { id, payment_intent: intent } = refund;
  return {
    stripeId: id,
    ours,
    intent: typeof intent === 'string' ? intent : (intent?.id ?? null),
    amount: BigInt(refund.amount),
    currency,
    // `requires_action` waits for the customer, and is pending like any other that is not done.
    status: refund.status === 'succeeded' ? 'succeeded' : isOver(refund.status) ? 'failed' : 'pending',
    moved: refund.balance_transaction !== null,
    movedBack: (refund.failure_balance_transaction ?? null) !== null,
    reason: refund.reason,
    failureReason: refund.failure_reason ?? null,
    createdAt: micros(refund.created * 1000),
  };
};

const isOver = (status: string | null): boolean => status === 'failed' || status === 'canceled';

/**
 * Inquiries (`warning_…`) withdraw nothing. A status that is not here is one of them, or of a later version: what it takes
 * is the bank's for now. Appeals (`appeal_…`) go on with a dispute: https://docs.stripe.com/disputes/arbitration
 */
const DISPUTES: Readonly<Record<string, DisputeFact['status']>> = {
  needs_response: 'open',
  under_review: 'open',
  appeal_needs_response: 'open',
  appeal_under_review: 'open',
  prevented: 'prevented',
  won: 'won',
  lost: 'lost',
};

/** A dispute as it stands at Stripe, with what its balance transactions took and gave back. */
export const disputeFactOf = (dispute: Stripe.Dispute): DisputeFact => {
  const { id, amount, reason, status, balance_transactions: lines, payment_intent: intent, created } = dispute;
  return {
    stripeId: id,
    intent: typeof intent === 'string' ? intent : (intent?.id ?? null),
    amount: BigInt(amount),
    reason,
    status: DISPUTES[status] ?? 'inquiry',
    lines: lines.map((line) => ({
      id: line.id,
      amount: grossOfDispute(line, dispute),
      createdAt: micros(line.created * 1000),
    })),
    createdAt: micros(created * 1000),
  };
};
