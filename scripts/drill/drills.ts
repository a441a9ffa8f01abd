/** The nights that can be made: what each does, and what is to be seen of it where. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLoad, closedLoad, type Call } from './load.ts';
import type { Demo } from './demo.ts';
import { HEADER, holdRequests, letGo } from './inside.ts';
import { openInspector } from './inspector.ts';

export interface Drill {
  readonly what: string;
  /** Seconds, unless told otherwise. */
  readonly seconds: number;
  readonly page: string;
  readonly log: string;
  readonly alert: string;
  readonly heading: string;
  readonly run: (demo: Demo, seconds: number, signal: AbortSignal) => Promise<void>;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

/** Requests that are held, again and again. */
const hold =
  (how: 'stall' | 'gc', ms: number): Drill['run'] =>
  async ({ pid, apiUrl }, seconds, signal) => {
    const inspector = await openInspector(pid);
    await inspector.evaluate(holdRequests(how));
    try {
      for (const until = performance.now() + seconds * 1000; performance.now() < until && !signal.aborted;) {
        const headers = { Authorization: 'Bearer sk_test_demo', [HEADER]: String(ms) };
        await (await fetch(`${apiUrl}/v1/items/item_demo`, { headers })).arrayBuffer();
        await pause(2_000, signal);
      }
    } finally {
      await inspector.evaluate(letGo);
      await inspector.close();
    }
  };

const CHARGE = { amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };

/** As a shop would: two charges a second, whatever becomes of those before. */
const charging = async ({ post, customer }: Demo, seconds: number, signal: AbortSignal): Promise<void> => {
  for (const until = performance.now() + seconds * 1000; performance.now() < until && !signal.aborted;) {
    void post('/v1/payments', { ...CHARGE, customer }).catch(() => 0);
    await pause(500, signal);
  }
};

const fund = async ({ post, customer }: Demo): Promise<void> => {
  const status = await post('/v1/payments', { ...CHARGE, customer, amount: 90_000_000 });
  if (status !== 201) throw new Error(`the demo customer could not be given money: ${status}`);
};

const TIMES = 3;

export const DRILLS: Readonly<Record<string, Drill>> = {
  stall: {
    what: 'code of a request computes for 1.2 s, again and again',
    seconds: 20,
    page: 'amber: "The event loop was blocked (cpu) …", with route and function; the delay in the chart',
    log: '"event loop blocked 1200 ms by GET /v1/items/:id (cpu) at holdTheEventLoop …", level error',
    alert: 'QuittanceStalls after five minutes of it (--seconds 600)',
    heading: 'cpu',
    run: hold('stall', 1_200),
  },
  gc: {
    what: 'the collector goes through the whole heap for 0.8 s, again and again',
    seconds: 20,
    page: 'amber: "The event loop was blocked (gc) …"; the chart of garbage collection',
    log: '"event loop blocked 800 ms by GET /v1/items/:id (gc) …"',
    alert: 'QuittanceStalls after five minutes of it (--seconds 600)',
    heading: 'gc',
    run: hold('gc', 800),
  },
  suspend: {
    what: 'the whole process is stopped, and goes on',
    seconds: 5,
    page: 'nothing answers meanwhile; then amber: "The machine held the service up (suspended)"',
    log: '"the process was suspended for … ms", level info, and no line that blames code',
    alert: 'none for one; QuittanceDown after a minute of it (--seconds 90)',
    heading: 'suspended',
    run: async ({ pid }, seconds, signal) => {
      process.kill(pid, 'SIGSTOP');
      try {
        await pause(seconds * 1000, signal);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  },
  stripe: {
    what: 'Stripe resets every connection while a shop charges cards',
    seconds: 30,
    page: 'red: "Stripe does not answer: charges are refused"; /readyz degraded, 200',
    log: '"Stripe is down: the circuit is open", and 503 provider_unavailable, level warn',
    alert: 'QuittanceStripeFails after five minutes of it (--seconds 600)',
    heading: 'provider_unavailable',
    run: async (demo, seconds, signal) => {
      await demo.failStripe({ kind: 'reset_before' });
      try {
        await charging(demo, seconds, signal);
      } finally {
        await demo.mendStripe();
      }
    },
  },
  unknown: {
    what: 'Stripe charges cards, and its answers are lost',
    seconds: 40,
    page: 'amber: "The outcome of charges is not known", with the payments in a list; soon red for Stripe too',
    log: '503 provider_unavailable with outcome unknown; "the outcome of an attempt is unknown" with its payment',
    alert: 'QuittanceUnknownOutcomes after ten minutes of it (--seconds 900)',
    heading: 'unknown-outcomes',
    run: async (demo, seconds, signal) => {
      await demo.failStripe({ kind: 'reset_after' });
      try {
        const { customer, post } = demo;
        await Promise.all([1, 2, 3].map(() => post('/v1/payments', { ...CHARGE, customer }).catch(() => 0)));
        await pause(seconds * 1000, signal);
      } finally {
        await demo.mendStripe();
      }
    },
  },
  database: {
    what: 'the database lets nobody in while a shop charges cards',
    seconds: 20,
    page: 'red: "The database does not answer as it should"; /readyz not ready, 503',
    log: '503 database_unavailable, level warn',
    alert: 'QuittanceDatabaseRefuses after two minutes of it (--seconds 240)',
    heading: 'database_unavailable',
    run: async (demo, seconds, signal) => {
      await demo.openDatabase(false);
      try {
        await charging(demo, seconds, signal);
      } finally {
        await demo.openDatabase(true);
      }
    },
  },
  overload: {
    what: `${TIMES} times as many debits as can be served`,
    seconds: 20,
    page: 'amber: "Requests are refused: more come than can be served"; in flight and refused in the chart',
    log: '"requests are refused from now on: more come than can be served", and how many each ten seconds',
    alert: 'QuittanceSheds after two minutes of it (--seconds 300)',
    heading: 'overloaded',
    run: async (demo, seconds) => {
      await fund(demo);
      const body = JSON.stringify({ customer: demo.customer, amount: 1, currency: 'usd' });
      const debit = (): Call => ({ method: 'POST', path: '/v1/debits', key: randomUUID(), body });
      const calm = await closedLoad(demo.apiUrl, 64, 3_000, debit);
      await openLoad(demo.apiUrl, (calm.length / 3) * TIMES, seconds * 1000, debit);
    },
  },
};
