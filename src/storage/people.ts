/** Customers, as they are changed, found and forgotten. It moves no money, and so it does not pass by `commit`. */
import { sql, type Kysely } from 'kysely';
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Customer } from '../domain/change.ts';
import { uuidOf, type CustomerId, type MerchantId } from '../domain/ids.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { merged, type MetadataUpdate } from '../domain/update.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { columnsOf } from './columns.ts';
import { readFailure } from './failure.ts';
import { horizon } from './horizon.ts';
import { madeWithin, pageOf, type Page, type PageOf } from './pages.ts';
import { customerOf } from './tables/customers.ts';
import { COLUMNS, type DB } from './schema.ts';
import type { Turns } from './turns.ts';

/** What is absent stays; null takes it away. */
export interface CustomerUpdate {
  readonly name?: string | null;
  readonly email?: string | null;
  readonly metadata?: MetadataUpdate;
}

export interface CustomerFilter extends Page<CustomerId> {
  /** All of it, as it was given. */
  readonly email: string | undefined;
}

type Changed<Code extends 'customer_not_found' | 'invalid_request'> = ResultAsync<
  Customer,
  PaymentError<Code | StorageCode>
>;

export interface People {
  /** Who was erased is not changed. Errors: `customer_not_found`; `invalid_request`, of too much metadata. */
  readonly update: (
    merchant: MerchantId,
    id: CustomerId,
    wanted: CustomerUpdate,
  ) => Changed<'customer_not_found' | 'invalid_request'>;
  /**
   * Forgets who it is, at once, and has him forgotten everywhere else: see `erasures.ts`. Asked for again, that is done
   * again. Errors: `customer_not_found`.
   */
  readonly erase: (merchant: MerchantId, id: CustomerId, now: Micros) => Changed<'customer_not_found'>;
  /** But for those who were erased. */
  readonly list: (
    merchant: MerchantId,
    filter: CustomerFilter,
    now: Micros,
  ) => ResultAsync<PageOf<Customer>, StorageError>;
}

export const createPeople = (db: Kysely<DB>, turns: Turns): People => ({
  update: (merchant, id, wanted) =>
    ResultAsync.fromPromise(
      turns(merchant, () => update(db, merchant, id, wanted)),
      readFailure,
    ).andThen((done) => done),
  erase: (merchant, id, now) =>
    ResultAsync.fromPromise(
      turns(merchant, () => erase(db, merchant, id, now)),
      readFailure,
    ).andThen((done) => done),
  list: (merchant, filter, now) =>
    ResultAsync.fromPromise(
      turns(merchant, () => list(db, merchant, filter, now)),
      readFailure,
    ),
});

/** Under a lock: two who change one key each do not undo each other. */
const update = (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: CustomerId,
  { metadata, ...texts }: CustomerUpdate,
): Promise<Result<Customer, PaymentError<'customer_not_found' | 'invalid_request'>>> =>
  db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const found = await tx
        .selectFrom('customers')
        .select(COLUMNS.customers)
        .where('merchant_id', '=', uuidOf(merchant))
        .where('id', '=', uuidOf(id))
        .where('erased_at', 'is', null)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (!found) return err(paymentError('customer_not_found'));
      const before = customerOf(found);
      const after = merged(before.metadata, metadata);
      if (after.isErr()) return err(after.error);
      const customer = { ...before, ...texts, metadata: after.value };
      await sql`
        update customers set name = ${customer.name}, email = ${customer.email},
          metadata = ${JSON.stringify(customer.metadata)}::jsonb
        where merchant_id = ${uuidOf(merchant)}::uuid and id = ${uuidOf(id)}::uuid`.execute(tx);
      return ok(customer);
    });

const erase = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: CustomerId,
  now: Micros,
): Promise<Result<Customer, PaymentError<'customer_not_found'>>> => {
  const at = sql`${toIsoMicros(now)}::timestamptz`;
  const { rows } = await sql<Parameters<typeof customerOf>[0]>`
    with gone as (
      update customers c set name = null, email = null, metadata = '{}', erased_at = coalesce(c.erased_at, ${at})
      where c.merchant_id = ${uuidOf(merchant)}::uuid and c.id = ${uuidOf(id)}::uuid
      returning ${columnsOf('customers', 'c')}
    ), noted as (
      insert into erasures (merchant_id, customer_id, requested_at) select merchant_id, id, ${at} from gone
      on conflict (merchant_id, customer_id) do update set requested_at = excluded.requested_at, done_at = null
    )
    select * from gone`.execute(db);
  return rows[0] ? ok(customerOf(rows[0])) : err(paymentError('customer_not_found'));
};

const list = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: CustomerFilter,
  now: Micros,
): Promise<PageOf<Customer>> => {
  const { email, created, startingAfter, endingBefore, limit } = filter;
  let query = db
    .selectFrom('customers')
    .select(COLUMNS.customers)
    .where('merchant_id', '=', uuidOf(merchant))
    .where('erased_at', 'is', null)
    .where(madeWithin(created));
  if (email !== undefined) query = query.where('email', '=', email);
  if (startingAfter) query = query.where('id', '<', uuidOf(startingAfter));
  if (endingBefore) query = query.where('id', '>', uuidOf(endingBefore)).where('id', '<', await horizon(db, now));
  const rows = await query
    .orderBy('id', endingBefore ? 'asc' : 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(rows.map(customerOf), filter);
};
