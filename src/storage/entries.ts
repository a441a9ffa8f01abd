/** The entries of an account: each transfer that it gave or received, with what it held after it. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { KINDS, kindsOf, type Category } from '../domain/category.ts';
import type { Currency } from '../domain/currency.ts';
import type { Span } from '../domain/cut.ts';
import type { Direction, Entry } from '../domain/entry.ts';
import { derivedId, idAt, idOf, uuidOf, type AccountId, type MerchantId, type PaymentId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { texts } from './arrays.ts';
import type { DB } from './schema.ts';

export interface EntryFilter extends Pick<Span, 'from' | 'before'> {
  readonly account: AccountId;
  readonly direction?: Direction | undefined;
  readonly category?: Category | undefined;
  readonly payment?: PaymentId | undefined;
}

/** So many, upwards or downwards from one that was posted then, which is not among them. */
export interface Stretch {
  readonly order: 'asc' | 'desc';
  readonly beyond?: Micros | undefined;
  readonly limit: number;
}

interface Row {
  readonly direction: Direction;
  readonly id: string;
  readonly kind: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly description: string | null;
  readonly payment_id: string | null;
  readonly posted_at: bigint;
  readonly reference: string | null;
  readonly effective_date: string | null;
  readonly sequence: bigint;
  readonly balance_after: bigint;
  readonly counter: string;
  readonly payment_reference: string | null;
  readonly intent: string | null;
  readonly refund: string | null;
  readonly refund_at_stripe: string | null;
  readonly dispute: string | null;
  readonly dispute_at_stripe: string | null;
}

/**
 * The one query for page, API and CSV. Both legs are read along their index, which is in the order of the entries. What an
 * entry is of is looked up for those that are shown.
 */
export const readEntries = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: EntryFilter,
  { order, beyond, limit }: Stretch,
): Promise<Entry[]> => {
  const direction = order === 'asc' ? sql`asc` : sql`desc`;
  const edge = beyond === undefined ? [] : [sql`t.posted_at ${order === 'asc' ? sql`>` : sql`<`} ${at(beyond)}`];
  const where = sql.join([sql`t.merchant_id = ${uuidOf(merchant)}::uuid`, ...conditions(filter), ...edge], sql` and `);
  const leg = (side: Direction, other: Direction): RawBuilder<unknown> => sql`
    (select ${side}::text as direction, t.id, t.kind, t.amount, t.currency, t.description, t.payment_id, t.posted_at,
       t.reference, t.effective_date, t.${sql.ref(`${side}_sequence`)} as sequence,
       t.${sql.ref(`${side}_balance_after`)} as balance_after, t.${sql.ref(other)} as counter
     from transfers t where t.${sql.ref(side)} = ${uuidOf(filter.account)}::uuid and ${where}
     order by t.posted_at ${direction} limit ${limit})`;
  const legs = (['debit', 'credit'] as const)
    .filter((side) => filter.direction === undefined || filter.direction === side)
    .map((side) => leg(side, side === 'debit' ? 'credit' : 'debit'));
  const { rows } = await sql<Row>`
    select e.direction, e.id, e.kind, e.amount, e.currency, e.description, e.payment_id, e.posted_at, e.reference,
      e.effective_date, e.sequence, e.balance_after, e.counter, p.reference as payment_reference,
      case when e.kind in ('payment', 'payment_returned') then p.intent end as intent, r.id as refund,
      r.stripe_id as refund_at_stripe, d.id as dispute, d.stripe_id as dispute_at_stripe
    from (
      select * from (${sql.join(legs, sql` union all `)}) legs order by posted_at ${direction} limit ${limit}
    ) e
    left join payments p on p.merchant_id = ${uuidOf(merchant)}::uuid and p.id = e.payment_id
    left join lateral (
      select r.id, r.stripe_id from refunds r where e.kind in ('refund', 'refund_reversed')
        and r.payment_id = e.payment_id and r.merchant_id = ${uuidOf(merchant)}::uuid
        and left(r.id::text, 30) = left(e.id::text, 30)
      limit 1
    ) r on true
    left join lateral (
      select d.id, d.stripe_id from disputes d where e.kind like 'dispute%'
        and d.payment_id = e.payment_id and d.merchant_id = ${uuidOf(merchant)}::uuid
      order by d.id desc limit 1
    ) d on true
    order by e.posted_at ${direction}`.execute(db);
  const payouts = await payoutsOf(db, merchant, rows);
  return rows.map((row) => entryOf(row, payouts.get(row.id) ?? null));
};

const at = (instant: Micros): RawBuilder<unknown> => sql`${toIsoMicros(instant)}::timestamptz`;

const conditions = ({ from, before, category, payment }: EntryFilter): RawBuilder<unknown>[] => [
  sql`t.posted_at < ${at(before)}`,
  ...(from === null ? [] : [sql`t.posted_at >= ${at(from)}`]),
  ...(payment === undefined ? [] : [sql`t.payment_id = ${uuidOf(payment)}::uuid`]),
  ...(category === undefined
    ? []
    : category === 'other'
      ? [sql`t.kind <> all(${texts(KINDS)}::text[])`]
      : [sql`t.kind = any(${texts(kindsOf(category))}::text[])`]),
];

/** When that entry of the account was posted; undefined where it is none of its entries. */
export const entryPostedAt = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  account: AccountId,
  transfer: string,
): Promise<Micros | undefined> => {
  const { rows } = await sql<{ posted_at: Micros }>`
    select posted_at from transfers where merchant_id = ${uuidOf(merchant)}::uuid and id = ${transfer}::uuid
      and (debit = ${uuidOf(account)}::uuid or credit = ${uuidOf(account)}::uuid)`.execute(db);
  return rows[0]?.posted_at;
};

/** A transfer's id follows from its payout's: those that were made in the same millisecond are tried. */
const payoutsOf = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  rows: readonly Row[],
): Promise<ReadonlyMap<string, string>> => {
  if (!rows.some(({ kind }) => kind === 'payout' || kind === 'payout_reversed')) return new Map();
  const { rows: payouts } = await sql<{ id: string; currency: string; created_at: Micros }>`
    select id, currency, created_at from payouts where merchant_id = ${uuidOf(merchant)}::uuid`.execute(db);
  return new Map(
    payouts.flatMap(({ id, currency, created_at }) => {
      const first = idAt('tr', `${id} ${merchant} ${currency}`, created_at);
      return [0, 1].map((nth) => [dashed(uuidOf(derivedId('tr', first, nth))), id] as const);
    }),
  );
};

/** As Postgres writes it. */
const dashed = (uuid: string): string => uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const entryOf = (row: Row, payout: string | null): Entry => ({
  id: idOf('tr', row.id),
  sequence: row.sequence,
  postedAt: row.posted_at as Micros,
  effectiveDate: row.effective_date,
  direction: row.direction,
  kind: row.kind,
  amount: row.amount,
  balanceAfter: row.balance_after,
  currency: row.currency as Currency,
  counter: idOf('acct', row.counter),
  payment: row.payment_id === null ? null : idOf('pay', row.payment_id),
  refund: row.refund === null ? null : idOf('re', row.refund),
  dispute: row.dispute === null ? null : idOf('dp', row.dispute),
  payout,
  stripeId: row.intent ?? row.refund_at_stripe ?? row.dispute_at_stripe ?? payout ?? sourceOf(row),
  description: row.description,
  reference: row.reference,
  paymentReference: row.payment_reference,
});

/** What a fee is of: its description ends with Stripe's id of it. */
const sourceOf = ({ kind, description }: Row): string | null =>
  /^(?:fee|converted)/.test(kind) ? (description?.split(' ').at(-1) ?? null) : null;
