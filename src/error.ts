/**
 * Every way in which Quittance can say no: one closed union.
 *
 * An error knows what happened to the money (`outcome`) and what the caller should do (`retry`). It knows nothing of
 * HTTP beyond the status that its table names; `domain/reply.ts` renders it.
 *
 * Its way out: `decide` refuses, `commit` answers that, the operation hands it on, `serve` takes the `Err` to `sendError`,
 * and `errorReply` makes a status and a body of it. Another one is a line in the union and in `error-table.ts`, in the
 * `REFUSALS` of each operation that may answer it, and in the `errors` of its route; then `npm run docs:contract`.
 */
import { ERRORS } from './error-table.ts';

/** Stripe's own four groups, so that clients written for Stripe understand ours. */
export type ErrorType = 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';

/** What happened to the money: nothing, it moved, or we will find out (read the payment). */
export type Outcome = 'none' | 'applied' | 'unknown';

/** What to do next: send it again as it is, send a new request under a new key, wait and read, or mend the request. */
export type Retry = 'same_key' | 'new_key' | 'after_reconcile' | 'never';

export interface ErrorSpec {
  readonly status: number;
  readonly type: ErrorType;
  readonly outcome: Outcome;
  readonly retry: Retry;
  /** Whether the reply is kept under the idempotency key and replayed: only what is final. */
  readonly stored: boolean;
  /** The default message, and what `/docs/errors` says that the caller should do. */
  readonly message: string;
  readonly advice: string;
}

/** The union. */
export type ErrorCode =
  | 'invalid_request'
  | 'card_number_refused'
  | 'idempotency_key_required'
  | 'idempotency_key_reused'
  | 'unauthenticated'
  | 'forbidden'
  | 'webhook_signature_invalid'
  | 'route_not_found'
  | 'customer_not_found'
  | 'payment_not_found'
  | 'refund_not_found'
  | 'setup_not_found'
  | 'payment_method_not_found'
  | 'account_not_found'
  | 'transfer_not_found'
  | 'dispute_not_found'
  | 'payout_not_found'
  | 'item_not_found'
  | 'event_not_found'
  | 'webhook_endpoint_not_found'
  | 'contradiction_not_found'
  | 'body_too_large'
  | 'card_declined'
  | 'authentication_required'
  | 'expired_card'
  | 'incorrect_cvc'
  | 'processing_error'
  | 'insufficient_funds'
  | 'currency_mismatch'
  | 'transfer_not_allowed'
  | 'transfer_not_reversible'
  | 'reversal_exceeds_transfer'
  | 'balance_limit_exceeded'
  | 'item_exists'
  | 'webhook_endpoint_limit'
  | 'webhook_endpoint_disabled'
  | 'webhook_secret_limit'
  | 'payment_not_confirmable'
  | 'setup_not_confirmable'
  | 'payment_not_capturable'
  | 'payment_not_updatable'
  | 'payment_not_cancelable'
  | 'payment_not_refundable'
  | 'capture_exceeds_payment'
  | 'refund_exceeds_payment'
  | 'payment_method_required'
  | 'payment_method_not_usable'
  | 'provider_refused'
  | 'idempotency_key_in_use'
  | 'provider_unavailable'
  | 'database_unavailable'
  | 'contention'
  | 'rate_limited'
  | 'too_many_attempts'
  | 'overloaded'
  | 'internal';

/** What every error tells, whatever its code. */
interface ErrorFacts {
  readonly message: string;
  readonly outcome: Outcome;
  readonly retry: Retry;
  /** The input field at fault, as a path: `items[3].quantity`. */
  readonly param?: string;
  /** The card issuer's reason, in Stripe's words. */
  readonly declineCode?: string;
  readonly payment?: string;
  readonly setup?: string;
  readonly retryAfterS?: number;
  /** Where the customer does what his bank asks him for. */
  readonly url?: string;
  /** How it was first told, where it is kept under an idempotency key: whoever asks again is told the same bytes. */
  readonly kept?: { readonly status: number; readonly body: string; readonly replayed?: true };
  /** Where HTTP has a finer word for it than the code's own status: one of `FINER_STATUSES`. */
  readonly status?: number;
  /** For the log alone: never rendered. */
  readonly cause?: unknown;
}

/**
 * The error of one code, or of one of several: `PaymentError<'item_not_found' | 'database_unavailable'>`. Without codes
 * it is the whole union, and `code` tells its members apart. A plain object: an `Error` would gather a stack for each.
 */
export type PaymentError<Code extends ErrorCode = ErrorCode> = {
  readonly [One in Code]: ErrorFacts & { readonly code: One };
}[Code];

export type ErrorDetail = Partial<ErrorFacts>;

/** Makes the error of that code; `detail` overrides what its line in `ERRORS` says. */
export const paymentError = <Code extends ErrorCode>(code: Code, detail: ErrorDetail = {}): PaymentError<Code> => {
  const { message, outcome, retry } = ERRORS[code];
  return { code, message, outcome, retry, ...detail };
};

/** The same error, told with other words or facts. */
export const withDetail = <Known extends ErrorFacts>(error: Known, detail: ErrorDetail): Known => ({
  ...error,
  ...detail,
});

/** Whether a reply with this error is final, and so kept under the idempotency key. */
export const isStored = (error: PaymentError): boolean => ERRORS[error.code].stored;

/** Its HTTP status. */
export const statusOf = (error: PaymentError): number => error.status ?? ERRORS[error.code].status;

/** Where HTTP has finer words for a code. */
export const FINER_STATUSES: Readonly<Partial<Record<ErrorCode, readonly number[]>>> = {
  /** It did not come in time, is larger than any, compressed, expects what nobody does, or its headers are too long. */
  invalid_request: [408, 413, 415, 417, 431],
  /** Another method than the path knows. */
  route_not_found: [405],
};

/** All codes. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(ERRORS) as ErrorCode[];

export { ERRORS } from './error-table.ts';
