/** Money that a card holds for a payment is taken, in whole or in part; or the payment is called off. */
import { errAsync, ok, type ResultAsync } from 'neverthrow';
import { isChargeable } from '../domain/currency.ts';
import type { Caller } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import type { PaymentId } from '../domain/ids.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import { CHARGE, type ChargeCode, type ChargeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import { newAttempt, notChargeable } from './attempt.ts';
import { type PaymentError } from '../error.ts';
import { begin } from './begin.ts';
import { paymentEvents } from './perform.ts';
import type { CardNeeds } from './with-stripe.ts';

const REPLY = { replyStatus: 200, showsSecret: true } as const;

type CaptureCode = 'payment_not_found' | 'payment_not_capturable' | 'capture_exceeds_payment' | ChargeCode;
const CAPTURE: readonly CaptureCode[] = [
  'payment_not_found',
  'payment_not_capturable',
  'capture_exceeds_payment',
  ...CHARGE,
];

type CancelCode = 'payment_not_found' | 'payment_not_cancelable' | ChargeCode;
const CANCEL: readonly CancelCode[] = ['payment_not_found', 'payment_not_cancelable', ...CHARGE];

/** Takes `amount` minor units, or all; the rest is given up. Errors: `CAPTURE`. */
export const capturePayment = (
  ctx: CardNeeds,
  caller: Caller,
  id: PaymentId,
  amount: bigint | null,
): ResultAsync<Reply<PaymentView>, ChargeError<CaptureCode> | PaymentError<'invalid_request'>> =>
  ctx.reads
    .payment(caller.merchant, id)
    .andThen((payment) =>
      amount === null || isChargeable(amount, payment.currency)
        ? begin(ctx, caller, payment, { ...newAttempt(ctx, caller, payment, REPLY), kind: 'capture', amount }, CAPTURE)
        : errAsync(notChargeable()),
    );

/** Calls off a payment that is not paid. Errors: `CANCEL`. */
export const cancelPayment = (
  ctx: CardNeeds,
  caller: Caller,
  id: PaymentId,
): ResultAsync<Reply<PaymentView>, ChargeError<CancelCode>> =>
  ctx.reads.payment(caller.merchant, id).andThen((payment) => {
    if (payment.attempt !== null)
      return begin(ctx, caller, payment, { ...newAttempt(ctx, caller, payment, REPLY), kind: 'cancel' }, CANCEL);
    // Stripe was never asked. Else it may have an intent, though none is known here: there it is called off.
    return ctx
      .commit<PaymentView, CancelCode>({
        merchant: caller.merchant,
        claim: caller.claim,
        payment: { kind: 'cancel', payment },
        requestId: caller.requestId,
        refusals: CANCEL,
        answer: (effect) => ok(jsonReply(200, paymentView(effect.payment ?? payment, 'servers'))),
        events: paymentEvents,
      })
      .andThen(answerOf);
  });
