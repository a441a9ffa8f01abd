/** Errors in groups: what each kind of step may be refused for. Operations and the table of routes are written with them. */
import type { ErrorCode, PaymentError } from '../error.ts';

/** Of anything that reads or writes: the database is away, slow, or asked wrongly by us. */
export type StorageCode = 'database_unavailable' | 'contention' | 'internal';
export type StorageError = PaymentError<StorageCode>;
/** Of a list: that it could not be read, or has no such id as its page begins at. */
export type ListError = StorageError | PaymentError<'invalid_request'>;

/** Of a read that shares its query with others: the same, and there is no room to wait for it. */
export type LaneError = PaymentError<StorageCode | 'overloaded'>;

/** Of a request that comes with an idempotency key. */
export const CLAIM = ['idempotency_key_reused', 'idempotency_key_in_use'] as const;
export type ClaimCode = (typeof CLAIM)[number];

/** Of any commit, besides what the change itself may be refused for. */
export type CommitCode = StorageCode | ClaimCode | 'overloaded';

/** Of moving money between accounts. */
export const TRANSFER = [
  'insufficient_funds',
  'account_not_found',
  'currency_mismatch',
  'transfer_not_allowed',
  'balance_limit_exceeded',
] as const;
export type TransferCode = (typeof TRANSFER)[number];

/** Of taking a transfer back. */
export const REVERSAL = [
  'transfer_not_found',
  'transfer_not_reversible',
  'reversal_exceeds_transfer',
  'insufficient_funds',
  'balance_limit_exceeded',
] as const;
export type ReversalCode = (typeof REVERSAL)[number];

/** What Stripe, the card's bank, or the way to them may say to a charge. */
export const CHARGE = [
  'card_declined',
  'authentication_required',
  'expired_card',
  'incorrect_cvc',
  'processing_error',
  'payment_method_not_usable',
  'provider_refused',
  'provider_unavailable',
] as const;
export type ChargeCode = (typeof CHARGE)[number];

/** What Stripe, or the card's bank, may say to a card that is to be kept. */
export const KEEP = [
  'card_declined',
  'expired_card',
  'incorrect_cvc',
  'processing_error',
  'payment_method_not_usable',
  'provider_refused',
  'provider_unavailable',
] as const;
export type KeepCode = (typeof KEEP)[number];

/** Of what only Stripe can do: it could not be asked, or did not answer. */
export type StripeError = PaymentError<'provider_unavailable' | 'internal'>;

/** Of an operation that commits, and calls Stripe between two commits. */
export type ChargeError<Code extends ErrorCode> = PaymentError<Code> | PaymentError<CommitCode> | StripeError;

/** Of an operation that commits. */
export type ChangeError<Code extends ErrorCode> = PaymentError<Code> | PaymentError<CommitCode>;

/** What any route may answer before its handler is asked, or instead of it. */
export const EVERYWHERE = [
  'unauthenticated',
  'forbidden',
  'invalid_request',
  'card_number_refused',
  'rate_limited',
  'overloaded',
  'database_unavailable',
  'contention',
  'internal',
] as const;

/** What a route that takes a body may answer besides. */
export const WITH_BODY = ['body_too_large'] as const;
