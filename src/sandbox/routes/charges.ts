import { z } from 'zod';
import { updateCharge } from '../charges.ts';
import { closeDispute, EVIDENCE, updateDispute } from '../disputes.ts';
import { TRANSACTION_TEXTS, type TransactionText } from '../enhanced-evidence.ts';
import { listObjects, searchObjects } from '../list.ts';
import { amount, clearableText, email, flag, metadata, pageParams, searchParams, text } from '../params.ts';
import { cancelRefund, createRefund, updateRefund } from '../refunds.ts';
import { find } from '../scope.ts';
import { type Route, route } from './route.ts';
import * as s from './shapes.ts';

const acknowledged = z.strictObject({ fee_acknowledged: flag.optional() });

const transaction = {
  ...(Object.fromEntries(TRANSACTION_TEXTS.map((name) => [name, clearableText.optional()])) as Record<
    TransactionText,
    z.ZodOptional<z.ZodType<string | null>>
  >),
  shipping_address: s.clearableAddress.optional(),
};

const enhanced = z.strictObject({
  mastercard_compliance: acknowledged.optional(),
  visa_compliance: acknowledged.optional(),
  visa_compelling_evidence_3: z
    .strictObject({
      disputed_transaction: z
        .strictObject({ ...transaction, merchandise_or_services: z.enum(['merchandise', 'services']).optional() })
        .optional(),
      prior_undisputed_transactions: s.cleared(z.array(z.strictObject({ ...transaction, charge: text }))).optional(),
    })
    .optional(),
});

const evidence = z.strictObject({
  enhanced_evidence: s.cleared(enhanced).optional(),
  ...(Object.fromEntries(EVIDENCE.map((name) => [name, clearableText.optional()])) as Record<
    (typeof EVIDENCE)[number],
    z.ZodOptional<z.ZodType<string | null>>
  >),
});

const charges: readonly Route[] = [
  route(
    'GET',
    '/v1/charges',
    { ...pageParams, customer: text.optional(), payment_intent: text.optional(), transfer_group: text.optional() },
    (scope, { customer, payment_intent, transfer_group, ...page }) =>
      listObjects(scope, 'charge', '/v1/charges', page, { customer, payment_intent, transfer_group }),
  ),
  route('GET', '/v1/charges/search', searchParams, (scope, input) =>
    searchObjects(scope, 'charge', '/v1/charges/search', input),
  ),
  route('GET', '/v1/charges/:id', {}, (scope, _input, id) => find(scope, 'charge', id)),
  route(
    'POST',
    '/v1/charges/:id',
    {
      customer: text.optional(),
      description: clearableText.optional(),
      fraud_details: z.strictObject({ user_report: z.enum(['', 'fraudulent', 'safe']) }).optional(),
      metadata: metadata.optional(),
      receipt_email: email.optional(),
      shipping: s.shipping.optional(),
      transfer_group: text.optional(),
    },
    (scope, input, id) => updateCharge(scope, id, input),
  ),
];

const refunds: readonly Route[] = [
  route(
    'POST',
    '/v1/refunds',
    {
      charge: text.optional(),
      payment_intent: text.optional(),
      amount: amount.optional(),
      instructions_email: text.optional(),
      reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
      metadata: metadata.optional(),
    },
    (scope, input) => createRefund(scope, input),
  ),
  route(
    'GET',
    '/v1/refunds',
    { ...pageParams, charge: text.optional(), payment_intent: text.optional() },
    (scope, { charge, payment_intent, ...page }) =>
      listObjects(scope, 'refund', '/v1/refunds', page, { charge, payment_intent }),
  ),
  route('GET', '/v1/refunds/:id', {}, (scope, _input, id) => find(scope, 'refund', id)),
  route('POST', '/v1/refunds/:id', { metadata: metadata.optional() }, (scope, input, id) =>
    updateRefund(scope, id, input.metadata),
  ),
  route('POST', '/v1/refunds/:id/cancel', {}, (scope, _input, id) => cancelRefund(scope, id)),
];

const disputes: readonly Route[] = [
  route(
    'GET',
    '/v1/disputes',
    { ...pageParams, charge: text.optional(), payment_intent: text.optional() },
    (scope, { charge, payment_intent, ...page }) =>
      listObjects(scope, 'dispute', '/v1/disputes', page, { charge, payment_intent }),
  ),
  route('GET', '/v1/disputes/:id', {}, (scope, _input, id) => find(scope, 'dispute', id)),
  route(
    'POST',
    '/v1/disputes/:id',
    { evidence: evidence.optional(), submit: flag.optional(), metadata: metadata.optional() },
    (scope, input, id) => updateDispute(scope, id, input),
  ),
  route('POST', '/v1/disputes/:id/close', {}, (scope, _input, id) => closeDispute(scope, id)),
];

const warnings: readonly Route[] = [
  route(
    'GET',
    '/v1/radar/early_fraud_warnings',
    { ...pageParams, charge: text.optional(), payment_intent: text.optional() },
    (scope, { charge, payment_intent, ...page }) =>
      listObjects(scope, 'radar.early_fraud_warning', '/v1/radar/early_fraud_warnings', page, {
        charge,
        payment_intent,
      }),
  ),
  route('GET', '/v1/radar/early_fraud_warnings/:id', {}, (scope, _input, id) =>
    find(scope, 'radar.early_fraud_warning', id),
  ),
];

export const chargeRoutes: readonly Route[] = [...charges, ...refunds, ...disputes, ...warnings];
