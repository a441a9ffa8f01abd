/** An account's side of a transfer. */
import type { Account } from './account.ts';
import type { Currency } from './currency.ts';
import type { Span } from './cut.ts';
import type { AccountId, DisputeId, PaymentId, RefundId, TransferId } from './ids.ts';
import type { Micros } from './time.ts';

/** Credit: it received. */
export type Direction = 'debit' | 'credit';

export interface Entry {
  /** The transfer's. */
  readonly id: TransferId;
  /** Which it is of the account, from 1, without a gap. */
  readonly sequence: bigint;
  readonly postedAt: Micros;
  /** The business day of a reversal, `2026-03-31`. */
  readonly effectiveDate: string | null;
  readonly direction: Direction;
  /** A later version may have posted it. */
  readonly kind: string;
  /** Positive, in minor units. */
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly currency: Currency;
  readonly counter: AccountId;
  readonly payment: PaymentId | null;
  readonly refund: RefundId | null;
  readonly dispute: DisputeId | null;
  readonly payout: string | null;
  /** Stripe's id of what it is of. */
  readonly stripeId: string | null;
  readonly description: string | null;
  /** The transfer's own. */
  readonly reference: string | null;
  /** The merchant's id of what was paid for: an order, say. */
  readonly paymentReference: string | null;
}

/** What became of an account within a span; amounts in minor units. */
export interface Statement {
  readonly account: Account;
  readonly span: Span;
  readonly opening: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly closing: bigint;
  /** How many entries the account had before the span, and at its end: those in it have the numbers between. */
  readonly sequenceBefore: bigint;
  readonly sequence: bigint;
  readonly isFinal: boolean;
}
