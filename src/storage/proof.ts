/** Whether the books add up, asked of the database itself. */
import { sql } from 'kysely';
import { ResultAsync } from 'neverthrow';
import type { Currency } from '../domain/currency.ts';
import { idOf, type MerchantId } from '../domain/ids.ts';
import type { PaymentError } from '../error.ts';
import type { Database } from './database.ts';
import { readFailure } from './failure.ts';

/** A merchant's accounts in one currency, of which more was credited than debited, or less. */
export interface Unbalanced {
  readonly merchant: MerchantId;
  readonly currency: Currency;
}

/**
 * Those whose debits and credits differ: none, or money was made or lost. It reads every account, in one snapshot: some
 * three seconds for ten million. Errors: `database_unavailable`.
 */
export const findUnbalanced = ({ scan }: Pick<Database, 'scan'>): ResultAsync<Unbalanced[], PaymentError> =>
  ResultAsync.fromPromise(
    scan((db) =>
      sql<{ merchant_id: string; currency: Currency }>`
        select merchant_id, currency from accounts
        group by merchant_id, currency having sum(debits - credits) <> 0`.execute(db),
    ),
    readFailure,
  ).map(({ rows }) => rows.map(({ merchant_id, currency }) => ({ merchant: idOf('mer', merchant_id), currency })));
