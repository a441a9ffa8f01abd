/**
 * What a failure of the database means. The rule: a change is refused only for what a change can cause. Everything else
 * says nothing about it: the connection is given up, and the change tried again on another.
 *
 * SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import { ResultAsync } from 'neverthrow';
import pg from 'pg';
import type { StorageError } from '../domain/refusals.ts';
import { paymentError, type PaymentError } from '../error.ts';

export type Failure =
  /** Others were in the way: run it again. */
  | 'conflict'
  /** A key that this batch claims has been claimed meanwhile: run it again, and find whose it is. */
  | 'claim taken'
  /** What was to be written cannot be: running it again would not help. */
  | 'refused'
  /** The server, or the way to it, is not as it should be: run it again, over another connection. */
  | 'unavailable'
  /** No answer of the database's at all: a fault in our own code. */
  | 'fault';

/** The connection is lost, or has never been, or cannot be trusted: what the driver said of it is the cause. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  /** Whether it may have been asked to commit something, which may stand. */
  readonly inDoubt: boolean;

  constructor(message: string, cause: unknown, inDoubt = false) {
    super(message, { cause });
    this.inDoubt = inDoubt;
  }
}

const CONFLICTS = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available: lock_timeout
]);

/** Classes of what a change can cause, or a row that it touches. */
const REFUSALS = new Set([
  '21', // cardinality_violation: one row is written twice
  '22', // data_exception: a number too large, a text that is none
  '23', // integrity_constraint_violation
  '54', // program_limit_exceeded: a value too long for an index
  'P0', // raise_exception: a trigger's own
]);
const CORRUPTED = new Set([
  'XX001', // data_corrupted
  'XX002', // index_corrupted
]);

/** The server says itself that it does not know whether the transaction was committed. */
const COMPLETION_UNKNOWN = new Set([
  '08007', // transaction_resolution_unknown
  '40003', // statement_completion_unknown
]);

/** Not by its severity's word, which a server says in its own language: these are sent as FATAL or PANIC alone. */
const ENDS_SESSION = new Set([
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P04', // database_dropped
  '57P05', // idle_session_timeout
]);

const stateOf = (error: unknown): string | undefined => (error instanceof pg.DatabaseError ? error.code : undefined);

/** Whether the session has ended with it, so that nobody has said what became of what was under way. */
export const endsSession = (error: pg.DatabaseError): boolean =>
  ['FATAL', 'PANIC'].includes(error.severity ?? '') ||
  ENDS_SESSION.has(error.code ?? '') ||
  (error.code ?? '').startsWith('08');

/** Whether a COMMIT that failed so may have been done all the same. */
export const leavesDoubt = (error: unknown): boolean =>
  error instanceof ConnectionLost ||
  (error instanceof pg.DatabaseError && (endsSession(error) || COMPLETION_UNKNOWN.has(error.code ?? '')));

export const failureOf = (error: unknown): Failure => {
  if (error instanceof ConnectionLost) return 'unavailable';
  const state = stateOf(error);
  if (state === undefined) return 'fault';
  if (error instanceof pg.DatabaseError && endsSession(error)) return 'unavailable';
  if (CONFLICTS.has(state)) return 'conflict';
  // The server takes no more transactions of anyone, before its counter of them wraps around.
  if (state === '54000') return 'unavailable';
  if (MADE_MEANWHILE.has(constraintOf(error))) return 'claim taken';
  return REFUSALS.has(state.slice(0, 2)) || CORRUPTED.has(state) ? 'refused' : 'unavailable';
};

const constraintOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.constraint ?? '') : '');

/** By another process, since this batch looked: run again, it finds it. */
const MADE_MEANWHILE = new Set(['claims_pkey', 'items_pkey', 'stripe_customers_pkey', 'payment_methods_pkey']);

type RefusedCode = 'event_not_found';

/** Constraints that a request can break by itself, and what to tell it. All others are faults of ours. */
const BY_CONSTRAINT: Readonly<Record<string, RefusedCode>> = {
  // It was deleted for its age while it was to be told of again.
  deliveries_event_fkey: 'event_not_found',
};

/** For one change that cannot be written. */
export const refusalOf = (error: unknown): PaymentError<RefusedCode | 'internal'> => {
  const code = BY_CONSTRAINT[constraintOf(error)];
  return code ? paymentError(code) : paymentError('internal', { cause: error });
};

/** For a read, or a write outside the ledger, that failed. Nothing of it was done, unless it was lost while it was written. */
export const readFailure = (error: unknown): StorageError => {
  const failure = failureOf(error);
  if (failure === 'conflict') return paymentError('contention', { cause: error });
  if (failure !== 'unavailable') return paymentError('internal', { cause: error });
  const inDoubt = error instanceof ConnectionLost && error.inDoubt;
  return paymentError('database_unavailable', { cause: error, ...(inDoubt ? { outcome: 'unknown' } : {}) });
};

/** Asks the database. */
export const run = <T>(work: Promise<T>): ResultAsync<T, StorageError> => ResultAsync.fromPromise(work, readFailure);

/** For a write outside the ledger that a constraint may refuse. */
export const writeFailure = (error: unknown): StorageError | PaymentError<RefusedCode> =>
  failureOf(error) === 'refused' ? refusalOf(error) : readFailure(error);
