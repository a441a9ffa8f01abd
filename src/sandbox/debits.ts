/**
 * SEPA Direct Debit: Stripe's test accounts of a German bank, by what follows `pm_`, and what is made of them. The names
 * are Stripe's, but for those that begin with `sandbox_`: https://docs.stripe.com/payments/sepa-debit/accept-a-payment
 */
import type { Stripe } from 'stripe';
import { type Decline } from './declines.ts';
import { badParam, type Failure, intentRefused, refused } from './failure.ts';
import type { TestCard } from './test-cards.ts';

/** Stripe's "at least three minutes" of a test account whose bank takes its time. */
const DELAYED_MS = 3 * 60 * 1000;
/** As long as a bank may take: 14 business days. */
const DAYS_MS = 14 * 24 * 3600 * 1000;
const BANK_CODE = '37040044';

const account = (last4: string, more: Partial<TestCard> = {}): TestCard => ({
  brand: 'sepa_debit',
  last4,
  funding: 'debit',
  country: 'DE',
  debit: true,
  processing: 'succeeds',
  ...more,
});

const failure = (code: string, message: string): Decline => ({
  code,
  message,
  adviceCode: null,
  networkCode: null,
  sellerMessage: message,
});
const REFUSED: Decline = {
  ...failure('payment_method_provider_decline', 'The bank of the customer did not take the direct debit.'),
  declineCode: 'generic_decline',
};
const NO_FUNDS = failure('insufficient_funds', 'The account of the customer has insufficient funds.');
const OVER_VOLUME = failure(
  'charge_exceeds_source_limit',
  'This payment exceeds what may be debited from this account in a week.',
);
const OVER_COUNT = failure(
  'charge_exceeds_weekly_limit',
  'This payment exceeds how often this account may be debited in a week.',
);
const fails = (why: Decline): Partial<TestCard> => ({ processing: 'fails', decline: why });

/** What banks take back after eight weeks of "no questions asked", or later: no evidence is heard. */
const DISPUTED = { reason: 'debit_not_authorized', networkReasonCode: null, final: true } as const;

export const DEBITS: readonly (readonly [string, TestCard])[] = [
  ['success_de', account('3000')],
  ['successDelayed_de', account('3003', { processingMs: DELAYED_MS })],
  ['failed_de', account('3001', fails(REFUSED))],
  ['failedDelayed_de', account('3004', { ...fails(REFUSED), processingMs: DELAYED_MS })],
  ['disputed_de', account('3002', { dispute: DISPUTED })],
  ['exceedsWeeklyVolumeLimit_de', account('3434', fails(OVER_VOLUME))],
  ['exceedsWeeklyTransactionLimit_de', account('1212', fails(OVER_COUNT))],
  ['insufficientFunds_de', account('2227', fails(NO_FUNDS))],
  // Stripe has no test account that takes days, nor one that is debited, and takes the money back without a dispute.
  ['sandbox_successInDays_de', account('3000', { processingMs: DAYS_MS })],
  ['sandbox_failedInDays_de', account('3001', { ...fails(NO_FUNDS), processingMs: DAYS_MS })],
  ['sandbox_failedLate_de', account('2227', { failsLate: NO_FUNDS })],
];

/** The account as its payment method shows it. */
export const debitOf = ({ country, last4 }: TestCard): Stripe.PaymentMethod.SepaDebit => ({
  bank_code: BANK_CODE,
  branch_code: '',
  country,
  fingerprint: `sandbox${country}${last4}`,
  generated_from: { charge: null, setup_attempt: null },
  last4,
});

/** And as a charge does. */
export const debitDetails = (card: TestCard, mandate: string): Stripe.Charge.PaymentMethodDetails => {
  const { bank_code, branch_code, country, fingerprint, last4 } = debitOf(card);
  return { sepa_debit: { bank_code, branch_code, country, fingerprint, last4, mandate }, type: 'sepa_debit' };
};

/** A bank account is debited where the intent allows it, and its owner has accepted the mandate. */
export const debitRefused = (
  intent: Stripe.PaymentIntent,
  params: { readonly confirmation_token?: string | undefined; readonly mandate_data?: object | null | undefined },
): Failure | undefined => {
  const types = intent.payment_method_types;
  const unfit = unfitForDebits(types, intent.currency, intent.capture_method);
  if (unfit !== undefined) return unfit;
  if (!types.includes('sepa_debit'))
    return refused(
      'The PaymentMethod provided (sepa_debit) is not allowed for this PaymentIntent. Please attach a PaymentMethod of ' +
        `one of the following types: ${types.join(', ')}.`,
      'payment_intent_incompatible_payment_method',
      'payment_method',
    );
  return params.confirmation_token === undefined && (params.mandate_data ?? null) === null
    ? intentRefused(
        'This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the ' +
          'customer and try again, providing acceptance data in the mandate_data parameter.',
        'payment_intent_mandate_invalid',
        intent,
      )
    : undefined;
};

/** What SEPA has no rails for: https://docs.stripe.com/payments/sepa-debit. */
export const unfitForDebits = (
  types: readonly string[],
  currency: string,
  capture: string | undefined,
): Failure | undefined => {
  if (!types.includes('sepa_debit')) return undefined;
  if (currency !== 'eur')
    return badParam(
      `The currency provided (${currency}) is invalid for one or more of the payment method types on this PaymentIntent. ` +
        'Payments with sepa_debit support the following currencies: eur.',
      'allowed_payment_method_types',
      'payment_intent_invalid_currency',
    );
  return capture === 'manual'
    ? badParam('Payments with sepa_debit cannot be captured manually.', 'capture_method')
    : undefined;
};
