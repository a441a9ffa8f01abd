/**
 * Endpoints, events, and the deliveries of one to the other.
 *
 * The outbox is the table of events itself: a row is there if, and only if, what it tells of is. A delivery is taken by
 * one of any number of senders, with `for update skip locked` and a lease; there is no other queue, so that nothing can
 * be in one and not in the other. What is taken is sent at least once: a sender may die between sending and recording.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Event } from '../domain/change.ts';
import { idOf, uuidOf, type EndpointId, type EventId, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { plain, texts } from './arrays.ts';
import { columnsOf } from './columns.ts';
import { readFailure, writeFailure } from './failure.ts';
import { pageOf, type Page, type PageOf } from './reads.ts';
import { COLUMNS, type DB } from './schema.ts';

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
  readonly createdAt: Micros;
}

export interface NewEndpoint extends Omit<Endpoint, 'status' | 'failingSince'> {
  readonly secret: string;
}

/** What is to be changed; undefined leaves it as it is. */
export interface EndpointChange {
  readonly url: string | undefined;
  readonly description: string | null | undefined;
  readonly enabledEvents: readonly string[] | undefined;
  readonly status: Endpoint['status'] | undefined;
}

export interface StoredEvent {
  readonly id: EventId;
  readonly type: string;
  /** JSON, parsed: what it happened to, as the API showed it then. */
  readonly data: unknown;
  readonly createdAt: Micros;
}

export interface EventFilter extends Page<EventId> {
  readonly subject: string | undefined;
}

/** An event on its way to an endpoint. */
export interface Delivery {
  readonly event: EventId;
  readonly endpoint: EndpointId;
  readonly url: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  /** When it is tried next, or, while a try is under way, when that is given up for lost; null where its endpoint is off. */
  readonly nextTryAt: Micros | null;
  /** The latest, oldest first. */
  readonly tries: readonly Try[];
}

export interface Try {
  readonly number: number;
  readonly startedAt: Micros;
  readonly latencyMs: number;
  /** Null where there was no answer. */
  readonly statusCode: number | null;
  /** Null where it arrived. */
  readonly error: string | null;
}

/** Names a delivery. */
interface DeliveryKey {
  readonly merchant: MerchantId;
  readonly event: EventId;
  readonly endpoint: EndpointId;
}

/** A delivery that is the taker's own to try, until its lease runs out. */
export interface TakenDelivery extends DeliveryKey {
  readonly number: number;
  /** How far along the schedule it has come: failures since it was last begun. */
  readonly step: number;
  readonly url: string;
  /** All that are in force, the newest first. */
  readonly secrets: readonly string[];
  readonly content: StoredEvent;
}

export interface Take {
  readonly now: Micros;
  readonly leaseUntil: Micros;
  /** How many deliveries the taker has in hand for an endpoint. */
  readonly inHand: ReadonlyMap<EndpointId, number>;
  readonly max: number;
  readonly maxOfEndpoint: number;
  /** The same, for an endpoint whose last try failed. */
  readonly maxOfFailing: number;
}

/** What became of a try, and of its delivery. */
export interface TriedDelivery extends DeliveryKey, Try {
  readonly step: number;
  readonly status: Delivery['status'];
  readonly nextTryAt: Micros | null;
  /** It was broken off by its sender, which says nothing of the endpoint. */
  readonly interrupted: boolean;
  /** The endpoint asks to be told no more. */
  readonly gone: boolean;
}

export interface Recording {
  readonly now: Micros;
  /** An endpoint that has failed since then, without a success, is disabled. */
  readonly failingSinceMax: Micros;
  readonly disabledEvent: (endpoint: Endpoint) => Event;
}

/** Errors of all: `database_unavailable`, `contention`. Of those that name an endpoint or an event: its `…_not_found`. */
export interface Webhooks {
  /** Errors: `webhook_endpoint_limit`, where the merchant has `max` already. */
  readonly createEndpoint: (
    endpoint: NewEndpoint,
    max: number,
  ) => ResultAsync<Endpoint, PaymentError<'webhook_endpoint_limit' | StorageCode>>;
  readonly endpoint: (
    merchant: MerchantId,
    id: EndpointId,
  ) => ResultAsync<Endpoint, PaymentError<'webhook_endpoint_not_found' | StorageCode>>;
  readonly listEndpoints: (merchant: MerchantId, page: Page<EndpointId>) => ResultAsync<PageOf<Endpoint>, StorageError>;
  readonly updateEndpoint: (
    merchant: MerchantId,
    id: EndpointId,
    change: EndpointChange,
  ) => ResultAsync<Endpoint, PaymentError<'webhook_endpoint_not_found' | StorageCode>>;
  /** Its secrets are forgotten, its log is kept. */
  readonly deleteEndpoint: (
    merchant: MerchantId,
    id: EndpointId,
  ) => ResultAsync<void, PaymentError<'webhook_endpoint_not_found' | StorageCode>>;
  /** The present secret goes on signing, beside the new one, until then; one before it no more. */
  readonly rotateSecret: (
    merchant: MerchantId,
    id: EndpointId,
    secret: string,
    until: Micros,
  ) => ResultAsync<Endpoint, PaymentError<'webhook_endpoint_not_found' | StorageCode>>;
  readonly event: (
    merchant: MerchantId,
    id: EventId,
  ) => ResultAsync<StoredEvent, PaymentError<'event_not_found' | StorageCode>>;
  readonly listEvents: (merchant: MerchantId, filter: EventFilter) => ResultAsync<PageOf<StoredEvent>, StorageError>;
  /** Of these events, in their order, each with its latest tries. */
  readonly deliveries: (merchant: MerchantId, events: readonly EventId[]) => ResultAsync<Delivery[], StorageError>;
  /** Makes it due now, from the beginning of the schedule: to one endpoint, or to every enabled one that asks for it. */
  readonly redeliver: (
    merchant: MerchantId,
    event: EventId,
    endpoint: EndpointId | null,
    now: Micros,
  ) => ResultAsync<void, PaymentError<'event_not_found' | StorageCode>>;
  /** Makes deliveries of events that have none yet. Answers of how many events. */
  readonly fanOut: (now: Micros) => ResultAsync<number, StorageError>;
  readonly takeDue: (take: Take) => ResultAsync<TakenDelivery[], StorageError>;
  /** Writes what became of tries. Of a delivery that someone else has taken since, the log alone. Answers who was disabled. */
  readonly record: (tried: readonly TriedDelivery[], recording: Recording) => ResultAsync<Endpoint[], StorageError>;
}

export const createWebhooks = (db: Kysely<DB>): Webhooks => {
  const run = <T>(work: Promise<T>): ResultAsync<T, StorageError> => ResultAsync.fromPromise(work, readFailure);
  const found = (row: Row | undefined): Result<Endpoint, PaymentError<'webhook_endpoint_not_found'>> =>
    row ? ok(endpointOf(row)) : err(paymentError('webhook_endpoint_not_found'));

  const endpoint: Webhooks['endpoint'] = (merchant, id) =>
    run(endpointsOf(db, merchant).where('id', '=', uuidOf(id)).executeTakeFirst()).andThen(found);

  return {
    createEndpoint: (wanted, max) =>
      run(insertEndpoint(db, wanted, max)).andThen((row) =>
        row ? ok(endpointOf(row)) : err(paymentError('webhook_endpoint_limit')),
      ),
    endpoint,
    listEndpoints: (merchant, page) => run(listEndpoints(db, merchant, page)),
    updateEndpoint: (merchant, id, change) => run(updateEndpoint(db, merchant, id, change)).andThen(found),
    deleteEndpoint: (merchant, id) =>
      run(deleteEndpoint(db, merchant, id))
        .andThen(found)
        .map(() => undefined),
    rotateSecret: (merchant, id, secret, until) => run(rotateSecret(db, merchant, id, secret, until)).andThen(found),
    event: (merchant, id) =>
      run(
        db
          .selectFrom('events')
          .select(COLUMNS.events)
          .where('merchant_id', '=', uuidOf(merchant))
          .where('id', '=', uuidOf(id))
          .executeTakeFirst(),
      ).andThen((row) => (row ? ok(eventOf(row)) : err(paymentError('event_not_found')))),
    listEvents: (merchant, filter) => run(listEvents(db, merchant, filter)),
    deliveries: (merchant, events) => run(selectDeliveries(db, merchant, events)),
    redeliver: (merchant, event, to, now) =>
      ResultAsync.fromPromise(redeliver(db, merchant, event, to, now), (error) => {
        const failure = writeFailure(error);
        return failure.code === 'event_not_found' ? failure : readFailure(error);
      }),
    fanOut: (now) => run(fanOut(db, now)),
    takeDue: (take) => run(takeDue(db, take)),
    record: (tried, recording) => run(record(db, tried, recording)),
  };
};

// ---- endpoints ---------------------------------------------------------------------------------------------------

type Row = Selectable<DB['webhook_endpoints']>;

const endpointOf = (row: Row): Endpoint => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('we', row.id),
  url: row.url,
  description: row.description,
  enabledEvents: row.enabled_events,
  status: row.status === 'enabled' ? 'enabled' : 'disabled',
  failingSince: row.failing_since as Micros | null,
  createdAt: row.created_at as Micros,
});

const endpointsOf = (db: Kysely<DB>, merchant: MerchantId) =>
  db
    .selectFrom('webhook_endpoints')
    .select(COLUMNS.webhook_endpoints)
    .where('merchant_id', '=', uuidOf(merchant))
    .where('status', '<>', 'deleted');

/** Counted under a lock on the merchant, so that two at once cannot both be the last. */
const insertEndpoint = (db: Kysely<DB>, endpoint: NewEndpoint, max: number): Promise<Row | undefined> =>
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

const listEndpoints = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  page: Page<EndpointId>,
): Promise<PageOf<Endpoint>> => {
  let query = endpointsOf(db, merchant);
  if (page.startingAfter) query = query.where('id', '<', uuidOf(page.startingAfter));
  if (page.endingBefore) query = query.where('id', '>', uuidOf(page.endingBefore));
  const rows = await query
    .orderBy('id', page.endingBefore ? 'asc' : 'desc')
    .limit(page.limit + 1)
    .execute();
  return pageOf(rows.map(endpointOf), page);
};

const updateEndpoint = (
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
    }))
    .where('merchant_id', '=', uuidOf(merchant))
    .where('id', '=', uuidOf(id))
    .where('status', '<>', 'deleted')
    .returning(COLUMNS.webhook_endpoints)
    .executeTakeFirst();

const deleteEndpoint = (db: Kysely<DB>, merchant: MerchantId, id: EndpointId): Promise<Row | undefined> =>
  db
    .updateTable('webhook_endpoints')
    .set({ status: 'deleted', secret: '', previous_secret: null, previous_secret_until: null })
    .where('merchant_id', '=', uuidOf(merchant))
    .where('id', '=', uuidOf(id))
    .where('status', '<>', 'deleted')
    .returning(COLUMNS.webhook_endpoints)
    .executeTakeFirst();

const rotateSecret = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: EndpointId,
  secret: string,
  until: Micros,
): Promise<Row | undefined> => {
  const { rows } = await sql<Row>`
    update webhook_endpoints
    set previous_secret = secret, previous_secret_until = ${toIsoMicros(until)}::timestamptz, secret = ${secret}
    where merchant_id = ${uuidOf(merchant)}::uuid and id = ${uuidOf(id)}::uuid and status <> 'deleted'
    returning ${columnsOf('webhook_endpoints', 'webhook_endpoints')}`.execute(db);
  return rows[0];
};

// ---- events and their log ----------------------------------------------------------------------------------------

const eventOf = (row: Pick<Selectable<DB['events']>, 'id' | 'type' | 'data' | 'created_at'>): StoredEvent => ({
  id: idOf('evt', row.id),
  type: row.type,
  data: row.data,
  createdAt: row.created_at as Micros,
});

const listEvents = async (db: Kysely<DB>, merchant: MerchantId, filter: EventFilter): Promise<PageOf<StoredEvent>> => {
  let query = db.selectFrom('events').select(COLUMNS.events).where('merchant_id', '=', uuidOf(merchant));
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  if (filter.startingAfter) query = query.where('id', '<', uuidOf(filter.startingAfter));
  if (filter.endingBefore) query = query.where('id', '>', uuidOf(filter.endingBefore));
  const rows = await query
    .orderBy('id', filter.endingBefore ? 'asc' : 'desc')
    .limit(filter.limit + 1)
    .execute();
  return pageOf(rows.map(eventOf), filter);
};

/** A schedule has eight tries; what was redelivered by hand over and over is shown by its latest. */
const TRIES_SHOWN_MAX = 50;

const selectDeliveries = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  events: readonly EventId[],
): Promise<Delivery[]> => {
  type LogRow = Pick<Selectable<DB['deliveries']>, 'event_id' | 'endpoint_id' | 'status' | 'next_try_at'> & {
    readonly url: string;
  } & { readonly [Column in 'number' | 'started_at' | 'latency_ms' | 'status_code' | 'error']: TryRow[Column] | null };
  type TryRow = Selectable<DB['delivery_tries']>;
  const { rows } = await sql<LogRow>`
    select d.event_id, d.endpoint_id, w.url,
      case when w.status = 'deleted' and d.status = 'pending' then 'failed' else d.status end as status,
      case when w.status = 'enabled' then d.next_try_at end as next_try_at,
      t.number, t.started_at, t.latency_ms, t.status_code, t.error
    from unnest(${plain(events.map(uuidOf))}::uuid[]) with ordinality k (event_id, place)
    join deliveries d on d.merchant_id = ${uuidOf(merchant)}::uuid and d.event_id = k.event_id
    join webhook_endpoints w on w.merchant_id = d.merchant_id and w.id = d.endpoint_id
    left join lateral (
      select * from delivery_tries t
      where t.merchant_id = d.merchant_id and t.event_id = d.event_id and t.endpoint_id = d.endpoint_id
      order by t.number desc limit ${TRIES_SHOWN_MAX}
    ) t on true
    order by k.place, d.endpoint_id, t.number`.execute(db);

  const byKey = new Map<string, Delivery & { readonly tries: Try[] }>();
  for (const row of rows) {
    const key = row.event_id + row.endpoint_id;
    const delivery = byKey.get(key) ?? {
      event: idOf('evt', row.event_id),
      endpoint: idOf('we', row.endpoint_id),
      url: row.url,
      status: row.status as Delivery['status'],
      nextTryAt: row.next_try_at as Micros | null,
      tries: [],
    };
    byKey.set(key, delivery);
    if (row.number === null || row.started_at === null || row.latency_ms === null) continue;
    delivery.tries.push({
      number: row.number,
      startedAt: row.started_at as Micros,
      latencyMs: row.latency_ms,
      statusCode: row.status_code,
      error: row.error,
    });
  }
  return [...byKey.values()];
};

/** Whether an endpoint `w` asks for events `e` of that type. */
const asksFor = sql`('*' = any(w.enabled_events) or e.type = any(w.enabled_events))`;

const redeliver = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  event: EventId,
  endpoint: EndpointId | null,
  now: Micros,
): Promise<void> => {
  const to = endpoint === null ? asksFor : sql`w.id = ${uuidOf(endpoint)}::uuid`;
  await sql`
    insert into deliveries (merchant_id, event_id, endpoint_id, next_try_at)
    select e.merchant_id, e.id, w.id, ${toIsoMicros(now)}::timestamptz
    from events e join webhook_endpoints w on w.merchant_id = e.merchant_id
    where e.merchant_id = ${uuidOf(merchant)}::uuid and e.id = ${uuidOf(event)}::uuid and w.status = 'enabled' and ${to}
    on conflict on constraint deliveries_pkey do update
    set status = 'pending', step = 0, next_try_at = excluded.next_try_at`.execute(db);
};

// ---- delivery ----------------------------------------------------------------------------------------------------

/** At once, of all merchants: about a tenth of a second's work, far from any timeout. */
const FAN_OUT_MAX = 1_000;
/** And of each: one who has much to tell holds up nobody else. */
const FAN_OUT_MAX_OF_MERCHANT = 100;

/**
 * An endpoint hears of what happened after it was made: ids are sorted by time, so those after its own. The mark is on
 * the row itself rather than a cursor over ids, since an event may be committed after one with a later id.
 */
const fanOut = async (db: Kysely<DB>, now: Micros): Promise<number> => {
  const { rows } = await sql<{ readonly count: bigint }>`
    with oldest as (
      select distinct on (merchant_id) merchant_id, id from webhook_endpoints
      where status <> 'deleted' order by merchant_id, id
    ), fresh as (
      select e.merchant_id, e.id, e.type from oldest o
      cross join lateral (
        select e.merchant_id, e.id, e.type from events e
        where e.merchant_id = o.merchant_id and e.id > o.id and not e.fanned_out
        order by e.id limit ${FAN_OUT_MAX_OF_MERCHANT} for update skip locked
      ) e
      limit ${FAN_OUT_MAX}
    ), marked as (
      update events e set fanned_out = true from fresh f where e.merchant_id = f.merchant_id and e.id = f.id
    ), made as (
      insert into deliveries (merchant_id, event_id, endpoint_id, next_try_at)
      select e.merchant_id, e.id, w.id, ${toIsoMicros(now)}::timestamptz
      from fresh e join webhook_endpoints w on w.merchant_id = e.merchant_id
      where w.status = 'enabled' and w.id < e.id and ${asksFor}
      on conflict do nothing
    )
    select count(*) from fresh`.execute(db);
  return Number(rows[0]?.count ?? 0n);
};

/**
 * Takes what is due: of each endpoint as many as it may have at once, those that are well before those that fail. The
 * lease is committed with the taking: whoever dies with it leaves a delivery that is due again when the lease has run out.
 */
const takeDue = async (
  db: Kysely<DB>,
  { now, leaseUntil, inHand, max, maxOfEndpoint, maxOfFailing }: Take,
): Promise<TakenDelivery[]> => {
  type TakenRow = Pick<Selectable<DB['deliveries']>, 'merchant_id' | 'event_id' | 'endpoint_id' | 'tries' | 'step'> &
    Pick<Row, 'url' | 'secret' | 'previous_secret' | 'previous_secret_until'> &
    Pick<Selectable<DB['events']>, 'type' | 'data' | 'created_at'>;
  const nowIso = toIsoMicros(now);
  const { rows } = await sql<TakenRow>`
    with due as (
      select d.* from webhook_endpoints w
      left join unnest(${plain([...inHand.keys()].map(uuidOf))}::uuid[], ${plain([...inHand.values()])}::int[])
        h (endpoint_id, count) on h.endpoint_id = w.id
      cross join lateral (
        select d.merchant_id, d.event_id, d.endpoint_id, d.next_try_at from deliveries d
        where d.merchant_id = w.merchant_id and d.endpoint_id = w.id and d.next_try_at <= ${nowIso}::timestamptz
        order by d.next_try_at
        limit greatest(0, case when w.failing_since is null then ${maxOfEndpoint}::int else ${maxOfFailing}::int end
          - coalesce(h.count, 0))
        for update skip locked
      ) d
      where w.status = 'enabled'
      order by w.failing_since is not null, d.next_try_at limit ${max}
    ), taken as (
      update deliveries d set tries = d.tries + 1, next_try_at = ${toIsoMicros(leaseUntil)}::timestamptz
      from due where d.merchant_id = due.merchant_id and d.event_id = due.event_id and d.endpoint_id = due.endpoint_id
      returning d.*
    )
    select t.merchant_id, t.event_id, t.endpoint_id, t.tries, t.step, e.type, e.data, e.created_at,
      w.url, w.secret, w.previous_secret, w.previous_secret_until
    from taken t
    join events e on e.merchant_id = t.merchant_id and e.id = t.event_id
    join webhook_endpoints w on w.merchant_id = t.merchant_id and w.id = t.endpoint_id`.execute(db);
  return rows.map((row) => ({
    merchant: idOf('mer', row.merchant_id),
    event: idOf('evt', row.event_id),
    endpoint: idOf('we', row.endpoint_id),
    number: row.tries,
    step: row.step,
    url: row.url,
    secrets:
      row.previous_secret !== null && (row.previous_secret_until ?? 0n) > now
        ? [row.secret, row.previous_secret]
        : [row.secret],
    content: eventOf({ id: row.event_id, type: row.type, data: row.data, created_at: row.created_at }),
  }));
};

const record = (
  db: Kysely<DB>,
  tried: readonly TriedDelivery[],
  { now, failingSinceMax, disabledEvent }: Recording,
): Promise<Endpoint[]> =>
  db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await updateDeliveries(tx, tried);
      const heard = tried.filter(({ interrupted }) => !interrupted);
      if (heard.length === 0) return [];
      await insertTries(tx, heard);
      await updateHealth(tx, heard);
      if (heard.every(({ error }) => error === null)) return [];
      const disabled = await disableFailing(tx, heard, failingSinceMax);
      for (const event of disabled.map(disabledEvent)) await insertEvent(tx, event, now);
      return disabled;
    });

/** Only where the try is still the latest: its number is the fence. */
const updateDeliveries = (tx: Kysely<DB>, tried: readonly TriedDelivery[]): Promise<unknown> =>
  sql`
    update deliveries d set status = k.status, step = k.step, next_try_at = k.next_try_at
    from unnest(
      ${plain(tried.map(({ merchant }) => uuidOf(merchant)))}::uuid[], ${plain(tried.map(({ event }) => uuidOf(event)))}::uuid[],
      ${plain(tried.map(({ endpoint }) => uuidOf(endpoint)))}::uuid[], ${plain(tried.map(({ number }) => number))}::int[],
      ${texts(tried.map(({ status }) => status))}::text[], ${plain(tried.map(({ step }) => step))}::int[],
      ${plain(tried.map(({ nextTryAt }) => nextTryAt && toIsoMicros(nextTryAt)))}::timestamptz[]
    ) k (merchant_id, event_id, endpoint_id, number, status, step, next_try_at)
    where d.merchant_id = k.merchant_id and d.event_id = k.event_id and d.endpoint_id = k.endpoint_id
      and d.tries = k.number`.execute(tx);

/** Of a delivery that was deleted meanwhile, with its event, nothing: it must not keep the others from being written. */
const insertTries = (tx: Kysely<DB>, tried: readonly TriedDelivery[]): Promise<unknown> =>
  sql`
    insert into delivery_tries
      (merchant_id, event_id, endpoint_id, number, started_at, latency_ms, status_code, error)
    select k.* from unnest(
      ${plain(tried.map(({ merchant }) => uuidOf(merchant)))}::uuid[], ${plain(tried.map(({ event }) => uuidOf(event)))}::uuid[],
      ${plain(tried.map(({ endpoint }) => uuidOf(endpoint)))}::uuid[], ${plain(tried.map(({ number }) => number))}::int[],
      ${plain(tried.map(({ startedAt }) => toIsoMicros(startedAt)))}::timestamptz[],
      ${plain(tried.map(({ latencyMs }) => Math.round(latencyMs)))}::int[],
      ${plain(tried.map(({ statusCode }) => statusCode))}::smallint[], ${texts(tried.map(({ error }) => error))}::text[]
    ) k (merchant_id, event_id, endpoint_id, number, started_at, latency_ms, status_code, error)
    join deliveries d using (merchant_id, event_id, endpoint_id)
    on conflict do nothing`.execute(tx);

/** One success among them is enough: the endpoint lives. */
const updateHealth = (tx: Kysely<DB>, tried: readonly TriedDelivery[]): Promise<unknown> => {
  const byId = new Map<EndpointId, { merchant: MerchantId; failedAt: Micros | null }>();
  for (const { merchant, endpoint, error, startedAt } of tried.toSorted((a, b) => (a.endpoint < b.endpoint ? -1 : 1))) {
    const known = byId.get(endpoint);
    if (error === null) byId.set(endpoint, { merchant, failedAt: null });
    else if (!known) byId.set(endpoint, { merchant, failedAt: startedAt });
  }
  const rows = [...byId];
  return sql`
    update webhook_endpoints w
    set failing_since = k.failed_at
    from unnest(
      ${plain(rows.map(([, { merchant }]) => uuidOf(merchant)))}::uuid[], ${plain(rows.map(([id]) => uuidOf(id)))}::uuid[],
      ${plain(rows.map(([, { failedAt }]) => failedAt && toIsoMicros(failedAt)))}::timestamptz[]
    ) k (merchant_id, id, failed_at)
    where w.merchant_id = k.merchant_id and w.id = k.id
      and (w.failing_since is null) <> (k.failed_at is null)`.execute(tx);
};

const disableFailing = async (
  tx: Kysely<DB>,
  tried: readonly TriedDelivery[],
  failingSinceMax: Micros,
): Promise<Endpoint[]> => {
  const failed = tried.filter(({ error }) => error !== null);
  const { rows } = await sql<Row>`
    update webhook_endpoints w set status = 'disabled'
    from unnest(
      ${plain(failed.map(({ merchant }) => uuidOf(merchant)))}::uuid[],
      ${plain(failed.map(({ endpoint }) => uuidOf(endpoint)))}::uuid[], ${plain(failed.map(({ gone }) => gone))}::boolean[]
    ) k (merchant_id, id, gone)
    where w.merchant_id = k.merchant_id and w.id = k.id and w.status = 'enabled'
      and (k.gone or w.failing_since <= ${toIsoMicros(failingSinceMax)}::timestamptz)
    returning ${columnsOf('webhook_endpoints', 'w')}`.execute(tx);
  return rows.map(endpointOf);
};

const insertEvent = (tx: Kysely<DB>, { merchant, id, type, subject, data }: Event, now: Micros): Promise<unknown> =>
  tx
    .insertInto('events')
    .values({
      merchant_id: uuidOf(merchant),
      id: uuidOf(id),
      type,
      subject,
      data,
      created_at: sql`${toIsoMicros(now)}::timestamptz`,
    })
    .execute();
