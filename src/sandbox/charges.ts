import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordCharge, recordFailure } from './balance.ts';
import { checksOf } from './cards.ts';
import { debitDetails } from './debits.ts';
import { findCustomer } from './customers.ts';
import type { Decline } from './declines.ts';
import { type Failure, refused } from './failure.ts';
import { newId, newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { cardBehind } from './payment-methods.ts';
import { find, save, saveChange, type Scope } from './scope.ts';
import type { TestCard } from './test-cards.ts';
import { AUTHENTICATED } from './three-d-secure.ts';

/** An authorisation that is not captured lapses after seven days. */
export const CAPTURE_WITHIN_S: number = 7 * 24 * 60 * 60;

/** What the card's answer does to the charge. */
export type Verdict = { readonly authenticated?: boolean } & (
  | { readonly kind: 'captured' }
  | { readonly kind: 'authorized' }
  | { readonly kind: 'processing' }
  | { readonly kind: 'declined'; readonly decline: Decline }
);

/** Radar's score of each level, about where Stripe's test cards have it. */
const RISK_SCORE = { normal: 32, elevated: 65, highest: 90 } as const;

const STATUS: Readonly<Record<Verdict['kind'], Stripe.Charge.Status>> = {
  captured: 'succeeded',
  authorized: 'succeeded',
  processing: 'pending',
  declined: 'failed',
};

const outcomeOf = (card: TestCard, verdict: Verdict): Stripe.Charge.Outcome => {
  const risk = card.risk ?? 'normal';
  if (verdict.kind !== 'declined') {
    return {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: 'approved_by_network',
      reason: null,
      risk_level: risk,
      risk_score: RISK_SCORE[risk],
      seller_message: 'Payment complete.',
      type: 'authorized',
    };
  }
  const { decline } = verdict;
  const blocked = decline.blocked === true;
  return {
    advice_code: decline.adviceCode,
    network_advice_code: null,
    network_decline_code: decline.networkCode,
    network_status: blocked ? 'not_sent_to_network' : 'declined_by_network',
    reason: blocked ? 'highest_risk_level' : (decline.declineCode ?? decline.code),
    risk_level: risk,
    risk_score: RISK_SCORE[risk],
    seller_message: decline.sellerMessage,
    type: blocked ? 'blocked' : 'issuer_declined',
  };
};

const cardDetails = (
  card: TestCard,
  { card: shown }: Stripe.PaymentMethod,
  intent: Stripe.PaymentIntent,
  verdict: Verdict,
  nowS: number,
): Stripe.Charge.PaymentMethodDetails => ({
  card: {
    amount_authorized: verdict.kind === 'declined' ? null : intent.amount,
    authorization_code: verdict.kind === 'declined' ? null : '123456',
    brand: card.brand,
    ...(verdict.kind === 'authorized' ? { capture_before: nowS + CAPTURE_WITHIN_S } : {}),
    checks: checksOf(card),
    country: card.country,
    electronic_commerce_indicator: verdict.authenticated === true ? '05' : null,
    exp_month: shown?.exp_month ?? 12,
    exp_year: shown?.exp_year ?? 2034,
    extended_authorization: { status: 'disabled' },
    fingerprint: `sandbox${card.country}${card.last4}`,
    funding: card.funding,
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: shown?.last4 ?? card.last4,
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: verdict.kind === 'declined' ? null : '104102978678771',
    overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
    regulated_status: 'unregulated',
    three_d_secure: verdict.authenticated === true ? AUTHENTICATED : null,
    transaction_link_id: null,
    wallet: null,
  },
  type: 'card',
});

/** The charge that an attempt on an intent makes, declined ones too. */
export const newCharge = (
  scope: Scope,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  verdict: Verdict,
): Stripe.Charge => {
  const now = scope.clock.nowS();
  const card = cardBehind(scope, method.id);
  // A debit is sent to the bank as it is; whether it is paid is another matter.
  const captured = verdict.kind === 'captured' || card.debit === true;
  const decline = verdict.kind === 'declined' ? verdict.decline : undefined;
  return {
    // What is paid by another method than a card Stripe calls a payment, and its charge accordingly.
    id: newId(card.debit === true ? 'py_' : 'ch_'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: captured ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: 'QUITTANCE SANDBOX',
    captured,
    created: now,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: card.debit === true && verdict.kind === 'processing' ? null : outcomeOf(card, verdict),
    paid: verdict.kind === 'captured' || verdict.kind === 'authorized',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details:
      card.debit === true
        ? debitDetails(card, newSecret('mandate_', 24))
        : cardDetails(card, method, intent, verdict, now),
    radar_options: {},
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: intent.shipping,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: STATUS[verdict.kind],
    transfer_data: null,
    transfer_group: intent.transfer_group,
  } satisfies Stripe.Charge;
};

/**
 * Gives a captured charge its balance transaction, where it has none yet: with `automatic_async` Stripe makes it only
 * after it has answered, and tells of it with `charge.updated`.
 */
export const settleCharge = (scope: Scope, charge: Stripe.Charge): Stripe.Charge => {
  if (charge.balance_transaction !== null || !charge.captured) return charge;
  const settled = { ...charge, balance_transaction: recordCharge(scope, charge, charge.amount_captured).id };
  saveChange(scope, settled, 'charge.updated', { balance_transaction: null });
  return settled;
};

/** A cardholder complains, or the bank warns, within a second; Stripe's test cards do so as fast. */
const FOLLOWS_AFTER_MS = 500;
/** A debit that was paid comes back after this: long enough to be seen paid. */
const FAILS_AFTER_MS = 5000;

/** What the test card of a captured charge has in store: disputes, a warning. */
export const scheduleWhatFollows = (scope: Scope, charge: Stripe.Charge): void => {
  if (charge.payment_method === null) return;
  const { dispute, warns, failsLate } = cardBehind(scope, charge.payment_method);
  const atMs = scope.clock.nowMs() + FOLLOWS_AFTER_MS;
  if (warns === true) scope.store.schedule(atMs, 'warn_of_fraud', charge.id);
  if (failsLate !== undefined) scope.store.schedule(scope.clock.nowMs() + FAILS_AFTER_MS, 'fail_late', charge.id);
  for (let left = dispute === undefined ? 0 : (dispute.times ?? 1); left > 0; left--) {
    scope.store.schedule(atMs, 'open_dispute', charge.id);
  }
};

/**
 * A debit fails: what Stripe's balance has had of it since it was made, or since it was paid, is taken back.
 * https://docs.stripe.com/reports/balance-transaction-types
 */
export const failedDebit = (scope: Scope, charge: Stripe.Charge, why: Decline): Stripe.Charge => ({
  ...charge,
  failure_balance_transaction: recordFailure(scope, charge).id,
  failure_code: why.code,
  failure_message: why.message,
  paid: false,
  status: 'failed',
});

/** The bank takes back what it had paid, and makes no dispute of it; the intent stays as it is. */
export const failLate = (scope: Scope, id: string): void => {
  const charge = scope.store.get('charge', id);
  const why =
    typeof charge?.payment_method === 'string' ? cardBehind(scope, charge.payment_method).failsLate : undefined;
  if (charge?.status === 'succeeded' && why !== undefined)
    save(scope, failedDebit(scope, charge, why), 'charge.failed');
};

export interface ChargeParams {
  readonly customer?: string | undefined;
  readonly description?: string | null | undefined;
  readonly fraud_details?: { readonly user_report: string } | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly receipt_email?: string | null | undefined;
  readonly shipping?: Stripe.Charge.Shipping | null | undefined;
  readonly transfer_group?: string | undefined;
}

/** Changes what says nothing of the money. */
export const updateCharge = (scope: Scope, id: string, params: ChargeParams): Result<Stripe.Charge, Failure> =>
  find(scope, 'charge', id).andThen((charge) => {
    const customer = params.customer === undefined ? ok(null) : findCustomer(scope, params.customer);
    if (customer.isErr()) return err(customer.error);
    if (customer.value !== null && charge.customer !== null) {
      return err(refused('You cannot change the customer of a charge that has one.', undefined, 'customer'));
    }
    const report = params.fraud_details?.user_report;
    const updated: Stripe.Charge = {
      ...charge,
      customer: customer.value?.id ?? charge.customer,
      description: params.description === undefined ? charge.description : params.description,
      fraud_details: report === undefined ? charge.fraud_details : report === '' ? {} : { user_report: report },
      metadata: mergeMetadata(charge.metadata, params.metadata),
      receipt_email: params.receipt_email === undefined ? charge.receipt_email : params.receipt_email,
      shipping: params.shipping === undefined ? charge.shipping : params.shipping,
      transfer_group: params.transfer_group ?? charge.transfer_group,
    };
    const { description, metadata } = charge;
    saveChange(scope, updated, 'charge.updated', { description, metadata });
    return ok(updated);
  });

/** The disputes of a charge, the newest first. */
export const disputesOf = (scope: Scope, charge: string): Stripe.Dispute[] =>
  scope.store.list({ kind: 'dispute', where: [['charge', '=', charge]], limit: 100 });

/** Whether a dispute stands in the way of a refund: one that took the money and has not given it back. */
export const isChargedBack = (scope: Scope, charge: Stripe.Charge): boolean =>
  charge.disputed && disputesOf(scope, charge.id).some(({ is_charge_refundable: refundable }) => !refundable);
