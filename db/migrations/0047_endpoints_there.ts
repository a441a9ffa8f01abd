import { sql, type Kysely } from 'kysely';

/** Each of its statements is a transaction of its own. */
export const transaction = false;

/** Endpoints that are not deleted: whoever makes and deletes them over and over costs no round of deliveries more. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop index concurrently if exists webhook_endpoints_there_idx`.execute(db);
  await sql`
    create index concurrently webhook_endpoints_there_idx on webhook_endpoints (merchant_id, id)
    where status <> 'deleted'`.execute(db);
};
