/**
 * One attempt at Stripe, outside any transaction, between two commits.
 *
 * The first commit (claim) has written the attempt, and the payment as `processing`. Whoever learns the outcome settles
 * it with the second: the request, a webhook, or, if the request died, the sweeper. The first wins.
 */
import { err, errAsync, ok, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Change, Effect, Event, Reply, Settlement } from '../domain/change.ts';
import { newId } from '../domain/ids.ts';
import type { Attempt, LastError, Payment } from '../domain/payment.ts';
import { disputeView, errorReply, jsonReply, paymentView } from '../domain/reply.ts';
import { paymentError, type PaymentError } from '../error.ts';

/** Sends an attempt to Stripe and settles what it says. Errors: `provider_unavailable`, with `outcome: unknown`. */
export const perform = (ctx: Context, payment: Payment, attempt: Attempt): ResultAsync<Reply, PaymentError> => {
  if (!isOwned(ctx, attempt)) return errAsync(unknown(payment));
  return ctx.cards
    .send(payment, attempt)
    .andThen((settlement) => conclude(ctx, payment, attempt, settlement))
    .mapErr((error) => ({ ...error, outcome: 'unknown', payment: payment.id }));
};

/** A process that was paused until now may not send: someone else may have, and Stripe may have forgotten the key. */
export const isOwned = (ctx: Context, { ownedUntil }: Attempt): boolean => ctx.clock.now() < ownedUntil;

/** Makes an outcome known, and answers with what was stored: by this call, or by whoever came first. */
export const conclude = (
  ctx: Context,
  payment: Payment,
  attempt: Attempt,
  settlement: Settlement,
): ResultAsync<Reply, PaymentError> => {
  // A fact, and not an outcome: Stripe itself still waits for the bank.
  if (settlement.outcome === 'processing') return errAsync(unknown(payment));
  return ctx
    .commit(settle(payment, attempt, settlement))
    .andThen(({ reply }) => (reply ? ok(reply) : err(unknown(payment))));
};

export const unknown = (payment: Payment): PaymentError =>
  paymentError('provider_unavailable', { outcome: 'unknown', payment: payment.id });

/** The change that makes an outcome known: payment, ledger, stored reply and event, in one commit. */
const settle = (payment: Payment, attempt: Attempt, settlement: Settlement): Change => ({
  merchant: payment.merchant,
  ...(attempt.claim === null ? {} : { answers: attempt.claim }),
  payment: { kind: 'settle', payment, attempt: attempt.id, settlement },
  reply: (result) =>
    result.match(
      ({ payment: settled }) => settledReply(settled ?? payment, attempt),
      (error) => errorReply(error, attempt.requestId),
    ),
  events: paymentEvents,
});

/**
 * A decline is told as the error that it is, and so is a payment that went another way while this was asked for: it
 * expired or was captured at Stripe. Anything else is told as the payment.
 */
const settledReply = (payment: Payment, { kind, requestId, replyStatus, showsSecret }: Attempt): Reply => {
  if (payment.lastError) return errorReply(declineOf(payment.lastError, payment), requestId);
  if (kind === 'capture' && payment.status !== 'succeeded')
    return errorReply(paymentError('payment_not_capturable', { payment: payment.id }), requestId);
  if (kind === 'cancel' && payment.status !== 'canceled')
    return errorReply(paymentError('payment_not_cancelable', { payment: payment.id }), requestId);
  if (kind === 'confirm' && payment.status === 'canceled')
    return errorReply(paymentError('payment_not_confirmable', { payment: payment.id }), requestId);
  return jsonReply(replyStatus, paymentView(payment, showsSecret));
};

const declineOf = ({ code, declineCode, message }: LastError, payment: Payment): PaymentError =>
  paymentError(code, { message, payment: payment.id, ...(declineCode === undefined ? {} : { declineCode }) });

/** What is told of a payment when its status has changed. */
export const paymentEvents = ({ payment }: Effect): Event[] =>
  payment
    ? [
        {
          merchant: payment.merchant,
          id: newId('evt'),
          type: payment.lastError ? 'payment.failed' : `payment.${payment.status}`,
          subject: payment.id,
          data: JSON.stringify(paymentView(payment, false)),
        },
      ]
    : [];

/** What is told of a dispute. */
export const disputeEvents = ({ dispute }: Effect): Event[] =>
  dispute
    ? [
        {
          merchant: dispute.merchant,
          id: newId('evt'),
          type: `dispute.${dispute.status}`,
          subject: dispute.payment,
          data: JSON.stringify(disputeView(dispute)),
        },
      ]
    : [];
