/**
 * A year of a shop: a generator of what it would have left in the database, stretch by stretch. Every posting follows from
 * the posting rules, and every balance and sequence from `post`, as in the service; only the chance is its own.
 *
 * People pay into their wallets by card and spend that on orders and on printing. Some cards are declined, some orders are
 * refunded, a few are disputed, and once in a while Stripe pays out.
 */
import type { Customer } from '../domain/change.ts';
import { parseCurrency, type Currency } from '../domain/currency.ts';
import { platformAccountId, walletId, type AccountId, type MerchantId } from '../domain/ids.ts';
import { plusMs, type Micros } from '../domain/time.ts';
import type { PastRows } from '../storage/seed.ts';
import { createCards, type PastCards } from './cards.ts';
import { createPastLedger, type PastLedger } from './ledger.ts';
import { GOODS, somebody } from './people.ts';
import { createPastIds, createRandom, type PastIds, type Random } from './random.ts';

export interface ShopOptions {
  readonly merchant: MerchantId;
  readonly seed: number;
  /** Roughly how many it should have posted. */
  readonly transfers: number;
  /** Where its year ends. */
  readonly until: Micros;
}

/** A euro shop with customers beyond the channel and the ocean: those that Stripe settles as they are. */
const CURRENCIES = ['eur', 'eur', 'eur', 'usd', 'usd', 'gbp'].flatMap((code) => parseCurrency(code) ?? []);
const DAYS = 365;
export const DAY_MS: number = 24 * 60 * 60 * 1000;
/** Written at once: half a second of Postgres' work. */
const STRETCH_TRANSFERS = 10_000;
/** One for each hundred transfers, as where each buys twice a week. */
const TRANSFERS_EACH = 100;
const CUSTOMERS_MIN = 24;
/** What a visit posts, until that is known: something is bought, and sometimes paid for first. */
const TRANSFERS_A_VISIT = 1.4;

export interface Shopper extends Customer {
  readonly currency: Currency;
  readonly wallet: AccountId;
}

/** Something that is to happen. */
interface Due {
  readonly at: Micros;
  readonly run: (at: Micros) => void;
}

/** Has it happen at that time, if the year has not ended by then: answers whether it will. */
export type Later = (at: Micros, run: Due['run']) => boolean;

export function* shopYear({ merchant, seed, transfers, until }: ShopOptions): Generator<PastRows, void> {
  const random = createRandom(seed);
  const ids = createPastIds(random, merchant);
  const ledger = createPastLedger(merchant);
  const from = plusMs(until, -DAYS * DAY_MS);
  const dayOf = (at: Micros): number => Number((at - from) / BigInt(DAY_MS * 1000));
  const dues = new Map<number, Due[]>();
  const later: Later = (at, run) => {
    if (at >= until) return false;
    const day = dayOf(at);
    const others = dues.get(day);
    if (others) others.push({ at, run });
    else dues.set(day, [{ at, run }]);
    return true;
  };
  const cards = createCards({ ...{ merchant, random, ids, ledger, later, until }, isLarge: transfers > 10_000 });
  const shoppers: Shopper[] = [];
  const visit = createVisit({ merchant, random, ids }, ledger, cards, shoppers);

  const weights = Array.from({ length: DAYS }, (_, day) => weightOf(plusMs(from, day * DAY_MS), day));
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const shoppersWanted = Math.max(CUSTOMERS_MIN, Math.round(transfers / TRANSFERS_EACH));
  let wanted = 0;
  let visits = 0;
  let bought = 0;
  for (let day = 0; day < DAYS; day++) {
    const midnight = plusMs(from, day * DAY_MS);
    // A third of them are there from the beginning.
    const present = Math.round((shoppersWanted * (1 + (2 * day) / DAYS)) / 3);
    for (let nth = shoppers.length; nth < present; nth++) {
      const currency = CURRENCIES[random.integer(0, CURRENCIES.length - 1)];
      if (!currency) continue;
      const shopper = join({ merchant, random, ids }, midnight, nth + 1, currency);
      shoppers.push(shopper);
      ledger.rows().customers.push(shopper);
    }
    wanted += (transfers * (weights[day] ?? 0)) / weightSum;
    const due = dues.get(day) ?? [];
    dues.delete(day);
    const each = visits > 100 ? bought / visits : TRANSFERS_A_VISIT;
    const count = Math.max(0, Math.round((wanted - ledger.count() - due.length) / each));
    const plan = [
      ...due,
      ...Array.from({ length: count }, (): Due => ({ at: momentOf(random, midnight), run: visit })),
    ];
    plan.sort((a, b) => (a.at < b.at ? -1 : 1));
    const before = ledger.count();
    for (const one of plan) one.run(one.at);
    visits += count;
    bought += ledger.count() - before - due.length;
    if (ledger.rows().transfers.length >= STRETCH_TRANSFERS) yield ledger.take();
  }
  yield ledger.take();
}

/** The shop grows by half, has quiet Sundays, and sells most before Christmas. */
const weightOf = (at: Micros, day: number): number => {
  const date = new Date(Number(at / 1000n));
  const weekday = [0.55, 1, 1.05, 1.05, 1.1, 1.2, 0.9][date.getUTCDay()] ?? 1;
  const season = date.getUTCMonth() === 11 && date.getUTCDate() < 24 ? 1.7 : date.getUTCMonth() === 10 ? 1.25 : 1;
  return (0.8 + (0.4 * day) / DAYS) * weekday * season;
};

/** Most of a day's visits are around two in the afternoon, and none in the last hour of it. */
const momentOf = (random: Random, midnight: Micros): Micros =>
  plusMs(midnight, Math.floor((0.16 + 0.8 * ((random.next() + random.next()) / 2)) * DAY_MS));

interface Chance {
  readonly merchant: MerchantId;
  readonly random: Random;
  readonly ids: PastIds;
}

const join = ({ merchant, random, ids }: Chance, midnight: Micros, nth: number, currency: Currency): Shopper => {
  const createdAt = plusMs(midnight, random.integer(0, 3 * 60 * 60 * 1000));
  const id = ids.at('cus', createdAt);
  return {
    ...{ merchant, id, ...somebody(random, nth), metadata: {}, erasedAt: null, createdAt },
    ...{ currency, wallet: walletId(id, currency) },
  };
};

/** A wallet is topped up where it holds too little, and then something is bought. */
const createVisit = (
  { merchant, random, ids }: Chance,
  ledger: PastLedger,
  cards: PastCards,
  shoppers: readonly Shopper[],
): ((at: Micros) => void) => {
  let orders = 10_000;
  const revenue = new Map<Currency, AccountId>();
  const revenueIn = (currency: Currency): AccountId => {
    const known = revenue.get(currency) ?? platformAccountId(merchant, 'revenue', currency);
    revenue.set(currency, known);
    return known;
  };
  const buy = (
    kind: 'debit' | 'usage' | 'transfer',
    from: Shopper,
    to: AccountId,
    amount: bigint,
    at: Micros,
    description: string,
  ): void => {
    ledger.move(
      {
        ...{ merchant, id: ids.at('tr', at), kind, debit: from.wallet, credit: to, amount },
        ...{ currency: from.currency, limit: 'available', description, payment: null },
      },
      at,
    );
  };

  return (at) => {
    // Some come often: the square has the first tenth come as often as the last third.
    const shopper = shoppers[Math.floor(random.next() ** 1.8 * shoppers.length)];
    if (!shopper) return;
    const free = (): bigint => ledger.balance(shopper.wallet) - cards.reserved(shopper.wallet);
    const pages = random.integer(1, 60);
    const [good, priceMinor] = random.pick(GOODS);
    const isPrinting = random.chance(0.55);
    const price = BigInt(isPrinting ? pages * 9 : priceMinor);
    if (free() < price && !cards.pay(shopper, price - free(), at)) return;
    const paidAt = plusMs(at, 4_000);
    if (free() < price) return;
    if (isPrinting) {
      buy('usage', shopper, revenueIn(shopper.currency), price, paidAt, `Prints, ${pages} pages`);
      return;
    }
    buy('debit', shopper, revenueIn(shopper.currency), price, paidAt, `Order ${++orders}: ${good}`);
    if (!random.chance(0.02) || free() < 2_000n) return;
    const friend = shoppers[random.integer(0, shoppers.length - 1)];
    if (friend && friend.currency === shopper.currency && friend.id !== shopper.id)
      buy('transfer', shopper, friend.wallet, 1_000n, plusMs(paidAt, 60_000), 'Gift');
  };
};
