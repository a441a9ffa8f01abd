import { sql, type Kysely } from 'kysely';

/** What customers have saved to be charged again: their cards, and the setups by which a card is kept without a charge. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // A customer of ours at Stripe. Written before Stripe is asked for it, so that whoever comes later knows that one may
  // be there: `tries` says under which key it was asked for last, and `asked_at` when that was.
  await sql`
    create table stripe_customers (
      merchant_id uuid not null,
      id uuid not null,
      stripe_id text,
      default_method text,
      tries int not null,
      asked_at timestamptz not null,
      constraint stripe_customers_pkey primary key (merchant_id, id),
      constraint stripe_customers_stripe_key unique (stripe_id)
    )`.execute(db);

  // By Stripe's id. One that was detached stays: it can't be used again, and what is told late does not bring it back.
  await sql`
    create table payment_methods (
      merchant_id uuid not null,
      id text not null,
      customer_id uuid not null,
      type text not null,
      card jsonb,
      created_at timestamptz not null,
      detached boolean not null default false,
      constraint payment_methods_pkey primary key (merchant_id, id)
    )`.execute(db);
  await sql`create index payment_methods_customer_idx on payment_methods (merchant_id, customer_id) where not detached`.execute(
    db,
  );
  await sql`create index payment_methods_stripe_idx on payment_methods (id)`.execute(db);

  await sql`
    create table setups (
      merchant_id uuid not null,
      id uuid not null,
      customer_id uuid not null,
      status text not null,
      payment_method text,
      return_url text,
      client_secret text not null,
      next_action jsonb,
      last_error jsonb,
      intent text not null,
      created_at timestamptz not null,
      constraint setups_pkey primary key (merchant_id, id),
      constraint setups_status_check check (status in ('requires_payment_method', 'requires_confirmation',
        'requires_action', 'processing', 'succeeded', 'canceled'))
    )`.execute(db);
};
