/** The demo that runs on this machine: where it is, and what its live page says. */
import pg from 'pg';
import { findPostgres } from '../../src/platform/postgres.ts';
import { until } from '../../src/platform/process.ts';

interface Trouble {
  readonly level: string;
  readonly what: string;
  readonly detail: string;
  readonly heading: string;
}

export interface Demo {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly sandboxUrl: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly customer: string;
  readonly story: () => Promise<readonly Trouble[]>;
  readonly post: (path: string, body: object) => Promise<number>;
  /** Takes every fault of the sandbox away. */
  readonly mendStripe: () => Promise<void>;
  readonly failStripe: (fault: object) => Promise<void>;
  /** Whether the database lets anyone in. */
  readonly openDatabase: (open: boolean) => Promise<void>;
}

interface Live {
  readonly story: readonly Trouble[];
  readonly processes: readonly { readonly pid: number }[];
}

export interface Places {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly sandboxUrl: string;
  readonly dataDir: string;
}

const KEYS = { secret: 'sk_test_demo', oncall: 'ok_test_demo' };
/** The demo merchant's. */
const CUSTOMER = 'cus_00000000000070008000000000100000';

/** What a demo answers that has just been started: nobody has looked at its keys yet. */
const NOT_READY = 503;
/** Far more than a look takes. */
const READY_WITHIN_MS = 10_000;

/** Rejects with one line where there is none, or what is there is no demo. */
export const findDemo = async (places: Places): Promise<Demo> => {
  const { apiUrl, opsUrl, sandboxUrl, dataDir } = places;
  const ask = (): Promise<Response> =>
    fetch(`${opsUrl}/live`, { headers: { Authorization: `Bearer ${KEYS.oncall}` } }).catch(() => {
      throw new Error(`nothing answers on ${opsUrl}: start the demo first, with npm start`);
    });
  const live = async (): Promise<Live> => {
    const reply = await ask();
    if (reply.status === 401)
      throw new Error(`what runs on ${opsUrl} is not the demo: drills are made where no money is real`);
    if (!reply.ok) throw new Error(`${opsUrl}/live answered ${reply.status}: ${await reply.text()}`);
    return (await reply.json()) as Live;
  };
  await until(async () => {
    const { status, body } = await ask();
    await body?.cancel();
    return status !== NOT_READY;
  }, READY_WITHIN_MS);
  const { processes } = await live();
  const [first] = processes;
  if (!first) throw new Error('no process of the demo answers');

  const faults = async (method: string, body?: object): Promise<void> => {
    const reply = await fetch(`${sandboxUrl}/_sandbox/faults`, {
      method,
      ...(body ? { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {}),
    });
    if (!reply.ok) throw new Error(`the sandbox on ${sandboxUrl} answered ${reply.status}: ${await reply.text()}`);
    await reply.arrayBuffer();
  };
  return {
    ...places,
    pid: first.pid,
    customer: CUSTOMER,
    story: async () => (await live()).story,
    post: async (path, body) => {
      const headers = {
        Authorization: `Bearer ${KEYS.secret}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': `drill-${crypto.randomUUID()}`,
      };
      const reply = await fetch(apiUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
      await reply.arrayBuffer();
      return reply.status;
    },
    mendStripe: () => faults('DELETE'),
    failStripe: (fault) => faults('POST', fault),
    openDatabase: (open) => setDatabase(dataDir, open),
  };
};

/** From a database beside it: nobody, not its owner either, is let into one that allows no connections. */
const setDatabase = async (dataDir: string, open: boolean): Promise<void> => {
  const found = await findPostgres(dataDir);
  const url = found.unwrapOr(undefined);
  if (url === undefined) throw new Error(`no embedded Postgres runs for ${dataDir}: set DATA_DIR as for npm start`);
  const beside = new URL(url);
  const name = beside.pathname.slice(1);
  beside.pathname = '/template1';
  const client = new pg.Client(beside.href);
  await client.connect();
  try {
    await client.query(`alter database ${pg.escapeIdentifier(name)} with allow_connections ${String(open)}`);
    if (!open) await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  } finally {
    await client.end();
  }
};
