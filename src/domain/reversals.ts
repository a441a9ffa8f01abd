/** Money that goes back: refunds, and what cardholders' banks take. Pure. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import type { Contradiction } from './contradiction.ts';
import type { RefundFact } from './fact.ts';
import { derivedId, idAt } from './ids.ts';
import type { Dispute, Payment, Refund, SecondCharge } from './payment.ts';
import { posting } from './postings.ts';
import { holdOf, unchanged, type Step, type Stepped } from './step.ts';
import type { Transfer } from './transfer.ts';

/** Held first: what is being refunded can be neither spent nor refunded again. */
export const refundAsked = (payment: Payment, wanted: Refund): Result<Stepped, PaymentError> => {
  if (payment.status !== 'succeeded') return err(paymentError('payment_not_refundable', { payment: payment.id }));
  const left = payment.amountCaptured - payment.amountRefunded - payment.refundsPending;
  if (wanted.amount > left)
    return err(paymentError('refund_exceeds_payment', { payment: payment.id, param: 'amount' }));
  const after = { ...payment, refundsPending: payment.refundsPending + wanted.amount };
  return ok({ ...unchanged(after), isNews: true, refund: wanted, hold: holdOf(payment, wanted.amount) });
};

/** What became of a refund: what Stripe has of it is posted, be it asked for here or not; a refusal sets free what it held. */
export const refundSettled = (
  payment: Payment,
  known: Refund | undefined,
  second: SecondCharge | undefined,
  { refund: id, settlement: { found, refusal } }: Step<'settle refund'>,
): Result<Stepped, PaymentError> => {
  if (!found) {
    if (!known) return err(paymentError('refund_not_found'));
    if (known.status !== 'pending') return ok(unchanged(payment));
    const failed: Refund = { ...known, status: 'failed', failureReason: refusal?.message ?? known.failureReason };
    return ok(withHold(payment, known, failed, []));
  }
  if (payment.intent !== null && found.intent !== null && payment.intent !== found.intent)
    return ok(secondReturned(payment, known, second, id, found));
  return ok(byRefundFact(payment, known, id, found));
};

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
    status: isLate ? before.status : status,
    posted: posted || posts,
    reversed: reversed || reverses,
    stripeId: found.stripeId,
    failureReason: found.failureReason ?? before.failureReason,
  };
  const transfers = [
    ...(posts ? [posting('refund', payment, before.amount, derivedId('tr', id))] : []),
    ...(reverses ? [posting('refund_reversed', payment, before.amount, derivedId('tr', id, 1))] : []),
  ];
  const stepped = withHold(payment, known, after, transfers);
  const contradicts = posts && known?.status === 'failed';
  return contradicts ? { ...stepped, contradictions: [afterFailure(payment, found)] } : stepped;
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

const afterFailure = ({ merchant, id }: Payment, { stripeId, amount, currency }: RefundFact): Contradiction => ({
  merchant,
  kind: 'refund_after_failure',
  payment: id,
  subject: stripeId,
  amount,
  currency,
  detail: 'Its money had been set free again.',
});

/** A refund of a second charge: what was to go back has gone. It touches no wallet. */
const secondReturned = (
  payment: Payment,
  known: Refund | undefined,
  second: SecondCharge | undefined,
  id: Refund['id'],
  found: RefundFact,
): Stepped => {
  if (!second) return unchanged(payment);
  const posts = !known?.posted && found.moved && found.status === 'succeeded';
  const reverses = known?.posted === true && !known.reversed && found.movedBack;
  if (!posts && !reverses) return unchanged(payment);
  const amount = posts ? found.amount : -found.amount;
  const rule = posts ? 'second_charge_returned' : 'second_charge';
  return {
    ...unchanged(payment),
    refund: { ...(known ?? newRefund(payment, id, found)), status: found.status, posted: true, reversed: reverses },
    second: { ...second, returned: second.returned + amount },
    transfers: [posting(rule, payment, found.amount, derivedId('tr', id, posts ? 0 : 1))],
  };
};

/**
 * What a dispute took and gave back is posted line by line, as Stripe's balance has it. Its status decides only what is
 * left at the end: where the bank keeps it, the wallet has lost it.
 */
export const disputed = (
  payment: Payment,
  known: Dispute | undefined,
  { dispute: id, found }: Step<'dispute'>,
): Stepped => {
  if (!known && found.lines.length === 0 && found.status === 'inquiry') return unchanged(payment);
  const before: Dispute = known ?? {
    merchant: payment.merchant,
    id,
    payment: payment.id,
    amount: found.amount,
    currency: payment.currency,
    status: 'open',
    reason: found.reason,
    stripeId: found.stripeId,
    withdrawn: 0n,
    reinstated: 0n,
    lines: [],
    lost: 0n,
    turns: 0,
    createdAt: found.createdAt,
  };
  const fresh = found.lines.filter((line) => !before.lines.includes(line.id));
  const sum = (sign: bigint): bigint =>
    fresh.reduce((total, { amount }) => (amount * sign > 0n ? total + amount * sign : total), 0n);
  const told = found.status === 'inquiry' ? 'open' : found.status;
  // Once it is decided, a look that came late does not open it again.
  const status = before.status !== 'open' && told === 'open' ? before.status : told;
  const withdrawn = before.withdrawn + sum(-1n);
  const reinstated = before.reinstated + sum(1n);
  const kept = withdrawn > reinstated ? withdrawn - reinstated : 0n;
  const lost = status === 'lost' ? kept : 0n;
  const turn = lost - before.lost;
  const after: Dispute = {
    ...before,
    status,
    withdrawn,
    reinstated,
    lines: [...before.lines, ...fresh.map((line) => line.id)],
    lost,
    turns: before.turns + (turn === 0n ? 0 : 1),
  };
  const turnId = idAt('tr', `${found.stripeId} lost ${before.turns}`, before.createdAt);
  const isTurned = before.status !== 'open' && status !== before.status;
  return {
    ...unchanged(payment),
    dispute: after,
    transfers: [
      ...fresh.flatMap(({ id: line, amount, createdAt }) => {
        if (amount === 0n) return [];
        const rule = amount < 0n ? 'dispute_opened' : 'dispute_reinstated';
        return [posting(rule, payment, amount < 0n ? -amount : amount, idAt('tr', `${line} dispute`, createdAt))];
      }),
      ...(turn > 0n ? [posting('dispute_lost', payment, turn, turnId)] : []),
      ...(turn < 0n ? [posting('dispute_loss_returned', payment, -turn, turnId)] : []),
    ],
    contradictions: isTurned
      ? [
          {
            merchant: payment.merchant,
            kind: 'dispute_turned',
            payment: payment.id,
            subject: found.stripeId,
            amount: kept,
            currency: payment.currency,
            detail: `It was ${before.status}, and is ${status}.`,
          },
        ]
      : [],
    isNews: !known || status !== before.status,
  };
};
