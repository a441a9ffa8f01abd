import { sql, type Kysely } from 'kysely';

/** Each of its statements is a transaction of its own. */
export const transaction = false;

/**
 * Where transfers of a time stand: rows lie in the table nearly as they were posted, so that a line for each 16 pages says
 * it. A charge writes no entry of its own for it.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop index concurrently if exists transfers_posted_idx`.execute(db);
  await sql`
    create index concurrently transfers_posted_idx on transfers using brin (posted_at)
    with (pages_per_range = 16)`.execute(db);
};
