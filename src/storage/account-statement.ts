/** What became of an account within a span of time. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Account } from '../domain/account.ts';
import type { Span } from '../domain/cut.ts';
import type { Statement } from '../domain/entry.ts';
import { uuidOf } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';

/** Those of which more is credited than debited are read from the side on which there is less. */
const GIVING = new Set(['stripe_clearing', 'stripe_fees', 'disputes', 'bank']);

/**
 * Two ends of an index tell opening, closing and count; of the two sides one is added up, and the other follows. One
 * statement: one snapshot.
 */
export const readStatement = async (
  db: Kysely<DB>,
  account: Account,
  span: Span,
  isFinal: boolean,
): Promise<Statement> => {
  const id = sql`${uuidOf(account.id)}::uuid`;
  const at = (instant: Micros): RawBuilder<unknown> => sql`${toIsoMicros(instant)}::timestamptz`;
  const edge = (before: Micros): RawBuilder<unknown> => sql`
    select sequence, balance from (
      (select t.debit_sequence as sequence, t.debit_balance_after as balance from transfers t
       where t.debit = ${id} and t.posted_at < ${at(before)} order by t.posted_at desc limit 1)
      union all
      (select t.credit_sequence, t.credit_balance_after from transfers t
       where t.credit = ${id} and t.posted_at < ${at(before)} order by t.posted_at desc limit 1)
    ) legs order by sequence desc limit 1`;
  const side = GIVING.has(account.kind) ? 'credit' : 'debit';
  const from = span.from ?? (0n as Micros);
  const { rows } = await sql<{ before: bigint; opening: bigint; sequence: bigint; closing: bigint; sum: bigint }>`
    select coalesce(o.sequence, 0)::bigint as before, coalesce(o.balance, 0)::bigint as opening,
      coalesce(c.sequence, 0)::bigint as sequence, coalesce(c.balance, 0)::bigint as closing,
      (select coalesce(sum(t.amount), 0)::bigint from transfers t where t.${sql.ref(side)} = ${id}
        and t.posted_at >= ${at(from)} and t.posted_at < ${at(span.before)}) as sum
    from (select) one
    left join lateral (${edge(from)}) o on true
    left join lateral (${edge(span.before)}) c on true`.execute(db);
  const [row] = rows;
  const { before = 0n, opening = 0n, sequence = 0n, closing = 0n, sum = 0n } = row ?? {};
  const net = closing - opening;
  const [debits, credits] = side === 'debit' ? [sum, net + sum] : [sum - net, sum];
  return { account, span, opening, debits, credits, closing, sequenceBefore: before, sequence, isFinal };
};
