import { describe, expect, it, jest } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { newId, walletId } from '../../src/domain/ids.ts';
import { parseBody } from '../../src/http/body.ts';
import { holdsCardNumber, keyHoldsCardNumber } from '../../src/http/card-number.ts';
import { USD } from './ledger-model.ts';

/** Test numbers of the networks, which every issuer refuses. */
const CARDS = [
  '4242424242424242',
  '5555555555554444',
  '2223003122003222',
  '378282246310005',
  '6011111111111117',
  '3056930009020004',
  '36227206271667',
  '3566002020360505',
  '6205500000000000004',
  '4222222222222',
];
const card = fc.constantFrom(...CARDS);
/** Digits apart from each other by spaces and dashes, as people write them. */
const spaced = (number: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('', '', ' ', '-', '  ', ' - '), {
      minLength: number.length - 1,
      maxLength: number.length - 1,
    })
    .map((gaps) => [...number].map((digit, n) => digit + (gaps[n] ?? '')).join(''));
const refuses = (text: string): boolean =>
  parseBody(text).match(
    () => false,
    ({ code }) => code === 'card_number_refused',
  );

describe('a card number is found', () => {
  it.each(CARDS)('as it is: %s', (number) => {
    expect(holdsCardNumber(number)).toBe(true);
  });

  it('with spaces and dashes between its digits', () => {
    fc.assert(fc.property(card.chain(spaced), (text) => expect(holdsCardNumber(text)).toBe(true)));
  });

  it.each([
    ['many tabs', '4242\t\t\t\t\t42424242\t\t\t\t\t4242'],
    ['many spaces', '4242     4242     4242     4242'],
    ['variation selectors', '4\ufe0f2\ufe0f4\ufe0f2\ufe0f42424242 4242'],
    ['a Mongolian one', '4242\u200b4242\u180b42424242'],
    ['keycaps', '4\ufe0f\u20e3242424242424242'],
    ['dots', '4242.4242.4242.4242'],
    ['middle dots', '4242\u00b74242\u00b74242\u00b74242'],
    ['slashes', '4242/4242/4242/4242'],
    ['lines below', '3782_822463_10005'],
    ['a percent escape', 'https://%34242424242424242.example.com/'],
    ['escaped dashes', 'https://x.example/4242%2D4242%2D4242%2D4242'],
    ['escapes of escapes', 'https://x.example/?next=%252534242424242424242'],
    ['references of HTML', '&#52;242&#x34;24242424242'],
    ['nothing but references', '&#52;&#50;'.repeat(8)],
    ['nothing but hexadecimal ones', '&#x34;&#X32;'.repeat(8)],
    ['escapes that are no text', 'https://x.example/%ff%34242424242424242'],
  ])('spelled with %s', (_, text) => {
    expect([holdsCardNumber(text), refuses(JSON.stringify({ text })), refuses(JSON.stringify({ [text]: 1 }))]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('in the midst of a text', () => {
    const words = fc.stringMatching(/^[a-zäö,.:;!?\n ]{0,30}$/);
    fc.assert(
      fc.property(words, card, words, (before, number, after) =>
        expect(holdsCardNumber(before + number + after)).toBe(true),
      ),
    );
  });

  it('among other numbers, before and behind it', () => {
    const digits = fc.stringMatching(/^[0-9]{1,4}$/);
    fc.assert(
      fc.property(
        fc.array(digits, { maxLength: 4 }),
        card,
        fc.array(digits, { maxLength: 4 }),
        (before, number, after) => expect(holdsCardNumber([...before, number, ...after].join(' '))).toBe(true),
      ),
    );
  });

  it.each([
    'pan4242424242424242cvc123',
    'card1_4242424242424242',
    '4242424242424242exp1230',
    '4242\u00a04242\t4242 4242',
  ])('among letters and other spaces: %s', (text) => {
    expect(holdsCardNumber(text)).toBe(true);
  });

  it('behind another one', () => {
    expect(holdsCardNumber('0000000000000000 4242-4242-4242-4242')).toBe(true);
  });
});

describe('in whatever script or spelling, a card number is found', () => {
  it.each([
    '4242\u20134242\u20134242\u20134242',
    '4242\u20114242\u20114242\u20114242',
    '４２４２４２４２４２４２４２４２',
    '٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢',
    '④②④②④②④②④②④②④②④②',
    '⒋⒉⒋⒉⒋⒉⒋⒉⒋⒉⒋⒉⒋⒉⒋⒉',
    '⑷⑵⑷⑵⑷⑵⑷⑵⑷⑵⑷⑵⑷⑵⑷⑵',
    '🄅🄃🄅🄃🄅🄃🄅🄃🄅🄃🄅🄃🄅🄃🄅🄃',
    '⓸⓶⓸⓶⓸⓶⓸⓶⓸⓶⓸⓶⓸⓶⓸⓶',
    '❹❷❹❷❹❷❹❷❹❷❹❷❹❷❹❷',
    '㊷㊷㊷㊷㊷㊷㊷㊷',
    '四二四二四二四二四二四二四二四二',
    '〤〢〤〢〤〢〤〢〤〢〤〢〤〢〤〢',
    '፬፪፬፪፬፪፬፪፬፪፬፪፬፪፬፪',
    '42\u00ad42424242424242',
    '4242\u200b4242\u200b4242\u200b4242',
    '4242\t4242\t4242\t4242',
    'deadbeefdeadbeefdeadbeef1 4242 4242 4242 4242',
  ])('%j', (text) => expect(holdsCardNumber(text)).toBe(true));
});

describe('a body is refused', () => {
  const number = '4242424242424242';
  it.each([
    ['in a value', `{"description":"${number}"}`],
    ['as a number', `{"amount":${number}}`],
    ['in a field that is not known', `{"card":{"number":"${number}"}}`],
    ['in the name of a field', `{"metadata":{"${number}":"x"}}`],
    ['in an array', `{"transfers":[{},{"x":["${number}"]}]}`],
    ['as escapes', `{"description":"${[...number].map((digit) => `\\u003${digit}`).join('')}"}`],
    ['as escapes in part', `{"description":"424242\\u0034242424242"}`],
    ['with an exponent', '{"amount":4.242424242424242e15}'],
    ['with a capital exponent and a sign', '{"amount":4.242424242424242E+15}'],
    ['with a negative exponent', '{"amount":42424242424242420e-1}'],
    ['alone', `"${number}"`],
    ['of 19 digits as a number', '{"amount":6205500000000000004}'],
  ])('that holds a card number %s', (_, text) => {
    expect(refuses(text)).toBe(true);
  });

  it('never with the number in its message', () => {
    const error = parseBody(`{"${number}":1}`)._unsafeUnwrapErr();
    expect(JSON.stringify(error)).not.toContain(number);
  });
});

describe('what is no card number is let through', () => {
  it('in ids of ours', () => {
    for (let n = 0; n < 20_000; n++) {
      const customer = newId('cus');
      expect(holdsCardNumber(`${customer} ${walletId(customer, USD)}`)).toBe(false);
    }
  });

  it('in UUIDs', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => expect(holdsCardNumber(`order ${uuid}`)).toBe(false)),
      { numRuns: 2000 },
    );
    expect(holdsCardNumber('42424242-4242-4242-8242-424242424242')).toBe(false);
  });

  it('in SHA-256 sums', () => {
    for (let n = 0; n < 20_000; n++) {
      const sum = createHash('sha256').update(String(n)).digest('hex');
      expect([sum, holdsCardNumber(sum)]).toEqual([sum, false]);
    }
  });

  it.each([
    ['that fails the check', '4242424242424241'],
    ['of no issuer', '0000000000000000'],
    ['too short', '424242424242'],
    ['too long', '42424242424242424242424242424242'],
    ['an instant in microseconds', '1767225600000000'],
    ['an article number', '3102030400007'],
    ['an article number that begins as a card does', '4006381333931'],
    ['the number of a telephone', '356938035643809'],
    ['a telephone number', '+1 415 555 0100'],
    ['an amount', '999999999999'],
  ])('as digits: %s', (_, text) => {
    expect(holdsCardNumber(text)).toBe(false);
  });

  it('in keys made of counts, instants and random digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 400_000, max: 499_999 }), fc.integer({ min: 1e9, max: 2e9 }), (count, second) => {
        for (const key of [`order-${count}-${second}`, `${count}-${second}000`, `${second}-20261123-${count}`])
          expect(keyHoldsCardNumber(key)).toBe(false);
      }),
      { numRuns: 1000 },
    );
    const cards = ['4242424242424242', 'a 4242-4242-4242-4242', '4242 4242-4242 4242', '4242  4242  4242  4242'];
    expect(cards.map(keyHoldsCardNumber)).toEqual(cards.map(() => true));
  });

  it('in the key of a request, however many are tried', () => {
    for (let n = 0; n < 5_000; n++) expect(holdsCardNumber(randomUUID())).toBe(false);
  });
});

/**
 * How much of strings was scanned and cut: work, which a busy machine does not change. What the
 * engine does inside an expression is not counted; each of ours gives up after a bounded number of steps by its form.
 */
const workOf = (text: string): number => {
  const sliced = jest.spyOn(String.prototype, 'slice');
  const tested = jest.spyOn(RegExp.prototype, 'test');
  holdsCardNumber(text);
  const cut = sliced.mock.results.reduce((sum, { value }) => sum + String(value).length + 1, 0);
  const scanned = tested.mock.calls.reduce((sum, [given]) => sum + given.length, 0);
  jest.restoreAllMocks();
  return cut + scanned;
};

describe('the work grows with the length of a text, and not with its square', () => {
  const BYTES = 256 * 1024;
  it.each([
    ['digits', '4'],
    ['digits apart', '4 '],
    ['runs just too short', '424242424242 x '],
    ['runs that fail the check', '4242424242424241 '],
    ['runs that fail, apart', '4-2-4-2-4-2-4-2-4-2-4-2-4-2-4-1 '],
    ['spaces after a digit', `4${' '.repeat(60)}`],
    ['dashes', '4----'],
    ['words of digits and letters', 'a1b2c3d4e5f64242424242424242'],
    ['halves of UUIDs', '42424242-4242-4242-'],
  ])('of %s', (_, unit) => {
    const [small, large] = [BYTES / 8, BYTES].map((length) =>
      workOf(unit.repeat(Math.ceil(length / unit.length)).slice(0, length)),
    );
    expect(large!).toBeLessThanOrEqual(small! * 8 * 1.5);
  });
});
