/** Safeguards that can be taken out, one at a time: a proof that does not miss them proves nothing. */
import { okAsync } from 'neverthrow';
import type { Context } from '../../../src/context.ts';
import type { Change, PaymentStep } from '../../../src/domain/change.ts';

type Alter = (right: Context) => Context;

export type Mend =
  | 'resend-refusals'
  | 'late-objects'
  | 'cancel-at-stripe'
  | 'open-ears'
  | 'second-charges'
  | 'refunds-elsewhere'
  | 'dispute-lines'
  | 'claim-tags'
  | 'captures-anew'
  | 'orphan-sweep';

/** Each is what the service does, and what it would do without. */
export const MENDS: Readonly<Record<Mend, Alter>> = {
  /** A refusal of what was sent before tells nothing of the first send. Without: it is taken for its answer. */
  'resend-refusals': (right) => ({
    ...right,
    cards: {
      ...right.cards,
      send: (payment, attempt) => right.cards.send(payment, attempt, 'first'),
      refund: (payment, attempt) => right.cards.refund(payment, attempt, 'first'),
    },
  }),
  /** After a 500 Stripe may still make it: looks go on for hours. Without: what is not there after a minute never was. */
  'late-objects': (right) => ({
    ...right,
    leases: {
      ...right.leases,
      takeAbandoned: (...asked) =>
        right.leases
          .takeAbandoned(...asked)
          .map((taken) => taken.map((abandoned) => ({ ...abandoned, trouble: null }))),
    },
    cards: {
      ...right.cards,
      send: (...asked) => right.cards.send(...asked).mapErr((error) => ({ ...error, serverError: false })),
      refund: (...asked) => right.cards.refund(...asked).mapErr((error) => ({ ...error, serverError: false })),
    },
  }),
  /** A cancellation asks Stripe. Without: it is a word of ours alone. */
  'cancel-at-stripe': (right) => ({
    ...right,
    cards: {
      ...right.cards,
      send: (payment, attempt, nth) =>
        attempt.kind === 'cancel'
          ? okAsync({ outcome: 'canceled', refusal: null, found: null, mayExist: true, stripeRequestId: null })
          : right.cards.send(payment, attempt, nth),
    },
  }),
  /** What Stripe has is posted whatever was believed. Without: who is at his end hears nothing. */
  'open-ears': ignoring((step) => step.kind === 'observe' && ['canceled', 'succeeded'].includes(step.payment.status)),
  /** Another PaymentIntent that took money is booked as what it is. Without: it is dropped. */
  'second-charges': ignoring(
    (step) => step.kind === 'observe' && step.payment.intent !== null && step.payment.intent !== step.found.intent,
  ),
  /** A refund that was made in the dashboard is posted. Without: only those that were asked for here are. */
  'refunds-elsewhere': ignoring((step) => step.kind === 'settle refund' && step.settlement.found?.ours === null),
  /** Disputes are posted from the lines of the balance. Without: from their amount, once. */
  'dispute-lines': (right) => ({
    ...right,
    commit: (change: Change) => {
      const { payment: step } = change;
      if (step?.kind !== 'dispute') return right.commit(change);
      const { found } = step;
      const lines = [{ id: found.stripeId, amount: -found.amount, createdAt: found.createdAt }];
      return right.commit({ ...change, payment: { ...step, found: { ...found, lines } } });
    },
  }),
  /** What an attempt made has the tag of its claim. Without: whatever names the payment is taken for it. */
  'claim-tags': (right) => ({
    ...right,
    reads: {
      ...right.reads,
      attempt: (...of) => right.reads.attempt(...of).map((one) => ({ ...one, stripeKey: one.id })),
    },
    stripeEvents: {
      ...right.stripeEvents,
      intent: (id) => right.stripeEvents.intent(id).map((found) => found && { ...found, claim: null }),
    },
  }),
  /** What Stripe failed at, and can be done but once, is sent anew. Without: under its key, which repeats the failure. */
  'captures-anew': (right) => ({
    ...right,
    cards: {
      ...right.cards,
      send: (payment, attempt, nth) =>
        right.cards.send(payment, { ...attempt, stripeKey: keyOf(attempt.stripeKey, attempt.fence) }, nth),
    },
  }),
  /** Stripe's list is read for PaymentIntents that nobody here knows. Without: only events and the balance tell. */
  'orphan-sweep': (right) => ({ ...right, intents: { ...right.intents, unknown: () => okAsync(new Set<string>()) } }),
};

/** That of the first send. */
const keyOf = (stripeKey: string, fence: number): string => {
  const end = `-${fence}`;
  return stripeKey.endsWith(end) ? stripeKey.slice(0, -end.length) : stripeKey;
};

export const isMend = (name: string): name is Mend => name in MENDS;

/** The service without one of them. */
export const without = (mend: Mend): Alter => MENDS[mend];

function ignoring(isDeaf: (step: PaymentStep) => boolean): Alter {
  return (right) => ({
    ...right,
    commit: (change: Change) =>
      change.payment && isDeaf(change.payment) ? right.commit({ merchant: change.merchant }) : right.commit(change),
  });
}
