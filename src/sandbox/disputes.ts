import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordDispute } from './balance.ts';
import { settleCharge } from './charges.ts';
import { type Failure, refused } from './failure.ts';
import { newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { cardBehind } from './payment-methods.ts';
import { find, save, saveChange, type Scope } from './scope.ts';

/** A week to answer; the networks give between one and three. */
const ANSWER_WITHIN_S = 7 * 24 * 60 * 60;
/** The bank decides on evidence after this. */
const DECIDED_AFTER_MS = 1000;

/** The cardholder complains: the amount and a fee are withdrawn, unless the bank only inquires. */
export const openDispute = (scope: Scope, chargeId: string): void => {
  const found = scope.store.get('charge', chargeId);
  const behaviour =
    typeof found?.payment_method === 'string' ? cardBehind(scope, found.payment_method).dispute : undefined;
  if (found === undefined || behaviour === undefined || found.disputed || !found.captured) return;
  const charge = settleCharge(scope, found);
  const inquiry = behaviour.inquiry === true;
  const opened = newDispute(scope, charge, behaviour.reason, behaviour.networkReasonCode, inquiry);
  const dispute = inquiry ? opened : { ...opened, balance_transactions: [recordDispute(scope, opened, 'withdrawn')] };
  save(scope, dispute, 'charge.dispute.created');
  if (inquiry) return;
  saveChange(scope, { ...charge, disputed: true }, 'charge.updated', { disputed: false });
  save(scope, dispute, 'charge.dispute.funds_withdrawn');
};

const newDispute = (
  scope: Scope,
  charge: Stripe.Charge,
  reason: string,
  networkReasonCode: string,
  inquiry: boolean,
): Stripe.Dispute => {
  const now = scope.clock.nowS();
  return {
    id: newId('du_'),
    object: 'dispute',
    amount: charge.amount_captured - charge.amount_refunded,
    balance_transactions: [],
    charge: charge.id,
    created: now,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: now + ANSWER_WITHIN_S,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand: 'visa',
        case_type: inquiry ? 'inquiry' : 'chargeback',
        network: 'visa',
        network_reason_code: networkReasonCode,
      },
      type: 'card',
    },
    reason,
    status: inquiry ? 'warning_needs_response' : 'needs_response',
  } satisfies Stripe.Dispute;
};

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};

export interface DisputeParams {
  readonly evidence?: Readonly<Record<string, string>> | undefined;
  readonly submit?: boolean | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

/** The statuses in which the bank still waits for the merchant. */
const OPEN: readonly string[] = ['needs_response', 'warning_needs_response'];

/**
 * Adds evidence, and sends it to the bank unless `submit` says no. The words `winning_evidence` and `losing_evidence` in
 * `evidence[uncategorized_text]` decide the dispute, as in Stripe's test mode.
 */
export const updateDispute = (scope: Scope, id: string, params: DisputeParams): Result<Stripe.Dispute, Failure> =>
  find(scope, 'dispute', id).andThen((dispute) => {
    if (params.evidence !== undefined && !OPEN.includes(dispute.status)) {
      return err(refused('This dispute is already closed or under review; its evidence cannot change.'));
    }
    const sent = params.evidence !== undefined && params.submit !== false;
    const updated: Stripe.Dispute = {
      ...dispute,
      metadata: mergeMetadata(dispute.metadata, params.metadata),
      evidence: { ...dispute.evidence, ...params.evidence },
      evidence_details: {
        ...dispute.evidence_details,
        has_evidence: dispute.evidence_details.has_evidence || params.evidence !== undefined,
        submission_count: dispute.evidence_details.submission_count + (sent ? 1 : 0),
        submission_method: sent ? 'manual' : dispute.evidence_details.submission_method,
      },
      status: sent ? (dispute.status === 'needs_response' ? 'under_review' : 'warning_under_review') : dispute.status,
    };
    saveChange(scope, updated, 'charge.dispute.updated', { status: dispute.status });
    if (sent) scope.store.schedule(scope.clock.nowMs() + DECIDED_AFTER_MS, 'decide_dispute', id);
    return ok(updated);
  });

/** The merchant gives in. */
export const closeDispute = (scope: Scope, id: string): Result<Stripe.Dispute, Failure> =>
  find(scope, 'dispute', id).andThen((dispute) => {
    if (!OPEN.includes(dispute.status)) {
      return err(refused(`This dispute is already closed: it has a status of ${dispute.status}.`));
    }
    return ok(finish(scope, dispute, dispute.status === 'needs_response' ? 'lost' : 'warning_closed'));
  });

/** The bank's answer to the evidence; without either word it goes on thinking. */
export const decideDispute = (scope: Scope, id: string): void => {
  const dispute = scope.store.get('dispute', id);
  if (dispute === undefined) return;
  const evidence = dispute.evidence.uncategorized_text;
  if (dispute.status === 'warning_under_review') finish(scope, dispute, 'warning_closed');
  else if (dispute.status === 'under_review' && evidence === 'winning_evidence') finish(scope, dispute, 'won');
  else if (dispute.status === 'under_review' && evidence === 'losing_evidence') finish(scope, dispute, 'lost');
};

const finish = (scope: Scope, dispute: Stripe.Dispute, status: 'won' | 'lost' | 'warning_closed'): Stripe.Dispute => {
  const finished: Stripe.Dispute =
    status === 'won'
      ? {
          ...dispute,
          status,
          balance_transactions: [...dispute.balance_transactions, recordDispute(scope, dispute, 'reinstated')],
        }
      : { ...dispute, status };
  if (status === 'won') save(scope, finished, 'charge.dispute.funds_reinstated', 'charge.dispute.closed');
  else save(scope, finished, 'charge.dispute.closed');
  return finished;
};
