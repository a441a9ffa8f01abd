/** Starts everything and stops it again, in the order in which each part needs the others. */
import { randomBytes } from 'node:crypto';
import { ok, okAsync, ResultAsync, safeTry, type Result } from 'neverthrow';
import type { Logger } from 'pino';
import { loadConfig, VARIABLES, type Config } from './config.ts';
import { DRAIN_DEADLINE_MS, STOP_DEADLINE_MS } from './domain/deadlines.ts';
import { openLog, type Log } from './log.ts';
import { serveFleet } from './monitor/fleet.ts';
import { runbookAt } from './monitor/runbook.ts';
import { loadEnvFile } from './platform/env-file.ts';
import { lockDataDir } from './platform/lock.ts';
import { startPostgres } from './platform/postgres.ts';
import { messageOf } from './platform/process.ts';
import { startSandbox } from './platform/sandbox.ts';
import {
  canSharePort,
  onToldByFirstProcess,
  startWorkers,
  taskOfThisProcess,
  tellFirstProcess,
  type Task,
  type Workers,
} from './platform/workers.ts';
import type { Listening } from './service.ts';
import { checkDatabase } from './storage/check.ts';
import { checkSchema, migrate } from './storage/migrate.ts';

/** A part that was started, by the name under which a person knows it. */
interface Part {
  readonly name: string;
  readonly stop: () => ResultAsync<void, string>;
}

const main = (): void => {
  const unknown = process.argv.slice(2).find((argument) => argument !== '--help');
  if (unknown !== undefined) {
    complain(`there is no option ${unknown}; --help explains what there is`);
    process.exitCode = 1;
    return;
  }
  if (process.argv.includes('--help')) return void process.stdout.write(help());
  loadEnvFile();
  loadConfig(process.env).match(run, (message) => {
    complain(message);
    process.exitCode = 1;
  });
};

const run = (config: Config): void => {
  const output = openLog(config.logLevel);
  const parts: Part[] = [];
  const task = taskOfThisProcess();
  const started = task
    ? startService(config, task, output.log, parts).match(
        (listening) => {
          tellFirstProcess({ type: 'listening', listening });
          return true;
        },
        (message) => {
          tellFirstProcess({ type: 'failed', message });
          return false;
        },
      )
    : startAll(config, output.log, parts).match(
        (text) => {
          output.flush();
          process.stdout.write(text);
          return true;
        },
        (message) => {
          complain(message);
          return false;
        },
      );
  const stop = createStop(started, parts, output);
  void started.then((isRunning) => (isRunning ? undefined : stop(1)));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  process.on('uncaughtException', (error) => {
    output.log.fatal({ err: error }, 'an error that nothing caught: the service stops');
    void stop(1);
  });
};

const complain = (message: string): void => void process.stderr.write(`quittance: ${message}\n`);

/** In this order; each part that is started joins `parts`, from which it is stopped again. */
const startAll = (config: Config, log: Logger, parts: Part[]): ResultAsync<string, string> =>
  safeTry(async function* () {
    yield* lockFolder(config, parts);
    const databaseUrl = yield* startDatabase(config, log, parts);
    const sandboxUrl = yield* startStripe(config, log, parts);

    yield* checkDatabase({ url: databaseUrl, isPrepared: config.pool.isPrepared });
    yield* prepareSchema(config, databaseUrl, log);
    if (config.demoKeys && sandboxUrl !== undefined) yield* seedFirst(databaseUrl, sandboxUrl, log);

    const places = { databaseUrl, ...(sandboxUrl === undefined ? {} : { sandboxUrl }) };
    const { apiUrl, opsUrl, demoCustomerId } =
      config.workers === 1
        ? yield* startService(config, { ...places, index: 0 }, log, parts)
        : yield* startSeveral(config, places, log, parts);
    const lacksWebhookSecret = config.stripe.webhookSecrets.length === 0;
    if (lacksWebhookSecret) log.warn(`STRIPE_WEBHOOK_SECRET is not set: ${WITHOUT_WEBHOOK_SECRET}`);
    const customer = config.demoKeys ? demoCustomerId : undefined;
    return ok(welcome({ apiUrl, opsUrl, sandboxUrl, stripeBase: config.stripe.apiBase, customer, lacksWebhookSecret }));
  });

const prepareSchema = (config: Config, url: string, log: Logger): ResultAsync<void, string> => {
  if (config.migrate === 'check') return checkSchema(url);
  return migrate(url, {
    onProgress: (line) => log.info({ migration: line }, 'the database is being migrated'),
  }).andThen(() => checkSchema(url));
};

/** A shop to look at, where nobody has been here yet. Only where it may be wanted is it loaded. */
const seedFirst = (url: string, sandboxUrl: string, log: Logger): ResultAsync<void, string> =>
  ResultAsync.fromPromise(
    import('./demo/seed.ts'),
    (error) => `the demo could not be loaded: ${messageOf(error)}`,
  ).andThen(({ seedDemo }) => seedDemo(url, sandboxUrl, log));

/** First the ops port for all: it says who is missing while they start, and answers until they have ended. */
const startSeveral = (
  { workers: count, host, opsPort, runbookUrl }: Config,
  places: Omit<Task, 'index'>,
  log: Logger,
  parts: Part[],
): ResultAsync<Listening, string> => {
  const secret = randomBytes(24).toString('base64url');
  let running: Workers['running'] = () => [];
  return serveFleet({ host, port: opsPort, runbookUrl, secret, count, members: () => running() }).andThen((ops) => {
    parts.push({ name: 'the ops port', stop: () => ResultAsync.fromSafePromise(ops.close()) });
    return startWorkers(count, { ...places, opsSecret: secret, runbookUrl: runbookUrl ?? runbookAt(ops.url) }, log).map(
      (workers) => {
        parts.push({ name: 'the workers', stop: workers.stop });
        running = workers.running;
        return { ...workers.listening, opsUrl: ops.url };
      },
    );
  });
};

/**
 * The service in this process: all of it, or one of several that share the port. Only now is it loaded: a process that
 * watches over others does without its 100 MB.
 */
const startService = (
  config: Config,
  { index, port, databaseUrl, sandboxUrl, opsSecret, runbookUrl = config.runbookUrl }: Task,
  log: Logger,
  parts: Part[],
): ResultAsync<Listening, string> =>
  ResultAsync.fromPromise(
    import('./service.ts'),
    (error) => `the service could not be loaded: ${messageOf(error)}`,
  ).andThen(({ createService }) => {
    const isFirst = index === 0;
    const service = createService({
      config: { ...config, port: port ?? config.port, runbookUrl },
      ...(opsSecret === undefined ? {} : { ops: { host: '127.0.0.1', port: 0, secret: opsSecret } }),
      sharePort: config.workers > 1 && canSharePort,
      databaseUrl,
      stripe: { ...config.stripe, apiBase: config.stripe.apiBase ?? sandboxUrl },
      isFirst,
      onWebhookSecret: (secret) => tellFirstProcess({ type: 'webhook secret', secret }),
      log,
    });
    onToldByFirstProcess(({ secret }) => service.acceptWebhookSecret(secret));
    parts.push({ name: 'the service', stop: () => service.close(DRAIN_DEADLINE_MS) });
    return service.listen();
  });

/** Where something of this machine is kept in the data folder, the folder is ours alone. */
const lockFolder = (config: Config, parts: Part[]): Result<void, string> => {
  if (config.database.kind === 'url' && config.stripe.kind === 'stripe') return ok();
  return lockDataDir(config.dataDir).map((lock) => {
    const stop = (): ResultAsync<void, string> => {
      lock.release();
      return okAsync();
    };
    parts.push({ name: 'the lock of the data folder', stop });
  });
};

/** One to commit on, and one for what reads whole tables: see `storage/database.ts`. */
const CONNECTIONS_BESIDE_POOL = 2;

const startDatabase = (
  { database, dataDir, workers, pool }: Config,
  log: Logger,
  parts: Part[],
): ResultAsync<string, string> => {
  if (database.kind === 'url') return okAsync(database.url);
  const connections = workers * (pool.max + CONNECTIONS_BESIDE_POOL);
  return startPostgres({ dataDir, connections, log }).map((postgres) => {
    parts.push({ name: 'Postgres', stop: postgres.stop });
    log.info({ postgres: { pid: postgres.pid, adopted: postgres.adopted } }, 'the embedded Postgres runs');
    return postgres.url;
  });
};

const startStripe = (config: Config, log: Logger, parts: Part[]): ResultAsync<string | undefined, string> => {
  if (config.stripe.kind === 'stripe') return okAsync(undefined);
  return startSandbox({ dataDir: config.dataDir, port: config.sandboxPort, log }).map((sandbox) => {
    parts.push({ name: 'the Stripe sandbox', stop: sandbox.stop });
    log.info({ sandbox: { pid: sandbox.pid, adopted: sandbox.adopted } }, 'the Stripe sandbox runs');
    return sandbox.url;
  });
};

/**
 * Stops what was started, last first: the service, which finishes what is in flight, then the sandbox, and Postgres
 * after everything that writes to it. The only way out of the process.
 */
const createStop = (
  started: Promise<boolean>,
  parts: Part[],
  { log, flush }: Log,
): ((code: number) => Promise<void>) => {
  let stopping = false;
  const end = (code: number): never => {
    flush();
    process.exit(code);
  };
  return async (code) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      log.error({ left: parts.map(({ name }) => name) }, 'not everything stopped in time');
      end(1);
    }, STOP_DEADLINE_MS).unref();

    // What is being started is known when it is started.
    await started;
    let failed = false;
    for (let part = parts.at(-1); part; part = parts.at(-1)) {
      const stopped = await part.stop();
      parts.pop();
      if (stopped.isErr()) {
        failed = true;
        log.error({ part: part.name }, stopped.error);
      }
    }
    if (!failed) log.info('everything stopped');
    end(failed ? 1 : code);
  };
};

// ---- what a person reads -----------------------------------------------------------------------------------------

interface Places {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly sandboxUrl: string | undefined;
  /** What stands in the place of Stripe's own; undefined where nothing does. */
  readonly stripeBase: string | undefined;
  /** Where the demo keys are open: whom to charge. */
  readonly customer: string | undefined;
  readonly lacksWebhookSecret: boolean;
}

const WITHOUT_WEBHOOK_SECRET =
  "Stripe's webhooks are refused, and what they would tell is read from its list of events instead, some 20 s later";

const welcome = ({ apiUrl, opsUrl, sandboxUrl, stripeBase, customer, lacksWebhookSecret }: Places): string =>
  `
  Quittance is ready.

  API      ${apiUrl}
  Console  ${apiUrl}/console    for finance: payments, balances, the trial balance
  Ops      ${opsUrl}    the live page, /runbook; /livez /readyz /metrics /stalls
  Stripe   ${sandboxUrl === undefined ? (stripeBase ?? "Stripe's own") : `${sandboxUrl}    the sandbox: no real money`}
${lacksWebhookSecret ? `\n  Set STRIPE_WEBHOOK_SECRET: without it ${WITHOUT_WEBHOOK_SECRET}.\n` : ''}${customer === undefined ? makeKey : demo(apiUrl, customer)}
`;

const makeKey = `
  Make a key:  npm run keys -- create --merchant NAME --role secret
`;

const demo = (apiUrl: string, customer: string): string => `
  A checkout to try, with test cards:  ${apiUrl}/checkout/demo

  Demo keys, for this machine alone:

    sk_test_demo   secret: a merchant's servers, which may do everything
    pk_test_demo   publishable: a page in a browser, for a payment whose client_secret it has
    fk_test_demo   finance: reads all of money, moves none
    ok_test_demo   on call: the ops port, and nothing else

  Charge a card:

curl ${apiUrl}/v1/payments -H 'Authorization: Bearer sk_test_demo' -H "Idempotency-Key: demo-$(date +%s)" \\
  -H 'Content-Type: application/json' \\
  -d '{"customer":"${customer}","amount":1250,"currency":"usd","payment_method":"pm_card_visa","confirm":true}'

  Read the balance that it made:

curl '${apiUrl}/v1/customers/${customer}/balance?currency=usd' -H 'Authorization: Bearer sk_test_demo'
`;

const COMMANDS = [
  ['npm start', 'start the service, and what it needs of Postgres and Stripe'],
  ['npm run keys', 'make a key for a merchant'],
  ['npm run migrate', 'bring a database to this version'],
  ['npm run sandbox', 'start the Stripe sandbox by itself'],
  ['npm run verify', 'prove the books, or check the file of a closed period'],
  ['npm run verdict', 'what a running service spends its time on, and what would mend it'],
  ['npm run demo', 'seed a year of a shop, as large as you like, as a merchant of its own'],
  ['npm run drill', 'make one of the nights of on-call, on the demo alone'],
  ['npm run pack:client', 'make the client something that npm can install'],
  ['npm run bench', 'what a request costs, and how long it takes'],
  ['npm run proof:…', 'prove a promise by trying to break it; "npm run" lists them, README.md explains them'],
  ['npm run check', 'everything that must hold before a change lands'],
] as const;

const help = (): string => `Quittance, a payment service that never guesses about money.

${COMMANDS.map(([name, does]) => `  ${name.padEnd(21)}${does}`).join('\n')}

Each explains itself: npm run keys -- --help

Environment, also read from a file .env (see .env.example):

${[...VARIABLES].map(([name, { meaning, fallback }]) => `  ${name.padEnd(23)}${meaning}${fallback === undefined ? '' : ` Default: ${fallback}.`}`).join('\n')}
`;

main();
