import { describe, expect, it } from '@jest/globals';
import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { priceItems, type UsageItem } from '../../src/ledger/usage.ts';

/** A precision at which the product of two inputs of at most 27 digits each is exact. */
const Exact = Decimal.clone({ precision: 64, rounding: Decimal.ROUND_HALF_EVEN });

/** The same sum by a library: each line rounded to the nearest, halves to the even one. */
const oracle = (items: readonly UsageItem[]): bigint =>
  items.reduce(
    (total, { quantity, unit_price }) => total + BigInt(new Exact(quantity).times(unit_price).round().toFixed(0)),
    0n,
  );

const decimal = (digits: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.bigInt(0n, 10n ** BigInt(digits) - 1n), fc.option(fc.stringMatching(/^[0-9]{1,12}$/), { nil: null }))
    .map(([whole, decimals]) => (decimals === null ? String(whole) : `${String(whole)}.${decimals}`));
/** Half a cent on each line, which is where roundings differ. */
const halves = fc.record({
  quantity: fc.constantFrom('0.5', '1.5', '2.5', '0.05', '5', '0.125', '0.000000000005'),
  unit_price: fc.constantFrom('1', '10', '0.1', '0.3', '100000000000', '100000000001', '4', '12'),
});
/** About as many digits as a double holds, where the way of reckoning changes. */
const long = fc
  .tuple(fc.stringMatching(/^[1-9][0-9]{6,8}$/), fc.stringMatching(/^[1-9][0-9]{6,8}$/), fc.nat(6), fc.nat(6))
  .map(([quantity, price, first, second]) => ({ quantity: split(quantity, first), unit_price: split(price, second) }));
const split = (digits: string, places: number): string =>
  places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
const item: fc.Arbitrary<UsageItem> = fc.oneof(
  fc.record({ quantity: fc.oneof(decimal(4), fc.nat(10_000)), unit_price: decimal(4) }),
  halves,
  long,
);

const price = (items: readonly UsageItem[]): string => String(priceItems(items)._unsafeUnwrap());

describe('the price of usage', () => {
  it('is the exact product of each line, rounded half to even, and their sum', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (items) => {
        const total = oracle(items);
        const priced = priceItems(items);
        if (total > 999_999_999_999n) expect(priced._unsafeUnwrapErr().code).toBe('invalid_request');
        else expect(priced._unsafeUnwrap()).toBe(total);
      }),
      { numRuns: 500 },
    );
  });

  it('is exact at the longest quantity and price that are taken', () => {
    const longest = { quantity: '999999999999999.999999999999', unit_price: '0.000999999999' };
    expect(price([longest])).toBe(String(oracle([longest])));
  });

  it.each([
    ['0.5', '1', '0'],
    ['1.5', '1', '2'],
    ['2.5', '1', '2'],
    ['0.1', '25', '2'],
    ['0.1', '35', '4'],
    [3, '0.333333333333', '1'],
  ])('of %s at %s is %s', (quantity, unit_price, total) => {
    expect(price([{ quantity, unit_price }])).toBe(total);
  });

  it('takes a total of twelve digits, and refuses one more', () => {
    const most = { quantity: 1, unit_price: '999999999999' };
    expect(price([most])).toBe('999999999999');
    expect(priceItems([most, { quantity: 1, unit_price: '1' }])._unsafeUnwrapErr()).toMatchObject({
      code: 'invalid_request',
      param: 'items',
    });
  });
});
