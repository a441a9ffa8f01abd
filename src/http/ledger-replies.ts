/** What routes answer of the ledger, and of Stripe's balance. */
import { z } from 'zod';
import { CATEGORIES } from '../domain/category.ts';
import { PLATFORM_KINDS } from '../domain/ids.ts';
import { TRANSFER_KINDS } from '../domain/transfer.ts';
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
import type { BulkView, ItemView, QuoteView, TransferView } from '../domain/views.ts';
import { currency, id, minor, words, metadata, sum, time, error } from './reply-fields.ts';

const accountKind = z.enum(['wallet', ...PLATFORM_KINDS]);

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
  payment_reference: words.describe("The `reference` of its payment: the merchant's own id of an order, say."),
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
