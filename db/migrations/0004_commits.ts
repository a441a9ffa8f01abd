import { sql, type Kysely } from 'kysely';

/** What makes a commit safe to repeat, and heard of. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // id: a hash of merchant, method, path and key. No status while the request is under way.
  await sql`
    create table claims (
      merchant_id uuid not null,
      id uuid not null,
      key text not null,
      operation text not null,
      request_hash uuid not null,
      status smallint,
      body text,
      created_at timestamptz not null,
      constraint claims_pkey primary key (merchant_id, id),
      constraint claims_reply_check check ((status is null) = (body is null))
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index claims_created_idx on claims using brin (created_at)`.execute(db);

  // One row for each batch of changes, written in its transaction: after a connection was lost during COMMIT, it tells
  // whether the batch was committed.
  await sql`
    create table batches (
      id uuid not null,
      created_at timestamptz not null default now(),
      constraint batches_pkey primary key (id)
    )`.execute(db);

  // What merchants are to be told, written in the commit that it tells of.
  await sql`
    create table events (
      merchant_id uuid not null,
      id uuid not null,
      type text not null,
      subject text not null,
      data json not null,
      created_at timestamptz not null,
      constraint events_pkey primary key (merchant_id, id)
    )`.execute(db);
  await sql`create index events_subject_idx on events (subject, id)`.execute(db);
};
