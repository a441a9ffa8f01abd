import { sql, type Kysely } from 'kysely';

/**
 * What a merchant says of a transfer, and what one says that takes another back. All of it may be null, and a row is no
 * longer for what it does not say: six more bits fit where the first are kept. Its category follows from `kind`.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    alter table transfers
      add column reference text,
      add column metadata jsonb,
      add column reverses uuid,
      add column reason text,
      add column effective_date date`.execute(db);
};
