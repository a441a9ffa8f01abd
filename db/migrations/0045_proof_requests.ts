import { sql, type Kysely } from 'kysely';

/** Whose books a person has asked to be proven now; the row goes when that is done. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table proof_requests (
      merchant_id uuid not null,
      asked_at timestamptz not null,
      constraint proof_requests_pkey primary key (merchant_id)
    )`.execute(db);
};
