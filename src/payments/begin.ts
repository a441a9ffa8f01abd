/** The first of the two commits around a call to Stripe, for a payment that exists. */
import type { ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import type { Payment, PaymentAttempt } from '../domain/payment.ts';
import type { PaymentError } from '../error.ts';
import { perform } from './perform.ts';
import { withStripe } from './with-stripe.ts';

/** Claims the key, begins the attempt, and performs it. Errors: the refusals of `begin`, and those of `perform`. */
export const begin = (
  ctx: Context,
  caller: Caller,
  payment: Payment,
  attempt: PaymentAttempt,
): ResultAsync<Reply, PaymentError> =>
  withStripe(ctx, caller, () =>
    ctx
      .commit({
        merchant: caller.merchant,
        claim: caller.claim,
        payment: { kind: 'begin', payment, attempt, seen: payment.attempt },
        requestId: caller.requestId,
      })
      .andThen((applied) => applied.answer ?? perform(ctx, payment, attempt)),
  );
