/** What has been read of Stripe's balance, and what is still to be read of it. */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import { ON_ITS_WAY, type PayoutShare } from '../domain/balance.ts';
import type { Currency } from '../domain/currency.ts';
import { idOf, uuidOf, type MerchantId, type PaymentId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import { plain, texts } from './arrays.ts';
import { run } from './failure.ts';
import type { DB } from './schema.ts';
import { createWindows, type Windows } from './windows.ts';

/** A balance transaction, and the payment that its tags say it is of. */
export interface Named {
  readonly id: string;
  readonly merchant: MerchantId;
  readonly payment: PaymentId;
  /** The PaymentIntent whose charge, refund or dispute it is of. */
  readonly intent: string | null;
}

interface UnknownLine {
  readonly id: string;
  readonly kind: string;
  readonly source: string | null;
  readonly gross: bigint;
  readonly fee: bigint;
  readonly currency: string;
  readonly createdAt: Micros;
}

/** A payout about which there is something to do. */
export interface OpenPayout {
  readonly id: string;
  readonly told: number;
  readonly after: string | null;
  readonly listed: boolean;
  /** How often it was looked at since Stripe told of it, this time too. */
  readonly tries: number;
}

/** What is known here of a line. */
export interface Found {
  readonly known: boolean;
  /** It could not be posted, and a person was told. */
  readonly told: boolean;
  /** Whose it is: by its PaymentIntent, where that is known here, and else by its tags. Null where no such payment is here. */
  readonly owner: { readonly merchant: MerchantId; readonly payment: PaymentId } | null;
  /** Whether its PaymentIntent is one of that payment's. */
  readonly believed: boolean;
  /** The payment's own PaymentIntent, and what was captured of it. */
  readonly intent: string | null;
  readonly captured: bigint;
}

/** By the lines' ids. */
export type LookedUp = ReadonlyMap<string, Found>;

/** Errors of all: `database_unavailable`. */
export interface Balances {
  /** What is to be read of it. */
  readonly windows: Windows;

  readonly lookUp: (named: readonly Named[]) => ResultAsync<LookedUp, PaymentError>;
  /** Keeps those that are of no payment here; answers the ids of those that are new. */
  readonly keepUnknown: (
    lines: readonly UnknownLine[],
    payout: string | null,
    now: Micros,
  ) => ResultAsync<string[], PaymentError>;

  /** It was posted after all. */
  readonly forgetUnknown: (id: string) => ResultAsync<void, PaymentError>;

  /** Has somebody look at a payout. */
  readonly note: (payout: string, now: Micros) => ResultAsync<void, PaymentError>;
  readonly takePayouts: (now: Micros, max: number) => ResultAsync<OpenPayout[], PaymentError>;
  /** Notes of which payout these are, and how far its list was read: to its end where `listed`. */
  readonly turnPayout: (
    payout: string,
    named: readonly Named[],
    after: string | null,
    listed: boolean,
    due: Micros,
  ) => ResultAsync<void, PaymentError>;
  /** Notes that a payout is part of another, as it was split; answers whether it has been. */
  readonly returnTo: (payout: string, next: string) => ResultAsync<boolean, PaymentError>;
  /** What all merchants' shares of a payout come to, in its currency. */
  readonly sumOfShares: (payout: string, currency: Currency) => ResultAsync<bigint, PaymentError>;
  /** Some of the merchants' shares of a payout, in its currency, in order, after that merchant's. */
  readonly shares: (payout: string, currency: Currency, after: MerchantId | null) => ResultAsync<Share[], PaymentError>;
  /** Whose all is that Stripe has ever settled in a currency; null where it is several merchants', or nobody's. */
  readonly onlyMerchant: (currency: Currency) => ResultAsync<MerchantId | null, PaymentError>;
  /** Nothing more is to be done, unless Stripe has told of it meanwhile. */
  readonly finishPayout: (payout: OpenPayout, outcome: string) => ResultAsync<void, PaymentError>;
}

export type Share = Pick<PayoutShare, 'merchant' | 'amount'>;

/** How many shares are read at a time. */
const SHARES_MAX = 200;
/** A payout that cannot be split yet is looked at again after 30 s, then twice as long each time, up to an hour. */
const PAYOUT_RETRY_S = sql`least(3600, 30 * power(2, least(tries, 7)))`;

export const createBalances = (db: Kysely<DB>): Balances => {
  const at = (instant: Micros): string => toIsoMicros(instant);

  const lookUp = async (named: readonly Named[]): Promise<LookedUp> => {
    if (named.length === 0) return new Map();
    const { rows } = await sql<Omit<Found, 'owner'> & { id: string; merchant: string | null; payment: string | null }>`
      select k.id, b.id is not null as known, c.id is not null as told, p.merchant_id as merchant, p.id as payment,
        coalesce(i.payment_id = p.id, false) as believed, p.intent, p.amount_captured as captured
      from ${keysOf(named)}
      left join intents i on i.id = k.intent
      left join payments p on p.merchant_id = coalesce(i.merchant_id, k.merchant_id)
        and p.id = coalesce(i.payment_id, k.payment_id)
      -- each by itself, whatever is known of the table's size: a plan that is made while it is empty is kept
      left join lateral (
        select id from balance_transactions where merchant_id = p.merchant_id and id = k.id limit 1
      ) b on true
      left join contradictions c on c.kind = 'line_not_posted' and c.resolved_at is null and c.subject = k.id`.execute(
      db,
    );
    return new Map(
      rows.map(({ id, merchant, payment, ...found }) => {
        const isHere = merchant !== null && payment !== null;
        return [
          id,
          { ...found, owner: isHere ? { merchant: idOf('mer', merchant), payment: idOf('pay', payment) } : null },
        ];
      }),
    );
  };

  const forgetUnknown = async (id: string): Promise<void> => {
    await sql`delete from unknown_balance_transactions where id = ${id}`.execute(db);
  };

  const keepUnknown = async (lines: readonly UnknownLine[], payout: string | null, now: Micros): Promise<string[]> => {
    if (lines.length === 0) return [];
    // xmax is 0 in a row that was not there before.
    const { rows } = await sql<{ id: string; fresh: boolean }>`
      insert into unknown_balance_transactions as u (id, kind, source, gross, fee, currency, created_at, payout, seen_at)
      select w.*, ${payout}::text, ${at(now)}::timestamptz from unnest(
        ${texts(lines.map(({ id }) => id))}::text[], ${texts(lines.map(({ kind }) => kind))}::text[],
        ${texts(lines.map(({ source }) => source))}::text[], ${plain(lines.map(({ gross }) => gross))}::bigint[],
        ${plain(lines.map(({ fee }) => fee))}::bigint[], ${texts(lines.map(({ currency }) => currency))}::text[],
        ${plain(lines.map(({ createdAt }) => at(createdAt)))}::timestamptz[]
      ) w
      on conflict (id) do update set payout = coalesce(excluded.payout, u.payout)
      returning id, xmax = 0 as fresh`.execute(db);
    return rows.filter(({ fresh }) => fresh).map(({ id }) => id);
  };

  const note = async (payout: string, now: Micros): Promise<void> => {
    await sql`
      insert into stripe_payouts as p (id, due_at) values (${payout}, ${at(now)}::timestamptz)
      on conflict (id) do update set told = p.told + 1, tries = 0, due_at = excluded.due_at`.execute(db);
  };

  const takePayouts = async (now: Micros, max: number): Promise<OpenPayout[]> => {
    const { rows } = await sql<OpenPayout>`
      update stripe_payouts p
      set tries = p.tries + 1, due_at = ${at(now)}::timestamptz + make_interval(secs => ${PAYOUT_RETRY_S})
      from (
        select id from stripe_payouts where due_at <= ${at(now)}::timestamptz
        order by due_at limit ${max} for update skip locked
      ) t
      where p.id = t.id
      returning p.id, p.told, p.after, p.listed, p.tries`.execute(db);
    return rows;
  };

  const turnPayout = async (
    payout: string,
    named: readonly Named[],
    after: string | null,
    listed: boolean,
    due: Micros,
  ): Promise<void> => {
    if (named.length > 0)
      await sql`
        update balance_transactions b set payout = ${payout}
        from ${keysOf(named)}
        where b.merchant_id = k.merchant_id and b.id = k.id and b.payout is distinct from ${payout}`.execute(db);
    await sql`
      update stripe_payouts set after = ${after}, listed = ${listed}, due_at = ${at(due)}::timestamptz
      where id = ${payout} and due_at is not null and not listed`.execute(db);
  };

  const returnTo = async (payout: string, next: string): Promise<boolean> => {
    const { rows } = await sql`
      select from stripe_payouts where id = ${payout} and outcome not in (${ON_ITS_WAY}, 'paid')`.execute(db);
    if (rows.length === 0) return false;
    await sql`update payouts set returned_in = ${next} where id = ${payout}`.execute(db);
    return true;
  };

  const shares = async (payout: string, currency: Currency, after: MerchantId | null): Promise<Share[]> => {
    const { rows } = await sql<{ merchant: string; amount: bigint }>`
      select merchant_id as merchant, sum(amount)::bigint as amount from (
        select merchant_id, currency, gross - fee as amount from balance_transactions where payout = ${payout}
        union all
        select merchant_id, currency, amount from payouts where returned_in = ${payout}
      ) parts
      where currency = ${currency} and merchant_id > coalesce(${after && uuidOf(after)}::uuid, '00000000-0000-0000-0000-000000000000')
      group by merchant_id order by merchant_id limit ${SHARES_MAX}`.execute(db);
    return rows.map(({ merchant, amount }) => ({ merchant: idOf('mer', merchant), amount }));
  };

  const sumOfShares = async (payout: string, currency: Currency): Promise<bigint> => {
    const { rows } = await sql<{ sum: bigint }>`
      select coalesce(sum(amount), 0)::bigint as sum from (
        select currency, gross - fee as amount from balance_transactions where payout = ${payout}
        union all
        select currency, amount from payouts where returned_in = ${payout}
      ) parts
      where currency = ${currency}`.execute(db);
    return rows[0]?.sum ?? 0n;
  };

  const onlyMerchant = async (currency: Currency): Promise<MerchantId | null> => {
    const { rows } = await sql<{ merchant: string }>`
      select m.id as merchant from merchants m
      where exists (select from balance_transactions b where b.merchant_id = m.id and b.currency = ${currency})
      limit 2`.execute(db);
    const [first, second] = rows;
    return first && !second ? idOf('mer', first.merchant) : null;
  };

  const finishPayout = async ({ id, told }: OpenPayout, outcome: string): Promise<void> => {
    await sql`
      update stripe_payouts set due_at = null, outcome = ${outcome}, tries = 0
      where id = ${id} and told = ${told}`.execute(db);
  };

  return {
    windows: createWindows(db, 'balance_windows', null),
    lookUp: (named) => run(lookUp(named)),
    forgetUnknown: (id) => run(forgetUnknown(id)),
    keepUnknown: (lines, payout, now) => run(keepUnknown(lines, payout, now)),
    note: (payout, now) => run(note(payout, now)),
    takePayouts: (now, max) => run(takePayouts(now, max)),
    turnPayout: (payout, named, after, listed, due) => run(turnPayout(payout, named, after, listed, due)),
    returnTo: (payout, next) => run(returnTo(payout, next)),
    sumOfShares: (payout, currency) => run(sumOfShares(payout, currency)),
    shares: (payout, currency, after) => run(shares(payout, currency, after)),
    onlyMerchant: (currency) => run(onlyMerchant(currency)),
    finishPayout: (payout, outcome) => run(finishPayout(payout, outcome)),
  };
};

/** As a table `k` of merchant_id, id, payment_id and intent. */
const keysOf = (named: readonly Named[]): ReturnType<typeof sql> => sql`unnest(
  ${plain(named.map(({ merchant }) => uuidOf(merchant)))}::uuid[], ${texts(named.map(({ id }) => id))}::text[],
  ${plain(named.map(({ payment }) => uuidOf(payment)))}::uuid[],
  ${texts(named.map(({ intent }) => intent))}::text[]) k (merchant_id, id, payment_id, intent)`;
