/** Which amounts can be charged, by currency: https://docs.stripe.com/currencies */
import { badParam, type Failure } from './failure.ts';

/** How many digits an amount may have where it is not eight. */
const DIGITS: Readonly<Record<string, number>> = { cop: 10, huf: 10, idr: 12, inr: 9, jpy: 10 };
const DIGITS_USUAL = 8;

/** Counted in thousandths, of which the networks take the tens; or with two decimals that must be zero. */
const MULTIPLE_OF: Readonly<Record<string, number>> = {
  ...{ bhd: 10, iqd: 10, jod: 10, kwd: 10, lyd: 10, omr: 10, tnd: 10 },
  ...{ isk: 100, ugx: 100 },
};

/** What is wrong with an amount of that currency. Stripe's minimum is left out: it depends on the day's rates. */
export const checkAmount = (amount: number, currency: string): Failure | undefined => {
  const digits = DIGITS[currency] ?? DIGITS_USUAL;
  if (String(amount).length > digits) {
    const most = currency === 'usd' ? '$999,999.99' : `${'9'.repeat(digits)} ${currency}`;
    return badParam(`Amount must be no more than ${most}`, 'amount', 'amount_too_large');
  }
  const multiple = MULTIPLE_OF[currency] ?? 1;
  return amount % multiple === 0
    ? undefined
    : badParam(`Invalid amount: amounts in ${currency} must be divisible by ${multiple}.`, 'amount');
};
