/** What customers have saved: in a commit, and as it is read. */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { err, ok, ResultAsync } from 'neverthrow';
import type { Change } from '../domain/change.ts';
import { savedOf } from '../domain/decide.ts';
import type { State, Writes } from '../domain/state.ts';
import { idOf, uuidOf, type CustomerId, type MerchantId, type SetupId } from '../domain/ids.ts';
import type { LastError, NextAction } from '../domain/payment.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import { methodOf, type CardDetails, type Holder, type SavedMethod } from '../domain/saved.ts';
import type { Setup, SetupStatus } from '../domain/setup.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { jsons, plain, texts } from './arrays.ts';
import { columnsOf } from './columns.ts';
import { readFailure } from './failure.ts';
import { pageOf, type Page, type PageOf } from './pages.ts';
import { COLUMNS, type DB } from './schema.ts';
import type { Flight } from './transaction.ts';
import type { Turns } from './turns.ts';

const holderOf = (row: Selectable<DB['stripe_customers']>): Holder => ({
  merchant: idOf('mer', row.merchant_id),
  customer: idOf('cus', row.id),
  stripeId: row.stripe_id,
  defaultMethod: row.default_method,
  tries: row.tries,
  askedAt: row.asked_at as Micros,
});

const savedMethodOf = (row: Selectable<DB['payment_methods']>): SavedMethod => ({
  merchant: idOf('mer', row.merchant_id),
  id: row.id,
  customer: idOf('cus', row.customer_id),
  type: row.type,
  card: row.card as CardDetails | null,
  isDetached: row.detached,
  createdAt: row.created_at as Micros,
});

const setupOf = (row: Selectable<DB['setups']>): Setup => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('set', row.id),
  customer: idOf('cus', row.customer_id),
  status: row.status as SetupStatus,
  paymentMethod: row.payment_method,
  returnUrl: row.return_url,
  clientSecret: row.client_secret,
  nextAction: row.next_action as NextAction | null,
  lastError: row.last_error as LastError | null,
  intent: row.intent,
  tries: row.tries,
  triedSince: row.tried_since as Micros | null,
  createdAt: row.created_at as Micros,
});

// ---- in a commit: where nothing of it is asked for, no statement is sent --------------------------------------------

/** Locked by merchant and customer, after the payments: whoever changes what a customer has saved holds this row. */
export const lockHolders = async (flight: Flight, changes: readonly Change[]): Promise<State['holders']> => {
  const keys = changes.flatMap((change) => {
    const step = savedOf(change);
    return step ? [{ merchant: uuidOf(change.merchant), id: uuidOf(step.customer) }] : [];
  });
  if (keys.length === 0) return new Map();
  const rows = await flight(sql<Selectable<DB['stripe_customers']>>`
    select ${columnsOf('stripe_customers', 's')} from stripe_customers s
    where (s.merchant_id, s.id) in (select * from unnest(
      ${plain(keys.map(({ merchant }) => merchant))}::uuid[], ${plain(keys.map(({ id }) => id))}::uuid[]))
    order by s.merchant_id, s.id for no key update`);
  return new Map(rows.map(holderOf).map((holder) => [holder.customer, holder]));
};

/** Not locked: whoever writes one holds its customer's row. */
export const readMethods = async (flight: Flight, changes: readonly Change[]): Promise<State['methods']> => {
  const keys = changes.flatMap((change) => {
    const step = savedOf(change);
    const id = step && methodOf(step);
    return id === undefined ? [] : [{ merchant: uuidOf(change.merchant), id }];
  });
  if (keys.length === 0) return new Map();
  const rows = await flight(sql<Selectable<DB['payment_methods']>>`
    select ${columnsOf('payment_methods', 'm')} from payment_methods m
    where (m.merchant_id, m.id) in (select * from unnest(
      ${plain(keys.map(({ merchant }) => merchant))}::uuid[], ${texts(keys.map(({ id }) => id))}::text[]))`);
  return new Map(rows.map(savedMethodOf).map((method) => [method.id, method]));
};

export const lockSetups = async (flight: Flight, changes: readonly Change[]): Promise<State['setups']> => {
  const keys = changes.flatMap(({ merchant, setup }) =>
    setup && setup.kind !== 'create' ? [{ merchant: uuidOf(merchant), id: uuidOf(setup.setup.id) }] : [],
  );
  if (keys.length === 0) return new Map();
  const rows = await flight(sql<Selectable<DB['setups']>>`
    select ${columnsOf('setups', 's')} from setups s
    where (s.merchant_id, s.id) in (select * from unnest(
      ${plain(keys.map(({ merchant }) => merchant))}::uuid[], ${plain(keys.map(({ id }) => id))}::uuid[]))
    order by s.merchant_id, s.id for no key update`);
  return new Map(rows.map(setupOf).map((setup) => [setup.id, setup]));
};

type Writer = (writes: Writes) => RawBuilder<unknown> | undefined;

/** Two processes that ask for one customer at once meet at the key: the later is run again, and finds him. */
export const insertHolders: Writer = ({ newHolders, holders }) => {
  const rows = [...newHolders].flatMap((customer) => holders.get(customer) ?? []);
  if (rows.length === 0) return undefined;
  return sql`
    insert into stripe_customers (merchant_id, id, stripe_id, default_method, tries, asked_at)
    select * from unnest(${holderColumns(rows)})`;
};

export const updateHolders: Writer = ({ newHolders, holders }) => {
  const rows = [...holders.values()].filter(({ customer }) => !newHolders.has(customer));
  if (rows.length === 0) return undefined;
  return sql`
    update stripe_customers s set stripe_id = w.stripe_id, default_method = w.default_method, tries = w.tries,
      asked_at = w.asked_at
    from unnest(${holderColumns(rows)}) w (merchant_id, id, stripe_id, default_method, tries, asked_at)
    where s.merchant_id = w.merchant_id and s.id = w.id`;
};

const holderColumns = (rows: readonly Holder[]): RawBuilder<unknown> => sql`
  ${plain(rows.map((h) => uuidOf(h.merchant)))}::uuid[], ${plain(rows.map((h) => uuidOf(h.customer)))}::uuid[],
  ${texts(rows.map((h) => h.stripeId))}::text[], ${texts(rows.map((h) => h.defaultMethod))}::text[],
  ${plain(rows.map((h) => h.tries))}::int[], ${plain(rows.map((h) => toIsoMicros(h.askedAt)))}::timestamptz[]`;

export const writeMethods: Writer = ({ methods }) => {
  if (methods.size === 0) return undefined;
  const rows = [...methods.values()];
  return sql`
    insert into payment_methods (merchant_id, id, customer_id, type, card, detached, created_at)
    select * from unnest(
      ${plain(rows.map((m) => uuidOf(m.merchant)))}::uuid[], ${texts(rows.map((m) => m.id))}::text[],
      ${plain(rows.map((m) => uuidOf(m.customer)))}::uuid[], ${texts(rows.map((m) => m.type))}::text[],
      ${jsons(rows.map((m) => m.card && JSON.stringify(m.card)))}::jsonb[],
      ${plain(rows.map((m) => m.isDetached))}::boolean[], ${plain(rows.map((m) => toIsoMicros(m.createdAt)))}::timestamptz[]
    )
    on conflict (merchant_id, id) do update set card = excluded.card, detached = excluded.detached`;
};

export const writeSetups: Writer = ({ setups }) => {
  if (setups.size === 0) return undefined;
  const rows = [...setups.values()];
  return sql`
    insert into setups (merchant_id, id, customer_id, status, payment_method, return_url, client_secret, next_action,
                        last_error, intent, tries, tried_since, created_at)
    select * from unnest(
      ${plain(rows.map((s) => uuidOf(s.merchant)))}::uuid[], ${plain(rows.map((s) => uuidOf(s.id)))}::uuid[],
      ${plain(rows.map((s) => uuidOf(s.customer)))}::uuid[], ${texts(rows.map((s) => s.status))}::text[],
      ${texts(rows.map((s) => s.paymentMethod))}::text[], ${texts(rows.map((s) => s.returnUrl))}::text[],
      ${texts(rows.map((s) => s.clientSecret))}::text[],
      ${jsons(rows.map((s) => s.nextAction && JSON.stringify(s.nextAction)))}::jsonb[],
      ${jsons(rows.map((s) => s.lastError && JSON.stringify(s.lastError)))}::jsonb[],
      ${texts(rows.map((s) => s.intent))}::text[], ${plain(rows.map((s) => s.tries))}::int[],
      ${plain(rows.map((s) => s.triedSince && toIsoMicros(s.triedSince)))}::timestamptz[],
      ${plain(rows.map((s) => toIsoMicros(s.createdAt)))}::timestamptz[]
    )
    on conflict (merchant_id, id) do update set status = excluded.status, payment_method = excluded.payment_method,
      return_url = excluded.return_url, next_action = excluded.next_action, last_error = excluded.last_error,
      tries = excluded.tries, tried_since = excluded.tried_since`;
};

// ---- as it is read ---------------------------------------------------------------------------------------------------

/** Whose something at Stripe is. */
interface Belongs {
  readonly merchant: MerchantId;
  readonly customer: CustomerId;
}

/** Errors of all: `database_unavailable`, and `<resource>_not_found` of those that read one. */
export interface Saved {
  /** The customer at Stripe; undefined where none was ever asked for. */
  readonly holder: (merchant: MerchantId, customer: CustomerId) => ResultAsync<Holder | undefined, StorageError>;
  /** Whose Stripe's customer is. */
  readonly holderAt: (stripeId: string) => ResultAsync<Belongs | undefined, StorageError>;
  /** Detached ones too. */
  readonly method: (
    merchant: MerchantId,
    id: string,
  ) => ResultAsync<SavedMethod, PaymentError<'payment_method_not_found' | StorageCode>>;
  /** Whose it is, by Stripe's id alone. */
  readonly methodAt: (id: string) => ResultAsync<Belongs | undefined, StorageError>;
  /** Those that are attached, newest first. */
  readonly listMethods: (
    merchant: MerchantId,
    customer: CustomerId,
    page: Page<string>,
  ) => ResultAsync<PageOf<SavedMethod>, PaymentError<'invalid_request' | StorageCode>>;
  readonly setup: (
    merchant: MerchantId,
    id: SetupId,
  ) => ResultAsync<Setup, PaymentError<'setup_not_found' | StorageCode>>;
}

export const createSaved = (db: Kysely<DB>, turns: Turns): Saved => {
  const read = <T>(merchant: MerchantId, query: () => Promise<T>): ResultAsync<T, StorageError> =>
    ResultAsync.fromPromise(turns(merchant, query), readFailure);
  const belongs = ({ merchant_id, customer }: { merchant_id: string; customer: string }): Belongs => ({
    merchant: idOf('mer', merchant_id),
    customer: idOf('cus', customer),
  });
  return {
    holder: (merchant, customer) =>
      read(merchant, () =>
        db
          .selectFrom('stripe_customers')
          .select(COLUMNS.stripe_customers)
          .where('merchant_id', '=', uuidOf(merchant))
          .where('id', '=', uuidOf(customer))
          .executeTakeFirst(),
      ).map((row) => row && holderOf(row)),
    holderAt: (stripeId) =>
      ResultAsync.fromPromise(
        db
          .selectFrom('stripe_customers')
          .select(['merchant_id', 'id as customer'])
          .where('stripe_id', '=', stripeId)
          .executeTakeFirst(),
        readFailure,
      ).map((row) => row && belongs(row)),
    method: (merchant, id) =>
      read(merchant, () =>
        db
          .selectFrom('payment_methods')
          .select(COLUMNS.payment_methods)
          .where('merchant_id', '=', uuidOf(merchant))
          .where('id', '=', id)
          .executeTakeFirst(),
      ).andThen((row) => (row ? ok(savedMethodOf(row)) : err(paymentError('payment_method_not_found')))),
    methodAt: (id) =>
      ResultAsync.fromPromise(
        db
          .selectFrom('payment_methods')
          .select(['merchant_id', 'customer_id as customer'])
          .where('id', '=', id)
          .executeTakeFirst(),
        readFailure,
      ).map((row) => row && belongs(row)),
    listMethods: (merchant, customer, page) =>
      read(merchant, () => listMethods(db, merchant, customer, page)).andThen((found) =>
        found
          ? ok(found)
          : err(
              paymentError('invalid_request', {
                param: page.startingAfter === undefined ? 'ending_before' : 'starting_after',
                message: 'There is no such payment method of this customer.',
              }),
            ),
      ),
    setup: (merchant, id) =>
      read(merchant, () =>
        db
          .selectFrom('setups')
          .select(COLUMNS.setups)
          .where('merchant_id', '=', uuidOf(merchant))
          .where('id', '=', uuidOf(id))
          .executeTakeFirst(),
      ).andThen((row) => (row ? ok(setupOf(row)) : err(paymentError('setup_not_found')))),
  };
};

/** A customer has a handful. Stripe's ids say nothing of the time: the order is that in which they were made. */
const listMethods = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  customer: CustomerId,
  page: Page<string>,
): Promise<PageOf<SavedMethod> | undefined> => {
  const rows = await db
    .selectFrom('payment_methods')
    .select(COLUMNS.payment_methods)
    .where('merchant_id', '=', uuidOf(merchant))
    .where('customer_id', '=', uuidOf(customer))
    .where('detached', '=', false)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
  const all = rows.map(savedMethodOf);
  const from = page.startingAfter ?? page.endingBefore;
  if (from === undefined) return pageOf(all.slice(0, page.limit + 1), page);
  const at = all.findIndex(({ id }) => id === from);
  if (at === -1) return undefined;
  return page.startingAfter === undefined
    ? pageOf(
        all
          .slice(0, at)
          .reverse()
          .slice(0, page.limit + 1),
        page,
      )
    : pageOf(all.slice(at + 1, at + page.limit + 2), page);
};
