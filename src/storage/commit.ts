/**
 * The one door through which anything is written: `commit(change)`.
 *
 * Changes that arrive while a commit is under way leave together in the next one, in one Kysely transaction: rows are
 * locked, `decide` says what follows, the answer is written, and each caller learns of its own change alone.
 */
import { randomUUIDv7 } from 'node:crypto';
import { err, type Result, type ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import type { Applied, Change } from '../domain/change.ts';
import { decide } from '../domain/decide.ts';
import type { Clock } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { isCommitted, readState, writeState } from './batch.ts';
import type { Database } from './database.ts';
import { failureOf, refusalOf } from './failure.ts';
import { createLane, type BatchStats, type Lane } from './lane.ts';

export interface Committer {
  /** Writes a change, all or nothing, exactly once. Errors: those of `decide`, or that the database is not there. */
  readonly commit: (change: Change) => ResultAsync<Applied, PaymentError>;
  readonly waiting: () => number;
}

export interface CommitOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observe: (batch: BatchStats) => void;
}

/** A batch of 512 commits in about 20 ms on two cores; larger ones gain little, and make everyone wait longer. */
const BATCH_MAX = 512;
/** Some seconds' worth of work: whoever comes after that would give up before being served. */
const WAITING_MAX = 8_192;
/** How long a batch is tried while others are in the way, or the database is not there. */
const PATIENCE_MS = 3_000;
/** After a connection was lost during COMMIT we go on asking longer: the callers' money hangs on the answer. */
const AMBIGUOUS_PATIENCE_MS = 10_000;

type Outcomes = Result<Applied, PaymentError>[];

export const createCommitter = ({ database, clock, log, observe }: CommitOptions): Committer => {
  type Tried =
    | { readonly kind: 'committed'; readonly outcomes: Outcomes }
    | { readonly kind: 'failed'; readonly error: unknown; readonly inDoubt: Outcomes | null };

  const tryOnce = async (id: string, changes: readonly Change[]): Promise<Tried> => {
    // Set when COMMIT is about to be sent: from then on a lost connection leaves the batch in doubt.
    let decided: Outcomes | null = null;
    let written: Promise<void> | undefined;
    try {
      const outcomes = await database.lane
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async () => {
          const now = clock.now();
          const decision = decide(await readState(database.flight, changes), changes, now);
          decided = decision.outcomes;
          // Kysely's COMMIT follows on its heels: where the writing fails, Postgres rolls back.
          written = writeState(database.flight, id, decision.writes, now);
          written.catch(() => undefined);
          return decision.outcomes;
        });
      await written;
      return { kind: 'committed', outcomes };
    } catch (error) {
      return { kind: 'failed', error, inDoubt: failureOf(error) === 'connection' ? decided : null };
    }
  };

  /** Tries until it is committed, or refused, or patience ends. The id stays, so that no try can be done twice. */
  const run = async (changes: readonly Change[]): Promise<Outcomes> => {
    const id = randomUUIDv7();
    const startedAt = performance.now();
    let inDoubt: Outcomes | null = null;

    for (let tries = 1; ; tries++) {
      const tried = await tryOnce(id, changes);
      if (tried.kind === 'committed') return tried.outcomes;

      const failure = failureOf(tried.error);
      inDoubt = tried.inDoubt ?? inDoubt;
      if (failure === 'batch committed' && inDoubt) return inDoubt;
      if (failure === 'refused' || failure === 'batch committed') {
        // What refuses it may be its own first try, which was committed after all.
        const wasCommitted = inDoubt ? await findOut(id) : false;
        if (inDoubt && wasCommitted) return inDoubt;
        if (wasCommitted !== undefined) return isolate(changes, tried.error);
      }

      const spentMs = performance.now() - startedAt;
      if (spentMs > (inDoubt ? AMBIGUOUS_PATIENCE_MS : PATIENCE_MS)) {
        log.error(
          { err: tried.error, tries, changes: changes.length, inDoubt: inDoubt !== null },
          'a batch was given up',
        );
        const isOthers = failure === 'conflict' || failure === 'claim taken';
        const code = isOthers ? 'contention' : 'database_unavailable';
        return changes.map(() =>
          err(paymentError(code, { outcome: inDoubt ? 'unknown' : 'none', cause: tried.error })),
        );
      }
      log.warn({ err: tried.error, tries, changes: changes.length, failure }, 'a batch is tried again');
      if (failure !== 'claim taken') await pause(tries);
    }
  };

  /** Whether the batch of that id was committed; undefined where the database does not say. */
  const findOut = (id: string): Promise<boolean | undefined> =>
    isCommitted(database.pool, id).catch((error: unknown) => {
      log.warn({ err: error }, 'whether a batch was committed is not known yet');
      return undefined;
    });

  /** One of them cannot be written. Halve the batch until it stands alone; the others are committed. */
  const isolate = async (changes: readonly Change[], error: unknown): Promise<Outcomes> => {
    if (changes.length === 1) {
      const refusal = refusalOf(error);
      if (refusal.code === 'internal') log.error({ err: error }, 'a change could not be written');
      return [err(refusal)];
    }
    const middle = changes.length >> 1;
    return [...(await run(changes.slice(0, middle))), ...(await run(changes.slice(middle)))];
  };

  const lane: Lane<Change, Applied> = createLane({
    run,
    ownerOf: (change) => change.merchant,
    weightOf: (change) => Math.max(1, change.transfers?.length ?? 1),
    batchMax: BATCH_MAX,
    waitingMax: WAITING_MAX,
    observe,
  });
  return { commit: lane.send, waiting: lane.waiting };
};

/** 5 ms, doubled each time up to 200 ms, and as much again by chance, so that two who collide do not do so again. */
const pause = (tries: number): Promise<void> => {
  const baseMs = Math.min(200, 5 * 2 ** (tries - 1));
  return new Promise((resolve) => setTimeout(resolve, baseMs * (1 + Math.random())));
};
