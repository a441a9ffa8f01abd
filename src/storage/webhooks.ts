/**
 * Endpoints, events, and the deliveries of one to the other.
 *
 * The outbox is the table of events itself: a row is there if, and only if, what it tells of is. A delivery is taken by
 * one of any number of senders, with `for update skip locked` and a lease; there is no other queue, so that nothing can
 * be in one and not in the other. What is taken is sent at least once: a sender may die between sending and recording.
 */
import type { Kysely } from 'kysely';
import { err, ok, ResultAsync } from 'neverthrow';
import type { ListError, StorageCode, StorageError } from '../domain/refusals.ts';
import { uuidOf, type EndpointId, type EventId, type MerchantId } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { readFailure, run, writeFailure } from './failure.ts';
import { findOne, paged, readOr } from './find.ts';
import type { Page, PageOf } from './pages.ts';
import type { DB } from './schema.ts';
import { inTurn, type Turns } from './turns.ts';
import {
  fanOut,
  record,
  takeDue,
  type Recording,
  type Take,
  type TakenDelivery,
  type TriedDelivery,
} from './webhook-deliveries.ts';
import {
  deleteEndpoint,
  endpointOf,
  endpointsOf,
  insertEndpoint,
  listEndpoints,
  rotateSecret,
  updateEndpoint,
  type Endpoint,
  type EndpointChange,
  type NewEndpoint,
} from './webhook-endpoints.ts';
import {
  eventOf,
  listEvents,
  redeliver,
  selectDeliveries,
  type Delivery,
  type EventFilter,
  type StoredEvent,
} from './webhook-events.ts';

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
  readonly listEndpoints: (merchant: MerchantId, page: Page<EndpointId>) => ResultAsync<PageOf<Endpoint>, ListError>;
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
  ) => ResultAsync<PageOf<StoredEvent>, ListError>;
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
  const ask = inTurn(turns);
  const found = readOr(endpointOf, 'webhook_endpoint_not_found');

  const endpoint: Webhooks['endpoint'] = (merchant, id) =>
    ask(merchant, () => endpointsOf(db, merchant).where('id', '=', uuidOf(id)).executeTakeFirst()).andThen(found);

  return {
    createEndpoint: (wanted, max) =>
      ask(wanted.merchant, () => insertEndpoint(db, wanted, max)).andThen((row) =>
        row ? ok(endpointOf(row)) : err(paymentError('webhook_endpoint_limit')),
      ),
    endpoint,
    listEndpoints: (merchant, page) =>
      paged(
        page,
        ask(merchant, () => listEndpoints(db, merchant, page)),
      ),
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
      ask(merchant, () => findOne(db, 'events', merchant, uuidOf(id))).andThen(readOr(eventOf, 'event_not_found')),
    listEvents: (merchant, filter, now) =>
      paged(
        filter,
        ask(merchant, () => listEvents(db, merchant, filter, now)),
      ),
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
