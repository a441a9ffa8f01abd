/**
 * The proof that every alert fires when what it is for has happened, and ends when that is over: Prometheus itself scrapes
 * the service, with the rules as they are but for time, which runs some sixty times as fast in them.
 *
 *   npm run proof:alerts -- [--alert NAME]
 */
import { execFile, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findPostgres } from '../../src/platform/postgres.ts';
import { until } from '../../src/platform/process.ts';
import { commandLine, oneOf } from '../../scripts/command-line.ts';
import { findDemo, type Demo } from '../../scripts/drill/demo.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { CAUSES, type Machine } from './alert-causes.ts';
import { repeat } from './repeat.ts';
import { startService } from './stalls/service.ts';
import { freePort } from '../support/world.ts';

const RULES = new URL('../../scripts/ops/rules.yml', import.meta.url);
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

export interface Prometheus {
  /** The alerts that fire. */
  readonly firing: () => Promise<readonly string[]>;
  readonly value: (query: string) => Promise<number | undefined>;
  readonly stop: () => Promise<void>;
}

/** Scrapes that ops port with that key, by the scaled rules. */
export const startPrometheus = async (opsUrl: string, key: string, scrapeMs: number): Promise<Prometheus> => {
  const folder = await createTempDir('prometheus');
  const port = await freePort();
  const pace = `${scrapeMs}ms`;
  const config = {
    global: { scrape_interval: pace, scrape_timeout: pace, evaluation_interval: pace },
    rule_files: ['rules.yml'],
    scrape_configs: [
      {
        job_name: 'quittance',
        authorization: { credentials: key },
        static_configs: [{ targets: [new URL(opsUrl).host] }],
      },
    ],
  };
  await writeFile(join(folder, 'rules.yml'), scaled(await readFile(RULES, 'utf8')));
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const gone = new Promise((settle) => child.once('exit', settle));
  const url = `http://127.0.0.1:${port}`;
  const read = async (path: string): Promise<unknown> =>
    ((await (await fetch(url + path)).json()) as { data: unknown }).data;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  const isReady = await until(
    () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    20_000,
  );
  if (!isReady) {
    await stop();
    throw new Error('Prometheus did not start');
  }
  return {
    firing: async () => {
      const { alerts } = (await read('/api/v1/alerts')) as {
        alerts: { state: string; labels: { alertname: string } }[];
      };
      return [...new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname))];
    },
    value: async (query) => {
      const { result } = (await read(`/api/v1/query?query=${encodeURIComponent(query)}`)) as {
        result: { value: [number, string] }[];
      };
      const [first] = result;
      return first && Number(first.value[1]);
    },
    stop,
  };
};

export interface Seen {
  readonly alert: string;
  /** Seconds from the cause to the alert, and from its end to the alert's; undefined where that never came. */
  readonly firedAfterS: number | undefined;
  readonly resolvedAfterS: number | undefined;
  /** Others that fired meanwhile. */
  readonly beside: readonly string[];
}

/** The books are added up once a minute, and seldomer on a busy machine. */
const PATIENCE_MS = 180_000;

/** Causes it, waits for it to fire, ends the cause, and waits for it to end. */
export const seeAlert = async (
  prometheus: Prometheus,
  alert: string,
  cause: () => Promise<() => Promise<void>>,
): Promise<Seen> => {
  const beside = new Set<string>();
  const isFiring = async (): Promise<boolean> => {
    const now = await prometheus.firing();
    for (const name of now) if (name !== alert) beside.add(name);
    return now.includes(alert);
  };
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

export const hasPrometheus = (): Promise<boolean> =>
  promisify(execFile)('prometheus', ['--version']).then(
    () => true,
    () => false,
  );

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
  const prometheus = await startPrometheus(opsUrl, 'ok_test_demo', workers === '1' ? SCRAPE_MS.one : SCRAPE_MS.several);
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

  --alert NAME  only this one; may be repeated (all)
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, { alert: { type: 'string', multiple: true } });
  const known = Object.keys(CAUSES);
  const wanted = values.alert?.map((name) => oneOf('--alert', name, known)) ?? known;
  if (!(await hasPrometheus())) {
    console.log('SKIPPED: the alerts need prometheus, which is not on this machine. NOTHING WAS PROVED.');
    return;
  }
  const seen = await proveAlerts({ alerts: wanted, log: console.log });
  const bad = seen.filter(
    ({ firedAfterS, resolvedAfterS }) => firedAfterS === undefined || resolvedAfterS === undefined,
  );
  console.log(bad.length === 0 ? `all ${seen.length} fired and ended` : `${bad.length} of ${seen.length} failed`);
  process.exitCode = bad.length === 0 ? 0 : 1;
};

if (import.meta.main) await main();
