/** Usage: quantities at unit prices, priced with decimals and rounded once a line. */
import { Decimal } from 'decimal.js';
import { err, errAsync, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { AMOUNT_MAX } from '../domain/amount.ts';
import type { Reply } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import type { CustomerId } from '../domain/ids.ts';
import { jsonReply } from '../domain/reply.ts';
import type { ChangeError } from '../domain/refusals.ts';
import type { QuoteView, TransferView } from '../domain/views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { debit, type DebitCode, type Details } from './transfer.ts';

export interface UsageItem {
  /** Not negative, as text or as an integer. */
  readonly quantity: string | number;
  /** A decimal, in minor units. */
  readonly unit_price: string;
}

/** A precision at which the product of two inputs of at most 30 digits each is exact. */
const Exact = Decimal.clone({ precision: 64, rounding: Decimal.ROUND_HALF_EVEN });

/** Doubles hold whole numbers of 15 digits exactly, and a product has no more digits than both its factors. */
const DIGITS_OF_DOUBLE = 15;

/** Rounded half to even: over many lines the halves cancel out instead of adding up. */
const priceItem = ({ quantity, unit_price }: UsageItem): bigint => {
  const count = String(quantity);
  return count.length + unit_price.length <= DIGITS_OF_DOUBLE
    ? BigInt(priceShort(count, unit_price))
    : BigInt(new Exact(count).times(unit_price).round().toFixed(0));
};

/** The same in whole numbers, for what most lines are: a quote of twenty lines is priced in 2 to 5 µs instead of 14 to 25. */
const priceShort = (count: string, unitPrice: string): number => {
  const product = wholeOf(count) * wholeOf(unitPrice);
  const one = Number(`1e${placesOf(count) + placesOf(unitPrice)}`);
  const rest = product % one;
  const floor = (product - rest) / one;
  const isUp = rest * 2 > one || (rest * 2 === one && floor % 2 === 1);
  return isUp ? floor + 1 : floor;
};

const wholeOf = (decimal: string): number => Number(decimal.replace('.', ''));
const placesOf = (decimal: string): number => {
  const point = decimal.indexOf('.');
  return point === -1 ? 0 : decimal.length - point - 1;
};

/** The total in minor units, each line rounded. Errors: `invalid_request` where it has over 12 digits. */
export const priceItems = (items: readonly UsageItem[]): Result<bigint, PaymentError<'invalid_request'>> => {
  const total = items.reduce((sum, item) => sum + priceItem(item), 0n);
  return total > AMOUNT_MAX
    ? err(paymentError('invalid_request', { param: 'items', message: 'The total has more than 12 digits.' }))
    : ok(total);
};

export interface Usage extends Details {
  readonly customer: CustomerId;
  readonly currency: Currency;
  readonly items: readonly UsageItem[];
  readonly description: string | null;
}

/** What it would cost. Errors: those of `priceItems`. */
export const quoteUsage = ({
  currency,
  items,
}: Pick<Usage, 'currency' | 'items'>): ResultAsync<Reply<QuoteView>, PaymentError<'invalid_request'>> =>
  priceItems(items).asyncAndThen((total) => {
    const quote: QuoteView = { object: 'quote', currency, lines: items.length, total: total.toString() };
    return okAsync(jsonReply(200, quote));
  });

/** Spends what it costs from the customer's wallet. Errors: those of `priceItems` and `debit`. */
export const spendUsage = (
  ctx: Pick<Context, 'commit'>,
  caller: Caller,
  usage: Usage,
): ResultAsync<Reply<TransferView>, ChangeError<DebitCode | 'invalid_request'>> =>
  priceItems(usage.items).asyncAndThen((amount): ReturnType<typeof spendUsage> =>
    amount === 0n
      ? errAsync(
          paymentError('invalid_request', { param: 'items', message: 'The total is zero: there is nothing to spend.' }),
        )
      : debit(ctx, caller, { ...usage, amount, kind: 'usage' }),
  );
