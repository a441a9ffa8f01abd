import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of refunds: it plans anew. */
export const replans = true;

/** From when to when a refund held money in its wallet: what was pending at a past instant is what was held then. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    alter table refunds
      add column held_at timestamptz,
      add column freed_at timestamptz`.execute(db);
};
