/**
 * Refunds: asked for here or made at Stripe, until what became of them is posted. Pure. `lifecycle.ts` comes here with the
 * steps `refund` and `settle refund`; what is returned is among what `decide.ts` has written: the refund's row, its hold,
 * and the posting (`refund`: from the wallet to `stripe_clearing`).
 */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import type { Contradiction, ContradictionKind } from './contradiction.ts';
import type { RefundFact } from './fact.ts';
import { derivedId } from './ids.ts';
import type { Payment, Refund, SecondCharge } from './payment.ts';
import { posting } from './postings.ts';
import { holdOf, standingOf, toGoBackAgain, unchanged, type Step, type Stepped, type Subject } from './step.ts';
import type { Transfer } from './transfer.ts';

/** What of a payment can still go back: neither refunded, nor about to be, nor returned to the bank. */
export const refundable = ({ amountCaptured, amountRefunded, refundsPending, amountReturned }: Payment): bigint =>
  amountCaptured - amountRefunded - refundsPending - amountReturned;

/**
 * What was posted of all of them is looked at for each: whoever refunds by the cent would hold up everybody's batch. Those
 * that are asked for in one batch do not count each other: a few more do no harm.
 */
export const REFUNDS_MAX = 1_000;

/**
 * Held first: what is being refunded can be neither spent nor refunded again. Errors: `payment_not_refundable`,
 * `refund_exceeds_payment`; `insufficient_funds` is said by `move`, where the wallet has less than is to be held.
 */
export const refundAsked = (payment: Payment, parts: number, wanted: Refund): Result<Stepped, PaymentError> => {
  if (payment.status !== 'succeeded') return err(paymentError('payment_not_refundable', { payment: payment.id }));
  if (parts >= REFUNDS_MAX)
    return err(
      paymentError('payment_not_refundable', {
        payment: payment.id,
        message: `It was asked for ${REFUNDS_MAX} times: what is left of it goes back in Stripe's dashboard.`,
      }),
    );
  const left = refundable(payment);
  if (wanted.amount > left)
    return err(paymentError('refund_exceeds_payment', { payment: payment.id, param: 'amount' }));
  const after = { ...payment, refundsPending: payment.refundsPending + wanted.amount };
  return ok({ ...unchanged(after), isNews: true, refund: wanted, hold: holdOf(payment, wanted.amount) });
};

/** What became of a refund: what Stripe has of it is posted, be it asked for here or not; a refusal sets free what it held. */
export const refundSettled = (
  payment: Payment,
  { refund: asked, sameRefund: same, second }: Pick<Subject, 'refund' | 'sameRefund' | 'second'>,
  { refund: wanted, attempt, settlement: { found, refusal } }: Step<'settle refund'>,
): Result<Stepped, PaymentError> => {
  if (!found) {
    if (!asked) return err(paymentError('refund_not_found'));
    return ok(refundFailed(payment, asked, refusal?.message));
  }
  // What was asked for is here already: it went back once, and is one row.
  if (same && asked && same.id !== asked.id && asked.stripeId === null)
    return ok(refundFailed(payment, asked, `It went back as ${same.id}.`));
  const known = asked ?? same;
  const id = known?.id ?? wanted;
  // Another at Stripe has its tag, or came first: whoever learns of it posts it under an id of its own.
  if (known && (known.payment !== payment.id || (known.stripeId !== null && known.stripeId !== found.stripeId)))
    return err(paymentError('contention'));
  const standing = standingOf(payment, second, found.intent);
  if (standing === 'own') return ok(byRefundFact(payment, known, id, found));
  if (standing !== 'strange') return ok(secondReturned(payment, known, standing, id, found));
  // It is not believed; but an attempt of ours is of the payment's own.
  return attempt === null ? ok(unchanged(payment)) : err(paymentError('contention'));
};

/** What it held is free again. */
const refundFailed = (payment: Payment, known: Refund, reason: string | undefined): Stepped =>
  known.status === 'pending'
    ? withHold(payment, known, { ...known, status: 'failed', failureReason: reason ?? known.failureReason }, [])
    : unchanged(payment);

/** Money has moved once Stripe's balance has a line of the refund (`moved`), and is back where it has one of its failure. */
const byRefundFact = (payment: Payment, known: Refund | undefined, id: Refund['id'], found: RefundFact): Stepped => {
  // Of money that was held and let go: Stripe calls it a refund, and nothing has moved.
  if (!known && !found.moved && found.status !== 'pending') return unchanged(payment);
  const before = known ?? newRefund(payment, id, found);
  const { posted, reversed } = before;
  const posts = !posted && found.moved && found.status === 'succeeded';
  const reverses = (posted || posts) && !reversed && found.movedBack;
  // Stripe calls it done, and its balance does not show it yet: it is held until then.
  const status = found.status === 'succeeded' && !found.moved && !posted ? 'pending' : found.status;
  // A look that came late tells of what has gone by.
  const isLate = known !== undefined && known.status !== 'pending' && status === 'pending';
  const after: Refund = {
    ...before,
    // What Stripe sent back is what is posted, whatever was asked for.
    amount: posted ? before.amount : found.amount,
    status: isLate ? before.status : status,
    posted: posted || posts,
    reversed: reversed || reverses,
    stripeId: found.stripeId,
    failureReason: found.failureReason ?? before.failureReason,
  };
  const transfers = [
    ...(posts ? [posting('refund', payment, after.amount, derivedId('tr', id))] : []),
    ...(reverses ? [posting('refund_reversed', payment, after.amount, derivedId('tr', id, 1))] : []),
  ];
  const stepped = withHold(payment, known, after, transfers);
  const says = saying(payment, found);
  return {
    ...stepped,
    contradictions: [
      ...(posts && known?.status === 'failed'
        ? [says('refund_after_failure', 'Its money had been set free again.')]
        : []),
      ...(!known && found.ours !== null && found.ours !== id
        ? [says('second_refund', `Both have the tag of ${found.ours}.`)]
        : []),
    ],
  };
};

const newRefund = (payment: Payment, id: Refund['id'], found: RefundFact): Refund => ({
  merchant: payment.merchant,
  id,
  payment: payment.id,
  amount: found.amount,
  currency: payment.currency,
  status: found.status,
  reason: found.reason,
  failureReason: found.failureReason,
  stripeId: found.stripeId,
  posted: false,
  reversed: false,
  createdAt: found.createdAt,
});

/** What a refund holds, while it is pending, and what of the payment was refunded, follow from the refund. */
const withHold = (
  payment: Payment,
  known: Refund | undefined,
  after: Refund,
  transfers: readonly Transfer[],
): Stepped => {
  const heldOf = (refund: Refund | undefined): bigint => (refund?.status === 'pending' ? refund.amount : 0n);
  const refundedOf = (refund: Refund | undefined): bigint => (refund?.posted && !refund.reversed ? refund.amount : 0n);
  const hold = heldOf(after) - heldOf(known);
  return {
    ...unchanged({
      ...payment,
      refundsPending: payment.refundsPending + hold,
      amountRefunded: payment.amountRefunded + refundedOf(after) - refundedOf(known),
    }),
    refund: after,
    transfers,
    hold: hold === 0n ? null : holdOf(payment, hold),
    isNews: known?.status !== after.status || known.stripeId !== after.stripeId,
  };
};

const saying =
  ({ merchant, id }: Payment, { stripeId, amount, currency }: RefundFact) =>
  (kind: ContradictionKind, detail: string): Contradiction => ({
    merchant,
    kind,
    payment: id,
    subject: stripeId,
    amount,
    currency,
    detail,
  });

/** A refund of a second charge: what was to go back has gone. It touches no wallet. */
const secondReturned = (
  payment: Payment,
  known: Refund | undefined,
  second: SecondCharge,
  id: Refund['id'],
  found: RefundFact,
): Stepped => {
  const before = known ?? newRefund(payment, id, found);
  const posts = !before.posted && found.moved && found.status === 'succeeded';
  const reverses = (before.posted || posts) && !before.reversed && found.movedBack;
  const returned = second.returned + (posts ? found.amount : 0n) - (reverses ? found.amount : 0n);
  return {
    ...unchanged(payment),
    refund:
      known || posts
        ? { ...before, status: found.status, posted: before.posted || posts, reversed: before.reversed || reverses }
        : null,
    second: { ...second, returned },
    transfers: [
      ...(posts ? [posting('second_charge_returned', payment, found.amount, derivedId('tr', id))] : []),
      ...(reverses ? [posting('second_charge', payment, found.amount, derivedId('tr', id, 1))] : []),
    ],
    contradictions: reverses ? [toGoBackAgain(payment, second, returned, `Its refund ${found.stripeId} failed.`)] : [],
  };
};
