/** The service, put together: database, ledger, cards, sweeper, API and ops port. */
import type { Server } from 'node:http';
import { okAsync, ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import { urlOf } from './address.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { seedDemo } from './demo.ts';
import { systemClock, type Clock } from './domain/time.ts';
import type { PaymentError } from './error.ts';
import { createHealth } from './health.ts';
import { createAuthenticate } from './http/authenticate.ts';
import type { RequestRecord } from './http/record.ts';
import { createRefusalLog } from './http/refusals.ts';
import { createMetrics, type Metrics } from './monitor/metrics.ts';
import { limitRate } from './http/rate-limit.ts';
import { createAdmission, createSeenKeys, retryAfterS } from './monitor/admission.ts';
import { isRequest, runJob } from './monitor/context.ts';
import { startMonitor, type Monitor } from './monitor/monitor.ts';
import { runbookAt } from './monitor/runbook.ts';
import { startBalance, type BalanceReader } from './payments/balance.ts';
import { startInbox, startPolling } from './payments/inbox.ts';
import { startOrphanSweep } from './payments/orphans.ts';
import { startPayouts } from './payments/payouts.ts';
import { startPruner } from './payments/prune.ts';
import { startSweeper } from './payments/recover.ts';
import { startRounds, type Rounds } from './payments/rounds.ts';
import { createServer, type ServerLimits } from './server.ts';
import { createClocks, startClock } from './clocks.ts';
import { createDatabaseClock } from './storage/clock.ts';
import { createContradictions } from './storage/contradictions.ts';
import { createBalances } from './storage/balance.ts';
import { createCommitter } from './storage/commit.ts';
import { openDatabase, type Database } from './storage/database.ts';
import { createKeys, type Keys } from './storage/keys.ts';
import { createLeases } from './storage/leases.ts';
import { createInbox } from './storage/inbox.ts';
import { createIntents } from './storage/intents.ts';
import { findUnbalanced } from './storage/proof.ts';
import { createPruner } from './storage/prune.ts';
import { createReads } from './storage/reads.ts';
import { createTurns } from './storage/turns.ts';
import { createWebhooks } from './storage/webhooks.ts';
import { createBalance } from './stripe/balance.ts';
import { createBreaker } from './stripe/breaker.ts';
import { createCards, type Cards } from './stripe/cards.ts';
import { connectStripe } from './stripe/connection.ts';
import { createEvents } from './stripe/events.ts';
import { startDeliverer, type Deliverer } from './webhooks/deliver.ts';
import { createSend } from './webhooks/send.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly stripe: {
    readonly secretKey: string;
    readonly apiBase: string | undefined;
    readonly webhookSecrets: readonly string[];
  };
  /** Other processes listen on the same port. */
  readonly sharePort?: boolean;
  /** Of several processes, the one that does what one is enough for. */
  readonly isFirst?: boolean;
  /** Of several processes: where its part of the ops port is, and what opens it to the one that adds them up. */
  readonly ops?: { readonly host: string; readonly port: number; readonly secret: string };
  /** Told what that sandbox signs them with. */
  readonly onWebhookSecret?: (secret: string) => void;
  readonly log: Logger;
  /** Where the monitor's thread writes its lines, which does not share `log`; standard output by itself. */
  readonly stallLinesFd?: number;
  /** The machine's own, unless a test moves it. */
  readonly clock?: Clock;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** For a proof, which takes a safeguard out to see whether it is missed. */
  readonly alter?: (right: Context) => Context;
}

export interface Listening {
  readonly apiUrl: string;
  readonly opsUrl: string;
  /** Whom the printed curl charges; undefined where there are no demo keys. */
  readonly demoCustomerId?: string | undefined;
}

export interface Service {
  /** Errors: why it could not listen, in one line. */
  readonly listen: () => ResultAsync<Listening, string>;
  /** From now on, webhooks that are signed with it are taken too. */
  readonly acceptWebhookSecret: (secret: string) => void;
  /** Stops accepting, finishes what is in flight, and closes; what is not done by then is cut off. */
  readonly close: (deadlineMs: number) => ResultAsync<void, string>;
}

export const createService = (options: ServiceOptions): Service => {
  const { config, databaseUrl, stripe, log, isFirst = true, clock: machine = systemClock() } = options;
  const { min: poolMin, max: poolMax, acquireTimeoutMs, isPrepared } = config.pool;
  // Connections outlive the requests that they were opened for: what they do is named by none of those.
  const database = runJob('database', () =>
    openDatabase({
      url: databaseUrl,
      poolMin,
      poolMax,
      acquireTimeoutMs,
      isPrepared,
      log,
      observe: (waitMs, heldMs) => {
        // What lanes and sweepers ask for is asked on behalf of nobody, or counted by the batch.
        if (isRequest()) metrics.connection(waitMs, heldMs);
      },
    }),
  );
  const clock = createDatabaseClock(database.pool, machine);
  const clocks = createClocks(clock);
  let monitor: Monitor | undefined;
  const admission = createAdmission();
  const inflight = (): number => Object.values(admission.inflight()).reduce((sum, count) => sum + count, 0);
  const breaker = createBreaker(log);
  const metrics = createMetrics({
    pool: database.stats,
    inflight: admission.inflight,
    waiting: () => waiting(),
    unknown: () => health.unknown(),
    contradictions: () => health.contradictions(),
    clocks: clocks.aheadS,
    stripe: breaker,
    lag: () => monitor?.lag(),
  });
  const keys = createKeys(database.pool);
  const leases = createLeases(database.pool);
  // A lane runs on behalf of many requests: what it computes is not the work of the one that happened to start it.
  const { commit, waiting, probe } = runJob('commit', () =>
    createCommitter({ database, clock, log, observe: (batch) => metrics.batch('commit', batch) }),
  );
  const turns = createTurns(poolMax);
  const stripeClient = connectStripe({ ...stripe, onTime: clocks.onStripeTime });
  const fault = (error: unknown): void => {
    log.error({ err: error }, 'a fault: something threw that may not');
    metrics.fault();
  };
  const made: Context = {
    commit,
    reads: runJob('balances', () => createReads(database.pool, turns, (batch) => metrics.batch('balance', batch))),
    leases,
    cards: measured(createCards(stripeClient, breaker), metrics),
    breaker,
    stripeEvents: createEvents(stripeClient, breaker, stripe.webhookSecrets),
    inbox: createInbox(database.pool),
    intents: createIntents(database.pool),
    stripeBalance: createBalance(stripeClient, breaker),
    balances: createBalances(database.pool),
    contradictions: createContradictions(database.pool, turns),
    webhooks: createWebhooks(database.pool, turns),
    isDemo: config.demoKeys,
    clock,
    clocks,
    log,
    fault,
  };
  const ctx = options.alter?.(made) ?? made;
  const health = createHealth({ ctx, clocks, config, database, keys, probe, admission, sweeper: () => sweeper });
  const runbookUrl = (): string => config.runbookUrl ?? runbookAt(monitor?.url ?? 'http://127.0.0.1');
  const tellRefusal = createRefusalLog(log, runbookUrl);
  const { server: api, drain } = createServer({
    ctx,
    authenticate: limitRate(
      createAuthenticate(keys, config.demoKeys, config.corsOrigins),
      // A merchant's requests come to all of them.
      Math.ceil(config.rateLimitPerS / config.workers),
    ),
    corsOrigins: config.corsOrigins,
    onStripeEvent: () => {
      inbox?.wake();
      balance?.expect();
    },
    admission,
    limits: options.limits,
    seen: createSeenKeys(),
    retryAfterS,
    onShed: (reason, serviceClass) => {
      metrics.shed(reason, serviceClass);
      tellRefusal(serviceClass);
    },
    onEnd: (record, status, durationMs) => logRequest(log, metrics, runbookUrl, record, status, durationMs),
  });

  let ticking: Rounds | undefined;
  let sweeper: Rounds | undefined;
  let inbox: Rounds | undefined;
  let polling: Rounds | undefined;
  let orphans: Rounds | undefined;
  let balance: BalanceReader | undefined;
  let payouts: Rounds | undefined;
  let deliverer: Deliverer | undefined;
  let bookkeeper: Rounds | undefined;
  let pruner: Rounds | undefined;

  const startWhatOneIsEnoughFor = (apiUrl: string): void => {
    // A sandbox is told to send its webhooks here.
    if (config.stripe.kind === 'sandbox') void registerWebhook(ctx, apiUrl, options.onWebhookSecret);
    bookkeeper = runJob('books', () => startBookkeeper(database, metrics, ctx));
    pruner = runJob('prune', () => startPruner(ctx, createPruner(database.pool, config.retention), metrics.pruned));
  };

  const listen = (): ResultAsync<Listening, string> =>
    // A database that does not answer yet is told by /readyz: until then it is this machine's time.
    clock
      .sync()
      .orElse(() => okAsync(undefined))
      .andThen(() =>
        seedIfDemo(config, keys, ctx).andThen((demoCustomerId) =>
          startMonitor({
            ...(options.ops ?? { host: config.host, port: config.opsPort }),
            tiers: config.stalls,
            logLevel: config.logLevel,
            linesFd: options.stallLinesFd,
            runbookUrl: config.runbookUrl,
            inflight,
            live: () => ({
              inflight: inflight(),
              waiting: { commit: waiting(), pool: database.stats().waiting },
              shed: admission.shed(),
              spent: metrics.spent(),
              calls: metrics.takeCalls(),
            }),
            snapshot: health.look,
            metrics: metrics.json,
            onGc: metrics.gc,
            onPressure: admission.feel,
            warn: (fields, message) => log.warn(fields, message),
          }).andThen((started) => {
            monitor = started;
            return listenOn(api, { host: config.host, port: config.port, reusePort: options.sharePort ?? false }).map(
              (apiUrl) => {
                ticking = runJob('clock', () => startClock(clock, clocks, log, fault));
                sweeper = runJob('sweeper', () => startSweeper(ctx));
                inbox = runJob('inbox', () => startInbox(ctx));
                polling = runJob('polling', () => startPolling(ctx, () => inbox?.wake()));
                orphans = runJob('orphans', () => startOrphanSweep(ctx));
                balance = runJob('balance', () => startBalance(ctx));
                payouts = runJob('payouts', () => startPayouts(ctx));
                deliverer = runJob('webhooks', () => startDeliverer(ctx, createSend({ allowPrivate: ctx.isDemo })));
                if (isFirst) startWhatOneIsEnoughFor(apiUrl);
                started.refresh();
                return { apiUrl, opsUrl: started.url, demoCustomerId };
              },
            );
          }),
        ),
      );

  const close = (deadlineMs: number): ResultAsync<void, string> =>
    ResultAsync.fromPromise(
      (async () => {
        // Whoever asks whether to send requests here is told not to, before the last of them are answered.
        health.stop();
        monitor?.refresh();
        // Adding up the books may take minutes, and is not waited for.
        void bookkeeper?.stop();
        const rounds = [ticking, sweeper, inbox, polling, orphans, balance, payouts, deliverer, pruner];
        await Promise.all([drain(deadlineMs), ...rounds.map((one) => one?.stop())]);
        await monitor?.close();
        await database.close();
      })(),
      String,
    );

  return { listen, acceptWebhookSecret: ctx.stripeEvents.accept, close };
};

/** A sandbox is told where to send its webhooks; what it could not be told is read from its list. */
const registerWebhook = (
  ctx: Context,
  apiUrl: string,
  onSecret: (secret: string) => void = () => undefined,
): Promise<void> =>
  ctx.stripeEvents.register(`${apiUrl}/webhooks/stripe`).match(
    (secret) => {
      if (secret === undefined) return;
      ctx.stripeEvents.accept(secret);
      onSecret(secret);
    },
    (error) => ctx.log.debug({ err: error.cause }, 'this endpoint takes no webhooks: its list of events is read'),
  );

const seedIfDemo = (config: Config, keys: Keys, ctx: Context): ResultAsync<string | undefined, string> =>
  config.demoKeys
    ? seedDemo(keys, ctx).mapErr(({ message }) => `the demo could not be seeded: ${message}`)
    : okAsync(undefined);

/**
 * Connections that wait to be accepted while the loop is late. Node's 511 were too few for a burst of them: the kernel
 * drops what is beyond, and its caller tries again after one second, three, seven, and so on.
 */
const BACKLOG = 4_096;

const listenOn = (
  server: Server,
  { host, port, reusePort }: { readonly host: string; readonly port: number; readonly reusePort: boolean },
): ResultAsync<string, string> =>
  ResultAsync.fromPromise(
    new Promise<string>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, reusePort, backlog: BACKLOG }, () => {
        const address = server.address();
        resolve(urlOf(host, typeof address === 'object' && address ? address.port : port));
      });
    }),
    (error) => `port ${port} could not be opened: ${error instanceof Error ? error.message : String(error)}`,
  );

/** One line for each request: ids, never a body. What failed on our side, or on Stripe's, stands out. */
const logRequest = (
  log: Logger,
  metrics: Metrics,
  runbookUrl: () => string,
  record: RequestRecord,
  status: number,
  durationMs: number,
): void => {
  metrics.request(record.method, record.route, status, durationMs);
  if (record.error) metrics.error(record.error.code);
  log[status >= 500 ? 'warn' : 'info'](
    {
      'http.request.method': record.method,
      'http.route': record.route,
      'http.response.status_code': status,
      duration_ms: Math.round(durationMs * 100) / 100,
      'request.id': record.requestId,
      merchant: record.merchant,
      code: record.error?.code,
      payment: record.error?.payment,
      runbook_url: status >= 500 && record.error ? `${runbookUrl()}#${record.error.code}` : undefined,
    },
    'request',
  );
};

/** Every call to Stripe is timed, and every attempt counted by what came of it. */
const measured = (cards: Cards, metrics: Metrics): Cards => {
  const timed = <T, E extends PaymentError>(operation: string, call: () => ResultAsync<T, E>): ResultAsync<T, E> => {
    const startedAt = performance.now();
    const stop = (result: string): void => metrics.stripeCall(operation, result, performance.now() - startedAt);
    return call()
      .andTee(() => stop('ok'))
      .orTee(({ code }) => stop(code));
  };
  return {
    send: (payment, attempt, nth) =>
      timed(attempt.kind, () => cards.send(payment, attempt, nth))
        .andTee(({ outcome, refusal }) =>
          metrics.payment(outcome, refusal ? (refusal.declineCode ?? refusal.code) : 'none'),
        )
        .orTee(({ code }) => metrics.payment('unknown', code)),
    find: (payment, attempt) => timed('find', () => cards.find(payment, attempt)),
    refund: (payment, attempt, nth) => timed('refund', () => cards.refund(payment, attempt, nth)),
    findRefund: (payment, attempt) => timed('find refund', () => cards.findRefund(payment, attempt)),
    ping: () => timed('ping', cards.ping),
  };
};

const BOOKS_EVERY_MS = 60_000;
/** It reads every account. The more there are the seldomer, so that it takes a hundredth of a core; but once in an hour. */
const BOOKS_REST = 100;
const BOOKS_REST_MAX_MS = 3_600_000;

/** Adds the books up now and then, so that a ledger which made or lost money pages someone. */
const startBookkeeper = (database: Database, metrics: Metrics, { log, fault }: Context): Rounds => {
  let restUntil = 0;
  return startRounds(
    async () => {
      const startedAt = performance.now();
      if (startedAt < restUntil) return 'done';
      await findUnbalanced(database).match(
        (unbalanced) => {
          metrics.books(unbalanced.length === 0);
          const endedAt = performance.now();
          restUntil = endedAt + Math.min((endedAt - startedAt) * BOOKS_REST, BOOKS_REST_MAX_MS);
          for (const where of unbalanced) log.error(where, "a merchant's debits and credits differ");
        },
        // However long that took, it is tried again with the next round.
        (error) => log.warn({ err: error }, 'the books could not be added up'),
      );
      return 'done';
    },
    BOOKS_EVERY_MS,
    fault,
  );
};
