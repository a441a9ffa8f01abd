import { sql, type Kysely } from 'kysely';

/** Customers, their wallets, the merchants' own accounts, and the transfers between them. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  await sql`
    create table customers (
      merchant_id uuid not null,
      id uuid not null,
      name text,
      email text,
      metadata jsonb not null,
      created_at timestamptz not null,
      constraint customers_pkey primary key (merchant_id, id),
      constraint customers_merchant_fkey foreign key (merchant_id) references merchants (id)
    )`.execute(db);

  // The id follows from owner, kind and currency; the two unique keys would catch it if it ever did not.
  // posted_at: when the last transfer was posted; the next one is later, so that time and sequence agree.
  // fillfactor: every transfer updates two of these rows, and no index holds what it changes, so that an update finds
  // room on its own page and touches no index.
  await sql`
    create table accounts (
      merchant_id uuid not null,
      id uuid not null,
      kind text not null,
      customer_id uuid,
      currency text not null,
      debits bigint not null default 0,
      credits bigint not null default 0,
      pending bigint not null default 0,
      sequence bigint not null default 0,
      posted_at timestamptz not null,
      created_at timestamptz not null default now(),
      constraint accounts_pkey primary key (merchant_id, id),
      constraint accounts_customer_fkey foreign key (merchant_id, customer_id) references customers (merchant_id, id),
      constraint accounts_kind_check
        check (kind in ('wallet', 'stripe_clearing', 'revenue', 'stripe_fees', 'disputes', 'bank')),
      constraint accounts_owner_check check ((kind = 'wallet') = (customer_id is not null)),
      constraint accounts_sums_check check (debits >= 0 and credits >= 0 and pending >= 0)
    ) with (fillfactor = 50)`.execute(db);
  await sql`
    create unique index accounts_wallet_key on accounts (merchant_id, customer_id, currency)
    where customer_id is not null`.execute(db);
  await sql`
    create unique index accounts_platform_key on accounts (merchant_id, kind, currency)
    where customer_id is null`.execute(db);

  // Both legs in one row: what is written is in balance. The id of what a payment, a refund or a dispute posts follows
  // from it, so that it is posted once, whoever learns of it. No foreign keys to accounts: a transfer is written only while
  // both its accounts are locked, and accounts are never deleted.
  await sql`
    create table transfers (
      merchant_id uuid not null,
      id uuid not null,
      kind text not null,
      debit uuid not null,
      credit uuid not null,
      amount bigint not null,
      currency text not null,
      description text,
      payment_id uuid,
      posted_at timestamptz not null,
      debit_sequence bigint not null,
      credit_sequence bigint not null,
      debit_balance_after bigint not null,
      credit_balance_after bigint not null,
      constraint transfers_pkey primary key (merchant_id, id),
      constraint transfers_amount_check check (amount > 0),
      constraint transfers_legs_check check (debit <> credit)
    )`.execute(db);
  await sql`create index transfers_payment_idx on transfers (payment_id) where payment_id is not null`.execute(db);

  await sql`
    create table items (
      merchant_id uuid not null,
      id text not null,
      name text not null,
      unit_price numeric not null,
      currency text not null,
      created_at timestamptz not null default now(),
      constraint items_pkey primary key (merchant_id, id),
      constraint items_merchant_fkey foreign key (merchant_id) references merchants (id)
    )`.execute(db);
};
