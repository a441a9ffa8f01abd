import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of refunds: it plans anew. */
export const replans = true;

/** Whether a refund was posted, and whether it was taken back after that. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    alter table refunds
      add column posted boolean not null default false,
      add column reversed boolean not null default false`.execute(db);
};
