/** What is read of the ledger: transfers, entries, balances as they were. */
import type { ResultAsync } from 'neverthrow';
import type { Account, PastBalance } from '../domain/account.ts';
import type { Span } from '../domain/cut.ts';
import type { Entry, Statement } from '../domain/entry.ts';
import type { Dispute } from '../domain/payment.ts';
import { uuidOf, type AccountId, type DisputeId, type MerchantId, type TransferId } from '../domain/ids.ts';
import type { ListError, StorageCode, StorageError } from '../domain/refusals.ts';
import type { Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { PaymentError } from '../error.ts';
import { REPORTS_MAX, type Database } from './database.ts';
import { entryPostedAt, readEntries, type EntryFilter, type Stretch } from './entries.ts';
import {
  readMovements,
  readTrialBalance,
  readTrialBalanceNow,
  type Movements,
  type TrialBalanceLine,
} from './books.ts';
import { orRefuse, paged } from './find.ts';
import { finalBefore } from './horizon.ts';
import { balancesBefore } from './past.ts';
import {
  listDisputes,
  listLines,
  listPayouts,
  readDispute,
  readPayout,
  type DisputeFilter,
  type Line,
  type LineFilter,
  type Payout,
  type PayoutFilter,
} from './stripe-lists.ts';
import { readStatement } from './account-statement.ts';
import { pageOf, type Page, type PageOf } from './pages.ts';
import { listTransfers, readTransfer, type FoundTransfer, type TransferFilter } from './transfers.ts';
import { createTurns, inTurn, type Turns } from './turns.ts';

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
  /** The lines of a trial balance, in one snapshot, and whether it is final. */
  readonly trialBalance: (
    merchant: MerchantId,
    span: Span,
    now: Micros,
  ) => ResultAsync<{ readonly lines: readonly TrialBalanceLine[]; readonly isFinal: boolean }, StorageError>;
  readonly trialBalanceNow: (merchant: MerchantId) => ResultAsync<readonly TrialBalanceLine[], StorageError>;
  readonly movements: (
    merchant: MerchantId,
    span: Span,
    now: Micros,
  ) => ResultAsync<Movements & { readonly isFinal: boolean }, StorageError>;
  readonly dispute: (
    merchant: MerchantId,
    id: DisputeId,
  ) => ResultAsync<Dispute, PaymentError<'dispute_not_found' | StorageCode>>;
  readonly listDisputes: (
    merchant: MerchantId,
    filter: DisputeFilter,
    now: Micros,
  ) => ResultAsync<PageOf<Dispute>, ListError>;
  readonly payout: (
    merchant: MerchantId,
    id: string,
  ) => ResultAsync<Payout, PaymentError<'payout_not_found' | StorageCode>>;
  readonly listPayouts: (merchant: MerchantId, filter: PayoutFilter) => ResultAsync<PageOf<Payout>, ListError>;
  readonly listLines: (merchant: MerchantId, filter: LineFilter) => ResultAsync<PageOf<Line>, ListError>;
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
  { pool: db, reports, reading }: Pick<Database, 'pool' | 'reports' | 'reading'>,
  turns: Turns,
): LedgerReads => {
  const report = inTurn(createTurns(REPORTS_MAX));
  const read = inTurn(turns);

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
    trialBalance: (merchant, span, now) =>
      report(merchant, async () => {
        const horizon = await finalBefore(db, now);
        const lines = await reading((tx) => readTrialBalance(tx, merchant, span));
        return { lines, isFinal: span.before <= horizon };
      }),
    trialBalanceNow: (merchant) => report(merchant, () => reading((tx) => readTrialBalanceNow(tx, merchant))),
    movements: (merchant, span, now) =>
      report(merchant, async () => {
        const horizon = await finalBefore(db, now);
        const movements = await reading((tx) => readMovements(tx, merchant, span));
        return { ...movements, isFinal: span.before <= horizon };
      }),
    dispute: (merchant, id) =>
      read(merchant, () => readDispute(db, merchant, id)).andThen(orRefuse('dispute_not_found')),
    listDisputes: (merchant, filter, now) =>
      paged(
        filter,
        read(merchant, () => listDisputes(db, merchant, filter, now)),
      ),
    payout: (merchant, id) => read(merchant, () => readPayout(db, merchant, id)).andThen(orRefuse('payout_not_found')),
    listPayouts: (merchant, filter) =>
      paged(
        filter,
        read(merchant, () => listPayouts(db, merchant, filter)),
      ),
    listLines: (merchant, filter) =>
      paged(
        filter,
        read(merchant, () => listLines(db, merchant, filter)),
      ),
    transfer: (merchant, id) =>
      read(merchant, () => readTransfer(db, merchant, id)).andThen(orRefuse('transfer_not_found')),
    listTransfers: (merchant, filter, now) =>
      paged(
        filter,
        read(merchant, () => listTransfers(db, merchant, filter, now)),
      ),
  };
};
