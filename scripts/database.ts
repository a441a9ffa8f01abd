import type { ResultAsync } from 'neverthrow';
import { loadConfig, type Config } from '../src/config.ts';
import { loadEnvFile } from '../src/platform/env-file.ts';
import { lockDataDir } from '../src/platform/lock.ts';
import { findPostgres, startPostgres } from '../src/platform/postgres.ts';
import { checkSchema, migrate } from '../src/storage/migrate.ts';

export interface Opened {
  readonly config: Config;
  readonly url: string;
}

/** What went wrong, in words for a person; `runTool` prints them. */
export const fail = (message: string): never => {
  throw new Error(message);
};

/** As a start of the service does. */
const prepareSchema = ({ config, url }: Opened): ResultAsync<unknown, string> =>
  config.migrate === 'auto' ? migrate(url).andThen(() => checkSchema(url)) : checkSchema(url);

/** Runs a tool to its end: what it opened is closed before a failure is told, and no stack is shown. */
export const runTool = async (tool: () => Promise<void>): Promise<void> => {
  await tool().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
};

/**
 * Runs a tool on the database that the service would use, whose schema is as `prepare` leaves it: the one of DATABASE_URL, the embedded one of a
 * service that runs now, or else the embedded one, started for as long as the tool takes.
 */
export const withDatabase = async (
  use: (opened: Opened) => Promise<void>,
  prepare: (opened: Opened) => ResultAsync<unknown, string> = prepareSchema,
): Promise<void> => {
  loadEnvFile();
  const config = loadConfig(process.env).match((loaded) => loaded, fail);
  const run = async (url: string): Promise<void> => {
    (await prepare({ config, url })).match(() => undefined, fail);
    await use({ config, url });
  };

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
