/** From an `Idempotency-Key` header to a claim: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header */
import { hash } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';
import type { Claim } from '../domain/change.ts';
import type { MerchantId } from '../domain/ids.ts';
import type { ClaimId } from '../domain/payment.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { keyHoldsCardNumber } from './card-number.ts';

/** Stripe's own limit. */
const KEY_MAX = 255;

const refused = (message: string): Result<never, PaymentError> =>
  err(paymentError('invalid_request', { param: 'Idempotency-Key', message }));

/** The key in the header, bare or as a quoted string. Errors: `invalid_request`, `card_number_refused`. */
export const parseKey = (header: string): Result<string, PaymentError> => {
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim());
  const key = quoted?.[1] === undefined ? header.trim() : quoted[1].replace(/\\(["\\])/g, '$1');
  if (key === '') return refused('The idempotency key is empty.');
  if (key.length > KEY_MAX) return refused('The idempotency key has more than 255 characters.');
  if (!/^[\x20-\x7e]+$/.test(key)) return refused('The idempotency key may hold printable ASCII characters alone.');
  if (keyHoldsCardNumber(key))
    return err(
      paymentError('card_number_refused', {
        param: 'Idempotency-Key',
        message: 'The idempotency key holds a card number. Use a UUID of your own.',
      }),
    );
  return ok(key);
};

interface Keyed {
  readonly merchant: MerchantId;
  /** Method and path, ids included. */
  readonly operation: string;
  readonly key: string;
  /** The body as it was sent: what a later release may make hashes of, since a field that is new changes nothing of it. */
  readonly sent: unknown;
  /** The body as it was understood: what the release before makes hashes of, beside which this one is deployed. */
  readonly understood: unknown;
  /** By a publishable key: to it, what the merchant's servers were answered is not replayed. */
  readonly isPublic: boolean;
}

/** A key is scoped to merchant, method and path. Hashes are kept for weeks: what they are made of never changes. */
export const claimOf = ({ merchant, operation, key, sent, understood, isPublic }: Keyed): Claim => ({
  id: hash128(`${merchant}\n${operation}\n${key}`) as ClaimId,
  key,
  operation,
  requestHash: hash128(isPublic ? `public\n${canonical(sent)}` : canonical(understood)),
  ...(isPublic ? {} : { laterHash: () => hash128(canonical(sent)) }),
});

/** 128 bits of SHA-256, as a UUID is stored. */
const hash128 = (text: string): string => hash('sha256', text).slice(0, 32);

/** JSON in which the order of fields makes no difference. */
const canonical = (value: unknown): string => {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join()}}`;
};
