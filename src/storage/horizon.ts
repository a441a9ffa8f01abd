/**
 * How far a list may be read by who goes on where the last page ended, and comes back for more.
 *
 * Lists are sorted by id, and an id is made before the commit that shows its row: one that is later may be seen earlier,
 * and who goes on from there would never see the other. So such a page ends where a write that is under way may still
 * put a row. That costs who writes nothing, neither a column nor an index: an id says when it was made, Postgres says
 * when the oldest transaction began that has not ended, and `decide` refuses what was made too long before it.
 */
import { sql, type Kysely } from 'kysely';
import { MADE_WITHIN_MS, plusMs, type Micros } from '../domain/time.ts';
import { uuidFrom } from '../domain/ids.ts';
import { REPORTS_NAME } from './session.ts';
import type { DB } from './schema.ts';

/** Instances keep to the database's clock, and know it to some hundredths of a second. */
const CLOCK_MS = 1_000;
/** A transaction that has written nothing for so long only reads: ours are ended long before. */
const READER_S = 30;

/**
 * Rows of this UUID, and of later ones, may still be joined by earlier ones. To be asked before the list is read: what has
 * ended by then is in it. Sessions of another role are seen by a role with pg_read_all_stats alone.
 */
export const horizon = async (db: Kysely<DB>, now: Micros): Promise<string> =>
  uuidFrom(plusMs(now, -(await oldestWriteMs(db)) - MADE_WITHIN_MS - CLOCK_MS));

/** Two instances may differ by a second, and each a little from the database's clock. */
const SKEW_MS = 2_000;

/**
 * What was posted before this instant is all there, and nothing joins it: a balance as of then is final. To be asked
 * before the balance is read. A commit takes its time once its transaction is open, so that none that is not seen here
 * posts anything earlier. A commit that waits for its standby, for however long, is seen: it is still open. Within a
 * snapshot it is asked too late: what ended since that was taken is neither open nor in it.
 */
export const finalBefore = async (db: Kysely<DB>, now: Micros): Promise<Micros> =>
  plusMs(now, -(await oldestWriteMs(db)) - SKEW_MS);

/** How long ago the oldest transaction began that may still write something; 0 where there is none. Reports only read. */
const oldestWriteMs = async (db: Kysely<DB>): Promise<number> => {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from clock_timestamp() - min(xact_start))::float8 * 1000 as ms from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name <> ${REPORTS_NAME}
      and (backend_xid is not null or xact_start > clock_timestamp() - make_interval(secs => ${READER_S}))`.execute(db);
  return Math.ceil(Math.max(0, rows[0]?.ms ?? 0));
};
