/** What is read. Every query names its merchant: nobody sees what is another's. */
import { CompiledQuery, sql, type Kysely, type Selectable } from 'kysely';
import { err, ok, type ResultAsync, type Result } from 'neverthrow';
import type { Account, AccountKind } from '../domain/account.ts';
import type { Customer, Item } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import {
  uuidOf,
  type AccountId,
  type AttemptId,
  type CustomerId,
  type Id,
  type ItemId,
  type MerchantId,
  type PaymentId,
  type RefundId,
} from '../domain/ids.ts';
import type { StoredClaim } from '../domain/stored-claim.ts';
import type { Attempt, ClaimId, Payment, Refund, RefundAttempt } from '../domain/payment.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { LaneError, ListError, StorageCode, StorageError } from '../domain/refusals.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { readHistory, type History } from './history.ts';
import { plain } from './arrays.ts';
import { COLUMNS } from './columns.ts';
import type { BatchStats } from './lane.ts';
import { findOne, keyed, listPage, paged, readOr } from './find.ts';
import { createLookup } from './lookup.ts';
import type { Page, PageOf } from './pages.ts';
import { listPayments, type PaymentFilter } from './payment-list.ts';
import { CLAIM_COLUMNS, storedClaimOf, withAttempt, type ClaimRow } from './claims.ts';
import { accountOf } from './tables/ledger.ts';
import { attemptOf } from './tables/attempts.ts';
import { customerOf, itemOf } from './tables/customers.ts';
import { paymentOf } from './tables/payments.ts';
import { refundOf } from './tables/refunds.ts';
import type { DB } from './schema.ts';
import type { Statement } from './transaction.ts';
import { inTurn, type Turns } from './turns.ts';

export interface RefundFilter extends Page<RefundId> {
  readonly payment: PaymentId | undefined;
}

export interface AccountFilter extends Page<AccountId> {
  readonly customer: CustomerId | undefined;
  readonly currency: Currency | undefined;
  readonly kind: AccountKind | undefined;
}

type RefundRow = Selectable<DB['refunds']>;

interface ToConfirm {
  readonly payment: Payment;
  readonly stripeCustomer: string | null;
}

/** Errors of all: `database_unavailable`, and `<resource>_not_found` of those that read one. */
export interface Reads {
  /** An account, or undefined where there is none. Reads that arrive together are one query. */
  readonly account: (merchant: MerchantId, id: AccountId) => ResultAsync<Account | undefined, LaneError>;
  /** Many at once, in one snapshot. Those that do not exist are left out. */
  readonly accounts: (merchant: MerchantId, ids: readonly AccountId[]) => ResultAsync<Account[], StorageError>;
  readonly listAccounts: (merchant: MerchantId, filter: AccountFilter) => ResultAsync<PageOf<Account>, ListError>;
  readonly customer: (
    merchant: MerchantId,
    id: CustomerId,
  ) => ResultAsync<Customer, PaymentError<'customer_not_found' | StorageCode>>;
  /** Reads that arrive together are one query. */
  readonly payment: (
    merchant: MerchantId,
    id: PaymentId,
  ) => ResultAsync<Payment, PaymentError<'payment_not_found'> | LaneError>;
  /** The same, with its customer at Stripe, where he has one, and was not erased. */
  readonly paymentToConfirm: (
    merchant: MerchantId,
    id: PaymentId,
  ) => ResultAsync<ToConfirm, PaymentError<'payment_not_found' | StorageCode>>;
  readonly listPayments: (
    merchant: MerchantId,
    filter: PaymentFilter,
    now: Micros,
  ) => ResultAsync<PageOf<Payment>, ListError>;
  /** What an idempotency key was used for, or undefined where it is new. */
  readonly claim: (merchant: MerchantId, id: ClaimId) => ResultAsync<StoredClaim | undefined, StorageError>;
  readonly attempt: (
    merchant: MerchantId,
    id: AttemptId,
  ) => ResultAsync<Attempt, PaymentError<'payment_not_found' | StorageCode>>;
  /** How many times a payment was confirmed since then. */
  readonly confirmsSince: (merchant: MerchantId, id: PaymentId, since: Micros) => ResultAsync<number, StorageError>;
  /** The attempt at a refund that nobody has settled yet. */
  readonly openRefundAttempt: (
    merchant: MerchantId,
    refund: RefundId,
  ) => ResultAsync<RefundAttempt | undefined, StorageError>;
  readonly refund: (
    merchant: MerchantId,
    id: RefundId,
  ) => ResultAsync<Refund, PaymentError<'refund_not_found' | StorageCode>>;
  readonly listRefunds: (
    merchant: MerchantId,
    filter: RefundFilter,
    now: Micros,
  ) => ResultAsync<PageOf<Refund>, ListError>;
  /** Everything that is recorded of a payment. */
  readonly history: (merchant: MerchantId, id: PaymentId) => ResultAsync<History, StorageError>;
  readonly item: (merchant: MerchantId, id: ItemId) => ResultAsync<Item, PaymentError<'item_not_found' | StorageCode>>;
}

/** By merchant and id; merchants take turns, and beyond so many waiting they are refused. */
const lookedUp = {
  keyOf: ({ merchant, id }: Key<Id<string>>) => merchant + id,
  ownerOf: ({ merchant }: Key<Id<string>>) => merchant,
  waitingMax: 8_192,
};

export const createReads = (db: Kysely<DB>, turns: Turns, observe: (batch: BatchStats) => void): Reads => {
  const read = inTurn(turns);

  const accounts = createLookup({
    ...lookedUp,
    findAll: (keys: readonly Key<AccountId>[]) => selectAccounts(db, keys),
    observe,
  });
  const payments = createLookup({
    ...lookedUp,
    findAll: (keys: readonly Key<PaymentId>[]) => selectPayments(db, keys),
    observe: () => undefined,
  });

  return {
    account: (merchant, id) => accounts.send({ merchant, id }),
    accounts: (merchant, ids) =>
      read(merchant, () =>
        selectAccounts(
          db,
          ids.map((id) => ({ merchant, id })),
        ),
      ).map((found) => ids.flatMap((id) => found.get(merchant + id) ?? [])),
    listAccounts: (merchant, filter) =>
      paged(
        filter,
        read(merchant, () => listAccounts(db, merchant, filter)),
      ),
    customer: (merchant, id) =>
      read(merchant, () => findOne(db, 'customers', merchant, uuidOf(id))).andThen(
        readOr(customerOf, 'customer_not_found'),
      ),
    payment: (merchant, id) =>
      payments.send({ merchant, id }).andThen((found) => (found ? ok(found) : err(paymentError('payment_not_found')))),
    paymentToConfirm: (merchant, id) =>
      read(merchant, () =>
        db
          .selectFrom('payments as p')
          .leftJoin('stripe_customers as s', (join) =>
            join
              .onRef('s.merchant_id', '=', 'p.merchant_id')
              .onRef('s.id', '=', 'p.customer_id')
              // Of who was erased nothing is charged that he had saved, from then on.
              .on((eb) =>
                eb.not(
                  eb.exists(
                    eb
                      .selectFrom('customers as c')
                      .select('c.id')
                      .whereRef('c.merchant_id', '=', 's.merchant_id')
                      .whereRef('c.id', '=', 's.id')
                      .where('c.erased_at', 'is not', null),
                  ),
                ),
              ),
          )
          .select(COLUMNS.payments.map((column) => `p.${column}` as const))
          .select('s.stripe_id')
          .where('p.merchant_id', '=', uuidOf(merchant))
          .where('p.id', '=', uuidOf(id))
          .executeTakeFirst(),
      ).andThen((row): Result<ToConfirm, PaymentError<'payment_not_found'>> =>
        row ? ok({ payment: paymentOf(row), stripeCustomer: row.stripe_id }) : err(paymentError('payment_not_found')),
      ),
    confirmsSince: (merchant, id, since) =>
      read(merchant, () =>
        db
          .selectFrom('attempts')
          .select(({ fn }) => fn.countAll<string>().as('count'))
          .where('merchant_id', '=', uuidOf(merchant))
          .where('payment_id', '=', uuidOf(id))
          .where('kind', '=', 'confirm')
          .where(sql<boolean>`started_at >= ${toIsoMicros(since)}::timestamptz`)
          .executeTakeFirst(),
      ).map((row) => Number(row?.count ?? 0)),
    listPayments: (merchant, filter, now) =>
      paged(
        filter,
        read(merchant, () => listPayments(db, merchant, filter, now)),
      ),
    claim: (merchant, id) =>
      read(merchant, () =>
        sql<ClaimRow>`
          select ${CLAIM_COLUMNS} from claims c ${withAttempt(sql`true`)}
          where c.merchant_id = ${uuidOf(merchant)}::uuid and c.id = ${id}::uuid`.execute(db),
      ).map(({ rows: [row] }) => row && storedClaimOf(row)),
    attempt: (merchant, id) =>
      read(merchant, () => findOne(db, 'attempts', merchant, uuidOf(id))).andThen(
        readOr(attemptOf, 'payment_not_found'),
      ),
    openRefundAttempt: (merchant, refund) =>
      read(merchant, () =>
        db
          .selectFrom('attempts as a')
          .innerJoin('refunds as r', (join) =>
            join.onRef('r.merchant_id', '=', 'a.merchant_id').onRef('r.payment_id', '=', 'a.payment_id'),
          )
          .select(COLUMNS.attempts.map((column) => `a.${column}` as const))
          .where('r.merchant_id', '=', uuidOf(merchant))
          .where('r.id', '=', uuidOf(refund))
          .where('a.refund_id', '=', uuidOf(refund))
          .where('a.outcome', 'is', null)
          .executeTakeFirst(),
      ).map((row) => {
        const attempt = row && attemptOf(row);
        return attempt?.kind === 'refund' ? attempt : undefined;
      }),
    refund: (merchant, id) =>
      read(merchant, () => findOne(db, 'refunds', merchant, uuidOf(id))).andThen(
        readOr((row: RefundRow) => refundOf(row), 'refund_not_found'),
      ),
    listRefunds: (merchant, filter, now) =>
      paged(
        filter,
        read(merchant, () => listRefunds(db, merchant, filter, now)),
      ),
    history: (merchant, id) => read(merchant, () => readHistory(db, merchant, id)),
    item: (merchant, id) =>
      read(merchant, () => findOne(db, 'items', merchant, id)).andThen(readOr(itemOf, 'item_not_found')),
  };
};

interface Key<Of> {
  readonly merchant: MerchantId;
  readonly id: Of;
}

const accountsNamed = keyed('accounts');
const paymentsNamed = keyed('payments');

/** Those rows that there are, each by its merchant and its id. */
const selectNamed = async <R, Found extends Key<Id<string>>>(
  db: Kysely<DB>,
  named: (merchants: string, ids: string) => Statement<R>,
  read: (row: R) => Found,
  keys: readonly Key<Id<string>>[],
): Promise<Map<string, Found>> => {
  const { sql: text, parameters } = named(
    plain(keys.map(({ merchant }) => uuidOf(merchant))),
    plain(keys.map(({ id }) => uuidOf(id))),
  );
  const { rows } = await db.executeQuery<R>(CompiledQuery.raw(text, [...parameters]));
  return new Map(rows.map(read).map((found) => [found.merchant + found.id, found]));
};

const selectAccounts = (db: Kysely<DB>, keys: readonly Key<AccountId>[]): Promise<Map<string, Account>> =>
  selectNamed(db, accountsNamed, accountOf, keys);

const selectPayments = (db: Kysely<DB>, keys: readonly Key<PaymentId>[]): Promise<Map<string, Payment>> =>
  selectNamed(db, paymentsNamed, paymentOf, keys);

const listRefunds = (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: RefundFilter,
  now: Micros,
): Promise<PageOf<Refund> | undefined> => {
  const where = [filter.payment && sql`t.payment_id = ${uuidOf(filter.payment)}::uuid`];
  return listPage(db, { table: 'refunds', merchant, where, read: (row) => refundOf(row), now }, filter);
};

const listAccounts = (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: AccountFilter,
): Promise<PageOf<Account> | undefined> => {
  const { customer, currency, kind } = filter;
  const where = [
    customer && sql`t.customer_id = ${uuidOf(customer)}::uuid`,
    currency && sql`t.currency = ${currency}`,
    kind && sql`t.kind = ${kind}`,
  ];
  return listPage(db, { table: 'accounts', merchant, where, read: accountOf }, filter);
};
