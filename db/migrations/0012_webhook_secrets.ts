import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of webhook_endpoints: it plans anew. */
export const replans = true;

/** Every secret that an endpoint had lately, and until when an endpoint wants to be left alone. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // Each signs beside the present one until its time, however often the endpoint was given a new one since. The latest is
  // in webhook_endpoints.previous_secret too, which is all that the release before knows.
  await sql`
    create table webhook_retired_secrets (
      merchant_id uuid not null,
      endpoint_id uuid not null,
      secret text not null,
      signs_until timestamptz not null,
      constraint webhook_retired_secrets_pkey primary key (merchant_id, endpoint_id, secret),
      constraint webhook_retired_secrets_endpoint_fkey foreign key (merchant_id, endpoint_id)
        references webhook_endpoints (merchant_id, id)
    )`.execute(db);
  // Its receiver has said when to come again (Retry-After), or that it has too much to do (429, 502, 504).
  await sql`alter table webhook_endpoints add column paused_until timestamptz`.execute(db);
};
