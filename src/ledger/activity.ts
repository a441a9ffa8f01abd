/** What moved a merchant's balance at Stripe within a span, by the categories of Stripe's own reports. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { categoryOf, categoryOfLine, CATEGORIES, type Category } from '../domain/category.ts';
import { instantText, spanOf, type Asked } from '../domain/cut.ts';
import type { MerchantId } from '../domain/ids.ts';
import type { StorageError } from '../domain/refusals.ts';
import type { ActivityCategoryView, ActivityCurrencyView, ActivityView } from '../domain/ledger-views.ts';
import type { PaymentError } from '../error.ts';
import type { Movement } from '../storage/books.ts';
import { csvLines, decimalOf } from './csv.ts';

/**
 * From opening to closing balance: what each category brought, what Stripe kept of it, and what was left. The lines add
 * up to the difference of the two. Errors: `invalid_request` for a time that is none, `database_unavailable`.
 */
export const activity = (
  { ledger, clock }: Pick<Context, 'ledger' | 'clock'>,
  merchant: MerchantId,
  asked: Asked,
): ResultAsync<ActivityView, StorageError | PaymentError<'invalid_request'>> =>
  spanOf(asked, clock.now()).asyncAndThen((span) =>
    ledger.movements(merchant, span, clock.now()).map(({ movements, opening, isFinal }) => ({
      object: 'activity',
      from: span.from === null ? null : instantText(span.from),
      to: instantText(span.before),
      tz: span.tz,
      final: isFinal,
      currencies: opening.map((one) =>
        currencyView(
          one.currency,
          one.opening,
          movements.filter(({ currency }) => currency === one.currency),
        ),
      ),
    })),
  );

const currencyView = (currency: string, opening: bigint, movements: readonly Movement[]): ActivityCurrencyView => {
  const parts = Map.groupBy(movements.map(partOf), ({ category }) => category);
  const categories = CATEGORIES.flatMap((category): ActivityCategoryView[] => {
    const own = parts.get(category) ?? [];
    if (own.length === 0) return [];
    const sum = (of: (part: Part) => bigint): bigint => own.reduce((total, part) => total + of(part), 0n);
    const [count, gross, fee] = [sum((part) => part.count), sum((part) => part.gross), sum((part) => part.fee)];
    return [
      {
        category,
        count: Number(count),
        gross: gross.toString(),
        fee: fee.toString(),
        net: (gross - fee).toString(),
      },
    ];
  });
  const moved = movements.reduce((total, { sum }) => total + sum, 0n);
  return { currency, opening: opening.toString(), closing: (opening + moved).toString(), categories };
};

interface Part {
  readonly category: Category;
  readonly count: bigint;
  readonly gross: bigint;
  readonly fee: bigint;
}

/** What brings money in; all else takes it out. */
const INCOMING: ReadonlySet<Category> = new Set(['charge', 'refund_failure', 'dispute_reversal', 'payout_reversal']);

/**
 * A fee stands beside what it is of, as in Stripe's reports. So does what was turned into another currency: it is counted
 * in the one that Stripe settles in, and taken back in the other.
 */
const partOf = ({ kind, type, sourceKind, count, sum }: Movement): Part => {
  const isFee = kind === 'fee' || kind === 'fee_returned';
  if (!isFee && !kind.startsWith('converted')) return { category: categoryOf(kind), count, gross: sum, fee: 0n };
  // A dispute takes; what gives it back gives its fee back, too.
  const sign = kind === 'fee_returned' ? 1n : -1n;
  const category = categoryOfLine(type ?? '', `${sourceKind ?? ''}_`, type === 'adjustment' ? sign : sum);
  if (isFee) return { category, count: 0n, gross: 0n, fee: -sum };
  return { category, count: sum > 0n === INCOMING.has(category) ? count : -count, gross: sum, fee: 0n };
};

const SUMS = ['gross', 'fee', 'net'] as const;

/** The same as CSV: in minor units as everywhere, and again with a decimal point. */
export const activityCsv = ({ currencies }: ActivityView): string =>
  csvLines([
    ['currency', 'category', 'count', ...SUMS, ...SUMS.map((name) => `${name}_decimal`)],
    ...currencies.flatMap(({ currency, categories }) =>
      categories.map((one) => [
        ...[currency, one.category, String(one.count), ...SUMS.map((name) => one[name])],
        ...SUMS.map((name) => decimalOf(one[name], currency)),
      ]),
    ),
  ]);
