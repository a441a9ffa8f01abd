import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseBody } from '../../src/http/body.ts';
import { countNames, faultOf, needsCloseReading } from '../../src/http/json.ts';

const refusal = (text: string): { code?: string; param?: string | undefined; message?: string } =>
  parseBody(text).match(
    () => ({}),
    ({ code, param, message }) => ({ code, param, message }),
  );
const fieldsOf = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, inner) => sum + fieldsOf(inner), own);
};

describe('a number is an integer by its text', () => {
  it.each(['12.0', '1.2e3', '1250.00000000000001', '1E2', '-0.5', '1e400', '0e0'])('%s is none', (number) => {
    expect(refusal(`{"a":{"amount": ${number}}}`)).toMatchObject({ code: 'invalid_request', param: 'a.amount' });
    expect(refusal(`[1,${number}]`)).toMatchObject({ code: 'invalid_request', param: '[1]' });
  });
  it('and the refusal says how an amount is written', () =>
    expect(refusal('{"amount": 19.99}').message).toBe(
      'amount: It must be an integer, without a point or an exponent: an amount is in minor units, 1999 for 19.99 usd. ' +
        'Other decimals are sent as text.',
    ));
  it.each(['9007199254740993', '1'.repeat(400)])('nor is one that no number holds exactly: %s', (number) =>
    expect(refusal(`{"amount":${number}}`)).toMatchObject({ code: 'invalid_request', param: 'amount' }),
  );
  it.each(['{"a":"1.5"}', '{"a":": 1.5, 2e3"}', '{"a":[0,-1,1250]}', '"1.5"', '{"1.5":true,"e":null,"E":false}'])(
    'and what stands in a text is no number: %s',
    (text) => expect(refusal(text)).toEqual({}),
  );
});

describe('a field stands once', () => {
  it.each([
    ['{"amount":1,"amount":2}', 'amount'],
    ['{"a":1, "amount" : 1 ,"amount"\n:2}', 'amount'],
    ['{"a":[{"b":1},{"c":{"d":1,"d":1}}]}', 'a[1].c.d'],
    [String.raw`{"a":1,"\u0061":2}`, 'a'],
    ['{"x":"\\":","x":2}', 'x'],
  ])('%s is refused', (text, param) => expect(refusal(text)).toMatchObject({ code: 'invalid_request', param }));
  it('and the same name may stand in another object', () =>
    expect(refusal('{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}')).toEqual({}));
});

describe('the close reading', () => {
  // Values without fractions, of which `JSON.stringify` writes none with an exponent.
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary' }).filter((text) => text !== '__proto__'),
      fc.constantFrom(null, true, false, 'a: 1.5', '":', '\\":1', '{"a":1e5}'),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        tie('any'),
        { maxKeys: 4 },
      ),
    ),
  })).any;

  it('finds nothing in what is right, with whatever spaces', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (one, space) => {
        expect(faultOf(JSON.stringify(one, null, space))).toBeUndefined();
      }),
    );
  });

  it('is asked for wherever it would find something', () => {
    fc.assert(
      fc.property(value, value, fc.string(), fc.constantFrom('1.0', '2e2', '"x"'), (one, other, name, last) => {
        fc.pre(name !== '__proto__');
        const key = JSON.stringify(name);
        const text = `{"q":${JSON.stringify(one)}, ${key} :${JSON.stringify(other)},${key}\n: ${last}}`;
        expect(faultOf(text)).toBeDefined();
        expect(needsCloseReading(text, countNames(text), fieldsOf(JSON.parse(text)))).toBe(true);
      }),
    );
  });
});
