/** What a suite is given, and what takes it away again when the suite has ended. Called where the suite begins. */
import { rm } from 'node:fs/promises';
import { createTempDir } from '../../scripts/temp-dir.ts';
import * as platform from '../../src/platform/sandbox.ts';
import { afterSuite } from './cleanup.ts';
import { cloneDatabase } from './database.ts';

/** A folder of its own, removed with what is in it. */
export const createDataDir = async (): Promise<string> => {
  const dataDir = await createTempDir('suite');
  afterSuite(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
};

/** A migrated, empty database. The suite fails if it leaves a connection to it open. */
export const createDatabase = async (): Promise<{ readonly url: string }> => {
  const database = await cloneDatabase();
  afterSuite(database.drop);
  return database;
};

/** A Stripe sandbox with nothing in it, on a port of its own. */
export const startSandbox = async (): Promise<{ readonly url: string; readonly pid: number }> => {
  const dataDir = await createDataDir();
  const sandbox = (await platform.startSandbox({ dataDir, port: 0 }))._unsafeUnwrap();
  afterSuite(async () => (await sandbox.stop())._unsafeUnwrap());
  return sandbox;
};
