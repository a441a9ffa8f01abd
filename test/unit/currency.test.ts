import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chargeStepMinor, exponentOf, parseCurrency, toDecimal } from '../../src/domain/currency.ts';

const of = (code: string) => parseCurrency(code)!;
const currency = fc.constantFrom('usd', 'eur', 'jpy', 'krw', 'kwd', 'bhd', 'isk', 'ugx').map(of);

describe('a currency', () => {
  it.each(['USD', 'Usd', 'usd ', 'us', 'usdx', 'xxx', 'btc', '', '__proto__', 'constructor'])('is not %j', (text) => {
    expect(parseCurrency(text)).toBeUndefined();
  });

  it.each([
    ['usd', 2, 1n],
    ['jpy', 0, 1n],
    ['kwd', 3, 10n],
    ['isk', 2, 100n],
    ['ugx', 2, 100n],
  ] as const)('%s has %i decimals, and is charged in steps of %i', (code, exponent, step) => {
    expect([exponentOf(of(code)), chargeStepMinor(of(code))]).toEqual([exponent, step]);
  });
});

describe('an amount as a decimal', () => {
  it.each([
    [1250n, 'usd', '12.50'],
    [5n, 'usd', '0.05'],
    [-5n, 'usd', '-0.05'],
    [0n, 'usd', '0.00'],
    [1250n, 'jpy', '1250'],
    [1n, 'kwd', '0.001'],
    [-12345n, 'kwd', '-12.345'],
    [2n ** 63n - 1n, 'usd', '92233720368547758.07'],
  ] as const)('of %i %s is %s', (amount, code, text) => {
    expect(toDecimal(amount, of(code))).toBe(text);
  });

  it('loses nothing: without its point it is the amount again', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), currency, (amount, code) => {
        const text = toDecimal(amount, code);
        expect(BigInt(text.replace('.', ''))).toBe(amount);
        expect(text.split('.')[1]?.length ?? 0).toBe(exponentOf(code));
      }),
    );
  });
});
