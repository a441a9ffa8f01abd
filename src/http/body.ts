/** From the bytes of a request to a JSON value that holds no card number. */
import express, { type Request, type Response } from 'express';
import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from 'neverthrow';
import type { Role } from '../domain/principal.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { holdsCardNumber, maySuspect } from './card-number.ts';
import { countNames, faultOf, needsCloseReading, type Fault } from './json.ts';
import { createPlaces, type Place } from './places.ts';
import { createFollowBody } from './reading.ts';

/** As large as the largest body that a route has a use for: a bulk transfer of a thousand. */
const BODY_MAX_BYTES: number = 256 * 1024;
/** What a page in a browser sends is an id, a secret and a URL of 2,048 characters at most, and anyone may send it. */
const PUBLIC_BODY_MAX_BYTES = 16 * 1024;
/** What larger ones may hold together before they have come: of smaller ones, thousands of connections hold less. */
const READING_MAX_BYTES = 32 * 1024 * 1024;
const followBody = createFollowBody(READING_MAX_BYTES);
const places = createPlaces();
/** Our deepest body has three levels; far more would only try the stack. */
const DEPTH_MAX = 32;

const unsupported = (param: string, message: string, status?: number): Result<never, PaymentError> =>
  err(paymentError('invalid_request', { param, message, ...(status === undefined ? {} : { status }) }));

/** JSON has one encoding, whatever a charset says: https://www.rfc-editor.org/rfc/rfc8259#section-8.1 */
const JSON_TYPE = /^application\/json *(?:; *charset="?utf-?8"? *)?$/i;

/** Of a page: it writes UTF-8, whatever it says. */
const FORM_TYPE = /^application\/x-www-form-urlencoded *(?:; *charset="?utf-?8"? *)?$/i;

const headersOf = ({ headers }: Request, isForm: boolean): Result<boolean, PaymentError> => {
  const length = headers['content-length'];
  const isThere = headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  if (!isThere) return ok(false);
  const encoding = headers['content-encoding'] ?? 'identity';
  // To inflate is work that its sender does not do: a kilobyte of zip is a megabyte of JSON.
  if (encoding.toLowerCase() !== 'identity')
    return unsupported('Content-Encoding', 'Content-Encoding: bodies are taken as they are, not compressed.', 415);
  const type = headers['content-type'] ?? '';
  if (isForm && !FORM_TYPE.test(type))
    return unsupported('Content-Type', 'Content-Type must be application/x-www-form-urlencoded.');
  if (!isForm && !JSON_TYPE.test(type))
    return unsupported('Content-Type', 'Content-Type must be application/json, in UTF-8.');
  return ok(true);
};

/** What of a route says how its bodies are read. */
interface Taker {
  readonly method: string;
  readonly roles: readonly Role[];
  readonly schemas: { readonly body: unknown };
  /** What comes is a form of a page, and no JSON. */
  readonly isForm?: boolean;
}

/**
 * Reads the body of a request for that route, of a principal; one that is absent is as good as `{}`. Errors:
 * `invalid_request`, `body_too_large`; `overloaded` where he sends more that is large than he has places for.
 */
export const createReadBody = ({
  method,
  roles,
  schemas,
  isForm = false,
}: Taker): ((
  request: Request,
  response: Response,
  principal: string,
) => Result<string, PaymentError> | Promise<Result<string, PaymentError>>) => {
  if (method === 'GET') return () => ok('');
  const maxBytes = roles.includes('publishable') ? PUBLIC_BODY_MAX_BYTES : BODY_MAX_BYTES;
  const read = express.raw({ type: () => true, inflate: false, limit: maxBytes });

  const readNow = (request: Request, response: Response): Promise<Result<unknown, PaymentError>> =>
    new Promise((resolve) => {
      read(request, response, (error: unknown) =>
        resolve(error === undefined ? ok(request.body) : err(ofReader(error, maxBytes))),
      );
    });

  const readLarge = async (
    request: Request,
    response: Response,
    principal: string,
  ): Promise<Result<unknown, PaymentError>> => {
    const crowded = Promise.withResolvers<Result<never, PaymentError>>();
    const giveWay = (): void => {
      // Nothing more of it is read, not even to be thrown away.
      response.once('finish', () => request.destroy());
      crowded.resolve(err(paymentError('overloaded', { retryAfterS: 1 })));
    };
    const place = await places.take(principal, response, giveWay);
    if (!place) {
      giveWay();
      return crowded.promise;
    }
    return Promise.race([readFollowed(request, response, place, giveWay), crowded.promise]);
  };

  const readFollowed = async (
    request: Request,
    response: Response,
    place: Place,
    giveWay: () => void,
  ): Promise<Result<unknown, PaymentError>> => {
    const end = followBody(request, response, giveWay);
    const body = await readNow(request, response);
    end();
    place.hasCome();
    return body;
  };

  const readAll = (request: Request, response: Response, principal: string): Promise<Result<unknown, PaymentError>> => {
    const declared = Number(request.headers['content-length'] ?? maxBytes);
    // The reader would wait for the end of what it throws away.
    if (declared > maxBytes) return Promise.resolve(err(tooLarge(maxBytes)));
    // One that says of itself that it is small holds little.
    return declared <= PUBLIC_BODY_MAX_BYTES ? readNow(request, response) : readLarge(request, response, principal);
  };

  // What has no use for a body waits for the end of it all the same: one that is broken off is told that nothing was done.
  if (!schemas.body)
    return async (request, response, principal) => (await readAll(request, response, principal)).map(() => '');

  return (request, response, principal) => {
    const isThere = headersOf(request, isForm);
    if (isThere.isErr()) return err(isThere.error);
    const empty = isForm ? '' : '{}';
    if (!isThere.value) return ok(empty);
    return readAll(request, response, principal).then((body) => body.andThen((bytes) => textOf(bytes, empty)));
  };
};

/** Errors: `invalid_request` for bytes that are no UTF-8: they would be stored as something else than was sent. */
const textOf = (body: unknown, empty: string): Result<string, PaymentError> => {
  if (!Buffer.isBuffer(body) || body.length === 0) return ok(empty);
  return isUtf8(body)
    ? ok(body.toString())
    : err(paymentError('invalid_request', { message: 'The body is not valid UTF-8.' }));
};

/** Express' and body-parser's errors have a `type` and a `status`, their own or their class's. */
export const ofExpress = (error: unknown): PaymentError => {
  const status = field(error, 'status');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return paymentError('invalid_request', { message: 'The request could not be read.', cause: error });
  return paymentError('internal', { cause: error });
};

/** What the reader of a body of at most so many bytes says. */
export const ofReader = (error: unknown, maxBytes: number): PaymentError =>
  field(error, 'type') === 'entity.too.large' ? tooLarge(maxBytes) : ofExpress(error);

const tooLarge = (maxBytes: number): PaymentError =>
  paymentError('body_too_large', { message: `The body is larger than ${maxBytes / 1024} KiB.` });

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

/**
 * The value of a body. Errors: `invalid_request`, also for a field that stands twice and a number with a point or an
 * exponent; `card_number_refused`.
 */
export const parseBody = (text: string): Result<unknown, PaymentError> => {
  const names = countNames(text);
  if (names > VALUES_MAX) return err(tooMany);
  const parsed = parseJson(text);
  if (parsed.isErr()) return parsed;
  // Digits may be written as escapes, and so may what stands between them: only then are the values themselves looked at.
  const closely = maySuspect(text) || text.includes('\\');
  return walk(parsed.value, closely)
    .andThen((fields) => asWritten(text, names, fields))
    .map(() => parsed.value);
};

const parseJson = (text: string): Result<unknown, PaymentError> => {
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(paymentError('invalid_request', { message: 'The body is not valid JSON.' }));
  }
};

/** The longest that any field takes, a URL. */
const TEXT_MAX = 2_048;

/** Of texts with digits enough for a card: fifty fields of metadata, each full of them, are less. */
const SCAN_MAX = 32 * 1024;

/** A bulk of a thousand transfers has six thousand, and nothing has more. */
const VALUES_MAX = 16_384;
const tooMany = paymentError('invalid_request', { message: 'The body holds more values than any request.' });

/** Metadata has fifty, and no other object as many. */
const FIELDS_MAX = 256;
/** Metadata's have forty at the most. */
const NAME_MAX = 256;

/** Walks a value without recursion. Answers how many fields it has. */
const walk = (value: unknown, forCards: boolean): Result<number, PaymentError> => {
  let level: unknown[] = [value];
  let values = 0;
  let fields = 0;
  let scanned = 0;
  const scan = (written: string): PaymentError | undefined => {
    if (maySuspect(written)) scanned += written.length;
    if (scanned > SCAN_MAX)
      return paymentError('invalid_request', { message: 'The body holds more digits than any request.' });
    return holdsCardNumber(written) ? paymentError('card_number_refused') : undefined;
  };
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return err(paymentError('invalid_request', { message: 'The body is nested too deeply.' }));
    const next: unknown[] = [];
    values += level.length;
    if (values > VALUES_MAX) return err(tooMany);
    for (const one of level) {
      // Its schema refuses it, and names the field.
      if (typeof one === 'string' && one.length > TEXT_MAX) continue;
      if (forCards && (typeof one === 'string' || typeof one === 'number')) {
        const refusal = scan(digitsOf(one));
        if (refusal) return err(refusal);
      }
      if (typeof one !== 'object' || one === null) continue;
      // A field to JSON.parse, and to much that comes after it no field at all: it would be passed over in silence.
      if (Object.hasOwn(one, '__proto__'))
        return err(
          paymentError('invalid_request', { param: '__proto__', message: '__proto__: There is no such field.' }),
        );
      if (Array.isArray(one)) {
        for (const inner of one as readonly unknown[]) next.push(inner);
        continue;
      }
      const entries = Object.entries(one);
      if (entries.length > FIELDS_MAX) return err(tooMany);
      for (const [name, inner] of entries) {
        fields++;
        if (name.length > NAME_MAX) return err(paymentError('invalid_request', { message: 'A name is too long.' }));
        const refusal = forCards ? scan(name) : undefined;
        if (refusal) return err(refusal);
        next.push(inner);
      }
    }
    level = next;
  }
  return ok(fields);
};

/** Never with an exponent, which would hide digits. */
const digitsOf = (value: string | number): string =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value.toFixed() : String(value);

const asWritten = (text: string, names: number, fields: number): Result<void, PaymentError> => {
  const fault = needsCloseReading(text, names, fields) ? faultOf(text) : undefined;
  if (!fault) return ok();
  const { kind, path, token } = fault;
  if (kind !== 'duplicate' && holdsCardNumber(writtenOut(token))) return err(paymentError('card_number_refused'));
  // As with any other field, a name is repeated where it is a plain one.
  const param = path.length <= 100 && !holdsCardNumber(path) ? path : undefined;
  const message = FAULTS[kind];
  return err(
    paymentError('invalid_request', { message: param ? `${param}: ${message}` : message, ...(param ? { param } : {}) }),
  );
};

const FAULTS: Readonly<Record<Fault['kind'], string>> = {
  duplicate: 'It stands there twice.',
  'not an integer':
    'It must be an integer, without a point or an exponent: an amount is in minor units, 1999 for 19.99 usd. ' +
    'Other decimals are sent as text.',
  'too large': 'It is larger than any integer that is taken.',
};

/** The digits of a number as it is written, and as it would be without its exponent. */
const writtenOut = (token: string): string => {
  const value = Number(token);
  const plain = Number.isFinite(value) && Math.abs(value) < 1e21 ? value.toFixed() : '';
  return `${token.slice(0, TEXT_MAX).replaceAll('.', '')} # ${plain}`;
};
