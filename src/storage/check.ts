/** What must hold of a database before the service serves: settings that are kept, and statements that stay prepared. */
import { ResultAsync } from 'neverthrow';
import { connectOnce, messageOf } from './connect.ts';
import { SESSION_QUERY, sessionFault, type SettingRow } from './session.ts';
import { statement } from './prepared.ts';

export interface CheckOptions {
  readonly url: string;
  readonly isPrepared: boolean;
}

/** Errors: why the service cannot run on it, and what mends that, in one line. */
export const checkDatabase = (options: CheckOptions): ResultAsync<void, string> =>
  ResultAsync.fromPromise(check(options), (error) => explain(messageOf(error)));

const check = async ({ url, isPrepared }: CheckOptions): Promise<void> => {
  const one = await connectOnce(url, true);
  try {
    const { rows } = await one.client.query<SettingRow>(SESSION_QUERY);
    sessionFault(rows, one.client.user ?? '').match(
      () => undefined,
      ({ message }) => {
        throw new Error(message);
      },
    );
    if (!isPrepared) return;
    const other = await connectOnce(url, true);
    try {
      if (!(await staysPrepared(one.client, other.client))) throw new Error(NOT_PREPARED);
    } finally {
      await other.end();
    }
  } finally {
    await one.end();
  }
};

type Client = Awaited<ReturnType<typeof connectOnce>>['client'];

const PROBE = statement('select $1::int as probe', [1], true);
/** Where the other's transaction holds the one connection that there is. */
const PROBE_TIMEOUT_MS = 3_000;

/**
 * Whether a statement that a session has prepared is there in its next transaction. A pooler in transaction mode hands the
 * connection that was used last to whoever comes next: to the other session, which keeps it while the first asks again.
 */
const staysPrepared = async (one: Client, other: Client): Promise<boolean> => {
  const ask = (client: Client): Promise<boolean> =>
    client.query({ ...PROBE, query_timeout: PROBE_TIMEOUT_MS } as typeof PROBE).then(
      () => true,
      () => false,
    );
  if (!(await ask(one))) return false;
  await other.query('begin');
  const stayed = (await ask(other)) && (await ask(one));
  await other.query('rollback').catch(() => undefined);
  return stayed;
};

const NOT_PREPARED =
  'prepared statements do not stay: a pooler hands each transaction to another connection. Use PgBouncer 1.21 or newer with max_prepared_statements above 0, or pool_mode = session, or set DB_PREPARE=off';

/** PgBouncer refuses start-up options that it was not told to let pass. */
const explain = (message: string): string =>
  /startup parameter/i.test(message)
    ? `the database cannot be used: ${message}. Of PgBouncer, set ignore_startup_parameters = options`
    : `the database cannot be used: ${message}`;
