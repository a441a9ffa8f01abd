import { describe, expect, it } from '@jest/globals';
import { walletId } from '../../src/domain/ids.ts';
import type { BatchStats } from '../../src/storage/lane.ts';
import { createReads } from '../../src/storage/reads.ts';
import { createTurns } from '../../src/storage/turns.ts';
import { startProxy } from '../support/proxy.ts';
import { createDatabase } from '../support/suite.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const one = l.openInstance(url);
const batches: BatchStats[] = [];
const reads = createReads(one.database.pool, createTurns(10), (batch) => batches.push(batch));
const merchants = [await l.createMerchant(one, 'Mine'), await l.createMerchant(one, 'Theirs')];
const customers = await Promise.all(merchants.map((merchant, n) => l.createCustomer(one, merchant, BigInt(n + 1))));
const wallets = customers.map((customer) => walletId(customer, l.USD));

describe('reads of accounts that arrive together', () => {
  it('are few queries, and each is answered with its own', async () => {
    const before = batches.length;
    const found = await Promise.all(
      Array.from({ length: 300 }, (_, n) => reads.account(merchants[n % 2]!, wallets[n % 2]!)),
    );
    for (const [n, account] of found.entries()) expect(account._unsafeUnwrap()?.credits).toBe(BigInt((n % 2) + 1));
    expect(batches.slice(before).map(({ size }) => size)).toEqual([256, 44]);
  });

  it('never show one merchant what is of another, in one query or alone', async () => {
    const asked = merchants.flatMap((merchant) => wallets.map((wallet) => ({ merchant, wallet })));
    const found = await Promise.all(asked.map(({ merchant, wallet }) => reads.account(merchant, wallet)));
    expect(found.map((account) => account._unsafeUnwrap()?.merchant)).toEqual([
      merchants[0],
      undefined,
      undefined,
      merchants[1],
    ]);
    expect((await reads.accounts(merchants[0]!, wallets))._unsafeUnwrap().map(({ merchant }) => merchant)).toEqual([
      merchants[0],
    ]);
  });

  it('all fail where the database is gone, and none hangs', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const cut = createReads(far.database.pool, createTurns(10), () => undefined);
    proxy.cut(true);
    const found = await Promise.all(Array.from({ length: 20 }, () => cut.account(merchants[0]!, wallets[0]!)));
    expect(new Set(found.map((account) => account._unsafeUnwrapErr().code))).toEqual(new Set(['database_unavailable']));
    proxy.cut(false);
    expect((await cut.account(merchants[0]!, wallets[0]!)).isOk()).toBe(true);
  });
});
