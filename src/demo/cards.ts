/** What the demo's shop takes by card, gives back and loses again, and what Stripe makes of it. */
import type { BalanceTransaction } from '../domain/balance.ts';
import type { Event } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import { derivedId, idAt, type AccountId, type AttemptId, type MerchantId } from '../domain/ids.ts';
import type { Dispute, LastError, Payment, Refund } from '../domain/payment.ts';
import { NOTHING_SAID } from '../domain/payment-details.ts';
import { balancePostings, payoutPostings, posting } from '../domain/postings.ts';
import { disputeView, paymentView, refundView } from '../domain/reply.ts';
import { micros, plusMs, type Micros } from '../domain/time.ts';
import type { PastAttempt } from '../storage/seed.ts';
import type { PastLedger } from './ledger.ts';
import type { PastIds, Random } from './random.ts';
import { DAY_MS, type Later, type Shopper } from './shop.ts';

export interface CardsOptions {
  readonly merchant: MerchantId;
  readonly random: Random;
  readonly ids: PastIds;
  readonly ledger: PastLedger;
  readonly later: Later;
  readonly until: Micros;
  /** Enough is sold to be paid out every week; else it is every fourth. */
  readonly isLarge: boolean;
}

export interface PastCards {
  /** Charges a card for at least so much, in minor units; answers whether it was paid. */
  readonly pay: (shopper: Shopper, least: bigint, at: Micros) => boolean;
  /** What of a wallet will be refunded, and so is not spent. */
  readonly reserved: (wallet: AccountId) => bigint;
}

/** Of Stripe's test cards. */
const CARDS = ['pm_card_visa', 'pm_card_visa', 'pm_card_mastercard', 'pm_card_visa_debit', 'pm_card_amex'] as const;
const DECLINES: readonly [readonly [string, LastError], ...(readonly [string, LastError])[]] = [
  [
    'pm_card_chargeDeclinedInsufficientFunds',
    { code: 'card_declined', declineCode: 'insufficient_funds', message: 'Your card has insufficient funds.' },
  ],
  [
    'pm_card_chargeDeclined',
    { code: 'card_declined', declineCode: 'generic_decline', message: 'Your card was declined.' },
  ],
  ['pm_card_chargeDeclinedExpiredCard', { code: 'expired_card', message: 'Your card has expired.' }],
];

const DECLINED = 0.07;
const TRIED_AGAIN = 0.6;
const REFUNDED = 0.03;
const DISPUTED = 0.005;
/** Of the few payments of a small shop, so that each page has something to show. */
const REFUNDED_OF_FEW = 0.06;
const DISPUTED_OF_FEW = 0.05;
const WON = 0.35;
/** In minor units. */
const TOP_UPS = [2_000n, 3_000n, 5_000n, 5_000n, 10_000n] as const;
const ROUND_TO = 500n;
/** Stripe's prices: 2.9 % and 30, and 15.00 for a dispute. */
const feeOf = (amount: bigint): bigint => BigInt(Math.round((Number(amount) * 29) / 1000) + 30);
const DISPUTE_FEE = 1_500n;

export const createCards = ({ merchant, random, ids, ledger, later, until, isLarge }: CardsOptions): PastCards => {
  const reserves = new Map<AccountId, bigint>();
  const reserved = (wallet: AccountId): bigint => reserves.get(wallet) ?? 0n;
  const reserve = (wallet: AccountId, amount: bigint): void => {
    reserves.set(wallet, reserved(wallet) + amount);
  };
  /** Who disputes: what may be taken from his wallet is not promised to a refund. */
  const disputing = new Set<AccountId>();
  const payouts = createPayouts({ merchant, ids, ledger, later, until, isLarge });

  const tell = (type: Event['type'], subject: string, view: object, at: Micros): void => {
    ledger.rows().events.push({ id: ids.at('evt', at), type, subject, data: JSON.stringify(view), createdAt: at });
  };
  const attempt = (of: Omit<PastAttempt, 'id' | 'settledAt'>): AttemptId => {
    const id = ids.at('att', of.startedAt);
    ledger.rows().attempts.push({ ...of, id, settledAt: plusMs(of.startedAt, random.integer(300, 900)) });
    return id;
  };
  /** A line of Stripe's balance, and what it moves. */
  const line = (
    payment: Payment,
    { createdAt: at, ...of }: Pick<BalanceTransaction, 'kind' | 'source' | 'gross' | 'fee' | 'createdAt'>,
  ): BalanceTransaction => {
    const { id: of_, currency } = payment;
    const made: BalanceTransaction = {
      ...{ merchant, id: ids.stripe('txn'), payment: of_, ...of, createdAt: at },
      ...{ currency, charged: of.gross, chargedCurrency: currency },
    };
    const postedAt = plusMs(at, 2_000);
    for (const transfer of balancePostings(made)) ledger.move(transfer, postedAt);
    ledger.rows().lines.push({ ...made, postedAt, payout: payouts.of(currency, made.gross - made.fee, at) });
    return made;
  };

  const refund = (payment: Payment, wallet: AccountId, amount: bigint, at: Micros): void => {
    const id = ids.at('re', at);
    const stripeId = ids.stripe('re');
    const refunded: Refund = {
      ...{ merchant, id, payment: payment.id, amount, currency: payment.currency, status: 'succeeded' },
      ...{
        reason: 'requested_by_customer',
        failureReason: null,
        stripeId,
        posted: true,
        reversed: false,
        createdAt: at,
      },
    };
    reserve(wallet, -amount);
    ledger.rows().refunds.push(refunded);
    const { id: of } = payment;
    attempt({
      payment: of,
      kind: 'refund',
      paymentMethod: null,
      amount,
      refund: id,
      outcome: 'succeeded',
      startedAt: at,
    });
    const settledAt = plusMs(at, 1_000);
    ledger.move(posting('refund', payment, amount, derivedId('tr', id)), settledAt);
    line(payment, { kind: 'refund', source: stripeId, gross: -amount, fee: 0n, createdAt: settledAt });
    tell('refund.succeeded', payment.id, refundView(refunded), settledAt);
  };

  const dispute = (payment: Payment, wallet: AccountId, decidedAt: Micros, at: Micros): void => {
    const stripeId = ids.stripe('dp');
    const { amount } = payment;
    const isDecided = decidedAt < until;
    const isWon = isDecided && random.chance(WON);
    const lines: string[] = [];
    const opened: Dispute = {
      ...{ merchant, id: idAt('dp', stripeId, at), payment: payment.id, amount, currency: payment.currency },
      ...{ status: 'open', reason: 'product_not_received', stripeId, withdrawn: amount, lines, createdAt: at },
      ...{ reinstated: 0n, lost: 0n, turns: 0, earlier: { opened: 0n, won: 0n, lost: 0n } },
    };
    const post = (rule: 'dispute_opened' | 'dispute_reinstated', gross: bigint, fee: bigint, when: Micros): void => {
      const { id } = line(payment, { kind: 'adjustment', source: stripeId, gross, fee, createdAt: when });
      lines.push(id);
      ledger.move(posting(rule, payment, amount, idAt('tr', `${id} dispute`, when)), plusMs(when, 2_000));
    };
    disputing.add(wallet);
    post('dispute_opened', -amount, DISPUTE_FEE, at);
    tell('dispute.open', payment.id, disputeView(opened), at);
    if (!isDecided) return void ledger.rows().disputes.push(opened);
    later(decidedAt, () => {
      disputing.delete(wallet);
      if (isWon) post('dispute_reinstated', amount, 0n, decidedAt);
      else {
        const id = idAt('tr', `${stripeId} lost 0`, at);
        ledger.move(posting('dispute_lost', payment, amount, id), decidedAt);
      }
      const decided: Dispute = {
        ...{ ...opened, status: isWon ? 'won' : 'lost', reinstated: isWon ? amount : 0n },
        ...{ lost: isWon ? 0n : amount, turns: isWon ? 0 : 1 },
      };
      // One row for all of its life, written when that is known.
      ledger.rows().disputes.push(decided);
      tell(`dispute.${decided.status}`, payment.id, disputeView(decided), decidedAt);
    });
  };

  /** Nothing, or what will go back of it: decided when it is paid, so that each row is written once. */
  const fateOf = (
    shopper: Shopper,
    amount: bigint,
    at: Micros,
  ): { refundAt?: Micros; refund: bigint; disputeAt?: Micros } => {
    const { wallet } = shopper;
    const after = (least: number, most: number): Micros =>
      plusMs(at, Math.floor((least + random.next() * (most - least)) * DAY_MS));
    if (random.chance(isLarge ? REFUNDED : REFUNDED_OF_FEW) && !disputing.has(wallet)) {
      const refundAt = after(1, 14);
      const part = random.chance(0.7) ? amount : (amount * BigInt(random.integer(20, 80))) / 100n;
      if (refundAt < until) return { refundAt, refund: part };
    } else if (random.chance(isLarge ? DISPUTED : DISPUTED_OF_FEW) && reserved(wallet) === 0n && !disputing.has(wallet))
      return { refund: 0n, disputeAt: after(6, 40) };
    return { refund: 0n };
  };

  const pay = (shopper: Shopper, least: bigint, at: Micros): boolean => {
    const { currency, wallet, id: customer } = shopper;
    const rounded = ((least + ROUND_TO - 1n) / ROUND_TO) * ROUND_TO;
    const topUp = random.pick(TOP_UPS);
    const amount = topUp > rounded ? topUp : rounded;
    const id = ids.at('pay', at);
    const intent = ids.stripe('pi');
    const tried = { payment: id, kind: 'confirm', amount: null, refund: null } as const;
    const decline = random.chance(DECLINED) ? random.pick(DECLINES) : undefined;
    const isPaid = decline === undefined || random.chance(TRIED_AGAIN);
    let last = decline && attempt({ ...tried, paymentMethod: decline[0], outcome: 'declined', startedAt: at });
    const paidAt = decline === undefined ? at : plusMs(at, random.integer(20_000, 90_000));
    const card = random.pick(CARDS);
    if (isPaid) last = attempt({ ...tried, paymentMethod: card, outcome: 'succeeded', startedAt: paidAt });
    const fate = isPaid ? fateOf(shopper, amount, paidAt) : { refund: 0n };
    const made: Payment = {
      ...{ merchant, id, customer, amount, currency, status: isPaid ? 'succeeded' : 'requires_payment_method' },
      ...{ amountCaptured: isPaid ? amount : 0n, amountRefunded: 0n, amountReturned: 0n },
      ...{ captureMethod: 'automatic', returnUrl: null },
      ...{ paymentMethod: isPaid ? card : decline[0], ...NOTHING_SAID, description: 'Top-up' },
      ...{ clientSecret: `${id}_secret_demo`, nextAction: null, lastError: isPaid ? null : decline[1] },
      ...{ intent, attempt: last ?? null, underWay: false, mayExist: false, refundsPending: 0n, createdAt: at },
    };
    // The row is written once, as it is at the end of the year.
    ledger.rows().payments.push({ ...made, amountRefunded: fate.refund });
    if (decline) {
      const failed: Payment = { ...made, status: 'requires_payment_method', amountCaptured: 0n, lastError: decline[1] };
      tell('payment.failed', id, paymentView(failed, 'finance'), plusMs(at, 900));
    }
    if (!isPaid) return false;
    const settledAt = plusMs(paidAt, 900);
    ledger.move(posting('payment', made, amount, idAt('tr', `${intent} ${amount}`, at)), settledAt);
    line(made, {
      ...{
        kind: 'charge',
        source: ids.stripe('ch'),
        gross: amount,
        fee: feeOf(amount),
        createdAt: settledAt,
      },
    });
    tell('payment.succeeded', id, paymentView(made, 'finance'), settledAt);
    if (fate.refundAt) {
      reserve(wallet, fate.refund);
      later(fate.refundAt, (when) => refund(made, wallet, fate.refund, when));
    }
    if (fate.disputeAt) {
      const decidedAt = plusMs(fate.disputeAt, random.integer(10, 30) * DAY_MS);
      later(fate.disputeAt, (when) => dispute(made, wallet, decidedAt, when));
    }
    return true;
  };
  return { pay, reserved };
};

/** Of the days since 1970, which began on a Thursday, the first Monday. */
const MONDAY = 4;

/** What Stripe has for the shop, from two days after it was earned, goes to its bank on a Monday, and is there on Tuesday. */
const createPayouts = ({
  merchant,
  ids,
  ledger,
  later,
  until,
  isLarge,
}: Omit<CardsOptions, 'random'>): { readonly of: (currency: Currency, net: bigint, at: Micros) => string | null } => {
  const open = new Map<string, { readonly id: string; amount: bigint }>();
  const everyDays = isLarge ? 7 : 28;
  const payoutDay = (at: Micros): number => {
    const earliest = Math.floor(Number(at / 1000n) / DAY_MS) + 2;
    return Math.ceil((earliest - MONDAY) / everyDays) * everyDays + MONDAY;
  };
  const of = (currency: Currency, net: bigint, at: Micros): string | null => {
    const day = payoutDay(at);
    const key = `${currency} ${day}`;
    const known = open.get(key);
    if (known) {
      known.amount += net;
      return known.id;
    }
    const createdAt = micros(day * DAY_MS + 6 * 60 * 60 * 1000);
    const made = { id: ids.stripe('po'), amount: net };
    const isPaid = later(plusMs(createdAt, DAY_MS), (when) => {
      open.delete(key);
      const share = { merchant, payout: made.id, currency, amount: made.amount, status: 'paid', createdAt } as const;
      ledger.rows().payouts.push(share);
      const transfers = payoutPostings(share, undefined);
      for (const transfer of transfers === 'posted before' ? [] : transfers) ledger.move(transfer, when);
    });
    if (!isPaid || createdAt >= until) return null;
    open.set(key, made);
    return made.id;
  };
  return { of };
};
