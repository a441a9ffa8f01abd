/** The Stripe sandbox as a process beside the service, which outlives it where it is killed. */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResultAsync } from 'neverthrow';
import { z } from 'zod';
import { commandOf, isAlive, messageOf, terminate, until } from './process.ts';

export interface Sandbox {
  /** What stands in the place of https://api.stripe.com. */
  readonly url: string;
  /** Of the process that runs now: one that ended was started again. */
  readonly pid: number;
  /** It was found running: left behind by a service that was killed, or started by a person. */
  readonly adopted: boolean;
  /** Stops it, unless a person started it. The error is one line. */
  readonly stop: () => ResultAsync<void, string>;
}

export interface SandboxOptions {
  readonly dataDir: string;
  /** 0 is any that is free. */
  readonly port: number;
  /** Told when it ended and was started again; without it nobody looks. */
  readonly log?: Readonly<Record<'error' | 'info', (fields: object, message: string) => void>>;
}

const PROGRAM = fileURLToPath(new URL('../sandbox/main.ts', import.meta.url));
/** Half a second on an idle machine. */
const START_TIMEOUT_MS = 20_000;
/** It finishes what is in flight within 2 s. */
const STOP_TIMEOUT_MS = 4_000;
/** How soon a death is seen; and one that dies again at once does not keep a core busy. */
const LOOK_EVERY_MS = 500;

/**
 * Starts the sandbox of a data folder, or adopts it where a killed service left it running, or a person started it. The
 * caller holds the folder's lock. One that ends is started again, on the same port: what it knew is in its file. Fails
 * with one line that says what a person can do.
 */
export const startSandbox = (options: SandboxOptions): ResultAsync<Sandbox, string> =>
  ResultAsync.fromPromise(start(options), (error) => `the Stripe sandbox did not start: ${messageOf(error)}`);

const start = async ({ dataDir: folder, port, log }: SandboxOptions): Promise<Sandbox> => {
  const dataDir = resolve(folder);
  await mkdir(dataDir, { recursive: true });

  const left = await findRunning(dataDir);
  if (left && (port === 0 || new URL(left.url).port === String(port)) && (await isItself(dataDir, left)))
    return watchOver(dataDir, { ...left, isOurs: true, adopted: true }, log);
  if (left) await terminate(left.pid, STOP_TIMEOUT_MS);
  const taken = await refusalOfPort(port);
  const other = taken === undefined ? undefined : await adoptable(dataDir, port);
  if (other) return watchOver(dataDir, { ...other, isOurs: false, adopted: true }, log);
  if (taken !== undefined) throw new Error(taken);
  return watchOver(dataDir, { ...(await launch(dataDir, port)), isOurs: true, adopted: false }, log);
};

interface Watched extends Running {
  readonly adopted: boolean;
  /** Not a person's: it ends with the service. */
  readonly isOurs: boolean;
}

const watchOver = (dataDir: string, first: Watched, log: SandboxOptions['log']): Sandbox => {
  const { url, adopted } = first;
  let { pid, isOurs } = first;
  let starting: Promise<void> | undefined;

  const startAgain = async (): Promise<void> => {
    log?.error({ sandbox: { pid } }, 'the Stripe sandbox ended: another takes its place');
    if (await isSandbox(pid)) await terminate(pid, STOP_TIMEOUT_MS);
    const again = await launch(dataDir, Number(new URL(url).port)).catch((error: unknown) => {
      log?.error({ err: error }, 'the Stripe sandbox could not be started again');
      return undefined;
    });
    if (!again) return;
    ({ pid } = again);
    isOurs = true;
    log?.info({ sandbox: { pid } }, 'the Stripe sandbox runs again');
  };
  const look = (): void => {
    starting ??= hasEnded({ pid, url })
      .then((ended) => (ended ? startAgain() : undefined))
      .finally(() => (starting = undefined));
  };
  const timer = log && setInterval(look, LOOK_EVERY_MS).unref();

  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await starting;
    if (!isOurs) return;
    await terminate(pid, STOP_TIMEOUT_MS);
    await rm(stateFile(dataDir), { force: true });
  };
  return {
    url,
    get pid() {
      return pid;
    },
    adopted,
    stop: () => ResultAsync.fromPromise(stop(), (error) => `the Stripe sandbox did not stop: ${messageOf(error)}`),
  };
};

/** Its output goes to a file, since a pipe would break when the service is killed. Its session is its own: Ctrl-C does not reach it. */
const launch = async (dataDir: string, port: number): Promise<Running> => {
  const logFile = join(dataDir, 'sandbox.log');
  const output = await open(logFile, 'w', 0o600);
  const child = spawn(process.execPath, [PROGRAM], {
    env: {
      PATH: process.env['PATH'],
      SANDBOX_REPLIES: process.env['SANDBOX_REPLIES'],
      SANDBOX_PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
    },
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
  });
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  await output.close();
  child.unref();

  const pid = child.pid;
  if (pid === undefined) throw failed ?? new Error(`${process.execPath} could not be run.`);
  // Known from its first moment on, so that one whose starter was killed is found.
  await keep(dataDir, { pid, url: `http://127.0.0.1:${port}` });
  let url: string | undefined;
  const isSettled = async (): Promise<boolean> => {
    url = /listening on (http:\S+)/.exec(await readFile(logFile, 'utf8'))?.[1];
    return url !== undefined || child.exitCode !== null || child.signalCode !== null;
  };
  const inTime = await until(isSettled, START_TIMEOUT_MS);
  if (url !== undefined && (await isItself(dataDir, { pid, url }))) {
    await keep(dataDir, { pid, url });
    return { pid, url };
  }
  await terminate(pid, STOP_TIMEOUT_MS);
  const said = (await readFile(logFile, 'utf8'))
    .trim()
    .split('\n')
    .find((line) => /error|sandbox:/i.test(line));
  throw new Error(`${said ?? (inTime ? 'it ended at once' : 'it was not ready in time')} (see ${logFile})`);
};

/** Why that port cannot be listened on; undefined where it can. */
const refusalOfPort = (port: number): Promise<string | undefined> =>
  new Promise((settle) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${error.message})`;
      settle(`port ${port} ${reason}. Set another SANDBOX_PORT; 0 is any that is free.`);
    });
    probe.listen(port, '127.0.0.1', () => probe.close(() => settle(undefined)));
  });

/** What has the port, where that is a sandbox that a person started on the same data: it does as well. */
const adoptable = async (dataDir: string, port: number): Promise<Running | undefined> => {
  const url = `http://127.0.0.1:${port}`;
  const health = await healthOf(url);
  if (health?.file === undefined) return undefined;
  if (resolve(health.file) === dataFile(dataDir)) return { url, pid: health.pid };
  throw new Error(
    `port ${port} is taken by another Stripe sandbox, process ${health.pid}, whose data is ${health.file}. ` +
      'Stop that one, or set another SANDBOX_PORT; 0 is any that is free.',
  );
};

// ---- what is kept between starts ---------------------------------------------------------------------------------

interface Running {
  readonly pid: number;
  readonly url: string;
}

const stateFile = (dataDir: string): string => join(dataDir, 'sandbox.json');

const keep = async (dataDir: string, running: Running): Promise<void> => {
  const partial = `${stateFile(dataDir)}.partial`;
  await writeFile(partial, JSON.stringify(running), { mode: 0o600 });
  await rename(partial, stateFile(dataDir));
};

/** By its state file, and by the command line behind the id there. */
const findRunning = async (dataDir: string): Promise<Running | undefined> => {
  const text = await readFile(stateFile(dataDir), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const running = JSON.parse(text) as Running;
  return (await isSandbox(running.pid)) ? running : undefined;
};

const isSandbox = async (pid: number): Promise<boolean> => isAlive(pid) && (await commandOf(pid)).includes(PROGRAM);

const dataFile = (dataDir: string): string => join(dataDir, 'sandbox.sqlite');

/** A process id says little by itself: it is a sandbox's where that answers by the port, and on these data. */
const isItself = async (dataDir: string, { pid, url }: Running): Promise<boolean> => {
  const health = await healthOf(url);
  return health?.pid === pid && health.file !== undefined && resolve(health.file) === dataFile(dataDir);
};

/** Its process is gone, or is another's by now and nothing listens on its port. One that only is slow has not ended. */
const hasEnded = async ({ pid, url }: Running): Promise<boolean> =>
  !isAlive(pid) || (await isRefused(Number(new URL(url).port)));

const isRefused = (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket
      .once('connect', () => settle(false))
      .once('error', (error: NodeJS.ErrnoException) => settle(error.code === 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });

const Health = z.object({ pid: z.int(), file: z.string().optional() });

const healthOf = async (url: string): Promise<z.infer<typeof Health> | undefined> => {
  try {
    const response = await fetch(`${url}/_sandbox/health`, {
      // Asked of one that may be about to end: nothing stays open.
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(2_000),
    });
    return Health.safeParse(await response.json()).data;
  } catch {
    return undefined;
  }
};
