/**
 * What a proof runs against: Postgres and the Stripe sandbox in a folder of their own, and real services beside them,
 * each a process of its own that can be killed and started again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { startPostgres } from '../../src/platform/postgres.ts';
import { isAlive, until } from '../../src/platform/process.ts';
import { startSandbox } from '../../src/platform/sandbox.ts';
import type { FaultKind } from '../../src/sandbox/faults.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';

export interface World {
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly sandboxUrl: string;
  /** A secret key of a merchant of its own, which works on every instance. */
  readonly apiKey: string;
  /** The process id of Postgres: another one after it was started again. */
  readonly postgresPid: () => number;
  /** Starts Postgres again where it has been killed, as whoever looks after a database would. */
  readonly restartPostgres: () => Promise<void>;
  /** Starts a service, which ends with the world. */
  readonly start: (recipe: Recipe) => Promise<Service>;
  readonly close: () => Promise<void>;
}

const quiet = { info: () => undefined, warn: () => undefined };

/** How long a killed Postgres' children may take to let go of its memory. */
const RESTART_TIMEOUT_MS = 30_000;

/** In a folder that is thrown away with it, unless one is named: that stays, with the database in it. */
export const createWorld = async (keep?: string): Promise<World> => {
  const dataDir = keep ?? (await createTempDir('proof'));
  let postgres = (await startPostgres({ dataDir, log: quiet }))._unsafeUnwrap();
  const stops: (() => Promise<unknown>)[] = [async () => (await postgres.stop())._unsafeUnwrap()];

  /** Last started first. */
  const close = async (): Promise<void> => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
    if (keep === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  const interrupt = (): void => {
    // Ctrl-C arrives twice under npm, which hands its own on: what is being stopped is stopped to its end.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
    void close().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

  const prepare = async (): Promise<{ sandboxUrl: string; apiKey: string }> => {
    const sandbox = (await startSandbox({ dataDir, port: 0 }))._unsafeUnwrap();
    stops.push(async () => (await sandbox.stop())._unsafeUnwrap());
    (await migrate(postgres.url))._unsafeUnwrap();
    return { sandboxUrl: sandbox.url, apiKey: await createApiKey(postgres.url) };
  };
  const prepared = await prepare().catch(async (error: unknown) => {
    await close();
    throw error;
  });

  const restartPostgres = async (): Promise<void> => {
    let refused = '';
    const isBack = await until(async () => {
      const result = await startPostgres({ dataDir, log: quiet });
      if (result.isOk()) postgres = result.value;
      else refused = result.error;
      return result.isOk();
    }, RESTART_TIMEOUT_MS);
    if (!isBack) throw new Error(refused);
  };
  return {
    dataDir,
    databaseUrl: postgres.url,
    ...prepared,
    postgresPid: () => postgres.pid,
    restartPostgres,
    start: (recipe) => startService(dataDir, recipe, stops),
    close,
  };
};

export const createApiKey = async (url: string): Promise<string> => {
  const log = pino({ level: 'silent' });
  const database = openDatabase({ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: 3_000, log });
  const key = (await createKeys(database.pool).create('Proof', 'secret', 'test'))._unsafeUnwrap();
  await database.close();
  return key.secret;
};

/** A POST of JSON, which is all that the sandbox takes from a program. */
export const asJson = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

/**
 * What goes wrong at Stripe. One that strikes a number of times names the method, or the event: else the service's own jobs,
 * which read at Stripe all the time, may use it up before the request that it is meant for.
 */
export type Fault = {
  readonly kind: FaultKind;
  readonly path?: string;
  readonly probability?: number;
  readonly seed?: number;
  readonly ms?: number;
  readonly median_ms?: number;
  readonly p99_ms?: number;
  readonly bytes?: number;
} & (
  | { readonly method?: Method; readonly event?: string; readonly count?: never }
  | { readonly method: Method; readonly count: number; readonly skip?: number }
  | { readonly event: string; readonly count: number; readonly skip?: number }
);
type Method = 'GET' | 'POST' | 'DELETE';

/** Sets one of the sandbox's faults; what it answers takes that one away, and lets go of all that hangs. */
export const setFault = async (
  { sandboxUrl }: Pick<World, 'sandboxUrl'>,
  fault: Fault,
): Promise<() => Promise<void>> => {
  const response = await fetch(`${sandboxUrl}/_sandbox/faults`, asJson(fault));
  if (!response.ok) throw new Error(`the sandbox refused a fault: ${await response.text()}`);
  const { id } = (await response.json()) as { id: string };
  return async () => {
    await fetch(`${sandboxUrl}/_sandbox/faults/${id}`, { method: 'DELETE' });
  };
};

export const clearFaults = async ({ sandboxUrl }: Pick<World, 'sandboxUrl'>): Promise<void> => {
  await fetch(`${sandboxUrl}/_sandbox/faults`, { method: 'DELETE' });
};

/** Moves Stripe's clock on. */
export const advanceClock = async ({ sandboxUrl }: Pick<World, 'sandboxUrl'>, seconds: number): Promise<void> => {
  const response = await fetch(`${sandboxUrl}/_sandbox/clock`, asJson({ advance_s: seconds }));
  if (!response.ok) throw new Error(`the sandbox did not move its clock: ${await response.text()}`);
};

// ---- attempts ------------------------------------------------------------------------------------------------------

/** As if the time of all leases had passed. Where nobody holds one any more, it only saves the wait. */
export const expireLeases = async ({ databaseUrl }: World): Promise<void> => {
  await ask(databaseUrl, `update attempts set leased_until = now() - interval '1 ms' where outcome is null`);
};

export const openAttempts = async ({ databaseUrl }: World): Promise<number> =>
  (await ask(databaseUrl, 'select from attempts where outcome is null')).rowCount ?? 0;

/** Whether a customer is forgotten everywhere; what is waited for, before it begins, is taken as over. */
export const isErased = async ({ databaseUrl }: World, customer: string): Promise<boolean> => {
  const id = [customer.slice(customer.indexOf('_') + 1)];
  const since = `interval '1 minute' where %s > now() - interval '30 s'`;
  await ask(
    databaseUrl,
    `update stripe_customers set asked_at = asked_at - ${since.replace('%s', 'asked_at')} and id = $1`,
    id,
  );
  await ask(
    databaseUrl,
    `update erasures set requested_at = requested_at - ${since.replace('%s', 'requested_at')} and customer_id = $1`,
    id,
  );
  return (
    (await ask(databaseUrl, 'select from erasures where customer_id = $1 and done_at is not null', id)).rowCount === 1
  );
};

/** Waits until all that Stripe's balance says of our payments is here: what goes wrong then is for the judge to say. */
export const balanceIsRead = ({ databaseUrl, sandboxUrl }: World): Promise<boolean> =>
  until(async () => {
    const text = await (await fetch(`${sandboxUrl}/_sandbox/export`)).text();
    const intents = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Exported);
    const isSettled = intents.every(({ charges }) => charges.every((one) => !one.captured || one.balance_transaction));
    // Of a charge that is pending nothing is posted.
    const lines = intents.flatMap(({ balance, metadata, charges }) =>
      metadata['quittance_payment']
        ? balance.filter(({ source }) => !charges.some(({ id, status }) => id === source && status === 'pending'))
        : [],
    );
    const { rows } = await ask(databaseUrl, 'select count(*)::int as n from balance_transactions');
    return isSettled && (rows as { n: number }[])[0]?.n === lines.length;
  }, BALANCE_TIMEOUT_MS);

/** A span without webhooks, and a round each of Stripe's and ours. */
const BALANCE_TIMEOUT_MS = 45_000;

interface Exported {
  readonly metadata: Readonly<Record<string, string>>;
  readonly charges: readonly {
    readonly id: string;
    readonly status: string;
    readonly captured: boolean;
    readonly balance_transaction: string | null;
  }[];
  readonly balance: readonly { readonly source: string }[];
}

const ask = async (url: string, statement: string, values: unknown[] = []): Promise<pg.QueryResult> => {
  const db = new pg.Client(url);
  await db.connect();
  return db.query(statement, values).finally(() => db.end());
};

// ---- services ----------------------------------------------------------------------------------------------------

/** How a service comes to be: what to run, and its environment. */
export interface Recipe {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Where another version of it is, if not this one. */
  readonly folder?: string;
}

const ROOT = new URL('../../', import.meta.url).pathname;

/** `npm start` with the world's own data folder: it adopts Postgres and the sandbox, as after each kill. */
export const embedded = async (world: World): Promise<Recipe> => ({
  name: 'embedded',
  command: ['npm', 'start', '--silent'],
  env: { DATA_DIR: world.dataDir, SANDBOX_PORT: '0', OPS_PORT: '0', PORT: String(await freePort()) },
});

/** `npm start` as a second instance on the same database, with the sandbox as any Stripe-compatible endpoint. */
export const attached = async (world: World, stripeUrl: string = world.sandboxUrl): Promise<Recipe> => ({
  name: 'attached',
  command: ['npm', 'start', '--silent'],
  env: {
    DATABASE_URL: world.databaseUrl,
    STRIPE_SECRET_KEY: 'sk_test_sandbox',
    STRIPE_API_BASE: stripeUrl,
    OPS_PORT: '0',
    PORT: String(await freePort()),
  },
});

/** The same service, by whose clock it is `seconds` later. */
export const later = ({ name, env }: Recipe, seconds: number): Recipe => ({
  name: `${name}-later`,
  command: [process.execPath, new URL('later.ts', import.meta.url).pathname],
  env: { ...env, LATER_S: String(seconds) },
});

/** The same, half a second faster and without npm between: for proofs that start it hundreds of times. */
export const withoutNpm = (recipe: Recipe): Recipe => ({
  ...recipe,
  command: [process.execPath, '--import', './scripts/require-node.js', 'src/main.ts'],
});

export interface Service {
  readonly url: string;
  /** The service, or the first process of it, which watches over its workers: npm's child, where npm started it. */
  readonly pid: number;
  /** SIGKILL, to npm too, which would complain. Postgres and the sandbox are in sessions of their own, and live on. */
  readonly kill: () => Promise<void>;
  /** SIGTERM; answers the exit code. */
  readonly stop: () => Promise<number | null>;
  /** Whether it has ended, by whatever killed it. */
  readonly ended: () => boolean;
  /** What it has written since it was started. */
  readonly said: () => Promise<string>;
}

const START_TIMEOUT_MS = 60_000;
/** Its own deadline is 9.5 s. */
const STOP_TIMEOUT_MS = 15_000;

/** Its stop joins `stops` before it is ready: a proof may be interrupted while it starts. */
const startService = async (
  dataDir: string,
  { name, command, env, folder = ROOT }: Recipe,
  stops: (() => Promise<unknown>)[],
): Promise<Service> => {
  const [program, ...args] = command;
  await mkdir(join(dataDir, 'logs'), { recursive: true });
  const logPath = join(dataDir, 'logs', `${name}.log`);
  const output = await open(logPath, 'a');
  const { size } = await output.stat();
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_LEVEL: 'warn', ...env },
  });
  const exited = once(child, 'exit');
  await output.close();
  const { pid: group } = child;
  if (group === undefined) throw new Error(`${program} could not be run`);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const signal = (to: number, which: NodeJS.Signals): void => {
    try {
      process.kill(to, which);
    } catch {
      // It has ended already.
    }
  };
  // Not known before it is ready; until then npm and all below it are ended together.
  let pid = 0;
  const stop = async (): Promise<number | null> => {
    if (!ended() && pid !== 0) signal(pid, 'SIGTERM');
    if (pid === 0 || !(await until(ended, STOP_TIMEOUT_MS))) signal(-group, 'SIGKILL');
    await exited;
    return child.exitCode;
  };
  stops.push(stop);

  const said = async (): Promise<string> => (await readFile(logPath)).subarray(size).toString();
  const ready = await until(async () => ended() || /API +http/.test(await said()), START_TIMEOUT_MS);
  const url = /API +(http:\S+)/.exec(await said())?.[1];

  if (!ready || url === undefined || ended()) {
    signal(-group, 'SIGKILL');
    throw new Error(`${name} did not start: ${(await said()).slice(-2_000)}`);
  }
  pid = await servingPid(group);
  return {
    url,
    pid,
    ended,
    said,
    kill: async () => {
      signal(-group, 'SIGKILL');
      await exited;
      await until(() => !isAlive(pid), 5_000);
    },
    stop,
  };
};

/** The first that runs the service: npm runs a shell, which becomes it; its workers, if it has any, run it too. */
const servingPid = async (pid: number): Promise<number> => {
  const [command, children] = await Promise.all(
    ['cmdline', `task/${pid}/children`].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
  );
  const [child] = (children ?? '').trim().split(' ');
  return command?.includes('src/main.ts') || !child ? pid : servingPid(Number(child));
};

/** A port that is free now, and is taken again at each restart. */
export const freePort = (): Promise<number> =>
  new Promise((settle, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => settle(port));
    });
  });
