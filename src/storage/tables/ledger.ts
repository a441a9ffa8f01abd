/** Accounts and transfers. */
import type { Account } from '../../domain/account.ts';
import { idOf } from '../../domain/ids.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import { insert, overwrite, update, type Bulk } from './bulk.ts';
import { bigint, date, id, instant, json, optional, orNull, text } from './codec.ts';
import { beside, changing, key, once, table, type Row, type Table } from './table.ts';

const ACCOUNTS: Table<'accounts', Account> = table('accounts', {
  merchant: key(id('mer')),
  id: key(id('acct')),
  kind: once(text()),
  customer: once(orNull(id('cus'))),
  currency: once(text()),
  debits: changing(bigint),
  credits: changing(bigint),
  pending: changing(bigint),
  sequence: changing(bigint),
  postedAt: changing(instant),
});

export const accountOf: (row: Row<'accounts'>) => Account = ACCOUNTS.read;
export const updateAccounts: Bulk<Account> = update(ACCOUNTS);
export const writeAccounts: Bulk<Account> = insert(ACCOUNTS, { onConflict: overwrite(ACCOUNTS) });

type InColumns = Omit<PostedTransfer, 'limit' | 'reverses'>;

const TRANSFERS: Table<'transfers', InColumns, PostedTransfer> = table<'transfers', InColumns, PostedTransfer>(
  'transfers',
  {
    merchant: key(id('mer')),
    id: key(id('tr')),
    kind: once(text()),
    debit: once(id('acct')),
    credit: once(id('acct')),
    amount: once(bigint),
    currency: once(text()),
    description: once(orNull(text())),
    payment: once(orNull(id('pay'))),
    reference: once(optional(text())),
    metadata: once(optional(json())),
    postedAt: once(instant),
    debitSequence: once(bigint),
    creditSequence: once(bigint),
    debitBalanceAfter: once(bigint),
    creditBalanceAfter: once(bigint),
  },
  {
    reverses: beside('once', orNull(id('tr')), (t) => t.reverses?.transfer ?? null),
    reason: beside('once', orNull(text()), (t) => t.reverses?.reason ?? null),
    effective_date: beside('once', orNull(date), (t) => t.reverses?.effectiveDate ?? null),
  },
);

export const transferOf = (row: Row<'transfers'>): PostedTransfer => ({
  ...TRANSFERS.read(row),
  limit: 'none',
  reverses:
    row.reverses === null
      ? undefined
      : { transfer: idOf('tr', row.reverses), reason: row.reason ?? '', effectiveDate: row.effective_date },
});

/** Few transfers have any: a batch without them is written by a statement that does not know them. */
export const insertTransfers: Bulk<PostedTransfer> = insert(TRANSFERS, {
  without: ['reference', 'metadata', 'reverses', 'reason', 'effective_date'],
});
export const hasDetails = ({ reference, metadata, reverses }: PostedTransfer): boolean =>
  reference !== undefined || metadata !== undefined || reverses !== undefined;
export const insertDetailedTransfers: Bulk<PostedTransfer> = insert(TRANSFERS);
