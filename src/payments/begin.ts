/** The first of the two commits around a call to Stripe, for a payment that exists. */
import type { ResultAsync } from 'neverthrow';
import type { Caller } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import type { Payment, PaymentAttempt } from '../domain/payment.ts';
import type { ChargeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import type { ErrorCode } from '../error.ts';
import { perform } from './perform.ts';
import { withStripe, type CardNeeds } from './with-stripe.ts';

/** Claims the key, begins the attempt, and performs it. Errors: `refusals`, and those of `perform`. */
export const begin = <Code extends ErrorCode>(
  ctx: CardNeeds,
  caller: Caller,
  payment: Payment,
  attempt: PaymentAttempt,
  refusals: readonly Code[],
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> =>
  withStripe(ctx, caller, refusals, () =>
    ctx
      .commit<PaymentView, Code>({
        merchant: caller.merchant,
        claim: caller.claim,
        payment: { kind: 'begin', payment, attempt, seen: payment.attempt },
        requestId: caller.requestId,
        refusals,
      })
      .andThen((applied) => {
        // As it was under lock: an intent may have become known since it was read.
        const begun = applied.kind === 'done' ? applied.effect.payment : null;
        return applied.answer ?? perform(ctx, { payment: begun ?? payment, attempt, refusals });
      }),
  );
