/** What is read of the ledger: transfers, entries, balances as they were. */
import type { Kysely } from 'kysely';
import { err, ok, ResultAsync } from 'neverthrow';
import type { PastBalance } from '../domain/account.ts';
import type { AccountId, MerchantId, TransferId } from '../domain/ids.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import type { Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { readFailure } from './failure.ts';
import { finalBefore } from './horizon.ts';
import { balancesBefore } from './past.ts';
import type { PageOf } from './reads.ts';
import type { DB } from './schema.ts';
import { listTransfers, readTransfer, type FoundTransfer, type TransferFilter } from './transfers.ts';
import type { Turns } from './turns.ts';

/** Of a list whose page begins at an id: it must be there. */
export type ListError = StorageError | PaymentError<'invalid_request'>;

/** Errors of all: `database_unavailable`, and those that are named. */
export interface LedgerReads {
  /** What those of the accounts that there are held before an instant, in one snapshot, and whether that is final. */
  readonly balancesBefore: (
    merchant: MerchantId,
    ids: readonly AccountId[],
    before: Micros,
    now: Micros,
  ) => ResultAsync<PastBalances, StorageError>;
  readonly transfer: (
    merchant: MerchantId,
    id: TransferId,
  ) => ResultAsync<FoundTransfer, PaymentError<'transfer_not_found' | StorageCode>>;
  readonly listTransfers: (
    merchant: MerchantId,
    filter: TransferFilter,
    now: Micros,
  ) => ResultAsync<PageOf<PostedTransfer>, ListError>;
}

interface PastBalances {
  readonly balances: ReadonlyMap<AccountId, PastBalance>;
  readonly isFinal: boolean;
}

export const createLedgerReads = (db: Kysely<DB>, turns: Turns): LedgerReads => {
  const read = <T>(merchant: MerchantId, query: () => Promise<T>): ResultAsync<T, StorageError> =>
    ResultAsync.fromPromise(turns(merchant, query), readFailure);

  return {
    balancesBefore: (merchant, ids, before, now) =>
      read(merchant, async () => {
        const horizon = await finalBefore(db, now);
        return { balances: await balancesBefore(db, merchant, ids, before), isFinal: before <= horizon };
      }),
    transfer: (merchant, id) =>
      read(merchant, () => readTransfer(db, merchant, id)).andThen((found) =>
        found ? ok(found) : err(paymentError('transfer_not_found')),
      ),
    listTransfers: (merchant, filter, now) =>
      read(merchant, () => listTransfers(db, merchant, filter, now)).andThen((page) =>
        page ? ok(page) : err(noSuchCursor(filter)),
      ),
  };
};

const noSuchCursor = ({ startingAfter }: Pick<TransferFilter, 'startingAfter'>): PaymentError<'invalid_request'> => {
  const param = startingAfter === undefined ? 'ending_before' : 'starting_after';
  return paymentError('invalid_request', { param, message: `${param}: There is no such transfer.` });
};
