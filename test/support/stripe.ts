/** What happens at Stripe and not through the service: the dashboard, the bank's 3-D Secure page, time, webhooks lost. */
import { micros, type Clock } from '../../src/domain/time.ts';
import { until } from '../../src/platform/process.ts';
import { asJson, clearFaults, setFault, type Fault } from './world.ts';

/** Whatever Stripe shows: each object has some of these fields. */
export interface StripeObject {
  readonly id: string;
  readonly object: string;
  readonly type: string;
  readonly status: string;
  readonly amount: number;
  readonly amount_received: number;
  readonly payment_intent: string;
  readonly created: number;
  /** How often a fault has. */
  readonly struck: number;
  readonly metadata: Record<string, string>;
  readonly data: readonly StripeObject[];
}

export interface Stripe {
  readonly get: (path: string) => Promise<StripeObject>;
  readonly post: (path: string, form?: Record<string, string>) => Promise<StripeObject>;
  /** Every event, oldest first; those after one, where it is named. */
  readonly events: (after?: string) => Promise<StripeObject[]>;
  /** As a person at the bank's page; answers the page's status, and where it sends them. */
  readonly answer: (page: string, result: 'pass' | 'fail') => Promise<{ status: number; location: string | null }>;
  /** Sets a fault; what it answers takes that one away, and lets go of all that hangs. */
  readonly fault: (fault: Fault) => Promise<() => Promise<void>>;
  /** Takes all faults away, and lets go of what hangs. */
  readonly heal: () => Promise<void>;
  /** Sends an event once more. */
  readonly resend: (event: string) => Promise<void>;
}

export const stripeAt = (sandboxUrl: string): Stripe => {
  const call = async (path: string, init: RequestInit = {}): Promise<StripeObject> => {
    const response = await fetch(sandboxUrl + path, { headers: { Authorization: 'Bearer sk_test_sandbox' }, ...init });
    if (!response.ok) throw new Error(`${path} at Stripe: ${await response.text()}`);
    return (await response.json()) as StripeObject;
  };
  return {
    get: (path) => call(path),
    post: (path, form = {}) => call(path, { method: 'POST', body: new URLSearchParams(form) }),
    events: async (known) => {
      const events: StripeObject[] = [];
      for (let before = ''; ;) {
        const { data } = await call(`/v1/events?limit=100${before}`);
        const end = data.findIndex(({ id }) => id === known);
        events.push(...(end === -1 ? data : data.slice(0, end)));
        if (end !== -1 || data.length < 100) return events.reverse();
        before = `&starting_after=${data.at(-1)?.id ?? ''}`;
      }
    },
    answer: async (page, result) => {
      const { status, headers } = await fetch(page, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ result }),
      });
      return { status, location: headers.get('location') };
    },
    fault: (fault) => setFault({ sandboxUrl }, fault),
    heal: () => clearFaults({ sandboxUrl }),
    resend: async (event) => {
      await call(`/_sandbox/events/${event}/send`, { method: 'POST' });
    },
  };
};

export interface MovableClock extends Clock {
  /** Moves the service's clock first and then the sandbox's, which does all that falls due on the way. */
  readonly advance: (sandboxUrl: string, seconds: number) => Promise<void>;
  /** Puts the service's clock so far ahead of Stripe's, or behind it where it is below zero. */
  readonly lead: (seconds: number) => void;
}

/** The machine's clock, until it is moved. */
export const movableClock = (): MovableClock => {
  let offsetMs = 0;
  let leadMs = 0;
  return {
    now: () => micros(Date.now() + offsetMs + leadMs),
    movedMs: () => offsetMs + leadMs,
    lead: (seconds) => {
      leadMs = seconds * 1000;
    },
    advance: async (sandboxUrl, seconds) => {
      offsetMs += seconds * 1000;
      await fetch(`${sandboxUrl}/_sandbox/clock`, asJson({ advance_s: seconds }));
    },
  };
};

/** Long enough for any round of the service's own; what never comes to be fails by it. */
const PATIENCE_MS = 20_000;

/** Waits until what is read is as it should be, and answers it. */
export const eventually = async <T>(read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> => {
  let value = await read();
  await until(async () => {
    if (isSo(value)) return true;
    value = await read();
    return isSo(value);
  }, PATIENCE_MS);
  if (!isSo(value)) throw new Error(`It did not come to be. The last: ${JSON.stringify(value).slice(0, 1000)}`);
  return value;
};
