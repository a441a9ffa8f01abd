/** The way to Postgres: pools, prepared statements, types, timeouts. kysely and pg are known in this folder alone. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Kysely,
  PostgresDialect,
  type PostgresCursor,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  type RawBuilder,
} from 'kysely';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolMin: number;
  readonly poolMax: number;
  readonly acquireTimeoutMs: number;
  readonly log: Logger;
  /** Told, in the context of who asked, how long a connection of the pool was waited for, and how long it was held. */
  readonly observe?: (waitMs: number, heldMs: number) => void;
}

export interface Database {
  /** For reads, and for what is not money. */
  readonly pool: Kysely<DB>;
  /** One connection for what reads a whole table: such a statement may take its time. */
  readonly scan: Kysely<DB>;
  /** The one connection of the commit lane, on which statements are pipelined. */
  readonly lane: Kysely<DB>;
  /** Sends a statement within the lane's transaction, at once. */
  readonly flight: Flight;
  readonly stats: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly close: () => Promise<void>;
}

/**
 * Rows of a statement that leaves with others, in the order in which they are called. Kysely sends those of a
 * transaction one at a time, each after the reply to the one before: that would be a turn of a busy event loop for each.
 */
export type Flight = <Row>(statement: RawBuilder<Row>) => Promise<readonly Row[]>;

/**
 * A process that is paused or cut off must not hold a hot row: after 3 s idle inside a transaction Postgres ends the
 * session. A lock is waited for 1 s at a time, and `commit` tries again. No statement of ours takes 5 s.
 */
const SESSION = [
  '-c timezone=UTC',
  '-c lock_timeout=1000',
  '-c statement_timeout=5000',
  '-c idle_in_transaction_session_timeout=3000',
  '-c synchronous_commit=on',
  // Everything here is looked up by key or read along an index. Plans are made once for each statement, perhaps while
  // a table is still empty: they may not come to depend on that.
  '-c plan_cache_mode=force_generic_plan',
  '-c enable_seqscan=off',
  '-c enable_hashjoin=off',
  '-c enable_mergejoin=off',
].join(' ');

/** Ten minutes: a few hundred million rows. From its beginning to its end, and beside it cores for everybody else. */
const SCAN_TIMEOUT_MS = 600_000;
const SCAN_SESSION = [
  SESSION,
  `-c statement_timeout=${SCAN_TIMEOUT_MS}`,
  '-c enable_seqscan=on',
  '-c max_parallel_workers_per_gather=0',
].join(' ');

/** At a stop such a statement is waited for no longer: it only reads, and its connection ends with the process. */
const SCAN_STOP_MS = 500;

/** A server that has stopped answering: later than `statement_timeout`, which a live server keeps to by itself. */
const QUERY_TIMEOUT_MS = 7_000;

/** Opens nothing yet: connections are made when they are needed. */
export const openDatabase = (options: DatabaseOptions): Database => {
  const make = (own: pg.PoolConfig): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: options.url,
      application_name: 'quittance',
      connectionTimeoutMillis: options.acquireTimeoutMs,
      query_timeout: QUERY_TIMEOUT_MS,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      options: SESSION,
      types: { getTypeParser },
      ...own,
    });
    // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
    pool.on('error', (error) => options.log.warn({ err: error }, 'an idle database connection was lost'));
    // One that breaks in use tells its query; but it emits the error too, to whoever has taken it from the pool.
    pool.on('connect', (client) => client.on('error', () => undefined));
    return pool;
  };
  const reads = make({ min: Math.min(options.poolMin, options.poolMax), max: options.poolMax });
  const lane = make({ max: 1, pipeline: true });
  const scan = over(
    naming(
      make({ max: 1, options: SCAN_SESSION, query_timeout: SCAN_TIMEOUT_MS + QUERY_TIMEOUT_MS }),
      queryOf,
      undefined,
    ),
  );
  const pool = over(naming(reads, queryOf, options.observe));
  const { laneDb, flight } = openLane(lane);
  return {
    pool,
    scan,
    lane: laneDb,
    flight,
    stats: () => ({
      total: reads.totalCount + lane.totalCount,
      idle: reads.idleCount + lane.idleCount,
      waiting: reads.waitingCount + lane.waitingCount,
    }),
    close: async () => {
      const scanned = Promise.race([scan.destroy(), sleep(SCAN_STOP_MS, undefined, { ref: false })]);
      await Promise.all([pool.destroy(), scanned, laneDb.destroy()]);
    },
  };
};

const over = (pool: PostgresPool): Kysely<DB> => new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });

type QueryOf = (client: pg.PoolClient) => PostgresPoolClient['query'];

interface Named extends PostgresPoolClient {
  askedAt: number;
  takenAt: number;
}

/** Kysely names no statements, so Postgres would plan each anew. This gives every text a name, once per connection. */
const naming = (pool: pg.Pool, query: QueryOf, observe: DatabaseOptions['observe'] = () => undefined): PostgresPool => {
  const known = new WeakMap<pg.PoolClient, Named>();
  // A socket keeps the context that it was opened in, for life. A pool opens one when it is asked for a client, and when
  // one is given back for which others wait: neither is to be done in the name of the request that happens to do it.
  const outside = AsyncLocalStorage.snapshot();

  const name = (client: pg.PoolClient): Named => {
    const named: Named = {
      askedAt: 0,
      takenAt: 0,
      query: query(client),
      release: () => {
        observe(named.takenAt - named.askedAt, performance.now() - named.takenAt);
        outside(() => client.release());
      },
    };
    known.set(client, named);
    return named;
  };

  return {
    connect: async () => {
      const askedAt = performance.now();
      const client = await outside(() => pool.connect());
      return Object.assign(known.get(client) ?? name(client), { askedAt, takenAt: performance.now() });
    },
    end: () => pool.end(),
  };
};

/**
 * The lane has one connection and one transaction at a time. Its BEGIN is not waited for: it leaves with the first
 * statements, all of which fail if it does.
 */
const openLane = (pool: pg.Pool): { readonly laneDb: Kysely<DB>; readonly flight: Flight } => {
  let open: { readonly client: pg.PoolClient; readonly begun: Promise<unknown> } | undefined;
  const laneDb = over(
    naming(pool, (client) => {
      const query = queryOf(client);
      function begin<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
      function begin<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
      function begin<R>(text: string | PostgresCursor<R>, values: readonly unknown[] = []): unknown {
        if (typeof text !== 'string') return text;
        if (!text.startsWith('start transaction')) return query<R>(text, values);
        const begun = client.query(text);
        begun.catch(() => undefined);
        open = { client, begun };
        return Promise.resolve({ command: 'INSERT', rowCount: 0, rows: [] });
      }
      return begin;
    }),
  );
  const flight: Flight = async <Row>(raw: RawBuilder<Row>) => {
    if (!open) throw new Error('no transaction is open on this connection');
    const { sql, parameters } = raw.compile(laneDb);
    const [{ rows }] = await Promise.all([
      open.client.query<Row & pg.QueryResultRow>(statement(sql, parameters)),
      open.begun,
    ]);
    return rows;
  };
  return { laneDb, flight };
};

const queryOf = (client: pg.PoolClient): PostgresPoolClient['query'] => {
  function query<R>(text: string, values: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  function query(text: string | PostgresCursor<unknown>, values: readonly unknown[] = []): unknown {
    // Kysely asks for a cursor only where one is configured; none is.
    return typeof text === 'string' ? client.query(statement(text, values)) : text;
  }
  return query;
};

/** Texts are few, since lists are passed as arrays; beyond this many, one is simply not prepared. */
const NAMED_MAX = 500;
const names = new Map<string, string>();

const statement = (text: string, values: readonly unknown[]): pg.QueryConfig => {
  if (values.length === 0) return { text };
  const parameters = [...values];
  let name = names.get(text);
  if (name === undefined && names.size < NAMED_MAX) {
    name = `q${String(names.size)}`;
    names.set(text, name);
  }
  return name === undefined ? { text, values: parameters } : { name, text, values: parameters };
};

const INT8 = 20;
const TIMESTAMPTZ = 1184;

// pg's own parsers answer `any`; the rows that they make are typed where they are read.
/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-enum-assignment */
const getTypeParser = ((oid: number, format?: 'text' | 'binary') => {
  if (format !== 'binary' && oid === INT8) return BigInt;
  if (format !== 'binary' && oid === TIMESTAMPTZ) return parseTimestamp;
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;
/* eslint-enable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-enum-assignment */

/** `2026-01-01 00:00:00.123456+00`, as Postgres writes it in UTC; fewer decimals where the last are zero. */
const parseTimestamp = (text: string): Micros => {
  const at = (from: number, to: number): number => Number(text.slice(from, to));
  const seconds = Date.UTC(at(0, 4), at(5, 7) - 1, at(8, 10), at(11, 13), at(14, 16), at(17, 19));
  const decimals = text[19] === '.' ? text.slice(20, text.lastIndexOf('+')).padEnd(6, '0') : '0';
  return (BigInt(seconds) * 1000n + BigInt(decimals)) as Micros;
};
