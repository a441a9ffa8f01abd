import type { Stripe } from 'stripe';

/** Why a card is declined, in Stripe's words. */
export interface Decline {
  readonly code: string;
  readonly declineCode?: string;
  readonly message: string;
  readonly adviceCode: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later';
  /** What the network answers, ISO 8583's field 39; null where Radar blocked it before the network saw it. */
  readonly networkCode: string | null;
  readonly sellerMessage: string;
  readonly blocked?: true;
}

/** A test card of Stripe's: how it looks and what happens to it. */
export interface TestCard {
  readonly brand: string;
  readonly last4: string;
  readonly funding: 'credit' | 'debit' | 'prepaid';
  /** The bank asks for 3-D Secure at each payment. */
  readonly authentication?: 'required';
  readonly decline?: Decline;
  /** It can be saved, and is declined when it is charged. */
  readonly declinesOnlyCharges?: true;
  readonly dispute?: { readonly reason: string; readonly networkReasonCode: string; readonly inquiry?: true };
  readonly refund?: 'pending' | 'fails';
  /** The answer takes a while, and then is this. */
  readonly processing?: 'succeeds' | 'fails';
}

const visa = (last4: string, more: Partial<TestCard> = {}): TestCard => ({
  brand: 'visa',
  last4,
  funding: 'credit',
  ...more,
});

const declined = (declineCode: string, networkCode: string, message = 'Your card was declined.'): Decline => ({
  code: 'card_declined',
  declineCode,
  message,
  adviceCode: declineCode === 'lost_card' || declineCode === 'stolen_card' ? 'do_not_try_again' : 'try_again_later',
  networkCode,
  sellerMessage: 'The bank did not return any further details with this decline.',
});

/** What most declines are. */
export const GENERIC_DECLINE: Decline = declined('generic_decline', '01');
const INSUFFICIENT_FUNDS = declined('insufficient_funds', '51', 'Your card has insufficient funds.');

/** The bank wants the customer, and the customer is not there (`off_session`). */
export const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
  adviceCode: 'try_again_later',
  networkCode: '1A',
  sellerMessage: 'The bank requires the customer to authenticate this payment.',
};

/** The test cards by what follows `pm_card_` (or `tok_`): the names are Stripe's. */
const TEST_CARDS: ReadonlyMap<string, TestCard> = new Map<string, TestCard>([
  ['visa', visa('4242')],
  ['visa_debit', visa('5556', { funding: 'debit' })],
  ['mastercard', { brand: 'mastercard', last4: '4444', funding: 'credit' }],
  ['mastercard_debit', { brand: 'mastercard', last4: '3222', funding: 'debit' }],
  ['mastercard_prepaid', { brand: 'mastercard', last4: '5100', funding: 'prepaid' }],
  ['amex', { brand: 'amex', last4: '8431', funding: 'credit' }],
  ['discover', { brand: 'discover', last4: '9424', funding: 'credit' }],
  ['diners', { brand: 'diners', last4: '0004', funding: 'credit' }],
  ['jcb', { brand: 'jcb', last4: '0505', funding: 'credit' }],
  ['unionpay', { brand: 'unionpay', last4: '0005', funding: 'credit' }],
  ['chargeDeclined', visa('0002', { decline: GENERIC_DECLINE })],
  ['visa_chargeDeclined', visa('0002', { decline: GENERIC_DECLINE })],
  ['chargeDeclinedInsufficientFunds', visa('9995', { decline: INSUFFICIENT_FUNDS })],
  ['visa_chargeDeclinedInsufficientFunds', visa('9995', { decline: INSUFFICIENT_FUNDS })],
  ['visa_chargeDeclinedLostCard', visa('9987', { decline: declined('lost_card', '41') })],
  ['visa_chargeDeclinedStolenCard', visa('9979', { decline: declined('stolen_card', '43') })],
  [
    'visa_chargeDeclinedVelocityLimitExceeded',
    visa('6975', {
      decline: declined(
        'card_velocity_exceeded',
        '65',
        'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
      ),
    }),
  ],
  [
    'chargeDeclinedExpiredCard',
    visa('0069', {
      decline: {
        code: 'expired_card',
        message: 'Your card has expired.',
        adviceCode: 'confirm_card_data',
        networkCode: '54',
        sellerMessage: 'The bank returned the decline code `expired_card`.',
      },
    }),
  ],
  [
    'chargeDeclinedIncorrectCvc',
    visa('0127', {
      decline: {
        code: 'incorrect_cvc',
        message: "Your card's security code is incorrect.",
        adviceCode: 'confirm_card_data',
        networkCode: 'N7',
        sellerMessage: 'The bank returned the decline code `incorrect_cvc`.',
      },
    }),
  ],
  [
    'chargeDeclinedProcessingError',
    visa('0119', {
      decline: {
        code: 'processing_error',
        message: 'An error occurred while processing your card. Try again in a little bit.',
        adviceCode: 'try_again_later',
        networkCode: '96',
        sellerMessage: 'The bank returned the decline code `processing_error`.',
      },
    }),
  ],
  ['chargeCustomerFail', visa('0341', { decline: GENERIC_DECLINE, declinesOnlyCharges: true })],
  [
    'radarBlock',
    visa('0019', {
      declinesOnlyCharges: true,
      decline: {
        code: 'card_declined',
        declineCode: 'fraudulent',
        message: 'Your card was declined.',
        adviceCode: 'do_not_try_again',
        networkCode: null,
        sellerMessage: 'Stripe blocked this payment as too risky.',
        blocked: true,
      },
    }),
  ],
  ['authenticationRequired', visa('3184', { authentication: 'required' })],
  ['threeDSecure2Required', visa('3220', { authentication: 'required' })],
  ['threeDSecureRequired', visa('3063', { authentication: 'required' })],
  [
    'threeDSecureRequiredChargeDeclined',
    visa('8371', { authentication: 'required', decline: GENERIC_DECLINE, declinesOnlyCharges: true }),
  ],
  [
    'authenticationRequiredChargeDeclinedInsufficientFunds',
    visa('3178', { authentication: 'required', decline: INSUFFICIENT_FUNDS, declinesOnlyCharges: true }),
  ],
  ['createDispute', visa('0259', { dispute: { reason: 'fraudulent', networkReasonCode: '10.4' } })],
  [
    'createDisputeProductNotReceived',
    visa('2685', { dispute: { reason: 'product_not_received', networkReasonCode: '13.1' } }),
  ],
  [
    'createDisputeInquiry',
    visa('1976', { dispute: { reason: 'fraudulent', networkReasonCode: '10.4', inquiry: true } }),
  ],
  ['pendingRefund', visa('7726', { refund: 'pending' })],
  ['refundFail', visa('5126', { refund: 'fails' })],
  // The sandbox's own: Stripe has no test card that leaves an intent `processing`, though some payments are.
  ['sandbox_processing', visa('4242', { processing: 'succeeds' })],
  ['sandbox_processingFails', visa('0002', { processing: 'fails' })],
]);

/** The name of the test card that a request names, as a payment method or as a token. */
export const testCardName = (reference: string): string | undefined => {
  const name = /^(?:pm_card|tok)_(.+)$/.exec(reference)?.[1];
  return name !== undefined && TEST_CARDS.has(name) ? name : undefined;
};

/** The test card of that name; a payment method of the sandbox always has one. */
export const testCard = (name: string): TestCard => TEST_CARDS.get(name) ?? visa('4242');

/** All names, for the page that a person reads. */
export const testCardNames = (): string[] => [...TEST_CARDS.keys()].map((name) => `pm_card_${name}`);

/** The card of a payment method. */
export const cardOf = (card: TestCard): Stripe.PaymentMethod.Card => ({
  brand: card.brand,
  checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
  country: 'US',
  display_brand: card.brand,
  exp_month: 12,
  exp_year: 2034,
  fingerprint: `sandbox${card.last4}`,
  funding: card.funding,
  generated_from: null,
  last4: card.last4,
  networks: { available: [card.brand], preferred: null },
  regulated_status: 'unregulated',
  three_d_secure_usage: { supported: true },
  wallet: null,
});
