/** A payment, its attempts, and the steps that it may take. */
import type { ErrorCode } from '../error.ts';
import type { Currency } from './currency.ts';
import type { AttemptId, CustomerId, DisputeId, MerchantId, PaymentId, RefundId } from './ids.ts';
import type { PaymentDetails } from './payment-details.ts';
import type { Micros } from './time.ts';

/** Stripe's seven statuses: https://docs.stripe.com/payments/paymentintents/lifecycle */
export const PAYMENT_STATUSES = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'processing',
  'requires_capture',
  'succeeded',
  'canceled',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** Stripe's types of payment methods that a payment may be made with, where the installation says so. */
export type MethodType = 'card' | 'sepa_debit';

export type CaptureMethod = 'automatic' | 'manual';

/** Why the last attempt failed, as it was told to the caller. */
export interface LastError {
  readonly code: ErrorCode;
  readonly declineCode?: string | undefined;
  readonly message: string;
}

/** Whether it names a confirmation token, which a page has made with Stripe.js, and not a payment method itself. */
export const isToken = (paymentMethod: string): boolean => paymentMethod.startsWith('ctoken_');

/** What the customer must do: go there, and come back to `returnUrl`; or answer in the page, which Stripe.js asks. */
export type NextAction =
  | { readonly type: 'redirect_to_url'; readonly url: string; readonly returnUrl: string | null }
  /** The PaymentIntent's own secret, for `handleNextAction`: https://docs.stripe.com/js/payment_intents/handle_next_action */
  | { readonly type: 'use_stripe_js'; readonly clientSecret: string };

export interface Payment extends PaymentDetails {
  readonly merchant: MerchantId;
  readonly id: PaymentId;
  readonly customer: CustomerId;
  /** In minor units, as are all amounts here. */
  readonly amount: bigint;
  readonly amountCaptured: bigint;
  readonly amountRefunded: bigint;
  /** What of it the bank has returned to itself since, without a dispute: a debit that was paid, and failed after all. */
  readonly amountReturned: bigint;
  readonly currency: Currency;
  readonly status: PaymentStatus;
  readonly paymentMethod: string | null;
  readonly captureMethod: CaptureMethod;
  readonly returnUrl: string | null;
  readonly clientSecret: string;
  readonly nextAction: NextAction | null;
  readonly lastError: LastError | null;
  /** Stripe's id of the one PaymentIntent; null until Stripe has answered. */
  readonly intent: string | null;
  /** The latest attempt to confirm, capture or cancel it. */
  readonly attempt: AttemptId | null;
  /** Whether that attempt's outcome is still waited for. Else `processing` says that Stripe itself waits for the bank. */
  readonly underWay: boolean;
  /** An attempt ended without Stripe's word: an intent may exist that is not known here. */
  readonly mayExist: boolean;
  /** Sum of the refunds that are under way, held in the wallet. */
  readonly refundsPending: bigint;
  readonly createdAt: Micros;
}

/** How an attempt ended; `null` while it runs. */
export type AttemptOutcome =
  'succeeded' | 'requires_capture' | 'requires_action' | 'processing' | 'declined' | 'canceled' | 'failed';

/** One call to Stripe about a payment. Written before the call, so that whoever finds it can finish it. */
export type Attempt = PaymentAttempt | RefundAttempt;

/** One that the payment's status waits for; there is one at a time. */
export type PaymentAttempt =
  | ConfirmAttempt
  /** `amount`: in minor units, null for all that is held. */
  | (AttemptBase & { readonly kind: 'capture'; readonly amount: bigint | null })
  | (AttemptBase & { readonly kind: 'cancel' });

export interface ConfirmAttempt extends AttemptBase {
  readonly kind: 'confirm';
  /** Stripe's id of one, or of a confirmation token that one was chosen with. */
  readonly paymentMethod: string;
  /** A challenge is met in the page that pays, by Stripe.js. */
  readonly inPage: boolean;
  /** Its customer at Stripe, where he has one. */
  readonly stripeCustomer: string | null;
  /** The card is to be kept, or its owner is away; null where he is there, and nothing is kept. */
  readonly usedFor: 'save' | 'off_session' | null;
}

/** One that comes to be with its payment: where no card is named, it is the customer's default, which is known under lock. */
export type NewConfirm = Omit<ConfirmAttempt, 'paymentMethod' | 'stripeCustomer'> & {
  readonly paymentMethod: string | null;
};

export interface RefundAttempt extends AttemptBase {
  readonly kind: 'refund';
  readonly refund: RefundId;
  readonly amount: bigint;
  readonly reason: string | null;
}

export interface AttemptBase {
  readonly merchant: MerchantId;
  readonly id: AttemptId;
  readonly payment: PaymentId;
  /** The claim that waits for its reply, and the request that made it. */
  readonly claim: ClaimId | null;
  /** The Idempotency-Key that Stripe is given: whoever resends an attempt sends the same, whatever later versions make of it. */
  readonly stripeKey: string;
  readonly requestId: string;
  /** What its caller is answered where all went well: 201 or 200, with the client secret or without. */
  readonly replyStatus: 200 | 201;
  readonly showsSecret: boolean;
  /** Until then its owner alone may call Stripe; after that, whoever takes the next fencing number. */
  readonly ownedUntil: Micros;
  readonly fence: number;
  /** When it was first sent: Stripe forgets a key after 24 hours. */
  readonly startedAt: Micros;
  /** How far a look for what it made has come, that took more than a turn. */
  readonly seenTo: string | null;
}

/** Names a claimed idempotency key: a hash of merchant, method, path and key. */
declare const claimed: unique symbol;
export type ClaimId = string & { readonly [claimed]: true };

export type RefundStatus = 'pending' | 'succeeded' | 'failed';

export interface Refund {
  readonly merchant: MerchantId;
  readonly id: RefundId;
  readonly payment: PaymentId;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly status: RefundStatus;
  readonly reason: string | null;
  readonly failureReason: string | null;
  /** Stripe's id; null until Stripe has answered. */
  readonly stripeId: string | null;
  /** Whether it was posted, and whether it was taken back after that. */
  readonly posted: boolean;
  readonly reversed: boolean;
  readonly createdAt: Micros;
}

/** A charge of a payment that was paid already, by another PaymentIntent than its own. */
export interface SecondCharge {
  readonly merchant: MerchantId;
  readonly intent: string;
  readonly payment: PaymentId;
  readonly currency: Currency;
  /** What was charged, and what of it has gone back to the card. */
  readonly received: bigint;
  readonly returned: bigint;
}

/** Open while the bank has not decided. */
export type DisputeStatus = 'open' | 'won' | 'lost';

export interface Dispute {
  readonly merchant: MerchantId;
  readonly id: DisputeId;
  readonly payment: PaymentId;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly status: DisputeStatus;
  readonly reason: string | null;
  readonly stripeId: string;
  /** What the bank has taken, and what it has given back, by Stripe's balance. */
  readonly withdrawn: bigint;
  readonly reinstated: bigint;
  /** The balance transactions that say so. */
  readonly lines: readonly string[];
  /** What of it was taken from the wallet, and how often that was changed. */
  readonly lost: bigint;
  readonly turns: number;
  /** What the release before has posted of it, in one sum each. */
  readonly earlier: { readonly opened: bigint; readonly won: bigint; readonly lost: bigint };
  readonly createdAt: Micros;
}
