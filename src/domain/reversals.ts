/** Money that goes back: refunds, and what cardholders' banks take. Pure. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import type { Contradiction, ContradictionKind } from './contradiction.ts';
import type { DisputeFact, DisputeLine, RefundFact } from './fact.ts';
import { derivedId, idAt } from './ids.ts';
import type { Dispute, Payment, Refund, SecondCharge } from './payment.ts';
import { posting } from './postings.ts';
import { holdOf, standingOf, unchanged, type Step, type Stepped, type Subject } from './step.ts';
import type { Transfer } from './transfer.ts';

/** What of a payment can still go back: neither refunded, nor about to be, nor returned to the bank. */
export const refundable = ({ amountCaptured, amountRefunded, refundsPending, amountReturned }: Payment): bigint =>
  amountCaptured - amountRefunded - refundsPending - amountReturned;

/** Held first: what is being refunded can be neither spent nor refunded again. */
export const refundAsked = (payment: Payment, wanted: Refund): Result<Stepped, PaymentError> => {
  if (payment.status !== 'succeeded') return err(paymentError('payment_not_refundable', { payment: payment.id }));
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

/** It had gone back, and is here again. */
const toGoBackAgain = (
  { merchant, id }: Payment,
  { intent, currency, received }: SecondCharge,
  returned: bigint,
  detail: string,
): Contradiction => ({
  merchant,
  kind: 'second_charge',
  payment: id,
  subject: intent,
  amount: received - returned,
  currency,
  detail,
});

/**
 * What a dispute took and gave back is posted line by line, as Stripe's balance has it. Its status decides only what is
 * left at the end: where the bank keeps it, the wallet has lost it; or, of a second charge, what was to go back has gone.
 */
export const disputed = (
  payment: Payment,
  known: Dispute | undefined,
  charge: SecondCharge | undefined,
  { dispute: id, found }: Step<'dispute'>,
): Stepped => {
  const standing = standingOf(payment, charge, found.intent);
  if (standing === 'strange') return unchanged(payment);
  const second = standing === 'own' ? null : standing;
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
    earlier: { opened: 0n, won: 0n, lost: 0n },
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
  // The release before has posted in one sum what the first lines come to: only what they have beyond it is new.
  const { earlier } = before;
  const taken = larger(withdrawn, earlier.opened);
  const given = larger(reinstated, earlier.won);
  const kept = taken > given ? taken - given : 0n;
  const lost = status === 'lost' ? kept : 0n;
  const turn = lost - (before.lost === 0n && before.turns === 0 ? earlier.lost : before.lost);
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
      ...linePostings(payment, before, fresh),
      ...(turn > 0n ? [posting(second ? 'second_charge_disputed' : 'dispute_lost', payment, turn, turnId)] : []),
      ...(turn < 0n
        ? [posting(second ? 'second_charge_dispute_returned' : 'dispute_loss_returned', payment, -turn, turnId)]
        : []),
    ],
    second: second && { ...second, returned: second.returned + turn },
    contradictions: [
      ...(second && turn < 0n
        ? [toGoBackAgain(payment, second, second.returned + turn, `The bank decided ${found.stripeId} the other way.`)]
        : []),
      ...(isTurned ? [turned(payment, found, kept, `It was ${before.status}, and is ${status}.`)] : []),
    ],
    isNews: !known || status !== before.status,
  };
};

const larger = (one: bigint, other: bigint): bigint => (one > other ? one : other);

/** One for each line, of what it has beyond what the release before has posted. */
const linePostings = (
  payment: Payment,
  { withdrawn, reinstated, earlier }: Dispute,
  fresh: readonly DisputeLine[],
): Transfer[] => {
  const sums = { dispute_opened: withdrawn, dispute_reinstated: reinstated };
  const posted = { dispute_opened: earlier.opened, dispute_reinstated: earlier.won };
  return fresh.flatMap(({ id, amount, createdAt }) => {
    const rule = amount < 0n ? 'dispute_opened' : 'dispute_reinstated';
    const before = larger(sums[rule], posted[rule]);
    sums[rule] += amount < 0n ? -amount : amount;
    const more = larger(sums[rule], posted[rule]) - before;
    return more === 0n ? [] : [posting(rule, payment, more, idAt('tr', `${id} dispute`, createdAt))];
  });
};

const turned = (
  { merchant, id, currency }: Payment,
  { stripeId }: DisputeFact,
  amount: bigint,
  detail: string,
): Contradiction => ({ merchant, kind: 'dispute_turned', payment: id, subject: stripeId, amount, currency, detail });
