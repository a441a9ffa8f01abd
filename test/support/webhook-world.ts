/** A service whose clock a suite may move, and merchants whose endpoints hear of what happens. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { expect } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { Delivery, WebhookEndpoint, WebhookEndpointWithSecret } from '../../src/client/api.ts';
import { plusMs, systemClock, type Clock, type Micros } from '../../src/domain/time.ts';
import type { Heard } from './receiver.ts';
import { payFor, send, startWorld, type Answer, type Client, type World } from './service.ts';

export const S = 1_000;
export const H: number = 3600 * S;
export const DAY: number = 24 * H;

/** The machine's clock, which the suite may move on, and all time with it. */
interface MovableClock extends Clock {
  readonly move: (ms: number) => void;
}

const createMovableClock = (): MovableClock => {
  const machine = systemClock();
  let offsetMs = 0;
  return {
    now: (): Micros => plusMs(machine.now(), offsetMs),
    movedMs: () => offsetMs,
    move: (ms) => void (offsetMs += ms),
  };
};

interface Merchant extends Client {
  readonly key: string;
  readonly remove: (path: string) => Promise<Answer>;
  readonly createEndpoint: (url: string, more?: object) => Promise<WebhookEndpointWithSecret>;
  readonly pay: (more?: object) => Promise<string>;
  readonly deliveries: (event: string) => Promise<readonly Delivery[]>;
  /** Waits until the delivery of an event to the only endpoint is as wanted. */
  readonly delivered: (event: string, is: (delivery: Delivery) => boolean) => Promise<Delivery>;
  readonly endpoint: (id: string) => Promise<WebhookEndpoint>;
}

/** A merchant of its own, so that tests do not hear each other's events. */
const createMerchant = async (world: World): Promise<Merchant> => {
  const key = await world.createKey(randomUUID(), 'secret');
  const client = world.as(key);
  const customer = await world.createCustomer(0, client);
  const deliveries = async (event: string): Promise<readonly Delivery[]> =>
    (await client.get(`/v1/events/${event}/deliveries`)).body.data;
  return {
    ...client,
    key,
    remove: (path) => send(world.url, { method: 'DELETE', path, headers: { Authorization: `Bearer ${key}` } }),
    createEndpoint: async (url, more = {}) => {
      const { status, body } = await client.post('/v1/webhook_endpoints', { url, enabled_events: '*', ...more });
      expect(status).toBe(201);
      return body;
    },
    pay: async (more = {}) => (await client.post('/v1/payments', payFor(customer, 1250, more))).body.id,
    deliveries,
    delivered: async (event, is) => {
      for (;;) {
        const [delivery] = await deliveries(event);
        if (delivery && is(delivery)) return delivery;
        await new Promise((go) => setTimeout(go, 20));
      }
    },
    endpoint: async (id) => (await client.get(`/v1/webhook_endpoints/${id}`)).body,
  };
};

/** Answers one request after the other with these, and then always with the last. */
export const answering =
  (...statuses: readonly number[]) =>
  (response: ServerResponse, before: number): void =>
    void response.writeHead(statuses[Math.min(before, statuses.length - 1)] ?? 200).end();

/** Whether a secret is among those that signed it. Told by its own time: verifying allows for five minutes of the machine's. */
export const isSignedBy = ({ headers, body }: Heard, secret: string): boolean => {
  const at = new Date(Number(headers['webhook-timestamp']) * S);
  const signature = new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body);
  return (headers['webhook-signature'] ?? '').split(' ').includes(signature);
};

export const startWebhookWorld = async (): Promise<{
  readonly world: World;
  readonly clock: MovableClock;
  readonly createMerchant: () => Promise<Merchant>;
}> => {
  const clock = createMovableClock();
  const world = await startWorld({}, clock);
  return { world, clock, createMerchant: () => createMerchant(world) };
};
