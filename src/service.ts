/** The service, put together: database, ledger, cards, sweeper, API and ops port. */
import { createServer as createHttpServer, type Server } from 'node:http';
import { okAsync, ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { seedDemo } from './demo.ts';
import { systemClock, type Clock } from './domain/time.ts';
import { createAuthenticate } from './http/authenticate.ts';
import type { RequestRecord } from './http/record.ts';
import { createMetrics, type Metrics } from './monitor/metrics.ts';
import { startOps, type Ops, type Snapshot } from './monitor/ops.ts';
import { startSweeper, type Sweeper } from './payments/recover.ts';
import { createServer } from './server.ts';
import { createCommitter } from './storage/commit.ts';
import { openDatabase, type Database } from './storage/database.ts';
import { createKeys, type Keys } from './storage/keys.ts';
import { createLeases } from './storage/leases.ts';
import { createReads } from './storage/reads.ts';
import { connectStripe, createCards } from './stripe/cards.ts';
import { createWebhooks } from './storage/webhooks.ts';
import { startDeliverer, type Deliverer } from './webhooks/deliver.ts';
import { createSend } from './webhooks/send.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly stripe: { readonly secretKey: string; readonly apiBase: string | undefined };
  readonly log: Logger;
  /** The machine's own, unless a test moves it. */
  readonly clock?: Clock;
}

export interface Listening {
  readonly apiUrl: string;
  readonly opsUrl: string;
  /** Whom the printed curl charges; undefined where there are no demo keys. */
  readonly demoCustomerId: string | undefined;
}

export interface Service {
  /** Errors: why it could not listen, in one line. */
  readonly listen: () => ResultAsync<Listening, string>;
  /** Stops accepting, finishes what is in flight, and closes; what is not done by then is cut off. */
  readonly close: (deadlineMs: number) => ResultAsync<void, string>;
}

/** Slow-loris clients are cut: a request has this long to arrive. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than a proxy in front keeps a connection, so that the proxy closes it first. */
const KEEP_ALIVE_MS = 75_000;

export const createService = ({ config, databaseUrl, stripe, log, clock = systemClock() }: ServiceOptions): Service => {
  const { min: poolMin, max: poolMax, acquireTimeoutMs } = config.pool;
  const database = openDatabase({ url: databaseUrl, poolMin, poolMax, acquireTimeoutMs, log });
  const metrics = createMetrics(database.stats);
  const keys = createKeys(database.pool);
  const { commit } = createCommitter({ database, clock, log, observe: (batch) => metrics.batch('commit', batch) });
  const ctx: Context = {
    commit,
    reads: createReads(database.pool, (batch) => metrics.batch('balance', batch)),
    leases: createLeases(database.pool),
    cards: createCards(connectStripe(stripe)),
    webhooks: createWebhooks(database.pool),
    isDemo: config.demoKeys,
    clock,
    log,
  };
  const app = createServer({
    ctx,
    authenticate: createAuthenticate(keys, config.demoKeys),
    corsOrigins: config.corsOrigins,
    onEnd: (record, status, durationMs) => logRequest(log, metrics, record, status, durationMs),
  });
  const api = createHttpServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS }, app);

  let sweeper: Sweeper | undefined;
  let deliverer: Deliverer | undefined;
  let ops: Ops | undefined;

  const listen = (): ResultAsync<Listening, string> =>
    seedIfDemo(config, keys, ctx).andThen((demoCustomerId) =>
      startOps({
        host: config.host,
        port: config.opsPort,
        snapshot: () => snapshotOf(metrics, database, keys, sweeper),
        onError: (error) => log.error({ err: error }, 'the ops port is in trouble'),
      }).andThen((started) => {
        ops = started;
        return listenOn(api, config.host, config.port).map((apiUrl) => {
          sweeper = startSweeper(ctx);
          deliverer = startDeliverer(ctx, createSend({ allowPrivate: ctx.isDemo }));
          return { apiUrl, opsUrl: started.url, demoCustomerId };
        });
      }),
    );

  const close = (deadlineMs: number): ResultAsync<void, string> =>
    ResultAsync.fromPromise(
      (async () => {
        await Promise.all([drain(api, deadlineMs), sweeper?.stop(), deliverer?.stop()]);
        await ops?.close();
        await database.close();
      })(),
      String,
    );

  return { listen, close };
};

const seedIfDemo = (config: Config, keys: Keys, ctx: Context): ResultAsync<string | undefined, string> =>
  config.demoKeys
    ? seedDemo(keys, ctx).mapErr(({ message }) => `the demo could not be seeded: ${message}`)
    : okAsync(undefined);

const listenOn = (server: Server, host: string, port: number): ResultAsync<string, string> =>
  ResultAsync.fromPromise(
    new Promise<string>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        const address = server.address();
        resolve(`http://${host}:${typeof address === 'object' && address ? address.port : port}`);
      });
    }),
    (error) => `port ${port} could not be opened: ${error instanceof Error ? error.message : String(error)}`,
  );

/** Waits for the requests in flight; after the deadline their connections are cut. */
const drain = (server: Server, deadlineMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });

/** One line for each request: ids, never a body. */
const logRequest = (log: Logger, metrics: Metrics, record: RequestRecord, status: number, durationMs: number): void => {
  metrics.request(record.method, record.route, status, durationMs);
  if (record.error) metrics.error(record.error.code);
  log.info(
    {
      'http.request.method': record.method,
      'http.route': record.route,
      'http.response.status_code': status,
      duration_ms: Math.round(durationMs * 100) / 100,
      'request.id': record.requestId,
      merchant: record.merchant,
      code: record.error?.code,
      payment: record.error?.payment,
    },
    'request',
  );
};

/** A sweeper that has not come round for this long is stuck: it should every two seconds. */
const snapshotOf = async (
  metrics: Metrics,
  database: Database,
  keys: Keys,
  sweeper: Sweeper | undefined,
): Promise<Snapshot> => {
  const hashes = await keys.oncallHashes();
  return {
    metrics: await metrics.registry.metrics(),
    checks: {
      database: hashes.match(
        () => ({ ok: true, detail: 'answers' }),
        (error) => ({ ok: false, detail: error.message }),
      ),
      sweeper: sweeper ? { ok: true, detail: 'runs' } : { ok: false, detail: 'has not begun' },
      pool: { ok: true, detail: `${database.stats().waiting} wait for a connection` },
    },
    keyHashes: hashes.unwrapOr([]),
  };
};
