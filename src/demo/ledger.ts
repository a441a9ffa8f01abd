/** The demo's books while they are made: accounts as they stand, and the rows that a stretch of time has left. */
import { posted, ownerOf, type Account } from '../domain/account.ts';
import type { Currency } from '../domain/currency.ts';
import type { AccountId, MerchantId } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';
import { post, type PostedTransfer, type Transfer } from '../domain/transfer.ts';
import type { PastRows } from '../storage/seed.ts';

export interface PastLedger {
  /** What is to be written next. */
  readonly rows: () => PastRows;
  /** The same, and from now on the next stretch's. */
  readonly take: () => PastRows;
  /** Posts it as the service would have done at that time; nothing, where its rules refuse it. */
  readonly move: (transfer: Transfer, at: Micros) => PostedTransfer | undefined;
  /** In minor units. */
  readonly balance: (account: AccountId) => bigint;
  /** How many were posted so far. */
  readonly count: () => number;
}

const LONG_AGO = 0n as Micros;

export const createPastLedger = (merchant: MerchantId): PastLedger => {
  const accounts = new Map<AccountId, Account>();
  let rows = noRows(merchant);
  let count = 0;

  const accountOf = (id: AccountId, currency: Currency): Account =>
    accounts.get(id) ?? {
      ...{ merchant, id, ...ownerOf(merchant, id, currency), currency },
      ...{ debits: 0n, credits: 0n, pending: 0n, sequence: 0n, postedAt: LONG_AGO },
    };
  const keep = (account: Account): void => {
    accounts.set(account.id, account);
    rows.accounts.set(account.id, account);
  };

  return {
    rows: () => rows,
    take: () => {
      const taken = rows;
      rows = noRows(merchant);
      return taken;
    },
    move: (transfer, at) =>
      post(transfer, accountOf(transfer.debit, transfer.currency), accountOf(transfer.credit, transfer.currency), at)
        .map(({ transfer: done, debit, credit }) => {
          keep(debit);
          keep(credit);
          rows.transfers.push(done);
          count++;
          return done;
        })
        .unwrapOr(undefined),
    balance: (id) => {
      const account = accounts.get(id);
      return account ? posted(account) : 0n;
    },
    count: () => count,
  };
};

const noRows = (merchant: MerchantId): PastRows => ({
  merchant,
  customers: [],
  payments: [],
  attempts: [],
  refunds: [],
  disputes: [],
  lines: [],
  payouts: [],
  events: [],
  transfers: [],
  accounts: new Map(),
});
