/**
 * What the API shows, field for field; of the ledger in `ledger-views.ts`. `reply.ts` makes these from what they show,
 * `http/replies.ts` says the same for the documents, and neither compiles where it differs from what stands here.
 *
 * Amounts that a card may be charged have at most 12 digits and are numbers; sums have no limit, and are text, since
 * a number is exact only up to 2^53. Both are minor units. Times are RFC 3339 in UTC.
 */
import type { ErrorCode, ErrorType, Outcome, Retry } from '../error.ts';
import type { ContradictionKind } from './contradiction.ts';
import type { CaptureMethod, DisputeStatus, PaymentStatus, RefundStatus } from './payment.ts';
import type { DetailsView } from './payment-details.ts';
import type { SetupStatus } from './setup.ts';
import type { TransferKind } from './transfer.ts';

export interface ErrorView {
  readonly type: ErrorType;
  readonly code: ErrorCode;
  readonly decline_code?: string;
  readonly message: string;
  readonly param: string | null;
  readonly payment?: string;
  readonly setup?: string;
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

export interface PaymentView extends DetailsView {
  readonly id: string;
  readonly object: 'payment';
  readonly status: PaymentStatus;
  readonly amount: number;
  readonly amount_captured: number;
  readonly amount_refunded: number;
  readonly amount_returned: number;
  readonly currency: string;
  readonly customer: string | null;
  readonly payment_method: string | null;
  readonly capture_method: CaptureMethod;
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
