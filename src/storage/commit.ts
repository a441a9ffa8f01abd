/**
 * The one door through which anything is written: `commit(change)`.
 *
 * Changes that arrive while a commit is under way leave together in the next one, in one Kysely transaction: rows are
 * locked, `decide` says what follows, the answer is written, and each caller learns of its own change alone.
 */
import { randomUUIDv7 } from 'node:crypto';
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Logger } from 'pino';
import { awakeMs } from '../domain/awake.ts';
import { expected, type Applied, type Change, type Commit } from '../domain/change.ts';
import { decide } from '../domain/decide.ts';
import type { Clock } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { fenceBatch, fenceOf, writeState } from './batch.ts';
import type { Database } from './database.ts';
import { failureOf, readFailure, refusalOf, run as ask } from './failure.ts';
import { readState } from './state.ts';
import { createLane, type BatchStats, type Lane } from './lane.ts';

export interface Committer {
  /** Writes a change, all or nothing, exactly once. Errors: those of `decide`, or that the database is not there. */
  readonly commit: Commit;
  readonly waiting: () => number;
  /** Whether a write works: asked of the database, unless one has worked just now. Errors: `database_unavailable`, `contention`. */
  readonly probe: () => ResultAsync<void, PaymentError>;
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
/** Whether a batch stands is asked for longer: the callers' money hangs on the answer. */
const DOUBT_PATIENCE_MS = 10_000;

/** A commit that is no older tells as much as a probe. */
const PROBE_EVERY_MS = 1_000;
/** A batch that has been tried for longer tells that no write works: some table is locked, or the server is gone. */
const RUNNING_MAX_MS = 2_000;

type Outcomes = Result<Applied, PaymentError>[];

/** A batch that was sent to be committed, and of which nobody has said whether it was. */
interface Doubt {
  readonly id: string;
  readonly outcomes: Outcomes;
}

export const createCommitter = ({ database, clock, log, observe }: CommitOptions): Committer => {
  type Tried =
    | { readonly kind: 'committed'; readonly outcomes: Outcomes }
    | { readonly kind: 'failed'; readonly error: unknown; readonly doubt: Doubt | undefined };

  let committedAt = -Infinity;
  /** When a batch was last given up, and since when one has been under way. */
  let failedAt = -Infinity;
  let runningSince: number | undefined;

  const tryOnce = async (changes: readonly Change[]): Promise<Tried> => {
    const id = randomUUIDv7();
    const ended = await database.transact(async (flight) => {
      const state = await readState(flight, changes, clock.now());
      // Not before the transaction is seen to be open: what it posts is no older than it is (see `horizon.ts`).
      const now = clock.now();
      const decision = decide(state, changes, now);
      return { value: decision.outcomes, last: writeState(id, decision.writes, now) };
    });
    if (ended.kind === 'committed') return { kind: 'committed', outcomes: ended.value };
    return { kind: 'failed', error: ended.error, doubt: ended.inDoubt && { id, outcomes: ended.inDoubt.value } };
  };

  /** Nothing else is tried before it is known whether a batch in doubt stands. */
  const settle = async (doubt: Doubt): Promise<Tried> => {
    const ended = await database.transact(async (flight) => ({ value: await fenceBatch(flight, doubt.id) }));
    if (ended.kind === 'failed') return { kind: 'failed', error: ended.error, doubt };
    if (ended.value === 'stands') return { kind: 'committed', outcomes: doubt.outcomes };
    return { kind: 'failed', error: undefined, doubt: undefined };
  };

  /** Tries until it is committed, or refused, or patience ends. */
  const run = async (changes: readonly Change[]): Promise<Outcomes> => {
    let since = awakeMs();
    let doubt: Doubt | undefined;

    for (let tries = 1; ; tries++) {
      const wasInDoubt = doubt !== undefined;
      const tried = doubt ? await settle(doubt) : await tryOnce(changes);
      if (tried.kind === 'committed') {
        committedAt = performance.now();
        return tried.outcomes;
      }
      // A COMMIT may have been waited for as long as a batch is tried: the doubt has its own time, from now on.
      if (tried.doubt && !doubt) since = awakeMs();
      doubt = tried.doubt;
      // It was not committed, and never will be: all is as if it had not been tried.
      if (wasInDoubt && !doubt) continue;

      const failure = failureOf(tried.error);
      // What refuses a change says nothing of a batch in doubt: that is asked again.
      if ((failure === 'refused' || failure === 'fault') && !doubt) return isolate(changes, tried.error);

      const spentMs = awakeMs() - since;
      if (spentMs > (doubt ? DOUBT_PATIENCE_MS : PATIENCE_MS)) {
        log.error(
          { err: tried.error, tries, changes: changes.length, inDoubt: doubt !== undefined },
          'a batch was given up',
        );
        failedAt = performance.now();
        const isOthers = failure === 'conflict' || failure === 'claim taken';
        const code = isOthers ? 'contention' : 'database_unavailable';
        return changes.map(() => err(paymentError(code, { outcome: doubt ? 'unknown' : 'none', cause: tried.error })));
      }
      log.warn({ err: tried.error, tries, changes: changes.length, failure }, 'a batch is tried again');
      if (failure !== 'claim taken') await pause(tries);
    }
  };

  /** One of them cannot be written. Halve the batch until it stands alone; the others are committed. */
  const isolate = async (changes: readonly Change[], error: unknown): Promise<Outcomes> => {
    const [change] = changes;
    if (change && changes.length === 1) {
      const refusal = expected(change, refusalOf(error));
      if (refusal.code === 'internal') log.error({ err: error }, 'a change could not be written');
      return [err(refusal)];
    }
    const middle = changes.length >> 1;
    return [...(await run(changes.slice(0, middle))), ...(await run(changes.slice(middle)))];
  };

  const runTimed = (changes: readonly Change[]): Promise<Outcomes> => {
    runningSince = awakeMs();
    return run(changes).finally(() => (runningSince = undefined));
  };

  const lane: Lane<Change, Applied, PaymentError> = createLane({
    run: runTimed,
    ownerOf: (change) => change.merchant,
    weightOf: (change) => Math.max(1, change.transfers?.length ?? 1),
    batchMax: BATCH_MAX,
    waitingMax: WAITING_MAX,
    observe,
  });
  /** One row for each process, written again and again: it takes no room, and nothing refers to it. */
  const probeId = randomUUIDv7();
  /** What a real write has met (a full disk) is over once a row is added; the pruner takes it away. */
  const probe = async (): Promise<Result<void, PaymentError>> => {
    if (performance.now() - committedAt < PROBE_EVERY_MS) return ok();
    const lateMs = runningSince === undefined ? 0 : awakeMs() - runningSince;
    if (lateMs > RUNNING_MAX_MS)
      return err(
        paymentError('database_unavailable', { message: `A batch has been tried for ${Math.round(lateMs)} ms.` }),
      );
    // Beside the lane, where it is in nobody's way.
    if (failedAt <= committedAt) return ask(fenceOf(probeId).execute(database.pool)).map(() => undefined);
    const ended = await database.transact(async (flight) => ({ value: await fenceBatch(flight, randomUUIDv7()) }));
    if (ended.kind === 'failed') return err(readFailure(ended.error));
    committedAt = performance.now();
    return ok();
  };
  // A batch mixes changes of all kinds. That each gets what its own `answer` made, and no refusal but its own, is what
  // `decide` sees to; the compiler cannot follow it through the batch.
  return { commit: lane.send, waiting: lane.waiting, probe: () => new ResultAsync(probe()) };
};

/** 5 ms, doubled each time up to 200 ms, and as much again by chance, so that two who collide do not do so again. */
const pause = (tries: number): Promise<void> => {
  const baseMs = Math.min(200, 5 * 2 ** (tries - 1));
  return new Promise((resolve) => setTimeout(resolve, baseMs * (1 + Math.random())));
};
