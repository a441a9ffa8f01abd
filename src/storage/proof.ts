/** Whether the books add up, asked of the database itself. */
import { sql, type Kysely } from 'kysely';
import { ResultAsync } from 'neverthrow';
import type { Currency } from '../domain/currency.ts';
import { idOf, type MerchantId } from '../domain/ids.ts';
import type { PaymentError } from '../error.ts';
import { readFailure } from './failure.ts';
import type { DB } from './schema.ts';

/** A merchant's accounts in one currency, of which more was credited than debited, or less. */
export interface Unbalanced {
  readonly merchant: MerchantId;
  readonly currency: Currency;
}

/** Those whose debits and credits differ: none, or money was made or lost. Errors: `database_unavailable`. */
export const findUnbalanced = (db: Kysely<DB>): ResultAsync<Unbalanced[], PaymentError> =>
  ResultAsync.fromPromise(
    db.transaction().execute(async (transaction) => {
      // The one statement that is of a whole table, which is read fastest from its beginning to its end.
      await sql`set local enable_seqscan = on`.execute(transaction);
      const { rows } = await sql<{ merchant_id: string; currency: Currency }>`
        select merchant_id, currency from accounts
        group by merchant_id, currency having sum(debits) <> sum(credits)`.execute(transaction);
      return rows.map(({ merchant_id, currency }) => ({ merchant: idOf('mer', merchant_id), currency }));
    }),
    readFailure,
  );
