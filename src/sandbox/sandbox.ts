/** A sandbox is its store, and what keeps time, faults, repeated keys and webhooks over it. */
import { type Clock, createClock } from './clock.ts';
import { API_VERSION } from './events.ts';
import { createFaults, type Faults } from './faults.ts';
import { createIdempotency, type Idempotency } from './idempotency.ts';
import type { Scope } from './scope.ts';
import type { Store } from './store.ts';
import { createWebhooks, type Webhooks } from './deliveries.ts';

/** The parts of a running sandbox. */
export interface Sandbox {
  readonly store: Store;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly idempotency: Idempotency;
  readonly webhooks: Webhooks;
  /** Requests of the API that were counted since the store was made. */
  readonly seen: { requests: number; replays: number };
  /** The scope of a request, or of what time alone causes. */
  readonly scope: (request?: Pick<Scope, 'request' | 'version' | 'isBrowser'>) => Scope;
}

const BY_ITSELF = { request: { id: null, idempotency_key: null }, version: API_VERSION, isBrowser: false };

/** The sandbox over a store; `origin` tells where it listens, once that is known. */
export const createSandbox = (store: Store, origin: () => string): Sandbox => {
  const clock = createClock(store.getNumber('clock_offset_ms'));
  const faults = createFaults();
  const webhooks = createWebhooks(store, clock, faults);
  return {
    store,
    clock,
    faults,
    idempotency: createIdempotency(store, clock),
    webhooks,
    seen: { requests: store.getNumber('requests'), replays: store.getNumber('replays') },
    scope: (request = BY_ITSELF) => ({ store, clock, origin: origin(), emitted: webhooks.enqueue, ...request }),
  };
};
