/** Stripe's balance: its transactions, and its payouts. */
import { ResultAsync } from 'neverthrow';
import type Stripe from 'stripe';
import { ON_ITS_WAY, type PayoutStatus } from '../domain/balance.ts';
import { parseCurrency, type Currency } from '../domain/currency.ts';
import type { DisputeFact, RefundFact } from '../domain/fact.ts';
import type { LastError } from '../domain/payment.ts';
import { parseId, type MerchantId } from '../domain/ids.ts';
import { micros, toMs, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Breaker } from './breaker.ts';
import { ownerOf } from './events.ts';
import { grossOfAll, grossOfCharge, grossOfDispute } from './gross.ts';
import { disputeFactOf, failureOf, isTrouble, refundFactOf } from './outcome.ts';
import { MERCHANT_TAG } from '../domain/tags.ts';
import { taggedRefund, type Tagged } from './tags.ts';

/** One line of the balance, as Stripe lists it; amounts in minor units. */
export interface BalanceLine {
  readonly id: string;
  readonly kind: string;
  readonly source: string | null;
  /** Signed, before the fee. */
  readonly gross: bigint;
  readonly fee: bigint;
  readonly currency: string;
  readonly createdAt: Micros;
  readonly cause: LineCause;
}

/** What changed the balance. */
type LineCause =
  /** A charge, refund or dispute: of a payment with our tags, or of nobody's. `charged`: the gross in its own currency. */
  | {
      readonly about: 'payment';
      readonly of: Tagged;
      readonly charged: bigint;
      readonly chargedCurrency: Currency;
      readonly by: LineFact;
    }
  /** The payout itself. */
  | { readonly about: 'payout' }
  /** A payout that has come back. */
  | { readonly about: 'returned payout'; readonly payout: string }
  | { readonly about: 'unknown' };

/** What a line is of, as it stands at Stripe. */
export type LineFact =
  | {
      readonly kind: 'charge';
      readonly intent: string | null;
      /** By all its captures until now. */
      readonly captured: bigint;
      /** Of a debit there is a line from the beginning, whether it comes to be paid or not. */
      readonly isPending: boolean;
    }
  | { readonly kind: 'return'; readonly intent: string | null; readonly charge: string; readonly reason: LastError }
  | { readonly kind: 'refund'; readonly found: RefundFact }
  | { readonly kind: 'dispute'; readonly found: DisputeFact };

export interface LinePage {
  readonly lines: readonly BalanceLine[];
  readonly hasMore: boolean;
}

export interface FoundPayout {
  readonly status: PayoutStatus | typeof ON_ITS_WAY;
  /** Whether Stripe can tell of which transactions it was made; `never` of one that was made by hand. */
  readonly isListed: 'yes' | 'not yet' | 'never';
  readonly currency: string;
  /** What the bank gets. */
  readonly amount: bigint;
  /** Whose it was, where somebody has said so. */
  readonly merchant: MerchantId | null;
  readonly createdAt: Micros;
}

/** Pages are of 100, newest first, after the line of an id where one is named. Errors of all: `provider_unavailable`. */
export interface StripeBalance {
  /** Lines made since `from` and before `to`, by Stripe's clock, in whole seconds. */
  readonly madeIn: (from: Micros, to: Micros, after: string | null) => ResultAsync<LinePage, PaymentError>;
  readonly paidBy: (payout: string, after: string | null) => ResultAsync<LinePage, PaymentError>;
  /** All of a charge: what it brought, and where it failed what it took. */
  readonly ofCharge: (charge: string) => ResultAsync<LinePage, PaymentError>;
  readonly payout: (id: string) => ResultAsync<FoundPayout, PaymentError>;
}

/** The largest page that Stripe gives. */
const PAGE = 100;

export const createBalance = (stripe: Stripe, breaker: Breaker): StripeBalance => {
  const wrap = <T>(call: () => Promise<T>): ResultAsync<T, PaymentError> =>
    ResultAsync.fromPromise(breaker.aside(call), (error) =>
      paymentError(isTrouble(error) ? 'provider_unavailable' : 'internal', { cause: error }),
    );

  const list = async (where: Stripe.BalanceTransactionListParams, after: string | null): Promise<LinePage> => {
    const { data, has_more: hasMore } = await stripe.balanceTransactions.list({
      ...where,
      limit: PAGE,
      expand: ['data.source'],
      ...(after === null ? {} : { starting_after: after }),
    });
    const lines: BalanceLine[] = [];
    for (const transaction of data) lines.push(await lineOf(stripe, transaction));
    return { lines, hasMore };
  };

  const seconds = (at: Micros): number => Math.floor(toMs(at) / 1000);
  return {
    madeIn: (from, to, after) => wrap(() => list({ created: { gte: seconds(from), lt: seconds(to) } }, after)),
    paidBy: (payout, after) => wrap(() => list({ payout }, after)),
    ofCharge: (charge) => wrap(() => list({ source: charge }, null)),
    payout: (id) => wrap(async () => payoutOf(await stripe.payouts.retrieve(id))),
  };
};

const lineOf = async (stripe: Stripe, transaction: Stripe.BalanceTransaction): Promise<BalanceLine> => {
  const { id, type, source, amount, fee, currency, created } = transaction;
  return {
    id,
    kind: type,
    source: typeof source === 'string' ? source : (source?.id ?? null),
    gross: BigInt(amount),
    fee: BigInt(fee),
    currency,
    createdAt: micros(created * 1000),
    cause: await causeOf(stripe, transaction),
  };
};

/** The types by which each kind of object changes the balance as our postings of it do; any other is looked at by a person. */
const CHARGED: ReadonlySet<string> = new Set(['charge', 'payment']);
const REFUNDED: ReadonlySet<string> = new Set(['refund', 'payment_refund', 'refund_failure']);
/**
 * A debit has failed, while it was pending or after it was paid, or its bank has taken it back: of the charge, or of the
 * refund by which Stripe books that.
 */
const RETURNED: ReadonlySet<string> = new Set(['payment_failure_refund', 'payment_reversal']);

const causeOf = async (stripe: Stripe, line: Stripe.BalanceTransaction): Promise<LineCause> => {
  const { type, source } = line;
  if (source === null || typeof source === 'string') return UNKNOWN;
  const payment = async (
    { metadata, payment_intent: intent }: Pick<Stripe.Refund, 'metadata' | 'payment_intent'>,
    gross: () => bigint | Promise<bigint>,
    by: LineFact | undefined,
  ): Promise<LineCause> => {
    const of = await ownerOf(stripe, metadata, intent);
    const chargedCurrency = parseCurrency('currency' in source ? source.currency : '');
    return of && chargedCurrency && by
      ? { about: 'payment', of, charged: await gross(), chargedCurrency, by }
      : UNKNOWN;
  };
  const { object } = source;
  // A charge has its intent's tags: who made it without, made it elsewhere.
  if (object === 'charge' && CHARGED.has(type))
    return payment({ metadata: source.metadata, payment_intent: null }, () => grossOfCharge(stripe, line, source), {
      kind: 'charge',
      intent: idOf(source.payment_intent),
      captured: BigInt(source.amount_captured),
      isPending: source.status === 'pending',
    });
  if (RETURNED.has(type) && line.amount < 0) {
    const charge =
      object === 'charge'
        ? source
        : object === 'refund' && source.charge !== null
          ? await stripe.charges.retrieve(idOf(source.charge) ?? '')
          : undefined;
    if (charge)
      return payment(
        { metadata: charge.metadata, payment_intent: charge.payment_intent },
        () => (line.currency === charge.currency ? BigInt(line.amount) : grossOfAll(line, charge.amount)),
        { kind: 'return', intent: idOf(charge.payment_intent), charge: charge.id, reason: failureOf(charge) },
      );
  }
  if (object === 'refund' && REFUNDED.has(type)) {
    const found = refundFactOf(source, taggedRefund(source.metadata) ?? null);
    return payment(source, () => grossOfAll(line, source.amount), found && { kind: 'refund', found });
  }
  if (object === 'dispute' && type === 'adjustment')
    return payment(source, () => grossOfDispute(line, source), { kind: 'dispute', found: disputeFactOf(source) });
  if (object === 'payout')
    return type === 'payout' ? { about: 'payout' } : { about: 'returned payout', payout: source.id };
  return UNKNOWN;
};

const idOf = (reference: string | { readonly id: string } | null): string | null =>
  typeof reference === 'string' ? reference : (reference?.id ?? null);

const UNKNOWN: LineCause = { about: 'unknown' };

const payoutOf = ({
  status,
  reconciliation_status: listed,
  currency,
  amount,
  metadata,
  created,
}: Stripe.Payout): FoundPayout => ({
  // One that was canceled never left, and comes back all the same.
  status: status === 'paid' ? 'paid' : status === 'failed' || status === 'canceled' ? 'failed' : ON_ITS_WAY,
  isListed: listed === 'completed' ? 'yes' : listed === 'in_progress' ? 'not yet' : 'never',
  currency,
  amount: BigInt(amount),
  merchant: parseId('mer', metadata?.[MERCHANT_TAG] ?? '') ?? null,
  createdAt: micros(created * 1000),
});
