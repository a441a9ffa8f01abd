import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { available, posted, type Account } from '../../src/domain/account.ts';
import { idOf, walletId } from '../../src/domain/ids.ts';
import type { Micros } from '../../src/domain/time.ts';
import { post, type Transfer } from '../../src/domain/transfer.ts';
import * as m from './ledger-model.ts';

const [ALICE] = m.MERCHANTS as [(typeof m.MERCHANTS)[number]];
const [A, B] = m.accountsOf(ALICE) as [Account, Account];
const MAX = 2n ** 63n - 1n;
const transfer: Transfer = {
  merchant: ALICE,
  id: idOf('tr', '01900000000070008000000000000001'),
  kind: 'transfer',
  debit: A.id,
  credit: B.id,
  amount: 10n,
  currency: m.USD,
  limit: 'available',
  description: null,
  payment: null,
};
const refusal = (change: Partial<Transfer>, from: Partial<Account> = {}, to: Partial<Account> = {}): string =>
  post({ ...transfer, ...change }, { ...A, credits: 10n, ...from }, { ...B, ...to }, m.NOW).match(
    () => 'posted',
    ({ code }) => code,
  );

describe('a posting', () => {
  it('takes from one account what it gives to the other', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 15n), fc.bigInt(1n, 10n ** 12n), (funds, amount) => {
        const from = { ...A, credits: funds };
        post({ ...transfer, amount, limit: 'none' }, from, B, m.NOW).match(
          ({ debit, credit }) => {
            expect(posted(debit)).toBe(posted(from) - amount);
            expect(posted(credit)).toBe(posted(B) + amount);
          },
          ({ code }) => expect(code).toBeNull(),
        );
      }),
    );
  });

  it('spends what is available, to the last cent, and no more: what is held is not', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 100n), fc.bigInt(0n, 100n), fc.bigInt(1n, 100n), (credits, pending, amount) => {
        const from = { credits, pending };
        expect(refusal({ amount }, from)).toBe(
          available({ ...A, ...from }) >= amount ? 'posted' : 'insufficient_funds',
        );
      }),
    );
  });

  it('is later than the last one of both accounts, and never before now', () => {
    fc.assert(
      fc.property(fc.bigInt(-9n, 9n), fc.bigInt(-9n, 9n), (a, b) => {
        const [from, to] = [
          { ...A, postedAt: (m.NOW + a) as Micros },
          { ...B, postedAt: (m.NOW + b) as Micros },
        ];
        const { debit, credit, transfer: done } = post({ ...transfer, limit: 'none' }, from, to, m.NOW)._unsafeUnwrap();
        expect([debit.postedAt, credit.postedAt]).toEqual([done.postedAt, done.postedAt]);
        expect(done.postedAt > from.postedAt && done.postedAt > to.postedAt && done.postedAt >= m.NOW).toBe(true);
      }),
    );
  });

  it('is refused in a currency that one of the accounts does not have', () => {
    expect(refusal({ currency: m.EUR })).toBe('currency_mismatch');
    expect(refusal({}, { currency: m.EUR })).toBe('currency_mismatch');
    expect(refusal({}, {}, { currency: m.EUR })).toBe('currency_mismatch');
  });

  it('is refused from an account to itself', () => {
    expect(refusal({}, {}, { id: A.id })).toBe('transfer_not_allowed');
  });

  it('between wallets is refused out of and into a platform account', () => {
    expect(refusal({}, { kind: 'revenue', customer: null })).toBe('transfer_not_allowed');
    expect(refusal({}, {}, { kind: 'bank', customer: null })).toBe('transfer_not_allowed');
  });

  it('is refused where a sum would pass what the database can hold', () => {
    expect(refusal({}, { debits: MAX - 9n, credits: MAX, pending: 0n }, {})).toBe('insufficient_funds');
    expect(refusal({ limit: 'none' }, { debits: MAX - 9n })).toBe('balance_limit_exceeded');
    expect(refusal({ limit: 'none' }, { debits: MAX - 10n })).toBe('posted');
    expect(refusal({}, {}, { credits: MAX - 9n })).toBe('balance_limit_exceeded');
    expect(refusal({}, {}, { credits: MAX - 10n })).toBe('posted');
  });
});

it('a wallet is named by its customer and its currency alone', () => {
  expect(A.id).toBe(walletId(m.customerOf(ALICE), m.USD));
});
