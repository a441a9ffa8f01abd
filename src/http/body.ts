/** From the bytes of a request to a JSON value that holds no card number. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import { holdsCardNumber, maySuspect } from './card-number.ts';

/** As large as the largest body that a route has a use for: a bulk transfer of a thousand. */
export const BODY_MAX_BYTES: number = 256 * 1024;
/** Our deepest body has three levels; far more would only try the stack. */
const DEPTH_MAX = 32;

/** Errors: `invalid_request`, `card_number_refused`. */
export const parseBody = (text: string): Result<unknown, PaymentError> => {
  const parsed = parseJson(text);
  if (parsed.isErr()) return parsed;
  // Digits may be written as escapes or with an exponent: only then are the values themselves looked at.
  const closely = maySuspect(text) || text.includes('\\') || /\d[eE]\+?\d/.test(text);
  return scan(parsed.value, closely).map(() => parsed.value);
};

const parseJson = (text: string): Result<unknown, PaymentError> => {
  if (text === '')
    return err(paymentError('invalid_request', { message: 'The body is empty; it must be a JSON object.' }));
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(paymentError('invalid_request', { message: 'The body is not valid JSON.' }));
  }
};

/** Walks a value without recursion. */
const scan = (value: unknown, forCards: boolean): Result<void, PaymentError> => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return err(paymentError('invalid_request', { message: 'The body is nested too deeply.' }));
    const next: unknown[] = [];
    for (const one of level) {
      if (forCards && (typeof one === 'string' || typeof one === 'number') && holdsCardNumber(textOf(one)))
        return err(paymentError('card_number_refused'));
      if (typeof one !== 'object' || one === null) continue;
      // A field to JSON.parse, and to much that comes after it no field at all: it would be passed over in silence.
      if (Object.hasOwn(one, '__proto__'))
        return err(
          paymentError('invalid_request', { param: '__proto__', message: '__proto__: There is no such field.' }),
        );
      if (forCards && !Array.isArray(one) && Object.keys(one).some(holdsCardNumber))
        return err(paymentError('card_number_refused'));
      for (const inner of Object.values(one)) next.push(inner);
    }
    level = next;
  }
  return ok(undefined);
};

/** Never with an exponent, which would hide digits. */
const textOf = (value: string | number): string =>
  typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : String(value);
