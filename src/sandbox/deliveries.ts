import { createHmac } from 'node:crypto';
import type { Clock } from './clock.ts';
import { liveEndpoints } from './endpoints.ts';
import { API_VERSION, renderEvent } from './events.ts';
import type { Faults } from './faults.ts';
import type { Stripe } from 'stripe';
import type { Delivery, Store } from './store.ts';

/** When a delivery that failed is tried again, after the first try at once; then the sandbox gives up. */
const RETRY_AFTER_MS: readonly number[] = [5_000, 60_000, 600_000, 3_600_000, 21_600_000, 43_200_000];
/** An endpoint that takes longer has failed. */
const ANSWER_WITHIN_MS = 10_000;
/** How many deliveries are under way at once; a slow endpoint holds up at most these. */
const AT_ONCE = 16;

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
    const body = JSON.stringify(renderEvent(store, event, endpoint.api_version ?? API_VERSION));
    const taken = await post(endpoint.url, secret, body, clock.nowS());
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
