/** A payment, its attempts, and the steps that it may take. */
import type { ErrorCode } from '../error.ts';
import type { Currency } from './currency.ts';
import type { CustomerId, MerchantId, PaymentId } from './ids.ts';
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

export type CaptureMethod = 'automatic' | 'manual';

/** Why the last attempt failed, as it was told to the caller. */
export interface LastError {
  readonly code: ErrorCode;
  readonly declineCode?: string | undefined;
  readonly message: string;
}

/** What the customer must do: go there, and come back to `returnUrl`. */
export interface NextAction {
  readonly type: 'redirect_to_url';
  readonly url: string;
  readonly returnUrl: string | null;
}

export interface Payment {
  readonly merchant: MerchantId;
  readonly id: PaymentId;
  readonly customer: CustomerId;
  /** In minor units, as are all amounts here. */
  readonly amount: bigint;
  readonly amountCaptured: bigint;
  readonly amountRefunded: bigint;
  readonly currency: Currency;
  readonly status: PaymentStatus;
  readonly paymentMethod: string | null;
  readonly captureMethod: CaptureMethod;
  readonly returnUrl: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly clientSecret: string;
  readonly nextAction: NextAction | null;
  readonly lastError: LastError | null;
  /** Stripe's id of the one PaymentIntent; null until Stripe has answered. */
  readonly intent: string | null;
  /** The number of the latest attempt; 0 before the first. */
  readonly attempt: number;
  readonly createdAt: Micros;
}

/** How an attempt ended; `null` while it runs. */
export type AttemptOutcome =
  'succeeded' | 'requires_capture' | 'requires_action' | 'processing' | 'declined' | 'failed';

/** One confirmation of a payment at Stripe. Written before the call, so that whoever finds it can finish it. */
export interface Attempt {
  readonly merchant: MerchantId;
  readonly payment: PaymentId;
  readonly number: number;
  /** The Idempotency-Key that Stripe is given. */
  readonly stripeKey: string;
  readonly paymentMethod: string;
  /** The claim that waits for its reply, and the request that made it; null for an attempt of nobody's. */
  readonly claim: ClaimId | null;
  readonly requestId: string;
  /** What its caller is answered once it is paid: 201 or 200, with the client secret or without. */
  readonly replyStatus: 200 | 201;
  readonly showsSecret: boolean;
  /** Until then its owner alone may call Stripe; after that, whoever takes the next fencing number. */
  readonly ownedUntil: Micros;
  readonly fence: number;
  /** When it was first sent: Stripe forgets a key after 24 hours. */
  readonly startedAt: Micros;
}

/** Names a claimed idempotency key: a hash of method, path and key (see `claim.ts`). */
declare const claimed: unique symbol;
export type ClaimId = string & { readonly [claimed]: true };

/** What may be confirmed, and by whom it may be tried again. */
export const CONFIRMABLE: readonly PaymentStatus[] = ['requires_payment_method', 'requires_confirmation'];

/** Whether nothing more can happen to it by itself. */
export const isSettled = (status: PaymentStatus): boolean => status !== 'processing';

/** Derived, so that whoever resends an attempt sends the same key. */
export const stripeKeyOf = (payment: PaymentId, attempt: number): string => `${payment}-${String(attempt)}`;
