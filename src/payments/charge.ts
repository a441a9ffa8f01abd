/**
 * One attempt to have a payment paid: Stripe is called outside any transaction, between two commits.
 *
 * The first commit (claim) has written the payment as `processing`, with the attempt and its Stripe key. Whoever learns
 * the outcome settles it with the second: the request, or, if it died, the sweeper. The first wins.
 */
import { err, errAsync, ok, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Change, Event, Reply, Settlement } from '../domain/change.ts';
import { newId, platformAccountId, walletId } from '../domain/ids.ts';
import type { Attempt, LastError, Payment } from '../domain/payment.ts';
import { errorReply, jsonReply, paymentView } from '../domain/reply.ts';
import type { Transfer } from '../domain/transfer.ts';
import { paymentError, type PaymentError } from '../error.ts';

/**
 * How long an attempt belongs to the request that began it: Stripe's timeout (8 s) and a margin for the commits. After
 * that the sweeper may take it. A request that outlives it (the package repeats a reset connection once) does no harm:
 * both send the same key, and the first to settle wins.
 */
export const LEASE_MS = 10_000;

/** Sends an attempt to Stripe and settles what it says. Errors: `provider_unavailable`, with `outcome: unknown`. */
export const charge = (ctx: Context, payment: Payment, attempt: Attempt): ResultAsync<Reply, PaymentError> => {
  // A process that was paused until now may not send: someone else may have, and Stripe may have forgotten the key.
  if (ctx.clock.now() >= attempt.ownedUntil) return errAsync(unknown(payment));
  return ctx.cards
    .confirm(payment, attempt)
    .andThen((settlement) => conclude(ctx, payment, attempt, settlement))
    .mapErr((error) => ({ ...error, outcome: 'unknown', payment: payment.id }));
};

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

const unknown = (payment: Payment): PaymentError =>
  paymentError('provider_unavailable', { outcome: 'unknown', payment: payment.id });

/** The change that makes an outcome known: payment, ledger, stored reply and event, in one commit. */
const settle = (payment: Payment, attempt: Attempt, settlement: Settlement): Change => ({
  merchant: payment.merchant,
  ...(attempt.claim === null ? {} : { answers: attempt.claim }),
  payment: { kind: 'settle', payment: payment.id, attempt: attempt.number, settlement },
  transfers: settlement.outcome === 'succeeded' ? [received(payment, settlement.amountCaptured)] : [],
  reply: (result) =>
    result.match(
      ({ payment: settled }) => settledReply(settled ?? payment, attempt),
      (error) => errorReply(error, attempt.requestId),
    ),
  events: ({ payment: settled }) => (settled ? [paymentEvent(settled)] : []),
});

/** Money that Stripe has taken for the merchant, and that the merchant now owes to the customer. It is a fact. */
const received = (payment: Payment, amount: bigint): Transfer => ({
  merchant: payment.merchant,
  id: newId('tr'),
  kind: 'payment',
  debit: platformAccountId(payment.merchant, 'stripe_clearing', payment.currency),
  credit: walletId(payment.customer, payment.currency),
  amount,
  currency: payment.currency,
  limit: 'none',
  description: null,
  payment: payment.id,
});

/** A decline is told as the error that it is; anything else as the payment. */
const settledReply = (payment: Payment, attempt: Attempt): Reply =>
  payment.lastError
    ? errorReply(declineOf(payment.lastError, payment), attempt.requestId)
    : jsonReply(attempt.replyStatus, paymentView(payment, attempt.showsSecret));

const declineOf = ({ code, declineCode, message }: LastError, payment: Payment): PaymentError =>
  paymentError(code, { message, payment: payment.id, ...(declineCode === undefined ? {} : { declineCode }) });

const paymentEvent = (payment: Payment): Event => ({
  merchant: payment.merchant,
  id: newId('evt'),
  type: payment.lastError ? 'payment.failed' : `payment.${payment.status}`,
  subject: payment.id,
  data: JSON.stringify(paymentView(payment, false)),
});
