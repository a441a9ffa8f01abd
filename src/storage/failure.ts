/** What a failure of Postgres means, by its SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';

export type Failure =
  /** Others were in the way: run it again. */
  | 'conflict'
  /** A key that this batch claims has been claimed meanwhile: run it again, and find whose it is. */
  | 'claim taken'
  /** This very batch was committed by a connection that did not live to say so. */
  | 'batch committed'
  /** The server, or the way to it, is gone. */
  | 'connection'
  /** A constraint, or a fault of ours: running it again would not help. */
  | 'refused';

const CONFLICTS = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available: lock_timeout
]);
const CONNECTION = new Set([
  '25P03', // idle_in_transaction_session_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '53300', // too_many_connections
  '57014', // query_canceled: statement_timeout
]);

const field = (error: unknown, name: 'code' | 'constraint' | 'severity'): string | undefined => {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
};

/** The SQLSTATE of an error that the server itself sent. */
const sqlState = (error: unknown): string | undefined => {
  const code = field(error, 'code');
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? code : undefined;
};

export const failureOf = (error: unknown): Failure => {
  const state = sqlState(error);
  if (state === undefined || state.startsWith('08') || CONNECTION.has(state)) return 'connection';
  // The server ended the session with it: whether a COMMIT was under way, nobody has said.
  if (['FATAL', 'PANIC'].includes(field(error, 'severity') ?? '')) return 'connection';
  if (CONFLICTS.has(state)) return 'conflict';
  const constraint = field(error, 'constraint');
  if (constraint === 'claims_pkey') return 'claim taken';
  if (constraint === 'batches_pkey') return 'batch committed';
  return 'refused';
};

/** Constraints that a request can break by itself, and what to tell it. All others are faults of ours. */
const BY_CONSTRAINT: Readonly<Record<string, ErrorCode>> = {
  items_pkey: 'item_exists',
  payments_customer_fkey: 'customer_not_found',
  // It was deleted for its age while it was to be told of again.
  deliveries_event_fkey: 'event_not_found',
};

/** For one change that cannot be written. */
export const refusalOf = (error: unknown): PaymentError => {
  const code = BY_CONSTRAINT[field(error, 'constraint') ?? ''];
  return code ? paymentError(code) : paymentError('internal', { cause: error });
};

/** For a read, or a write outside the ledger, that failed: nothing of it was done. */
export const readFailure = (error: unknown): PaymentError => {
  const failure = failureOf(error);
  if (failure === 'connection') return paymentError('database_unavailable', { cause: error });
  if (failure === 'conflict') return paymentError('contention', { cause: error });
  return refusalOf(error);
};
