/** What may be changed of a payment once it is there. Pure. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import type { Payment } from './payment.ts';
import type { PaymentDetails } from './payment-details.ts';

/** What is absent stays; null takes it away. */
export interface PaymentUpdate extends Partial<Omit<PaymentDetails, 'metadata'>> {
  readonly metadata?: MetadataUpdate;
  /** In minor units. */
  readonly amount?: bigint;
}

/** As Stripe has it: each key by itself, one that is null or empty goes, and null for all of it clears it. */
export type MetadataUpdate = Readonly<Record<string, string | null>> | null;

/** Stripe's limit. */
const METADATA_KEYS_MAX = 50;

/** Errors: `payment_not_updatable`, `invalid_request`. */
export const updated = (
  payment: Payment,
  { amount, metadata, ...texts }: PaymentUpdate,
): Result<Payment, PaymentError<'payment_not_updatable' | 'invalid_request'>> => {
  if (amount !== undefined && !isUntouched(payment))
    return err(paymentError('payment_not_updatable', { payment: payment.id, param: 'amount' }));
  return merged(payment.metadata, metadata).map((after) => ({
    ...payment,
    ...texts,
    metadata: after,
    amount: amount ?? payment.amount,
  }));
};

/** Stripe was never asked for it: no PaymentIntent is made for another amount. */
const isUntouched = ({ status, attempt }: Payment): boolean => attempt === null && status !== 'canceled';

/** What metadata is after such a change. Errors: `invalid_request`, of more keys than Stripe takes. */
export const merged = (
  before: Readonly<Record<string, string>>,
  change: MetadataUpdate | undefined,
): Result<Readonly<Record<string, string>>, PaymentError<'invalid_request'>> => {
  if (change === undefined) return ok(before);
  if (change === null) return ok({});
  const after = Object.entries({ ...before, ...change }).flatMap(([key, value]) =>
    value === null || value === '' ? [] : [[key, value] as const],
  );
  return after.length > METADATA_KEYS_MAX
    ? err(
        paymentError('invalid_request', { param: 'metadata', message: `metadata: At most ${METADATA_KEYS_MAX} keys.` }),
      )
    : ok(Object.fromEntries(after));
};
