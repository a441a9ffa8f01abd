import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of payments: it plans anew. */
export const replans = true;

/** What of a payment the bank has returned to itself after it was paid, without a dispute. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table payments add column amount_returned bigint not null default 0`.execute(db);
};
