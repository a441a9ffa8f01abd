/**
 * The transactions of the commit lane, on its one connection. Statements are sent without waiting for each other, since
 * each reply would be a turn of a busy event loop: BEGIN leaves with the first of them, and COMMIT on the heels of the last.
 */
import type { RawBuilder } from 'kysely';
import { ConnectionLost, failureOf, leavesDoubt } from './failure.ts';
import { unreplicated, type Connection, type Pool } from './pool.ts';
import { SET_LOCAL } from './session.ts';

/** As it is sent: `$1` and the others stand for the parameters. */
export interface Statement<Row = unknown> {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** For the compiler alone, and never set: what it answers. */
  readonly answers?: Row;
}

/** Sends a statement within the transaction, at once; those that are sent together are done in that order. */
export type Flight = <Row>(statement: RawBuilder<Row> | Statement<Row>) => Promise<readonly Row[]>;

/** What a transaction comes to. */
interface Work<T> {
  readonly value: T;
  /** Its last statement: it leaves together with COMMIT. Where it fails, Postgres rolls back. */
  readonly last?: Statement;
}

type Ended<T> =
  | { readonly kind: 'committed'; readonly value: T }
  /** `inDoubt` is what was to be committed, where it may have been all the same. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly inDoubt: { readonly value: T } | undefined };

/** Runs `work` in one transaction. Never rejects. */
export type Transact = <T>(work: (flight: Flight) => Promise<Work<T>>) => Promise<Ended<T>>;

const BEGIN = 'start transaction isolation level read committed';
const BEGIN_SHARED = `${BEGIN}; ${SET_LOCAL}`;

export const createTransact = (pool: Pool, compile: (statement: RawBuilder<unknown>) => Statement): Transact => {
  const failed = (error: unknown): { kind: 'failed'; error: unknown; inDoubt: undefined } => ({
    kind: 'failed',
    error,
    inDoubt: undefined,
  });

  const run = async <T>(
    { send, judge, takeWarning, isShared }: Connection,
    work: (flight: Flight) => Promise<Work<T>>,
  ): Promise<Ended<T>> => {
    const begun = send(isShared ? BEGIN_SHARED : BEGIN);
    begun.catch(() => undefined);
    const flight: Flight = async <Row>(statement: RawBuilder<Row> | Statement<Row>) => {
      const { sql, parameters } = 'sql' in statement ? statement : compile(statement);
      const [{ rows }] = await Promise.all([send<Row>(sql, parameters), begun]);
      return rows;
    };

    let done: Work<T>;
    try {
      done = await work(flight);
    } catch (error) {
      const failure = judge(error, false);
      // Nothing was asked to be committed. A session that cannot even say so is no use.
      if (failureOf(failure) !== 'unavailable') await send('rollback').catch((lost: unknown) => judge(lost, false));
      return failed(failure);
    }

    takeWarning();
    const written = done.last && send(done.last.sql, done.last.parameters);
    const [begin, write, commit] = await Promise.allSettled([begun, written, send('commit')]);
    const value = { value: done.value };
    // The server refused what was written, and with it the transaction.
    for (const step of [begin, write])
      if (step.status === 'rejected' && !leavesDoubt(judge(step.reason, true))) return failed(step.reason);
    const lost = [begin, write, commit].find((step) => step.status === 'rejected');
    if (lost) {
      const error = judge(lost.reason, true);
      return { kind: 'failed', error, inDoubt: leavesDoubt(error) ? value : undefined };
    }
    const warning = takeWarning();
    if (warning !== undefined) return { kind: 'failed', error: unreplicated(warning), inDoubt: value };
    if (commit.status === 'fulfilled' && commit.value.command === 'COMMIT') return { kind: 'committed', ...value };
    return failed(new ConnectionLost('COMMIT was answered with a rollback', undefined));
  };

  return async (work) => {
    let connection: Connection;
    try {
      connection = await pool.connect();
    } catch (error) {
      return failed(error);
    }
    try {
      const check = connection.checkAbandoned();
      const refused = check && (await check.then(() => undefined, failed));
      return refused ?? (await run(connection, work));
    } finally {
      connection.release();
    }
  };
};
