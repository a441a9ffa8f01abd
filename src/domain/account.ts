/** Accounts: balances in one currency, in which debits and credits are counted apart and never taken back. */
import type { Currency } from './currency.ts';
import {
  PLATFORM_KINDS,
  platformAccountId,
  walletOwner,
  type PlatformKind,
  type AccountId,
  type CustomerId,
  type MerchantId,
} from './ids.ts';
import type { Micros } from './time.ts';

/**
 *   wallet           what a merchant owes to a customer, who may spend it
 *   stripe_clearing  what Stripe has charged for the merchant, and not yet paid out
 *   revenue          what customers have spent
 *   stripe_fees      what Stripe has kept
 *   disputes         what is disputed
 *   bank             what has arrived there
 *   exchange         what Stripe has turned from one currency into another
 *   to_return        what was charged a second time for one payment, and is to go back
 */
export type AccountKind = 'wallet' | PlatformKind;

export interface Account {
  readonly merchant: MerchantId;
  readonly id: AccountId;
  readonly kind: AccountKind;
  /** Whose wallet; null for a platform account. */
  readonly customer: CustomerId | null;
  readonly currency: Currency;
  /** Sums of all transfers out of and into it, in minor units. */
  readonly debits: bigint;
  readonly credits: bigint;
  /** Held for refunds under way, in minor units. */
  readonly pending: bigint;
  /** How many transfers it has had. */
  readonly sequence: bigint;
  /** When the last one was posted. */
  readonly postedAt: Micros;
}

/** What an account held before a cut. */
export interface PastBalance {
  readonly account: AccountId;
  readonly currency: Currency;
  /** In minor units. */
  readonly posted: bigint;
  /** Null where the rows do not say. */
  readonly pending: bigint | null;
  readonly sequence: bigint;
}

/** What it holds, in minor units: below zero for what the merchant owns rather than owes. */
export const posted = (account: Account): bigint => account.credits - account.debits;

/** What may be spent of it, in minor units. */
export const available = (account: Account): bigint => posted(account) - account.pending;

export interface Owner {
  readonly kind: AccountKind;
  readonly customer: CustomerId | null;
}

/** Whose account this id would name: one of the merchant's own, or the wallet of a customer, who may not exist. */
export const ownerOf = (merchant: MerchantId, account: AccountId, currency: Currency): Owner => {
  const kind = PLATFORM_KINDS.find((platform) => platformAccountId(merchant, platform, currency) === account);
  return kind ? { kind, customer: null } : { kind: 'wallet', customer: walletOwner(account, currency) };
};
