/** That no alert fires while nothing is wrong: the rules as they are, before a service under the mixed load. */
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorsOf, runLoad } from '../../scripts/bench/run-load.ts';
import { mixedArgs } from '../../scripts/bench/scenarios.ts';
import { startOwn } from '../../scripts/bench/subject.ts';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { until } from '../../src/platform/process.ts';
import { createWorld } from '../support/world.ts';
import { CONTRADICTED } from './alert-causes.ts';
import { startPrometheus, type Alert } from './prometheus.ts';

export interface CalmOptions {
  readonly minutes: number;
  readonly ratePerS: number;
  readonly log: (line: string) => void;
}

export interface CalmFigures {
  readonly sent: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  /** Names of those that fired, and of those that would have if it had gone on. */
  readonly fired: readonly string[];
  readonly pending: readonly string[];
  /** Whether an alert was caused in the end, and seen: a Prometheus that sees nothing sees no alert either. */
  readonly sees: boolean;
}

/** As Prometheus has it unless it is told otherwise, more or less; four of these are in the shortest span of the rules. */
const SCRAPE_MS = 15_000;
const LOOK_EVERY_MS = 5_000;
const SEEN_WITHIN_MS = 120_000;
const CONNECTIONS = '64';

export const proveCalm = async ({ minutes, ratePerS, log }: CalmOptions): Promise<CalmFigures> => {
  const world = await createWorld();
  const startedAt = performance.now();
  const tell = (line: string): void => log(`${((performance.now() - startedAt) / 60_000).toFixed(1)} min  ${line}`);
  try {
    const own = await startOwn(world);
    const prometheus = await startPrometheus({ opsUrl: own.opsUrl, key: DEMO_KEYS.oncall, scrapeMs: SCRAPE_MS });
    try {
      const seen = new Map<string, Alert>();
      const over = new AbortController();
      const watching = watch(prometheus.alerts, over.signal, (alert, isNew) => {
        seen.set(`${alert.name} ${alert.state}`, alert);
        tell(`${isNew ? '' : 'no longer '}${alert.state} ${alert.name}: ${alert.summary}`);
      });
      const duration = String(minutes * 60);
      const report = await runLoad(own, {
        args: [...mixedArgs(ratePerS), '--duration', duration, '--connections', CONNECTIONS],
      });
      over.abort();
      await watching;
      const db = new pg.Client(world.databaseUrl);
      await db.connect();
      await db.query(CONTRADICTED).finally(() => db.end());
      const sees = await until(
        async () => (await prometheus.alerts()).some(({ name }) => name === 'QuittanceContradictions'),
        SEEN_WITHIN_MS,
      );
      const namesOf = (state: Alert['state']): string[] => [
        ...new Set([...seen.values()].filter((alert) => alert.state === state).map(({ name }) => name)),
      ];
      return {
        sent: report.all.sent,
        p50Ms: report.all.p50_ms,
        p99Ms: report.all.p99_ms,
        errors: errorsOf(report),
        fired: namesOf('firing'),
        pending: namesOf('pending'),
        sees,
      };
    } finally {
      await prometheus.stop();
    }
  } finally {
    await world.close();
  }
};

/** Tells of each alert that comes, and of each that goes. */
const watch = async (
  alerts: () => Promise<readonly Alert[]>,
  signal: AbortSignal,
  onChange: (alert: Alert, isNew: boolean) => void,
): Promise<void> => {
  let before = new Map<string, Alert>();
  while (!signal.aborted) {
    const now = new Map((await alerts()).map((alert) => [`${alert.name} ${alert.state}`, alert]));
    for (const [key, alert] of now) if (!before.has(key)) onChange(alert, true);
    for (const [key, alert] of before) if (!now.has(key)) onChange(alert, false);
    before = now;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
};
