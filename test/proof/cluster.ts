/**
 * Two Postgres servers, one of which follows the other by streaming replication, and whoever looks after them: kills,
 * promotes, and builds the lost one up again from the other, as Patroni would.
 */
import { execFile } from 'node:child_process';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { startPostgres, type Postgres } from '../../src/platform/postgres.ts';
import { isAlive, until } from '../../src/platform/process.ts';
import { freePort } from '../support/world.ts';

const run = promisify(execFile);
const quiet = { info: () => undefined, warn: () => undefined };

export interface Node {
  readonly name: string;
  readonly dataDir: string;
  readonly url: () => string;
  readonly port: () => number;
  readonly start: () => Promise<void>;
  /** SIGKILL, to the server and all its sessions. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP or SIGCONT, to the server and all its sessions: a black hole, or its end. */
  readonly freeze: (isFrozen: boolean) => Promise<void>;
  readonly stop: () => Promise<void>;
  /** SIGSTOP or SIGKILL, to what receives the log of the other: it lags behind, or what it was sent meanwhile is lost. */
  readonly signalReceiver: (signal: 'SIGSTOP' | 'SIGKILL') => Promise<void>;
  readonly ask: <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>;
}

/** Where nobody listens. */
const NOBODY_PORT = 1;

/** A server that is there already, or whose folder holds nothing yet. */
export const createNode = (name: string, dataDir: string): Node => {
  let postgres: Postgres | undefined;
  const running = (): Postgres => {
    if (!postgres) throw new Error(`${name} was never started`);
    return postgres;
  };
  const start = async (): Promise<void> => {
    let refused = '';
    const isUp = await until(async () => {
      const started = await startPostgres({ dataDir, log: quiet });
      if (started.isOk()) postgres = started.value;
      else refused = started.error;
      return started.isOk();
    }, 30_000);
    if (!isUp) throw new Error(`${name} did not start: ${refused}`);
  };
  const signal = async (which: NodeJS.Signals): Promise<void> => {
    const pid = running().pid;
    for (const one of [pid, ...(await childrenOf(pid))]) {
      try {
        process.kill(one, which);
      } catch {
        // It has ended already.
      }
    }
  };
  return {
    name,
    dataDir,
    url: () => running().url,
    // Who tries it before it was started is refused there.
    port: () => (postgres ? Number(new URL(postgres.url).port) : NOBODY_PORT),
    start,
    kill: async () => {
      await signal('SIGKILL');
      await until(() => !isAlive(running().pid), 10_000);
    },
    freeze: (isFrozen) => signal(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    stop: async () => {
      (await running().stop())._unsafeUnwrap();
    },
    signalReceiver: async (which) => {
      for (const pid of await childrenOf(running().pid))
        if (/walreceiver/.test(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
          process.kill(pid, which);
    },
    ask: <Row extends pg.QueryResultRow>(text: string) => askOnce<Row>(running().url, text),
  };
};

const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''))
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);

const askOnce = async <Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  return client
    .query<Row>(text)
    .then(({ rows }) => rows)
    .finally(() => client.end());
};

/** Builds `standby` up from what `primary` has now, and waits until it streams. */
export const follow = async (standby: Node, primary: Node): Promise<void> => {
  const [from, to] = [primary, standby].map(({ dataDir }) => join(dataDir, 'postgres')) as [string, string];
  await mkdir(standby.dataDir, { recursive: true });
  await rm(to, { recursive: true, force: true });
  const kept = JSON.parse(await readFile(join(primary.dataDir, 'postgres.json'), 'utf8')) as object;
  await writeFile(join(standby.dataDir, 'postgres.json'), JSON.stringify({ ...kept, port: await freePort() }), {
    mode: 0o600,
  });
  const session = new pg.Client(primary.url());
  await session.connect();
  await session.query("select pg_backup_start('standby', true)");
  // What is written meanwhile may vanish while it is copied: the log has it.
  await run('cp', ['-a', from, to]).catch(() => undefined);
  const { rows } = await session.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
  await session.end();
  for (const file of ['postmaster.pid', 'postmaster.opts', 'standby.signal']) await rm(join(to, file), { force: true });
  await writeFile(join(to, 'backup_label'), rows[0]?.labelfile ?? '');
  await writeFile(join(to, 'standby.signal'), '');
  const { username, password, port } = new URL(primary.url());
  const source = `host=127.0.0.1 port=${port} user=${username} password=${password} application_name=${standby.name}`;
  await appendFile(
    join(to, 'postgresql.auto.conf'),
    `\nprimary_conninfo = '${source}'\nsynchronous_standby_names = ''\n`,
  );
  // Owned by whom the server runs as.
  await run('chown', ['--reference', from, join(to, 'backup_label'), join(to, 'standby.signal')]);
  await standby.start();
  const streams = await until(
    async () => (await primary.ask("select from pg_stat_replication where state = 'streaming'")).length > 0,
    30_000,
  );
  if (!streams) throw new Error(`${standby.name} does not stream from ${primary.name}`);
};

/** Whether a commit waits for a standby, of which name; nobody's in particular where it is empty. */
export const setSynchronous = async (primary: Node, standby: string): Promise<void> => {
  await primary.ask(`alter system set synchronous_standby_names = '${standby}'`);
  await primary.ask('select pg_reload_conf()');
};

/** Makes a standby the primary, which waits for nobody. */
export const promote = async (standby: Node): Promise<void> => {
  // It may have to recover first.
  const isUp = await until(
    () =>
      standby.ask('select 1').then(
        () => true,
        () => false,
      ),
    30_000,
  );
  if (!isUp) throw new Error(`${standby.name} does not answer`);
  await standby.ask('select pg_promote(true, 30)');
  await setSynchronous(standby, '');
};
