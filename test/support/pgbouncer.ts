/** PgBouncer before the tests' Postgres, in transaction mode: where it is installed. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterSuite } from './cleanup.ts';
import { createDataDir } from './suite.ts';
import { until } from './until.ts';

const run = promisify(execFile);
/** Debian puts it where only root looks. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;

export const hasPgBouncer: boolean = await run('pgbouncer', ['--version'], { env: { PATH } }).then(
  () => true,
  () => false,
);

const freePort = (): Promise<number> =>
  new Promise((settle) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => settle(port));
    });
  });

/** The URL of that database through it. `more` are further lines of its configuration. */
export const startPgBouncer = async (target: string, more: readonly string[] = []): Promise<string> => {
  const folder = await createDataDir();
  const { hostname, port, username, password, pathname } = new URL(target);
  const own = await freePort();
  await writeFile(join(folder, 'users.txt'), `"${username}" "${password}"\n`);
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${hostname} port=${port} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = plain
auth_file = ${folder}/users.txt
pool_mode = transaction
max_client_conn = 100
default_pool_size = 8
logfile = ${folder}/pgbouncer.log
${more.join('\n')}
`,
  );
  // It refuses to be root, as Postgres does.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    const nobody = Number((await run('id', ['-u', 'nobody'])).stdout);
    for (const file of ['.', 'users.txt', 'pgbouncer.ini']) await chown(join(folder, file), nobody, -1);
    await chmod(folder, 0o755);
  }
  const child = spawn('pgbouncer', [...(isRoot ? ['-u', 'nobody'] : []), join(folder, 'pgbouncer.ini')], {
    env: { PATH },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  afterSuite(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const url = `postgres://${username}:${password}@127.0.0.1:${own}${pathname}`;
  await until(async () => {
    const client = new pg.Client(url);
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  });
  return url;
};
