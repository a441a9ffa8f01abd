/** Errors in groups: what each kind of step may be refused for. The table of routes is written with them. */
/** Of anything that reads or writes: the database is away, slow, or asked wrongly by us. */
export const STORAGE = ['database_unavailable', 'contention', 'internal'] as const;

/** Of a commit: the same, and there is no room to wait for it. */
export const COMMIT = ['database_unavailable', 'contention', 'overloaded', 'internal'] as const;

/** Of a request that comes with an idempotency key. */
export const CLAIM = ['idempotency_key_reused', 'idempotency_key_in_use'] as const;

/** Of moving money between accounts. */
export const TRANSFER = [
  'insufficient_funds',
  'account_not_found',
  'currency_mismatch',
  'transfer_not_allowed',
  'balance_limit_exceeded',
] as const;

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

/** What any route may answer before its handler is asked, or instead of it. */
export const EVERYWHERE = [
  'unauthenticated',
  'forbidden',
  'invalid_request',
  'rate_limited',
  'overloaded',
  'database_unavailable',
  'contention',
  'internal',
] as const;

/** What a route that takes a body may answer besides. */
export const WITH_BODY = ['card_number_refused', 'body_too_large'] as const;
