-- What db/migrations make: written by "npm run db:schema", never by hand.

CREATE TABLE accounts (
  merchant_id uuid not null,
  id uuid not null,
  kind text not null,
  customer_id uuid,
  currency text not null,
  debits bigint not null default 0,
  credits bigint not null default 0,
  pending bigint not null default 0,
  sequence bigint not null default 0,
  posted_at timestamp with time zone not null,
  created_at timestamp with time zone not null default now(),
  constraint accounts_pkey PRIMARY KEY (merchant_id, id),
  constraint accounts_customer_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customers(merchant_id, id),
  constraint accounts_kind_check CHECK ((kind = ANY (ARRAY['wallet'::text, 'stripe_clearing'::text, 'revenue'::text, 'stripe_fees'::text, 'disputes'::text, 'bank'::text, 'exchange'::text, 'to_return'::text]))),
  constraint accounts_owner_check CHECK (((kind = 'wallet'::text) = (customer_id IS NOT NULL))),
  constraint accounts_sums_check CHECK (((debits >= 0) AND (credits >= 0) AND (pending >= 0)))
) WITH (fillfactor=50);

CREATE TABLE api_keys (
  merchant_id uuid not null,
  id uuid not null,
  role text not null,
  prefix text not null,
  hash bytea not null,
  created_at timestamp with time zone not null default now(),
  revoked_at timestamp with time zone,
  constraint api_keys_pkey PRIMARY KEY (merchant_id, id),
  constraint api_keys_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants(id),
  constraint api_keys_role_check CHECK ((role = ANY (ARRAY['secret'::text, 'publishable'::text, 'finance'::text, 'oncall'::text])))
);

CREATE TABLE attempts (
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
  owned_until timestamp with time zone not null,
  fence integer not null,
  started_at timestamp with time zone not null,
  outcome text,
  stripe_request_id text,
  settled_at timestamp with time zone,
  seen_to text,
  trouble text,
  reason text,
  stripe_key text,
  leased_until timestamp with time zone,
  in_page boolean not null default false,
  stripe_customer text,
  used_for text,
  constraint attempts_pkey PRIMARY KEY (merchant_id, id),
  constraint attempts_payment_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES payments(merchant_id, id),
  constraint attempts_kind_check CHECK ((kind = ANY (ARRAY['confirm'::text, 'capture'::text, 'cancel'::text, 'refund'::text]))),
  constraint attempts_outcome_check CHECK ((outcome = ANY (ARRAY['succeeded'::text, 'requires_capture'::text, 'requires_action'::text, 'processing'::text, 'declined'::text, 'canceled'::text, 'failed'::text])))
) WITH (fillfactor=100);

CREATE TABLE balance_transactions (
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
  created_at timestamp with time zone not null,
  posted_at timestamp with time zone not null,
  constraint balance_transactions_pkey PRIMARY KEY (merchant_id, id)
);

CREATE TABLE balance_windows (
  created_from timestamp with time zone not null,
  created_to timestamp with time zone not null,
  after text,
  reads smallint not null default 0,
  due_at timestamp with time zone,
  constraint balance_windows_pkey PRIMARY KEY (created_from),
  constraint balance_windows_span_check CHECK ((created_from < created_to))
) WITH (fillfactor=70);

CREATE TABLE batches (
  id uuid not null,
  created_at timestamp with time zone not null default now(),
  is_fence boolean not null default false,
  constraint batches_pkey PRIMARY KEY (id)
);

CREATE TABLE claims (
  merchant_id uuid not null,
  id uuid not null,
  key text not null,
  operation text not null,
  request_hash uuid not null,
  status smallint,
  body text,
  created_at timestamp with time zone not null,
  constraint claims_pkey PRIMARY KEY (merchant_id, id),
  constraint claims_reply_check CHECK (((status IS NULL) = (body IS NULL)))
) WITH (fillfactor=100);

CREATE TABLE console_sessions (
  merchant_id uuid not null,
  hash bytea not null,
  key_id uuid not null,
  expires_at timestamp with time zone not null,
  constraint console_sessions_pkey PRIMARY KEY (hash),
  constraint console_sessions_key_fkey FOREIGN KEY (merchant_id, key_id) REFERENCES api_keys(merchant_id, id)
);

CREATE TABLE contradictions (
  id uuid not null,
  merchant_id uuid,
  kind text not null,
  payment_id uuid,
  subject text not null,
  amount bigint,
  currency text,
  detail text not null,
  seen_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  resolution text,
  constraint contradictions_pkey PRIMARY KEY (id),
  constraint contradictions_resolved_check CHECK (((resolved_at IS NULL) = (resolution IS NULL)))
);

CREATE TABLE customers (
  merchant_id uuid not null,
  id uuid not null,
  name text,
  email text,
  metadata jsonb not null,
  created_at timestamp with time zone not null,
  erased_at timestamp with time zone,
  constraint customers_pkey PRIMARY KEY (merchant_id, id),
  constraint customers_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants(id)
);

CREATE TABLE deliveries (
  merchant_id uuid not null,
  event_id uuid not null,
  endpoint_id uuid not null,
  status text not null default 'pending'::text,
  tries integer not null default 0,
  step integer not null default 0,
  next_try_at timestamp with time zone,
  constraint deliveries_pkey PRIMARY KEY (merchant_id, event_id, endpoint_id),
  constraint deliveries_endpoint_fkey FOREIGN KEY (merchant_id, endpoint_id) REFERENCES webhook_endpoints(merchant_id, id),
  constraint deliveries_event_fkey FOREIGN KEY (merchant_id, event_id) REFERENCES events(merchant_id, id),
  constraint deliveries_next_try_check CHECK (((status = 'pending'::text) = (next_try_at IS NOT NULL))),
  constraint deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text])))
);

CREATE TABLE delivery_tries (
  merchant_id uuid not null,
  event_id uuid not null,
  endpoint_id uuid not null,
  number integer not null,
  started_at timestamp with time zone not null,
  latency_ms integer not null,
  status_code smallint,
  error text,
  constraint delivery_tries_pkey PRIMARY KEY (merchant_id, event_id, endpoint_id, number),
  constraint delivery_tries_delivery_fkey FOREIGN KEY (merchant_id, event_id, endpoint_id) REFERENCES deliveries(merchant_id, event_id, endpoint_id)
);

CREATE TABLE disputes (
  merchant_id uuid not null,
  id uuid not null,
  payment_id uuid not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  reason text,
  stripe_id text not null,
  created_at timestamp with time zone not null,
  withdrawn bigint not null default 0,
  reinstated bigint not null default 0,
  lines text[] not null default '{}'::text[],
  lost bigint not null default 0,
  turns integer not null default 0,
  constraint disputes_pkey PRIMARY KEY (merchant_id, id),
  constraint disputes_payment_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES payments(merchant_id, id),
  constraint disputes_amount_check CHECK ((amount > 0)),
  constraint disputes_status_check CHECK ((status = ANY (ARRAY['open'::text, 'won'::text, 'lost'::text])))
);

CREATE TABLE erasures (
  merchant_id uuid not null,
  customer_id uuid not null,
  requested_at timestamp with time zone not null,
  done_at timestamp with time zone,
  constraint erasures_pkey PRIMARY KEY (merchant_id, customer_id)
);

CREATE TABLE event_windows (
  created_from timestamp with time zone not null,
  created_to timestamp with time zone not null,
  after text,
  reads smallint not null default 0,
  due_at timestamp with time zone,
  constraint event_windows_pkey PRIMARY KEY (created_from),
  constraint event_windows_span_check CHECK ((created_from < created_to))
) WITH (fillfactor=70);

CREATE TABLE events (
  merchant_id uuid not null,
  id uuid not null,
  type text not null,
  subject text not null,
  data json not null,
  created_at timestamp with time zone not null,
  fanned_out boolean not null default false,
  constraint events_pkey PRIMARY KEY (merchant_id, id)
);

CREATE TABLE intent_windows (
  created_from timestamp with time zone not null,
  created_to timestamp with time zone not null,
  after text,
  reads smallint not null default 0,
  due_at timestamp with time zone,
  constraint intent_windows_pkey PRIMARY KEY (created_from),
  constraint intent_windows_span_check CHECK ((created_from < created_to))
) WITH (fillfactor=70);

CREATE TABLE intents (
  id text not null,
  merchant_id uuid not null,
  payment_id uuid not null,
  constraint intents_pkey PRIMARY KEY (id)
);

CREATE TABLE items (
  merchant_id uuid not null,
  id text not null,
  name text not null,
  unit_price numeric not null,
  currency text not null,
  created_at timestamp with time zone not null default now(),
  constraint items_pkey PRIMARY KEY (merchant_id, id),
  constraint items_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants(id)
);

CREATE TABLE merchants (
  id uuid not null,
  name text not null,
  created_at timestamp with time zone not null default now(),
  constraint merchants_pkey PRIMARY KEY (id),
  constraint merchants_name_key UNIQUE (name)
);

CREATE TABLE payment_methods (
  merchant_id uuid not null,
  id text not null,
  customer_id uuid not null,
  type text not null,
  card jsonb,
  created_at timestamp with time zone not null,
  detached boolean not null default false,
  constraint payment_methods_pkey PRIMARY KEY (merchant_id, id)
);

CREATE TABLE payments (
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
  created_at timestamp with time zone not null,
  ended_attempt uuid,
  may_exist boolean not null default false,
  reference text,
  unpaid_status text,
  amount_returned bigint not null default 0,
  constraint payments_pkey PRIMARY KEY (merchant_id, id),
  constraint payments_customer_fkey FOREIGN KEY (merchant_id, customer_id) REFERENCES customers(merchant_id, id),
  constraint payments_amount_check CHECK ((amount > 0)),
  constraint payments_status_check CHECK ((status = ANY (ARRAY['requires_payment_method'::text, 'requires_confirmation'::text, 'requires_action'::text, 'processing'::text, 'requires_capture'::text, 'succeeded'::text, 'canceled'::text])))
) WITH (fillfactor=70);

CREATE TABLE payouts (
  merchant_id uuid not null,
  id text not null,
  currency text not null,
  amount bigint not null,
  status text not null,
  returned_in text,
  created_at timestamp with time zone not null,
  constraint payouts_pkey PRIMARY KEY (merchant_id, id),
  constraint payouts_status_check CHECK ((status = ANY (ARRAY['paid'::text, 'failed'::text])))
);

CREATE TABLE periods (
  merchant_id uuid not null,
  number integer not null,
  state text not null,
  ends timestamp with time zone not null,
  asked text not null,
  tz text not null,
  sequence bigint,
  hash bytea,
  file text,
  created_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  constraint periods_pkey PRIMARY KEY (merchant_id, number),
  constraint periods_closed_check CHECK (((state = 'closed'::text) = (file IS NOT NULL))),
  constraint periods_state_check CHECK ((state = ANY (ARRAY['closing'::text, 'closed'::text])))
);

CREATE TABLE proof_requests (
  merchant_id uuid not null,
  asked_at timestamp with time zone not null,
  constraint proof_requests_pkey PRIMARY KEY (merchant_id)
);

CREATE TABLE proofs (
  merchant_id uuid not null,
  whole boolean not null,
  proved_at timestamp with time zone not null,
  proved_to timestamp with time zone not null,
  checks jsonb not null,
  constraint proofs_pkey PRIMARY KEY (merchant_id, whole)
);

CREATE TABLE refunds (
  merchant_id uuid not null,
  id uuid not null,
  payment_id uuid not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  reason text,
  failure_reason text,
  stripe_id text,
  created_at timestamp with time zone not null,
  posted boolean not null default false,
  reversed boolean not null default false,
  held_at timestamp with time zone,
  freed_at timestamp with time zone,
  constraint refunds_pkey PRIMARY KEY (merchant_id, id),
  constraint refunds_payment_fkey FOREIGN KEY (merchant_id, payment_id) REFERENCES payments(merchant_id, id),
  constraint refunds_amount_check CHECK ((amount > 0)),
  constraint refunds_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text])))
) WITH (fillfactor=70);

CREATE TABLE seals (
  merchant_id uuid not null,
  number bigint not null,
  posted_from timestamp with time zone not null,
  posted_to timestamp with time zone not null,
  sequence bigint not null,
  hash bytea not null,
  digests bytea not null,
  sealed_at timestamp with time zone not null,
  constraint seals_pkey PRIMARY KEY (merchant_id, number)
);

CREATE TABLE second_charges (
  merchant_id uuid not null,
  id text not null,
  payment_id uuid not null,
  currency text not null,
  received bigint not null,
  returned bigint not null default 0,
  constraint second_charges_pkey PRIMARY KEY (merchant_id, id)
);

CREATE TABLE setups (
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
  created_at timestamp with time zone not null,
  tries integer not null default 0,
  tried_since timestamp with time zone,
  constraint setups_pkey PRIMARY KEY (merchant_id, id),
  constraint setups_status_check CHECK ((status = ANY (ARRAY['requires_payment_method'::text, 'requires_confirmation'::text, 'requires_action'::text, 'processing'::text, 'succeeded'::text, 'canceled'::text])))
);

CREATE TABLE signing_keys (
  id uuid not null,
  public_key text not null,
  private_key text not null,
  created_at timestamp with time zone not null,
  constraint signing_keys_pkey PRIMARY KEY (id)
);

CREATE TABLE stripe_customers (
  merchant_id uuid not null,
  id uuid not null,
  stripe_id text,
  default_method text,
  tries integer not null,
  asked_at timestamp with time zone not null,
  constraint stripe_customers_pkey PRIMARY KEY (merchant_id, id),
  constraint stripe_customers_stripe_key UNIQUE (stripe_id)
);

CREATE TABLE stripe_events (
  id text not null,
  type text not null,
  payload json not null,
  payment_id uuid,
  received_at timestamp with time zone not null,
  applied_at timestamp with time zone,
  outcome text,
  owned_until timestamp with time zone not null,
  tries integer not null default 0,
  constraint stripe_events_pkey PRIMARY KEY (id)
) WITH (fillfactor=100);

CREATE TABLE stripe_payouts (
  id text not null,
  told integer not null default 1,
  tries integer not null default 0,
  after text,
  listed boolean not null default false,
  outcome text,
  due_at timestamp with time zone,
  constraint stripe_payouts_pkey PRIMARY KEY (id)
) WITH (fillfactor=70);

CREATE TABLE transfers (
  merchant_id uuid not null,
  id uuid not null,
  kind text not null,
  debit uuid not null,
  credit uuid not null,
  amount bigint not null,
  currency text not null,
  description text,
  payment_id uuid,
  posted_at timestamp with time zone not null,
  debit_sequence bigint not null,
  credit_sequence bigint not null,
  debit_balance_after bigint not null,
  credit_balance_after bigint not null,
  reference text,
  metadata jsonb,
  reverses uuid,
  reason text,
  effective_date date,
  constraint transfers_pkey PRIMARY KEY (merchant_id, id),
  constraint transfers_amount_check CHECK ((amount > 0)),
  constraint transfers_legs_check CHECK ((debit <> credit))
) WITH (autovacuum_vacuum_insert_scale_factor=0, autovacuum_vacuum_insert_threshold=500000, autovacuum_freeze_min_age=0);

CREATE TABLE unknown_balance_transactions (
  id text not null,
  kind text not null,
  source text,
  gross bigint not null,
  fee bigint not null,
  currency text not null,
  payout text,
  created_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  constraint unknown_balance_transactions_pkey PRIMARY KEY (id)
);

CREATE TABLE webhook_endpoints (
  merchant_id uuid not null,
  id uuid not null,
  url text not null,
  description text,
  enabled_events text[] not null,
  status text not null,
  secret text not null,
  previous_secret text,
  previous_secret_until timestamp with time zone,
  failing_since timestamp with time zone,
  created_at timestamp with time zone not null,
  paused_until timestamp with time zone,
  constraint webhook_endpoints_pkey PRIMARY KEY (merchant_id, id),
  constraint webhook_endpoints_merchant_fkey FOREIGN KEY (merchant_id) REFERENCES merchants(id),
  constraint webhook_endpoints_rotation_check CHECK (((previous_secret IS NULL) = (previous_secret_until IS NULL))),
  constraint webhook_endpoints_status_check CHECK ((status = ANY (ARRAY['enabled'::text, 'disabled'::text, 'deleted'::text])))
);

CREATE TABLE webhook_retired_secrets (
  merchant_id uuid not null,
  endpoint_id uuid not null,
  secret text not null,
  signs_until timestamp with time zone not null,
  constraint webhook_retired_secrets_pkey PRIMARY KEY (merchant_id, endpoint_id, secret),
  constraint webhook_retired_secrets_endpoint_fkey FOREIGN KEY (merchant_id, endpoint_id) REFERENCES webhook_endpoints(merchant_id, id)
);

CREATE UNIQUE INDEX accounts_platform_key ON public.accounts USING btree (merchant_id, kind, currency) WHERE (customer_id IS NULL);

CREATE UNIQUE INDEX accounts_wallet_key ON public.accounts USING btree (merchant_id, customer_id, currency) WHERE (customer_id IS NOT NULL);

CREATE INDEX api_keys_hash_idx ON public.api_keys USING btree (hash);

CREATE INDEX attempts_open_idx ON public.attempts USING btree (owned_until) WHERE (outcome IS NULL);

CREATE INDEX attempts_payment_idx ON public.attempts USING btree (payment_id, id);

CREATE INDEX balance_transactions_order_idx ON public.balance_transactions USING btree (merchant_id, created_at, id);

CREATE INDEX balance_transactions_payout_idx ON public.balance_transactions USING btree (payout, merchant_id) WHERE (payout IS NOT NULL);

CREATE INDEX balance_windows_due_idx ON public.balance_windows USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX contradictions_open_idx ON public.contradictions USING btree (kind) WHERE (resolved_at IS NULL);

CREATE INDEX contradictions_payment_idx ON public.contradictions USING btree (payment_id) WHERE (payment_id IS NOT NULL);

CREATE INDEX customers_email_idx ON public.customers USING btree (merchant_id, email, id) WHERE (email IS NOT NULL);

CREATE INDEX deliveries_due_idx ON public.deliveries USING btree (merchant_id, endpoint_id, next_try_at) WHERE (next_try_at IS NOT NULL);

CREATE INDEX disputes_payment_idx ON public.disputes USING btree (payment_id, id);

CREATE UNIQUE INDEX disputes_stripe_key ON public.disputes USING btree (merchant_id, stripe_id);

CREATE INDEX erasures_open_idx ON public.erasures USING btree (requested_at) WHERE (done_at IS NULL);

CREATE INDEX event_windows_due_idx ON public.event_windows USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX events_fresh_idx ON public.events USING btree (merchant_id, id) WHERE (NOT fanned_out);

CREATE INDEX events_subject_idx ON public.events USING btree (subject, id);

CREATE INDEX intent_windows_due_idx ON public.intent_windows USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX payment_methods_customer_idx ON public.payment_methods USING btree (merchant_id, customer_id) WHERE (NOT detached);

CREATE INDEX payment_methods_stripe_idx ON public.payment_methods USING btree (id);

CREATE INDEX payments_amount_idx ON public.payments USING btree (merchant_id, amount, id);

CREATE INDEX payments_currency_idx ON public.payments USING btree (merchant_id, currency, id);

CREATE INDEX payments_customer_idx ON public.payments USING btree (customer_id, id);

CREATE INDEX payments_reference_idx ON public.payments USING btree (merchant_id, reference, id) WHERE (reference IS NOT NULL);

CREATE INDEX payments_unpaid_idx ON public.payments USING btree (merchant_id, unpaid_status, id) WHERE (unpaid_status IS NOT NULL);

CREATE INDEX payouts_id_idx ON public.payouts USING btree (id);

CREATE INDEX payouts_returned_idx ON public.payouts USING btree (returned_in) WHERE (returned_in IS NOT NULL);

CREATE INDEX refunds_payment_idx ON public.refunds USING btree (payment_id, id);

CREATE UNIQUE INDEX refunds_stripe_key ON public.refunds USING btree (merchant_id, stripe_id) WHERE (stripe_id IS NOT NULL);

CREATE INDEX stripe_events_open_idx ON public.stripe_events USING btree (owned_until) WHERE (applied_at IS NULL);

CREATE INDEX stripe_events_payment_idx ON public.stripe_events USING btree (payment_id) WHERE (payment_id IS NOT NULL);

CREATE INDEX stripe_payouts_due_idx ON public.stripe_payouts USING btree (due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX transfers_credit_idx ON public.transfers USING btree (credit, posted_at);

CREATE INDEX transfers_debit_idx ON public.transfers USING btree (debit, posted_at);

CREATE INDEX transfers_payment_idx ON public.transfers USING btree (payment_id) WHERE (payment_id IS NOT NULL);

CREATE INDEX transfers_posted_idx ON public.transfers USING brin (posted_at) WITH (pages_per_range='16');

CREATE INDEX transfers_reference_idx ON public.transfers USING btree (merchant_id, reference, id) WHERE (reference IS NOT NULL);

CREATE INDEX transfers_reverses_idx ON public.transfers USING btree (merchant_id, reverses) WHERE (reverses IS NOT NULL);

CREATE INDEX webhook_endpoints_there_idx ON public.webhook_endpoints USING btree (merchant_id, id) WHERE (status <> 'deleted'::text);

CREATE OR REPLACE FUNCTION public.keep_unpaid_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      new.unpaid_status := unpaid_status_of(new.status, new.attempt, new.ended_attempt);
      return new;
    end $function$;

CREATE OR REPLACE FUNCTION public.unpaid_status_of(status text, attempt uuid, ended_attempt uuid)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ((status = 'succeeded'::text) OR ((status = 'processing'::text) AND (attempt IS DISTINCT FROM ended_attempt))) THEN NULL::text ELSE status END;

CREATE TRIGGER payments_unpaid_status BEFORE INSERT OR UPDATE ON public.payments FOR EACH ROW WHEN ((new.unpaid_status IS DISTINCT FROM unpaid_status_of(new.status, new.attempt, new.ended_attempt))) EXECUTE FUNCTION keep_unpaid_status();
