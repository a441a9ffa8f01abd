/**
 * Facts and beliefs.
 *
 * A fact is what Stripe has done, as it stands there now. It has Stripe's id, and what it moved is posted once, whatever
 * was believed before. A belief is what is concluded without Stripe's word: refused, never arrived, called off. It may
 * end a request; it never closes an ear, and gives way to a fact.
 */
import type { Currency } from './currency.ts';
import type { RefundId } from './ids.ts';
import type { AttemptOutcome, DisputeStatus, LastError, NextAction, PaymentStatus, RefundStatus } from './payment.ts';
import type { MethodFact } from './saved.ts';
import type { Micros } from './time.ts';

/** A PaymentIntent. */
export interface IntentFact {
  readonly intent: string;
  readonly status: PaymentStatus;
  /** What it was made for; all amounts are in minor units. */
  readonly amount: bigint;
  readonly currency: string;
  /** What was captured, by however many captures: it only grows, and may come to be more than was asked for. */
  readonly amountReceived: bigint;
  /** Stripe's id of the charge that the last attempt made; null where there is none. */
  readonly charge: string | null;
  /** What pays, or has tried to; null where Stripe does not say. */
  readonly paymentMethod: string | null;
  /** The same as it stands by itself, where Stripe was asked to show it and it is a customer's. */
  readonly method?: MethodFact;
  readonly nextAction: NextAction | null;
  readonly lastError: LastError | null;
}

/** What an attempt at a payment came to. */
export interface Settlement {
  readonly outcome: AttemptOutcome;
  /** Why what was asked for was not done. */
  readonly refusal: LastError | null;
  /** The intent as it then stood; null where Stripe has none, or none was found: then the outcome is a belief. */
  readonly found: IntentFact | null;
  /** Nobody can rule out that an intent exists, or will. */
  readonly mayExist: boolean;
  /** Stripe's Request-Id of the reply that told it; null where it was read from the object. */
  readonly stripeRequestId: string | null;
}

/** What a PaymentIntent means for the attempt that asked for it. */
export const settlementOf = (found: IntentFact, stripeRequestId: string | null): Settlement => ({
  outcome: outcomeOf(found.status),
  refusal: found.lastError,
  found,
  mayExist: false,
  stripeRequestId,
});

const OUTCOMES = {
  requires_payment_method: 'declined',
  requires_confirmation: 'failed',
  requires_action: 'requires_action',
  processing: 'processing',
  requires_capture: 'requires_capture',
  succeeded: 'succeeded',
  canceled: 'canceled',
} as const satisfies Record<PaymentStatus, AttemptOutcome>;

/** What an attempt came to that left an intent so. */
export const outcomeOf = (status: PaymentStatus): AttemptOutcome => OUTCOMES[status];

export interface RefundFact {
  readonly stripeId: string;
  /** Ours, by its tag; null for one that was made in the dashboard. */
  readonly ours: RefundId | null;
  /** The PaymentIntent that it is of. */
  readonly intent: string | null;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly status: RefundStatus;
  /** Whether it has changed Stripe's balance: one of money that was held, and let go, never does. */
  readonly moved: boolean;
  /** Whether the bank has sent it back, and Stripe's balance has it again. */
  readonly movedBack: boolean;
  readonly reason: string | null;
  readonly failureReason: string | null;
  readonly createdAt: Micros;
}

/** What an attempt at a refund came to: what Stripe has of it, or why there is none. */
export interface RefundSettlement {
  readonly found: RefundFact | null;
  readonly refusal: LastError | null;
  readonly stripeRequestId: string | null;
}

/** A debit that has come back from the bank, without a dispute, as a line of Stripe's balance tells it. */
export interface ReturnFact {
  readonly intent: string;
  /** Whether it is the charge by which that is paid. One that failed while it was processing was credited to nobody. */
  readonly isOfPaid: boolean;
  /** Stripe's id of the line: there is one return for it. */
  readonly line: string;
  /** Positive, in the payment's currency. */
  readonly amount: bigint;
  readonly reason: LastError;
  readonly createdAt: Micros;
}

/** What one balance transaction of a dispute took (below zero) or gave back, in the payment's currency. */
export interface DisputeLine {
  readonly id: string;
  readonly amount: bigint;
  readonly createdAt: Micros;
}

export interface DisputeFact {
  readonly stripeId: string;
  readonly intent: string | null;
  readonly amount: bigint;
  readonly reason: string | null;
  /**
   * An inquiry takes nothing, as long as it is one. One that was prevented was resolved for the cardholder before it was a
   * dispute: by a refund, which is told by itself, or by what its lines take.
   */
  readonly status: DisputeStatus | 'inquiry' | 'prevented';
  readonly lines: readonly DisputeLine[];
  readonly createdAt: Micros;
}
