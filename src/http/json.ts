/**
 * JSON as it was written. `JSON.parse` keeps the last of two fields of one name, and takes `12.0`, `1.2e3` and
 * `1250.00000000000001` for integers: what somebody else in front of us reads may then be another request than ours.
 */

/** What a text holds that no request may. */
export interface Fault {
  readonly kind: 'duplicate' | 'not an integer' | 'too large';
  /** Where it stands: `transfers[3].amount`. */
  readonly path: string;
  /** As it is written. */
  readonly token: string;
}

/** A number with a point or an exponent, or of so many digits that it may be no exact one; in a text, it may be part of it. */
const ODD_NUMBER = /[:[,]\s*-?\d+(?:[.eE]|\d{15})|^\s*-?\d+(?:[.eE]|\d{15})/;

/** How many colons stand behind a quote: at least as many as there are names of fields. */
export const countNames = (text: string): number => {
  let names = 0;
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (before > 0 && isSpace(text.charCodeAt(before))) before--;
    if (text.charCodeAt(before) === QUOTE) names++;
  }
  return names;
};

/**
 * Whether a text, which is known to be JSON of so many fields, has to be read closely: a first look that costs next to
 * nothing, and sees everything that may be wrong. Where no more names are written than there are fields, none stands twice.
 */
export const needsCloseReading = (text: string, names: number, fields: number): boolean =>
  names !== fields || ODD_NUMBER.test(text);

const QUOTE = 34;
const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

interface Level {
  /** The names that were seen; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** Of an object the field, of an array the place that is being read. */
  at: string | number;
}

/** The first fault of a text that `JSON.parse` takes. Linear in its length, and without recursion. */
export const faultOf = (text: string): Fault | undefined => {
  const levels: Level[] = [];
  let level: Level | undefined;
  let isName = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case OBJECT:
        level = { names: new Set(), at: '' };
        levels.push(level);
        isName = true;
        break;
      case ARRAY:
        level = { names: undefined, at: 0 };
        levels.push(level);
        isName = false;
        break;
      case OBJECT_END:
      case ARRAY_END:
        levels.pop();
        level = levels.at(-1);
        break;
      case COMMA:
        isName = level?.names !== undefined;
        if (level && typeof level.at === 'number') level.at++;
        break;
      case COLON:
        isName = false;
        break;
      case QUOTE: {
        const end = endOfText(text, at);
        if (isName && level?.names) {
          const token = text.slice(at, end + 1);
          level.at = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
          if (level.names.has(level.at)) return { kind: 'duplicate', path: pathOf(levels), token };
          level.names.add(level.at);
        }
        at = end;
        break;
      }
      default: {
        if (!isOfNumber(text.charCodeAt(at))) break;
        const start = at;
        while (isOfNumber(text.charCodeAt(at + 1))) at++;
        const kind = faultOfNumber(text, start, at + 1);
        if (kind) return { kind, path: pathOf(levels), token: text.slice(start, at + 1) };
      }
    }
  }
  return undefined;
};

const [OBJECT, OBJECT_END, ARRAY, ARRAY_END, COMMA, COLON, BACKSLASH] = [123, 125, 91, 93, 44, 58, 92];

/** Where the quote is that ends the text which begins here. */
const endOfText = (text: string, start: number): number => {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
};

/** A digit, a sign, a point, or an exponent's letter; the words `true`, `false` and `null` begin with none of them. */
const isOfNumber = (code: number): boolean =>
  (code >= 48 && code <= 57) || code === 45 || code === 46 || code === 43 || code === 69 || code === 101;

const faultOfNumber = (text: string, start: number, end: number): Fault['kind'] | undefined => {
  const token = text.slice(start, end);
  if (!/^[-\d]/.test(token)) return undefined;
  if (/[.eE]/.test(token)) return 'not an integer';
  return Number.isSafeInteger(Number(token)) ? undefined : 'too large';
};

const pathOf = (levels: readonly Level[]): string =>
  levels.reduce((path, { at }) => {
    if (typeof at === 'number') return `${path}[${at}]`;
    return path === '' ? at : `${path}.${at}`;
  }, '');
