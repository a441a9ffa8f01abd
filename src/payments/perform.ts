/**
 * One attempt at Stripe, outside any transaction, between two commits.
 *
 * The first commit (claim) has written the attempt, and the payment as `processing`. Whoever learns the outcome settles
 * it with the second: the request, a webhook, or, if the request died, the sweeper. The first wins.
 */
import { err, errAsync, ok, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Answer, Applied, Change, Effect, Event, Reply } from '../domain/change.ts';
import type { Settlement } from '../domain/fact.ts';
import { newId } from '../domain/ids.ts';
import type { LastError, Payment, PaymentAttempt } from '../domain/payment.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import type { ChargeError, StripeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import type { Micros } from '../domain/time.ts';
import { paymentError, withDetail, type ErrorCode, type PaymentError } from '../error.ts';
import { approvalOf } from './approval.ts';
import { isOwned, unknown, unknownOf } from './attempt.ts';
import { checkCustomer } from './saved-facts.ts';

/** An attempt that was claimed, and what it may be refused for. */
export interface Claimed<Code extends ErrorCode> {
  readonly payment: Payment;
  readonly attempt: PaymentAttempt;
  readonly refusals: readonly Code[];
}

/**
 * Sends an attempt to Stripe and settles what it says. Errors: `provider_unavailable` and those of a commit, with
 * `outcome: unknown`; and what its answer may refuse, which is `refusals`.
 */
export const perform = <Code extends ErrorCode>(
  ctx: Pick<Context, 'commit' | 'cards' | 'saved' | 'vault' | 'clock' | 'log'>,
  claimed: Claimed<Code>,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> =>
  charge(ctx, claimed).andThen((charged) => settle(ctx, claimed, charged));

/** Stripe is asked, once. Errors: `provider_unavailable` with `outcome: unknown`. */
export const charge = (
  ctx: Pick<Context, 'cards' | 'clock'>,
  { payment, attempt }: Pick<Claimed<ErrorCode>, 'payment' | 'attempt'>,
): ResultAsync<Settlement, StripeError> =>
  isOwned(ctx, attempt)
    ? ctx.cards.send(payment, attempt, 'first').mapErr((error): StripeError => withDetail(error, unknownOf(payment)))
    : errAsync(unknown(payment));

/** What Stripe said is written: payment, ledger, stored reply and event, in one commit. Errors: those of a commit, with `outcome: unknown`. */
export const settle = <Code extends ErrorCode>(
  ctx: Pick<Context, 'commit' | 'cards' | 'saved' | 'vault' | 'log'>,
  { payment, attempt, refusals }: Claimed<Code>,
  charged: Settlement,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> =>
  ctx
    .commit({ ...settling(payment, attempt, charged), refusals })
    .mapErr((error) => withDetail(error, unknownOf(payment)))
    .andThrough(() => checkCustomer(ctx, holderOf(attempt), charged.refusal))
    .andThen((applied) => applied.answer ?? err(unknown(payment)));

const holderOf = (attempt: PaymentAttempt): string | null =>
  attempt.kind === 'confirm' ? attempt.stripeCustomer : null;

/**
 * Makes an outcome known that nobody may wait for any more; its answer is what was stored, by this call or by whoever
 * came first. Errors: that it could not be written. A decline is no error here, but the answer.
 */
export const conclude = (
  ctx: Pick<Context, 'commit'>,
  payment: Payment,
  attempt: PaymentAttempt,
  settlement: Settlement,
): ResultAsync<Applied, PaymentError> => ctx.commit(settling(payment, attempt, settlement));

/** The change that makes an outcome known. */
const settling = (payment: Payment, attempt: PaymentAttempt, settlement: Settlement): Change<PaymentView> => ({
  merchant: payment.merchant,
  ...(attempt.claim === null ? {} : { answers: attempt.claim }),
  payment: { kind: 'settle', payment, attempt: attempt.id, settlement },
  requestId: attempt.requestId,
  answer: ({ payment: settled }) => settledAnswer(settled ?? payment, attempt, settlement),
  events: paymentEvents,
});

/**
 * A decline is told as the error that it is, and so is a payment that went another way while this was asked for: it
 * expired or was captured at Stripe. Anything else is told as the payment.
 */
const settledAnswer = (payment: Payment, attempt: PaymentAttempt, { refusal }: Settlement): Answer<PaymentView> => {
  if (refusal) return err(declineOf(refusal, payment, attempt));
  const { kind, replyStatus, showsSecret } = attempt;
  if (kind === 'capture' && payment.status !== 'succeeded' && payment.status !== 'processing')
    return err(paymentError('payment_not_capturable', { payment: payment.id }));
  if (kind === 'cancel' && payment.status !== 'canceled')
    return err(paymentError('payment_not_cancelable', { payment: payment.id }));
  if (kind === 'confirm' && payment.status === 'canceled')
    return err(paymentError('payment_not_confirmable', { payment: payment.id }));
  return ok(jsonReply(replyStatus, paymentView(payment, showsSecret ? 'servers' : 'page')));
};

/** Who was away is told where he can approve it. */
const declineOf = (
  { code, declineCode, message }: LastError,
  payment: Payment,
  attempt: PaymentAttempt,
): PaymentError => {
  const wasAway = attempt.kind === 'confirm' && attempt.usedFor === 'off_session';
  return paymentError(code, {
    ...{ message, payment: payment.id },
    ...(declineCode === undefined ? {} : { declineCode }),
    ...(code === 'authentication_required' && wasAway ? { url: approvalOf(payment) } : {}),
  });
};

/** What is told of a payment when its status has changed. */
export const paymentEvents = (effect: Effect, now: Micros): Event[] =>
  aboutPayment(effect, now, ({ status }) =>
    status === 'requires_payment_method' ? 'payment.failed' : `payment.${status}`,
  );

/** What is told of one whose debit the bank has returned. */
export const returnEvents = (effect: Effect, now: Micros): Event[] =>
  aboutPayment(effect, now, () => 'payment.returned');

const aboutPayment = ({ payment }: Effect, now: Micros, typeOf: (payment: Payment) => Event['type']): Event[] =>
  payment
    ? [
        {
          merchant: payment.merchant,
          id: newId('evt', now),
          type: typeOf(payment),
          subject: payment.id,
          data: JSON.stringify(paymentView(payment, 'finance')),
        },
      ]
    : [];
