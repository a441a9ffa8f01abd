/**
 * The monitor for any other Express application, in one line before all other middleware and its routes:
 *
 *     app.use(eventLoopMonitor({ port: 9464 }));
 *
 * `http://127.0.0.1:9464` then answers /livez, /readyz, /metrics, /stalls, /verdict and the live page, whether the
 * event loop is blocked or not, and stalls are told on standard output. Background work is named by
 * `runJob('name', work)`.
 */
import type { Request, RequestHandler } from 'express';
import { runWork, type RequestWork, type Work } from './context.ts';
import { createMetrics } from './metrics.ts';
import { startMonitor, type Monitor } from './monitor.ts';
import type { Economics } from './ops.ts';
import type { Tiers } from './sample.ts';

export interface EventLoopMonitorOptions {
  /** The ops port; 0 is any that is free. */
  readonly port: number;
  readonly host?: string;
  readonly tiers?: Tiers;
  readonly logLevel?: string;
  readonly runbookUrl?: string;
  readonly economics?: Partial<Economics>;
  /** Called when the ops port listens, or with why it cannot; by default a sentence on standard error. */
  readonly onStarted?: (monitor: Monitor) => void;
  readonly onError?: (message: string) => void;
}

const TIERS: Tiers = { metricMs: 50, warnMs: 100, errorMs: 500, fatalMs: 5_000 };
const complain = (message: string): void => void process.stderr.write(`event-loop monitor: ${message}\n`);

/** Starts the monitor, and follows each request. Never keeps a request or the process from going on. */
export const eventLoopMonitor = (options: EventLoopMonitorOptions): RequestHandler => {
  const {
    port,
    host = '127.0.0.1',
    tiers = TIERS,
    logLevel = 'info',
    onStarted,
    onError = complain,
    ...rest
  } = options;
  let inflight = 0;
  let monitor: Monitor | undefined;
  const nothing = { total: 0, idle: 0, waiting: 0 };
  const metrics = createMetrics({
    pool: () => nothing,
    inflight: () => ({ all: inflight }),
    waiting: () => 0,
    unknown: () => undefined,
    contradictions: () => undefined,
    jobs: () => [],
    clocks: () => ({}),
    stripe: undefined,
    lag: () => monitor?.lag(),
  });
  void startMonitor({
    ...rest,
    host,
    port,
    tiers,
    logLevel,
    inflight: () => inflight,
    live: () => ({
      inflight,
      waiting: { commit: 0, pool: 0 },
      shed: 0,
      spent: metrics.spent(),
      calls: metrics.takeCalls(),
    }),
    snapshot: undefined,
    metrics: metrics.json,
    onGc: metrics.gc,
    onPressure: () => undefined,
    warn: (fields, message) => complain(`${message} ${JSON.stringify(fields)}`),
  }).match((started) => {
    monitor = started;
    onStarted?.(started);
  }, onError);

  return (request, response, next) => {
    const work: RequestWork = { route: 'unmatched', method: request.method, startedAt: performance.now() };
    inflight++;
    response.once('close', () => {
      inflight--;
      metrics.request(request.method, work.route, response.statusCode, performance.now() - work.startedAt);
    });
    runWork(work, (followed) => {
      followRoute(request, followed, work);
      next();
    });
  };
};

/** Express sets `request.route` when it has matched one: its template is taken at that moment. */
const followRoute = (request: Request, followed: Work, work: Work): void => {
  let matched: { path?: unknown } | undefined;
  Object.defineProperty(request, 'route', {
    configurable: true,
    enumerable: true,
    get: () => matched,
    set: (route: typeof matched) => {
      matched = route;
      // A route of several paths or of an expression has no one template.
      followed.route = typeof route?.path === 'string' ? `${request.baseUrl}${route.path}` : 'unnamed';
      work.route = followed.route;
    },
  });
};
