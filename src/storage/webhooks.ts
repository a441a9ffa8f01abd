/**
 * Endpoints, events, and the deliveries of one to the other.
 *
 * The outbox is the table of events itself: a row is there if, and only if, what it tells of is. A delivery is taken by
 * one of any number of senders, with `for update skip locked` and a lease; there is no other queue, so that nothing can
 * be in one and not in the other. What is taken is sent at least once: a sender may die between sending and recording.
 */
import type { Kysely } from 'kysely';
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Event } from '../domain/change.ts';
import type { StorageCode, StorageError } from '../domain/refusals.ts';
import { uuidOf, type EndpointId, type EventId, type MerchantId } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { readFailure, writeFailure } from './failure.ts';
import type { Page, PageOf } from './reads.ts';
import { COLUMNS, type DB } from './schema.ts';
import type { Turns } from './turns.ts';
import { fanOut, record, takeDue } from './webhook-deliveries.ts';
import {
  deleteEndpoint,
  endpointOf,
  endpointsOf,
  insertEndpoint,
  listEndpoints,
  rotateSecret,
  updateEndpoint,
  type EndpointRow,
} from './webhook-endpoints.ts';
import { eventOf, listEvents, redeliver, selectDeliveries } from './webhook-events.ts';

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
  /**
   * The present secret goes on signing, beside the new one, until then; those before it until their own time. Errors:
   * `webhook_secret_limit` where as many as may be still do.
   */
  readonly rotateSecret: (
    merchant: MerchantId,
    id: EndpointId,
    secret: string,
    times: { readonly now: Micros; readonly until: Micros },
  ) => ResultAsync<Endpoint, PaymentError<'webhook_endpoint_not_found' | 'webhook_secret_limit' | StorageCode>>;
  readonly event: (
    merchant: MerchantId,
    id: EventId,
  ) => ResultAsync<StoredEvent, PaymentError<'event_not_found' | StorageCode>>;
  readonly listEvents: (
    merchant: MerchantId,
    filter: EventFilter,
    now: Micros,
  ) => ResultAsync<PageOf<StoredEvent>, StorageError>;
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

export const createWebhooks = (db: Kysely<DB>, turns: Turns): Webhooks => {
  const run = <T>(work: Promise<T>): ResultAsync<T, StorageError> => ResultAsync.fromPromise(work, readFailure);
  const ask = <T>(merchant: MerchantId, work: () => Promise<T>): ResultAsync<T, StorageError> =>
    run(turns(merchant, work));
  const found = (row: EndpointRow | undefined): Result<Endpoint, PaymentError<'webhook_endpoint_not_found'>> =>
    row ? ok(endpointOf(row)) : err(paymentError('webhook_endpoint_not_found'));

  const endpoint: Webhooks['endpoint'] = (merchant, id) =>
    ask(merchant, () => endpointsOf(db, merchant).where('id', '=', uuidOf(id)).executeTakeFirst()).andThen(found);

  return {
    createEndpoint: (wanted, max) =>
      ask(wanted.merchant, () => insertEndpoint(db, wanted, max)).andThen((row) =>
        row ? ok(endpointOf(row)) : err(paymentError('webhook_endpoint_limit')),
      ),
    endpoint,
    listEndpoints: (merchant, page) => ask(merchant, () => listEndpoints(db, merchant, page)),
    updateEndpoint: (merchant, id, change) =>
      ask(merchant, () => updateEndpoint(db, merchant, id, change)).andThen(found),
    deleteEndpoint: (merchant, id) =>
      ask(merchant, () => deleteEndpoint(db, merchant, id))
        .andThen(found)
        .map(() => undefined),
    rotateSecret: (merchant, id, secret, times) =>
      ask(merchant, () => rotateSecret(db, merchant, id, secret, times)).andThen((rotated) =>
        rotated.isOk() ? found(rotated.value) : err(rotated.error),
      ),
    event: (merchant, id) =>
      ask(merchant, () =>
        db
          .selectFrom('events')
          .select(COLUMNS.events)
          .where('merchant_id', '=', uuidOf(merchant))
          .where('id', '=', uuidOf(id))
          .executeTakeFirst(),
      ).andThen((row) => (row ? ok(eventOf(row)) : err(paymentError('event_not_found')))),
    listEvents: (merchant, filter, now) => ask(merchant, () => listEvents(db, merchant, filter, now)),
    deliveries: (merchant, events) => ask(merchant, () => selectDeliveries(db, merchant, events)),
    redeliver: (merchant, event, to, now) =>
      ResultAsync.fromPromise(
        turns(merchant, () => redeliver(db, merchant, event, to, now)),
        (error) => {
          const failure = writeFailure(error);
          return failure.code === 'event_not_found' ? failure : readFailure(error);
        },
      ),
    fanOut: (now) => run(fanOut(db, now)),
    takeDue: (take) => run(takeDue(db, take)),
    record: (tried, recording) => run(record(db, tried, recording)),
  };
};
