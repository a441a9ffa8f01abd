import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of attempts: it plans anew. */
export const replans = true;

/**
 * For which customer at Stripe an attempt pays, and whether the card is to be kept (`save`) or its owner is away
 * (`off_session`): whoever sends it again sends the same. Null, which takes no room, for who has saved nothing.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`alter table attempts add column stripe_customer text, add column used_for text`.execute(db);
};
