/** The books of a merchant: what moved between all its accounts in a span, and what moved its balance at Stripe. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { AccountKind } from '../domain/account.ts';
import type { Currency } from '../domain/currency.ts';
import type { Span } from '../domain/cut.ts';
import { idOf, uuidOf, type AccountId, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';

/** One line of a trial balance: an account of the merchant's own, or all wallets of a currency together. */
export interface TrialBalanceLine {
  readonly currency: Currency;
  readonly kind: AccountKind;
  /** Null for wallets. */
  readonly account: AccountId | null;
  /** How many accounts were opened by the end of the span. */
  readonly accounts: bigint;
  /** In minor units; sums of whatever size. */
  readonly opening: bigint;
  readonly debits: bigint;
  readonly credits: bigint;
}

const at = (instant: Micros): RawBuilder<unknown> => sql`${toIsoMicros(instant)}::timestamptz`;

/**
 * Every transfer of the merchant before the end of the span, added up once, in one snapshot: a million take a second. The
 * platform's own accounts are told apart, and all else is wallets.
 */
export const readTrialBalance = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  { from, before }: Pick<Span, 'from' | 'before'>,
): Promise<TrialBalanceLine[]> => {
  const of = sql`${uuidOf(merchant)}::uuid`;
  const start = at(from ?? (0n as Micros));
  const { rows } = await sql<{
    currency: Currency;
    kind: AccountKind;
    account: string | null;
    accounts: bigint;
    opening: string;
    debits: string;
    credits: string;
  }>`
    with own as materialized (
      select array_agg(id) as ids from accounts where merchant_id = ${of} and customer_id is null
    ), moved as materialized (
      select currency, case when debit = any(own.ids) then debit end as debit,
        case when credit = any(own.ids) then credit end as credit,
        sum(amount) filter (where posted_at < ${start}) as earlier,
        sum(amount) filter (where posted_at >= ${start}) as within
      from transfers, own where merchant_id = ${of} and posted_at < ${at(before)}
      group by 1, 2, 3
    ), legs as (
      select currency, debit as account, -coalesce(earlier, 0) as opening, coalesce(within, 0) as debits, 0 as credits from moved
      union all
      select currency, credit, coalesce(earlier, 0), 0, coalesce(within, 0) from moved
    )
    select a.currency, a.kind, a.account, a.accounts, coalesce(sum(l.opening), 0)::text as opening,
      coalesce(sum(l.debits), 0)::text as debits, coalesce(sum(l.credits), 0)::text as credits
    from (
      select currency, kind, case when customer_id is null then id end as account, count(*) as accounts
      from accounts where merchant_id = ${of} group by 1, 2, 3
    ) a
    left join legs l on l.currency = a.currency and l.account is not distinct from a.account
    group by 1, 2, 3, 4 order by 1, 2`.execute(db);
  return rows.map(({ account, opening, debits, credits, ...line }) => ({
    ...line,
    account: account === null ? null : idOf('acct', account),
    opening: BigInt(opening),
    debits: BigInt(debits),
    credits: BigInt(credits),
  }));
};

/** The same from the beginning until now, which the accounts say by themselves. */
export const readTrialBalanceNow = async (db: Kysely<DB>, merchant: MerchantId): Promise<TrialBalanceLine[]> => {
  const { rows } = await sql<{
    currency: Currency;
    kind: AccountKind;
    account: string | null;
    accounts: bigint;
    debits: string;
    credits: string;
  }>`
    select currency, kind, case when kind = 'wallet' then null else id end as account, count(*) as accounts,
      sum(debits)::text as debits, sum(credits)::text as credits
    from accounts where merchant_id = ${uuidOf(merchant)}::uuid
    group by 1, 2, 3 order by 1, 2`.execute(db);
  return rows.map(({ account, debits, credits, ...line }) => ({
    ...line,
    account: account === null ? null : idOf('acct', account),
    opening: 0n,
    debits: BigInt(debits),
    credits: BigInt(credits),
  }));
};

/** What moved a merchant's balance at Stripe, by what posted it, and for fees by what they are of. */
export interface Movement {
  readonly currency: Currency;
  readonly kind: string;
  /** Stripe's type and source of a balance transaction: the description of what was posted of it. */
  readonly type: string | null;
  readonly sourceKind: string | null;
  readonly count: bigint;
  /** What came in, less what went out, in minor units. */
  readonly sum: bigint;
}

interface ClearingBalance {
  readonly currency: Currency;
  readonly opening: bigint;
}

export interface Movements {
  readonly movements: readonly Movement[];
  /** What each clearing account held at the beginning. */
  readonly opening: readonly ClearingBalance[];
}

/** Along the index of each clearing account. */
export const readMovements = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  { from, before }: Pick<Span, 'from' | 'before'>,
): Promise<Movements> => {
  const of = sql`${uuidOf(merchant)}::uuid`;
  const start = at(from ?? (0n as Micros));
  const { rows } = await sql<{
    currency: Currency;
    kind: string | null;
    type: string | null;
    source_kind: string | null;
    count: bigint;
    sum: string;
  }>`
    with clearing as materialized (
      select id, currency from accounts where merchant_id = ${of} and kind = 'stripe_clearing' and customer_id is null
    )
    select c.currency, m.kind, m.type, m.source_kind, m.count, m.sum
    from clearing c cross join lateral (
      select kind, split_part(description, ' ', 1) as type, split_part(split_part(description, ' ', 2), '_', 1) as source_kind,
        count(*) as count, sum(amount)::text as sum
      from (
        select kind, description, amount from transfers where debit = c.id and posted_at >= ${start} and posted_at < ${at(before)}
        union all
        select kind, description, -amount from transfers where credit = c.id and posted_at >= ${start} and posted_at < ${at(before)}
      ) legs group by 1, 2, 3
    ) m
    union all
    select c.currency, null, null, null, 0, coalesce((
      select balance from (
        (select t.debit_sequence as sequence, -t.debit_balance_after as balance from transfers t
         where t.debit = c.id and t.posted_at < ${start} order by t.posted_at desc limit 1)
        union all
        (select t.credit_sequence, -t.credit_balance_after from transfers t
         where t.credit = c.id and t.posted_at < ${start} order by t.posted_at desc limit 1)
      ) last order by sequence desc limit 1), 0)::text
    from clearing c
    order by 1, 2`.execute(db);
  return {
    movements: rows.flatMap(({ currency, kind, type, source_kind: sourceKind, count, sum }) =>
      kind === null ? [] : [{ currency, kind, type, sourceKind, count, sum: BigInt(sum) }],
    ),
    opening: rows.flatMap(({ currency, kind, sum }) => (kind === null ? [{ currency, opening: BigInt(sum) }] : [])),
  };
};
