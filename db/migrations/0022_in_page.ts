import { sql, type Kysely } from 'kysely';

/** Whether a challenge of the bank is to be met in the page that pays, by Stripe.js, and not by going to another one. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table attempts add column in_page boolean not null default false`.execute(db);
};
