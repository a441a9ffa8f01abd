/** What routes of the ledger take, and of Stripe's balance. */
import * as s from './schemas.ts';
import { z } from 'zod';
import type { Currency } from '../domain/currency.ts';
import type { Asked } from '../domain/cut.ts';
import type { AccountId } from '../domain/ids.ts';
import type { NewItem } from '../ledger/item.ts';
import type { Debit, WalletTransfer } from '../ledger/transfer.ts';
import type { Reversal } from '../ledger/reverse.ts';
import type { Usage } from '../ledger/usage.ts';
import type { AccountFilter } from '../storage/reads.ts';
import type { DisputeFilter, LineFilter, PayoutFilter } from '../storage/stripe-lists.ts';
import type { TransferFilter } from '../storage/transfers.ts';
import { TRANSFER_KINDS } from '../domain/transfer.ts';
import { CATEGORIES } from '../domain/category.ts';
import type { EntriesAsked } from '../ledger/entries.ts';

const FORMAT = 'What `Accept` says with `text/csv`, or `text/plain` with `hledger`: here for who cannot set a header.';

interface StatementAsked extends Asked {
  readonly format: 'json' | 'csv' | 'hledger' | undefined;
}

/** Absent where nothing is said: the hash of a body that the release before understood stays what it was. */
const DETAILS = {
  reference: s
    .text(255)
    .nullish()
    .transform((value) => value ?? undefined)
    .describe("The merchant's own id of what it is for; it may stand for several."),
  metadata: s.metadata.optional(),
};

export const debit: z.ZodType<Omit<Debit, 'kind'>> = z.strictObject({
  customer: s.id('cus'),
  amount: s.amount,
  currency: s.currency,
  description: s.optional(s.text(1000)),
  ...DETAILS,
});

export const transfer: z.ZodType<WalletTransfer> = z.strictObject({
  from: s.id('acct'),
  to: s.id('acct'),
  amount: s.amount,
  currency: s.currency,
  description: s.optional(s.text(1000)),
  ...DETAILS,
});

export const reversal: z.ZodType<Omit<Reversal, 'transfer'>> = z
  .strictObject({
    amount: s.optional(s.amount),
    reason: s.text(1000),
    effective_date: s
      .optional(s.date)
      .describe('The business day that it belongs to, where that is another. No balance heeds it.'),
  })
  .transform(({ effective_date, ...rest }) => ({ ...rest, effectiveDate: effective_date }));

interface Bulk {
  readonly mode: 'atomic' | 'independent';
  readonly transfers: readonly WalletTransfer[];
}

export const bulk: z.ZodType<Bulk> = z.strictObject({
  mode: z.enum(['atomic', 'independent']),
  transfers: z.array(transfer).min(1).max(1000),
});

export const quote: z.ZodType<Pick<Usage, 'currency' | 'items'>> = z.strictObject({
  currency: s.currency,
  items: s.usageItems,
});

export const usage: z.ZodType<Usage> = z.strictObject({
  customer: s.id('cus'),
  currency: s.currency,
  items: s.usageItems,
  description: s.optional(s.text(1000)),
  ...DETAILS,
});

export const item: z.ZodType<NewItem> = z
  .strictObject({ id: s.optional(s.itemId), name: s.text(200), unit_price: s.unitPrice, currency: s.currency })
  .transform(({ unit_price, ...rest }) => ({ ...rest, unitPrice: unit_price }));

export const accounts: z.ZodType<AccountFilter> = z
  .strictObject({
    ...s.page('acct'),
    customer: s.id('cus').optional(),
    currency: s.currency.optional(),
    kind: s.accountKind.optional(),
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ customer: of, currency, kind, ...rest }) => ({ ...s.toPage(rest), customer: of, currency, kind }));

export const transfers: z.ZodType<TransferFilter> = z
  .strictObject({
    ...s.page('tr'),
    account: s.id('acct').optional(),
    reference: s.reference.optional(),
    kind: z.enum(TRANSFER_KINDS).optional(),
    ...s.created,
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ account, reference, kind, ...rest }) => ({
    ...s.toPage(rest),
    ...{ account, reference, kind },
  }));

export const disputes: z.ZodType<DisputeFilter> = z
  .strictObject({
    ...s.page('dp'),
    payment: s.id('pay').optional(),
    status: z.enum(['open', 'won', 'lost']).optional(),
    ...s.created,
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ payment: of, status, ...rest }) => ({
    ...s.toPage(rest),
    ...{ payment: of, status },
  }));

export const payouts: z.ZodType<PayoutFilter> = z
  .strictObject({ ...s.stripePage('po'), currency: s.currency.optional(), ...s.created })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ currency, ...rest }) => ({ ...s.toPage(rest), currency }));

const lines = { ...s.stripePage('txn'), currency: s.currency.optional(), ...s.created };
export const balanceTransactions: z.ZodType<LineFilter> = z
  .strictObject({ ...lines, payout: s.stripeId('po').optional() })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ currency, payout, ...rest }) => ({
    ...s.toPage(rest),
    ...{ currency, payout },
  }));
export const payoutLines: z.ZodType<LineFilter> = z
  .strictObject(lines)
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ currency, ...rest }) => ({
    ...s.toPage(rest),
    ...{ currency, payout: undefined },
  }));

interface TableAsked extends Asked {
  readonly format: 'json' | 'csv' | undefined;
}
const table = z
  .enum(['json', 'csv'])
  .optional()
  .describe('What `Accept` says with `text/csv`: here for who cannot set a header.');
export const trialBalance: z.ZodType<TableAsked> = z
  .strictObject({ ...s.asOf, from: s.span.from, format: table })
  .transform(({ format, ...rest }) => ({ ...s.toAsked(rest), format }));
export const activity: z.ZodType<TableAsked> = z
  .strictObject({ ...s.span, format: table })
  .transform(({ format, ...rest }) => ({ ...s.toAsked(rest), format }));

export const accountIds: z.ZodType<{ accounts: AccountId[] } & Asked> = z
  .strictObject({ accounts: z.array(s.id('acct')).min(1).max(1000), ...s.asOf })
  .transform(({ accounts: ids, ...rest }) => ({ accounts: ids, ...s.toAsked(rest) }));

export const periodEnd: z.ZodType<{ ends: string; tz?: string | undefined }> = z.strictObject({
  ends: z.iso.date().describe('Its last day, which must be over.'),
  tz: s.asOf.tz,
});
export const inCurrency: z.ZodType<{ currency: Currency } & Asked> = z
  .strictObject({ currency: s.currency, ...s.asOf })
  .transform(({ currency, ...rest }) => ({ currency, ...s.toAsked(rest) }));
export const inSpan: z.ZodType<Asked> = z.strictObject(s.span).transform(s.toAsked);
export const entries: z.ZodType<EntriesAsked> = z
  .strictObject({
    ...s.page('tr'),
    ...s.span,
    order: z.enum(['asc', 'desc']).default('desc'),
    direction: z.enum(['debit', 'credit']).optional(),
    category: z.enum(CATEGORIES).optional(),
    payment: s.id('pay').optional(),
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ order, direction, category, payment: of, ...rest }) => ({
    ...s.toPage(rest),
    ...s.toAsked(rest),
    ...{ order, direction, category, payment: of },
  }));
export const statement: z.ZodType<StatementAsked> = z
  .strictObject({ ...s.span, format: z.enum(['json', 'csv', 'hledger']).optional().describe(FORMAT) })
  .transform(({ format, ...rest }) => ({ ...s.toAsked(rest), format }));
export const asOf: z.ZodType<Asked> = z.strictObject(s.asOf).transform(s.toAsked);
