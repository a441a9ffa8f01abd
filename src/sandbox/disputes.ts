import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordDispute } from './balance.ts';
import { disputesOf, settleCharge } from './charges.ts';
import { eligibilityOf, type EnhancedParams, feeInTheWay, mergeEnhanced } from './enhanced-evidence.ts';
import { type Failure, refused } from './failure.ts';
import { idOf, newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { cardBehind } from './payment-methods.ts';
import { failRefund } from './refunds.ts';
import { find, findNamed, save, saveChange, type Scope } from './scope.ts';
import type { TestCard } from './test-cards.ts';

/** A week to answer; the networks give between one and three. */
const ANSWER_WITHIN_S = 7 * 24 * 60 * 60;
/** The bank decides on evidence after this. */
const DECIDED_AFTER_MS = 1000;
/** And may change its mind so much later that a service has heard of the one before it hears of the other. */
const REVERSED_AFTER_MS = 60_000;

/** A refund that was made so shortly before the money was taken back is taken back too, and not given twice. */
const CATCHES_REFUNDS_OF_S = 60;

/** The cardholder complains: the amount and a fee are withdrawn, unless the bank only inquires. */
export const openDispute = (scope: Scope, chargeId: string): void => {
  const found = scope.store.get('charge', chargeId);
  const behaviour =
    typeof found?.payment_method === 'string' ? cardBehind(scope, found.payment_method).dispute : undefined;
  if (found === undefined || behaviour === undefined || !found.captured) return;
  if (disputesOf(scope, chargeId).length >= (behaviour.times ?? 1)) return;
  const charge = settleCharge(scope, found);
  const inquiry = behaviour.inquiry === true;
  const opened = newDispute(scope, charge, behaviour);
  scope.store.put({ ...charge, disputed: true });
  const taken = inquiry ? opened : withdraw(scope, opened);
  save(scope, behaviour.final === true ? { ...taken, status: 'lost' } : taken, 'charge.dispute.created');
  if (!inquiry) tellWithdrawn(scope, opened.id);
  const isOver = behaviour.final === true || behaviour.prevented === true;
  const over = isOver ? scope.store.get('dispute', opened.id) : undefined;
  if (over !== undefined) save(scope, over, 'charge.dispute.closed');
};

const isDebited = ({ payment_method_details: details }: Stripe.Charge): boolean => details?.type === 'sepa_debit';

const withdraw = (scope: Scope, dispute: Stripe.Dispute): Stripe.Dispute => ({
  ...dispute,
  balance_transactions: [...dispute.balance_transactions, recordDispute(scope, dispute, 'withdrawn')],
  is_charge_refundable: false,
});

const tellWithdrawn = (scope: Scope, id: string): void => {
  const dispute = scope.store.get('dispute', id);
  if (dispute !== undefined) save(scope, dispute, 'charge.dispute.funds_withdrawn');
};

/** The bank was not content with the answer to its inquiry: a dispute like any other, and the money goes. */
const escalate = (scope: Scope, inquiry: Stripe.Dispute): void => {
  const charge = scope.store.get('charge', idOf(inquiry.charge) ?? '');
  const now = scope.clock.nowS();
  const card = inquiry.payment_method_details?.card;
  const dispute: Stripe.Dispute = {
    ...withdraw(scope, inquiry),
    evidence_details: { ...inquiry.evidence_details, due_by: now + ANSWER_WITHIN_S },
    payment_method_details: {
      type: 'card',
      ...(card === undefined ? {} : { card: { ...card, case_type: 'chargeback' as const } }),
    },
    status: 'needs_response',
  };
  saveChange(scope, dispute, 'charge.dispute.updated', { status: inquiry.status });
  tellWithdrawn(scope, dispute.id);
  if (charge === undefined) return;
  const recent = [
    ['charge', '=', charge.id],
    ['created', '>', now - CATCHES_REFUNDS_OF_S],
  ] as const;
  for (const refund of scope.store.list({ kind: 'refund', where: recent, limit: 100 })) {
    failRefund(scope, refund, 'charge_for_pending_refund_disputed');
  }
};

/** The bank warns that the cardholder may say it was not he; whoever gives the money back may spare himself the dispute. */
export const warnOfFraud = (scope: Scope, chargeId: string): void => {
  const charge = scope.store.get('charge', chargeId);
  if (charge === undefined) return;
  const warning = {
    id: newId('issfr_'),
    object: 'radar.early_fraud_warning',
    actionable: !charge.refunded && !charge.disputed,
    charge: charge.id,
    created: scope.clock.nowS(),
    fraud_type: 'misc',
    livemode: false,
    ...(charge.payment_intent === null ? {} : { payment_intent: charge.payment_intent }),
  } satisfies Stripe.Radar.EarlyFraudWarning;
  save(scope, warning, 'radar.early_fraud_warning.created');
};

export const newDispute = (
  scope: Scope,
  charge: Stripe.Charge,
  { reason, networkReasonCode, inquiry: isInquiry, eligible, prevented }: NonNullable<TestCard['dispute']>,
): Stripe.Dispute => {
  const now = scope.clock.nowS();
  // Of a debit there is nothing of a card to be shown.
  const brand = isDebited(charge) ? undefined : (charge.payment_method_details?.card?.brand ?? 'visa');
  const inquiry = isInquiry === true;
  const types = eligible === undefined ? [] : [eligible];
  const isCompliance = eligible === 'visa_compliance' || eligible === 'mastercard_compliance';
  return {
    id: newId('du_'),
    object: 'dispute',
    amount: charge.amount_captured - charge.amount_refunded,
    balance_transactions: [],
    charge: charge.id,
    created: now,
    currency: charge.currency,
    enhanced_eligibility_types: types,
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: now + ANSWER_WITHIN_S,
      enhanced_eligibility: eligibilityOf(types, {}, false),
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: true,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    ...(brand === undefined
      ? {}
      : {
          payment_method_details: {
            card: {
              brand,
              case_type: inquiry
                ? ('inquiry' as const)
                : isCompliance
                  ? ('compliance' as const)
                  : prevented === true
                    ? ('resolution' as const)
                    : ('chargeback' as const),
              network: brand,
              network_reason_code: networkReasonCode,
            },
            type: 'card' as const,
          },
        }),
    reason,
    status: inquiry ? 'warning_needs_response' : prevented === true ? 'prevented' : 'needs_response',
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

/** What can be said to the bank; the rest of what Stripe shows as evidence it finds itself. */
export const EVIDENCE: readonly TextEvidence[] = Object.keys(NO_EVIDENCE).filter(
  (name): name is TextEvidence => name !== 'enhanced_evidence',
);
type TextEvidence = Exclude<keyof Stripe.Dispute.Evidence, 'enhanced_evidence'>;

export interface DisputeParams {
  readonly evidence?:
    | (Partial<Record<TextEvidence, string | null | undefined>> & {
        readonly enhanced_evidence?: EnhancedParams | null | undefined;
      })
    | undefined;
  readonly submit?: boolean | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

/** The statuses in which the bank still waits for the merchant. */
const OPEN: readonly string[] = ['needs_response', 'warning_needs_response'];

/**
 * Adds evidence, and sends all that was added to the bank unless `submit` says no. The words `winning_evidence`,
 * `losing_evidence` and, of an inquiry, `escalate_inquiry_evidence` in `evidence[uncategorized_text]` decide, as in
 * Stripe's test mode; after `reversed_evidence` it is lost, and then won: a bank may change its mind.
 */
export const updateDispute = (scope: Scope, id: string, params: DisputeParams): Result<Stripe.Dispute, Failure> =>
  find(scope, 'dispute', id).andThen((dispute) => {
    if (!OPEN.includes(dispute.status)) return err(refused(closedMessage(dispute)));
    const { enhanced_evidence: enhanced, ...texts } = params.evidence ?? {};
    const given = Object.entries(texts).filter(([, value]) => value !== undefined);
    const types = dispute.enhanced_eligibility_types;
    const special = mergeEnhanced(dispute.evidence.enhanced_evidence, enhanced);
    for (const { charge } of enhanced?.visa_compelling_evidence_3?.prior_undisputed_transactions ?? []) {
      const found = findNamed(scope, 'charge', charge);
      if (found.isErr()) return err(found.error);
    }
    const staged =
      dispute.evidence_details.has_evidence ||
      given.some(([, value]) => value !== null) ||
      Object.keys(special).length > 0;
    // `submit` is true where nothing is said, and metadata alone send nothing.
    const sent =
      params.submit === false ? false : params.submit === true ? staged : given.length > 0 || enhanced !== undefined;
    const fee = sent ? feeInTheWay(types, special) : undefined;
    if (fee !== undefined) {
      return err(
        refused(
          'To send evidence of a compliance dispute, acknowledge the fee of its network.',
          undefined,
          `evidence[enhanced_evidence][${fee}][fee_acknowledged]`,
        ),
      );
    }
    const updated: Stripe.Dispute = {
      ...dispute,
      metadata: mergeMetadata(dispute.metadata, params.metadata),
      evidence: { ...dispute.evidence, ...Object.fromEntries(given), enhanced_evidence: special },
      evidence_details: {
        ...dispute.evidence_details,
        enhanced_eligibility: eligibilityOf(types, special, sent),
        has_evidence: staged,
        submission_count: dispute.evidence_details.submission_count + (sent ? 1 : 0),
        submission_method: sent ? 'manual' : dispute.evidence_details.submission_method,
      },
      status: sent ? (dispute.status === 'needs_response' ? 'under_review' : 'warning_under_review') : dispute.status,
    };
    saveChange(scope, updated, 'charge.dispute.updated', { status: dispute.status });
    if (sent) scope.store.schedule(scope.clock.nowMs() + DECIDED_AFTER_MS, 'decide_dispute', id);
    return ok(updated);
  });

const closedMessage = ({ status }: Stripe.Dispute): string =>
  status === 'under_review' || status === 'warning_under_review'
    ? 'This dispute is under review; its evidence has been submitted and can no longer change.'
    : 'This dispute is already closed';

/** The merchant gives in. */
export const closeDispute = (scope: Scope, id: string): Result<Stripe.Dispute, Failure> =>
  find(scope, 'dispute', id).andThen((dispute) => {
    if (!OPEN.includes(dispute.status)) {
      return err(refused(closedMessage(dispute)));
    }
    return ok(finish(scope, dispute, dispute.status === 'needs_response' ? 'lost' : 'warning_closed'));
  });

/** The bank's answer to the evidence; without either word it goes on thinking. */
export const decideDispute = (scope: Scope, id: string): void => {
  const dispute = scope.store.get('dispute', id);
  if (dispute === undefined) return;
  const evidence = dispute.evidence.uncategorized_text;
  if (dispute.status === 'warning_under_review') {
    if (evidence === 'escalate_inquiry_evidence') escalate(scope, dispute);
    else finish(scope, dispute, 'warning_closed');
  }
  if (dispute.status === 'under_review' && evidence === 'winning_evidence') finish(scope, dispute, 'won');
  else if (dispute.status === 'under_review' && evidence === 'losing_evidence') finish(scope, dispute, 'lost');
  else if (dispute.status === 'under_review' && evidence === 'reversed_evidence') {
    finish(scope, dispute, 'lost');
    scope.store.schedule(scope.clock.nowMs() + REVERSED_AFTER_MS, 'decide_dispute', id);
  } else if (dispute.status === 'lost' && evidence === 'reversed_evidence') finish(scope, dispute, 'won');
};

const finish = (scope: Scope, dispute: Stripe.Dispute, status: 'won' | 'lost' | 'warning_closed'): Stripe.Dispute => {
  const finished: Stripe.Dispute =
    status === 'won'
      ? {
          ...dispute,
          status,
          is_charge_refundable: true,
          balance_transactions: [...dispute.balance_transactions, recordDispute(scope, dispute, 'reinstated')],
        }
      : { ...dispute, status };
  if (status === 'won') save(scope, finished, 'charge.dispute.funds_reinstated', 'charge.dispute.closed');
  else save(scope, finished, 'charge.dispute.closed');
  return finished;
};
