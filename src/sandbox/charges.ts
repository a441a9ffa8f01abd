import type { Stripe } from 'stripe';
import { recordCharge } from './balance.ts';
import type { Decline, TestCard } from './cards.ts';
import { newId } from './ids.ts';
import { saveChange, type Scope } from './scope.ts';

/** An authorisation that is not captured lapses after seven days. */
export const CAPTURE_WITHIN_S: number = 7 * 24 * 60 * 60;

/** What the card's answer does to the charge. */
export type Verdict =
  | { readonly kind: 'captured' }
  | { readonly kind: 'authorized' }
  | { readonly kind: 'processing' }
  | { readonly kind: 'declined'; readonly decline: Decline };

const STATUS: Readonly<Record<Verdict['kind'], Stripe.Charge.Status>> = {
  captured: 'succeeded',
  authorized: 'succeeded',
  processing: 'pending',
  declined: 'failed',
};

const outcomeOf = (verdict: Verdict): Stripe.Charge.Outcome => {
  if (verdict.kind !== 'declined') {
    return {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: 'approved_by_network',
      reason: null,
      risk_level: 'normal',
      risk_score: 32,
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
    risk_level: blocked ? 'highest' : 'normal',
    risk_score: blocked ? 90 : 32,
    seller_message: decline.sellerMessage,
    type: blocked ? 'blocked' : 'issuer_declined',
  };
};

const cardDetails = (
  card: TestCard,
  intent: Stripe.PaymentIntent,
  verdict: Verdict,
  nowS: number,
): Stripe.Charge.PaymentMethodDetails => ({
  card: {
    amount_authorized: verdict.kind === 'declined' ? null : intent.amount,
    authorization_code: verdict.kind === 'declined' ? null : '123456',
    brand: card.brand,
    ...(verdict.kind === 'authorized' ? { capture_before: nowS + CAPTURE_WITHIN_S } : {}),
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    electronic_commerce_indicator: null,
    exp_month: 12,
    exp_year: 2034,
    extended_authorization: { status: 'disabled' },
    fingerprint: `sandbox${card.last4}`,
    funding: card.funding,
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: card.last4,
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: verdict.kind === 'declined' ? null : '104102978678771',
    overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
    regulated_status: 'unregulated',
    three_d_secure: null,
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
  card: TestCard,
  verdict: Verdict,
): Stripe.Charge => {
  const now = scope.clock.nowS();
  const captured = verdict.kind === 'captured';
  const decline = verdict.kind === 'declined' ? verdict.decline : undefined;
  return {
    id: newId('ch_'),
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
    outcome: outcomeOf(verdict),
    paid: verdict.kind === 'captured' || verdict.kind === 'authorized',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: cardDetails(card, intent, verdict, now),
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
  const settled = { ...charge, balance_transaction: recordCharge(scope, charge).id };
  saveChange(scope, settled, 'charge.updated', { balance_transaction: null });
  return settled;
};
