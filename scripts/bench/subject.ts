/** What is driven: a service of our own with all it needs, one that runs already, or a program that is started. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import pg from 'pg';
import { VARIABLES } from '../../src/config.ts';
import { until } from '../../src/platform/process.ts';
import { freePort, type Service, type World } from '../../test/support/world.ts';
import { parseWatched } from './load/sampler.ts';

/** A service under load, and the processes whose use is told apart. */
export interface Subject {
  readonly url: string;
  readonly key: string;
  readonly pids: Readonly<Record<string, number>>;
}

/** Of the demo merchant; it opens what runs on an embedded database alone. */
const KEY = 'sk_test_demo';

const pidsOf = (text: string | undefined): Record<string, number> =>
  Object.fromEntries(parseWatched(text ?? '').map(({ name, pid }) => [name, pid]));

export const runningSubject = (url: string, key: string | undefined, pids: string | undefined): Subject => ({
  url: url.replace(/\/$/, ''),
  key: key ?? KEY,
  pids: pidsOf(pids),
});

export interface Own extends Subject {
  readonly opsUrl: string;
  readonly service: Service;
}

export interface OwnOptions {
  readonly workers?: string | undefined;
  /** Another endpoint than the sandbox, and its process if it is known. */
  readonly stripe?: Stripe | undefined;
  /** Options for Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Another database than the embedded one, and a key that opens it: there the demo keys do not work. */
  readonly database?: { readonly name: string; readonly url: string; readonly key: string };
}

export interface Stripe {
  readonly url: string;
  readonly pid?: number | undefined;
}

/** What the caller's environment may say of the service; where things are, the bench says itself. */
const passedOn = (): Record<string, string> => {
  const ours = ['PORT', 'OPS_PORT', 'SANDBOX_PORT', 'HOST', 'DATA_DIR', 'DATABASE_URL', 'STRIPE_SECRET_KEY'];
  const names = [...VARIABLES.keys()].filter((name) => !ours.includes(name) && process.env[name]);
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']));
};

/** What `npm start` gives to node: `exec node …`. */
const startArguments = (): readonly string[] => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').slice(2);
};

/** The service as `npm start` has it, but for the limit of what one merchant may ask, which a load would meet. */
export const startOwn = async (world: World, options: OwnOptions = {}): Promise<Own> => {
  const { workers, stripe, nodeArgs = [], database } = options;
  const attached: Record<string, string> = database
    ? { DATABASE_URL: database.url, STRIPE_SECRET_KEY: 'sk_test_sandbox', STRIPE_API_BASE: world.sandboxUrl }
    : { DATA_DIR: world.dataDir };
  const service = await world.start({
    name: database?.name ?? 'service',
    command: [process.execPath, ...nodeArgs, ...startArguments()],
    env: {
      LOG_LEVEL: 'info',
      RATE_LIMIT_PER_S: '1000000',
      ...passedOn(),
      ...(workers === undefined ? {} : { WORKERS: workers }),
      ...attached,
      ...(stripe ? { STRIPE_API_BASE: stripe.url } : {}),
      ...{ PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0' },
    },
  });
  const [, opsUrl = ''] = /Ops +(http:\S+)/.exec(await service.said()) ?? [];
  const stripePid = stripe ? stripe.pid : await sandboxPid(world);
  const pids = { service: service.pid, postgres: world.postgresPid(), ...(stripePid ? { stripe: stripePid } : {}) };
  return { url: service.url, opsUrl, key: database?.key ?? KEY, pids, service };
};

const sandboxPid = async ({ sandboxUrl }: World): Promise<number> => {
  const health = await fetch(`${sandboxUrl}/_sandbox/health`);
  return ((await health.json()) as { pid: number }).pid;
};

// ---- programs ------------------------------------------------------------------------------------------------------

export interface Program {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const START_TIMEOUT_MS = 30_000;

/** Starts a program that listens on PORT; it ends with this process at the latest. */
export const startProgram = async (path: string, env: Readonly<Record<string, string>>): Promise<Program> => {
  const port = await freePort();
  const child = spawn(path, [], {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit').catch(() => undefined);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const cut = setTimeout(kill, 5_000);
    await exited;
    clearTimeout(cut);
    process.off('exit', kill);
  };
  await until(async () => child.exitCode !== null || (await listens(port)), START_TIMEOUT_MS);
  if (child.pid === undefined || child.exitCode !== null || !(await listens(port))) {
    await stop();
    throw new Error(`${path} did not listen on the PORT that it was given, ${port}.`);
  }
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop };
};

const listens = (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
    socket.once('connect', () => socket.destroy());
  });

/** A database beside the service's own, in the same cluster: the same disk, the same settings, the same flushes. */
export const createDatabase = async (databaseUrl: string, name: string): Promise<string> => {
  await asAdmin(databaseUrl, (admin) => admin.query(`create database ${name}`));
  return databaseIn(databaseUrl, name);
};

export const databaseIn = (databaseUrl: string, name: string): string => {
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
};

/** Runs something over a connection of its own. */
export const asAdmin = async <T>(databaseUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> => {
  const admin = new pg.Client(databaseUrl);
  await admin.connect();
  return work(admin).finally(() => admin.end());
};
