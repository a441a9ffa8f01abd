/** What Stripe has is applied to the payment that it is of, whoever learned of it: a webhook, a list, a balance line. */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { settlementOf, type DisputeFact, type RefundFact } from '../domain/fact.ts';
import { idAt } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { FoundIntent, Tagged } from '../stripe/events.ts';
import { conclude, disputeEvents, paymentEvents } from './perform.ts';
import { concludeRefund, settleRefund } from './refund.ts';

export type Facts = Pick<Context, 'commit' | 'reads' | 'stripeEvents' | 'contradictions' | 'clock'>;

/** Says in a word what was done. Errors: `provider_unavailable`, `database_unavailable` and its like: it is tried again. */
export const applyIntent = (ctx: Facts, { of, found }: FoundIntent): ResultAsync<string, PaymentError> =>
  ctx.reads
    .payment(of.merchant, of.payment)
    .andThen((payment) => {
      if (!payment.underWay)
        return ctx
          .commit({ merchant: payment.merchant, payment: { kind: 'observe', payment, found }, events: paymentEvents })
          .map(() => `seen: ${found.status}`);
      // What an attempt asked for is its own to tell, unless Stripe has ended the matter.
      const isOver = found.status === 'succeeded' || found.status === 'canceled';
      if (!isOver || payment.attempt === null) return okAsync('left to the attempt under way');
      return ctx.reads
        .attempt(payment.merchant, payment.attempt)
        .andThen((attempt) =>
          attempt.kind === 'refund'
            ? errAsync(paymentError('internal', { cause: new Error('a payment waits for a refund') }))
            : conclude(ctx, payment, attempt, settlementOf(found, null)),
        )
        .map(() => `settled: ${found.status}`);
    })
    .orElse((error) => (error.code === 'payment_not_found' ? orphan(ctx, { of, found }) : errAsync(error)));

/** Tagged as ours, and not here: another installation on the same Stripe account, or a database that lost its tail. */
const orphan = (ctx: Facts, { of, found }: FoundIntent): ResultAsync<string, PaymentError> => {
  const { intent: subject, status, amount, amountReceived, currency } = found;
  if (amountReceived === 0n && status !== 'requires_capture' && status !== 'processing')
    return okAsync('unknown payment');
  return ctx.contradictions
    .open(
      [
        {
          merchant: of.merchant,
          kind: 'orphan_intent',
          payment: null,
          subject,
          amount: amountReceived > 0n ? amountReceived : amount,
          currency,
          detail: `It is ${status}, and of ${of.payment}.`,
        },
      ],
      ctx.clock.now(),
    )
    .map(() => 'unknown payment');
};

/** Errors: as `applyIntent`. */
export const applyRefund = (ctx: Facts, of: Tagged, found: RefundFact): ResultAsync<string, PaymentError> =>
  ofPayment(ctx, of, (payment) => {
    const isOfAnother = payment.intent !== null && found.intent !== null && found.intent !== payment.intent;
    const first: ResultAsync<unknown, PaymentError> = isOfAnother
      ? ctx.stripeEvents
          .intent(found.intent)
          .andThen((intent) => (intent ? applyIntent(ctx, intent) : okAsync('unknown object')))
      : okAsync('');
    return first.andThen(() => commitRefund(ctx, payment, found)).map(() => `refund: ${found.status}`);
  });

const commitRefund = (ctx: Facts, payment: Payment, found: RefundFact): ResultAsync<unknown, PaymentError> => {
  const settlement = { found, refusal: null, stripeRequestId: null };
  // One that was made in the dashboard has an id that follows from Stripe's, and its time.
  if (found.ours === null)
    return ctx
      .commit(settleRefund(payment, idAt('re', found.stripeId, found.createdAt), settlement, null))
      .andThen((applied) => {
        const second = applied.kind === 'done' ? applied.effect.second : null;
        return second && second.returned >= second.received
          ? ctx.contradictions.settle('second_charge', second.intent, 'It has gone back to the card.', ctx.clock.now())
          : okAsync(undefined);
      });
  const { ours } = found;
  return ctx.reads
    .openRefundAttempt(payment.merchant, ours)
    .andThen((attempt) =>
      attempt
        ? concludeRefund(ctx, payment, attempt, settlement)
        : ctx.commit(settleRefund(payment, ours, settlement, null)),
    );
};

/** Errors: as `applyIntent`. */
export const applyDispute = (ctx: Facts, of: Tagged, found: DisputeFact): ResultAsync<string, PaymentError> =>
  ofPayment(ctx, of, (payment) =>
    ctx
      .commit({
        merchant: payment.merchant,
        payment: { kind: 'dispute', payment, dispute: idAt('dp', found.stripeId, found.createdAt), found },
        events: disputeEvents,
      })
      .map(() => `dispute: ${found.status}`),
  );

/** Of another installation on the same Stripe account there is nothing to be done here: it is kept, and shown. */
const ofPayment = (
  ctx: Facts,
  { merchant, payment }: Tagged,
  apply: (payment: Payment) => ResultAsync<string, PaymentError>,
): ResultAsync<string, PaymentError> =>
  ctx.reads
    .payment(merchant, payment)
    .andThen(apply)
    .orElse((error) => (error.code === 'payment_not_found' ? okAsync('unknown payment') : errAsync(error)));
