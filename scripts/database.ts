import { existsSync } from 'node:fs';
import { loadConfig, type Config } from '../src/config.ts';
import { lockDataDir } from '../src/platform/lock.ts';
import { findPostgres, startPostgres } from '../src/platform/postgres.ts';
import { migrate } from '../src/storage/migrate.ts';

export interface Opened {
  readonly config: Config;
  readonly url: string;
  /** What migrations were missing and are applied now. */
  readonly applied: readonly string[];
}

/** What went wrong, in words for a person; `runTool` prints them. */
export const fail = (message: string): never => {
  throw new Error(message);
};

/** Runs a tool to its end: what it opened is closed before a failure is told, and no stack is shown. */
export const runTool = async (tool: () => Promise<void>): Promise<void> => {
  await tool().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
};

/**
 * Runs a tool on the database that the service would use, migrated: the one of DATABASE_URL, the embedded one of a
 * service that runs now, or else the embedded one, started for as long as the tool takes.
 */
export const withDatabase = async (use: (opened: Opened) => Promise<void>): Promise<void> => {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = loadConfig(process.env).match((loaded) => loaded, fail);
  const run = async (url: string): Promise<void> =>
    use({ config, url, applied: (await migrate(url)).match((names) => names, fail) });

  if (config.database.kind === 'url') return run(config.database.url);
  const lock = lockDataDir(config.dataDir);
  if (lock.isErr()) return run((await findPostgres(config.dataDir)).match((url) => url, fail) ?? fail(lock.error));

  const quiet = { info: () => undefined, warn: console.warn };
  const postgres = (await startPostgres({ dataDir: config.dataDir, log: quiet })).match((started) => started, fail);
  try {
    await run(postgres.url);
  } finally {
    (await postgres.stop()).match(() => undefined, console.error);
    lock.value.release();
  }
};
