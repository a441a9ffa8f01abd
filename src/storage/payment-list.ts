/** The list of payments, narrowed in any way: each of its filters has an index that is in the order of the list. */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import type { Currency } from '../domain/currency.ts';
import { uuidOf, type CustomerId, type MerchantId, type PaymentId } from '../domain/ids.ts';
import type { Payment, PaymentStatus } from '../domain/payment.ts';
import type { Micros } from '../domain/time.ts';
import { columnsOf } from './columns.ts';
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

export const listPayments = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: PaymentFilter,
  now: Micros,
): Promise<PageOf<Payment>> => {
  const { rows } = await paymentQuery(merchant, filter, filter.endingBefore && (await horizon(db, now))).execute(db);
  return pageOf(rows.map(paymentOf), filter);
};

/**
 * Several statuses are as many lists, each in its order by an index, of which the first are taken: one condition over all
 * of them would have every row sorted that has any. What is `newest` ends a page that goes back to the newest.
 */
const paymentQuery = (
  merchant: MerchantId,
  filter: PaymentFilter,
  newest: string | undefined,
): RawBuilder<Selectable<DB['payments']>> => {
  const {
    customer,
    statuses = [],
    isUnderWay,
    currency,
    reference,
    startingAfter,
    endingBefore,
    amount = {},
    created = {},
  } = filter;
  const inOrder = endingBefore
    ? sql`order by id asc limit ${filter.limit + 1}`
    : sql`order by id desc limit ${filter.limit + 1}`;
  const conditions = [
    sql`merchant_id = ${uuidOf(merchant)}::uuid`,
    ...(customer ? [sql`customer_id = ${uuidOf(customer)}::uuid`] : []),
    // As `paymentOf` has it.
    ...(isUnderWay === undefined
      ? []
      : [sql`(attempt is not null and attempt is distinct from ended_attempt) = ${isUnderWay}::boolean`]),
    ...(currency ? [sql`currency = ${currency}`] : []),
    ...(reference === undefined ? [] : [sql`reference = ${reference}`]),
    ...(amount.least === undefined ? [] : [sql`amount >= ${amount.least}::bigint`]),
    ...(amount.most === undefined ? [] : [sql`amount <= ${amount.most}::bigint`]),
    ...(created.from === undefined && created.before === undefined ? [] : [madeWithin(created)]),
    ...(startingAfter ? [sql`id < ${uuidOf(startingAfter)}::uuid`] : []),
    ...(endingBefore ? [sql`id > ${uuidOf(endingBefore)}::uuid`] : []),
    ...(newest === undefined ? [] : [sql`id < ${newest}::uuid`]),
  ];
  const those = (more: readonly RawBuilder<unknown>[]): RawBuilder<Selectable<DB['payments']>> => sql`
    select ${columnsOf('payments', 'p')} from payments p where ${sql.join([...conditions, ...more], sql` and `)} ${inOrder}`;
  const [first, ...others] = statuses;
  if (first === undefined) return those([]);
  if (others.length === 0) return those([sql`status = ${first}`]);
  const lists = statuses.map((status) => sql`(${those([sql`status = ${status}`])})`);
  return sql`select * from (${sql.join(lists, sql` union all `)}) p ${inOrder}`;
};
