import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of payments: it plans anew. */
export const replans = true;

/** What is known of a payment's attempts, beside what they came to. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // ended_attempt: the attempt whose end is written here. While a payment is processing and its attempt is another, the
  // outcome is waited for; that holds of what the release before writes too, which leaves it as it is. may_exist: an
  // attempt ended without Stripe's word. A fact is bounded by no check: more may be captured than was asked for.
  await sql`
    alter table payments
      add column ended_attempt uuid,
      add column may_exist boolean not null default false,
      drop constraint payments_captured_check,
      drop constraint payments_refunded_check`.execute(db);
};
