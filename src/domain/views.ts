/**
 * What the API shows, field for field. `reply.ts` makes these from what they show, `http/replies.ts` says the same for
 * the documents, and neither compiles where it differs from what stands here.
 *
 * Amounts that a card may be charged have at most 12 digits and are numbers; sums have no limit, and are text, since
 * a number is exact only up to 2^53. Both are minor units. Times are RFC 3339 in UTC.
 */
import type { ErrorCode, ErrorType, Outcome, Retry } from '../error.ts';
import type { AccountKind } from './account.ts';
import type { PayoutStatus } from './balance.ts';
import type { Category } from './category.ts';
import type { Direction } from './entry.ts';
import type { ContradictionKind } from './contradiction.ts';
import type { CaptureMethod, DisputeStatus, PaymentStatus, RefundStatus } from './payment.ts';
import type { SetupStatus } from './setup.ts';
import type { PeriodFile } from './period.ts';
import type { TransferKind } from './transfer.ts';

export interface ErrorView {
  readonly type: ErrorType;
  readonly code: ErrorCode;
  readonly decline_code?: string;
  readonly message: string;
  readonly param: string | null;
  readonly payment?: string;
  /** Where the customer does what his bank asks him for. */
  readonly url?: string;
  readonly outcome: Outcome;
  readonly retry: Retry;
  readonly doc_url: string;
  readonly request_id: string;
}

/** A page of a list, as Stripe shows it. */
export interface ListView<Item> {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Item[];
}

export interface CustomerView {
  readonly id: string;
  readonly object: 'customer';
  readonly name: string | null;
  readonly email: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly deleted?: true;
  readonly created_at: string;
}

export type NextActionView =
  | {
      readonly type: 'redirect_to_url';
      readonly redirect_to_url: { readonly url: string; readonly return_url: string | null };
    }
  | { readonly type: 'use_stripe_js'; readonly stripe_client_secret?: string };

interface LastErrorView {
  readonly code: ErrorCode;
  readonly decline_code: string | null;
  readonly message: string;
}

export interface PaymentView {
  readonly id: string;
  readonly object: 'payment';
  readonly status: PaymentStatus;
  readonly amount: number;
  readonly amount_captured: number;
  readonly amount_refunded: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly payment_method: string | null;
  readonly capture_method: CaptureMethod;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reference: string | null;
  readonly client_secret?: string;
  readonly next_action: NextActionView | null;
  readonly last_error: LastErrorView | null;
  readonly created_at: string;
}

export interface PaymentMethodView {
  /** Stripe's id. */
  readonly id: string;
  readonly object: 'payment_method';
  readonly customer: string;
  readonly type: string;
  readonly card: CardView | null;
  /** Whether it is charged where none is named. */
  readonly default: boolean;
  readonly created_at: string;
}

interface CardView {
  readonly brand: string;
  readonly last4: string;
  readonly exp_month: number;
  readonly exp_year: number;
  readonly country: string | null;
  readonly funding: string;
}

export interface DetachedMethodView {
  readonly id: string;
  readonly object: 'payment_method';
  readonly deleted: true;
}

export interface SetupView {
  readonly id: string;
  readonly object: 'setup';
  readonly status: SetupStatus;
  readonly customer: string | null;
  readonly payment_method: string | null;
  readonly client_secret?: string;
  readonly next_action: NextActionView | null;
  readonly last_error: LastErrorView | null;
  readonly created_at: string;
}

export interface RefundView {
  readonly id: string;
  readonly object: 'refund';
  readonly payment: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: RefundStatus;
  readonly reason: string | null;
  readonly failure_reason: string | null;
  readonly created_at: string;
}

/** What Stripe and the books say differently, or a person must decide. */
export interface ContradictionView {
  readonly id: string;
  readonly object: 'contradiction';
  readonly kind: ContradictionKind;
  readonly status: 'open' | 'resolved';
  readonly payment: string | null;
  readonly subject: string;
  readonly amount: number | null;
  readonly currency: string | null;
  readonly message: string;
  readonly detail: string;
  readonly resolution: string | null;
  readonly created_at: string;
  readonly resolved_at: string | null;
}

/** As events tell of it. */
export interface DisputeView {
  readonly id: string;
  readonly object: 'dispute';
  readonly payment: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: DisputeStatus;
  readonly reason: string | null;
  readonly created_at: string;
}

export interface TimelineView {
  readonly object: 'timeline';
  readonly payment: string;
  readonly status: PaymentStatus;
  readonly data: readonly HappeningView[];
}

export interface HappeningView {
  /** To the microsecond. */
  readonly at: string;
  readonly what: string;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface ItemView {
  readonly id: string;
  readonly object: 'item';
  readonly name: string;
  readonly unit_price: string;
  readonly currency: string;
}

export interface TransferView {
  readonly id: string;
  readonly object: 'transfer';
  readonly kind: TransferKind;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The transfer that it takes back, why, and the business day that it belongs to. */
  readonly reverses?: string;
  readonly reason?: string;
  readonly effective_date?: string | null;
  readonly from_balance_after: string;
  readonly to_balance_after: string;
  readonly created_at: string;
}

/** In the place of a transfer of an `independent` bulk that was refused. */
interface RefusedTransferView {
  readonly object: 'error';
  readonly error: ErrorView;
}

export interface BulkView {
  readonly object: 'bulk_transfer';
  readonly mode: 'atomic' | 'independent';
  readonly data: readonly (TransferView | RefusedTransferView)[];
}

export interface QuoteView {
  readonly object: 'quote';
  readonly currency: string;
  readonly lines: number;
  readonly total: string;
}

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

export interface EndpointView {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly url: string;
  readonly description: string | null;
  readonly enabled_events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly failing_since: string | null;
  /** It has asked to be left alone until then; null, or past, where it is not. */
  readonly paused_until: string | null;
  readonly created_at: string;
}

export interface EndpointWithSecretView extends EndpointView {
  readonly secret: string;
}

export interface DeletedEndpointView {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly deleted: true;
}

/** What is read is what is sent. */
export interface EventView {
  readonly id: string;
  readonly object: 'event';
  readonly type: string;
  readonly created_at: string;
  /** The same, under the name that Standard Webhooks gives it. */
  readonly timestamp: string;
  /** What it happened to, as it was then: a payment, a refund, a dispute, a setup, a method, or an endpoint that was disabled. */
  readonly data: { readonly object: unknown };
}

export interface DeliveryView {
  readonly object: 'delivery';
  readonly event: string;
  readonly webhook_endpoint: string;
  readonly url: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly next_try_at: string | null;
  readonly tries: readonly DeliveryTryView[];
}

interface DeliveryTryView {
  readonly number: number;
  readonly started_at: string;
  readonly latency_ms: number;
  readonly status_code: number | null;
  readonly error: string | null;
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
