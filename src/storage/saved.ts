/** What customers have saved: in a commit, and as it is read. */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { ResultAsync } from 'neverthrow';
import type { Change } from '../domain/change.ts';
import { savedOf } from '../domain/decide.ts';
import type { State } from '../domain/state.ts';
import { idOf, uuidOf, type CustomerId, type MerchantId, type SetupId } from '../domain/ids.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import { methodOf, type Holder, type SavedMethod } from '../domain/saved.ts';
import type { Setup } from '../domain/setup.ts';
import type { PaymentError } from '../error.ts';
import { plain, texts } from './arrays.ts';
import { COLUMNS, columnsOf } from './columns.ts';
import { holderOf, savedMethodOf, setupOf } from './tables/saved.ts';
import { run } from './failure.ts';
import { findOne, keyed, paged, readOr } from './find.ts';
import { pageOf, type Page, type PageOf } from './pages.ts';
import type { DB } from './schema.ts';
import type { Flight } from './transaction.ts';
import { inTurn, type Turns } from './turns.ts';

// ---- in a commit: where nothing of it is asked for, no statement is sent --------------------------------------------

const holdersLocked = keyed('stripe_customers', { isLocked: true });
const methodsNamed = keyed('payment_methods', { idType: 'text' });
const setupsLocked = keyed('setups', { isLocked: true });

/** Locked by merchant and customer, after the payments: whoever changes what a customer has saved holds this row. */
export const lockHolders = async (flight: Flight, changes: readonly Change[]): Promise<State['holders']> => {
  const keys = changes.flatMap((change) => {
    const step = savedOf(change);
    return step ? [{ merchant: uuidOf(change.merchant), id: uuidOf(step.customer) }] : [];
  });
  if (keys.length === 0) return new Map();
  const merchants = plain(keys.map(({ merchant }) => merchant));
  const rows = await flight(holdersLocked(merchants, plain(keys.map(({ id }) => id))));
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
  const merchants = plain(keys.map(({ merchant }) => merchant));
  const rows = await flight(methodsNamed(merchants, texts(keys.map(({ id }) => id))));
  return new Map(rows.map(savedMethodOf).map((method) => [method.id, method]));
};

export const lockSetups = async (flight: Flight, changes: readonly Change[]): Promise<State['setups']> => {
  const keys = changes.flatMap(({ merchant, setup }) =>
    setup && setup.kind !== 'create' ? [{ merchant: uuidOf(merchant), id: uuidOf(setup.setup.id) }] : [],
  );
  if (keys.length === 0) return new Map();
  const merchants = plain(keys.map(({ merchant }) => merchant));
  const rows = await flight(setupsLocked(merchants, plain(keys.map(({ id }) => id))));
  return new Map(rows.map(setupOf).map((setup) => [setup.id, setup]));
};

// ---- as it is read ---------------------------------------------------------------------------------------------------

/** Whose something at Stripe is. */
interface Belongs {
  readonly merchant: MerchantId;
  readonly customer: CustomerId;
}

/** Errors of all: `database_unavailable`, and `<resource>_not_found` of those that read one. */
export interface Saved {
  /** The customer at Stripe; undefined where none was ever asked for, and of who was erased. */
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
  const read = inTurn(turns);
  const belongs = ({ merchant_id, customer }: { merchant_id: string; customer: string }): Belongs => ({
    merchant: idOf('mer', merchant_id),
    customer: idOf('cus', customer),
  });
  return {
    holder: (merchant, customer) =>
      read(merchant, () =>
        sql<Selectable<DB['stripe_customers']>>`
          select ${columnsOf('stripe_customers', 's')} from stripe_customers s join customers c using (merchant_id, id)
          where s.merchant_id = ${uuidOf(merchant)}::uuid and s.id = ${uuidOf(customer)}::uuid and c.erased_at is null`.execute(
          db,
        ),
      ).map(({ rows: [row] }) => row && holderOf(row)),
    holderAt: (stripeId) =>
      run(
        db
          .selectFrom('stripe_customers')
          .select(['merchant_id', 'id as customer'])
          .where('stripe_id', '=', stripeId)
          .executeTakeFirst(),
      ).map((row) => row && belongs(row)),
    method: (merchant, id) =>
      read(merchant, () => findOne(db, 'payment_methods', merchant, id)).andThen(
        readOr(savedMethodOf, 'payment_method_not_found'),
      ),
    methodAt: (id) =>
      run(
        db
          .selectFrom('payment_methods')
          .select(['merchant_id', 'customer_id as customer'])
          .where('id', '=', id)
          .executeTakeFirst(),
      ).map((row) => row && belongs(row)),
    listMethods: (merchant, customer, page) =>
      paged(
        page,
        read(merchant, () => listMethods(db, merchant, customer, page)),
      ),
    setup: (merchant, id) =>
      read(merchant, () => findOne(db, 'setups', merchant, uuidOf(id))).andThen(readOr(setupOf, 'setup_not_found')),
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
