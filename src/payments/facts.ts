/** What Stripe has is applied to the payment that it is of, whoever learned of it: a webhook, a list, a balance line. */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Applied } from '../domain/change.ts';
import { settlementOf, type DisputeFact, type IntentFact, type RefundFact } from '../domain/fact.ts';
import type { BalanceTransaction } from '../domain/balance.ts';
import type { LastError, Payment, PaymentAttempt } from '../domain/payment.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { FoundIntent } from '../stripe/events.ts';
import type { Tagged } from '../stripe/tags.ts';
import { disputeTold } from './dispute.ts';
import { conclude, paymentEvents, returnEvents } from './perform.ts';
import { refundTold } from './refund.ts';

export type Facts = Pick<Context, 'commit' | 'reads' | 'stripeEvents' | 'contradictions' | 'clock'>;

/**
 * Looks at a PaymentIntent that is said to be of that payment, and says in a word what was done. Errors:
 * `provider_unavailable`, `database_unavailable` and its like: it is tried again.
 */
export const applyIntent = (ctx: Facts, of: Tagged, intent: string): ResultAsync<string, PaymentError> =>
  ctx.reads
    .payment(of.merchant, of.payment)
    .map((payment): Payment | undefined => payment)
    .orElse((error) => (error.code === 'payment_not_found' ? okAsync(undefined) : errAsync(error)))
    // Read before Stripe is asked: what an attempt changes meanwhile is later than the answer.
    .andThen((payment) =>
      ctx.stripeEvents.intent(intent).andThen((found) => {
        if (!found) return okAsync('unknown object');
        // Its tags were moved since: whose it is, they say now.
        if (found.of.payment !== of.payment) return applyIntent(ctx, found.of, intent);
        return payment ? applyFound(ctx, payment, found) : orphan(ctx, found);
      }),
    );

const applyFound = (ctx: Facts, payment: Payment, { found, claim }: FoundIntent): ResultAsync<string, PaymentError> => {
  const isAsAsked = found.amount === payment.amount && found.currency === payment.currency;
  const isOwn = payment.intent === null ? isAsAsked : payment.intent === found.intent;
  if (!payment.underWay || !isOwn)
    return ctx
      .commit({ merchant: payment.merchant, payment: { kind: 'observe', payment, found }, events: paymentEvents })
      .map((applied) => seen(applied, found));
  // What an attempt asked for is its own to tell, unless Stripe has ended the matter.
  const isOver = found.status === 'succeeded' || found.status === 'canceled';
  if (found.status === 'processing') return okAsync('left to the attempt under way');
  // The rest is heard when the attempt is over: its answer may be older, where Stripe repeats what it said at first, or the
  // bank was quicker than the reply.
  if (!isOver || payment.attempt === null)
    return errAsync(paymentError('contention', { message: 'An attempt is under way, which has not told of this.' }));
  return ctx.reads
    .attempt(payment.merchant, payment.attempt)
    .andThen((attempt) =>
      attempt.kind === 'refund'
        ? errAsync(paymentError('internal', { cause: new Error('a payment waits for a refund') }))
        : payment.intent === null && !isOf(attempt, claim)
          ? // Somebody else made it: what it is to the payment is known when the attempt has told what is its own.
            errAsync(paymentError('contention', { message: 'An attempt is under way, and this is not what it made.' }))
          : conclude(ctx, payment, attempt, settlementOf(found, null)),
    )
    .map(() => `settled: ${found.status}`);
};

/** Whether an attempt made what has that claim; the release before gave it none. */
const isOf = (attempt: PaymentAttempt, claim: string | null): boolean =>
  claim === null ? attempt.claim === null || attempt.stripeKey === attempt.id : claim === attempt.claim;

/** What an intent came to be taken for. */
const seen = (applied: Applied, found: IntentFact): string => {
  const { payment, second } = applied.kind === 'done' ? applied.effect : { payment: null, second: null };
  if (payment?.intent === found.intent) return `seen: ${found.status}`;
  return second ? 'a second charge' : 'not believed';
};

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
          detail: `Its tag is ${of.payment}, which is not here.`,
        },
      ],
      ctx.clock.now(),
    )
    .map(() => 'unknown payment');
};

/** Errors: as `applyIntent`. */
export const applyRefund = (ctx: Facts, of: Tagged, found: RefundFact): ResultAsync<string, PaymentError> =>
  ofPayment(ctx, of, found.intent, (payment) =>
    refundTold(ctx, payment, found).andThen((applied) =>
      closeReturned(ctx, applied).map(() => told('refund', applied, found)),
    ),
  );

/** Errors: as `applyIntent`. */
export const applyDispute = (ctx: Facts, of: Tagged, found: DisputeFact): ResultAsync<string, PaymentError> =>
  ofPayment(ctx, of, found.intent, (payment) =>
    disputeTold(ctx, payment, found).andThen((applied) =>
      closeReturned(ctx, applied).map(() => told('dispute', applied, found)),
    ),
  );

/**
 * A line of Stripe's balance by which the bank has returned a debit, and what was credited for it: one change, under the
 * line's id. Errors: as `applyIntent`.
 */
export const applyReturn = (
  ctx: Facts,
  balance: BalanceTransaction,
  intent: string,
  { charge, reason }: { readonly charge: string; readonly reason: LastError },
): ResultAsync<Applied, PaymentError> =>
  // Read before Stripe is asked: what is credited meanwhile was not looked at.
  ctx.reads.payment(balance.merchant, balance.payment).andThen((payment) =>
    ctx.stripeEvents
      .intent(intent)
      .andThen((now) => {
        const { id: line, charged, createdAt } = balance;
        const isOfPaid = now?.found.charge === charge;
        const found = { intent, isOfPaid, line, amount: -charged, reason, createdAt };
        return ctx.commit({
          merchant: balance.merchant,
          balance,
          payment: { kind: 'return', payment, found },
          events: returnEvents,
        });
      })
      .andThrough((applied) => closeReturned(ctx, applied)),
  );

/** How it was when it was looked at; or that its PaymentIntent is none of the payment's. */
const told = (
  what: 'refund' | 'dispute',
  applied: Applied,
  { status, intent }: { readonly status: string; readonly intent: string | null },
): string => {
  const isBelieved =
    applied.kind === 'replayed' || applied.effect.payment?.intent === intent || applied.effect.second !== null;
  return isBelieved ? `${what}: ${status}` : 'not believed';
};

/** Of a second charge nothing is left that is to go back. */
const closeReturned = (ctx: Facts, applied: Applied): ResultAsync<void, PaymentError> => {
  const second = applied.kind === 'done' ? applied.effect.second : null;
  return second && second.returned >= second.received
    ? ctx.contradictions.settle('second_charge', second.intent, 'It has gone back to the card.', ctx.clock.now())
    : okAsync(undefined);
};

/**
 * Of another installation on the same Stripe account there is nothing to be done here: it is kept, and shown. What is of
 * another intent than the payment's own waits until it is known what that is.
 */
const ofPayment = (
  ctx: Facts,
  of: Tagged,
  intent: string | null,
  apply: (payment: Payment) => ResultAsync<string, PaymentError>,
): ResultAsync<string, PaymentError> =>
  ctx.reads
    .payment(of.merchant, of.payment)
    .andThen((payment) =>
      intent === null || payment.intent === intent
        ? apply(payment)
        : applyIntent(ctx, of, intent).andThen(() => ctx.reads.payment(of.merchant, of.payment).andThen(apply)),
    )
    .orElse((error) => (error.code === 'payment_not_found' ? okAsync('unknown payment') : errAsync(error)));
