/** Disputes: what cardholders' banks take, give back and keep. Pure. */
import type { Contradiction } from './contradiction.ts';
import type { DisputeFact, DisputeLine } from './fact.ts';
import { idAt } from './ids.ts';
import type { Dispute, Payment, SecondCharge } from './payment.ts';
import { posting } from './postings.ts';
import { standingOf, toGoBackAgain, unchanged, type Step, type Stepped } from './step.ts';
import type { Transfer } from './transfer.ts';

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
  const isNone = found.status === 'inquiry' || found.status === 'prevented';
  if (!known && found.lines.length === 0 && isNone) return unchanged(payment);
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
  const told = found.status === 'inquiry' ? 'open' : found.status === 'prevented' ? 'lost' : found.status;
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
