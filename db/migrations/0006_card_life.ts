import { sql, type Kysely } from 'kysely';

/** Refunds, disputes, and what Stripe tells of them. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // The payment's row is locked whenever one of these two is written.
  await sql`
    create table refunds (
      merchant_id uuid not null,
      id uuid not null,
      payment_id uuid not null,
      amount bigint not null,
      currency text not null,
      status text not null,
      reason text,
      failure_reason text,
      stripe_id text,
      created_at timestamptz not null,
      constraint refunds_pkey primary key (merchant_id, id),
      constraint refunds_payment_fkey foreign key (merchant_id, payment_id) references payments (merchant_id, id),
      constraint refunds_amount_check check (amount > 0),
      constraint refunds_status_check check (status in ('pending', 'succeeded', 'failed'))
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index refunds_payment_idx on refunds (payment_id, id)`.execute(db);

  await sql`
    create table disputes (
      merchant_id uuid not null,
      id uuid not null,
      payment_id uuid not null,
      amount bigint not null,
      currency text not null,
      status text not null,
      reason text,
      stripe_id text not null,
      created_at timestamptz not null,
      constraint disputes_pkey primary key (merchant_id, id),
      constraint disputes_payment_fkey foreign key (merchant_id, payment_id) references payments (merchant_id, id),
      constraint disputes_amount_check check (amount > 0),
      constraint disputes_status_check check (status in ('open', 'won', 'lost'))
    )`.execute(db);
  await sql`create index disputes_payment_idx on disputes (payment_id, id)`.execute(db);

  // Stripe's events as they came: stored before they are acknowledged, applied afterwards, kept where nobody knows
  // what they are about. One Stripe account serves all merchants, so whose event it is, is found when it is applied.
  await sql`
    create table stripe_events (
      id text not null,
      type text not null,
      payload json not null,
      payment_id uuid,
      received_at timestamptz not null,
      applied_at timestamptz,
      outcome text,
      owned_until timestamptz not null,
      tries integer not null default 0,
      constraint stripe_events_pkey primary key (id)
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index stripe_events_open_idx on stripe_events (owned_until) where applied_at is null`.execute(db);
  await sql`create index stripe_events_payment_idx on stripe_events (payment_id) where payment_id is not null`.execute(
    db,
  );
};
