import { sql, type Kysely } from 'kysely';

/** Each of its statements is a transaction of its own. */
export const transaction = false;

/**
 * The entries of an account, in order. A later entry has a later `posted_at`, so that the same two indexes find a balance
 * as of an instant, a page of entries, and a statement. The other two hold only what says something of the kind.
 */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`drop index concurrently if exists transfers_debit_idx`.execute(db);
  await sql`create index concurrently transfers_debit_idx on transfers (debit, posted_at)`.execute(db);
  await sql`drop index concurrently if exists transfers_credit_idx`.execute(db);
  await sql`create index concurrently transfers_credit_idx on transfers (credit, posted_at)`.execute(db);
  await sql`drop index concurrently if exists transfers_reverses_idx`.execute(db);
  await sql`
    create index concurrently transfers_reverses_idx on transfers (merchant_id, reverses)
    where reverses is not null`.execute(db);
  await sql`drop index concurrently if exists transfers_reference_idx`.execute(db);
  await sql`
    create index concurrently transfers_reference_idx on transfers (merchant_id, reference, id)
    where reference is not null`.execute(db);
};
