/** The service, put together: what operations are given, jobs, API and ops port. */
import { ok, okAsync, ResultAsync, safeTry } from 'neverthrow';
import type { Context } from './context.ts';
import { checkoutOf, registerWebhook, seedIfDemo } from './demo.ts';
import { systemClock, type Clock } from './domain/time.ts';
import { createAuthenticate } from './http/authenticate.ts';
import { limitRate } from './http/rate-limit.ts';
import { createRefusalLog } from './http/refusals.ts';
import { createRequestLog } from './http/request-log.ts';
import { leadTo } from './log.ts';
import { createLead } from './monitor/runbook.ts';
import { createJobs } from './jobs/list.ts';
import { createRunner } from './jobs/runner.ts';
import { createAdmission, createSeenKeys, retryAfterS } from './monitor/admission.ts';
import { createParts, type PartsOptions } from './parts.ts';
import { createBalanceReader } from './payments/balance.ts';
import { createServer, listenOn, type ServerLimits } from './server.ts';
import { createErasures } from './storage/erasures.ts';
import { createPruner } from './storage/prune.ts';
import { createWatch, type WatchOptions } from './watch.ts';
import { createSend } from './webhooks/send.ts';

export interface ServiceOptions extends PartsOptions, WatchOptions {
  readonly config: WatchOptions['config'];
  readonly log: WatchOptions['log'];
  /** Other processes listen on the same port. */
  readonly sharePort?: boolean;
  /** Of several processes, the one that does what one is enough for. */
  readonly isFirst?: boolean;
  /** Told what that sandbox signs them with. */
  readonly onWebhookSecret?: (secret: string) => void;
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
  const { config, log, isFirst = true, clock: machine = systemClock() } = options;
  const made = createParts(options, machine, () => watch.metrics);
  const ctx = options.alter?.(made.ctx) ?? made.ctx;
  const { database, clock, clocks } = made;
  const balance = createBalanceReader(clock);
  const jobs = createRunner(
    ctx,
    createJobs({
      ...{ clock, clocks, balance, send: createSend({ allowPrivate: ctx.isDemo }) },
      erasures: createErasures(database.pool),
      onProved: (holds) => watch.metrics.books(holds),
      pruner: createPruner(database.pool, config.retention),
      onPruned: (rows) => watch.metrics.pruned(rows),
      wake: (name) => jobs.wake(name),
    }),
    {
      isFirst,
      observe: (name, result, durationMs) => watch.metrics.job(name, result, durationMs),
      onThrown: (error) => {
        log.error({ err: error }, 'a fault: something threw that may not');
        watch.metrics.fault();
      },
    },
  );
  const admission = createAdmission();
  const watch = createWatch(options, { ...made, ctx }, admission, jobs.ages);
  const { metrics, runbookUrl } = watch;

  leadTo(log, createLead(runbookUrl));
  const logRequest = createRequestLog(log);
  const tellRefusal = createRefusalLog(log);
  const authenticate = createAuthenticate(made.keys, config.demoKeys, config.corsOrigins);
  const { server, drain } = createServer({
    ...{ ctx, corsOrigins: config.corsOrigins, limits: options.limits },
    ...{ admission, seen: createSeenKeys(), retryAfterS },
    // A merchant's requests come to all processes.
    authenticate: limitRate(authenticate, Math.ceil(config.rateLimitPerS / config.workers)),
    onStripeEvent: () => {
      jobs.wake('inbox');
      balance.expect();
    },
    console: {
      sessions: made.sessions,
      ...{ demoKeys: config.demoKeys, corsOrigins: config.corsOrigins },
      limit: (check) => limitRate(check, Math.ceil(config.rateLimitPerS / config.workers)),
    },
    checkout: checkoutOf(config, options.stripe.apiBase),
    onShed: (reason, serviceClass) => {
      metrics.shed(reason, serviceClass);
      tellRefusal(serviceClass);
    },
    onEnd: (record, status, durationMs) => {
      metrics.request(record.method, record.route, status, durationMs);
      if (record.error) metrics.error(record.error.code);
      logRequest(record, status, durationMs);
    },
  });

  const listen = (): ResultAsync<Listening, string> =>
    safeTry(async function* () {
      // A database that does not answer yet is told by /readyz: until then it is this machine's time.
      yield* clock.sync().orElse(() => okAsync(undefined));
      const demoCustomerId = yield* seedIfDemo(config, made.keys, ctx);
      const opsUrl = yield* watch.start();
      const { host, port } = config;
      const apiUrl = yield* listenOn(server, { host, port, reusePort: options.sharePort ?? false });
      jobs.start();
      if (isFirst && config.stripe.kind === 'sandbox') void registerWebhook(ctx, apiUrl, options.onWebhookSecret);
      watch.listens(apiUrl);
      return ok({ apiUrl, opsUrl, demoCustomerId });
    });

  const stop = async (deadlineMs: number): Promise<void> => {
    // Whoever asks whether to send requests here is told not to, before the last of them are answered.
    watch.tellStop();
    await Promise.all([drain(deadlineMs), jobs.stop()]);
    await watch.close();
    await database.close();
  };

  return {
    listen,
    acceptWebhookSecret: ctx.stripeEvents.accept,
    close: (deadlineMs) => ResultAsync.fromPromise(stop(deadlineMs), String),
  };
};
