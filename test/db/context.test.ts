import { sql } from 'kysely';
import { expect, it } from '@jest/globals';
import { createLogger } from '../../src/log.ts';
import { runJob, runWork, workStorage } from '../../src/monitor/context.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { afterSuite } from '../support/cleanup.ts';
import { createDatabase } from '../support/suite.ts';

it('a connection works in the name of the database, and not of the request that it was opened for', async () => {
  const { url } = await createDatabase();
  const log = createLogger('silent', process.stdout);
  // What breaks an idle connection arrives on its socket, and is told in the socket's own context.
  const lostIn = new Promise((resolve) => {
    log.warn = () => resolve(workStorage.getStore()?.route);
  });
  const open = (): ReturnType<typeof openDatabase> =>
    openDatabase({ url, poolMin: 0, poolMax: 2, acquireTimeoutMs: 10_000, log });
  const database = runJob('database', open);
  afterSuite(database.close);
  const pid = await runWork({ route: '/v1/payments', startedAt: performance.now() }, async () => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.pool);
    expect(workStorage.getStore()?.route).toBe('/v1/payments');
    return rows[0]?.pid;
  });
  const other = open();
  await sql`select pg_terminate_backend(${pid})`.execute(other.pool);
  await other.close();
  expect(await lostIn).toBe('job:database');
});
