/** A debit that had been paid, and comes back: the bank has returned it, and no dispute is made of that. Pure. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import { idAt } from './ids.ts';
import type { Payment, SecondCharge } from './payment.ts';
import { posting } from './postings.ts';
import { news, standingOf, unchanged, type Step, type Stepped } from './step.ts';

/**
 * What was credited is taken back, as Stripe has taken it: the wallet may fall below zero. The payment stays succeeded, as
 * its PaymentIntent does. Errors: `contention`, where more was credited since Stripe was asked which charge is paid.
 */
export const returned = (
  payment: Payment,
  second: SecondCharge | undefined,
  { payment: seen, found }: Step<'return'>,
): Result<Stepped, PaymentError> => {
  const standing = standingOf(payment, second, found.intent);
  if (standing === 'strange' || !found.isOfPaid) return ok(unchanged(payment));
  const id = idAt('tr', `${found.line} return`, found.createdAt);
  // Of a second charge nothing is left that is to go back to the customer: he has it.
  if (standing !== 'own')
    return ok({
      ...unchanged(payment),
      second: { ...standing, returned: standing.returned + found.amount },
      transfers: [posting('second_charge_returned', payment, found.amount, id)],
    });
  if (payment.amountCaptured !== seen.amountCaptured) return err(paymentError('contention'));
  if (payment.amountCaptured === 0n) return ok(unchanged(payment));
  const after = {
    ...payment,
    amountReturned: payment.amountReturned + found.amount,
    lastError: found.reason,
  };
  return ok({ ...news(after), transfers: [posting('payment_returned', payment, found.amount, id)] });
};
