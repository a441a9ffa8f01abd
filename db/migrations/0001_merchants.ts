import { sql, type Kysely } from 'kysely';

/** Who sells, and the keys by which they are known. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table merchants (
      id uuid not null,
      name text not null,
      created_at timestamptz not null default now(),
      constraint merchants_pkey primary key (id),
      constraint merchants_name_key unique (name)
    )`.execute(db);

  // Only a hash of the key is kept. The prefix is what a person may see of it, to tell keys apart.
  await sql`
    create table api_keys (
      merchant_id uuid not null,
      id uuid not null,
      role text not null,
      prefix text not null,
      hash bytea not null,
      created_at timestamptz not null default now(),
      revoked_at timestamptz,
      constraint api_keys_pkey primary key (merchant_id, id),
      constraint api_keys_merchant_fkey foreign key (merchant_id) references merchants (id),
      constraint api_keys_role_check check (role in ('secret', 'publishable', 'finance', 'oncall'))
    )`.execute(db);
  await sql`create index api_keys_hash_idx on api_keys (hash)`.execute(db);
};
