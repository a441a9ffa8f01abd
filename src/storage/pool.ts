/**
 * Pools of connections that are given up at the first doubt. A connection that went silent, was cut, or leads to a server
 * that is no primary any more is destroyed and never handed out again; and since its neighbours have most likely met the
 * same fate, each of those is replaced at its next use.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from './connect.ts';
import { ConnectionLost, endsSession, failureOf } from './failure.ts';
import { createHosts, type Hosts } from './hosts.ts';
import { SESSION_QUERY, sessionFault, sessionUrl, type SettingRow } from './session.ts';
import { statement } from './prepared.ts';
import { getTypeParser } from './types.ts';

export interface ConnectOptions {
  /** May name several hosts: the one that takes writes is used. */
  readonly url: string;
  readonly acquireTimeoutMs: number;
  /** Whether statements are named and prepared: not behind a pooler that shares connections and does not know of them. */
  readonly isPrepared: boolean;
  readonly log: Logger;
}

/** One connection, as long as somebody has it. */
export interface Connection {
  /** Throws `ConnectionLost`, or what the server answered. */
  readonly query: <Row>(text: string, values: readonly unknown[]) => Promise<pg.QueryResult<Row & pg.QueryResultRow>>;
  /** The same without waiting for the one before, where the pool pipelines; what failed is told by `judge` at the end. */
  readonly send: <Row>(text: string, values?: readonly unknown[]) => Promise<pg.QueryResult<Row & pg.QueryResultRow>>;
  /** What an error of `send` is: `ConnectionLost`, or what the server answered. The connection is given up where it must. */
  readonly judge: (error: unknown, inDoubt: boolean) => unknown;
  /** The warning that turns a success into doubt, if one was sent since this was last asked. */
  readonly takeWarning: () => string | undefined;
  /** Whether a pooler stands before the server: each transaction may find itself in another session. */
  readonly isShared: boolean;
  /** Throws where as many commits as may be were given up, and still wait for a standby. Asked before each that writes. */
  readonly checkAbandoned: () => Promise<void> | undefined;
  readonly release: () => void;
}

export interface Pool {
  readonly connect: () => Promise<Connection>;
  readonly stats: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly end: () => Promise<void>;
}

/**
 * Where a standby is gone, each COMMIT that is given up stays in its session, which nobody hears of any more: they would
 * take the server's connections one after the other. After two of them nothing more is asked to be committed, until they
 * are gone.
 */
const ABANDONED_MAX = 2;
const STILL_WAITING = `select pid from pg_stat_activity where pid = any($1::int[]) and wait_event = 'SyncRep'`;

/** What all pools of one database have in common: where it is, and which connections are still to be trusted. */
export interface Way {
  readonly hosts: Hosts;
  /** Connections that were opened so far are replaced at their next use. */
  readonly distrust: () => unknown;
  readonly generation: () => number;
  /** Processes of the server that were asked to commit, and were given up: each may wait for a standby for ever. */
  readonly abandoned: Set<number>;
}

export const createWay = (url: string): Way => {
  let generation = 0;
  return { hosts: createHosts(url), distrust: () => ++generation, generation: () => generation, abandoned: new Set() };
};

/** A server that has stopped answering: later than `statement_timeout`, which a live server keeps to by itself. */
export const QUERY_TIMEOUT_MS = 7_000;
/** An idle connection to a host that is gone is found out within 15 s: Linux asks ten times, a second apart, after this. */
const KEEP_ALIVE_AFTER_MS = 5_000;
/** Where hosts change behind a name or a balancer, ten minutes later all connections lead to the new ones. */
const AGE_MAX_S = 600;
const IDLE_MAX_MS = 30_000;

/**
 * SQLSTATEs of the warnings that turn a COMMIT's success into doubt: `01000`, "canceling wait for synchronous
 * replication": it is durable on one node alone; and `25P01`, "there is no transaction in progress".
 */
const UNREPLICATED: ReadonlySet<string> = new Set(['01000', '25P01']);

/** Of a COMMIT, or of a statement that commits by itself. */
export const unreplicated = (warning = 'no warning'): ConnectionLost =>
  new ConnectionLost(`it was done on one server, and may be lost with it: ${warning}`, undefined, true);

/** pg-pool's own words. */
const POOL_EXHAUSTED = 'timeout exceeded when trying to connect';

/** What the hosts answer at a failover: their other connections lead to the same server. */
const DEMOTED = new Set(['25006', '57P01', '57P02', '57P03']);

export const createPool = (options: ConnectOptions, way: Way, own: pg.PoolConfig): Pool => {
  const { log, acquireTimeoutMs, isPrepared } = options;
  // Each host has its share of the time that a caller waits.
  const connectTimeoutMs = Math.max(500, Math.floor(acquireTimeoutMs / way.hosts.count));

  /** A client of the host whose turn it is. */
  class Client extends pg.Client {
    readonly hostUrl: string;
    constructor(config: pg.ClientConfig) {
      const hostUrl = way.hosts.current();
      const { url, options: startUp } = sessionUrl(hostUrl);
      super({ ...config, connectionString: url, options: startUp, connectionTimeoutMillis: connectTimeoutMs });
      this.hostUrl = hostUrl;
    }
  }

  const pool = new pg.Pool({
    application_name: 'quittance',
    connectionTimeoutMillis: acquireTimeoutMs,
    query_timeout: QUERY_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_MAX_MS,
    maxLifetimeSeconds: AGE_MAX_S,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    types: { getTypeParser },
    ...own,
    // The pool hands its own options to what it makes: its types say otherwise.
    Client: Client as unknown as new () => pg.ClientBase,
    // It is waited for, which its type forgets.
    onConnect: (client) => verify(client as Client) as unknown as undefined,
  });

  const generations = new WeakMap<pg.ClientBase, number>();
  const processIds = new WeakMap<pg.ClientBase, number>();
  const verify = async (client: Client): Promise<void> => {
    generations.set(client, way.generation());
    // One that breaks in use tells its query; but it emits the error too, to whoever has taken it from the pool.
    client.on('error', () => undefined);
    const ask = { text: SESSION_QUERY, query_timeout: connectTimeoutMs };
    const { rows } = await client.query<SettingRow & pg.QueryResultRow>(ask);
    processIds.set(client, Number(rows.find(({ name }) => name === 'pid')?.setting));
    sessionFault(rows, client.user ?? '').match(
      () => undefined,
      ({ message }) => {
        throw new ConnectionLost(message, undefined);
      },
    );
  };
  // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'));

  // A socket keeps the context that it was opened in, for life. A pool opens one when it is asked for a client, and when
  // one is given back for which others wait: neither is to be done in the name of the request that happens to do it.
  const outside = AsyncLocalStorage.snapshot();

  /** One that may be trusted; of several hosts each is tried once. */
  const connect = async (): Promise<Connection> => {
    for (let failures = 0; ;) {
      const hostUrl = way.hosts.current();
      try {
        const client = await outside(() => pool.connect());
        if (generations.get(client) === way.generation()) return known.get(client) ?? wrap(client);
        outside(() => client.release(true));
      } catch (error) {
        const lost = lostBy(error, false) ?? error;
        // All are in use: that says nothing of the host.
        if (error instanceof Error && error.message === POOL_EXHAUSTED) throw lost;
        way.hosts.failed(hostUrl);
        if (++failures >= way.hosts.count) throw lost;
      }
    }
  };

  const known = new WeakMap<pg.PoolClient, Connection>();
  const wrap = (client: pg.PoolClient): Connection => {
    const processId = processIds.get(client);
    let isBroken = false;
    let warning: string | undefined;
    client.on('notice', ({ code, message }) => {
      if (code !== undefined && UNREPLICATED.has(code)) warning = message ?? code;
    });
    const takeWarning = (): string | undefined => {
      const taken = warning;
      warning = undefined;
      return taken;
    };
    const judge = (error: unknown, inDoubt: boolean): unknown => {
      const failure = lostBy(error, inDoubt) ?? error;
      if (failureOf(failure) !== 'unavailable') return failure;
      isBroken = true;
      if (inDoubt && processId !== undefined) way.abandoned.add(processId);
      if (isDemotion(error) && generations.get(client) === way.generation()) {
        way.distrust();
        way.hosts.failed((client as pg.ClientBase as Client).hostUrl);
      }
      return failure;
    };
    const send: Connection['send'] = (text, values = []) => client.query(statement(text, values, isPrepared));
    const countAbandoned = async ({ abandoned }: Way): Promise<void> => {
      const { rows } = await send<{ readonly pid: number }>(STILL_WAITING, [[...abandoned]]).catch((error: unknown) => {
        throw judge(error, false);
      });
      const waiting = new Set(rows.map(({ pid }) => pid));
      for (const pid of abandoned) if (!waiting.has(pid)) abandoned.delete(pid);
      if (abandoned.size >= ABANDONED_MAX)
        throw new ConnectionLost(`${abandoned.size} commits wait for a standby: no more are sent`, undefined);
    };
    const checkAbandoned = (): Promise<void> | undefined =>
      way.abandoned.size < ABANDONED_MAX ? undefined : countAbandoned(way);
    const connection: Connection = {
      checkAbandoned,
      // A pooler tells a number of its own.
      isShared: processId !== (client as pg.ClientBase as Client & { readonly processID: number | null }).processID,
      send,
      judge,
      takeWarning,
      query: async (text, values) => {
        const writes = mayWrite(text);
        const check = writes ? checkAbandoned() : undefined;
        if (check) await check;
        const result = await send(text, values).catch((error: unknown) => {
          throw judge(error, writes);
        });
        if (warning === undefined) return result as never;
        throw unreplicated(takeWarning());
      },
      release: () => {
        const broken = isBroken;
        isBroken = false;
        outside(() => client.release(broken));
      },
    };
    known.set(client, connection);
    return connection;
  };

  return {
    connect,
    stats: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    end: () => pool.end(),
  };
};

/** Statements outside a transaction commit by themselves; those that only read leave no doubt. */
const mayWrite = (text: string): boolean => !/^\s*(select|start|begin|rollback|set)\b/i.test(text);

/** What is no answer of a live session: the driver's own errors, and those with which a server ends one. */
const lostBy = (error: unknown, inDoubt: boolean): ConnectionLost | undefined => {
  if (error instanceof ConnectionLost) return error;
  if (error instanceof pg.DatabaseError)
    return endsSession(error) ? new ConnectionLost(error.message, error, inDoubt) : undefined;
  // The driver's and the network's are plain errors. A mistake in what reads a row is one of these, and ours.
  const isOurs = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
  return isOurs ? undefined : new ConnectionLost(messageOf(error), error, inDoubt);
};

/** Whether the neighbours of a connection that failed so are suspect too. */
const isDemotion = (error: unknown): boolean =>
  error instanceof pg.DatabaseError ? DEMOTED.has(error.code ?? '') : !(error instanceof ConnectionLost);

interface Lent extends PostgresPoolClient {
  askedAt: number;
  takenAt: number;
}

/** As Kysely takes it. `observe` hears how long a connection was waited for, and how long it was held. */
export const kyselyPool = (
  pool: Pool,
  observe: (waitMs: number, heldMs: number) => void = () => undefined,
): PostgresPool => {
  const known = new WeakMap<Connection, Lent>();
  const lend = (connection: Connection): Lent => {
    const lent: Lent = {
      askedAt: 0,
      takenAt: 0,
      query: queryOf(connection),
      release: () => {
        observe(lent.takenAt - lent.askedAt, performance.now() - lent.takenAt);
        connection.release();
      },
    };
    known.set(connection, lent);
    return lent;
  };
  return {
    connect: async () => {
      const askedAt = performance.now();
      const connection = await pool.connect();
      const lent = known.get(connection) ?? lend(connection);
      lent.askedAt = askedAt;
      lent.takenAt = performance.now();
      return lent;
    },
    end: pool.end,
  };
};

const queryOf = ({ query: send }: Connection): PostgresPoolClient['query'] => {
  function query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  function query(text: string | PostgresCursor<unknown>, values: readonly unknown[] = []): unknown {
    // Kysely asks for a cursor only where one is configured; none is.
    return typeof text === 'string' ? send(text, values) : text;
  }
  return query;
};
