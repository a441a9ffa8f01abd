/** What happened, and whether the merchant's endpoints have heard of it. */
import { err, ok, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { EndpointId, EventId, MerchantId } from '../domain/ids.ts';
import { listView, pageView } from '../domain/reply.ts';
import type { ListError, StorageCode } from '../domain/refusals.ts';
import type { DeliveryView, EventView, ListView } from '../domain/views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { EventFilter } from '../storage/webhook-events.ts';
import { deliveryView, eventView } from './view.ts';

/** Errors: `event_not_found`, `database_unavailable`. */
export const readEvent = (
  ctx: Pick<Context, 'webhooks'>,
  merchant: MerchantId,
  id: EventId,
): ResultAsync<EventView, PaymentError<'event_not_found' | StorageCode>> =>
  ctx.webhooks.event(merchant, id).map(eventView);

/** Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listEvents = (
  ctx: Pick<Context, 'webhooks' | 'clock'>,
  merchant: MerchantId,
  filter: EventFilter,
): ResultAsync<ListView<EventView>, ListError> =>
  ctx.webhooks.listEvents(merchant, filter, ctx.clock.now()).map(pageView('/v1/events', eventView));

/** The log of its deliveries: one to each endpoint. Errors: `event_not_found`, `database_unavailable`. */
export const listDeliveries = (
  ctx: Pick<Context, 'webhooks'>,
  merchant: MerchantId,
  event: EventId,
): ResultAsync<ListView<DeliveryView>, PaymentError<'event_not_found' | StorageCode>> =>
  ctx.webhooks
    .event(merchant, event)
    .andThen(({ id }) => ctx.webhooks.deliveries(merchant, [id]))
    .map((deliveries) => listView(`/v1/events/${event}/deliveries`, deliveries.map(deliveryView), false));

/**
 * Sends it again, now: to one endpoint, or to every enabled one that asks for its type. Answers its deliveries.
 * Errors: `event_not_found`, `webhook_endpoint_not_found`, `webhook_endpoint_disabled`, `database_unavailable`.
 */
export const redeliver = (
  ctx: Pick<Context, 'webhooks' | 'clock'>,
  merchant: MerchantId,
  event: EventId,
  endpoint: EndpointId | null,
): ResultAsync<
  ListView<DeliveryView>,
  PaymentError<'event_not_found' | 'webhook_endpoint_not_found' | 'webhook_endpoint_disabled' | StorageCode>
> =>
  (endpoint === null ? okAsync(undefined) : enabled(ctx, merchant, endpoint))
    .andThen(() => ctx.webhooks.event(merchant, event))
    .andThen(({ id }) => ctx.webhooks.redeliver(merchant, id, endpoint, ctx.clock.now()))
    .andThen(() => listDeliveries(ctx, merchant, event));

const enabled = (
  ctx: Pick<Context, 'webhooks'>,
  merchant: MerchantId,
  endpoint: EndpointId,
): ResultAsync<undefined, PaymentError<'webhook_endpoint_not_found' | 'webhook_endpoint_disabled' | StorageCode>> =>
  ctx.webhooks
    .endpoint(merchant, endpoint)
    .andThen(({ status }) => (status === 'enabled' ? ok(undefined) : err(paymentError('webhook_endpoint_disabled'))));
