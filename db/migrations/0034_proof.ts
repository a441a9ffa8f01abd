import { sql, type Kysely } from 'kysely';

/**
 * What the last proof of a merchant's books found: of all of them (`whole`), and of what was posted since an earlier one.
 * And what was sealed: of each merchant's transfers, in the order of their time, how many there were up to an instant, and
 * a hash over all of them. `digests` has eight bytes of each row's own hash, so that a row that differs can be named.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table proofs (
      merchant_id uuid not null,
      whole boolean not null,
      proved_at timestamptz not null,
      proved_to timestamptz not null,
      checks jsonb not null,
      constraint proofs_pkey primary key (merchant_id, whole)
    )`.execute(db);
  await sql`
    create table seals (
      merchant_id uuid not null,
      number bigint not null,
      posted_from timestamptz not null,
      posted_to timestamptz not null,
      sequence bigint not null,
      hash bytea not null,
      digests bytea not null,
      sealed_at timestamptz not null,
      constraint seals_pkey primary key (merchant_id, number)
    )`.execute(db);
  await sql`
    create table periods (
      merchant_id uuid not null,
      number int not null,
      state text not null,
      ends timestamptz not null,
      asked text not null,
      tz text not null,
      sequence bigint,
      hash bytea,
      file text,
      created_at timestamptz not null,
      closed_at timestamptz,
      constraint periods_pkey primary key (merchant_id, number),
      constraint periods_state_check check (state in ('closing', 'closed')),
      constraint periods_closed_check check ((state = 'closed') = (file is not null))
    )`.execute(db);
  await sql`
    create table signing_keys (
      id uuid not null,
      public_key text not null,
      private_key text not null,
      created_at timestamptz not null,
      constraint signing_keys_pkey primary key (id)
    )`.execute(db);
};
