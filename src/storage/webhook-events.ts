/** Events, and the log of their deliveries. */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { idOf, uuidOf, type EndpointId, type EventId, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { plain } from './arrays.ts';
import { listPage } from './find.ts';
import type { Page, PageOf } from './pages.ts';
import type { DB } from './schema.ts';

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

export interface Try {
  readonly number: number;
  readonly startedAt: Micros;
  readonly latencyMs: number;
  /** Null where there was no answer. */
  readonly statusCode: number | null;
  /** Null where it arrived. */
  readonly error: string | null;
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

export const eventOf = (row: Pick<Selectable<DB['events']>, 'id' | 'type' | 'data' | 'created_at'>): StoredEvent => ({
  id: idOf('evt', row.id),
  type: row.type,
  data: row.data,
  createdAt: row.created_at as Micros,
});

export const listEvents = (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: EventFilter,
  now: Micros,
): Promise<PageOf<StoredEvent> | undefined> => {
  const where = [filter.subject === undefined ? undefined : sql`t.subject = ${filter.subject}`];
  return listPage(db, { table: 'events', merchant, where, read: eventOf, now }, filter);
};

/** A schedule has eight tries; what was redelivered by hand over and over is shown by its latest. */
const TRIES_SHOWN_MAX = 50;

export const selectDeliveries = async (
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
export const asksFor: RawBuilder<unknown> = sql`('*' = any(w.enabled_events) or e.type = any(w.enabled_events))`;

export const redeliver = async (
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
