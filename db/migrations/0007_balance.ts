import { sql, type Kysely } from 'kysely';

/** Stripe's balance: what each charge, refund and dispute brought or took, Stripe's fee, and what was paid out. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // exchange: what Stripe has turned into another currency.
  await sql`
    alter table accounts drop constraint accounts_kind_check, add constraint accounts_kind_check
      check (kind in ('wallet', 'stripe_clearing', 'revenue', 'stripe_fees', 'disputes', 'bank', 'exchange'))`.execute(
    db,
  );

  // Written in the commit that posts it. id, source and payout are Stripe's. gross and fee are in the currency that
  // Stripe settles in, charged is the gross in the payment's. No foreign key: the payment was looked up before.
  await sql`
    create table balance_transactions (
      merchant_id uuid not null,
      id text not null,
      payment_id uuid not null,
      kind text not null,
      source text not null,
      gross bigint not null,
      fee bigint not null,
      currency text not null,
      charged bigint not null,
      charged_currency text not null,
      payout text,
      created_at timestamptz not null,
      posted_at timestamptz not null,
      constraint balance_transactions_pkey primary key (merchant_id, id)
    )`.execute(db);
  await sql`
    create index balance_transactions_payout_idx on balance_transactions (payout, merchant_id)
    where payout is not null`.execute(db);

  // Those that are of no payment here: another installation's on the same Stripe account, or Stripe's own bills.
  await sql`
    create table unknown_balance_transactions (
      id text not null,
      kind text not null,
      source text,
      gross bigint not null,
      fee bigint not null,
      currency text not null,
      payout text,
      created_at timestamptz not null,
      seen_at timestamptz not null,
      constraint unknown_balance_transactions_pkey primary key (id)
    )`.execute(db);

  // Spans of time, end to end, whose balance transactions are read from Stripe's list. after: the last one that was read;
  // reads: how often the whole span was. Whoever reads it owns it until due_at; it is null once nothing is left to read.
  await sql`
    create table balance_windows (
      created_from timestamptz not null,
      created_to timestamptz not null,
      after text,
      reads smallint not null default 0,
      due_at timestamptz,
      constraint balance_windows_pkey primary key (created_from),
      constraint balance_windows_span_check check (created_from < created_to)
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index balance_windows_due_idx on balance_windows (due_at) where due_at is not null`.execute(db);

  // What is to be done about a payout. told counts what Stripe told of it, so that who has finished an older state leaves
  // it due; after is the last of its transactions that was read, and listed says that all of them were.
  await sql`
    create table stripe_payouts (
      id text not null,
      told integer not null default 1,
      tries integer not null default 0,
      after text,
      listed boolean not null default false,
      outcome text,
      due_at timestamptz,
      constraint stripe_payouts_pkey primary key (id)
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index stripe_payouts_due_idx on stripe_payouts (due_at) where due_at is not null`.execute(db);

  // A merchant's share of a payout, written in the commit that posts it; below zero where refunds took more than came in.
  // returned_in: the payout that paid out again what had come back.
  await sql`
    create table payouts (
      merchant_id uuid not null,
      id text not null,
      currency text not null,
      amount bigint not null,
      status text not null,
      returned_in text,
      created_at timestamptz not null,
      constraint payouts_pkey primary key (merchant_id, id),
      constraint payouts_status_check check (status in ('paid', 'failed'))
    )`.execute(db);
  await sql`create index payouts_id_idx on payouts (id)`.execute(db);
  await sql`create index payouts_returned_idx on payouts (returned_in) where returned_in is not null`.execute(db);
};
