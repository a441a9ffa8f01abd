/**
 * Card numbers are refused wherever they stand in a request: what is never accepted can be neither stored nor logged.
 *
 * A card number is 13 to 19 digits, spaces and dashes between them allowed, with an issuer's prefix, of a length that this
 * issuer gives, and right by Luhn's formula (ISO/IEC 7812-1). Digits, spaces and dashes are those of any script, written
 * as they are or as escapes of a URL or of HTML. Words for digits, formal numerals (肆), letters between digits, and what is
 * encoded otherwise (base64, backslashes within a text) are not read: whoever writes so means to, and finds another way.
 */

const DIGITS_MIN = 13;

const FOREIGN = /[^\x00-\x7f]/;
/** What is written as an escape in a URL or in HTML, which is stored as what it stands for. */
const ESCAPED = /%[0-7][0-9a-f]|&#(?:x[0-9a-f]+|\d+);/i;
/** An escape may be escaped itself, as URLs within URLs are. */
const ESCAPED_TIMES_MAX = 3;

/**
 * By the first six digits, which lengths there are: https://en.wikipedia.org/wiki/Payment_card_number. Visa, Mastercard,
 * American Express, Discover, Diners Club, JCB, UnionPay, Mir, RuPay and Maestro.
 */
const ISSUERS: readonly { readonly from: number; readonly to: number; readonly lengths: readonly number[] }[] = [
  { from: 400000, to: 499999, lengths: [13, 16, 18, 19] },
  { from: 222100, to: 272099, lengths: [16] },
  { from: 510000, to: 559999, lengths: [16] },
  { from: 340000, to: 349999, lengths: [15] },
  { from: 370000, to: 379999, lengths: [15] },
  { from: 300000, to: 305999, lengths: [14, 16, 17, 18, 19] },
  { from: 309500, to: 309599, lengths: [14, 16, 17, 18, 19] },
  { from: 360000, to: 369999, lengths: [14, 15, 16, 17, 18, 19] },
  { from: 380000, to: 399999, lengths: [14, 16, 17, 18, 19] },
  { from: 352800, to: 358999, lengths: [16, 17, 18, 19] },
  { from: 213100, to: 213199, lengths: [15] },
  { from: 180000, to: 180099, lengths: [15] },
  { from: 220000, to: 220499, lengths: [16, 17, 18, 19] },
  { from: 500000, to: 509999, lengths: [16, 17, 18, 19] },
  { from: 560000, to: 589999, lengths: [16, 17, 18, 19] },
  { from: 501800, to: 501899, lengths: [13, 14, 15] },
  { from: 502000, to: 502099, lengths: [13, 14, 15] },
  { from: 503800, to: 503899, lengths: [13, 14, 15] },
  { from: 589300, to: 589399, lengths: [13, 14, 15] },
  { from: 600000, to: 699999, lengths: [16, 17, 18, 19] },
  { from: 630400, to: 630499, lengths: [13, 14, 15] },
  { from: 675900, to: 676399, lengths: [13, 14, 15] },
  { from: 810000, to: 829999, lengths: [16, 17, 18, 19] },
  { from: 979200, to: 979289, lengths: [16] },
];
/** By the first three digits of a number, the issuers that it may have: most have none. */
const BY_START = Array.from({ length: 1000 }, (_, start) =>
  ISSUERS.filter(({ from, to }) => start >= Math.floor(from / 1000) && start <= Math.floor(to / 1000)),
);

/** UUIDs, and hashes and ids of 24 hexadecimal digits or more: long runs of digits come about in them by chance. */
const IDS =
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-z])(?=[0-9a-f]*[a-f])[0-9a-f]{24,}(?![0-9a-z])/gi;

/**
 * Whether a text, such as the whole of a body, may hold a card number: a cheap first look, for as many digits as one has
 * with no letter between them, or what digits of another script and escapes may be.
 */
export const maySuspect = (text: string): boolean => {
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      if (++digits === DIGITS_MIN) return true;
    } else if (code > 127 || code === PERCENT || (code === AMPERSAND && text.charCodeAt(at + 1) === HASH))
      return hasDigits(text);
    else if (isLetter(code)) digits = 0;
  }
  return false;
};
const PERCENT = 37;
const AMPERSAND = 38;
const HASH = 35;
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
/** Digits of any script, wherever they stand. */
const DIGIT = /[\p{N}零一二三四五六七八九]/gu;
const hasDigits = (text: string): boolean => {
  DIGIT.lastIndex = 0;
  // A character of another script may be two of them: 42 in a circle.
  for (let found = 0; found < DIGITS_MIN / 2; found++) if (!DIGIT.test(text)) return false;
  return true;
};

/** Whether a card number stands in a text, or in what its escapes stand for. Linear in its length. */
export const holdsCardNumber = (text: string): boolean => {
  if (text.length < DIGITS_MIN / 2 || !maySuspect(text)) return false;
  if (search(text)) return true;
  let plain = text;
  for (let times = 0; times < ESCAPED_TIMES_MAX && ESCAPED.test(plain); times++) {
    plain = decoded(plain);
    if (search(plain)) return true;
  }
  return false;
};

const search = (text: string): boolean => {
  const plain = (FOREIGN.test(text) ? inAscii(text) : text).replace(IDS, '#');
  return searchRuns(plain) || printed(plain);
};

const decoded = (text: string): string => decodedUrl(text.replace(/&#(x[0-9a-f]+|\d+);/gi, ofReference));

/** What names no character is nothing that anyone would see. */
const ofReference = (_: string, number: string): string => {
  const code = Number(/^x/i.test(number) ? `0${number}` : number);
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
};

const decodedUrl = (url: string): string => {
  try {
    return decodeURIComponent(url);
  } catch {
    // Not every byte is text: what is no text holds no digit.
    return url.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
};

/** Other scripts' digits, dashes and spaces as our own; what only looks like nothing, such as a soft hyphen, is nothing. */
const inAscii = (text: string): string =>
  text
    .replace(/[\p{Pd}\u2212]/gu, '-')
    .replace(/\p{Z}/gu, ' ')
    .replace(/[\p{Cf}\p{M}\p{DI}]/gu, '')
    .replace(/[^\P{N}0-9]|[零一二三四五六七八九]/gu, digitOf);

/**
 * Digits that are no decimals and have no plain form in Unicode: by the first of each row, and which digit that is.
 * https://www.unicode.org/Public/UCD/latest/ucd/extracted/DerivedNumericType.txt, and the numerals of Chinese.
 */
const ROWS: readonly (readonly [first: number, from: number, to: number])[] = [
  [0x1369, 1, 9], // Ethiopic
  [0x19da, 1, 1], // Tham
  [0x24f5, 1, 9], // in double circles
  [0x24ff, 0, 0], // white in black
  [0x2776, 1, 9], // in dingbats, three times
  [0x2780, 1, 9],
  [0x278a, 1, 9],
  [0x3007, 0, 0], // Chinese
  [0x3021, 1, 9], // Suzhou
  [0x10a40, 1, 4], // Kharoshthi
  [0x10e60, 1, 9], // Rumi
  [0x11052, 1, 9], // Brahmi
  [0x1f10b, 0, 0],
  [0x1f10c, 0, 0],
];
const digits = new Map<string, string>([
  ...ROWS.flatMap(([first, from, to]) =>
    Array.from({ length: to - from + 1 }, (_, n) => [String.fromCodePoint(first + n), String(from + n)] as const),
  ),
  ...[...'零一二三四五六七八九'].map((character, value) => [character, String(value)] as const),
]);
/** With what may stand around it in one character: 4. is one, and so are 4, and (4), and 42 in a circle. */
const FRAMED = /^\(?(\d+)[).,]?$/;
/** As compatibility has it (NFKC), and by its place in its script: each has its ten in a row, from a multiple of ten's start. */
const digitOf = (character: string): string => {
  const known = digits.get(character);
  if (known !== undefined) return known;
  const framed = FRAMED.exec(character.normalize('NFKC'))?.[1];
  const value = framed ?? (/^\p{Nd}$/u.test(character) ? String(placeOf(character)) : character);
  digits.set(character, value);
  return value;
};

/** How many digits of its script stand right before it. */
const placeOf = (character: string): number => {
  const code = character.codePointAt(0) ?? 0;
  let place = 0;
  while (place < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(code - place - 1))) place++;
  return place;
};

/** Groups of digits may be one number written with spaces, or several numbers side by side. */
const searchRuns = (text: string): boolean => {
  const run = createRun(text.length);
  let apart = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) {
      run.add(code - 48, apart > 0);
      apart = 0;
    } else if (run.length() > 0 && isApart(code)) apart++;
    else {
      if (run.holdsCard()) return true;
      run.clear();
      apart = 0;
    }
  }
  return run.holdsCard();
};

interface Run {
  readonly length: () => number;
  readonly add: (digit: number, isStart: boolean) => void;
  readonly clear: () => void;
  readonly holdsCard: () => boolean;
}

/**
 * Digits near each other. A card number begins where a group of them does, and ends where one does. Sums by Luhn are kept
 * for both ways to double every other digit, so that the sum from any digit to any other is a difference.
 */
const createRun = (lengthMax: number): Run => {
  const digits = new Uint8Array(lengthMax);
  /** Whether a group begins here, or the run is over. */
  const isEdge = new Uint8Array(lengthMax + 1);
  const evens = new Int32Array(lengthMax + 1);
  const odds = new Int32Array(lengthMax + 1);
  let length = 0;

  const add = (digit: number, isStart: boolean): void => {
    const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
    const isEven = length % 2 === 0;
    evens[length + 1] = (evens[length] ?? 0) + (isEven ? doubled : digit);
    odds[length + 1] = (odds[length] ?? 0) + (isEven ? digit : doubled);
    digits[length] = digit;
    isEdge[length] = isStart || length === 0 ? 1 : 0;
    length++;
    isEdge[length] = 1;
  };

  const passesLuhn = (start: number, end: number): boolean => {
    // The last digit is not doubled: those are whose distance from it is odd.
    const sums = end % 2 === 0 ? evens : odds;
    return ((sums[end] ?? 0) - (sums[start] ?? 0)) % 10 === 0;
  };

  const valueOf = (start: number, count: number): number => {
    let value = 0;
    for (let at = start; at < start + count; at++) value = value * 10 + (digits[at] ?? 0);
    return value;
  };

  const isCard = (start: number, end: number): boolean =>
    end <= length && isEdge[end] === 1 && passesLuhn(start, end) && !(end - start === DIGITS_MIN && isArticle(start));

  /** Right as an article number (GTIN-13): there have been no cards of 13 digits for decades, and many articles begin with 4. */
  const isArticle = (start: number): boolean => {
    let sum = 0;
    for (let place = 0; place < DIGITS_MIN; place++) sum += (digits[start + place] ?? 0) * (place % 2 === 0 ? 1 : 3);
    return sum % 10 === 0;
  };

  const beginsCard = (start: number): boolean => {
    const issuers = BY_START[valueOf(start, 3)];
    if (!issuers || issuers.length === 0) return false;
    const prefix = valueOf(start, 6);
    for (const { from, to, lengths } of issuers)
      if (prefix >= from && prefix <= to && lengths.some((count) => isCard(start, start + count))) return true;
    return false;
  };

  return {
    length: () => length,
    add,
    clear: () => (length = 0),
    holdsCard: () => {
      for (let start = 0; start + DIGITS_MIN <= length; start++)
        if (isEdge[start] === 1 && beginsCard(start)) return true;
      return false;
    },
  };
};

/** A space, a tab, the end of a line, or a dash. */
const isApart = (code: number): boolean => code === 32 || code === 45 || (code >= 9 && code <= 13);

/** In the groups that are printed on a card, whatever marks stand between them. */
const PRINTED =
  /(?<!\d)\d{4}[^0-9a-z]{1,8}(?:\d{4}[^0-9a-z]{1,8}\d{4}[^0-9a-z]{1,8}\d{1,7}|\d{6}[^0-9a-z]{1,8}\d{4,5})(?!\d)/gi;
const printed = (text: string): boolean =>
  text.match(PRINTED)?.some((group) => searchRuns(group.replace(/\D+/g, ' '))) ?? false;

/** Unbroken. */
const UNBROKEN = /(?<!\d)\d{13,19}(?!\d)/g;

/**
 * Whether a key holds a card number as one is written. Keys are often made of dates, counts and random digits with
 * dashes between them: one in ten of those would be right by Luhn if any grouping were taken for a card's.
 */
export const keyHoldsCardNumber = (key: string): boolean => {
  const plain = key.replace(IDS, '#');
  return printed(plain) || (plain.match(UNBROKEN)?.some(searchRuns) ?? false);
};
