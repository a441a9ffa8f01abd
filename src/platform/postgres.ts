/** A Postgres of one's own on a bare machine: the binaries come with npm, the data stays in DATA_DIR. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import { configuration, LOG_FOLDER } from './postgres-configuration.ts';
import { exists, findPlace, type Account, type Place } from './postgres-place.ts';
import { commandOf, isAlive, messageOf, run, until } from './process.ts';

export interface Postgres {
  /** For clients on this machine; it holds the secret. */
  readonly url: string;
  readonly pid: number;
  /** It was found running, left behind by a service that was killed. */
  readonly adopted: boolean;
  /** Fast shutdown: sessions are ended, nothing committed is lost. The error is one line. */
  readonly stop: () => ResultAsync<void, string>;
}

export interface PostgresOptions {
  readonly dataDir: string;
  /** As many connections as the service may open. One that is adopted still allows what it was started with. */
  readonly connections?: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** The release whose binaries package.json names; data of another major version needs an upgrade, not a start. */
const MAJOR = '18';
const USER = 'quittance';
/** Crash recovery of a day's work on a slow disk; an ordinary start takes a tenth of a second. */
const START_TIMEOUT_S = 120;
/** An orphan that neither answers nor ends in this time is stopped. */
const ANSWER_TIMEOUT_MS = 10_000;
/** The service has 10 s to stop in all. What is cut off is repaired from the write-ahead log at the next start. */
const STOP_TIMEOUT_S = 5;

/**
 * Starts the embedded Postgres of a data folder, or adopts it where a killed service left it running. The caller holds
 * the folder's lock. Fails with one line that says what a person can do.
 */
export const startPostgres = (options: PostgresOptions): ResultAsync<Postgres, string> =>
  ResultAsync.fromPromise(start(options), (error) => `the embedded Postgres did not start: ${messageOf(error)}`);

/** The address of the embedded Postgres that runs for a data folder, for a tool beside the service; or undefined. */
export const findPostgres = (dataDir: string): ResultAsync<string | undefined, string> =>
  ResultAsync.fromPromise(find(dataDir), (error) => `the embedded Postgres was not found: ${messageOf(error)}`);

const find = async (folder: string): Promise<string | undefined> => {
  const known = await readKept(resolve(folder));
  return known && (await answersOn(known.port)) ? urlOf(known) : undefined;
};

const urlOf = ({ password, port }: Kept): string => `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;

/** What is kept between starts, in DATA_DIR, for its owner's eyes alone. */
interface Kept {
  readonly password: string;
  readonly port: number;
  /** Where the cluster is, if not in the data folder itself. */
  readonly home?: string;
  /** The cluster was made: where it is gone, an empty one is not to take its place. */
  readonly isMade?: boolean;
}

const start = async ({ dataDir: folder, connections = 0, log }: PostgresOptions): Promise<Postgres> => {
  await mkdir(resolve(folder), { recursive: true });
  // One folder, by whatever links it is reached.
  const dataDir = await realpath(folder);
  const known = await readKept(dataDir);
  const place = await findPlace(dataDir, known?.home, log);
  const cluster = join(place.home, 'postgres');
  if (known?.isMade === true && !(await exists(cluster)))
    throw new Error(
      `${cluster} is gone, where the database was. Put it back, or remove ${keptFile(dataDir)} to begin with an empty one.`,
    );

  const running = await findRunning(cluster);
  if (known && running !== undefined) {
    if (await answersBeforeItEnds(running, known.port)) return asPostgres(place, cluster, running, true, known);
  }
  if (running !== undefined) await shutDown(place, cluster);
  if (!known) await setAside(cluster, log);

  const kept: Kept = {
    password: known?.password ?? randomBytes(24).toString('base64url'),
    port: await freePort(known?.port),
    ...(place.home === dataDir ? {} : { home: place.home }),
  };
  const isMade = await exists(cluster);
  await writeKept(dataDir, { ...kept, isMade });
  if (!isMade) {
    await initialise(place, cluster, kept.password);
    await writeKept(dataDir, { ...kept, isMade: true });
  }
  await refuseOtherMajor(cluster);
  await configure(place, cluster, kept.port, connections);
  const pid = await launch(place, cluster);
  return asPostgres(place, cluster, pid, false, kept);
};

const asPostgres = (place: Place, cluster: string, pid: number, adopted: boolean, kept: Kept): Postgres => ({
  url: urlOf(kept),
  pid,
  adopted,
  stop: () =>
    ResultAsync.fromPromise(
      shutDown(place, cluster),
      (error) => `the embedded Postgres did not stop: ${messageOf(error)}`,
    ),
});

// ---- the cluster -------------------------------------------------------------------------------------------------

const configure = async (place: Place, cluster: string, port: number, connections: number): Promise<void> => {
  const file = join(cluster, 'postgresql.conf');
  await writeFile(file, configuration(port, connections), { mode: 0o600 });
  await give(file, place.account);
};

/** A new cluster, renamed when it is whole: one that was cut off is not taken for one. */
const initialise = async (place: Place, cluster: string, password: string): Promise<void> => {
  const partial = `${cluster}.partial`;
  const secret = `${cluster}.secret`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  await writeFile(secret, password, { mode: 0o600 });
  await Promise.all([give(partial, place.account), give(secret, place.account)]);
  try {
    // Texts are compared byte by byte: the same order on every machine, whatever its locale.
    const args = ['--locale=C', '--encoding=UTF8', '--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${secret}`];
    await postgresTool(place, 'initdb', [...args, '-D', partial]);
  } finally {
    await rm(secret, { force: true });
  }
  await rename(partial, cluster);
};

/** Without its secret a cluster is of no use, but it may hold someone's money: it is moved, never removed. */
const setAside = async (cluster: string, log: PostgresOptions['log']): Promise<void> => {
  if (!(await exists(cluster))) return;
  const aside = `${cluster}.${new Date().toISOString().replaceAll(/[-:]|\..*/g, '')}`;
  await rename(cluster, aside);
  log.warn({ aside }, 'a database without its secret was found, and moved aside; a new one is made');
};

const refuseOtherMajor = async (cluster: string): Promise<void> => {
  const found = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim();
  if (found === MAJOR) return;
  throw new Error(
    `${cluster} was made by Postgres ${found}, and this is ${MAJOR}. Set another DATA_DIR, or upgrade it with pg_upgrade.`,
  );
};

// ---- the server --------------------------------------------------------------------------------------------------

/** What it says before its own log begins, and where it says why that never does. */
const firstWords = (place: Place): string => join(place.home, 'postgres.log');

/**
 * Starts the server in a session of its own, where Ctrl-C does not reach it, and waits until it takes connections. Not by
 * pg_ctl, which hands the paths to a shell: a quote or a `$` in one of them would be the shell's. Windows has no other way.
 */
const launch = async (place: Place, cluster: string): Promise<number> => {
  await disown(cluster);
  let complaint: string | undefined;
  const isSettled = async (): Promise<boolean> => {
    complaint = await begin(place, cluster).then(
      () => undefined,
      (error: unknown) => lastComplaint(place, cluster, error),
    );
    return complaint === undefined || !complaint.includes('shared memory block');
  };
  // Sessions of a server that was killed see it and end, each at its next breath.
  await until(isSettled, ANSWER_TIMEOUT_MS);
  if (complaint !== undefined) throw new Error(`${complaint} (see ${firstWords(place)})`);
  const pid = await findRunning(cluster);
  if (pid === undefined) throw new Error(`it ended as soon as it had started (see ${firstWords(place)})`);
  return pid;
};

const begin = async (place: Place, cluster: string): Promise<void> => {
  const file = firstWords(place);
  await writeFile(file, '', { mode: 0o600 });
  await give(file, place.account);
  if (process.platform === 'win32')
    return postgresTool(place, 'pg_ctl', ['start', '-w', '-t', `${START_TIMEOUT_S}`, '-D', cluster, '-l', file]);

  const output = await open(file, 'a');
  const child = spawn(join(place.native, 'bin', 'postgres'), ['-D', cluster], {
    ...place.account,
    cwd: place.home,
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
  });
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  await output.close();
  child.unref();
  const ended = (): boolean => failed !== undefined || child.exitCode !== null || child.signalCode !== null;
  const isUp = async (): Promise<boolean> => {
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    return lines[0] === String(child.pid) && /^(ready|standby)/.test(lines[7] ?? '');
  };
  const inTime = await until(async () => ended() || (await isUp()), START_TIMEOUT_S * 1000);
  if (ended()) throw failed ?? new Error('it ended at once');
  if (!inTime) throw new Error(`it was not ready within ${START_TIMEOUT_S} s`);
};

/** What Postgres said last of why it cannot start: in its log, if that had begun. */
const lastComplaint = async (place: Place, cluster: string, error: unknown): Promise<string> => {
  const folder = join(cluster, LOG_FOLDER);
  const logs = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (name) => ({
      path: join(folder, name),
      at: (await stat(join(folder, name))).mtimeMs,
    })),
  );
  const newest = logs.sort((a, b) => b.at - a.at)[0]?.path;
  for (const file of [firstWords(place), newest]) {
    const text = file === undefined ? '' : await readFile(file, 'utf8').catch(() => '');
    const line = text
      .trim()
      .split('\n')
      .findLast((one) => /FATAL|PANIC|error/.test(one));
    if (line !== undefined) return line;
  }
  return messageOf(error);
};

/**
 * The pid file of a server that was killed holds the next one up for as long as anything has that process id: another
 * program, or in a container a dead entry that nobody collects. Where no Postgres of this cluster runs, the id there
 * becomes one that no process has. The rest of the file stays, since by it Postgres sees whether sessions of the killed
 * server are still at its data.
 */
const disown = async (cluster: string): Promise<void> => {
  const file = join(cluster, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || (await findRunning(cluster)) !== undefined) return;
  await writeFile(file, text.replace(/^\d+/, `${PID_OF_NOBODY}`));
};

/** Above the largest that Linux and macOS give. */
const PID_OF_NOBODY = 2 ** 31 - 1;

const shutDown = async (place: Place, cluster: string): Promise<void> => {
  const pid = await findRunning(cluster);
  if (pid === undefined) return;
  const stop = (mode: 'fast' | 'immediate'): Promise<unknown> =>
    postgresTool(place, 'pg_ctl', ['stop', '-w', '-t', `${STOP_TIMEOUT_S}`, '-m', mode, '-D', cluster]);
  await stop('fast').catch((error: unknown) => (isAlive(pid) ? stop('immediate') : error));
  // pg_ctl waits for the pid file alone, which goes a moment before the process.
  if (!(await until(() => !isAlive(pid), STOP_TIMEOUT_S * 1000))) throw new Error(`process ${pid} is still there.`);
};

const postgresTool = async (place: Place, name: 'initdb' | 'pg_ctl', args: string[]): Promise<void> => {
  await run(join(place.native, 'bin', name), args, { ...place.account, cwd: place.home, env: ENVIRONMENT });
};

const ENVIRONMENT: NodeJS.ProcessEnv = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };

/** The id of the postmaster of this cluster: by its pid file, and by the command line behind that id. */
const findRunning = async (cluster: string): Promise<number | undefined> => {
  const file = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(file, 10);
  return pid > 0 && (await commandOf(pid)).includes(cluster) ? pid : undefined;
};

/** It may be recovering from the crash that orphaned it, or be on its way out. */
const answersBeforeItEnds = async (pid: number, port: number): Promise<boolean> => {
  let answers = false;
  await until(async () => {
    answers = await answersOn(port);
    return answers || !isAlive(pid);
  }, ANSWER_TIMEOUT_MS);
  return answers;
};

/** Asks to open a session: a server that is ready asks for the password, one that is not says so. */
const answersOn = (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    const end = (answer: boolean): void => {
      socket.destroy();
      settle(answer);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (reply) => end(reply[0] === 'R'.charCodeAt(0)));
    const asks = Buffer.from(`\0\x03\0\0user\0${USER}\0database\0postgres\0\0`);
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + asks.length);
    socket.write(Buffer.concat([length, asks]));
  });

// ---- small things ------------------------------------------------------------------------------------------------

const keptFile = (dataDir: string): string => join(dataDir, 'postgres.json');

const readKept = async (dataDir: string): Promise<Kept | undefined> => {
  const text = await readFile(keptFile(dataDir), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Kept);
};

/** Renamed when it is whole, since a cluster is lost without it. */
const writeKept = async (dataDir: string, kept: Kept): Promise<void> => {
  const partial = `${keptFile(dataDir)}.partial`;
  await writeFile(partial, JSON.stringify(kept), { mode: 0o600 });
  await rename(partial, keptFile(dataDir));
};

/** The port of last time if nobody took it since, else any that is free. */
const freePort = async (preferred = 0): Promise<number> =>
  new Promise((settle, fail) => {
    const server = createServer();
    server.once('error', (error) => {
      if (preferred === 0) fail(error);
      else settle(freePort());
    });
    server.listen(preferred, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => settle(port));
    });
  });

const give = async (path: string, { uid, gid }: Account): Promise<void> => {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
};
