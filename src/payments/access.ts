/** Who may see and confirm a payment. */
import { timingSafeEqual } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';
import type { Role } from '../domain/principal.ts';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';

/** The merchant's servers may do with any of its payments; finance reads; a browser needs the payment's own secret. */
export type Access =
  | { readonly kind: 'secret' }
  | { readonly kind: 'finance' }
  | { readonly kind: 'client'; readonly clientSecret: string };

export const accessOf = (role: Role, clientSecret: string | null): Access => {
  if (role === 'publishable') return { kind: 'client', clientSecret: clientSecret ?? '' };
  return { kind: role === 'secret' ? 'secret' : 'finance' };
};

/** Errors: that code, also for a wrong `client_secret`, which tells nothing to who guesses. */
export const admit = <T extends { readonly clientSecret: string }, Code extends ErrorCode>(
  of: T,
  access: Access,
  code: Code,
): Result<T, PaymentError<Code>> => {
  if (access.kind !== 'client') return ok(of);
  const expected = Buffer.from(of.clientSecret);
  const given = Buffer.from(access.clientSecret);
  const same = expected.length === given.length && timingSafeEqual(expected, given);
  return same ? ok(of) : err(paymentError(code, { param: 'client_secret' }));
};

/** 192 random bits, behind what they are of: whoever has it may pay, or keep a card. */
export const secretOf = (id: string): string =>
  `${id}_secret_${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')}`;
