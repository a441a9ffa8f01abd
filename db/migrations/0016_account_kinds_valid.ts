import { sql, type Kysely } from 'kysely';

/** Every account is of a kind that 0015 lists. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table accounts validate constraint accounts_kind_check`.execute(db);
};
