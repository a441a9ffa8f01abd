import { sql, type Kysely } from 'kysely';

/** What Stripe has done is kept whatever was believed: with what contradicts it, and with whom it leaves in doubt. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // Whose payment a PaymentIntent pays for: it belongs to one.
  await sql`
    create table intents (
      id text not null,
      merchant_id uuid not null,
      payment_id uuid not null,
      constraint intents_pkey primary key (id)
    )`.execute(db);

  // Charges of payments that were paid already: what was charged, and what of it has gone back.
  await sql`
    create table second_charges (
      merchant_id uuid not null,
      id text not null,
      payment_id uuid not null,
      currency text not null,
      received bigint not null,
      returned bigint not null default 0,
      constraint second_charges_pkey primary key (merchant_id, id)
    )`.execute(db);

  // What has been read of Stripe's list of events, and what is still to be read of it, as of its balance.
  await sql`
    create table event_windows (
      created_from timestamptz not null,
      created_to timestamptz not null,
      after text,
      reads smallint not null default 0,
      due_at timestamptz,
      constraint event_windows_pkey primary key (created_from),
      constraint event_windows_span_check check (created_from < created_to)
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index event_windows_due_idx on event_windows (due_at) where due_at is not null`.execute(db);

  // What Stripe and the books say differently, and what only a person can decide. subject is Stripe's id of it. Open
  // until a fact or a person has resolved it.
  await sql`
    create table contradictions (
      id uuid not null,
      merchant_id uuid,
      kind text not null,
      payment_id uuid,
      subject text not null,
      amount bigint,
      currency text,
      detail text not null,
      seen_at timestamptz not null,
      resolved_at timestamptz,
      resolution text,
      constraint contradictions_pkey primary key (id),
      constraint contradictions_resolved_check check ((resolved_at is null) = (resolution is null))
    )`.execute(db);
  await sql`create index contradictions_open_idx on contradictions (kind) where resolved_at is null`.execute(db);
  await sql`create index contradictions_payment_idx on contradictions (payment_id) where payment_id is not null`.execute(
    db,
  );
};
