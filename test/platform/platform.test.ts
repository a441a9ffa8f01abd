import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { lockDataDir } from '../../src/platform/lock.ts';
import { findPostgres, startPostgres, type Postgres } from '../../src/platform/postgres.ts';
import { isAlive, until } from '../../src/platform/process.ts';
import { startSandbox, type Sandbox } from '../../src/platform/sandbox.ts';
import { afterSuite } from '../support/cleanup.ts';
import { createDataDir } from '../support/suite.ts';

const FIXTURE = join(import.meta.dirname, 'fixture.ts');
const isRoot = process.getuid?.() === 0;

const logged: string[] = [];
const log = {
  info: (_fields: unknown, message?: string) => void logged.push(message ?? ''),
  warn: (_fields: unknown, message?: string) => void logged.push(message ?? ''),
};

/** Stopped when the suite has ended, should a test not have come so far. */
const postgresIn = async (dataDir: string): Promise<Postgres> => {
  const postgres = (await startPostgres({ dataDir, log }))._unsafeUnwrap();
  afterSuite(async () => postgres.stop());
  return postgres;
};

const sandboxIn = async (dataDir: string, port = 0): Promise<Sandbox> => {
  const sandbox = (await startSandbox({ dataDir, port }))._unsafeUnwrap();
  afterSuite(async () => sandbox.stop());
  return sandbox;
};

const ask = async (url: string, query: string): Promise<unknown[]> => {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' }).finally(() => client.end());
  return rows.flat();
};

/** A process that started both and was killed; what it said it had. */
const killedServiceIn = async (dataDir: string): Promise<{ postgres: Postgres; sandbox: Sandbox }> => {
  const child = spawn(process.execPath, [FIXTURE, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGKILL');
  await once(child, 'exit');
  return JSON.parse(line.toString()) as { postgres: Postgres; sandbox: Sandbox };
};

describe('the embedded Postgres', () => {
  it('keeps its data and its address from one start to the next', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    await ask(first.url, 'create table kept as select 7 as n');
    (await first.stop())._unsafeUnwrap();
    expect(isAlive(first.pid)).toBe(false);

    const second = await postgresIn(dataDir);
    expect(second.url).toBe(first.url);
    expect(second.adopted).toBe(false);
    expect(await ask(second.url, 'select n from kept')).toEqual([7]);
  });

  it('is durable, reads in UTC and lets nobody in without the secret, which only its owner may read', async () => {
    const dataDir = await createDataDir();
    const { url } = await postgresIn(dataDir);
    const settings = `select current_setting(name) from unnest(array['fsync', 'synchronous_commit', 'timezone', 'server_encoding', 'listen_addresses']) name`;
    expect(await ask(url, settings)).toEqual(['on', 'on', 'UTC', 'UTF8', '127.0.0.1']);

    const guess = new URL(url);
    guess.password = 'guess';
    await expect(ask(guess.href, 'select 1')).rejects.toThrow(/password authentication failed/);
    expect((await stat(join(dataDir, 'postgres.json'))).mode & 0o777).toBe(0o600);
  });

  it('lets as many in as the service may have connections, and some tools beside them', async () => {
    const dataDir = await createDataDir();
    const postgres = (await startPostgres({ dataDir, connections: 4 * 52, log }))._unsafeUnwrap();
    afterSuite(async () => postgres.stop());
    expect(await ask(postgres.url, "select current_setting('max_connections')::int")).toEqual([228]);
  });

  it('is found by a tool while it runs, and not when it does not', async () => {
    const dataDir = await createDataDir();
    expect((await findPostgres(dataDir))._unsafeUnwrap()).toBeUndefined();
    const postgres = await postgresIn(dataDir);
    expect((await findPostgres(dataDir))._unsafeUnwrap()).toBe(postgres.url);
    (await postgres.stop())._unsafeUnwrap();
    expect((await findPostgres(dataDir))._unsafeUnwrap()).toBeUndefined();
  });

  it('takes another port when its own was taken meanwhile', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    (await first.stop())._unsafeUnwrap();
    const stranger = createServer();
    stranger.listen(Number(new URL(first.url).port), '127.0.0.1');
    await once(stranger, 'listening');

    const second = await postgresIn(dataDir);
    stranger.close();
    expect(second.url).not.toBe(first.url);
    expect(await ask(second.url, 'select 1')).toEqual([1]);
  });

  it('recovers what was committed when it was killed itself', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    await ask(first.url, 'create table kept as select 7 as n');
    process.kill(first.pid, 'SIGKILL');
    await until(() => !isAlive(first.pid), 5_000);

    const second = await postgresIn(dataDir);
    expect(second.adopted).toBe(false);
    expect(await ask(second.url, 'select n from kept')).toEqual([7]);
  });

  it('is not taken for running because another program has its process id', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    const pidFile = join(clusterOf(dataDir), 'postmaster.pid');
    const left = await readFile(pidFile, 'utf8');
    (await first.stop())._unsafeUnwrap();
    // Our own id: a living process, and no Postgres.
    await writeFile(pidFile, left.replace(/^\d+/, String(process.ppid)));

    const second = await postgresIn(dataDir);
    expect(second.adopted).toBe(false);
    expect(await ask(second.url, 'select 1')).toEqual([1]);
  });

  it('moves a database whose secret is lost aside, and never removes it', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    (await first.stop())._unsafeUnwrap();
    await rm(join(dataDir, 'postgres.json'));

    const second = await postgresIn(dataDir);
    expect(await ask(second.url, 'select 1')).toEqual([1]);
    expect((await readdir(dataDir)).filter((name) => /^postgres\.\d{8}T\d{6}$/.test(name))).toHaveLength(1);
  });

  it('refuses data of another major version in one line', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    (await first.stop())._unsafeUnwrap();
    await writeFile(join(clusterOf(dataDir), 'PG_VERSION'), '15\n');

    const refused = (await startPostgres({ dataDir, log }))._unsafeUnwrapErr();
    expect(refused).toMatch(/was made by Postgres 15, and this is 18/);
    expect(refused).not.toContain('\n');
  });

  (isRoot ? it : it.skip)('runs as another user where root starts it', async () => {
    const { pid } = await postgresIn(await createDataDir());
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).not.toMatch(/^Uid:\s+0\b/m);
  });

  (isRoot ? it : it.skip)(
    'goes where its user can enter when the data folder is closed to it, and says where',
    async () => {
      const closed = await createDataDir();
      await chmod(closed, 0o700);
      const dataDir = join(closed, 'data');
      await mkdir(dataDir);

      const postgres = await postgresIn(dataDir);
      const [home] = await ask(postgres.url, `select current_setting('data_directory')`);
      afterSuite(() => rm(dirname(String(home)), { recursive: true }));
      afterSuite(async () => postgres.stop());
      expect(home).toMatch(/^\/var\/lib\/quittance-[0-9a-f]{12}\/postgres$/);
      expect(logged.at(-1)).toContain(dirname(String(home)));
    },
  );
});

const clusterOf = (dataDir: string): string => join(dataDir, 'postgres');

describe('the sandbox beside the service', () => {
  it('answers under its address, and is gone when it is stopped', async () => {
    const sandbox = await sandboxIn(await createDataDir());
    const health = await fetch(`${sandbox.url}/_sandbox/health`);
    expect(await health.json()).toMatchObject({ ok: true, pid: sandbox.pid });
    (await sandbox.stop())._unsafeUnwrap();
    expect(isAlive(sandbox.pid)).toBe(false);
  });

  it('says in one line whose port is missing when a stranger has it', async () => {
    // One that reads, so that it sees who asks it hang up.
    const stranger = createServer((socket) => socket.on('error', () => undefined).resume());
    stranger.listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;

    const refused = (await startSandbox({ dataDir: await createDataDir(), port }))._unsafeUnwrapErr();
    stranger.close();
    expect(refused).toContain(`port ${port} is taken by another program. Set another SANDBOX_PORT`);
    expect(refused).not.toContain('\n');
  });
});

/** As `npm run sandbox` does. */
const startByHand = async (dataDir: string): Promise<{ pid: number; url: string; port: number }> => {
  const child = spawn(process.execPath, ['src/sandbox/main.ts'], {
    env: { SANDBOX_PORT: '0', DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  afterSuite(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const url = String(said).trim().replace('listening on ', '');
  return { pid: child.pid!, url, port: Number(new URL(url).port) };
};

describe('a sandbox that ends while the service runs', () => {
  it('is told of, and another takes its place on the same port, with what it knew', async () => {
    const lines: string[] = [];
    const told = (_fields: object, text: string): void => void lines.push(text);
    const options = { dataDir: await createDataDir(), port: 0, log: { error: told, info: told } };
    const sandbox = (await startSandbox(options))._unsafeUnwrap();
    afterSuite(async () => sandbox.stop());
    const customers = `${sandbox.url}/v1/customers`;
    const headers = { Authorization: 'Bearer sk_test_x' };
    const { id } = (await (await fetch(customers, { method: 'POST', headers })).json()) as { id: string };
    const killed = sandbox.pid;
    process.kill(killed, 'SIGKILL');
    expect(await until(() => lines.includes('the Stripe sandbox runs again'), 20_000)).toBe(true);
    expect(lines[0]).toBe('the Stripe sandbox ended: another takes its place');
    expect(sandbox.pid).not.toBe(killed);
    expect(await (await fetch(`${customers}/${id}`, { headers })).json()).toMatchObject({ id });
  });
});

describe('a sandbox that a person started', () => {
  it('is used where it has the same data, and runs on when the service ends', async () => {
    const dataDir = await createDataDir();
    const byHand = await startByHand(dataDir);
    const sandbox = await sandboxIn(dataDir, byHand.port);
    expect(sandbox).toMatchObject({ adopted: true, pid: byHand.pid, url: byHand.url });
    (await sandbox.stop())._unsafeUnwrap();
    expect(isAlive(byHand.pid)).toBe(true);
  });

  it('is named by what refuses the port where it has other data', async () => {
    const byHand = await startByHand(await createDataDir());
    const refused = (await startSandbox({ dataDir: await createDataDir(), port: byHand.port }))._unsafeUnwrapErr();
    expect(refused).toContain(`is taken by another Stripe sandbox, process ${byHand.pid}, whose data is `);
    expect(refused).not.toContain('\n');
  });
});

describe('a service that was killed', () => {
  it('leaves both running, and the next start adopts them', async () => {
    const dataDir = await createDataDir();
    const left = await killedServiceIn(dataDir);

    const [postgres, sandbox] = await Promise.all([postgresIn(dataDir), sandboxIn(dataDir)]);
    expect(postgres).toMatchObject({ adopted: true, pid: left.postgres.pid, url: left.postgres.url });
    expect(sandbox).toMatchObject({ adopted: true, pid: left.sandbox.pid, url: left.sandbox.url });
    expect(await ask(postgres.url, 'select 1')).toEqual([1]);

    (await postgres.stop())._unsafeUnwrap();
    (await sandbox.stop())._unsafeUnwrap();
    expect([isAlive(postgres.pid), isAlive(sandbox.pid)]).toEqual([false, false]);
  });

  it('does not keep a sandbox on a port that is no longer wanted', async () => {
    const dataDir = await createDataDir();
    const left = await sandboxIn(dataDir);
    const probe = createServer();
    probe.listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();

    const next = await sandboxIn(dataDir, port);
    expect(next).toMatchObject({ adopted: false, url: `http://127.0.0.1:${port}` });
    expect(isAlive(left.pid)).toBe(false);
  });

  it('has left its lock, which holds nobody up', async () => {
    const dataDir = await createDataDir();
    const left = await killedServiceIn(dataDir);
    afterSuite(async () => (await postgresIn(dataDir)).stop());
    expect(isAlive(left.postgres.pid)).toBe(true);
    lockDataDir(dataDir)._unsafeUnwrap().release();
    process.kill(left.sandbox.pid);
  });
});

describe('the lock of a data folder', () => {
  it('is one process’s at a time, and the error names that process', async () => {
    const dataDir = await createDataDir();
    const lock = lockDataDir(dataDir)._unsafeUnwrap();
    const refused = lockDataDir(dataDir)._unsafeUnwrapErr();
    expect(refused).toContain(`is in use by process ${process.pid}`);
    expect(refused).not.toContain('\n');
    lock.release();
    lockDataDir(dataDir)._unsafeUnwrap().release();
  });

  it('says so when the folder cannot be written', async () => {
    const file = join(await createDataDir(), 'file');
    await writeFile(file, '');
    expect(lockDataDir(file)._unsafeUnwrapErr()).toContain(`DATA_DIR ${file} cannot be written`);
  });
});

describe('a data folder', () => {
  it('may be called anything', async () => {
    const dataDir = join(await createDataDir(), 'it\'s "$HOME" and `id` \\ here');
    const postgres = await postgresIn(dataDir);
    expect(await ask(postgres.url, 'select 1')).toEqual([1]);
    expect((await findPostgres(dataDir))._unsafeUnwrap()).toBe(postgres.url);
    (await postgres.stop())._unsafeUnwrap();
    expect(isAlive(postgres.pid)).toBe(false);
  });

  it('may be reached by a link, and holds the same database', async () => {
    const parent = await createDataDir();
    await mkdir(join(parent, 'real'));
    await symlink(join(parent, 'real'), join(parent, 'link'));
    const first = await postgresIn(join(parent, 'real'));
    await ask(first.url, 'create table kept as select 7 as n');
    const linked = await postgresIn(join(parent, 'link'));
    expect([linked.adopted, linked.pid]).toEqual([true, first.pid]);
    expect(await ask(linked.url, 'select n from kept')).toEqual([7]);
  });

  it('whose database is gone is told of, and never begun anew in silence', async () => {
    const dataDir = await createDataDir();
    const first = await postgresIn(dataDir);
    (await first.stop())._unsafeUnwrap();
    await rename(clusterOf(dataDir), join(dataDir, 'elsewhere'));
    expect((await startPostgres({ dataDir, log }))._unsafeUnwrapErr()).toMatch(/postgres is gone, .* Put it back/);
  });

  (isRoot ? it : it.skip)(
    'closed to whom Postgres runs as keeps its database when it is renamed, and a copy has none',
    async () => {
      const closed = await createDataDir();
      await chmod(closed, 0o700);
      const dataDir = join(closed, 'data');
      const first = await postgresIn(dataDir);
      const [home] = await ask(first.url, "select current_setting('data_directory')");
      afterSuite(() => rm(dirname(String(home)), { recursive: true }));
      await ask(first.url, 'create table kept as select 7 as n');
      (await first.stop())._unsafeUnwrap();
      await rename(dataDir, join(closed, 'renamed'));
      await cp(join(closed, 'renamed'), join(closed, 'copy'), { recursive: true });

      const second = await postgresIn(join(closed, 'renamed'));
      expect(await ask(second.url, 'select n from kept')).toEqual([7]);
      const refused = (await startPostgres({ dataDir: join(closed, 'copy'), log }))._unsafeUnwrapErr();
      expect(refused).toMatch(/is that of .*renamed, of which .*copy is a copy/);
      (await second.stop())._unsafeUnwrap();
    },
  );

  it('is a small guest on the machine, whose log has no row and no end', async () => {
    const dataDir = await createDataDir();
    const { url } = await postgresIn(dataDir);
    const settings = `select current_setting(name) from unnest(array['log_error_verbosity', 'log_truncate_on_rotation', 'log_rotation_age']) name`;
    expect(await ask(url, settings)).toEqual(['terse', 'on', '1d']);
    const [mb] = await ask(url, "select setting::int * 8 / 1024 from pg_settings where name = 'shared_buffers'");
    expect(mb).toBeGreaterThanOrEqual(128);
    expect(mb).toBeLessThanOrEqual(512);
    await ask(url, 'create table secrets (secret text primary key)');
    await ask(url, "insert into secrets values ('pay_1_secret_x')");
    await expect(ask(url, "insert into secrets values ('pay_1_secret_x')")).rejects.toThrow('duplicate key');
    const folder = join(clusterOf(dataDir), 'log');
    let told = '';
    // It is written by a process of its own.
    await until(async () => {
      const texts = (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8'));
      told = (await Promise.all(texts)).join('');
      return told.includes('duplicate key');
    }, 10_000);
    expect(told).toContain('duplicate key');
    expect(told).not.toContain('pay_1_secret_x');
  });
});
