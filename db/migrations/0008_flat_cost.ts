import { sql, type Kysely } from 'kysely';

/** A commit costs the same however much the tables hold. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // Old keys are found by walking the table. The pages that they leave are filled with new ones: soon every range of a
  // BRIN index would reach from the oldest key to the newest, and each insert pays for it.
  await sql`drop index claims_created_idx`.execute(db);

  // Room for an update on its own page is of use where the update touches no index. Nearly all of those of accounts and
  // payments are such. An attempt and an event of Stripe leave a partial index when they are done, so that theirs never
  // are; and a claim is written once, or grows too much: these three fill their pages.
  await sql`alter table claims set (fillfactor = 100)`.execute(db);
  await sql`alter table attempts set (fillfactor = 100)`.execute(db);
  await sql`alter table stripe_events set (fillfactor = 100)`.execute(db);

  // Written once and never changed or deleted. Vacuumed in portions of one size, while they are in memory, and not in ever
  // larger ones; and frozen then, so that none has to be read again before the transaction ids wrap around.
  await sql`
    alter table transfers set (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 500000,
      autovacuum_freeze_min_age = 0)`.execute(db);
};
