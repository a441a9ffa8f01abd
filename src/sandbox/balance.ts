import type { Stripe } from 'stripe';
import { idOf, newId } from './ids.ts';
import { cardBehind } from './payment-methods.ts';
import type { Scope } from './scope.ts';

/** Stripe's usual price of a card charge in the United States: 2.9 % and 30 of the smallest unit. */
const FEE_PER_MILLE = 29;
const FEE_FIXED = 30;
/** What a lost or won dispute costs: $15, in minor units of the settlement currency. */
const DISPUTE_FEE = 1500;
const DAY_S = 24 * 60 * 60;
/** Funds can be paid out two days after they were earned, from the beginning of that day on. */
const AVAILABLE_AFTER_S = 2 * DAY_S;
/** Of a SEPA debit: https://docs.stripe.com/payments/sepa-debit#timing. */
const DEBIT_AVAILABLE_AFTER_S = 6 * DAY_S;

const midnightOf = (atS: number): number => atS - (atS % DAY_S);

/** The currencies that the sandbox's account has a bank account in: what is earned in them stays in them. */
const SETTLED_AS_IS: ReadonlySet<string> = new Set(['usd', 'eur', 'gbp']);
const SETTLEMENT_CURRENCY = 'usd';
/**
 * Everything else becomes US dollars: how many cents one minor unit of it is. The rates are made up, near enough to
 * those of 2025, and never move; a currency without one counts 1.
 */
const CENTS_PER_MINOR_UNIT: ReadonlyMap<string, number> = new Map([
  ['jpy', 0.67],
  ['krw', 0.07],
  ['chf', 1.25],
  ['cad', 0.73],
  ['aud', 0.65],
  ['sek', 0.1053718],
  ['nok', 0.1],
  ['dkk', 0.156],
  ['inr', 0.0115],
  ['brl', 0.18],
  ['mxn', 0.054],
  ['kwd', 0.327],
  ['bhd', 0.265],
]);

/** And of a SEPA debit: 0.8 % and 30, at most 6.00. */
const debitFee = (settledAmount: number): number => Math.min(600, Math.round((settledAmount * 8) / 1000) + FEE_FIXED);

/** What a charge of that amount costs, rounded half up, in the minor units of its settlement currency. */
const chargeFee = (settledAmount: number): number => Math.round((settledAmount * FEE_PER_MILLE) / 1000) + FEE_FIXED;

/** Stripe shows a rate rounded, and converts by the whole of it. */
const shown = (rate: number): number => Math.round(rate * 1e5) / 1e5;

interface Settled {
  readonly amount: number;
  readonly currency: string;
  readonly exchangeRate: number | null;
}

const settle = (amount: number, currency: string): Settled => {
  if (SETTLED_AS_IS.has(currency)) return { amount, currency, exchangeRate: null };
  const rate = CENTS_PER_MINOR_UNIT.get(currency) ?? 1;
  return { amount: Math.round(amount * rate), currency: SETTLEMENT_CURRENCY, exchangeRate: shown(rate) };
};

interface Movement {
  readonly type: Stripe.BalanceTransaction.Type;
  readonly reportingCategory: string;
  readonly source: string;
  /** In the currency of the charge, signed: what comes in is positive. */
  readonly amount: number;
  readonly currency: string;
  readonly description: string | null;
  readonly fee: { readonly amount: number; readonly description: string } | null;
  /** When it counts as available, where that is not as usual: what comes in later, what goes out today. */
  readonly availableOn?: number;
}

/** A line of the balance, that is not written yet. */
export const lineOf = (
  scope: Scope,
  { type, reportingCategory, source, description, ...moved }: Movement,
): Stripe.BalanceTransaction => {
  const { amount, currency, exchangeRate } = settle(moved.amount, moved.currency);
  const now = scope.clock.nowS();
  const fee = moved.fee?.amount ?? 0;
  const usual = midnightOf(now + (amount > 0 ? AVAILABLE_AFTER_S : 0));
  const availableOn = moved.availableOn ?? usual;
  return {
    id: newId('txn_'),
    object: 'balance_transaction',
    amount,
    available_on: availableOn,
    balance_type: 'payments',
    created: now,
    currency,
    description,
    exchange_rate: exchangeRate,
    fee,
    fee_details:
      moved.fee === null
        ? []
        : [{ amount: fee, application: null, currency, description: moved.fee.description, type: 'stripe_fee' }],
    net: amount - fee,
    reporting_category: reportingCategory,
    source,
    status: availableOn <= now ? 'available' : 'pending',
    type,
  } satisfies Stripe.BalanceTransaction;
};

const record = (scope: Scope, movement: Movement): Stripe.BalanceTransaction => {
  const transaction = lineOf(scope, movement);
  scope.store.put(transaction);
  return transaction;
};

/** What a capture of a charge brings, less Stripe's fee. */
export const recordCharge = (scope: Scope, charge: Stripe.Charge, amount: number): Stripe.BalanceTransaction => {
  const settled = settle(amount, charge.currency);
  return record(scope, {
    type: isDebit(charge) ? 'payment' : 'charge',
    reportingCategory: 'charge',
    source: charge.id,
    amount,
    currency: charge.currency,
    description: charge.description,
    fee: {
      amount: isDebit(charge) ? debitFee(settled.amount) : chargeFee(settled.amount),
      description: 'Stripe processing fees',
    },
    ...(isDebit(charge) ? { availableOn: midnightOf(scope.clock.nowS() + DEBIT_AVAILABLE_AFTER_S) } : {}),
    ...(availableAtOnce(scope, charge) ? { availableOn: midnightOf(scope.clock.nowS()) } : {}),
  });
};

const isDebit = ({ payment_method_details: details }: Stripe.Charge): boolean => details?.type === 'sepa_debit';

/** What a debit that fails takes back: of one that was never paid the fee is given back too, of another it is kept. */
export const recordFailure = (scope: Scope, charge: Stripe.Charge): Stripe.BalanceTransaction => {
  const earned = scope.store.get('balance_transaction', idOf(charge.balance_transaction) ?? '');
  const fee = charge.status === 'pending' ? -(earned?.fee ?? 0) : 0;
  return record(scope, {
    type: 'payment_failure_refund',
    reportingCategory: 'charge_failure',
    source: charge.id,
    amount: -charge.amount,
    currency: charge.currency,
    description: `Payment failure refund for ${charge.id}`,
    fee: fee === 0 ? null : { amount: fee, description: 'Stripe processing fees' },
    ...(earned === undefined ? {} : { availableOn: Math.max(earned.available_on, midnightOf(scope.clock.nowS())) }),
  });
};

/** A test card may have what it pays skip the wait. */
const availableAtOnce = (scope: Scope, charge: Stripe.Charge): boolean =>
  charge.payment_method !== null && cardBehind(scope, charge.payment_method).available === 'at_once';

/** What a refund takes, from the same day's money as the charge brought; Stripe keeps its fee. */
export const recordRefund = (scope: Scope, refund: Stripe.Refund, charge: Stripe.Charge): Stripe.BalanceTransaction => {
  const earned = scope.store.get('balance_transaction', idOf(charge.balance_transaction) ?? '');
  return record(scope, {
    ...(earned === undefined ? {} : { availableOn: Math.max(earned.available_on, midnightOf(scope.clock.nowS())) }),
    type: isDebit(charge) ? 'payment_refund' : 'refund',
    reportingCategory: 'refund',
    source: refund.id,
    amount: -refund.amount,
    currency: refund.currency,
    description: null,
    fee: null,
  });
};

/** What a failed refund gives back. */
export const recordRefundFailure = (scope: Scope, refund: Stripe.Refund): Stripe.BalanceTransaction =>
  record(scope, {
    type: 'refund_failure',
    reportingCategory: 'refund_failure',
    source: refund.id,
    amount: refund.amount,
    currency: refund.currency,
    description: 'REFUND FAILURE',
    fee: null,
  });

/** What a dispute takes, and its fee unless it was prevented; or what winning it gives back, without the fee. */
export const recordDispute = (
  scope: Scope,
  dispute: Stripe.Dispute,
  what: 'withdrawn' | 'reinstated',
): Stripe.BalanceTransaction =>
  record(scope, {
    type: 'adjustment',
    reportingCategory: what === 'withdrawn' ? 'dispute' : 'dispute_reversal',
    source: dispute.id,
    amount: what === 'withdrawn' ? -dispute.amount : dispute.amount,
    currency: dispute.currency,
    description:
      what === 'withdrawn'
        ? `Chargeback withdrawal for ${idOf(dispute.charge) ?? ''}`
        : `Chargeback reversal for ${idOf(dispute.charge) ?? ''}`,
    fee:
      what === 'withdrawn' && dispute.status !== 'prevented'
        ? { amount: DISPUTE_FEE, description: 'Dispute fee' }
        : null,
  });

/** What a payout takes to the bank. It is one of the transactions that an automatic payout lists. */
export const recordPayout = (scope: Scope, payout: Stripe.Payout): Stripe.BalanceTransaction => {
  const transaction = record(scope, {
    type: 'payout',
    reportingCategory: 'payout',
    source: payout.id,
    amount: -payout.amount,
    currency: payout.currency,
    description: payout.description,
    fee: null,
  });
  if (payout.automatic) scope.store.tie(transaction.id, payout.id);
  return transaction;
};

/** What a payout that failed brings back, to be paid out again. */
export const recordPayoutFailure = (scope: Scope, payout: Stripe.Payout): Stripe.BalanceTransaction =>
  record(scope, {
    type: 'payout_failure',
    reportingCategory: 'payout_reversal',
    source: payout.id,
    amount: payout.amount,
    currency: payout.currency,
    description: 'PAYOUT FAILURE',
    fee: null,
    availableOn: midnightOf(scope.clock.nowS()),
  });

/** What a payout that was called off leaves in the balance. */
export const recordPayoutCancel = (scope: Scope, payout: Stripe.Payout): Stripe.BalanceTransaction =>
  record(scope, {
    type: 'payout_cancel',
    reportingCategory: 'payout_reversal',
    source: payout.id,
    amount: payout.amount,
    currency: payout.currency,
    description: 'PAYOUT CANCEL',
    fee: null,
    availableOn: midnightOf(scope.clock.nowS()),
  });

/** What the account holds in each currency: paid out at any time, or only once it is available. */
export const readBalance = (scope: Scope): Stripe.Balance => {
  const sums = scope.store.balances(scope.clock.nowS());
  const part = (pick: 'available' | 'pending') =>
    sums.map((sum) => ({ amount: sum[pick], currency: sum.currency, source_types: { card: sum[pick] } }));
  return {
    object: 'balance',
    available: part('available'),
    livemode: false,
    pending: part('pending'),
  } satisfies Stripe.Balance;
};
