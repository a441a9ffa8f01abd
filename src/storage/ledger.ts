/** What is read of the ledger: transfers, entries, balances as they were. */
import { err, ok, ResultAsync } from 'neverthrow';
import type { Account, PastBalance } from '../domain/account.ts';
import type { Span } from '../domain/cut.ts';
import type { Entry, Statement } from '../domain/entry.ts';
import { uuidOf, type AccountId, type MerchantId, type TransferId } from '../domain/ids.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import type { Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { REPORTS_MAX, type Database } from './database.ts';
import { entryPostedAt, readEntries, type EntryFilter, type Stretch } from './entries.ts';
import { readFailure } from './failure.ts';
import { finalBefore } from './horizon.ts';
import { balancesBefore } from './past.ts';
import { readStatement } from './statement-of.ts';
import { pageOf, type Page, type PageOf } from './pages.ts';
import { listTransfers, readTransfer, type FoundTransfer, type TransferFilter } from './transfers.ts';
import { createTurns, type Turns } from './turns.ts';

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
  readonly listEntries: (
    merchant: MerchantId,
    filter: EntryFilter,
    stretch: Omit<Stretch, 'limit'>,
    page: Page<TransferId>,
  ) => ResultAsync<PageOf<Entry>, StorageError>;
  /** The same for a report, which asks for one stretch after the other. */
  readonly someEntries: (
    merchant: MerchantId,
    filter: EntryFilter,
    stretch: Stretch,
  ) => ResultAsync<Entry[], StorageError>;
  /** When an entry of that account was posted; undefined where it is none of its. */
  readonly entryPostedAt: (
    merchant: MerchantId,
    account: AccountId,
    entry: TransferId,
  ) => ResultAsync<Micros | undefined, StorageError>;
  readonly statement: (
    merchant: MerchantId,
    account: Account,
    span: Span,
    now: Micros,
  ) => ResultAsync<Statement, StorageError>;
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

export const createLedgerReads = (
  { pool: db, reports }: Pick<Database, 'pool' | 'reports'>,
  turns: Turns,
): LedgerReads => {
  const reportTurns = createTurns(REPORTS_MAX);
  const report = <T>(merchant: MerchantId, query: () => Promise<T>): ResultAsync<T, StorageError> =>
    ResultAsync.fromPromise(reportTurns(merchant, query), readFailure);

  const read = <T>(merchant: MerchantId, query: () => Promise<T>): ResultAsync<T, StorageError> =>
    ResultAsync.fromPromise(turns(merchant, query), readFailure);

  return {
    balancesBefore: (merchant, ids, before, now) =>
      read(merchant, async () => {
        const horizon = await finalBefore(db, now);
        return { balances: await balancesBefore(db, merchant, ids, before), isFinal: before <= horizon };
      }),
    listEntries: (merchant, filter, stretch, page) =>
      read(merchant, () => readEntries(db, merchant, filter, { ...stretch, limit: page.limit + 1 })).map((found) =>
        pageOf(found, page),
      ),
    someEntries: (merchant, filter, stretch) => report(merchant, () => readEntries(reports, merchant, filter, stretch)),
    entryPostedAt: (merchant, account, entry) =>
      read(merchant, () => entryPostedAt(db, merchant, account, uuidOf(entry))),
    statement: (merchant, account, span, now) =>
      report(merchant, async () => {
        const horizon = await finalBefore(reports, now);
        return readStatement(reports, account, span, span.before <= horizon);
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
