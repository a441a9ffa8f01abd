import { sql, type Kysely } from 'kysely';

/** Who is signed in to the console: of the cookie a hash alone, beside the key that it stands for and ends with. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table console_sessions (
      merchant_id uuid not null,
      hash bytea not null,
      key_id uuid not null,
      expires_at timestamptz not null,
      constraint console_sessions_pkey primary key (hash),
      constraint console_sessions_key_fkey foreign key (merchant_id, key_id) references api_keys (merchant_id, id)
    )`.execute(db);
};
