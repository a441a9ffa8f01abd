import type { Stripe } from 'stripe';
import { VERSIONS } from './stripe-names.ts';
import type { Store, StoredEvent } from './store.ts';

/** The version whose shapes the sandbox speaks: the one that stripe-node 23.1 pins. */
export const API_VERSION = '2026-10-28.endive';

/** The form of a version: a day, and since 2024 the name of its release; a preview names its features after it. */
const VERSION = /^(\d{4}-\d{2}-\d{2})(\.[a-z]+)?(;.*)?$/;
const KNOWN: ReadonlySet<string> = new Set(VERSIONS);
const KNOWN_DAYS: ReadonlySet<string> = new Set(VERSIONS.map((version) => version.slice(0, 10)));
const NEWEST_DAY = VERSIONS.at(-1)?.slice(0, 10) ?? '';

/**
 * Whether Stripe has that version, a preview too. What has come since the sandbox was made it can't know, and takes, so
 * that it serves a newer library; but nothing of the future.
 */
export const isVersion = (text: string): boolean => {
  const [, day = '', name = ''] = VERSION.exec(text) ?? [];
  if (KNOWN.has(day + name)) return true;
  if (name === '.preview' && KNOWN_DAYS.has(day)) return true;
  return name !== '' && day > NEWEST_DAY && day <= new Date().toISOString().slice(0, 10);
};

/**
 * The first version whose objects of card payments have the shape that the sandbox gives them: what came since then only
 * added to them.
 */
const RENDERED_SINCE = '2025-03-31';

/** Whether the sandbox can tell events in the words of that version. */
export const canRender = (version: string): boolean =>
  isVersion(version) && version.slice(0, 10) >= RENDERED_SINCE && version.slice(0, 10) <= API_VERSION.slice(0, 10);

/** An event as Stripe answers it, in the words of one version of the API. */
export const renderEvent = (store: Store, event: StoredEvent, version: string = API_VERSION): Stripe.EventBase => ({
  id: event.id,
  object: 'event',
  api_version: version,
  created: event.created,
  data: {
    object: JSON.parse(event.state) as Stripe.Event.Data.Object,
    ...(event.previous === null
      ? {}
      : { previous_attributes: JSON.parse(event.previous) as Stripe.Event.Data.PreviousAttributes }),
  },
  livemode: false,
  pending_webhooks: store.pendingDeliveries(event.id),
  request: JSON.parse(event.request) as Stripe.Event.Request,
  type: event.type as Stripe.Event.Type,
});
