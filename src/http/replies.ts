/** What routes answer, as schemas: for the documents and for tests. No reply is checked against them in service. */
import { z } from 'zod';
import { CATEGORIES } from '../domain/category.ts';
import { CONTRADICTION_KINDS } from '../domain/contradiction.ts';
import { PLATFORM_KINDS } from '../domain/ids.ts';
import { PAYMENT_STATUSES } from '../domain/payment.ts';
import { TRANSFER_KINDS } from '../domain/transfer.ts';
import { SETUP_STATUSES } from '../domain/setup.ts';
import type {
  AccountView,
  ActivityView,
  BalanceTransactionView,
  BalancesView,
  BalanceView,
  EntryView,
  PayoutView,
  StatementView,
  PeriodsView,
  PeriodView,
  ProofView,
  TrialBalanceView,
  VolumeView,
} from '../domain/ledger-views.ts';
import type {
  BulkView,
  ContradictionView,
  CustomerView,
  DeletedEndpointView,
  DetachedMethodView,
  DeliveryView,
  DisputeView,
  EndpointView,
  EndpointWithSecretView,
  ErrorView,
  EventView,
  ItemView,
  ListView,
  PaymentMethodView,
  PaymentView,
  QuoteView,
  RefundView,
  SetupView,
  TimelineView,
  TransferView,
} from '../domain/views.ts';
import { ERRORS, type ErrorCode } from '../error.ts';

const id = (prefix: string): z.ZodString => z.string().regex(new RegExp(`^${prefix}_[0-9a-f]{32}$`));
const minor = z.int().min(0).max(999_999_999_999).describe('In minor units: cents of a dollar.');
const sum = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .describe('In minor units, as text: a sum may be larger than a number holds exactly.');
const currency = z
  .string()
  .regex(/^[a-z]{3}$/)
  .describe('A lower-case ISO 4217 code.');
const time = z.iso.datetime({ offset: false });
const words = z.string().nullable();
const metadata = z.record(z.string(), z.string());
const accountKind = z.enum(['wallet', ...PLATFORM_KINDS]);
const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];
const code = z.enum(CODES);

export const error: z.ZodType<ErrorView> = z.strictObject({
  type: z.enum(['api_error', 'card_error', 'idempotency_error', 'invalid_request_error']),
  code,
  decline_code: z.string().describe("The card issuer's reason, in Stripe's words.").exactOptional(),
  message: z.string().describe('What a person may be told.'),
  param: z.string().nullable().describe('The field at fault.'),
  payment: id('pay').exactOptional(),
  url: z.string().describe('Where the customer does what his bank asks him for.').exactOptional(),
  outcome: z.enum(['none', 'applied', 'unknown']).describe('What happened to the money.'),
  retry: z.enum(['same_key', 'new_key', 'after_reconcile', 'never']).describe('What to do next.'),
  doc_url: z.string(),
  request_id: z.string(),
});

/** A page of a list of those. */
export const list = <Item>(item: z.ZodType<Item>): z.ZodType<ListView<Item>> =>
  z.strictObject({ object: z.literal('list'), url: z.string(), has_more: z.boolean(), data: z.array(item) });

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
  currency,
  customer: id('cus')
    .nullable()
    .describe('Null for a publishable key, which is shown no description and no metadata either.'),
  payment_method: z.string().nullable(),
  capture_method: z.enum(['automatic', 'manual']),
  description: words,
  metadata,
  reference: words.describe("The merchant's own name for what it is for, such as an order."),
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

export const item: z.ZodType<ItemView> = z.strictObject({
  id: z.string().regex(/^item_[A-Za-z0-9_]{1,64}$/),
  object: z.literal('item'),
  name: z.string(),
  unit_price: z.string().describe('A decimal, in minor units.'),
  currency,
});

export const transfer: z.ZodType<TransferView> = z.strictObject({
  id: id('tr'),
  object: z.literal('transfer'),
  kind: z.enum(TRANSFER_KINDS),
  from: id('acct'),
  to: id('acct'),
  amount: minor,
  currency,
  description: words,
  reference: words.describe("The merchant's own id of what it is for."),
  metadata,
  reverses: id('tr').describe('The transfer that it takes back, in part or in whole.').exactOptional(),
  reason: z.string().describe('Why it was taken back.').exactOptional(),
  effective_date: z.iso
    .date()
    .nullable()
    .describe('The business day that a reversal belongs to. No balance heeds it.')
    .exactOptional(),
  from_balance_after: sum,
  to_balance_after: sum,
  created_at: time,
});

export const bulk: z.ZodType<BulkView> = z.strictObject({
  object: z.literal('bulk_transfer'),
  mode: z.enum(['atomic', 'independent']),
  data: z
    .array(z.union([transfer, z.strictObject({ object: z.literal('error'), error })]))
    .describe('In the order asked. With `independent`, those that were refused stand as errors.'),
});

export const quote: z.ZodType<QuoteView> = z.strictObject({
  object: z.literal('quote'),
  currency,
  lines: z.int(),
  total: sum,
});

const balanceFields = {
  currency,
  exponent: z.int().min(0).max(3).describe('How many digits of a minor unit stand behind the point.'),
  posted: sum,
  pending: sum,
  available: sum,
  decimal: z.string().describe('`posted` in major units.'),
  sequence: z.string().regex(/^\d+$/).describe('How many transfers it has had.'),
};

const tz = z.string().describe("The zone, by IANA's name, in which days are meant.");
const asOf = time.describe('What was posted until then, and then, is in it.');
const final = z.boolean().describe('It will never change: nothing that is under way can still post so early.');

export const balance: z.ZodType<BalanceView> = z.strictObject({
  object: z.literal('balance'),
  account: id('acct'),
  ...balanceFields,
  pending: sum
    .nullable()
    .describe('What was held for refunds; null where that is not recorded of a time that is past.'),
  available: sum.nullable(),
  as_of: asOf,
  tz: tz.exactOptional(),
  final,
});

export const balances: z.ZodType<BalancesView> = z.strictObject({
  object: z.literal('balances'),
  as_of: asOf,
  tz: tz.exactOptional(),
  final,
  data: z.array(balance),
});

const category = z.enum(CATEGORIES).describe("In the words of Stripe's reports, where it is something at Stripe.");

export const entry: z.ZodType<EntryView> = z.strictObject({
  object: z.literal('entry'),
  id: id('tr'),
  sequence: z.string().regex(/^\d+$/).describe('Which it is of its account, from 1, without a gap.'),
  posted_at: time,
  effective_date: z.iso.date().nullable().describe('The business day of a reversal.'),
  direction: z.enum(['debit', 'credit']).describe('Whether the account gave or received.'),
  category,
  amount: sum,
  balance_after: sum,
  currency,
  counter_account: id('acct'),
  payment: id('pay').nullable(),
  refund: id('re').nullable(),
  dispute: id('dp').nullable(),
  payout: words.describe("Stripe's id of the payout."),
  stripe_id: words.describe("Stripe's id of what it is of."),
  description: words,
  reference: words,
});

export const statement: z.ZodType<StatementView> = z.strictObject({
  object: z.literal('statement'),
  account: id('acct'),
  kind: accountKind,
  customer: id('cus').nullable(),
  currency,
  exponent: balanceFields.exponent,
  from: time.nullable().describe('It is in it; null: from the beginning.'),
  to: time.describe('It is not in it.'),
  tz,
  opening: sum,
  debits: sum,
  credits: sum,
  closing: sum,
  count: z.int(),
  first_sequence: words.describe('The next statement begins where this one ends: with last_sequence + 1.'),
  last_sequence: words,
  final,
});

export const account: z.ZodType<AccountView> = z.strictObject({
  id: id('acct'),
  object: z.literal('account'),
  kind: accountKind,
  customer: id('cus').nullable(),
  ...balanceFields,
});

const trialBalanceFields = { opening: sum, debits: sum, credits: sum, closing: sum };

export const trialBalance: z.ZodType<TrialBalanceView> = z.strictObject({
  object: z.literal('trial_balance'),
  from: time.nullable().describe('Since when the movement is told; null: from the beginning.'),
  as_of: asOf,
  tz,
  final,
  balanced: z.boolean(),
  currencies: z.array(
    z.strictObject({
      currency,
      ...trialBalanceFields,
      balanced: z.boolean(),
      accounts: z.array(
        z.strictObject({
          kind: accountKind,
          account: id('acct').nullable(),
          accounts: z.int(),
          ...trialBalanceFields,
          balance: sum.describe('The same as closing.'),
        }),
      ),
    }),
  ),
});

export const activity: z.ZodType<ActivityView> = z.strictObject({
  object: z.literal('activity'),
  from: time.nullable(),
  to: time.describe('It is not in it.'),
  tz,
  final,
  currencies: z.array(
    z.strictObject({
      currency,
      opening: sum.describe('What Stripe owed at the beginning.'),
      closing: sum.describe('The opening, and the net of each category.'),
      categories: z.array(z.strictObject({ category, count: z.int(), gross: sum, fee: sum, net: sum })),
    }),
  ),
});

export const payout: z.ZodType<PayoutView> = z.strictObject({
  id: z.string().describe("Stripe's."),
  object: z.literal('payout'),
  currency,
  amount: sum.describe("The merchant's share; below zero where it was taken from the bank."),
  status: z.enum(['paid', 'failed']),
  transactions: z.int().describe('How many balance transactions it is made of.'),
  transactions_net: sum,
  remainder: sum.describe('What its transactions do not explain.'),
  created_at: time,
});

export const balanceTransaction: z.ZodType<BalanceTransactionView> = z.strictObject({
  id: z.string().describe("Stripe's."),
  object: z.literal('balance_transaction'),
  type: z.string().describe("Stripe's."),
  category,
  source: z.string().describe("Stripe's id of what it is of."),
  payment: id('pay'),
  payout: words.describe("Stripe's id of the payout that paid it out."),
  currency: currency.describe('In which Stripe settles.'),
  gross: sum,
  fee: sum,
  net: sum,
  charged: sum.describe("The gross in the payment's own currency."),
  charged_currency: currency,
  created_at: time,
});

const volumeSums = {
  payments: z.int().describe('Those that were made then.'),
  succeeded: z.int().describe('Of them, those that are paid.'),
  captured: sum.describe('What was captured of them, refunded since or not.'),
};

export const volume: z.ZodType<VolumeView> = z.strictObject({
  object: z.literal('volume'),
  from: time,
  to: time,
  tz: z.string(),
  currencies: z.array(
    z.strictObject({
      currency,
      ...volumeSums,
      days: z.array(z.strictObject({ day: z.iso.date(), ...volumeSums })).describe('Those with a payment.'),
    }),
  ),
  declines: z
    .array(z.strictObject({ code: z.string(), decline_code: words, payments: z.int() }))
    .describe('Payments whose last card was declined and that wait for another: most frequent first.'),
});

const endpointFields = {
  id: id('we'),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  description: words,
  enabled_events: z.array(z.string()),
  status: z.enum(['enabled', 'disabled']),
  failing_since: time.nullable(),
  paused_until: time.nullable().describe('It has asked (Retry-After, 429, 502, 504) to be left alone until then.'),
  created_at: time,
};

export const endpoint: z.ZodType<EndpointView> = z.strictObject(endpointFields);

export const endpointWithSecret: z.ZodType<EndpointWithSecretView> = z.strictObject({
  ...endpointFields,
  secret: z.string().describe('What signs its events: shown now, and never again.'),
});

export const deletedEndpoint: z.ZodType<DeletedEndpointView> = z.strictObject({
  id: id('we'),
  object: z.literal('webhook_endpoint'),
  deleted: z.literal(true),
});

export const event: z.ZodType<EventView> = z.strictObject({
  id: id('evt'),
  object: z.literal('event'),
  type: z.string(),
  created_at: time,
  timestamp: time.describe('The same as created_at, under the name of Standard Webhooks.'),
  data: z.strictObject({
    object: z
      .union([payment, refund, dispute, setup, paymentMethod, endpoint])
      .describe('What it happened to, as it was then.'),
  }),
});

export const delivery: z.ZodType<DeliveryView> = z.strictObject({
  object: z.literal('delivery'),
  event: id('evt'),
  webhook_endpoint: id('we'),
  url: z.string(),
  status: z.enum(['pending', 'succeeded', 'failed']),
  next_try_at: time.nullable(),
  tries: z.array(
    z.strictObject({
      number: z.int(),
      started_at: time,
      latency_ms: z.int(),
      status_code: z.int().nullable(),
      error: words,
    }),
  ),
});

const finding = z.strictObject({
  check: z.string(),
  account: id('acct').nullable(),
  transfer: id('tr').nullable(),
  subject: z.string(),
  detail: z.string(),
});
const proofPart = z
  .strictObject({
    proved_at: time,
    proved_to: time,
    checks: z.array(
      z.strictObject({
        check: z.string(),
        promise: z.string(),
        counted: z.int(),
        holds: z.boolean(),
        findings: z.array(finding).readonly(),
      }),
    ),
  })
  .nullable();

export const proof: z.ZodType<ProofView> = z.strictObject({
  object: z.literal('proof'),
  holds: z.boolean().nullable().describe('Null before the first proof.'),
  whole: proofPart.describe('Of all of the books.'),
  since: proofPart.describe('Of what was posted since an earlier proof.'),
  sealed: z
    .strictObject({ sequence: sum, hash: z.string(), to: time })
    .nullable()
    .describe('How many transfers are sealed, in the order of their time, and the hash over them.'),
});

const periodFile = z.strictObject({
  object: z.literal('period'),
  version: z.literal(1),
  merchant: id('mer'),
  number: z.int(),
  begins: time.nullable(),
  ends: time,
  last_day: z.string(),
  tz: z.string(),
  sequence: sum,
  previous_hash: z.string(),
  hash: z.string(),
  trial_balance: z.array(
    z.strictObject({
      account: id('acct').nullable(),
      kind: accountKind,
      currency,
      opening: sum,
      debits: sum,
      credits: sum,
      closing: sum,
    }),
  ),
  findings: z.int(),
  reconciliation: z.literal('not_run'),
  content_hash: z.string(),
  public_key: z.string(),
  signature: z.string(),
});

export const period: z.ZodType<PeriodView> = z.strictObject({
  object: z.literal('period'),
  number: z.int(),
  state: z.enum(['open', 'closing', 'closed']),
  begins: time.nullable(),
  ends: time.nullable(),
  last_day: z.string().nullable(),
  tz: z.string().nullable(),
  file: periodFile.nullable().describe('Once it is closed: keep it, and check it with `npm run verify -- --file`.'),
});

export const periods: z.ZodType<PeriodsView> = z.strictObject({
  object: z.literal('list'),
  url: z.string(),
  has_more: z.boolean(),
  public_key: z.string().describe('What files are signed with: Ed25519, SPKI in DER, in base64.'),
  data: z.array(period),
});
