import type { Stripe } from 'stripe';
import type { StoredEvent } from './store.ts';

/** The version whose shapes the sandbox speaks: the one that stripe-node 23.1 pins. */
export const API_VERSION = '2026-10-28.endive';

/** An event as Stripe answers it. */
export const renderEvent = (event: StoredEvent): Stripe.EventBase => ({
  id: event.id,
  object: 'event',
  api_version: API_VERSION,
  created: event.created,
  data: {
    object: JSON.parse(event.state) as Stripe.Event.Data.Object,
    ...(event.previous === null
      ? {}
      : { previous_attributes: JSON.parse(event.previous) as Stripe.Event.Data.PreviousAttributes }),
  },
  livemode: false,
  pending_webhooks: 0,
  request: JSON.parse(event.request) as Stripe.Event.Request,
  type: event.type as Stripe.Event.Type,
});
