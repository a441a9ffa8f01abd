import { sql, type Kysely } from 'kysely';

/** An account for what was charged a second time for one payment. */
export const up = async (db: Kysely<unknown>): Promise<void> => {
  // What is there already keeps to it: 0016 says so, without holding anybody up.
  await sql`
    alter table accounts drop constraint accounts_kind_check, add constraint accounts_kind_check
      check (kind in ('wallet', 'stripe_clearing', 'revenue', 'stripe_fees', 'disputes', 'bank', 'exchange',
        'to_return')) not valid`.execute(db);
};
