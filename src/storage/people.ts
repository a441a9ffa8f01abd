/** Customers, as they are changed, found and forgotten. It moves no money, and so it does not pass by `commit`. */
import { sql, type Kysely } from 'kysely';
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { Customer } from '../domain/change.ts';
import { uuidOf, type CustomerId, type MerchantId } from '../domain/ids.ts';
import type { ListError, StorageCode } from '../domain/refusals.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { merged, type MetadataUpdate } from '../domain/update.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { COLUMNS, columnsOf } from './columns.ts';
import { listPage, paged } from './find.ts';
import type { Page, PageOf } from './pages.ts';
import { customerOf } from './tables/customers.ts';
import type { DB } from './schema.ts';
import { inTurn, type Turns } from './turns.ts';

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
  ) => ResultAsync<PageOf<Customer>, ListError>;
}

export const createPeople = (db: Kysely<DB>, turns: Turns): People => {
  const ask = inTurn(turns);
  return {
    update: (merchant, id, wanted) => ask(merchant, () => update(db, merchant, id, wanted)).andThen((done) => done),
    erase: (merchant, id, now) => ask(merchant, () => erase(db, merchant, id, now)).andThen((done) => done),
    list: (merchant, filter, now) =>
      paged(
        filter,
        ask(merchant, () => list(db, merchant, filter, now)),
      ),
  };
};

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

const list = (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: CustomerFilter,
  now: Micros,
): Promise<PageOf<Customer> | undefined> => {
  const { email } = filter;
  const where = [sql`t.erased_at is null`, email === undefined ? undefined : sql`t.email = ${email}`];
  return listPage(db, { table: 'customers', merchant, where, read: customerOf, now }, filter);
};
