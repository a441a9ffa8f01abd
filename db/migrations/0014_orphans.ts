import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of attempts: it plans anew. */
export const replans = true;

/** How far looks have come: for what an attempt made, and for PaymentIntents that nobody here knows. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table attempts add column seen_to text`.execute(db);

  // What has been read of Stripe's list of PaymentIntents, and what is still to be read of it, as of its events.
  await sql`
    create table intent_windows (
      created_from timestamptz not null,
      created_to timestamptz not null,
      after text,
      reads smallint not null default 0,
      due_at timestamptz,
      constraint intent_windows_pkey primary key (created_from),
      constraint intent_windows_span_check check (created_from < created_to)
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index intent_windows_due_idx on intent_windows (due_at) where due_at is not null`.execute(db);
};
