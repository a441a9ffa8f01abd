/** What is recorded of Stripe's side: disputes, payouts, and what they are made of. */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import type { BalanceTransaction, PayoutStatus } from '../domain/balance.ts';
import type { Currency } from '../domain/currency.ts';
import { uuidOf, type DisputeId, type MerchantId, type PaymentId } from '../domain/ids.ts';
import type { Dispute, DisputeStatus } from '../domain/payment.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { columnsOf } from './columns.ts';
import { findOne, listPage } from './find.ts';
import { pageOf, type Page, type PageOf, type Span } from './pages.ts';
import { disputeOf } from './tables/disputes.ts';
import { lineOf } from './tables/stripe.ts';
import type { DB } from './schema.ts';

export interface DisputeFilter extends Page<DisputeId> {
  readonly payment: PaymentId | undefined;
  readonly status: DisputeStatus | undefined;
}

/** A merchant's share of one of Stripe's payouts. */
export interface Payout {
  /** Stripe's. */
  readonly id: string;
  readonly currency: Currency;
  /** In minor units; below zero where it was taken from the bank. */
  readonly amount: bigint;
  readonly status: PayoutStatus;
  /** How many balance transactions it is made of, and what they come to. */
  readonly transactions: bigint;
  readonly net: bigint;
  readonly createdAt: Micros;
}

export interface PayoutFilter extends Page<string> {
  readonly currency: Currency | undefined;
}

export type Line = BalanceTransaction & { readonly payout: string | null };

export interface LineFilter extends Page<string> {
  readonly payout: string | undefined;
  readonly currency: Currency | undefined;
}

const madeIn = ({ from, before }: Span = {}): RawBuilder<unknown>[] => [
  ...(from === undefined ? [] : [sql`t.created_at >= ${toIsoMicros(from)}::timestamptz`]),
  ...(before === undefined ? [] : [sql`t.created_at < ${toIsoMicros(before)}::timestamptz`]),
];

const where = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => sql.join(conditions, sql` and `);
const isOf = (merchant: MerchantId): RawBuilder<unknown> => sql`t.merchant_id = ${uuidOf(merchant)}::uuid`;

const read = (row: Selectable<DB['disputes']>): Dispute => disputeOf(row, new Map());

export const readDispute = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: DisputeId,
): Promise<Dispute | undefined> => {
  const row = await findOne(db, 'disputes', merchant, uuidOf(id));
  return row && read(row);
};

/** Newest first. Undefined: the page's own id is not there. */
export const listDisputes = (
  db: Kysely<DB>,
  merchant: MerchantId,
  { created, ...filter }: DisputeFilter,
  now: Micros,
): Promise<PageOf<Dispute> | undefined> => {
  const { payment, status } = filter;
  const where = [payment && sql`t.payment_id = ${uuidOf(payment)}::uuid`, status && sql`t.status = ${status}`];
  return listPage(db, { table: 'disputes', merchant, where: [...where, ...madeIn(created)], read, now }, filter);
};

/** Stripe's ids are in no order: such lists go by when a thing was made, and by its id where that is the same. */
const paged = (
  at: Micros | undefined,
  { startingAfter, endingBefore }: Page<string>,
): { readonly edge: RawBuilder<unknown>[]; readonly order: RawBuilder<unknown> } => {
  const isBack = endingBefore !== undefined;
  const id = startingAfter ?? endingBefore;
  const towards = isBack ? sql`asc` : sql`desc`;
  return {
    order: sql`t.created_at ${towards}, t.id ${towards}`,
    edge:
      at === undefined || id === undefined
        ? []
        : [sql`(t.created_at, t.id) ${isBack ? sql`>` : sql`<`} (${toIsoMicros(at)}::timestamptz, ${id})`],
  };
};

const PAYOUT = sql`
  select t.id, t.currency, t.amount, t.status, t.created_at as "createdAt", m.transactions, m.net
  from payouts t cross join lateral (
    select count(*) as transactions, coalesce(sum(b.gross - b.fee), 0)::bigint as net from balance_transactions b
    where b.payout = t.id and b.merchant_id = t.merchant_id and b.currency = t.currency
  ) m`;

export const readPayout = async (db: Kysely<DB>, merchant: MerchantId, id: string): Promise<Payout | undefined> => {
  const { rows } = await sql<Payout>`${PAYOUT} where ${isOf(merchant)} and t.id = ${id}`.execute(db);
  return rows[0];
};

export const listPayouts = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: PayoutFilter,
): Promise<PageOf<Payout> | undefined> => {
  const cursor = filter.startingAfter ?? filter.endingBefore;
  const at = cursor === undefined ? undefined : (await readPayout(db, merchant, cursor))?.createdAt;
  if (cursor !== undefined && at === undefined) return undefined;
  const { edge, order } = paged(at, filter);
  const conditions = [
    isOf(merchant),
    ...(filter.currency === undefined ? [] : [sql`t.currency = ${filter.currency}`]),
    ...madeIn(filter.created),
    ...edge,
  ];
  const { rows } = await sql<Payout>`
    ${PAYOUT} where ${where(conditions)} order by ${order} limit ${filter.limit + 1}`.execute(db);
  return pageOf(rows, filter);
};

export const listLines = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: LineFilter,
): Promise<PageOf<Line> | undefined> => {
  const { payout, currency, created } = filter;
  const cursor = filter.startingAfter ?? filter.endingBefore;
  const own = [
    isOf(merchant),
    ...(payout === undefined ? [] : [sql`t.payout = ${payout}`]),
    ...(currency === undefined ? [] : [sql`t.currency = ${currency}`]),
  ];
  const at = cursor === undefined ? undefined : await lineMadeAt(db, own, cursor);
  if (cursor !== undefined && at === undefined) return undefined;
  const { edge, order } = paged(at, filter);
  const { rows } = await sql<Selectable<DB['balance_transactions']>>`
    select ${columnsOf('balance_transactions', 't')} from balance_transactions t
    where ${where([...own, ...madeIn(created), ...edge])} order by ${order} limit ${filter.limit + 1}`.execute(db);
  return pageOf(
    rows.map((row) => ({ ...lineOf(row), payout: row.payout })),
    filter,
  );
};

const lineMadeAt = async (
  db: Kysely<DB>,
  own: readonly RawBuilder<unknown>[],
  id: string,
): Promise<Micros | undefined> => {
  const { rows } = await sql<{ created_at: Micros }>`
    select t.created_at from balance_transactions t where ${where([...own, sql`t.id = ${id}`])}`.execute(db);
  return rows[0]?.created_at;
};
