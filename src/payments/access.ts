/** Who may see and confirm a payment. */
import { timingSafeEqual } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';
import type { Payment } from '../domain/payment.ts';
import type { Role } from '../domain/principal.ts';
import { paymentError, type PaymentError } from '../error.ts';

/** The merchant's servers may do with any of its payments; finance reads; a browser needs the payment's own secret. */
export type Access =
  | { readonly kind: 'secret' }
  | { readonly kind: 'finance' }
  | { readonly kind: 'client'; readonly clientSecret: string };

export const accessOf = (role: Role, clientSecret: string | null): Access => {
  if (role === 'publishable') return { kind: 'client', clientSecret: clientSecret ?? '' };
  return { kind: role === 'secret' ? 'secret' : 'finance' };
};

/** Errors: `payment_not_found`, also for a wrong `client_secret`, which tells nothing to who guesses. */
export const admit = (payment: Payment, access: Access): Result<Payment, PaymentError<'payment_not_found'>> => {
  if (access.kind !== 'client') return ok(payment);
  const expected = Buffer.from(payment.clientSecret);
  const given = Buffer.from(access.clientSecret);
  const same = expected.length === given.length && timingSafeEqual(expected, given);
  return same ? ok(payment) : err(paymentError('payment_not_found', { param: 'client_secret' }));
};
