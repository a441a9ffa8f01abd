import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of payments: it plans anew. */
export const replans = true;

/** The merchant's own name for what a payment is for, such as an order. Any number of payments may have the same. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table payments add column reference text`.execute(db);
};
