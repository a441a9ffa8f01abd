import { sql, type Kysely } from 'kysely';

/** Each of its statements is a transaction of its own, and may be run again. */
export const transaction = false;

/** Customers are found by their address, and forgotten. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table customers add column if not exists erased_at timestamptz`.execute(db);
  await sql`drop index concurrently if exists customers_email_idx`.execute(db);
  await sql`
    create index concurrently customers_email_idx on customers (merchant_id, email, id)
    where email is not null`.execute(db);

  // Who is to be forgotten wherever else he stands: in what he paid for, in stored replies, in what was told of him. Until
  // `done_at` is set, that goes on. The row itself names nobody, and stays as the proof that it was done.
  await sql`
    create table if not exists erasures (
      merchant_id uuid not null,
      customer_id uuid not null,
      requested_at timestamptz not null,
      done_at timestamptz,
      constraint erasures_pkey primary key (merchant_id, customer_id)
    )`.execute(db);
  await sql`drop index concurrently if exists erasures_open_idx`.execute(db);
  await sql`create index concurrently erasures_open_idx on erasures (requested_at) where done_at is null`.execute(db);
};
