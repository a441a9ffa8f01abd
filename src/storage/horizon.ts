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
import type { DB } from './schema.ts';

/** Instances keep to the database's clock, and know it to some hundredths of a second. */
const CLOCK_MS = 1_000;
/** A transaction that has written nothing for so long only reads: ours are ended long before. */
const READER_S = 30;

/**
 * Rows of this UUID, and of later ones, may still be joined by earlier ones. To be asked before the list is read: what has
 * ended by then is in it. Sessions of another role are seen by a role with pg_read_all_stats alone.
 */
export const horizon = async (db: Kysely<DB>, now: Micros): Promise<string> => {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from clock_timestamp() - min(xact_start))::float8 * 1000 as ms from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and (backend_xid is not null or xact_start > clock_timestamp() - make_interval(secs => ${READER_S}))`.execute(db);
  return uuidFrom(plusMs(now, -Math.ceil(Math.max(0, rows[0]?.ms ?? 0)) - MADE_WITHIN_MS - CLOCK_MS));
};
