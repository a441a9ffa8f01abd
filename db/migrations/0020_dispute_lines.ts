import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of disputes: it plans anew. */
export const replans = true;

/** What of a dispute was posted, line by line. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // withdrawn and reinstated are the sums of lines, which are Stripe's balance transactions; lost is what of them was taken
  // from the wallet by turns, and turns how often. What the release before has posted is in none of them.
  await sql`
    alter table disputes
      add column withdrawn bigint not null default 0,
      add column reinstated bigint not null default 0,
      add column lines text[] not null default '{}',
      add column lost bigint not null default 0,
      add column turns integer not null default 0`.execute(db);
};
