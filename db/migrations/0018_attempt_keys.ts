import { sql, type Kysely } from 'kysely';

/** The release before reads all columns of attempts: it plans anew. */
export const replans = true;

/** What Stripe was sent, what it answered, and a lease of which the release before knows nothing. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // trouble: an answer of Stripe's that leaves it open whether the object will be made after all. reason: of a refund.
  // stripe_key: what was sent to Stripe as its Idempotency-Key; null where the release before sent the attempt's own id.
  // leased_until: takes the place of owned_until, where it is set; that one is then so far away that the release before
  // never sends it again, which it would do under another key.
  await sql`
    alter table attempts
      add column trouble text,
      add column reason text,
      add column stripe_key text,
      add column leased_until timestamptz`.execute(db);
};
