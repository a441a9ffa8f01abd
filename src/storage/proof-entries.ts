/** The two checks that add up all entries: whether they chain, and whether balances are their sums. */
import { sql, type RawBuilder } from 'kysely';
import { told, type Parts, type Row } from './proof-query.ts';

/**
 * Both legs of transfers as entries of their accounts; of those since an instant, with the last one before it in each
 * account, on which they build.
 */
const entries = ({ of, since }: Parts): RawBuilder<unknown> => {
  const leg = (side: 'debit' | 'credit', is_base: boolean): RawBuilder<unknown> => sql`
    t.merchant_id, t.${sql.ref(side)} as account, t.id, ${sql.raw(side === 'debit' ? '-t.amount' : 't.amount')} as signed,
    t.${sql.ref(`${side}_sequence`)} as sequence, t.${sql.ref(`${side}_balance_after`)} as after, t.posted_at,
    ${is_base}::boolean as is_base`;
  if (!since)
    return sql`entries as (
      select ${leg('debit', false)} from transfers t where true ${of('t')}
      union all select ${leg('credit', false)} from transfers t where true ${of('t')})`;
  const fresh = (side: 'debit' | 'credit'): RawBuilder<unknown> => sql`
    select e.* from touched a cross join lateral (
      select ${leg(side, false)} from transfers t where t.${sql.ref(side)} = a.id and t.posted_at >= ${since}) e`;
  const last = (side: 'debit' | 'credit'): RawBuilder<unknown> => sql`
    (select ${leg(side, true)} from transfers t where t.${sql.ref(side)} = a.id and t.posted_at < ${since}
     order by t.posted_at desc limit 1)`;
  return sql`touched as (select a.merchant_id, a.id from accounts a where a.posted_at >= ${since} ${of('a')}),
    entries as (
      ${fresh('debit')} union all ${fresh('credit')} union all
      select b.* from touched a cross join lateral (
        select * from (${last('debit')} union all ${last('credit')}) two order by sequence desc limit 1) b)`;
};

/**
 * `off` is by how much a row's balance differs from what the rows up to it come to. A row is at fault where that begins to
 * differ, and not where it comes back to what it was, nor where a row is missing, which is named by its number.
 */
const wrongEntries = (parts: Parts): RawBuilder<unknown> => sql`
  ${entries(parts)},
  summed as (
    select e.*, after - sum(case when is_base then after else signed end) over w as off, lag(sequence) over w as prior,
      lag(posted_at) over w as before, lead(posted_at) over w as next
    from entries e window w as (partition by merchant_id, account order by sequence, posted_at)),
  neighbours as (
    select s.*, lag(off, 1, 0) over w as off1, lag(off, 2, 0) over w as off2, lag(off, 3, 0) over w as off3,
      lead(off) over w as off_next,
      coalesce(posted_at <= before and (next is null or next > before)
        or posted_at >= next and (before is null or next > before), false) as is_late
    from summed s window w as (partition by merchant_id, account order by sequence, posted_at)),
  levels as (
    select n.*, case when is_base then null when sequence <> coalesce(prior, 0) + 1 then 'number'
      when off <> off1 and off <> off2 and off <> off3 then 'amount' end as fault
    from neighbours n),
  -- of two neighbours that are the wrong way round, it is the one that stands wrong in its other account too
  late as (
    select merchant_id, account, sequence, count(*) over (partition by merchant_id, id) as legs from levels where is_late),
  wrong as (
    select merchant_id, account, id as transfer, 'tr_' || replace(id::text, '-', '') as subject, concat_ws('; ',
      case when fault = 'number' and sequence > coalesce(prior, 0) then
        format('entry %s of the account is missing before it', case when sequence = coalesce(prior, 0) + 2
          then (sequence - 1)::text else format('%s to %s', coalesce(prior, 0) + 1, sequence - 1) end)
        when fault = 'number' then format('its number, %s, is another entry’s too', sequence)
        when fault = 'amount' then
        format('it leaves %s, and the entries up to it come to %s', after, after - off + off1) end,
      case when is_late and not exists (
        select from late mine join late beside on beside.merchant_id = mine.merchant_id and beside.account = mine.account
          and abs(beside.sequence - mine.sequence) = 1 and beside.legs > mine.legs
        where mine.merchant_id = l.merchant_id and mine.account = l.account and mine.sequence = l.sequence)
      then format('it is posted at %s, which is not between its neighbours', posted_at) end) as detail
    from levels l where not is_base and (fault is not null or is_late))`;

/**
 * What the entries of each account come to. An entry whose amount is not what it left counts as what it left, so that an
 * account is told of by itself only where its own balance is wrong too; what is hidden by a fault of an entry is left out:
 * its end by one of the last, and its debits and credits by one that leaves open which of them it is.
 */
const ENTRY_SUMS: RawBuilder<unknown> = sql`
  sums as (
    select merchant_id, account as id, max(sequence) as sequence, max(after) filter (where next is null) as after,
      bool_or(fault is not null and next is null) as is_end_open,
      bool_or(fault is not null and (fault = 'number' or off_next is null or off_next not in (off, off1))) as are_sums_open,
      sum(greatest(-mended, 0)) as debits, sum(greatest(mended, 0)) as credits
    from (select l.*, case when fault = 'amount' and off_next = off then signed + off - off1 else signed end as mended
      from levels l) m
    group by merchant_id, account)`;

/** Both over one addition of all entries, which is most of what a proof costs. */
export const entriesAndBalances = (parts: Parts): RawBuilder<Row> =>
  told(
    sql`${wrongEntries(parts)}, ${ENTRY_SUMS},
      counted as (select merchant_id from levels where not is_base),
      wrong_entries as (select merchant_id, account, transfer, subject, detail from wrong where detail <> ''),
      held as (select a.merchant_id, a.id, a.sequence, a.debits, a.credits from accounts a
        where a.sequence > 0 ${parts.of('a')} ${parts.since ? sql`and a.posted_at >= ${parts.since}` : sql``}),
      compared as (
        select merchant_id, id, a.debits, a.credits, a.sequence, s.after, s.debits as own_debits, s.credits as own_credits,
          coalesce(s.sequence, 0) as own_sequence,
          a.sequence is distinct from s.sequence
            or a.credits - a.debits is distinct from s.after and not is_end_open as is_end_wrong,
          ${
            parts.since
              ? sql`false`
              : sql`not are_sums_open and (a.debits is distinct from s.debits or a.credits is distinct from s.credits)`
          } as are_sums_wrong
        from held a full join sums s using (merchant_id, id)),
      wrong_balances as (
        select merchant_id, id as account, null::uuid as transfer, 'acct_' || replace(id::text, '-', '') as subject,
          case when is_end_wrong then format('it says %s after %s entries, and its entries come to %s after %s',
              credits - debits, sequence, after, own_sequence)
            else format('it says debits of %s and credits of %s, and its entries come to %s and %s',
              debits, credits, own_debits, own_credits) end as detail
        from compared where is_end_wrong or are_sums_wrong)`,
    [
      ['entries_chain', { looked: 'counted', found: 'wrong_entries' }],
      ['balances_are_sums', { looked: 'held', found: 'wrong_balances' }],
    ],
  );
