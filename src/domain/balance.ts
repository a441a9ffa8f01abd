/** Stripe's balance: each thing that changed it, and what was paid out of it. */
import type { Currency } from './currency.ts';
import type { MerchantId, PaymentId } from './ids.ts';
import type { Micros } from './time.ts';

/** What a charge, a refund or a dispute of a payment brought, or took; all amounts in minor units. */
export interface BalanceTransaction {
  readonly merchant: MerchantId;
  /** Stripe's. */
  readonly id: string;
  readonly payment: PaymentId;
  /** Stripe's type of it, and its id of what caused it. */
  readonly kind: string;
  readonly source: string;
  /** What came in, before the fee; below zero where it went out. In the currency that Stripe settles in. */
  readonly gross: bigint;
  /** What Stripe kept of it; below zero where it gave a fee back. */
  readonly fee: bigint;
  readonly currency: Currency;
  /** The gross in the payment's own currency. */
  readonly charged: bigint;
  readonly chargedCurrency: Currency;
  readonly createdAt: Micros;
}

/** Failed: the bank has sent it back, before or after it was thought to be paid. */
export type PayoutStatus = 'paid' | 'failed';

/** Neither yet. */
export const ON_ITS_WAY = 'on its way';

/** A merchant's share of a payout: the sum of what its balance transactions came to. */
export interface PayoutShare {
  readonly merchant: MerchantId;
  /** Stripe's id. */
  readonly payout: string;
  readonly currency: Currency;
  /** Below zero where more went out than came in: the others' money paid for it, and it is taken from the bank. */
  readonly amount: bigint;
  readonly status: PayoutStatus;
  readonly createdAt: Micros;
}

/** What is recorded of a share: what was posted of it is taken back, whatever is known of it by then. */
export type KnownShare = Pick<PayoutShare, 'status' | 'amount'>;

/** Names a share: a payout is split once for each merchant. */
export const shareKey = ({ merchant, payout }: Pick<PayoutShare, 'merchant' | 'payout'>): string =>
  `${payout} ${merchant}`;
