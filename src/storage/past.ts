/** What accounts held at a past instant. */
import { sql, type Kysely } from 'kysely';
import type { PastBalance } from '../domain/account.ts';
import type { Currency } from '../domain/currency.ts';
import { idOf, uuidOf, type AccountId, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { plain } from './arrays.ts';
import type { DB } from './schema.ts';

/**
 * Of each account that there is, what it held before that instant, all in one snapshot. Its last entry by then says so,
 * and an index ends there: a year ago costs what yesterday costs. What was held is replayed from the refunds of its
 * customer. Each says from when to when; where the release before wrote it, its attempt and its posting say so, and
 * where those do not, nobody does.
 */
export const balancesBefore = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  ids: readonly AccountId[],
  before: Micros,
): Promise<Map<AccountId, PastBalance>> => {
  const cut = sql`${toIsoMicros(before)}::timestamptz`;
  const { rows } = await sql<{
    id: string;
    currency: Currency;
    sequence: bigint;
    posted: bigint;
    pending: bigint;
    unknown: boolean;
  }>`
    select a.id, a.currency, coalesce(last.sequence, 0)::bigint as sequence, coalesce(last.balance, 0)::bigint as posted,
      coalesce(held.amount, 0)::bigint as pending, coalesce(held.unknown, false) as unknown
    from unnest(${plain(ids.map(uuidOf))}::uuid[]) k (id)
    join accounts a on a.merchant_id = ${uuidOf(merchant)}::uuid and a.id = k.id
    left join lateral (
      select sequence, balance from (
        (select t.debit_sequence as sequence, t.debit_balance_after as balance from transfers t
         where t.debit = a.id and t.posted_at < ${cut} order by t.posted_at desc limit 1)
        union all
        (select t.credit_sequence, t.credit_balance_after from transfers t
         where t.credit = a.id and t.posted_at < ${cut} order by t.posted_at desc limit 1)
      ) legs order by sequence desc limit 1
    ) last on true
    left join lateral (
      select sum(h.amount) filter (where h.began < ${cut} and h.ended >= ${cut}) as amount,
        bool_or(h.began is null or h.ended is null) as unknown
      from payments p
      join refunds r on r.payment_id = p.id and r.merchant_id = p.merchant_id
      cross join lateral (
        select r.amount,
          coalesce(r.held_at, (select min(e.started_at) from attempts e
            where e.payment_id = p.id and e.merchant_id = p.merchant_id and e.refund_id = r.id)) as began,
          coalesce(r.freed_at, case when r.status = 'pending' then 'infinity'::timestamptz end,
            (select t.posted_at from transfers t where t.merchant_id = r.merchant_id and t.id = r.id),
            (select max(e.settled_at) from attempts e where e.payment_id = p.id and e.merchant_id = p.merchant_id
              and e.refund_id = r.id and e.outcome = 'failed')) as ended
      ) h
      where p.customer_id = a.customer_id and p.merchant_id = a.merchant_id and p.currency = a.currency
        and r.created_at < ${cut} and (h.ended is null or h.ended >= ${cut})
    ) held on true`.execute(db);
  return new Map(
    rows.map(({ id, currency, sequence, posted, pending, unknown }) => [
      idOf('acct', id),
      { account: idOf('acct', id), currency, posted, pending: unknown ? null : pending, sequence },
    ]),
  );
};
