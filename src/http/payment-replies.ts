/** What routes answer of customers and their payments. */
import { z } from 'zod';
import { CONTRADICTION_KINDS } from '../domain/contradiction.ts';
import { PAYMENT_STATUSES } from '../domain/payment.ts';
import { SETUP_STATUSES } from '../domain/setup.ts';
import type {
  ContradictionView,
  CustomerView,
  DetachedMethodView,
  DisputeView,
  PaymentMethodView,
  PaymentView,
  RefundView,
  SetupView,
  TimelineView,
} from '../domain/views.ts';
import { id, words, metadata, time, code, minor, currency } from './reply-fields.ts';
import * as details from './payment-details.ts';

export const customer: z.ZodType<CustomerView> = z.strictObject({
  id: id('cus'),
  object: z.literal('customer'),
  name: words,
  email: words,
  metadata,
  deleted: z.literal(true).describe('Who it is was erased: the wallet and the payments stay.').exactOptional(),
  created_at: time,
});

const nextAction = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('redirect_to_url'),
      redirect_to_url: z.strictObject({ url: z.string(), return_url: z.string().nullable() }),
    }),
    z.strictObject({
      type: z.literal('use_stripe_js'),
      stripe_client_secret: z
        .string()
        .describe("For `handleNextAction` of Stripe.js, in the page that pays. Finance keys and events don't see it.")
        .exactOptional(),
    }),
  ])
  .nullable();
const lastError = z.strictObject({ code, decline_code: z.string().nullable(), message: z.string() }).nullable();

export const payment: z.ZodType<PaymentView> = z.strictObject({
  id: id('pay'),
  object: z.literal('payment'),
  status: z.enum(PAYMENT_STATUSES),
  amount: minor,
  amount_captured: minor,
  amount_refunded: minor,
  amount_returned: minor.describe(
    'What the bank has taken back of a debit that had succeeded: the payment stays `succeeded`, and `last_error` says why.',
  ),
  currency,
  customer: id('cus')
    .nullable()
    .describe('Null for a publishable key, which is shown no description, reference and metadata either.'),
  payment_method: z.string().nullable(),
  capture_method: z.enum(['automatic', 'manual']),
  ...details.shown,
  client_secret: z.string().describe('For the browser that pays. Secret keys alone see it.').exactOptional(),
  next_action: nextAction.describe('What the customer must do before the payment goes on.'),
  last_error: lastError.describe('Why the last attempt failed.'),
  created_at: time,
});

export const paymentMethod: z.ZodType<PaymentMethodView> = z.strictObject({
  id: z.string().describe("Stripe's id."),
  object: z.literal('payment_method'),
  customer: id('cus'),
  type: z.string().describe("Stripe's type: `card`."),
  card: z
    .strictObject({
      brand: z.string(),
      last4: z.string(),
      exp_month: z.int(),
      exp_year: z.int(),
      country: words,
      funding: z.string(),
    })
    .nullable(),
  default: z.boolean().describe('It is charged where none is named.'),
  created_at: time,
});

export const detachedMethod: z.ZodType<DetachedMethodView> = z.strictObject({
  id: z.string(),
  object: z.literal('payment_method'),
  deleted: z.literal(true),
});

export const setup: z.ZodType<SetupView> = z.strictObject({
  id: id('set'),
  object: z.literal('setup'),
  status: z.enum(SETUP_STATUSES),
  customer: id('cus').nullable().describe('Null for a publishable key.'),
  payment_method: words.describe('What is kept, or is to be.'),
  client_secret: z.string().describe('For the browser that confirms it. Secret keys alone see it.').exactOptional(),
  next_action: nextAction.describe('What the customer must do before it is kept.'),
  last_error: lastError.describe('Why it was not kept.'),
  created_at: time,
});

export const refund: z.ZodType<RefundView> = z.strictObject({
  id: id('re'),
  object: z.literal('refund'),
  payment: id('pay'),
  amount: minor,
  currency,
  status: z.enum(['pending', 'succeeded', 'failed']),
  reason: words,
  failure_reason: words,
  created_at: time,
});

export const contradiction: z.ZodType<ContradictionView> = z.strictObject({
  id: id('ctr'),
  object: z.literal('contradiction'),
  kind: z.enum(CONTRADICTION_KINDS).describe('What differs.'),
  status: z.enum(['open', 'resolved']),
  payment: id('pay').nullable(),
  subject: z.string().describe("What it is about: Stripe's id, or an attempt's."),
  amount: minor.nullable(),
  currency: currency.nullable(),
  message: z.string().describe('What its kind means.'),
  detail: z.string(),
  resolution: words.describe('What came of it, or what a person did about it.'),
  created_at: time,
  resolved_at: time.nullable(),
});

export const dispute: z.ZodType<DisputeView> = z.strictObject({
  id: id('dp'),
  object: z.literal('dispute'),
  payment: id('pay'),
  amount: minor,
  currency,
  status: z.enum(['open', 'won', 'lost']),
  reason: words,
  created_at: time,
});

export const timeline: z.ZodType<TimelineView> = z.strictObject({
  object: z.literal('timeline'),
  payment: id('pay'),
  status: z.enum(PAYMENT_STATUSES),
  data: z.array(
    z.strictObject({
      at: time,
      what: z.string(),
      details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    }),
  ),
});
