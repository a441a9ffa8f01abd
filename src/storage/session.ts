/**
 * What each session must be set to. It is asked for when a connection is opened, and read back: a pooler may drop it in
 * silence (PgBouncer keeps none of the start-up options that it does not know), and a URL or a role may say otherwise.
 */
import { err, ok, type Result } from 'neverthrow';

/** What the sessions of reports are called: they write nothing, and nobody waits for them. */
export const REPORTS_NAME = 'quittance reports';

/** What we set. Each is in force, or the connection is not used. */
const SETTINGS = {
  // Instants are read with their offset, and in this style alone.
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  // A process that is paused or cut off must not hold a hot row: after 3 s idle inside a transaction Postgres ends the
  // session. A lock is waited for 1 s at a time, and `commit` tries again. No statement of ours takes 5 s.
  lock_timeout: '1000',
  statement_timeout: '5000',
  idle_in_transaction_session_timeout: '3000',
  synchronous_commit: 'on',
  // That a commit's wait for its standby was cancelled is told as a warning, and by nothing else.
  client_min_messages: 'warning',
  default_transaction_isolation: 'read committed',
  // Everything here is looked up by key or read along an index. Plans are made once for each statement, perhaps while
  // a table is still empty: they may not come to depend on that.
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const;

/** What we only look at: an administrator's to say, but wrong for us. */
const EXPECTED = {
  // `{NULL}` is an array of a null, and not of a word.
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  // Else no foreign key would be checked.
  session_replication_role: 'origin',
} as const;

type Setting = keyof typeof SETTINGS | keyof typeof EXPECTED;
const WANTED: Readonly<Record<Setting, string>> = { ...SETTINGS, ...EXPECTED };

/** Better than what is asked for, too. */
const fits = (name: Setting, value: string): boolean => {
  if (name === 'DateStyle') return value.startsWith('ISO');
  if (name === 'synchronous_commit') return value === 'on' || value === 'remote_apply';
  if (name === 'TimeZone') return ['UTC', 'Etc/UTC', 'GMT'].includes(value);
  return value === WANTED[name];
};

/** As PostgreSQL's start-up packet takes them; a space in a value is escaped. */
const START_UP = Object.entries(SETTINGS)
  .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  .join(' ');

/**
 * The URL as the driver is given it. What it says in `options` stays, and ours come after it, where they win;
 * `target_session_attrs` is what we do by ourselves.
 */
export const sessionUrl = (url: string): { readonly url: string; readonly options: string } => {
  const parsed = new URL(url);
  const own = parsed.searchParams.get('options');
  parsed.searchParams.delete('options');
  parsed.searchParams.delete('target_session_attrs');
  return { url: parsed.href, options: own === null ? START_UP : `${own} ${START_UP}` };
};

export interface SettingRow {
  readonly name: string;
  readonly setting: string;
}

/** Asks for all that `sessionFault` looks at, and for the number of the server's process. */
export const SESSION_QUERY: string = `select name, setting from pg_settings where name in (${[
  ...Object.keys(WANTED),
  'in_hot_standby',
  'transaction_read_only',
]
  .map((name) => `'${name}'`)
  .join(', ')}) union all select 'pid', pg_backend_pid()::text`;

/**
 * What a transaction depends on, set for it alone: behind a pooler, the session that was read back may be another than the
 * one that serves. Plans and the reading of times are left to the role, and to what a pooler tracks.
 */
export const SET_LOCAL: string = (
  [
    'lock_timeout',
    'statement_timeout',
    'idle_in_transaction_session_timeout',
    'synchronous_commit',
    'client_min_messages',
  ] as const
)
  .map((name) => `set local ${name} = '${SETTINGS[name]}'`)
  .join('; ');

export type SessionFault =
  /** Another host may be the primary. */
  | { readonly kind: 'takes no writes'; readonly message: string }
  | { readonly kind: 'setting'; readonly message: string };

/** Why a session cannot be used, from the rows of `SESSION_QUERY`. */
export const sessionFault = (rows: readonly SettingRow[], role: string): Result<void, SessionFault> => {
  const values = new Map(rows.map(({ name, setting }) => [name, setting]));
  if (values.get('in_hot_standby') === 'on')
    return err({ kind: 'takes no writes', message: 'the server is a standby, which takes no writes' });
  if (values.get('transaction_read_only') === 'on')
    return err({ kind: 'takes no writes', message: 'the server takes no writes: default_transaction_read_only is on' });
  const wrong = (Object.keys(WANTED) as Setting[]).filter((name) => !fits(name, values.get(name) ?? ''));
  if (wrong.length === 0) return ok();
  const is = wrong.map((name) => `${name} is ${values.get(name) ?? 'unknown'}`).join(', ');
  const mend = wrong.map((name) => `ALTER ROLE ${quoted(role)} SET ${name} = '${WANTED[name]}'`).join('; ');
  return err({
    kind: 'setting',
    message: `the database does not keep the settings of our sessions (${is}): a pooler drops them, or a server overrides them. Run once: ${mend}; and have a pooler open its connections anew (PgBouncer: RECONNECT)`,
  });
};

const quoted = (role: string): string => `"${role.replaceAll('"', '""')}"`;
