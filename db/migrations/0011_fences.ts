import { sql, type Kysely } from 'kysely';

/** A batch of which nobody knows whether it was committed is settled by a row in its place, which keeps it out for good. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table batches add column is_fence boolean not null default false`.execute(db);
};
