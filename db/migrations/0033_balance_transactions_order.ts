import { sql, type Kysely } from 'kysely';

/** Each of its statements is a transaction of its own. */
export const transaction = false;

/** A merchant's balance transactions, newest first. They are written behind the charge, and cost it nothing. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop index concurrently if exists balance_transactions_order_idx`.execute(db);
  await sql`
    create index concurrently balance_transactions_order_idx on balance_transactions
    (merchant_id, created_at, id)`.execute(db);
};
