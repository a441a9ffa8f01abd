/**
 * Where Stripe and the books say different things, or nobody but a person can say what is to be done. Nothing of it is
 * dropped: it is written down once, counted while it is open, and closed by a fact or by a person.
 */
import type { MerchantId, PaymentId } from './ids.ts';

/** Each kind, and what a person is told of it. */
export const CONTRADICTIONS = {
  paid_after_refusal: 'It was paid, after its caller had been told that nothing was charged.',
  paid_after_cancel: 'It was paid, or is held on the card, after it had been called off.',
  second_charge: 'The customer was charged a second time for one payment: that money is to go back.',
  second_intent: 'Another PaymentIntent than its own paid for it, or holds money for it.',
  over_captured: 'More was captured than the payment was made for.',
  intent_differs: 'A PaymentIntent with the tag of this payment is of another amount or currency: it is not believed.',
  intent_reused: 'A PaymentIntent that pays for one payment has the tag of another: it is not believed.',
  orphan_intent: 'A PaymentIntent with our tag is of a payment that the database does not know.',
  refund_after_failure: 'A refund moved money, after it had been taken for failed.',
  dispute_turned: 'A dispute that was decided was decided again, the other way.',
  second_refund: 'Stripe has two refunds that say that they are one of ours: both are posted.',
  payout_differs:
    'A payout is another sum than what is known of it, was made by hand, or cannot be split, again and again.',
  line_not_posted: "A transaction of Stripe's balance could not be posted, again and again.",
  event_not_applied: "An event of Stripe's could not be applied, again and again.",
  outcome_undecided: 'What became of an attempt could not be found out, again and again.',
} as const;
export type ContradictionKind = keyof typeof CONTRADICTIONS;

export const CONTRADICTION_KINDS = Object.keys(CONTRADICTIONS) as readonly ContradictionKind[];

export interface Contradiction {
  /** Null where it is nobody's, or not one merchant's alone. */
  readonly merchant: MerchantId | null;
  readonly kind: ContradictionKind;
  readonly payment: PaymentId | null;
  /** What it is about: Stripe's id, or an attempt's. With the kind it names the contradiction. */
  readonly subject: string;
  /** In minor units, where it is about money. */
  readonly amount: bigint | null;
  readonly currency: string | null;
  /** What happened, for a person. */
  readonly detail: string;
}
