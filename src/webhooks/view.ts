/** Endpoints, events and deliveries, as the API shows them. */
import { toIso } from '../domain/time.ts';
import type { DeliveryView, EndpointView, EndpointWithSecretView, EventView } from '../domain/views.ts';
import type { Endpoint } from '../storage/webhook-endpoints.ts';
import type { Delivery, StoredEvent } from '../storage/webhook-events.ts';

export const endpointView = (endpoint: Endpoint): EndpointView => ({
  id: endpoint.id,
  object: 'webhook_endpoint',
  url: endpoint.url,
  description: endpoint.description,
  enabled_events: endpoint.enabledEvents,
  status: endpoint.status,
  failing_since: endpoint.failingSince && toIso(endpoint.failingSince),
  paused_until: endpoint.pausedUntil && toIso(endpoint.pausedUntil),
  created_at: toIso(endpoint.createdAt),
});

/** The same, and its secret: when it is made, and never again. */
export const endpointWithSecretView = (endpoint: Endpoint, secret: string): EndpointWithSecretView => ({
  ...endpointView(endpoint),
  secret,
});

/** What is read is what is sent. */
export const eventView = (event: StoredEvent): EventView => ({
  id: event.id,
  object: 'event',
  type: event.type,
  created_at: toIso(event.createdAt),
  timestamp: toIso(event.createdAt),
  data: { object: event.data },
});

export const deliveryView = (delivery: Delivery): DeliveryView => ({
  object: 'delivery',
  event: delivery.event,
  webhook_endpoint: delivery.endpoint,
  url: delivery.url,
  status: delivery.status,
  next_try_at: delivery.nextTryAt && toIso(delivery.nextTryAt),
  tries: delivery.tries.map((one) => ({
    number: one.number,
    started_at: toIso(one.startedAt),
    latency_ms: one.latencyMs,
    status_code: one.statusCode,
    error: one.error,
  })),
});
