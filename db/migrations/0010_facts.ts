import { sql, type Kysely } from 'kysely';

/** What Stripe has done is kept whatever was believed: with what contradicts it, and with whom it leaves in doubt. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // to_return: what was charged a second time for one payment.
  await sql`
    alter table accounts drop constraint accounts_kind_check, add constraint accounts_kind_check
      check (kind in ('wallet', 'stripe_clearing', 'revenue', 'stripe_fees', 'disputes', 'bank', 'exchange',
        'to_return'))`.execute(db);

  // under_way: an attempt's outcome is waited for; without one, processing is Stripe's own. may_exist: an attempt ended
  // without Stripe's word. A fact is bounded by no check: more may be captured than was asked for.
  await sql`
    alter table payments
      add column under_way boolean not null default false,
      add column may_exist boolean not null default false,
      drop constraint payments_captured_check,
      drop constraint payments_refunded_check`.execute(db);

  await sql`
    update payments p set under_way = true from attempts a
     where a.merchant_id = p.merchant_id and a.id = p.attempt and a.outcome is null`.execute(db);

  // trouble: an answer of Stripe's that leaves it open whether the object will be made after all. reason: of a refund.
  // stripe_key: what was sent to Stripe as its Idempotency-Key; null where an earlier version sent the attempt's own id.
  await sql`
    alter table attempts add column trouble text, add column reason text, add column stripe_key text`.execute(db);

  await sql`
    alter table refunds
      add column posted boolean not null default false,
      add column reversed boolean not null default false`.execute(db);

  // withdrawn and reinstated are the sums of lines, which are Stripe's balance transactions; lost is what of them the
  // wallet has lost, and turns how often that has changed.
  await sql`
    alter table disputes
      add column withdrawn bigint not null default 0,
      add column reinstated bigint not null default 0,
      add column lines text[] not null default '{}',
      add column lost bigint not null default 0,
      add column turns integer not null default 0`.execute(db);

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
