/**
 * The list of payments, narrowed in any way, at the price of some indexes of what never changes: what a charge is made as
 * is in them once, and what becomes of it is in none.
 */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import type { Currency } from '../domain/currency.ts';
import { uuidOf, type CustomerId, type MerchantId, type PaymentId } from '../domain/ids.ts';
import type { Payment, PaymentStatus } from '../domain/payment.ts';
import type { Micros } from '../domain/time.ts';
import { columnsOf } from './columns.ts';
import { findOne } from './find.ts';
import { horizon } from './horizon.ts';
import { madeWithin, pageOf, type Page, type PageOf, type Range } from './pages.ts';
import { paymentOf } from './tables/payments.ts';
import type { DB } from './schema.ts';

export interface PaymentFilter extends Page<PaymentId> {
  readonly customer: CustomerId | undefined;
  /** Any of them; all, where none is named. */
  readonly statuses?: readonly PaymentStatus[] | undefined;
  /** Of those that are processing: whether it is we who don't know yet, or Stripe that is still at work. */
  readonly isUnderWay?: boolean | undefined;
  readonly currency?: Currency | undefined;
  readonly reference?: string | undefined;
  readonly amount?: Range;
}

/** Newest first. Undefined: the id that the page begins at is not there. */
export const listPayments = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: PaymentFilter,
  now: Micros,
): Promise<PageOf<Payment> | undefined> => {
  const cursor = filter.startingAfter ?? filter.endingBefore;
  if (cursor && !(await findOne(db, 'payments', merchant, uuidOf(cursor)))) return undefined;
  const { rows } = await paymentQuery(merchant, filter, filter.endingBefore && (await horizon(db, now))).execute(db);
  return pageOf(rows.map(paymentOf), filter);
};

type Condition = RawBuilder<unknown>;
type Rows = RawBuilder<Selectable<DB['payments']>>;

/**
 * Several statuses are as many lists, each in its order by an index, of which the first are taken: one condition over all
 * of them would have every row sorted that has any. What is `newest` ends a page that goes back to the newest.
 */
export const paymentQuery = (merchant: MerchantId, filter: PaymentFilter, newest: string | undefined): Rows => {
  const {
    customer,
    statuses = [],
    isUnderWay,
    currency,
    reference,
    startingAfter,
    endingBefore,
    created = {},
  } = filter;
  const inOrder = sql`order by id ${sql.raw(endingBefore ? 'asc' : 'desc')} limit ${filter.limit + 1}`;
  const mine = sql`merchant_id = ${uuidOf(merchant)}::uuid`;
  const conditions = [
    mine,
    ...(customer ? [sql`customer_id = ${uuidOf(customer)}::uuid`] : []),
    // As `paymentOf` has it.
    ...(isUnderWay === undefined
      ? []
      : [sql`(attempt is not null and attempt is distinct from ended_attempt) = ${isUnderWay}::boolean`]),
    ...(currency ? [sql`currency = ${currency}`] : []),
    ...(reference === undefined ? [] : [sql`reference = ${reference}`]),
    ...(created.from === undefined && created.before === undefined ? [] : [madeWithin(created)]),
    ...(startingAfter ? [sql`id < ${uuidOf(startingAfter)}::uuid`] : []),
    ...(endingBefore ? [sql`id > ${uuidOf(endingBefore)}::uuid`] : []),
    ...(newest === undefined ? [] : [sql`id < ${newest}::uuid`]),
  ];
  const from = (source: RawBuilder<unknown>, more: readonly Condition[]): Rows => sql`
    select ${columnsOf('payments', 'p')} from ${source} where ${sql.join([...conditions, ...more], sql` and `)} ${inOrder}`;
  const ofStatus = (status: PaymentStatus, more: readonly Condition[]): Rows[] => [
    from(sql`payments p`, [...withStatus(status), ...more]),
    ...(status === 'processing'
      ? [from(UNDER_WAY, [sql`status = 'processing' and unpaid_status is null`, ...more])]
      : []),
  ];
  const lists = (...more: readonly Condition[]): Rows[] =>
    statuses.length === 0
      ? [from(sql`payments p`, more)]
      : [...new Set(statuses)].flatMap((status) => ofStatus(status, more));

  const { amount = {} } = filter;
  if (amount.least === undefined && amount.most === undefined) return first(lists(), inOrder);
  const isOf = within(sql`amount`, amount);
  const few = sql`(select count(*) from few) <= ${FEW}`;
  return sql`
    with few as materialized (select id from payments where ${mine} and ${isOf} order by amount limit ${FEW + 1})
    ${first(
      [
        from(
          // OFFSET 0: each is looked up by its id, whatever else there is to look for.
          sql`(select id as one from few where ${few}) f cross join lateral (
            select ${columnsOf('payments', 'q')} from payments q where ${mine} and q.id = f.one offset 0) p`,
          ofAny(statuses),
        ),
        // A sum is no column: what is looked up by amount is never worth sorting here, and the planner can't know it.
        ...lists(within(sql`amount + 0`, amount), sql`not (${few})`),
      ],
      inOrder,
    )}`;
};

/**
 * So few payments within a range of amounts are all of them read by its index, and sorted: a thousand of a million. Where
 * there are more, one in a thousand is among them, so that the list is read in its own order until a page is full.
 */
const FEW = 1_000;

/** What is paid is most of what there is; of the rest, the index has the status. */
const withStatus = (status: PaymentStatus): Condition[] =>
  status === 'succeeded' ? [sql`status = 'succeeded'`] : [sql`unpaid_status = ${status}`];

/** Where a call is under way, no index says so but the one of open attempts: they are few, whoever's they are. */
const UNDER_WAY = sql`(select distinct merchant_id, payment_id as id from attempts where outcome is null) o
  join payments p using (merchant_id, id)`;

const ofAny = (statuses: readonly PaymentStatus[]): Condition[] =>
  statuses.length === 0 ? [] : [sql`status in (${sql.join(statuses)})`];

const within = (amount: RawBuilder<unknown>, { least, most }: Range): Condition =>
  sql.join(
    [
      ...(least === undefined ? [] : [sql`${amount} >= ${least}::bigint`]),
      ...(most === undefined ? [] : [sql`${amount} <= ${most}::bigint`]),
    ],
    sql` and `,
  );

const first = (lists: readonly Rows[], inOrder: RawBuilder<unknown>): Rows =>
  lists.length === 1 && lists[0]
    ? lists[0]
    : sql`select * from (${sql.join(
        lists.map((list) => sql`(${list})`),
        sql` union all `,
      )}) p ${inOrder}`;
