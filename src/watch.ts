/** What tells how the service is: its metrics, its health, and the monitor of the event loop with the ops port. */
import type { ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { createHealth } from './health.ts';
import type { JobAge } from './jobs/runner.ts';
import type { Admission } from './monitor/admission.ts';
import { createMetrics, type Metrics } from './monitor/metrics.ts';
import { startMonitor, type Monitor } from './monitor/monitor.ts';
import { runbookAt } from './monitor/runbook.ts';
import type { Parts } from './parts.ts';

export interface WatchOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Of several processes: where its part of the ops port is, and what opens it to the one that adds them up. */
  readonly ops?: { readonly host: string; readonly port: number; readonly secret: string };
  /** Where the monitor's thread writes its lines, which does not share `log`; standard output by itself. */
  readonly stallLinesFd?: number;
}

export interface Watch {
  readonly metrics: Metrics;
  /** Where lines of the log lead; before the ops port is open, as if it were at its usual place. */
  readonly runbookUrl: () => string;
  /** Opens the ops port; answers its URL. Errors: why it could not, in one line. */
  readonly start: () => ResultAsync<string, string>;
  /** The API listens there: the ops port is told at once, and not within two seconds. */
  readonly listens: (apiUrl: string) => void;
  /** From now on no request should be sent here. */
  readonly tellStop: () => void;
  readonly close: () => Promise<void>;
}

export const createWatch = (
  { config, log, ops, stallLinesFd }: WatchOptions,
  { ctx, database, keys, clocks, waiting, probe }: Parts,
  admission: Admission,
  jobs: () => readonly JobAge[],
): Watch => {
  let monitor: Monitor | undefined;
  let apiUrl: string | undefined;
  const inflight = (): number => Object.values(admission.inflight()).reduce((sum, count) => sum + count, 0);
  const health = createHealth({
    ...{ ctx, clocks, config, database, keys, probe, admission, jobs },
    booksHold: () => metrics.booksHold(),
    consoleUrl: () => config.consoleUrl ?? (apiUrl && `${apiUrl}/console`),
  });
  const metrics = createMetrics({
    ...{ pool: database.stats, inflight: admission.inflight, waiting, clocks: clocks.aheadS, stripe: ctx.breaker },
    ...{ unknown: health.unknown, contradictions: health.contradictions, jobs },
    lag: () => monitor?.lag(),
  });
  const refresh = (): void => monitor?.refresh();
  return {
    metrics,
    runbookUrl: () => config.runbookUrl ?? runbookAt(monitor?.url ?? 'http://127.0.0.1'),
    start: () =>
      startMonitor({
        ...(ops ?? { host: config.host, port: config.opsPort }),
        ...{ tiers: config.stalls, logLevel: config.logLevel, runbookUrl: config.runbookUrl, linesFd: stallLinesFd },
        ...{ inflight, snapshot: health.look, metrics: metrics.json, onGc: metrics.gc, onPressure: admission.feel },
        live: () => ({
          inflight: inflight(),
          waiting: { commit: waiting(), pool: database.stats().waiting },
          shed: admission.shed(),
          spent: metrics.spent(),
          calls: metrics.takeCalls(),
        }),
        warn: (fields, message) => log.warn(fields, message),
      }).map((started) => {
        monitor = started;
        return started.url;
      }),
    listens: (url) => {
      apiUrl = url;
      refresh();
    },
    tellStop: () => {
      health.stop();
      refresh();
    },
    close: async () => monitor?.close(),
  };
};
