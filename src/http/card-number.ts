/**
 * Card numbers are refused wherever they stand in a request: what is never accepted can be neither stored nor logged.
 *
 * A card number is 13 to 19 digits, spaces and dashes between them allowed, with an issuer's prefix and right by Luhn's
 * formula (ISO/IEC 7812-1).
 */

/** Thirteen digits or more, with at most three spaces or dashes between two (` - `): a limit keeps the search linear. */
const RUN = /\d(?:[\s-]{0,3}\d){12,}/g;
const SUSPECT = /\d(?:[\s-]{0,3}\d){12}/;
const SEPARATORS = /[\s-]+/;
const DIGITS_MIN = 13;
const DIGITS_MAX = 19;
/** First digits of Visa, Mastercard, American Express, Discover, Diners, JCB, UnionPay and Maestro. */
const ISSUER = /^(?:4|5[0-8]|2[2-7]|3[0-9]|6)/;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** How far a word is looked at on either side of a run: ids and hashes are no longer. */
const WORD_MAX = 64;

/** Whether a text, such as the whole of a body, may hold a card number: a cheap first look. */
export const maySuspect = (text: string): boolean => SUSPECT.test(text);

/** Whether a card number stands in a text. Linear in its length. */
export const holdsCardNumber = (text: string): boolean => {
  if (!SUSPECT.test(text)) return false;
  const plain = text.replace(UUID, '#');
  for (const match of plain.matchAll(RUN)) {
    const before = plain.slice(Math.max(0, match.index - WORD_MAX), match.index);
    const after = plain.slice(match.index + match[0].length, match.index + match[0].length + WORD_MAX);
    if (!isPartOfId(before, match[0], after) && holdsNumber(match[0])) return true;
  }
  return false;
};

/** In hexadecimal ids and hashes long runs of digits come about by chance; ours have 32 digits, and none has fewer than 24. */
const isPartOfId = (before: string, run: string, after: string): boolean => {
  const word = `${/[A-Za-z0-9]*$/.exec(before)?.[0] ?? ''}${run}${/^[A-Za-z0-9]*/.exec(after)?.[0] ?? ''}`;
  // Digits that belong to an id stand at an end of the run, where more digits may follow behind a dash.
  return word.split(SEPARATORS).some((part) => /^[0-9a-f]{24,}$/i.test(part) && /[a-f]/i.test(part));
};

/** Groups of digits may be one number written with spaces, or several numbers side by side. */
const holdsNumber = (run: string): boolean => {
  const groups = run.split(SEPARATORS);
  return groups.some((_, first) => {
    let digits = '';
    for (const group of groups.slice(first, first + DIGITS_MAX)) {
      digits += group;
      if (digits.length > DIGITS_MAX) return false;
      if (digits.length >= DIGITS_MIN && ISSUER.test(digits) && passesLuhn(digits)) return true;
    }
    return false;
  });
};

/** Unbroken, or in the groups that are printed on a card. */
const AS_PRINTED =
  /(?<![A-Za-z0-9])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})(?![A-Za-z0-9])/g;

/**
 * Whether a key holds a card number as one is written. Keys are often made of dates, counts and random digits with
 * dashes between them: one in ten of those would be right by Luhn if any grouping were taken for a card's.
 */
export const keyHoldsCardNumber = (key: string): boolean => key.match(AS_PRINTED)?.some(holdsCardNumber) ?? false;

const passesLuhn = (digits: string): boolean => {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48;
    sum += place % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
};
