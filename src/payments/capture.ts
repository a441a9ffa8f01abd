/** Money that a card holds for a payment is taken, in whole or in part; or the payment is called off. */
import { ok, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import type { PaymentId } from '../domain/ids.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import type { PaymentError } from '../error.ts';
import { newAttempt } from './attempt.ts';
import { begin } from './begin.ts';
import { paymentEvents } from './perform.ts';

const REPLY = { replyStatus: 200, showsSecret: true } as const;

/**
 * Takes `amount` minor units, or all; the rest is given up. Errors: `payment_not_found`, `payment_not_capturable`,
 * `capture_exceeds_payment`, `provider_refused`, `provider_unavailable` (unknown), and those of any claim.
 */
export const capturePayment = (
  ctx: Context,
  caller: Caller,
  id: PaymentId,
  amount: bigint | null,
): ResultAsync<Reply, PaymentError> =>
  ctx.reads
    .payment(caller.merchant, id)
    .andThen((payment) =>
      begin(ctx, caller, payment, { ...newAttempt(ctx, caller, payment, REPLY), kind: 'capture', amount }),
    );

/**
 * Calls off a payment that is not paid. Errors: `payment_not_found`, `payment_not_cancelable`, `provider_refused`,
 * `provider_unavailable` (unknown), and those of any claim.
 */
export const cancelPayment = (ctx: Context, caller: Caller, id: PaymentId): ResultAsync<Reply, PaymentError> =>
  ctx.reads.payment(caller.merchant, id).andThen((payment) => {
    if (payment.intent !== null)
      return begin(ctx, caller, payment, { ...newAttempt(ctx, caller, payment, REPLY), kind: 'cancel' });
    // Stripe has never heard of it.
    return ctx
      .commit({
        merchant: caller.merchant,
        claim: caller.claim,
        payment: { kind: 'cancel', payment },
        requestId: caller.requestId,
        answer: (effect) => ok(jsonReply(200, paymentView(effect.payment ?? payment, true))),
        events: paymentEvents,
      })
      .andThen(answerOf);
  });
