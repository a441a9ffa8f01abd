/**
 * The proof that every alert fires when what it is for has happened, and ends when that is over: Prometheus itself scrapes
 * the service, with the rules as they are but for time, which runs some sixty times as fast in them.
 *
 *   npm run proof:alerts -- [--alert NAME | --calm MINUTES]
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { findPostgres } from '../../src/platform/postgres.ts';
import { until } from '../../src/platform/process.ts';
import { commandLine, count, oneOf } from '../../scripts/command-line.ts';
import { findDemo, type Demo } from '../../scripts/drill/demo.ts';
import { CAUSES, type Machine } from './alert-causes.ts';
import { proveCalm } from './calm.ts';
import { hasPrometheus, startPrometheus, type Prometheus } from './prometheus.ts';
import { repeat } from './repeat.ts';
import { startService } from './stalls/service.ts';

/** What each span of the rules is here: in the same order, and the longest within a test's patience. */
const SPANS: Readonly<Record<string, string>> = {
  '1m': '2s',
  '2m': '2s',
  '5m': '6s',
  '10m': '8s',
  '30m': '9s',
  '1h': '10s',
  '6h': '12s',
  '3d': '15s',
};
/** Ages that pages wait for, in seconds. */
const AGES: Readonly<Record<string, string>> = { '> 30': '> 3', '> 600': '> 12', '> 10800': '> 90' };
/** Of one process; of several longer than the ops port waits for one that does not answer, which it asks twice for 600 ms. */
const SCRAPE_MS = { one: 500, several: 1_500 } as const;

/** The rules, at another pace. Throws where there is a span that has none here. */
export const scaled = (rules: string): string => {
  const spans = rules.replaceAll(/(?<=\[|for: )(\d+[mhd])\b/g, (span) => {
    const short = SPANS[span];
    if (short === undefined) throw new Error(`no pace for ${span}`);
    return short;
  });
  return Object.entries(AGES).reduce((text, [from, to]) => text.replaceAll(new RegExp(`${from}$`, 'gm'), to), spans);
};

export const alertsIn = (rules: string): string[] =>
  [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

export interface Seen {
  readonly alert: string;
  /** Seconds from the cause to the alert, and from its end to the alert's; undefined where that never came. */
  readonly firedAfterS: number | undefined;
  readonly resolvedAfterS: number | undefined;
  /** Others that fired meanwhile. */
  readonly beside: readonly string[];
}

/** A job that does nothing is late after two minutes; the books are added up once a minute, and seldomer on a busy machine. */
const PATIENCE_MS = 300_000;

/** Causes it, waits for it to fire, ends the cause, and waits for it to end. */
export const seeAlert = async (
  prometheus: Prometheus,
  alert: string,
  cause: () => Promise<() => Promise<void>>,
): Promise<Seen> => {
  const beside = new Set<string>();
  const isFiring = async (): Promise<boolean> => {
    const now = (await prometheus.alerts()).filter(({ state }) => state === 'firing').map(({ name }) => name);
    for (const name of now) if (name !== alert) beside.add(name);
    return now.includes(alert);
  };
  // What an earlier one has left is not caused by this.
  if (!(await until(async () => !(await isFiring()), PATIENCE_MS)))
    return { alert, firedAfterS: undefined, resolvedAfterS: undefined, beside: [...beside] };
  const startedAt = performance.now();
  const end = await cause();
  const fired = await until(isFiring, PATIENCE_MS);
  const firedAt = performance.now();
  await end();
  const endedAt = performance.now();
  const resolved = fired && (await until(async () => !(await isFiring()), PATIENCE_MS));
  return {
    alert,
    firedAfterS: fired ? (firedAt - startedAt) / 1000 : undefined,
    resolvedAfterS: resolved ? (performance.now() - endedAt) / 1000 : undefined,
    beside: [...beside],
  };
};

export interface AlertOptions {
  /** Which of them; one whose cause is not known is not proved. */
  readonly alerts: readonly string[];
  readonly log: (line: string) => void;
}

/** The one that needs another process beside: code is brought into one, and callers would meet either. */
const OF_SEVERAL = 'QuittanceWorkerDoesNotAnswer';

/** Each alert in turn, on a demo with a customer who has money and callers who read. */
export const proveAlerts = async ({ alerts, log }: AlertOptions): Promise<Seen[]> => {
  const alone = alerts.filter((alert) => alert !== OF_SEVERAL);
  const together = alerts.filter((alert) => alert === OF_SEVERAL);
  return [
    ...(together.length > 0 ? await proveOn('2', { alerts: together, log }) : []),
    ...(alone.length > 0 ? await proveOn('1', { alerts: alone, log }) : []),
  ];
};

const proveOn = async (workers: string, { alerts, log }: AlertOptions): Promise<Seen[]> => {
  const service = await startService({ WORKERS: workers });
  const { apiUrl, opsUrl, dataDir, customer } = service;
  const { url: sandboxUrl } = JSON.parse(await readFile(join(dataDir, 'sandbox.json'), 'utf8')) as { url: string };
  const databaseUrl = (await findPostgres(dataDir)).unwrapOr(undefined);
  // Asked anew each time: a worker that ended is another process then.
  const find = (): Promise<Demo> => findDemo({ apiUrl, opsUrl, sandboxUrl, dataDir });
  const machine: Machine = {
    pid: service.pid,
    query: async (sql) => {
      const client = new pg.Client(databaseUrl);
      await client.connect();
      return client.query(sql).finally(() => client.end());
    },
    deafen: service.deafen,
  };
  const scrapeMs = workers === '1' ? SCRAPE_MS.one : SCRAPE_MS.several;
  const prometheus = await startPrometheus({ opsUrl, key: DEMO_KEYS.oncall, scrapeMs, pace: scaled });
  const read = async (): Promise<void> => {
    const reply = await fetch(`${apiUrl}/v1/customers/${customer}/balance?currency=usd`, {
      headers: { Authorization: 'Bearer sk_test_demo' },
      signal: AbortSignal.timeout(5_000),
    });
    await reply.arrayBuffer();
  };
  const stopReading = repeat(read, 50);
  const seen: Seen[] = [];
  try {
    const demo = await find();
    await demo.post('/v1/payments', {
      customer,
      amount: 1000,
      currency: 'usd',
      payment_method: 'pm_card_visa',
      confirm: true,
    });
    for (const alert of alerts) {
      const cause = CAUSES[alert];
      if (!cause) continue;
      const one = await seeAlert(prometheus, alert, async () => cause(await find(), machine));
      seen.push(one);
      log(lineOf(one));
    }
  } finally {
    await stopReading();
    await prometheus.stop();
    await service.stop();
  }
  return seen;
};

const lineOf = ({ alert, firedAfterS, resolvedAfterS, beside }: Seen): string => {
  const fired = firedAfterS === undefined ? 'DID NOT FIRE' : `fired after ${firedAfterS.toFixed(1)} s`;
  const ended =
    firedAfterS === undefined
      ? ''
      : resolvedAfterS === undefined
        ? ', DID NOT END'
        : `, ended ${resolvedAfterS.toFixed(1)} s after its cause`;
  const others = beside.length === 0 ? '' : `; beside it ${beside.join(', ')}`;
  return `${alert.padEnd(30)}${fired}${ended}${others}`;
};

const USAGE = `
npm run proof:alerts -- [options]

Causes each alert on a service, with Prometheus itself and its rules at another pace, and sees it fire and end. It needs
prometheus (Debian's will do).

  --alert NAME    only this one; may be repeated (all)
  --calm MINUTES  the other way round: the mixed load for so long, the rules as they are, and none may fire
  --rate 300      requests a second of that load
`;

const main = async (): Promise<void> => {
  const { alert, calm, rate } = commandLine(USAGE, {
    alert: { type: 'string', multiple: true },
    calm: { type: 'string' },
    rate: { type: 'string', default: '300' },
  });
  const known = Object.keys(CAUSES);
  const wanted = alert?.map((name) => oneOf('--alert', name, known)) ?? known;
  if (!(await hasPrometheus())) {
    console.log('SKIPPED: the alerts need prometheus, which is not on this machine. NOTHING WAS PROVED.');
    return;
  }
  const holds = calm === undefined ? await causeAll(wanted) : await staysCalm(count('calm', calm), count('rate', rate));
  process.exitCode = holds ? 0 : 1;
};

const causeAll = async (wanted: readonly string[]): Promise<boolean> => {
  const seen = await proveAlerts({ alerts: wanted, log: console.log });
  const bad = seen.filter(
    ({ firedAfterS, resolvedAfterS }) => firedAfterS === undefined || resolvedAfterS === undefined,
  );
  console.log(bad.length === 0 ? `all ${seen.length} fired and ended` : `${bad.length} of ${seen.length} failed`);
  return bad.length === 0;
};

const staysCalm = async (minutes: number, ratePerS: number): Promise<boolean> => {
  const figures = await proveCalm({ minutes, ratePerS, log: console.log });
  const { sent, p50Ms, p99Ms, errors, fired, pending, sees } = figures;
  console.log(`${sent} requests in ${minutes} minutes, P50 ${p50Ms.toFixed(1)}, P99 ${p99Ms.toFixed(1)} ms, ${errors} errors
fired: ${fired.join(', ') || 'none'}; might have: ${pending.join(', ') || 'none'}
one that was caused in the end ${sees ? 'was seen' : 'WAS NOT SEEN: nothing was proved'}`);
  return fired.length === 0 && errors === 0 && sees;
};

if (import.meta.main) await main();
