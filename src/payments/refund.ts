/**
 * Money goes back to the card. It is held in the wallet by the claim, so that it can be neither spent nor refunded
 * twice; it is posted when Stripe has sent it, and set free when Stripe could not. All ways to its outcome are here: the
 * answer, what Stripe tells by itself (an event, or a line of its balance), and the sweeper's. What each does to it is
 * decided in `domain/refunds.ts`.
 */
import { err, errAsync, ok, okAsync, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Answer, Applied, Change, Effect, Event, Reply } from '../domain/change.ts';
import type { RefundFact, RefundSettlement } from '../domain/fact.ts';
import { isChargeable } from '../domain/currency.ts';
import { idAt, newId, type PaymentId, type RefundId } from '../domain/ids.ts';
import type { Attempt, LastError, Payment, Refund, RefundAttempt } from '../domain/payment.ts';
import { jsonReply, refundView } from '../domain/reply.ts';
import { refundable } from '../domain/refunds.ts';
import type { ChargeError } from '../domain/refusals.ts';
import type { RefundView } from '../domain/views.ts';
import type { Micros } from '../domain/time.ts';
import { paymentError, withDetail, type PaymentError } from '../error.ts';
import { isOwned, newAttempt, notChargeable, unknown, unknownOf } from './attempt.ts';
import type { Recovery } from './recover.ts';
import { withStripe, type CardNeeds } from './with-stripe.ts';

export interface CreateRefund {
  readonly payment: PaymentId;
  /** In minor units; null for all that is left. */
  readonly amount: bigint | null;
  readonly reason: string | null;
}

const REFUSALS = [
  'payment_not_found',
  'payment_not_refundable',
  'refund_exceeds_payment',
  // The customer has spent the money: said under the lock, by `domain/move.ts`, from what the wallet has free.
  'insufficient_funds',
  'provider_refused',
] as const;
type Code = (typeof REFUSALS)[number];

/** Errors: those, and `provider_unavailable` where the outcome is unknown. */
export const createRefund = (
  ctx: CardNeeds,
  caller: Caller,
  wanted: CreateRefund,
): ResultAsync<Reply<RefundView>, ChargeError<Code> | PaymentError<'invalid_request'>> =>
  ctx.reads.payment(caller.merchant, wanted.payment).andThen((payment) => {
    if (wanted.amount !== null && !isChargeable(wanted.amount, payment.currency)) return errAsync(notChargeable());
    const left = refundable(payment);
    const createdAt = ctx.clock.now();
    const refund: Refund = {
      merchant: payment.merchant,
      id: newId('re', createdAt),
      payment: payment.id,
      // Of nothing that is left, one: refused under the lock, and under the key.
      amount: wanted.amount ?? (left > 0n ? left : 1n),
      currency: payment.currency,
      status: 'pending',
      reason: wanted.reason,
      failureReason: null,
      stripeId: null,
      posted: false,
      reversed: false,
      createdAt,
    };
    // At Stripe its key is the claim's id; it may be sent while its lease runs, and by the sweeper after that.
    const attempt: RefundAttempt = {
      ...newAttempt(ctx, caller, payment, { replyStatus: 201, showsSecret: false }),
      kind: 'refund',
      amount: refund.amount,
      refund: refund.id,
      reason: refund.reason,
    };
    // Where Stripe is known to be down nothing is claimed, and nothing has happened: a known key is answered all the same.
    return withStripe(ctx, caller, REFUSALS, () =>
      ctx
        .commit<RefundView, Code>({
          merchant: caller.merchant,
          claim: caller.claim,
          payment: { kind: 'refund', payment, refund, attempt },
          requestId: caller.requestId,
          refusals: REFUSALS,
        })
        .andThen((applied) => applied.answer ?? send(ctx, payment, attempt)),
    );
  });

const send = (
  ctx: Pick<Context, 'commit' | 'cards' | 'clock'>,
  payment: Payment,
  attempt: RefundAttempt,
): ResultAsync<Reply<RefundView>, ChargeError<Code>> => {
  if (!isOwned(ctx, attempt)) return errAsync(unknown(payment));
  return ctx.cards
    .refund(payment, attempt, 'first')
    .andThen((settlement) =>
      ctx.commit<RefundView, Code>({ ...settling(payment, attempt, settlement), refusals: REFUSALS }),
    )
    .mapErr((error) => withDetail(error, unknownOf(payment)))
    .andThen((applied) => applied.answer ?? err(unknown(payment)));
};

/** Makes a refund's outcome known that nobody may wait for any more; its answer is what was stored. Errors: that it could not be written. */
export const concludeRefund = (
  ctx: Pick<Context, 'commit'>,
  payment: Payment,
  attempt: RefundAttempt,
  settlement: RefundSettlement,
): ResultAsync<Applied, PaymentError> => ctx.commit(settling(payment, attempt, settlement));

/** The change that makes an attempt's outcome known, and answers who asked. */
const settling = (payment: Payment, attempt: RefundAttempt, settlement: RefundSettlement): Change<RefundView> => ({
  ...settlingRefund(payment, attempt.refund, settlement, attempt.id),
  ...(attempt.claim === null ? {} : { answers: attempt.claim }),
  requestId: attempt.requestId,
  answer: (effect) => refundAnswer(effect, settlement, payment),
});

/** The change that makes a refund's outcome known. */
const settlingRefund = (
  payment: Payment,
  refund: RefundId,
  settlement: RefundSettlement,
  attempt: Attempt['id'] | null,
): Change<RefundView> => ({
  merchant: payment.merchant,
  payment: { kind: 'settle refund', payment, refund, attempt, settlement },
  events: refundEvents,
});

/**
 * What Stripe has of a refund is applied to ours, whoever learned of it: the one whose tag it has, with the attempt that
 * still waits for it; or a new one, where it was made in the dashboard. Errors: that it could not be read or written; it is
 * tried again.
 */
export const refundTold = (
  ctx: Pick<Context, 'commit' | 'reads'>,
  payment: Payment,
  found: RefundFact,
): ResultAsync<Applied, PaymentError> => {
  const settlement = { found, refusal: null, stripeRequestId: null };
  // One that was made in the dashboard has an id that follows from Stripe's, and its time.
  const asStripes = (): ResultAsync<Applied, PaymentError> =>
    ctx.commit(settlingRefund(payment, idAt('re', found.stripeId, found.createdAt), settlement, null));
  const { ours } = found;
  if (ours === null) return asStripes();
  return ctx.reads
    .refund(payment.merchant, ours)
    .map((refund): Refund | undefined => refund)
    .orElse((error) => (error.code === 'refund_not_found' ? okAsync(undefined) : errAsync(error)))
    .andThen((known) => {
      // So has one that has the tag of another: somebody copied it.
      if (known && (known.payment !== payment.id || (known.stripeId ?? found.stripeId) !== found.stripeId))
        return asStripes();
      return ctx.reads
        .openRefundAttempt(payment.merchant, ours)
        .andThen((attempt) =>
          attempt
            ? concludeRefund(ctx, payment, attempt, settlement)
            : ctx.commit(settlingRefund(payment, ours, settlement, null)),
        );
    });
};

/** What a dead process left is asked of Stripe again, under the same key; what it then comes to is for `concludeRefund`. */
export const refundRecovery = (
  ctx: Pick<Context, 'cards'>,
  payment: Payment,
  attempt: RefundAttempt,
): Recovery<RefundFact, RefundSettlement> => ({
  send: () => ctx.cards.refund(payment, attempt, 'again'),
  look: () => ctx.cards.findRefund(payment, attempt),
  isTelling: () => true,
  settlement: (found, refusal) => ({ found, refusal: found ? null : (refusal ?? NO_RECORD), stripeRequestId: null }),
  isGuarded: false,
});

const NO_RECORD: LastError = { code: 'provider_refused', message: 'Stripe has no record of this refund.' };

/** What Stripe refused outright was never a refund: the caller is told why. */
const refundAnswer = (
  { refund }: Effect,
  { found, refusal }: RefundSettlement,
  payment: Payment,
): Answer<RefundView> => {
  if (refund && (refund.status !== 'failed' || found)) return ok(jsonReply(201, refundView(refund)));
  const message = refusal?.message;
  return err(paymentError('provider_refused', { payment: payment.id, ...(message ? { message } : {}) }));
};

const refundEvents = ({ refund }: Effect, now: Micros): Event[] =>
  refund
    ? [
        {
          merchant: refund.merchant,
          id: newId('evt', now),
          type: `refund.${refund.status}`,
          subject: refund.payment,
          data: JSON.stringify(refundView(refund)),
        },
      ]
    : [];
