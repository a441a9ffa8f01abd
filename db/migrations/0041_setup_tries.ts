import { sql, type Kysely } from 'kysely';

/** How many cards were tried on a setup, and since when: who tests stolen ones tries hundreds. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table setups add column tries int not null default 0, add column tried_since timestamptz`.execute(db);
};
