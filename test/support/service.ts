/** The real service, listening in this process, on a database and a sandbox of its own, and clients that speak to it. */
import { randomUUID } from 'node:crypto';
import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import { Writable } from 'node:stream';
import pg from 'pg';
import type { Payment } from '../../src/client/api.ts';
import { loadConfig } from '../../src/config.ts';
import type { ErrorView } from '../../src/domain/views.ts';
import { systemClock, type Clock } from '../../src/domain/time.ts';
import type { Role } from '../../src/domain/principal.ts';
import { createLogger } from '../../src/log.ts';
import type { ServerLimits } from '../../src/server.ts';
import { createService, type Service } from '../../src/service.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys, type Keys } from '../../src/storage/keys.ts';
import { afterSuite } from './cleanup.ts';
import { breachOf } from './contract.ts';
import type { ReplyOf } from './replies.ts';
import { createDatabase, startSandbox } from './suite.ts';

/** What all of a kind share: the reply, and an error in its place. */
export interface Answer<Reply = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Reply & { readonly error: ErrorView };
}

/** Where the bank asks the customer. */
export const bankPageOf = ({ next_action: action }: Pick<Payment, 'next_action'>): string => {
  if (action?.type !== 'redirect_to_url') throw new Error(`No redirect: ${JSON.stringify(action)}`);
  return action.redirect_to_url.url;
};

/** The idempotency key; `null` sends none, and nothing a new one. */
type Key = string | null | undefined;

export interface Client {
  readonly get: <Path extends string>(
    path: Path,
    headers?: Record<string, string>,
  ) => Promise<Answer<ReplyOf<'GET', Path>>>;
  readonly post: <Path extends string>(
    path: Path,
    body: unknown,
    key?: Key,
    headers?: Record<string, string>,
  ) => Promise<Answer<ReplyOf<'POST', Path>>>;
  readonly del: <Path extends string>(path: Path) => Promise<Answer<ReplyOf<'DELETE', Path>>>;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
}

/** One request as it is written here, and its answer; an answer that is no JSON has an empty `body`. */
export const send = async <Reply = unknown>(
  url: string,
  { method, path, headers, body }: Sent,
): Promise<Answer<Reply>> => {
  const response = await fetch(url + path, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  });
  const text = await response.text();
  const contentType = response.headers.get('content-type') ?? '';
  const breach = breachOf({ method, path, status: response.status, contentType, text });
  if (breach !== undefined) throw new Error(`The contract is broken: ${breach}`);
  const isJson = contentType.includes('json') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (isJson ? JSON.parse(text) : {}) as Answer<Reply>['body'],
  };
};

export const createClient = (url: string, apiKey: string): Client => {
  const authorization = { Authorization: `Bearer ${apiKey}` };
  return {
    get: (path, headers = {}) => send(url, { method: 'GET', path, headers: { ...authorization, ...headers } }),
    post: (path, body, key = randomUUID(), headers = {}) =>
      send(url, {
        method: 'POST',
        path,
        headers: {
          ...authorization,
          'Content-Type': 'application/json',
          ...(key === null ? {} : { 'Idempotency-Key': key }),
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    del: (path) => send(url, { method: 'DELETE', path, headers: authorization }),
  };
};

/** The keys of a merchant who is not the demo merchant, made in that database. */
export const openKeys = (databaseUrl: string): Keys => {
  const database = openDatabase({
    url: databaseUrl,
    poolMin: 0,
    poolMax: 1,
    acquireTimeoutMs: 10_000,
    log: createLogger('silent', process.stdout),
  });
  afterSuite(database.close);
  return createKeys(database.pool);
};

export interface TestService extends Client {
  readonly url: string;
  readonly opsUrl: string;
  readonly as: (apiKey: string) => Client;
  /** Everything that was logged so far. */
  readonly logged: () => string;
  readonly service: Service;
}

export interface ServiceSettings {
  readonly databaseUrl: string;
  readonly sandboxUrl: string;
  readonly env?: Record<string, string>;
  readonly clock?: Clock;
  readonly limits?: Partial<ServerLimits>;
}

const nowhere = openSync(devNull, 'w');

/** Starts the service as `main.ts` does, in this process; the suite closes it. */
export const startService = async ({
  databaseUrl,
  sandboxUrl,
  env = {},
  clock = systemClock(),
  limits,
}: ServiceSettings): Promise<TestService> => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const config = loadConfig({ PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', ...env })._unsafeUnwrap();
  const service = createService({
    config,
    databaseUrl,
    stripe: { ...config.stripe, apiBase: sandboxUrl },
    log: createLogger(config.logLevel, stream),
    // Whoever runs the tests wants to read of tests: a suite about lines starts a process of its own.
    stallLinesFd: nowhere,
    clock,
    limits,
  });
  const { apiUrl, opsUrl } = (await service.listen())._unsafeUnwrap();
  let closed = false;
  const close: Service['close'] = (deadlineMs) => {
    closed = true;
    return service.close(deadlineMs);
  };
  afterSuite(async () => {
    // Clients of this process keep their connections: they are not waited for long.
    if (!closed) (await close(1_000))._unsafeUnwrap();
  });
  const demo = createClient(apiUrl, 'sk_test_demo');
  return {
    ...demo,
    url: apiUrl,
    opsUrl,
    as: (apiKey) => createClient(apiUrl, apiKey),
    logged: () => lines.join(''),
    service: { ...service, close },
  };
};

export interface World extends TestService {
  readonly databaseUrl: string;
  readonly sandbox: { readonly url: string; readonly pid: number };
  readonly query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
  readonly createKey: (merchant: string, role: Role) => Promise<string>;
  /** A customer of the demo merchant whose wallet holds that many cents, if any, paid by card. */
  readonly createCustomer: (cents?: number, client?: Client) => Promise<string>;
  readonly walletOf: (customer: string, currency?: string, client?: Client) => Promise<string>;
  readonly balanceOf: (customer: string, currency?: string) => Promise<number>;
  readonly sandboxCounts: () => Promise<Record<string, number>>;
  /** The sum over all accounts, in each currency, as the database has it: zero, or money was made. */
  readonly sums: () => Promise<string[]>;
}

/** Everything that a suite over HTTP needs: database, sandbox, service. */
export const startWorld = async (env: Record<string, string> = {}, clock: Clock = systemClock()): Promise<World> => {
  const database = await createDatabase();
  const sandbox = await startSandbox();
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  // A suite may stop Postgres on purpose.
  pool.on('error', () => undefined);
  afterSuite(() => pool.end());
  const keys = openKeys(database.url);
  const service = await startService({ databaseUrl: database.url, sandboxUrl: sandbox.url, env, clock });

  const query = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await pool.query(text, values)).rows as Row[];
  const walletOf: World['walletOf'] = async (customer, currency = 'usd', client = service) =>
    (await client.get(`/v1/customers/${customer}/balance?currency=${currency}`)).body.account;

  return {
    ...service,
    databaseUrl: database.url,
    sandbox,
    query,
    walletOf,
    createKey: async (merchant, role) => (await keys.create(merchant, role, 'test'))._unsafeUnwrap().secret,
    createCustomer: async (cents = 0, client = service) => {
      const { body } = await client.post('/v1/customers', {});
      if (cents > 0) {
        const paid = await client.post('/v1/payments', payFor(body.id, cents));
        if (paid.status !== 201) throw new Error(`The wallet was not funded: ${paid.text}`);
      }
      return body.id;
    },
    balanceOf: async (customer, currency = 'usd') =>
      Number((await service.get(`/v1/customers/${customer}/balance?currency=${currency}`)).body.posted),
    sandboxCounts: async () => (await (await fetch(`${sandbox.url}/_sandbox/count`)).json()) as Record<string, number>,
    sums: async () =>
      (await query<{ sum: string }>('select sum(credits - debits)::text as sum from accounts group by currency')).map(
        ({ sum }) => sum,
      ),
  };
};

/** A charge of that customer, with a card that works. */
export const payFor = (customer: string, amount: number, more: object = {}): object => ({
  customer,
  amount,
  currency: 'usd',
  payment_method: 'pm_card_visa',
  confirm: true,
  ...more,
});
