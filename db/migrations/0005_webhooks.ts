import { sql, type Kysely } from 'kysely';

/** Whom merchants have us tell of events, and each try to tell them. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // secret signs, so it is kept as it is. previous_secret signs too until previous_secret_until. failing_since: the first
  // failure after the last success. A deleted endpoint stays for the sake of its log.
  await sql`
    create table webhook_endpoints (
      merchant_id uuid not null,
      id uuid not null,
      url text not null,
      description text,
      enabled_events text[] not null,
      status text not null,
      secret text not null,
      previous_secret text,
      previous_secret_until timestamptz,
      failing_since timestamptz,
      created_at timestamptz not null,
      constraint webhook_endpoints_pkey primary key (merchant_id, id),
      constraint webhook_endpoints_merchant_fkey foreign key (merchant_id) references merchants (id),
      constraint webhook_endpoints_status_check check (status in ('enabled', 'disabled', 'deleted')),
      constraint webhook_endpoints_rotation_check check ((previous_secret is null) = (previous_secret_until is null))
    )`.execute(db);

  // Whether deliveries were made of it. Events of a merchant without an endpoint are never looked at, and stay as they are.
  await sql`alter table events add column fanned_out boolean not null default false`.execute(db);
  await sql`create index events_fresh_idx on events (merchant_id, id) where not fanned_out`.execute(db);

  // next_try_at: when it is due, or, while someone tries, when another may take it; null once nothing more will be done.
  // tries numbers the tries that were begun, and is their fence; step is how far along the schedule it has come.
  await sql`
    create table deliveries (
      merchant_id uuid not null,
      event_id uuid not null,
      endpoint_id uuid not null,
      status text not null default 'pending',
      tries integer not null default 0,
      step integer not null default 0,
      next_try_at timestamptz,
      constraint deliveries_pkey primary key (merchant_id, event_id, endpoint_id),
      constraint deliveries_event_fkey foreign key (merchant_id, event_id) references events (merchant_id, id),
      constraint deliveries_endpoint_fkey foreign key (merchant_id, endpoint_id)
        references webhook_endpoints (merchant_id, id),
      constraint deliveries_status_check check (status in ('pending', 'succeeded', 'failed')),
      constraint deliveries_next_try_check check ((status = 'pending') = (next_try_at is not null))
    )`.execute(db);
  await sql`
    create index deliveries_due_idx on deliveries (merchant_id, endpoint_id, next_try_at)
    where next_try_at is not null`.execute(db);

  // status_code is null where there was no answer.
  await sql`
    create table delivery_tries (
      merchant_id uuid not null,
      event_id uuid not null,
      endpoint_id uuid not null,
      number integer not null,
      started_at timestamptz not null,
      latency_ms integer not null,
      status_code smallint,
      error text,
      constraint delivery_tries_pkey primary key (merchant_id, event_id, endpoint_id, number),
      constraint delivery_tries_delivery_fkey foreign key (merchant_id, event_id, endpoint_id)
        references deliveries (merchant_id, event_id, endpoint_id)
    )`.execute(db);
};
