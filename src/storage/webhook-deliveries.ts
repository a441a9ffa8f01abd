/** Deliveries on their way: made of events, taken by senders, written down. */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { Event } from '../domain/change.ts';
import { idOf, uuidOf, type EndpointId, type EventId, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { plain, texts } from './arrays.ts';
import { columnsOf } from './columns.ts';
import type { DB } from './schema.ts';
import { endpointOf, type Endpoint, type EndpointRow } from './webhook-endpoints.ts';
import { asksFor, eventOf, type Delivery, type StoredEvent, type Try } from './webhook-events.ts';

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
  /** How many deliveries the taker has in hand, for an endpoint and for a merchant. */
  readonly inHandOfEndpoint: ReadonlyMap<EndpointId, number>;
  readonly inHandOfMerchant: ReadonlyMap<MerchantId, number>;
  /** Those whose last answer took long. */
  readonly slow: ReadonlySet<EndpointId>;
  /** How many it takes now; and how many it may have in hand of one merchant, with those. */
  readonly max: number;
  readonly maxOfMerchant: number;
  /** Of one endpoint; of one that is slow; of one whose last try failed. */
  readonly maxOfEndpoint: number;
  readonly maxOfSlow: number;
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
  /** The endpoint asks to be left alone until then. */
  readonly pauseUntil: Micros | null;
}

export interface Recording {
  readonly now: Micros;
  /** An endpoint that has failed since then, without a success, is disabled. */
  readonly failingSinceMax: Micros;
  readonly disabledEvent: (endpoint: Endpoint, now: Micros) => Event;
}

/** At once, of all merchants: about a tenth of a second's work, far from any timeout. */
const FAN_OUT_MAX = 1_000;
/** And of each: one who has much to tell holds up nobody else. */
const FAN_OUT_MAX_OF_MERCHANT = 100;

/**
 * An endpoint hears of what happened after it was made: ids are sorted by time, so those after its own. The mark is on
 * the row itself rather than a cursor over ids, since an event may be committed after one with a later id.
 */
export const fanOut = async (db: Kysely<DB>, now: Micros): Promise<number> => {
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
 * Takes what is due, in turns between merchants: of each as many as it has room for, of each endpoint likewise, those
 * that are well before those that fail, and none of whom asks to be left alone. The lease is committed with the taking:
 * whoever dies with it leaves a delivery that is due again when the lease has run out.
 */
export const takeDue = async (db: Kysely<DB>, take: Take): Promise<TakenDelivery[]> => {
  type TakenRow = Pick<Selectable<DB['deliveries']>, 'merchant_id' | 'event_id' | 'endpoint_id' | 'tries' | 'step'> &
    Pick<EndpointRow, 'url' | 'secret'> &
    Pick<Selectable<DB['events']>, 'type' | 'data' | 'created_at'> & { readonly retired: string[] };
  const { now, leaseUntil, inHandOfEndpoint, inHandOfMerchant, slow, max, maxOfMerchant } = take;
  const { maxOfEndpoint, maxOfSlow, maxOfFailing } = take;
  const nowIso = toIsoMicros(now);
  const { rows } = await sql<TakenRow>`
    with due as (
      select d.*, w.failing_since is not null as fails, ${maxOfMerchant}::int - coalesce(m.count, 0) as room
      from webhook_endpoints w
      left join unnest(
        ${plain([...inHandOfMerchant.keys()].map(uuidOf))}::uuid[], ${plain([...inHandOfMerchant.values()])}::int[]
      ) m (merchant_id, count) on m.merchant_id = w.merchant_id
      left join unnest(
        ${plain([...inHandOfEndpoint.keys()].map(uuidOf))}::uuid[], ${plain([...inHandOfEndpoint.values()])}::int[]
      ) h (endpoint_id, count) on h.endpoint_id = w.id
      cross join lateral (
        select d.merchant_id, d.event_id, d.endpoint_id, d.next_try_at from deliveries d
        where d.merchant_id = w.merchant_id and d.endpoint_id = w.id and d.next_try_at <= ${nowIso}::timestamptz
        order by d.next_try_at
        limit greatest(0, least(
          ${maxOfMerchant}::int - coalesce(m.count, 0),
          case
            when w.failing_since is not null then ${maxOfFailing}::int
            when w.id = any(${plain([...slow].map(uuidOf))}::uuid[]) then ${maxOfSlow}::int
            else ${maxOfEndpoint}::int
          end - coalesce(h.count, 0)))
        for update skip locked
      ) d
      where w.status = 'enabled' and (w.paused_until is null or w.paused_until <= ${nowIso}::timestamptz)
    ), turns as (
      select due.*, row_number() over (partition by merchant_id order by fails, next_try_at) as turn from due
    ), chosen as (
      select * from turns where turn <= room order by fails, turn, next_try_at limit ${max}
    ), taken as (
      update deliveries d set tries = d.tries + 1, next_try_at = ${toIsoMicros(leaseUntil)}::timestamptz
      from chosen c where d.merchant_id = c.merchant_id and d.event_id = c.event_id and d.endpoint_id = c.endpoint_id
      returning d.merchant_id, d.event_id, d.endpoint_id, d.tries, d.step
    )
    select t.merchant_id, t.event_id, t.endpoint_id, t.tries, t.step, e.type, e.data, e.created_at, w.url, w.secret,
      array(
        select s.secret from webhook_retired_secrets s
        where s.merchant_id = w.merchant_id and s.endpoint_id = w.id and s.signs_until > ${nowIso}::timestamptz
        order by s.signs_until desc
      ) || case when w.previous_secret_until > ${nowIso}::timestamptz then array[w.previous_secret] end as retired
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
    // The latest stands in both places.
    secrets: [...new Set([row.secret, ...row.retired])],
    content: eventOf({ id: row.event_id, type: row.type, data: row.data, created_at: row.created_at }),
  }));
};

export const record = (
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
      for (const endpoint of disabled) await insertEvent(tx, disabledEvent(endpoint, now), now);
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

/** One success among them is enough: the endpoint lives. Who asks to be left alone is, as long as the longest of them says. */
const updateHealth = (tx: Kysely<DB>, tried: readonly TriedDelivery[]): Promise<unknown> => {
  const byId = new Map<EndpointId, { merchant: MerchantId; failedAt: Micros | null; pauseUntil: Micros | null }>();
  for (const one of tried.toSorted((a, b) => (a.endpoint < b.endpoint ? -1 : 1))) {
    const { merchant, endpoint, error, startedAt } = one;
    const known = byId.get(endpoint);
    const failedAt = error === null || known?.failedAt === null ? null : (known?.failedAt ?? startedAt);
    const pauseUntil = laterOf(known?.pauseUntil ?? null, one.pauseUntil);
    byId.set(endpoint, { merchant, failedAt, pauseUntil });
  }
  const rows = [...byId];
  return sql`
    update webhook_endpoints w
    set paused_until = coalesce(greatest(k.pause_until, w.paused_until), w.paused_until),
      failing_since = case when k.failed_at is null then null else coalesce(w.failing_since, k.failed_at) end
    from unnest(
      ${plain(rows.map(([, { merchant }]) => uuidOf(merchant)))}::uuid[], ${plain(rows.map(([id]) => uuidOf(id)))}::uuid[],
      ${plain(rows.map(([, { failedAt }]) => failedAt && toIsoMicros(failedAt)))}::timestamptz[],
      ${plain(rows.map(([, { pauseUntil }]) => pauseUntil && toIsoMicros(pauseUntil)))}::timestamptz[]
    ) k (merchant_id, id, failed_at, pause_until)
    where w.merchant_id = k.merchant_id and w.id = k.id
      and (k.pause_until is not null or (w.failing_since is null) <> (k.failed_at is null))`.execute(tx);
};

const laterOf = (a: Micros | null, b: Micros | null): Micros | null => (a === null || (b !== null && b > a) ? b : a);

const disableFailing = async (
  tx: Kysely<DB>,
  tried: readonly TriedDelivery[],
  failingSinceMax: Micros,
): Promise<Endpoint[]> => {
  const failed = tried.filter(({ error }) => error !== null);
  const { rows } = await sql<EndpointRow>`
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
