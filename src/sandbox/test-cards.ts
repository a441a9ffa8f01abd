/**
 * Stripe's test cards, by what follows `pm_card_` or `tok_`: https://docs.stripe.com/testing. The names are Stripe's,
 * but for those that begin with `sandbox_`.
 */
import type { EligibilityType } from './enhanced-evidence.ts';
import { BLOCKED, type Decline, declined, GENERIC_DECLINE, INSUFFICIENT_FUNDS } from './declines.ts';

type Check = 'fail' | 'unavailable';

/** A test card of Stripe's: how it looks and what happens to it. */
export interface TestCard {
  readonly brand: string;
  readonly last4: string;
  readonly funding: 'credit' | 'debit' | 'prepaid';
  readonly country: string;
  readonly coBrand?: string;
  /**
   * When the bank asks for 3-D Secure by itself: at each payment; at those with the cardholder there; until the card was
   * set up; it would, and can't be reached; or it has none, and can't be asked either.
   */
  readonly authentication?: 'required' | 'on_session' | 'until_set_up' | 'unreachable' | 'unsupported';
  readonly decline?: Decline;
  /** It can be saved, and is declined when it is charged. */
  readonly declinesOnlyCharges?: true;
  readonly risk?: 'elevated' | 'highest';
  readonly checks?: { readonly line1?: Check; readonly postalCode?: Check; readonly cvc?: Check };
  readonly dispute?: {
    readonly reason: string;
    readonly networkReasonCode: string | null;
    readonly inquiry?: true;
    readonly times?: number;
    /** The bank hears nobody: it is lost as it is opened. */
    readonly final?: true;
    /** It is resolved by a rule before it comes to be a chargeback: the cardholder has the money, and no fee is taken. */
    readonly prevented?: true;
    /** The network treats it in a way of its own. */
    readonly eligible?: EligibilityType;
  };
  /** Its bank warns that the payment may have been fraud. */
  readonly warns?: true;
  readonly refund?: 'pending' | 'fails' | 'fails_at_once';
  /** What it brings can be paid out at once. */
  readonly available?: 'at_once';
  /** The answer takes a while, and then is this. */
  readonly processing?: 'succeeds' | 'fails';
  /** That long, in milliseconds, where it is not the usual few seconds. */
  readonly processingMs?: number;
  /** It is no card but a bank account, which is debited. */
  readonly debit?: true;
  /** The bank takes the money back after it was paid, for that reason. */
  readonly failsLate?: Decline;
}

const card = (brand: string, last4: string, more: Partial<TestCard> = {}): TestCard => ({
  brand,
  last4,
  funding: 'credit',
  country: 'US',
  ...more,
});
const visa = (last4: string, more: Partial<TestCard> = {}): TestCard => card('visa', last4, more);

const ofCode = (code: string, networkCode: string, message: string, adviceCode: Decline['adviceCode']): Decline => ({
  code,
  message,
  adviceCode,
  networkCode,
  sellerMessage: `The bank returned the decline code \`${code}\`.`,
});

const EXPIRED = ofCode('expired_card', '54', 'Your card has expired.', 'confirm_card_data');
const INCORRECT_CVC = ofCode('incorrect_cvc', 'N7', "Your card's security code is incorrect.", 'confirm_card_data');
const PROCESSING_ERROR = ofCode(
  'processing_error',
  '96',
  'An error occurred while processing your card. Try again in a little bit.',
  'try_again_later',
);
const VELOCITY = declined(
  'card_velocity_exceeded',
  '65',
  'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
);

const BRANDS: readonly (readonly [string, TestCard])[] = [
  ['visa', visa('4242')],
  ['visa_debit', visa('5556', { funding: 'debit' })],
  ['mastercard', card('mastercard', '4444')],
  ['mastercard_debit', card('mastercard', '8210', { funding: 'debit' })],
  ['mastercard_prepaid', card('mastercard', '5100', { funding: 'prepaid' })],
  ['amex', card('amex', '8431')],
  ['discover', card('discover', '9424')],
  ['diners', card('diners', '3237')],
  ['jcb', card('jcb', '0505', { country: 'JP' })],
  ['unionpay', card('unionpay', '0005', { country: 'CN' })],
  ['visa_cartesBancaires', visa('1001', { country: 'FR', coBrand: 'cartes_bancaires' })],
  ['mastercard_cartesBancaires', card('mastercard', '1001', { country: 'FR', coBrand: 'cartes_bancaires' })],
];

/** The country of the bank, and the last four of its number. */
const COUNTRIES: readonly (readonly [string, string])[] = [
  ...([
    ['us', '4242'],
    ['ar', '0021'],
    ['br', '0002'],
    ['ca', '0000'],
    ['cl', '0000'],
    ['co', '0003'],
  ] as const),
  ...([
    ['cr', '0000'],
    ['ec', '0000'],
    ['mx', '8001'],
    ['pa', '0000'],
    ['py', '0000'],
    ['pe', '0000'],
  ] as const),
  ...([
    ['uy', '0000'],
    ['ae', '0007'],
    ['at', '0008'],
    ['be', '0004'],
    ['bg', '0000'],
    ['by', '0005'],
  ] as const),
  ...([
    ['hr', '0009'],
    ['cy', '0000'],
    ['cz', '0002'],
    ['dk', '0001'],
    ['ee', '0009'],
    ['fi', '0001'],
  ] as const),
  ...([
    ['fr', '0003'],
    ['de', '0002'],
    ['gi', '0001'],
    ['gr', '0000'],
    ['hu', '0005'],
    ['ie', '0005'],
  ] as const),
  ...([
    ['it', '0008'],
    ['lv', '0005'],
    ['li', '0004'],
    ['lt', '0000'],
    ['lu', '0006'],
    ['mt', '0007'],
  ] as const),
  ...([
    ['nl', '0002'],
    ['no', '0003'],
    ['pl', '0005'],
    ['pt', '0007'],
    ['ro', '0001'],
    ['si', '0006'],
  ] as const),
  ...([
    ['sk', '0001'],
    ['es', '0007'],
    ['se', '0008'],
    ['ch', '0009'],
    ['gb', '0000'],
    ['au', '0006'],
  ] as const),
  ...([
    ['cn', '0002'],
    ['hk', '0004'],
    ['in', '0008'],
    ['jp', '0003'],
    ['my', '0002'],
    ['nz', '0008'],
  ] as const),
  ...([
    ['sg', '0003'],
    ['tw', '0008'],
  ] as const),
];

const OF_COUNTRIES: readonly (readonly [string, TestCard])[] = [
  ...COUNTRIES.map(([country, last4]) => [country, visa(last4, { country: country.toUpperCase() })] as const),
  ['ae_mastercard', card('mastercard', '0000', { country: 'AE' })],
  ['gb_debit', visa('5556', { country: 'GB', funding: 'debit' })],
  ['gb_mastercard', card('mastercard', '0000', { country: 'GB' })],
  ['th_credit', visa('0003', { country: 'TH' })],
  ['th_debit', visa('0004', { country: 'TH', funding: 'debit' })],
];

const DECLINES: readonly (readonly [string, TestCard])[] = [
  ['chargeDeclined', visa('0002', { decline: GENERIC_DECLINE })],
  ['chargeDeclinedInsufficientFunds', visa('9995', { decline: INSUFFICIENT_FUNDS })],
  ['chargeDeclinedLostCard', visa('9987', { decline: declined('lost_card', '41') })],
  ['chargeDeclinedStolenCard', visa('9979', { decline: declined('stolen_card', '43') })],
  ['chargeDeclinedVelocityLimitExceeded', visa('6975', { decline: VELOCITY })],
  ['chargeDeclinedExpiredCard', visa('0069', { decline: EXPIRED })],
  ['chargeDeclinedIncorrectCvc', visa('0127', { decline: INCORRECT_CVC })],
  ['chargeDeclinedProcessingError', visa('0119', { decline: PROCESSING_ERROR })],
  ['chargeCustomerFail', visa('0341', { decline: GENERIC_DECLINE, declinesOnlyCharges: true })],
];

const RISKS: readonly (readonly [string, TestCard])[] = [
  ['radarBlock', visa('0019', { declinesOnlyCharges: true, decline: BLOCKED, risk: 'highest' })],
  ['chargeDeclinedFraudulent', visa('0019', { declinesOnlyCharges: true, decline: BLOCKED, risk: 'highest' })],
  // Radar's rules block the highest risk unless the account says otherwise, and let the elevated one pass.
  ['riskLevelHighest', visa('4954', { declinesOnlyCharges: true, decline: BLOCKED, risk: 'highest' })],
  ['riskLevelElevated', visa('9235', { risk: 'elevated' })],
  ['cvcCheckFail', visa('0101', { checks: { cvc: 'fail' } })],
  ['avsFail', visa('0010', { checks: { line1: 'fail', postalCode: 'fail' } })],
  ['avsLine1Fail', visa('0028', { checks: { line1: 'fail' } })],
  ['avsZipFail', visa('0036', { checks: { postalCode: 'fail' } })],
  ['avsUnchecked', visa('0044', { checks: { line1: 'unavailable', postalCode: 'unavailable' } })],
];

const AUTHENTICATED: readonly (readonly [string, TestCard])[] = [
  ['authenticationRequired', visa('3184', { authentication: 'required' })],
  ['authenticationRequiredOnSetup', visa('3155', { authentication: 'until_set_up' })],
  ['authenticationRequiredSetupForOffSession', visa('0446', { authentication: 'on_session' })],
  [
    'authenticationRequiredChargeDeclinedInsufficientFunds',
    visa('3178', { authentication: 'until_set_up', decline: INSUFFICIENT_FUNDS, declinesOnlyCharges: true }),
  ],
  ['threeDSecure2Required', visa('3220', { authentication: 'required' })],
  ['threeDSecureRequired', visa('3063', { authentication: 'required' })],
  [
    'threeDSecureRequiredChargeDeclined',
    visa('1629', { authentication: 'required', decline: GENERIC_DECLINE, declinesOnlyCharges: true }),
  ],
  // The bank's directory can't be asked, and so the payment is declined before anyone is.
  [
    'threeDSecureRequiredProcessingError',
    visa('1280', { decline: GENERIC_DECLINE, declinesOnlyCharges: true, authentication: 'unreachable' }),
  ],
  ['threeDSecureOptional', visa('3055')],
  ['amex_threeDSecureNotSupported', card('amex', '0005', { authentication: 'unsupported' })],
];

const compliance = (eligible: EligibilityType) =>
  ({ reason: 'noncompliant', networkReasonCode: null, eligible }) as const;

const FRAUDULENT = { reason: 'fraudulent', networkReasonCode: '10.4' } as const;

const AFTERWARDS: readonly (readonly [string, TestCard])[] = [
  ['createDispute', visa('0259', { dispute: FRAUDULENT })],
  [
    'createDisputeProductNotReceived',
    visa('2685', { dispute: { reason: 'product_not_received', networkReasonCode: '13.1' } }),
  ],
  ['createDisputeInquiry', visa('1976', { dispute: { ...FRAUDULENT, inquiry: true } })],
  ['createMultipleDisputes', visa('0079', { dispute: { ...FRAUDULENT, times: 2 } })],
  ['createCe3EligibleDispute', visa('0038', { dispute: { ...FRAUDULENT, eligible: 'visa_compelling_evidence_3' } })],
  ['createComplianceDispute', visa('0779', { dispute: compliance('visa_compliance') })],
  ['createMastercardComplianceDispute', card('mastercard', '0002', { dispute: compliance('mastercard_compliance') })],
  ['createAutoRepresentmentEligibleDispute', visa('0043', { dispute: FRAUDULENT })],
  ['createIssuerFraudRecord', visa('5423', { warns: true })],
  ['pendingRefund', visa('7726', { refund: 'pending' })],
  ['refundFail', visa('5126', { refund: 'fails' })],
  ['bypassPending', visa('0077', { available: 'at_once' })],
  ['bypassPendingInternational', visa('3720', { available: 'at_once' })],
];

const OWN: readonly (readonly [string, TestCard])[] = [
  // Stripe has no test card that leaves an intent `processing`, though some payments are.
  ['sandbox_processing', visa('4242', { processing: 'succeeds' })],
  ['sandbox_processingForDays', visa('4242', { processing: 'succeeds', processingMs: 3 * 24 * 3600 * 1000 })],
  ['sandbox_processingFails', visa('0002', { processing: 'fails' })],
  // Nor one whose refund fails before it has moved anything.
  ['sandbox_refundFailsAtOnce', visa('5126', { refund: 'fails_at_once' })],
  // Nor one whose dispute is prevented: https://docs.stripe.com/changelog/basil/2025-08-27/add-preventions-to-dispute
  ['sandbox_disputePrevented', visa('0259', { dispute: { ...FRAUDULENT, prevented: true } })],
];

/** All cards, in groups as Stripe's page of test cards has them, for a person to read. */
export const CARD_GROUPS: readonly (readonly [string, readonly (readonly [string, TestCard])[]])[] = [
  ['By brand', BRANDS],
  ['By country', OF_COUNTRIES],
  ['Declined', DECLINES],
  ['Risk and checks', RISKS],
  ['3-D Secure', AUTHENTICATED],
  ['Disputes, refunds, balance', AFTERWARDS],
  ["The sandbox's own", OWN],
];

export const TEST_CARDS: ReadonlyMap<string, TestCard> = new Map(CARD_GROUPS.flatMap(([, cards]) => cards));
