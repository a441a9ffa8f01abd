/** The rows of merchants' endpoints, and of their secrets. */
import { sql, type Kysely, type Selectable, type SelectQueryBuilder } from 'kysely';
import { err, ok, type Result } from 'neverthrow';
import { idOf, uuidOf, type EndpointId, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { texts } from './arrays.ts';
import { COLUMNS, columnsOf } from './columns.ts';
import { listPage } from './find.ts';
import type { Page, PageOf } from './pages.ts';
import type { DB } from './schema.ts';

export interface Endpoint {
  readonly merchant: MerchantId;
  readonly id: EndpointId;
  readonly url: string;
  readonly description: string | null;
  /** Types of events, or `*` alone. */
  readonly enabledEvents: readonly string[];
  readonly status: 'enabled' | 'disabled';
  /** The first failure after the last success. */
  readonly failingSince: Micros | null;
  /** It is left alone until then: its receiver has asked for it. */
  readonly pausedUntil: Micros | null;
  readonly createdAt: Micros;
}

export interface NewEndpoint extends Omit<Endpoint, 'status' | 'failingSince' | 'pausedUntil'> {
  readonly secret: string;
}

/** What is to be changed; undefined leaves it as it is. */
export interface EndpointChange {
  readonly url: string | undefined;
  readonly description: string | null | undefined;
  readonly enabledEvents: readonly string[] | undefined;
  readonly status: Endpoint['status'] | undefined;
}

export type EndpointRow = Selectable<DB['webhook_endpoints']>;
type Row = EndpointRow;

export const endpointOf = (row: Row): Endpoint => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('we', row.id),
  url: row.url,
  description: row.description,
  enabledEvents: row.enabled_events,
  status: row.status === 'enabled' ? 'enabled' : 'disabled',
  failingSince: row.failing_since as Micros | null,
  pausedUntil: row.paused_until as Micros | null,
  createdAt: row.created_at as Micros,
});

/** A merchant's endpoints, but for deleted ones. */
export const endpointsOf = (db: Kysely<DB>, merchant: MerchantId): SelectQueryBuilder<DB, 'webhook_endpoints', Row> =>
  db
    .selectFrom('webhook_endpoints')
    .select(COLUMNS.webhook_endpoints)
    .where('merchant_id', '=', uuidOf(merchant))
    .where('status', '<>', 'deleted');

/** Counted under a lock on the merchant, so that two at once cannot both be the last. */
export const insertEndpoint = (db: Kysely<DB>, endpoint: NewEndpoint, max: number): Promise<Row | undefined> =>
  db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const merchant = uuidOf(endpoint.merchant);
      await sql`select from merchants where id = ${merchant}::uuid for no key update`.execute(tx);
      const { rows } = await sql<Row>`
        insert into webhook_endpoints
          (merchant_id, id, url, description, enabled_events, status, secret, created_at)
        select ${merchant}::uuid, ${uuidOf(endpoint.id)}::uuid, ${endpoint.url}, ${endpoint.description},
          ${texts(endpoint.enabledEvents)}::text[], 'enabled', ${endpoint.secret},
          ${toIsoMicros(endpoint.createdAt)}::timestamptz
        where (select count(*) from webhook_endpoints where merchant_id = ${merchant}::uuid and status <> 'deleted') < ${max}
        returning ${columnsOf('webhook_endpoints', 'webhook_endpoints')}`.execute(tx);
      return rows[0];
    });

export const listEndpoints = (
  db: Kysely<DB>,
  merchant: MerchantId,
  page: Page<EndpointId>,
): Promise<PageOf<Endpoint> | undefined> => {
  const where = [sql`t.status <> 'deleted'`];
  return listPage(db, { table: 'webhook_endpoints', merchant, where, read: endpointOf }, page);
};

export const updateEndpoint = (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: EndpointId,
  { url, description, enabledEvents, status }: EndpointChange,
): Promise<Row | undefined> =>
  db
    .updateTable('webhook_endpoints')
    .set((eb) => ({
      url: url ?? eb.ref('url'),
      description: description === undefined ? eb.ref('description') : description,
      enabled_events: enabledEvents ? [...enabledEvents] : eb.ref('enabled_events'),
      status: status ?? eb.ref('status'),
      // Whoever mends an endpoint or enables it again starts afresh.
      failing_since: url !== undefined || status === 'enabled' ? null : eb.ref('failing_since'),
      paused_until: url !== undefined || status === 'enabled' ? null : eb.ref('paused_until'),
    }))
    .where('merchant_id', '=', uuidOf(merchant))
    .where('id', '=', uuidOf(id))
    .where('status', '<>', 'deleted')
    .returning(COLUMNS.webhook_endpoints)
    .executeTakeFirst();

export const deleteEndpoint = (db: Kysely<DB>, merchant: MerchantId, id: EndpointId): Promise<Row | undefined> =>
  db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await tx
        .deleteFrom('webhook_retired_secrets')
        .where('merchant_id', '=', uuidOf(merchant))
        .where('endpoint_id', '=', uuidOf(id))
        .execute();
      return tx
        .updateTable('webhook_endpoints')
        .set({ status: 'deleted', secret: '', previous_secret: null, previous_secret_until: null })
        .where('merchant_id', '=', uuidOf(merchant))
        .where('id', '=', uuidOf(id))
        .where('status', '<>', 'deleted')
        .returning(COLUMNS.webhook_endpoints)
        .executeTakeFirst();
    });

/** Each adds some fifty bytes to the headers of a delivery: as many as any receiver takes, and more than anyone needs a day. */
const RETIRED_MAX = 16;
const MICROS_A_SECOND = 1_000_000n;

/**
 * The row of the endpoint is locked first, so that two rotations at once retire one secret each. None is dropped before
 * its time: where as many as may be still sign, it is refused until the oldest of them has done.
 */
export const rotateSecret = (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: EndpointId,
  secret: string,
  { now, until }: { readonly now: Micros; readonly until: Micros },
): Promise<Result<Row | undefined, PaymentError<'webhook_secret_limit'>>> =>
  db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const held = await endpointsOf(tx, merchant).where('id', '=', uuidOf(id)).forNoKeyUpdate().executeTakeFirst();
      if (!held) return ok(undefined);
      // The one before is noted in its row alone where the release before has replaced it.
      await sql`
        insert into webhook_retired_secrets (merchant_id, endpoint_id, secret, signs_until)
        select merchant_id, id, previous_secret, previous_secret_until from webhook_endpoints
        where merchant_id = ${held.merchant_id}::uuid and id = ${held.id}::uuid and previous_secret is not null
        on conflict do nothing`.execute(tx);
      await sql`
        delete from webhook_retired_secrets
        where merchant_id = ${held.merchant_id}::uuid and endpoint_id = ${held.id}::uuid
          and signs_until <= ${toIsoMicros(now)}::timestamptz`.execute(tx);
      const { rows } = await sql<{ signs_until: Micros }>`
        select signs_until from webhook_retired_secrets
        where merchant_id = ${held.merchant_id}::uuid and endpoint_id = ${held.id}::uuid
        order by signs_until desc offset ${RETIRED_MAX - 1} limit 1`.execute(tx);
      const [full] = rows;
      if (full !== undefined) {
        // To the next second, so that whoever comes then finds room.
        const waitS = Number((full.signs_until - now) / MICROS_A_SECOND) + 1;
        return err(paymentError('webhook_secret_limit', { retryAfterS: waitS }));
      }
      await sql`
        insert into webhook_retired_secrets (merchant_id, endpoint_id, secret, signs_until)
        values (${held.merchant_id}::uuid, ${held.id}::uuid, ${held.secret}, ${toIsoMicros(until)}::timestamptz)`.execute(
        tx,
      );
      const rotated = await tx
        .updateTable('webhook_endpoints')
        // The release before signs by this one too, and knows no other.
        .set({
          secret,
          previous_secret: held.secret,
          previous_secret_until: sql<bigint>`${toIsoMicros(until)}::timestamptz`,
        })
        .where('merchant_id', '=', held.merchant_id)
        .where('id', '=', held.id)
        .returning(COLUMNS.webhook_endpoints)
        .executeTakeFirst();
      return ok(rotated);
    });
