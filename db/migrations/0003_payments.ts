import { sql, type Kysely } from 'kysely';

/** Payments, and each attempt to have one paid. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // intent: Stripe's id of the one PaymentIntent that pays for it. attempt: the latest to confirm, capture or cancel.
  await sql`
    create table payments (
      merchant_id uuid not null,
      id uuid not null,
      customer_id uuid not null,
      amount bigint not null,
      amount_captured bigint not null default 0,
      amount_refunded bigint not null default 0,
      currency text not null,
      status text not null,
      payment_method text,
      capture_method text not null,
      return_url text,
      description text,
      metadata jsonb not null,
      client_secret text not null,
      next_action jsonb,
      last_error jsonb,
      intent text,
      attempt uuid,
      refunds_pending bigint not null default 0,
      created_at timestamptz not null,
      constraint payments_pkey primary key (merchant_id, id),
      constraint payments_customer_fkey foreign key (merchant_id, customer_id) references customers (merchant_id, id),
      constraint payments_amount_check check (amount > 0),
      constraint payments_captured_check check (amount_captured between 0 and amount),
      constraint payments_refunded_check
        check (amount_refunded >= 0 and refunds_pending >= 0),
      constraint payments_status_check check (status in ('requires_payment_method', 'requires_confirmation',
        'requires_action', 'processing', 'requires_capture', 'succeeded', 'canceled'))
    ) with (fillfactor = 70)`.execute(db);
  // Without the merchant in front: an index that held both parts of the primary key would now and then be taken for it,
  // and read to its end for each look-up.
  await sql`create index payments_customer_idx on payments (customer_id, id)`.execute(db);

  // An attempt is written before Stripe is called. While outcome is null someone owns it until owned_until, and the
  // sweeper takes it over after that, under the next fence.
  await sql`
    create table attempts (
      merchant_id uuid not null,
      id uuid not null,
      payment_id uuid not null,
      kind text not null,
      payment_method text,
      amount bigint,
      refund_id uuid,
      claim_id uuid,
      request_id text not null,
      reply_status smallint not null,
      shows_secret boolean not null,
      owned_until timestamptz not null,
      fence integer not null,
      started_at timestamptz not null,
      outcome text,
      stripe_request_id text,
      settled_at timestamptz,
      constraint attempts_pkey primary key (merchant_id, id),
      constraint attempts_payment_fkey foreign key (merchant_id, payment_id) references payments (merchant_id, id),
      constraint attempts_outcome_check check (outcome in
        ('succeeded', 'requires_capture', 'requires_action', 'processing', 'declined', 'canceled', 'failed')),
      constraint attempts_kind_check check (kind in ('confirm', 'capture', 'cancel', 'refund'))
    ) with (fillfactor = 70)`.execute(db);
  await sql`create index attempts_payment_idx on attempts (payment_id, id)`.execute(db);
  await sql`create index attempts_open_idx on attempts (owned_until) where outcome is null`.execute(db);
};
