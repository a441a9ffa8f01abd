/** What a step of a payment's life finds, and what it leaves behind. */
import type { PaymentStep } from './change.ts';
import type { Contradiction } from './contradiction.ts';
import { walletId, type AccountId, type MerchantId, type PaymentId } from './ids.ts';
import type { Attempt, Dispute, Payment, Refund, SecondCharge } from './payment.ts';
import type { Transfer } from './transfer.ts';

export type Step<Kind extends PaymentStep['kind']> = Extract<PaymentStep, { readonly kind: Kind }>;

/** A customer, and what he is at Stripe. */
export interface KnownCustomer {
  readonly merchant: MerchantId;
  readonly stripeId: string | null;
  readonly defaultMethod: string | null;
}

/** What a step finds. */
export interface Subject {
  /** The customer of a payment that comes to be, if he is the merchant's. */
  readonly customer: KnownCustomer | undefined;
  readonly payment: Payment | undefined;
  readonly refund: Refund | undefined;
  /** In how many parts the payment was refunded, where it is asked for once more. */
  readonly refundParts: number;
  /** The refund that is known to be Stripe's, under whatever id: it is one and the same, and posted once. */
  readonly sameRefund: Refund | undefined;
  readonly dispute: Dispute | undefined;
  readonly second: SecondCharge | undefined;
  /** Whose the PaymentIntent is that Stripe says is this payment's, where that is known. */
  readonly owner: PaymentId | undefined;
}

/** Money of a wallet that may not be spent meanwhile; below zero where it is set free. */
export interface Hold {
  readonly account: AccountId;
  readonly amount: bigint;
}

/** What a step leaves behind. */
export interface Stepped {
  readonly payment: Payment;
  /** One that begins. */
  readonly attempt: Attempt | null;
  readonly refund: Refund | null;
  readonly dispute: Dispute | null;
  readonly second: SecondCharge | null;
  readonly transfers: readonly Transfer[];
  readonly hold: Hold | null;
  readonly contradictions: readonly Contradiction[];
  /** Whether there is something to tell the merchant. */
  readonly isNews: boolean;
}

/** A step that leaves the payment so, and moves nothing. */
export const unchanged = (payment: Payment): Stepped => ({
  payment,
  attempt: null,
  refund: null,
  dispute: null,
  second: null,
  transfers: [],
  hold: null,
  contradictions: [],
  isNews: false,
});

/** One that the merchant is told of. */
export const news = (payment: Payment): Stepped => ({ ...unchanged(payment), isNews: true });

/**
 * What a PaymentIntent is to a payment. Money that one took, gave back or lost is the payment's own, or of a second
 * charge of it; of any other it is not believed, whatever its tags say.
 */
export const standingOf = (
  { intent: own }: Payment,
  second: SecondCharge | undefined,
  intent: string | null,
): 'own' | SecondCharge | 'strange' => {
  if (intent !== null && intent === own) return 'own';
  return second !== undefined && second.intent === intent ? second : 'strange';
};

/** Whether a step may be about another PaymentIntent than the payment's own, as its caller saw it. */
export const concernsSecond = (seen: Pick<Payment, 'intent'>, intent: string | null): boolean =>
  seen.intent !== null && intent !== null && seen.intent !== intent;

/** A hold in the wallet of a payment's customer. */
export const holdOf = ({ customer, currency }: Payment, amount: bigint): Hold => ({
  account: walletId(customer, currency),
  amount,
});

/** What a second charge took had gone back, and is here again. */
export const toGoBackAgain = (
  { merchant, id }: Payment,
  { intent, currency, received }: SecondCharge,
  returned: bigint,
  detail: string,
): Contradiction => ({
  merchant,
  kind: 'second_charge',
  payment: id,
  subject: intent,
  amount: received - returned,
  currency,
  detail,
});
