import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../src/domain/ids.ts';
import { claimOf, parseKey } from '../../src/http/idempotency.ts';

const merchant = newId('mer');
type Keyed = Parameters<typeof claimOf>[0];
const keyed = (more: Partial<Keyed> = {}): ReturnType<typeof claimOf> =>
  claimOf({ merchant, operation: 'POST /v1/debits', key: 'key', sent: {}, understood: {}, isPublic: false, ...more });
const hashOf = (understood: unknown): string => keyed({ understood }).requestHash;

/** The same value with the fields of every object in another order. */
const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, shuffled(inner)]),
  );
};

describe('the hash of a body', () => {
  it('is the same in whatever order its fields stand', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(hashOf(shuffled(value))).toBe(hashOf(value))));
  });

  it('is another for another body', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        fc.pre(JSON.stringify(sorted(one)) !== JSON.stringify(sorted(other)));
        expect(hashOf(one)).not.toBe(hashOf(other));
      }),
    );
  });

  it.each([
    [{ a: 1 }, { a: '1' }],
    [{ a: null }, { a: 'null' }],
    [{ a: ['b', 'c'] }, { a: ['b,c'] }],
    [{ a: { b: 1 } }, { 'a:{b': 1 }],
    [[], {}],
    [{ a: [1, [2]] }, { a: [[1], 2] }],
  ])('tells %j from %j', (one, other) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  // Keys are kept for weeks, and a retry may come to a later version: were one of these to change, it would be refused.
  it.each([
    [{}, '44136fa355b3678a1146ad16f7e8649e'],
    [
      { customer: 'cus_1', amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
      '1027c749f4152df2c67b72cefe09dcbc',
    ],
    [
      { customer: 'cus_1', amount: '1250', currency: 'usd', description: null, metadata: { b: 'ä', a: '"' } },
      'e371eaae9f47ea6061c6c8662b741a89',
    ],
    [
      { mode: 'atomic', transfers: [{ from: 'acct_1', to: 'acct_2', amount: 1, currency: 'jpy' }] },
      '7a260628813b6fae977f1e0e87708950',
    ],
  ])('is what it was for the first who sent %j', (body, hash) => {
    expect(hashOf(body)).toBe(hash);
    expect(keyed({ sent: body, understood: { ...body, more: null } }).laterHash?.()).toBe(hash);
  });

  it('is another by a publishable key, to which nothing is replayed that servers were answered', () => {
    expect(keyed({ isPublic: true }).requestHash).not.toBe(keyed().requestHash);
  });
});

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  // `-0` and `0` are one number in JSON.
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? 0 : value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => [name, sorted(inner)]);
};

describe('a claim', () => {
  it('is another for another merchant, another route, another path and another key', () => {
    const ids = [
      keyed(),
      keyed({ merchant: newId('mer') }),
      keyed({ operation: 'POST /v1/transfers' }),
      keyed({ operation: 'POST /v1/payments/pay_1/confirm' }),
      keyed({ operation: 'POST /v1/payments/pay_2/confirm' }),
      keyed({ key: 'key2' }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(keyed({ sent: { other: 1 } }).id).toBe(ids[0]);
  });
});

describe('an idempotency key', () => {
  it.each([
    ['abc', 'abc'],
    ['  abc ', 'abc'],
    ['"abc"', 'abc'],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ['a b', 'a b'],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('in the header %j is %j', (header, key) => {
    expect(parseKey(header)._unsafeUnwrap()).toBe(key);
  });

  it.each([[''], ['   '], ['""'], ['k'.repeat(256)], ['a\tb'], ['a\u0001b'], ['a\u007fb'], ['clé'], ['a\0b']])(
    'is never %j',
    (header) => {
      expect(parseKey(header)._unsafeUnwrapErr()).toMatchObject({ code: 'invalid_request', param: 'Idempotency-Key' });
    },
  );

  it('is no card number', () => {
    expect(parseKey('order 4242 4242 4242 4242')._unsafeUnwrapErr().code).toBe('card_number_refused');
  });
});
