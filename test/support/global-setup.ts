import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../src/platform/postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { REPLIES } from '../sandbox/openapi.ts';
import { SEEN } from './contract.ts';
import { ADMIN_URL, TEMPLATE, withDatabaseName } from './database.ts';

/** Jest hands nothing from its setup to its teardown but what is global. */
export type TeardownGlobal = typeof globalThis & { stopTestPostgres?: () => Promise<void> };

/** Several suites at a time, each with several instances of a dozen connections or two. */
const CONNECTIONS = 400;

/** One Postgres for the whole run, with one migrated database that each suite clones. */
export default async (): Promise<void> => {
  const dataDir = await createTempDir('test');
  const quiet = { info: () => undefined, warn: () => undefined };
  const postgres = (await startPostgres({ dataDir, connections: CONNECTIONS, log: quiet }))._unsafeUnwrap();
  const stop = async (): Promise<void> => {
    (await postgres.stop())._unsafeUnwrap();
    await rm(dataDir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(1)));

  const admin = new pg.Client(postgres.url);
  await admin.connect();
  await admin.query(`create database ${TEMPLATE}`);
  await admin.end();
  (await migrate(withDatabaseName(postgres.url, TEMPLATE)))._unsafeUnwrap();

  process.env[ADMIN_URL] = postgres.url;
  process.env[SEEN] = join(dataDir, 'errors-seen');
  // Each sandbox of the run adds to it what it answers; the teardown holds all of it to Stripe's OpenAPI.
  process.env[REPLIES] = join(dataDir, 'sandbox-replies');
  (globalThis as TeardownGlobal).stopTestPostgres = stop;
};
