import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ownerOf } from '../../src/domain/account.ts';
import { parseCurrency, type Currency } from '../../src/domain/currency.ts';
import {
  PLATFORM_KINDS,
  idOf,
  newId,
  parseId,
  platformAccountId,
  uuidOf,
  walletId,
  walletOwner,
  type AccountId,
} from '../../src/domain/ids.ts';

const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const CURRENCIES = letters
  .flatMap((a) => letters.flatMap((b) => letters.map((c) => parseCurrency(a + b + c))))
  .filter((code): code is Currency => code !== undefined);
const currency = fc.constantFrom(...CURRENCIES);
const customer = fc.uuid({ version: 7 }).map((uuid) => idOf('cus', uuid));
const merchant = fc.uuid({ version: 7 }).map((uuid) => idOf('mer', uuid));

describe('a new id', () => {
  it('is later in the alphabet than those of earlier milliseconds', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.push(newId('cus'));
      const now = Date.now();
      while (Date.now() === now) await Promise.resolve();
    }
    expect(ids).toEqual(ids.toSorted());
  });

  it('is a version 7 UUID behind its prefix, and no two are the same', () => {
    const ids = Array.from({ length: 5000 }, () => newId('pay'));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^pay_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });

  it('is found in its own text, and in nothing that only looks like it', () => {
    const id = newId('cus');
    expect(parseId('cus', id)).toBe(id);
    for (const other of [
      id.toUpperCase(),
      `${id}0`,
      id.slice(0, -1),
      ` ${id}`,
      `${id}\n`,
      id.replace('cus', 'pay'),
      'cus_',
      '',
    ])
      expect(parseId('cus', other)).toBeUndefined();
  });

  it('is the same to and from the database, dashed or not', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(uuidOf(idOf('tr', uuid))).toBe(uuid.replaceAll('-', ''));
        expect(idOf('tr', uuidOf(idOf('tr', uuid)))).toBe(idOf('tr', uuid));
      }),
    );
  });
});

describe('the id of a wallet', () => {
  it('leads back to its customer, and with another currency to someone else', () => {
    fc.assert(
      fc.property(customer, currency, currency, (id, one, other) => {
        expect(walletOwner(walletId(id, one), one)).toBe(id);
        if (one !== other) expect(walletOwner(walletId(id, one), other)).not.toBe(id);
      }),
    );
  });

  it('is another in each currency', () => {
    fc.assert(
      fc.property(customer, (id) => {
        expect(new Set(CURRENCIES.map((code) => walletId(id, code))).size).toBe(CURRENCIES.length);
      }),
      { numRuns: 20 },
    );
  });

  it('is another for each of many customers who were made at once, whatever their currencies', () => {
    const some = CURRENCIES.slice(0, 20);
    const ids = Array.from({ length: 2000 }, () => newId('cus')).flatMap((id) =>
      some.map((code) => walletId(id, code)),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("a merchant's own accounts", () => {
  it('have ids that are all different, and differ from a wallet of the same number', () => {
    fc.assert(
      fc.property(merchant, (id) => {
        const own = CURRENCIES.flatMap((code) => PLATFORM_KINDS.map((kind) => platformAccountId(id, kind, code)));
        const wallets = CURRENCIES.map((code) => walletId(idOf('cus', uuidOf(id)), code));
        expect(new Set<AccountId>([...own, ...wallets]).size).toBe(own.length + wallets.length);
      }),
      { numRuns: 5 },
    );
  });

  it('are known by their ids, and every other id is a wallet', () => {
    fc.assert(
      fc.property(merchant, currency, fc.constantFrom(...PLATFORM_KINDS), customer, (id, code, kind, owner) => {
        expect(ownerOf(id, platformAccountId(id, kind, code), code)).toEqual({ kind, customer: null });
        expect(ownerOf(id, walletId(owner, code), code)).toEqual({ kind: 'wallet', customer: owner });
      }),
    );
  });
});
