/** What is kept of Stripe's side: which PaymentIntents are known, the transactions of its balance, and payouts. */
import type { BalanceTransaction, PayoutShare } from '../../domain/balance.ts';
import type { Writes } from '../../domain/state.ts';
import { insert, overwrite, type Bulk } from './bulk.ts';
import { bigint, id, instant, text } from './codec.ts';
import { changing, key, once, stamped, table, type Besides, type Row, type Table } from './table.ts';

type KnownIntent = Writes['intents'][number];

const INTENTS: Table<'intents', KnownIntent> = table('intents', {
  intent: key(text(), { as: 'id' }),
  merchant: once(id('mer')),
  payment: once(id('pay')),
});

export const insertIntents: Bulk<KnownIntent> = insert(INTENTS, { onConflict: 'do nothing' });

export const lines = <Source extends BalanceTransaction>(
  beside: Besides<'balance_transactions', Source>,
): Table<'balance_transactions', BalanceTransaction, Source> =>
  table<'balance_transactions', BalanceTransaction, Source>(
    'balance_transactions',
    {
      merchant: key(id('mer')),
      id: key(text()),
      payment: once(id('pay')),
      kind: once(text()),
      source: once(text()),
      gross: once(bigint),
      fee: once(bigint),
      currency: once(text()),
      charged: once(bigint),
      chargedCurrency: once(text()),
      createdAt: once(instant),
    },
    beside,
  );

const LINES: Table<'balance_transactions', BalanceTransaction> = lines({ posted_at: stamped('once') });

export const lineOf: (row: Row<'balance_transactions'>) => BalanceTransaction = LINES.read;
/** One without a posting locks no account, and may meet itself. */
export const insertLines: Bulk<BalanceTransaction> = insert(LINES, { onConflict: 'do nothing' });

const PAYOUTS: Table<'payouts', PayoutShare> = table('payouts', {
  merchant: key(id('mer')),
  payout: key(text(), { as: 'id' }),
  currency: once(text()),
  amount: once(bigint),
  status: changing(text()),
  createdAt: once(instant),
});

export const writePayouts: Bulk<PayoutShare> = insert(PAYOUTS, { onConflict: overwrite(PAYOUTS) });
