/**
 * What a line of Stripe's balance moved, in the currency of what caused it. Stripe tells it in the currency that it
 * settles in, with the rate that it used, rounded to some digits: of a large sum the rate tells neither the cent nor the
 * hundred. So the sums are Stripe's own: of the object, where the line is of all of it, else its share of them.
 */
import type Stripe from 'stripe';

type Line = Stripe.BalanceTransaction;

/** Signed as the line, where it is of all of `total`; of one that was rounded to nothing, its type says which way it went. */
export const grossOfAll = ({ amount, type }: Pick<Line, 'amount' | 'type'>, total: number): bigint =>
  amount < 0 || (amount === 0 && TAKING.has(type)) ? -BigInt(total) : BigInt(total);
const TAKING: ReadonlySet<string> = new Set(['refund', 'payment_refund']);

/** Of a charge, a line is of one of its captures; `source` lists them all, where there may be several. */
export const grossOfCharge = async (stripe: Stripe, line: Line, charge: Stripe.Charge): Promise<bigint> => {
  if (line.currency === charge.currency) return BigInt(line.amount);
  if (isAllOf(line, charge.amount_captured) === 'surely') return grossOfAll(line, charge.amount_captured);
  const { data } = await stripe.balanceTransactions.list({ source: charge.id, limit: PAGE });
  const captures = data.filter(({ type }) => type === line.type).reverse();
  const sum = { ...line, amount: captures.reduce((total, { amount }) => total + amount, 0) };
  // One that came between the two reads is not among them: then the rate is all there is.
  if (isAllOf(sum, charge.amount_captured) === 'no') return byRate(line);
  const before = captures.slice(
    0,
    captures.findIndex(({ id }) => id === line.id),
  );
  const from = before.reduce((total, { amount }) => total + amount, 0);
  // What the captures up to one come to, less what those before it do: so all of them come to what was captured.
  return (
    share(charge.amount_captured, from + line.amount, sum.amount) - share(charge.amount_captured, from, sum.amount)
  );
};
/** The largest page that Stripe gives; it takes fifty captures of a charge. */
const PAGE = 100;

/** Of a dispute, a line takes all of it, or gives back all or a part: by the same rate, its share of what was taken. */
export const grossOfDispute = (
  line: Line,
  { amount, currency, balance_transactions: lines }: Stripe.Dispute,
): bigint => {
  // One that moves nothing is of a fee alone.
  if (line.currency === currency || line.amount === 0) return BigInt(line.amount);
  const taken = lines.find((one) => one.amount < 0);
  if (taken && taken.exchange_rate === line.exchange_rate && taken.currency === line.currency)
    return share(amount, line.amount, Math.abs(taken.amount));
  return isAllOf(line, amount) === 'no' ? byRate(line) : grossOfAll(line, amount);
};

/** That part of a sum, rounded half up. */
const share = (total: number, part: number, of: number): bigint => {
  const sign = part < 0 ? -1n : 1n;
  const twice = 2n * BigInt(total) * BigInt(Math.abs(part));
  return (sign * (twice + BigInt(of))) / (2n * BigInt(of));
};

const byRate = ({ amount, exchange_rate: rate }: Line): bigint => BigInt(Math.round(amount / (rate || 1)));

/** Stripe tells five digits after the point at least, where a rate has them. */
const RATE_DIGITS_MIN = 5;
/** What the rate leaves open, as a share of the sum: beyond that, a part cannot be told from the whole. */
const VAGUE = 1e-3;

/** Whether a line is of all of a sum, as far as the rate can tell: `maybe` where it has too few digits for that. */
const isAllOf = ({ amount, exchange_rate: rate }: Line, total: number): 'surely' | 'maybe' | 'no' => {
  if (!rate) return 'maybe';
  const off = 0.5 * 10 ** -Math.max(RATE_DIGITS_MIN, digitsOf(rate));
  // Stripe rounds to whole units, one way or the other.
  const isNear = total * (rate - off) <= Math.abs(amount) + 1 && Math.abs(amount) - 1 <= total * (rate + off);
  if (!isNear) return 'no';
  return off / rate > VAGUE ? 'maybe' : 'surely';
};

/** After the point. */
const digitsOf = (rate: number): number => {
  const [digits = '', exponent = '0'] = String(rate).split('e');
  return (digits.split('.')[1]?.length ?? 0) - Number(exponent);
};
