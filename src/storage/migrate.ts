/** Brings a database to the schema of this version. */
import { readdir } from 'node:fs/promises';
import { Kysely, Migrator, PostgresDialect, type Migration, type MigrationProvider } from 'kysely';
import { ResultAsync } from 'neverthrow';
import pg from 'pg';

/** From db/migrations; a migration is known by its file's name for ever. */
const FOLDER = new URL('../../db/migrations/', import.meta.url);
const NAME = /^\d{4}_[a-z0-9_]+\.ts$/;

/**
 * Applies what is missing, in order, in one transaction, and answers the names of what it applied. Instances that start
 * at once wait for each other on the migrator's own lock. The error is one line.
 */
export const migrate = (databaseUrl: string): ResultAsync<readonly string[], string> =>
  ResultAsync.fromPromise(
    migrateToLatest(databaseUrl),
    (error) => `the database was not migrated: ${messageOf(error)}`,
  );

const migrateToLatest = async (databaseUrl: string): Promise<string[]> => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: 10_000 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
    if (error !== undefined) {
      const failed = results.find(({ status }) => status === 'Error');
      throw new Error(`${failed ? `${failed.migrationName}: ` : ''}${messageOf(error)}`);
    }
    return results.map(({ migrationName }) => migrationName);
  } finally {
    await db.destroy();
  }
};

const provider: MigrationProvider = {
  getMigrations: async () => {
    const files = (await readdir(FOLDER)).filter((name) => NAME.test(name));
    const entries = files.map(async (file): Promise<[string, Migration]> => {
      const migration = (await import(new URL(file, FOLDER).href)) as Migration;
      return [file.replace('.ts', ''), migration];
    });
    return Object.fromEntries(await Promise.all(entries));
  },
};

/** A failed connection to a name with several addresses is an AggregateError, whose own message is empty. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};
