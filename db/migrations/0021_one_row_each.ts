import { sql, type Kysely } from 'kysely';

/** Each of its statements is a transaction of its own. */
export const transaction = false;

/** A refund and a dispute of Stripe's is one row each, whichever version hears of it first: the other cannot post it again. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop index concurrently if exists refunds_stripe_key`.execute(db);
  await sql`
    create unique index concurrently refunds_stripe_key on refunds (merchant_id, stripe_id)
    where stripe_id is not null`.execute(db);
  await sql`drop index concurrently if exists disputes_stripe_key`.execute(db);
  await sql`create unique index concurrently disputes_stripe_key on disputes (merchant_id, stripe_id)`.execute(db);
};
