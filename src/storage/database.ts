/** The way to Postgres: a pool for reads, one connection for scans, one for commits. kysely and pg are known in this folder alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { createPool, createWay, kyselyPool, QUERY_TIMEOUT_MS, type ConnectOptions } from './pool.ts';
import type { DB } from './schema.ts';
import { REPORTS_NAME } from './session.ts';
import { createTransact, type Transact } from './transaction.ts';

export interface DatabaseOptions extends Omit<ConnectOptions, 'isPrepared'> {
  readonly poolMin: number;
  readonly poolMax: number;
  /** Whether statements are prepared: they are, unless told otherwise. */
  readonly isPrepared?: boolean;
  /** Told, in the context of who asked, how long a connection of the pool was waited for, and how long it was held. */
  readonly observe?: (waitMs: number, heldMs: number) => void;
}

export interface Database {
  /** For reads, and for what is not money. */
  readonly pool: Kysely<DB>;
  /** For what finance reads: a pool of its own, so that no report takes a connection from a charge. */
  readonly reports: Kysely<DB>;
  /** A report that adds up many rows: in one snapshot, along whichever plan is best, and given up after a while. */
  readonly reading: <T>(read: (db: Kysely<DB>) => Promise<T>) => Promise<T>;
  /** For what reads a whole table: such a statement may take its time. One at a time. */
  readonly scan: <T>(read: (db: Kysely<DB>) => Promise<T>) => Promise<T>;
  /** For commits: one transaction at a time, whose statements are pipelined. */
  readonly transact: Transact;
  readonly stats: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly close: () => Promise<void>;
}

/** Two at a time of one merchant, and two of others: on two cores more would only take from charges. */
export const REPORTS_MAX = 4;

/** A reader waits no longer: some ten million transfers. */
const REPORT_TIMEOUT_MS = 20_000;

/** Ten minutes: a few hundred million rows. From its beginning to its end, and beside it cores for everybody else. */
const SCAN_TIMEOUT_MS = 600_000;

/** At a stop such a statement is waited for no longer: it only reads, and its connection ends with the process. */
const SCAN_STOP_MS = 500;

/** Opens nothing yet: connections are made when they are needed. */
export const openDatabase = (options: DatabaseOptions): Database => {
  const way = createWay(options.url);
  const connect = { isPrepared: true, ...options };
  const reads = createPool(connect, way, { min: Math.min(options.poolMin, options.poolMax), max: options.poolMax });
  const lane = createPool(connect, way, { max: 1, pipeline: true });
  const scans = createPool(connect, way, {
    ...{ max: 1, query_timeout: SCAN_TIMEOUT_MS + QUERY_TIMEOUT_MS },
    // It reads for long, and only reads: nobody waits for it to see what is final.
    application_name: REPORTS_NAME,
  });

  const reports = createPool(connect, way, {
    max: REPORTS_MAX,
    application_name: REPORTS_NAME,
    query_timeout: REPORT_TIMEOUT_MS + QUERY_TIMEOUT_MS,
  });
  const reportsDb = new Kysely<DB>({ dialect: new PostgresDialect({ pool: kyselyPool(reports) }) });

  const pool = new Kysely<DB>({ dialect: new PostgresDialect({ pool: kyselyPool(reads, options.observe) }) });
  const scanDb = new Kysely<DB>({ dialect: new PostgresDialect({ pool: kyselyPool(scans) }) });
  /** The scan before the next one: whoever comes waits for minutes, and not for a connection. */
  let scanned: Promise<unknown> = Promise.resolve();
  return {
    pool,
    reports: reportsDb,
    reading: (read) =>
      reportsDb
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(async (tx) => {
          await freeSettings(tx, REPORT_TIMEOUT_MS);
          return read(tx);
        }),
    scan: (read) => {
      const mine = scanned.then(() =>
        scanDb
          .transaction()
          .setIsolationLevel('repeatable read')
          .execute(async (tx) => {
            await freeSettings(tx, SCAN_TIMEOUT_MS);
            return read(tx);
          }),
      );
      // Why it failed is told to who asked for it.
      scanned = mine.then(nothing, nothing);
      return mine;
    },
    transact: createTransact(lane, (statement) => statement.compile(pool)),
    stats: () => {
      const [one, other] = [reads.stats(), lane.stats()];
      return {
        total: one.total + other.total,
        idle: one.idle + other.idle,
        waiting: one.waiting + other.waiting,
      };
    },
    close: async () => {
      const ended = Promise.race([scanDb.destroy(), sleep(SCAN_STOP_MS, undefined, { ref: false })]);
      await Promise.all([pool.destroy(), reportsDb.destroy(), ended, lane.end()]);
    },
  };
};

const nothing = (): void => undefined;

/** Of what reads whole tables: joined as they lie there, and sorted in so much memory. */
const FREE_SETTINGS = {
  enable_seqscan: 'on',
  enable_hashjoin: 'on',
  enable_mergejoin: 'on',
  plan_cache_mode: 'force_custom_plan',
  max_parallel_workers_per_gather: '0',
  work_mem: '64MB',
} as const;

/** For this transaction alone, so that a pooler keeps it too. */
const freeSettings = (tx: Transaction<DB>, timeoutMs: number): Promise<unknown> => {
  const settings = { ...FREE_SETTINGS, statement_timeout: `${timeoutMs}` };
  const set = Object.entries(settings).map(([name, value]) => sql`set_config(${name}, ${value}, true)`);
  return sql`select ${sql.join(set)}`.execute(tx);
};
