/** The tags by which objects at Stripe are known as ours. */
import {
  parseId,
  type CustomerId,
  type MerchantId,
  type PaymentId,
  type RefundId,
  type SetupId,
} from '../domain/ids.ts';
import type { Attempt, Payment } from '../domain/payment.ts';
import { MERCHANT_TAG, PAYMENT_TAG, REFUND_TAG } from '../domain/tags.ts';

const CUSTOMER_TAG = 'quittance_customer';
const SETUP_TAG = 'quittance_setup';
/**
 * The claim that it was made for. By it, who repeats a request finds what an earlier life of it has made; and nobody else
 * knows it before the object is there, so an attempt takes for its own what has it, and not what has the other tags alone.
 */
export const CLAIM_TAG = 'quittance_claim';

export type Tags = Readonly<Record<string, string>> | null | undefined;

/** Whose payment an object at Stripe belongs to. */
export interface Tagged {
  readonly merchant: MerchantId;
  readonly payment: PaymentId;
}

/** Whose payment an object at Stripe is, by its tags. */
export const tagged = (metadata: Tags): Tagged | undefined => {
  const payment = parseId('pay', metadata?.[PAYMENT_TAG] ?? '');
  const merchant = parseId('mer', metadata?.[MERCHANT_TAG] ?? '');
  return payment && merchant ? { merchant, payment } : undefined;
};

/** Which refund of ours a refund at Stripe is, by its tags. */
export const taggedRefund = (metadata: Tags): RefundId | undefined => parseId('re', metadata?.[REFUND_TAG] ?? '');

/** The tags of what an attempt makes. */
export const tagsOf = ({ id, merchant }: Payment, attempt: Attempt): Record<string, string> => ({
  [PAYMENT_TAG]: id,
  [MERCHANT_TAG]: merchant,
  ...(attempt.claim === null ? {} : { [CLAIM_TAG]: attempt.claim }),
  ...(attempt.kind === 'refund' ? { [REFUND_TAG]: attempt.refund } : {}),
});

/** The tags of a customer: nothing else of him is told to Stripe, so that nothing has to be erased there but he himself. */
export const tagsOfCustomer = (merchant: MerchantId, customer: CustomerId): Record<string, string> => ({
  [CUSTOMER_TAG]: customer,
  [MERCHANT_TAG]: merchant,
});

export const isTaggedCustomer = (metadata: Tags, customer: CustomerId): boolean =>
  metadata?.[CUSTOMER_TAG] === customer;

/** The same as a search: https://docs.stripe.com/search#search-syntax */
export const customerQuery = (customer: CustomerId): string => `metadata['${CUSTOMER_TAG}']:'${customer}'`;

export const tagsOfSetup = (merchant: MerchantId, setup: SetupId): Record<string, string> => ({
  [SETUP_TAG]: setup,
  [MERCHANT_TAG]: merchant,
});

export interface TaggedSetup {
  readonly merchant: MerchantId;
  readonly setup: SetupId;
}

/** Whose setup a SetupIntent is, by its tags. */
export const taggedSetup = (metadata: Tags): TaggedSetup | undefined => {
  const setup = parseId('set', metadata?.[SETUP_TAG] ?? '');
  const merchant = parseId('mer', metadata?.[MERCHANT_TAG] ?? '');
  return setup && merchant ? { merchant, setup } : undefined;
};
