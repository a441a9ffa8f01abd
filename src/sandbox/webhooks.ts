import { createHmac } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import type { Faults } from './faults.ts';
import { API_VERSION, renderEvent } from './events.ts';
import { type Failure, resourceMissing } from './failure.ts';
import { newId, newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { find, type Scope } from './scope.ts';
import type { Clock } from './clock.ts';
import type { Delivery, Store } from './store.ts';

/** When a delivery that failed is tried again, after the first try at once; then the sandbox gives up. */
const RETRY_AFTER_MS: readonly number[] = [5_000, 60_000, 600_000, 3_600_000, 21_600_000, 43_200_000];
/** An endpoint that takes longer has failed. */
const ANSWER_WITHIN_MS = 10_000;
/** How many deliveries are under way at once; a slow endpoint holds up at most these. */
const AT_ONCE = 16;

export interface EndpointParams {
  readonly url?: string | undefined;
  readonly enabled_events?: readonly string[] | undefined;
  readonly description?: string | null | undefined;
  readonly disabled?: boolean | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

/** Registers an endpoint; its secret is shown this once. */
export const createEndpoint = (
  scope: Scope,
  params: EndpointParams & { readonly url: string; readonly enabled_events: readonly string[] },
  secret: string = newSecret('whsec_', 32),
): Stripe.WebhookEndpoint => {
  const endpoint = {
    id: newId('we_'),
    object: 'webhook_endpoint',
    api_version: API_VERSION,
    application: null,
    created: scope.clock.nowS(),
    description: params.description ?? null,
    enabled_events: [...params.enabled_events],
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    status: 'enabled',
    url: params.url,
  } satisfies Stripe.WebhookEndpoint;
  scope.store.put(endpoint, secret);
  return { ...endpoint, secret };
};

/** The endpoint that the environment names: all events, at that address, signed with that secret, however often it starts. */
export const ensureEndpoint = (scope: Scope, url: string, secret: string): void => {
  const held = liveEndpoints(scope.store).find((endpoint) => endpoint.url === url);
  if (held === undefined) createEndpoint(scope, { url, enabled_events: ['*'] }, secret);
  else scope.store.hide(held.id, secret);
};

const liveEndpoints = (store: Store): Stripe.WebhookEndpoint[] =>
  store
    .list({ kind: 'webhook_endpoint', where: [], limit: 100 })
    .filter((endpoint): endpoint is Stripe.WebhookEndpoint => endpoint.deleted !== true);

export const updateEndpoint = (
  scope: Scope,
  id: string,
  params: EndpointParams,
): Result<Stripe.WebhookEndpoint, Failure> =>
  findEndpoint(scope, id).map((endpoint) => {
    const updated: Stripe.WebhookEndpoint = {
      ...endpoint,
      description: params.description === undefined ? endpoint.description : params.description,
      enabled_events: params.enabled_events === undefined ? endpoint.enabled_events : [...params.enabled_events],
      metadata: mergeMetadata(endpoint.metadata, params.metadata),
      status: params.disabled === undefined ? endpoint.status : params.disabled ? 'disabled' : 'enabled',
      url: params.url ?? endpoint.url,
    };
    scope.store.put(updated);
    return updated;
  });

export const deleteEndpoint = (scope: Scope, id: string): Result<Stripe.DeletedWebhookEndpoint, Failure> =>
  findEndpoint(scope, id).map(() => {
    const deleted = { id, object: 'webhook_endpoint', deleted: true } satisfies Stripe.DeletedWebhookEndpoint;
    scope.store.put(deleted);
    return deleted;
  });

export const findEndpoint = (scope: Scope, id: string): Result<Stripe.WebhookEndpoint, Failure> =>
  find(scope, 'webhook_endpoint', id).andThen((endpoint) =>
    endpoint.deleted === true ? err(resourceMissing(404, 'webhook_endpoint', id, 'id')) : ok(endpoint),
  );

/** Sends events to the endpoints that want them: at least once, in no promised order. */
export interface Webhooks {
  /** Notes in the event's own transaction who is to be told of it. */
  readonly enqueue: (event: string, type: string) => void;
  /** Sends what is due. */
  readonly dispatch: () => void;
  /** Sends an event once more to everybody, whatever it is and whoever has had it: by hand. */
  readonly resend: (event: string) => number;
}

export const createWebhooks = (store: Store, clock: Clock, faults: Faults): Webhooks => {
  const underWay = new Set<number>();

  const endpoints = (): Stripe.WebhookEndpoint[] => liveEndpoints(store).filter(({ status }) => status === 'enabled');

  const deliver = async ({ seq, event: id, endpoint: to, attempt }: Delivery): Promise<void> => {
    const event = store.getEvent(id);
    const endpoint = store.get('webhook_endpoint', to);
    const secret = store.hidden(to)?.value;
    if (event === undefined || endpoint === undefined || endpoint.deleted === true || secret === undefined) {
      store.dropDelivery(seq);
      return;
    }
    const taken = await post(endpoint.url, secret, JSON.stringify(renderEvent(event)), clock.nowS());
    const retryAfterMs = RETRY_AFTER_MS[attempt];
    if (taken || retryAfterMs === undefined) store.dropDelivery(seq);
    else store.retryDelivery(seq, clock.nowMs() + retryAfterMs);
  };

  const dispatch = (): void => {
    if (underWay.size >= AT_ONCE) return;
    for (const delivery of store.dueDeliveries(clock.nowMs(), AT_ONCE * 2)) {
      if (underWay.size >= AT_ONCE) return;
      if (underWay.has(delivery.seq)) continue;
      underWay.add(delivery.seq);
      void deliver(delivery).finally(() => {
        underWay.delete(delivery.seq);
        dispatch();
      });
    }
  };

  return {
    enqueue: (event, type) => {
      const wanted = endpoints().filter(({ enabled_events: types }) => types.includes('*') || types.includes(type));
      if (wanted.length === 0) return;
      const struck = faults.ofEvent(type);
      const is = (kind: string): boolean => struck.some((fault) => fault.kind === kind);
      if (is('webhook_drop')) return;
      const dueMs = clock.nowMs() + struck.reduce((sum, { waitMs }) => sum + waitMs, 0);
      for (const { id } of wanted) {
        store.addDelivery(event, id, dueMs);
        if (is('webhook_duplicate')) store.addDelivery(event, id, dueMs);
      }
    },
    dispatch,
    resend: (event) => {
      const all = endpoints();
      for (const { id } of all) store.addDelivery(event, id, clock.nowMs());
      dispatch();
      return all.length;
    },
  };
};

/** Posts a signed event; whether the endpoint took it. */
const post = async (url: string, secret: string, body: string, nowS: number): Promise<boolean> => {
  const signature = createHmac('sha256', secret).update(`${nowS}.${body}`).digest('hex');
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json; charset=utf-8', 'Stripe-Signature': `t=${nowS},v1=${signature}` },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
};
