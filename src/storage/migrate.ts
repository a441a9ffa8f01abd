/**
 * Brings a database to the schema of this version, while older ones go on serving; db/README.md has the rules for that.
 * Each migration is a transaction of its own that waits for no lock for long, since everybody else waits behind it.
 */
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { ResultAsync } from 'neverthrow';
import pg from 'pg';
import { connectOnce, messageOf } from './connect.ts';

/** A migration is known by its file's name for ever. */
const FOLDER = fileURLToPath(new URL('../../db/migrations/', import.meta.url));
const NAME = /^\d{4}_[a-z0-9_]+\.ts$/;

/** What a file of db/migrations exports. */
interface Migration {
  readonly up: (db: Kysely<unknown>) => Promise<void>;
  /** `false`: each of its statements is a transaction of its own, as CREATE INDEX CONCURRENTLY must be, and can be repeated. */
  readonly transaction?: false;
  /** `true`: the release before has prepared statements that ask for all columns of its table, and would fail for ever. */
  readonly replans?: boolean;
  /** The migration that a version must know to run on a database that has this one. Unset: every version can. */
  readonly needs?: string;
}

export interface MigrateOptions {
  readonly folder?: string;
  /** The last one to apply, if not all. */
  readonly upTo?: string;
  /** How long to go on asking for a lock that others hold. */
  readonly patienceMs?: number;
  /** Told of each that begins, and of each that waits. */
  readonly onProgress?: (line: string) => void;
}

/**
 * For so long a migration may hold everybody else up while it waits for a lock, and for so long while it has it. Where a
 * long reader is in the way it steps back, and asks again: others wait a third of a second of every two.
 */
const LOCK_TIMEOUT_MS = 300;
const STATEMENT_TIMEOUT_MS = 3_000;
/** A migrator that is stopped or cut off in the midst of a transaction lets go of its locks. */
const IDLE_TIMEOUT_MS = 2_000;
const PATIENCE_MS = 10 * 60_000;
const PAUSE_MS = 1_700;
/** Any number that nobody else takes: two who migrate at once take turns. */
const ADVISORY_LOCK = 7_220_416_011;

/**
 * Applies what is missing, in order, and answers the names of what it applied. Instances that start at once take turns.
 * The error is one line.
 */
export const migrate = (databaseUrl: string, options: MigrateOptions = {}): ResultAsync<readonly string[], string> =>
  ResultAsync.fromPromise(
    applyMissing(databaseUrl, options),
    (error) => `the database was not migrated: ${messageOf(error)}`,
  );

/** Whether this version can run on the schema as it is. The error says what is missing, or which version it takes. */
export const checkSchema = (databaseUrl: string, folder: string = FOLDER): ResultAsync<void, string> =>
  ResultAsync.fromPromise(check(databaseUrl, folder), (error) => messageOf(error));

const check = async (databaseUrl: string, folder: string): Promise<void> => {
  const { client, end } = await connectOnce(databaseUrl);
  try {
    const known = (await readNames(folder)).map(({ name }) => name);
    const applied = await readApplied(client);
    const missing = known.filter((name) => !applied.has(name));
    if (missing.length > 0)
      throw new Error(
        `the database lacks ${missing.join(', ')}, which this version needs: run "npm run migrate", or set MIGRATE=auto`,
      );
    const ahead = [...applied].find(
      ([name, needs]) => !known.includes(name) && needs !== null && !known.includes(needs),
    );
    if (ahead)
      throw new Error(
        `the database has ${ahead[0]}, and takes a version that knows ${String(ahead[1])}: this one does not`,
      );
  } finally {
    await end();
  }
};

const applyMissing = async (databaseUrl: string, options: MigrateOptions): Promise<string[]> => {
  const { folder = FOLDER, upTo = '9999', patienceMs = PATIENCE_MS, onProgress = () => undefined } = options;
  const { client, end } = await connectOnce(databaseUrl);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: onlyClient(client) }) });
  const deadline = performance.now() + patienceMs;
  try {
    await withoutWaiting('the list of migrations', deadline, onProgress, () => createList(db));
    const names: string[] = [];
    for (const { name, path } of await readNames(folder)) {
      if (name.slice(0, upTo.length) > upTo) break;
      if ((await readApplied(client)).has(name)) continue;
      onProgress(name);
      const migration = (await import(pathToFileURL(path).href)) as Migration;
      if (migration.transaction === false) await checkDirect(client, name);
      const isNew = await withoutWaiting(name, deadline, onProgress, () => applyOne(db, name, migration));
      if (isNew) names.push(name);
    }
    return names;
  } finally {
    await end();
  }
};

const checkDirect = async (client: pg.Client & { readonly processID?: number | null }, name: string): Promise<void> => {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  if (rows[0]?.pid !== client.processID)
    throw new Error(`${name} takes a session of its own: have DATABASE_URL name the server, and no pooler`);
};

/** Answers whether it was still to be done. */
const applyOne = async (db: Kysely<unknown>, name: string, migration: Migration): Promise<boolean> => {
  const note = (on: Kysely<unknown>): Promise<unknown> =>
    sql`insert into schema_migrations (name, needs) values (${name}, ${migration.needs ?? null}) on conflict do nothing`.execute(
      on,
    );
  const isApplied = async (on: Kysely<unknown>): Promise<boolean> =>
    (await sql`select from schema_migrations where name = ${name}`.execute(on)).rows.length > 0;
  try {
    if (migration.transaction === false)
      return await alone(db, async () => {
        if (await isApplied(db)) return false;
        await migration.up(db);
        await note(db);
        return true;
      });
    return await db.transaction().execute(async (tx) => {
      await takeTurn(tx);
      if (await isApplied(tx)) return false;
      await migration.up(tx);
      await note(tx);
      if (migration.replans) await endSessions(tx);
      return true;
    });
  } catch (error) {
    if (isOthers(error)) throw error;
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
  }
};

/**
 * Without a transaction the turn is the session's. It is asked for again and again: whoever waits for it in a statement has
 * a snapshot, for whose end CREATE INDEX CONCURRENTLY waits in turn. Behind a pooler the session is anybody's.
 */
const alone = async <T>(db: Kysely<unknown>, work: () => Promise<T>): Promise<T> => {
  const tryLock = async (): Promise<boolean> =>
    (await sql<{ got: boolean }>`select pg_try_advisory_lock(${ADVISORY_LOCK}::bigint) as got`.execute(db)).rows[0]
      ?.got ?? false;
  while (!(await tryLock())) await sleep(PAUSE_MS * Math.random());
  try {
    return await work();
  } finally {
    await sql`select pg_advisory_unlock(${ADVISORY_LOCK}::bigint)`.execute(db);
  }
};

/** Until the end of the transaction. */
const takeTurn = async (tx: Kysely<unknown>): Promise<void> => {
  await sql`select set_config('lock_timeout', ${`${LOCK_TIMEOUT_MS}`}, true),
    set_config('statement_timeout', ${`${STATEMENT_TIMEOUT_MS}`}, true),
    set_config('idle_in_transaction_session_timeout', ${`${IDLE_TIMEOUT_MS}`}, true)`.execute(tx);
  await sql`select pg_advisory_xact_lock(${ADVISORY_LOCK}::bigint)`.execute(tx);
};

/**
 * Ends the service's other sessions while the changed table is still locked: each is opened again at its next use, and
 * plans its statements anew. Those that are at work are left to end what they do first; those that wait for our lock
 * have done nothing yet. A role that may not end them is an administrator's, and so are the instances to be restarted.
 */
const endSessions = async (tx: Kysely<unknown>): Promise<void> => {
  const deadline = performance.now() + SESSIONS_END_MS;
  // As text: an instant that the driver reads has no microseconds.
  const { rows: now } = await sql<{ now: string }>`select clock_timestamp()::text as now`.execute(tx);
  for (;;) {
    const isLate = performance.now() > deadline;
    const { rows } = await sql<{ ended: boolean }>`
      select case when state = 'idle' or wait_event_type = 'Lock' or ${isLate}
        then pg_terminate_backend(pid, 1000) end as ended from pg_stat_activity
      where datname = current_database() and application_name = 'quittance' and pid <> pg_backend_pid()
        and backend_start < ${now[0]?.now ?? null}::timestamptz`.execute(tx);
    if (rows.length === 0 || isLate) return;
    await sleep(20);
  }
};

/** Longer than any of their statements takes, and shorter than a batch's patience: whoever waits for the table gets on. */
const SESSIONS_END_MS = 1_000;

/** Of a database that an earlier version migrated, what that has noted is taken over. */
const createList = (db: Kysely<unknown>): Promise<void> =>
  db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    if (await hasTable(tx, 'schema_migrations')) return;
    await sql`
      create table schema_migrations (
        name text not null constraint schema_migrations_pkey primary key,
        needs text,
        applied_at timestamptz not null default now()
      )`.execute(tx);
    if (await hasTable(tx, 'kysely_migration'))
      await sql`insert into schema_migrations (name) select name from kysely_migration`.execute(tx);
  });

const hasTable = async (db: Kysely<unknown>, name: string): Promise<boolean> =>
  (await sql<{ found: boolean }>`select to_regclass(${name}) is not null as found`.execute(db)).rows[0]?.found ?? false;

/** By name, what each of them needs. */
const readApplied = async (client: pg.Client): Promise<Map<string, string | null>> => {
  const list = await client.query<{ found: boolean }>("select to_regclass('schema_migrations') is not null as found");
  const [table, needs] = list.rows[0]?.found ? ['schema_migrations', 'needs'] : ['kysely_migration', 'null as needs'];
  const { rows } = await client
    .query<{ name: string; needs: string | null }>(`select name, ${needs} from ${table}`)
    .catch((error: unknown) => {
      // It is empty.
      if (error instanceof pg.DatabaseError && error.code === '42P01') return { rows: [] };
      throw error;
    });
  return new Map(rows.map((row) => [row.name, row.needs]));
};

const readNames = async (folder: string): Promise<{ readonly name: string; readonly path: string }[]> =>
  (await readdir(folder))
    .filter((file) => NAME.test(file))
    .sort()
    .map((file) => ({ name: file.replace('.ts', ''), path: `${folder}/${file}` }));

/** lock_not_available, deadlock_detected, serialization_failure. */
const OTHERS = new Set(['55P03', '40P01', '40001']);
const isOthers = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code !== undefined && OTHERS.has(error.code);

/** Steps back where others hold what it needs, so that those who wait behind it get on, and asks again. */
const withoutWaiting = async <T>(
  name: string,
  deadline: number,
  onProgress: (line: string) => void,
  step: () => Promise<T>,
): Promise<T> => {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!isOthers(error)) throw error;
      if (performance.now() > deadline)
        throw new Error(`${name}: others held a lock that it needs, to the end of its patience`, { cause: error });
      onProgress(`${name} waits for a lock: ${messageOf(error)}`);
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }
};

const onlyClient = (client: pg.Client): ConstructorParameters<typeof PostgresDialect>[0]['pool'] & object => ({
  connect: () => Promise.resolve({ query: client.query.bind(client) as never, release: () => undefined }),
  end: () => Promise.resolve(),
});
