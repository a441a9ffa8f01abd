/**
 * What time it is, by the one clock that all instances share: the database's, carried on by this machine's monotonic one.
 * A wall clock that is wrong, or jumps, moves nothing here: it is only told.
 */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { StorageError } from '../domain/refusals.ts';
import { movedBy, toMs, type Clock, type Micros } from '../domain/time.ts';
import { run } from './failure.ts';
import type { DB } from './schema.ts';

export interface DatabaseClock extends Clock {
  /** Asks the database. Errors: `database_unavailable`: the last answer is carried on. */
  readonly sync: () => ResultAsync<void, StorageError>;
  /** How far ahead this machine's wall clock is, in milliseconds; undefined before the database was asked. */
  readonly machineAheadMs: () => number | undefined;
}

/** An answer that took longer says too little about when it was given. */
const ROUND_TRIP_MAX_MS = 500;

/** Before the database was asked it is the machine's own time. A test moves `machine`, and all time with it. */
export const createDatabaseClock = (db: Kysely<DB>, machine: Clock): DatabaseClock => {
  /** Microseconds since 1970 are whole numbers until the year 2255: requests ask too often for sums of bigints. */
  let known: { readonly atUs: number; readonly since: number } | undefined;
  let told = 0n as Micros;
  let toldUs = 0;
  const estimateUs = (): number =>
    known
      ? known.atUs + (Math.round(performance.now() - known.since) + movedBy(machine)) * 1000
      : Number(machine.now());
  // Each answer is off by up to half of its way: a step back by less is waited out. A longer one is a clock that was set.
  const now = (): Micros => {
    const foundUs = estimateUs();
    if (foundUs > toldUs || foundUs + ROUND_TRIP_MAX_MS * 1000 <= toldUs) {
      toldUs = foundUs;
      told = BigInt(foundUs) as Micros;
    }
    return told;
  };

  const sync = async (): Promise<void> => {
    const sentAt = performance.now();
    const { rows } = await sql<{ now: Micros }>`select clock_timestamp() as now`.execute(db);
    const tookMs = performance.now() - sentAt;
    const [row] = rows;
    if (row && (tookMs < ROUND_TRIP_MAX_MS || !known)) known = { atUs: Number(row.now), since: sentAt + tookMs / 2 };
  };
  return {
    now,
    movedMs: () => movedBy(machine),
    sync: () => run(sync()),
    machineAheadMs: () => known && toMs(machine.now()) - toMs(now()),
  };
};
