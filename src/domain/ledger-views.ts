/** What the API shows of the ledger, field for field: see `views.ts`. */
import type { AccountKind } from './account.ts';
import type { PayoutStatus } from './balance.ts';
import type { Category } from './category.ts';
import type { Direction } from './entry.ts';
import type { PeriodFile } from './period.ts';

/** In every view of what an account holds. */
export interface BalanceFields {
  readonly currency: string;
  readonly exponent: number;
  readonly posted: string;
  readonly pending: string;
  readonly available: string;
  readonly decimal: string;
  readonly sequence: string;
}

export interface BalanceView extends Omit<BalanceFields, 'pending' | 'available'> {
  readonly object: 'balance';
  readonly account: string;
  /** Null where what was held at that time is not recorded. */
  readonly pending: string | null;
  readonly available: string | null;
  readonly as_of: string;
  /** The zone in which the day was meant, where a time was asked for. */
  readonly tz?: string;
  /** It will never change. */
  readonly final: boolean;
}

export interface BalancesView {
  readonly object: 'balances';
  readonly as_of: string;
  readonly tz?: string;
  readonly final: boolean;
  readonly data: readonly BalanceView[];
}

/** An account's side of a transfer, newest or oldest first. */
export interface EntryView {
  readonly object: 'entry';
  readonly id: string;
  readonly sequence: string;
  readonly posted_at: string;
  readonly effective_date: string | null;
  readonly direction: Direction;
  readonly category: Category;
  readonly amount: string;
  readonly balance_after: string;
  readonly currency: string;
  readonly counter_account: string;
  readonly payment: string | null;
  readonly refund: string | null;
  readonly dispute: string | null;
  readonly payout: string | null;
  readonly stripe_id: string | null;
  readonly description: string | null;
  readonly reference: string | null;
  readonly payment_reference: string | null;
}

export interface StatementView {
  readonly object: 'statement';
  readonly account: string;
  readonly kind: AccountKind;
  readonly customer: string | null;
  readonly currency: string;
  readonly exponent: number;
  readonly from: string | null;
  readonly to: string;
  readonly tz: string;
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
  readonly count: number;
  /** Of the first and the last entry in it; null where there is none. */
  readonly first_sequence: string | null;
  readonly last_sequence: string | null;
  readonly final: boolean;
}

export interface AccountView extends BalanceFields {
  readonly id: string;
  readonly object: 'account';
  readonly kind: AccountKind;
  readonly customer: string | null;
}

export interface TrialBalanceView {
  readonly object: 'trial_balance';
  /** Since when the movement is told; null: from the beginning. */
  readonly from: string | null;
  readonly as_of: string;
  readonly tz: string;
  readonly final: boolean;
  readonly balanced: boolean;
  readonly currencies: readonly TrialBalanceCurrencyView[];
}

/** What a trial balance says of an account, and of all. */
interface TrialBalanceFields {
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
}

export interface TrialBalanceCurrencyView extends TrialBalanceFields {
  readonly currency: string;
  readonly balanced: boolean;
  readonly accounts: readonly TrialBalanceLineView[];
}

/** One account, or all wallets of that currency together. */
export interface TrialBalanceLineView extends TrialBalanceFields {
  readonly kind: AccountKind;
  readonly account: string | null;
  readonly accounts: number;
  /** The same as `closing`. */
  readonly balance: string;
}

/** What moved the balance at Stripe. */
export interface ActivityView {
  readonly object: 'activity';
  readonly from: string | null;
  readonly to: string;
  readonly tz: string;
  readonly final: boolean;
  readonly currencies: readonly ActivityCurrencyView[];
}

export interface ActivityCurrencyView {
  readonly currency: string;
  readonly opening: string;
  readonly closing: string;
  readonly categories: readonly ActivityCategoryView[];
}

export interface ActivityCategoryView {
  readonly category: Category;
  readonly count: number;
  readonly gross: string;
  readonly fee: string;
  readonly net: string;
}

/** A merchant's share of one of Stripe's payouts. */
export interface PayoutView {
  readonly id: string;
  readonly object: 'payout';
  readonly currency: string;
  readonly amount: string;
  readonly status: PayoutStatus;
  readonly transactions: number;
  readonly transactions_net: string;
  readonly remainder: string;
  readonly created_at: string;
}

export interface BalanceTransactionView {
  readonly id: string;
  readonly object: 'balance_transaction';
  readonly type: string;
  readonly category: Category;
  readonly source: string;
  readonly payment: string;
  readonly payout: string | null;
  readonly currency: string;
  readonly gross: string;
  readonly fee: string;
  readonly net: string;
  readonly charged: string;
  readonly charged_currency: string;
  readonly created_at: string;
}

/** What was charged in some days. */
export interface VolumeView {
  readonly object: 'volume';
  readonly from: string;
  readonly to: string;
  readonly tz: string;
  readonly currencies: readonly VolumeCurrencyView[];
  readonly declines: readonly DeclinesView[];
}

interface VolumeSums {
  readonly payments: number;
  readonly succeeded: number;
  readonly captured: string;
}

interface VolumeCurrencyView extends VolumeSums {
  readonly currency: string;
  readonly days: readonly VolumeDayView[];
}

export interface VolumeDayView extends VolumeSums {
  readonly day: string;
}

interface DeclinesView {
  readonly code: string;
  readonly decline_code: string | null;
  readonly payments: number;
}

interface FindingView {
  readonly check: string;
  readonly account: string | null;
  readonly transfer: string | null;
  readonly subject: string;
  readonly detail: string;
}

/** One promise that the books keep, and how much was looked at. */
interface CheckView {
  readonly check: string;
  readonly promise: string;
  readonly counted: number;
  readonly holds: boolean;
  readonly findings: readonly FindingView[];
}

interface ProofPartView {
  readonly proved_at: string;
  /** What was posted before this was looked at. */
  readonly proved_to: string;
  readonly checks: readonly CheckView[];
}

export interface ProofView {
  readonly object: 'proof';
  /** Null before the first. */
  readonly holds: boolean | null;
  /** Of all of the books, and of what was posted since an earlier proof. */
  readonly whole: ProofPartView | null;
  readonly since: ProofPartView | null;
  readonly sealed: { readonly sequence: string; readonly hash: string; readonly to: string } | null;
}

export interface PeriodView {
  readonly object: 'period';
  readonly number: number;
  readonly state: 'open' | 'closing' | 'closed';
  readonly begins: string | null;
  readonly ends: string | null;
  readonly last_day: string | null;
  readonly tz: string | null;
  /** Once it is closed: to be kept, and checked with `npm run verify -- --file`. */
  readonly file: PeriodFile | null;
}

export interface PeriodsView {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  /** What files are signed with: Ed25519, SPKI in DER, in base64. */
  readonly public_key: string;
  readonly data: readonly PeriodView[];
}
