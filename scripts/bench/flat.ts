/**
 * What a request costs as the tables grow: databases of different sizes in one cluster, seeded in SQL, and the same load
 * on each in turns. Seeding keeps what the ledger promises: both legs, running balances, sequences, sums of zero. It is
 * done without indexes, which are built at its end.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import pino from 'pino';
import { parseCurrency } from '../../src/domain/currency.ts';
import { platformAccountId, uuidOf, type MerchantId } from '../../src/domain/ids.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { lockDataDir } from '../../src/platform/lock.ts';
import { createWorld, type World } from '../../test/support/world.ts';
import { medianIn, medianOf, METRICS } from './figures.ts';
import type { Report } from './load/report.ts';
import { SEEDED_UUID_HEAD, seededCustomers } from './load/requests.ts';
import { errorsOf, runLoad } from './run-load.ts';
import { SCENARIOS } from './scenarios.ts';
import { asAdmin, createDatabase, databaseIn, startOwn, type Own } from './subject.ts';
import { columns } from './table.ts';

export interface FlatOptions {
  /** The sizes, smallest first. */
  readonly sizes: readonly Size[];
  /** None only seeds. */
  readonly rounds: number;
  readonly durationS: number;
  readonly warmupS: number;
  readonly connections: number;
  /** A folder in which the seeded databases stay, for another time; undefined throws them away. */
  readonly keep?: string | undefined;
  readonly log: (line: string) => void;
  /** Called when all is seeded and when all is done, with the world and each database's URL: for the judge. */
  readonly inspect?: (world: World, databaseUrls: readonly string[]) => Promise<void>;
}

export interface Size {
  readonly accounts: number;
  /** In the past of all accounts together, at least one for each: what its wallet holds came to it. */
  readonly transfers: number;
}

export interface FlatResult extends Size {
  readonly scenario: string;
  readonly reports: readonly Report[];
}

const DRIVEN = ['debit-uniform', 'balance'] as const;
const CURRENCY = 'usd';

export const flat = async (options: FlatOptions): Promise<FlatResult[]> => {
  const lock = options.keep === undefined ? undefined : lockDataDir(options.keep)._unsafeUnwrap();
  const world = await createWorld(options.keep);
  try {
    const subjects: Seeded[] = [];
    for (const size of options.sizes) subjects.push(await openSize(world, size, options.log));
    const urls = subjects.map(({ databaseUrl }) => databaseUrl);
    await options.inspect?.(world, urls);
    const results: FlatResult[] = [];
    for (const scenario of DRIVEN) results.push(...(await driveSizes(options, scenario, subjects)));
    await options.inspect?.(world, urls);
    return results;
  } finally {
    await world.close();
    lock?.release();
  }
};

interface Seeded {
  readonly size: Size;
  readonly own: Own;
  readonly databaseUrl: string;
}

const driveSizes = async (
  options: FlatOptions,
  scenario: (typeof DRIVEN)[number],
  subjects: readonly Seeded[],
): Promise<FlatResult[]> => {
  const results = subjects.map(({ size }) => ({ ...size, scenario, reports: [] as Report[] }));
  for (let round = 1; round <= options.rounds; round++) {
    for (const [n, { own, size }] of subjects.entries()) {
      const report = await runLoad(own, {
        args: [
          ...(SCENARIOS[scenario]?.args ?? []),
          ...['--seeded', String(size.accounts), '--connections', String(options.connections)],
          ...['--duration', String(options.durationS), '--warmup', String(options.warmupS)],
        ],
      });
      results[n]?.reports.push(report);
      const { all } = report;
      options.log(
        `${scenario}, ${size.accounts} accounts, round ${round} of ${options.rounds}: ${Math.round(all.rate)} req/s, ` +
          `${Math.round(METRICS.both.of(report) ?? 0)} µs, ${errorsOf(report)} errors`,
      );
    }
  }
  return results;
};

/** Of the cost at the smallest size, round by round: the median, the lowest and the highest. */
const ratioTo = (smallest: FlatResult | undefined, { reports }: FlatResult): string => {
  const ratios = reports.flatMap((report, round) => {
    const least = smallest?.reports[round];
    const [a, b] = [METRICS.both.of(report), least && METRICS.both.of(least)];
    return a === undefined || b === undefined || b === 0 ? [] : [a / b];
  });
  if (ratios.length === 0) return 'not measured';
  return `${medianOf(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
};

export const flatTable = (results: readonly FlatResult[]): string => {
  const shown = [METRICS.rate, METRICS.p50, METRICS.p99, METRICS.service, METRICS.postgres, METRICS.both];
  const rows = results.map((result) => {
    const smallest = results.find(({ scenario }) => scenario === result.scenario);
    return [
      result.scenario,
      result.accounts.toLocaleString('en'),
      result.transfers.toLocaleString('en'),
      ...shown.map((metric) => medianIn(result.reports, metric)?.toFixed(metric.digits) ?? 'not measured'),
      ratioTo(smallest, result),
      String(result.reports.reduce((sum, report) => sum + errorsOf(report), 0)),
    ];
  });
  const head = ['scenario', 'accounts', 'transfers', ...shown.map(({ title }) => title), 'to the smallest', 'errors'];
  return `${columns([head, ...rows])}\n`;
};

// ---- seeding -------------------------------------------------------------------------------------------------------

/** What one charge may be at most at Stripe, in minor units. */
const CHARGE_MAX = 99_999_999;
/** Left in each wallet for the load to spend: a hundred times what an account of the smallest size sees of it. */
const SPARE = 1_000;
/** Rows to a statement: a few seconds each, so that there is something to be told. */
const CHUNK = 500_000;

const openSize = async (world: World, size: Size, log: (line: string) => void): Promise<Seeded> => {
  const name = `flat_${size.accounts}_${size.transfers}`;
  const isSeeded = (await markOf(world, name)) === SEEDED;
  if (!isSeeded) await asAdmin(world.databaseUrl, (admin) => admin.query(`drop database if exists ${name}`));
  const databaseUrl = isSeeded ? databaseIn(world.databaseUrl, name) : await createDatabase(world.databaseUrl, name);
  (await migrate(databaseUrl))._unsafeUnwrap();
  const { key, merchant } = await createMerchant(databaseUrl);
  const own = await startOwn(world, { database: { name, url: databaseUrl, key } });
  if (!isSeeded) {
    const fund = Math.ceil(size.transfers / size.accounts) + SPARE;
    const funder = await payFunder(own, fund * size.accounts);
    await asAdmin(databaseUrl, (db) => seed(db, { ...size, merchant, funder, fund, log }));
    await asAdmin(world.databaseUrl, (admin) => admin.query(`comment on database ${name} is '${SEEDED}'`));
  }
  log(`${size.accounts} accounts: reading what is looked up by key into memory`);
  await asAdmin(databaseUrl, (db) => db.query(WARM_UP));
  return { size, own, databaseUrl };
};

/** As after some minutes under load: a database that has just been started would be measured by its disk. */
const WARM_UP = `
  create extension if not exists pg_prewarm;
  select pg_prewarm(oid) from pg_class where relname in ('accounts', 'accounts_pkey', 'claims_pkey', 'transfers_pkey')`;

/** A database that was seeded to the end says so: one that was cut off is made anew. */
const SEEDED = 'seeded';
const markOf = ({ databaseUrl }: World, name: string): Promise<string | null | undefined> =>
  asAdmin(databaseUrl, async (admin) => {
    const { rows } = await admin.query<{ mark: string | null }>(
      "select shobj_description(oid, 'pg_database') as mark from pg_database where datname = $1",
      [name],
    );
    return rows[0]?.mark;
  });

const createMerchant = async (url: string): Promise<{ key: string; merchant: MerchantId }> => {
  const log = pino({ level: 'silent' });
  const database = openDatabase({ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: 3_000, log });
  const key = (await createKeys(database.pool).create('Bench', 'secret', 'test'))._unsafeUnwrap();
  await database.close();
  return { key: key.secret, merchant: key.merchant };
};

/** Money comes in by card alone: one customer pays it all in, over HTTP, and hands it on. Answers that wallet's UUID. */
const payFunder = async ({ url, key }: Own, total: number): Promise<string> => {
  const call = async (path: string, body?: object): Promise<Record<string, string>> => {
    const response = await fetch(url + path, {
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`the money for the accounts could not be paid: ${await response.text()}`);
    return (await response.json()) as Record<string, string>;
  };
  const { id: customer = '' } = await call('/v1/customers', { name: 'Funder' });
  for (let left = total; left > 0; left -= CHARGE_MAX) {
    const amount = Math.min(left, CHARGE_MAX);
    await call('/v1/payments', { customer, amount, currency: CURRENCY, payment_method: 'pm_card_visa', confirm: true });
  }
  const { account = '' } = await call(`/v1/customers/${customer}/balance?currency=${CURRENCY}`);
  return account.replace('acct_', '');
};

interface Seed extends Size {
  readonly merchant: MerchantId;
  /** The UUID of the wallet that everybody's money comes from. */
  readonly funder: string;
  /** What each wallet is given, in minor units. */
  readonly fund: number;
  readonly log: (line: string) => void;
}

/**
 * Transfer k is of account k modulo the number of accounts: the first of each brings its money, and the others spend 1
 * of it to revenue. So every sequence and every running balance follows from k, and no statement reads another's rows.
 */
const seed = async (db: pg.Client, { accounts, transfers, merchant, funder, fund, log }: Seed): Promise<void> => {
  const currency = parseCurrency(CURRENCY)!;
  // By how much a wallet's id differs from its customer's: the same for all of a currency.
  const zero = seededCustomers(1).at(0);
  const walletBits = Number.parseInt(zero.account.slice(-5), 16) ^ Number.parseInt(zero.id.slice(-5), 16);
  const revenue = uuidOf(platformAccountId(merchant, 'revenue', currency));
  const uuid = (head: string, number: string): string => `('${head}' || lpad(to_hex(${number}), 12, '0'))::uuid`;
  const wallet = uuid(SEEDED_UUID_HEAD, `(k % ${accounts}) # ${walletBits}`);
  const of = `'${uuidOf(merchant)}'::uuid`;
  const posted = (k: string): string => `f.posted_at + (${k} + 1) * interval '1 microsecond'`;
  const spent = transfers - accounts;

  /** `insert … select … from generate_series(…) k`, piece by piece. */
  const insert = async (what: string, from: number, to: number, select: string): Promise<void> => {
    for (let at = from; at < to; at += CHUNK) {
      const last = Math.min(at + CHUNK, to) - 1;
      await db.query(select.replace('SERIES', `generate_series(${at}::bigint, ${last}::bigint)`));
      log(`seeding ${accounts} accounts: ${last + 1} of ${to} ${what}`);
    }
  };

  // Foreign keys are not asked about, since whatever is pointed at is seeded before; and what a crash would lose, too.
  await db.query(`set session_replication_role = replica; set synchronous_commit = off`);
  // An index that is not ready is not written to. Built at the end it is sorted once, in memory where that is enough: a
  // key that is a hash would have each row read and write a page of its own.
  await db.query(
    `update pg_index set indisready = false, indisvalid = false
     where indrelid = any($1::regclass[])`,
    [SEEDED_TABLES],
  );
  await db.query(
    `create temporary table funder as select credits, sequence, posted_at from accounts where id = '${funder}'`,
  );
  await insert(
    'customers',
    0,
    accounts,
    `insert into customers (merchant_id, id, name, metadata, created_at)
     select ${of}, ${uuid(SEEDED_UUID_HEAD, 'k')}, 'Seeded', '{}', f.posted_at from SERIES k, funder f`,
  );
  const times = `(${transfers} / ${accounts} + case when k < ${transfers} % ${accounts} then 1 else 0 end)`;
  await insert(
    'accounts',
    0,
    accounts,
    `insert into accounts (merchant_id, id, kind, customer_id, currency, debits, credits, sequence, posted_at)
     select ${of}, ${wallet}, 'wallet', ${uuid(SEEDED_UUID_HEAD, 'k')}, '${CURRENCY}', ${times} - 1, ${fund}, ${times},
       ${posted(`k + (${times} - 1) * ${accounts}`)} from SERIES k, funder f`,
  );
  const transfer = uuid('018d0000-0000-7000-9000-', 'k');
  await insert(
    'transfers',
    0,
    accounts,
    `insert into transfers select ${of}, ${transfer}, 'transfer', '${funder}', ${wallet}, ${fund}, '${CURRENCY}', null,
       null, ${posted('k')}, f.sequence + k + 1, 1, f.credits - (k + 1) * ${fund}, ${fund} from SERIES k, funder f`,
  );
  await insert(
    'transfers',
    accounts,
    transfers,
    `insert into transfers select ${of}, ${transfer}, 'debit', ${wallet}, '${revenue}', 1, '${CURRENCY}', null, null,
       ${posted('k')}, k / ${accounts} + 1, k - ${accounts} + 1, ${fund} - k / ${accounts}, k - ${accounts} + 1
     from SERIES k, funder f`,
  );
  // Each was asked for under a key, and has its stored reply, as long as a real one.
  await insert(
    'claims',
    0,
    transfers,
    `insert into claims select ${of}, md5('seed ' || k)::uuid, 'seed-' || k, 'POST /v1/debits', md5('body ' || k)::uuid, 201,
       format('{"id":"tr_%s","object":"transfer","padding":"%s"}', replace((${transfer})::text, '-', ''), repeat('x', 380)),
       f.posted_at from SERIES k, funder f`,
  );
  if (spent > 0)
    await db.query(
      `insert into accounts (merchant_id, id, kind, currency, credits, sequence, posted_at)
       select ${of}, '${revenue}', 'revenue', '${CURRENCY}', ${spent}, ${spent}, ${posted(`${transfers - 1}`)} from funder f`,
    );
  await db.query(`set maintenance_work_mem = '1GB'`);
  for (const table of SEEDED_TABLES) {
    log(`seeding ${accounts} accounts: indexes of ${table}`);
    await db.query(`reindex table ${table}`);
  }
  await db.query(
    `update accounts a set debits = f.credits, sequence = f.sequence + ${accounts}, posted_at = ${posted(`${accounts - 1}`)}
     from funder f where a.id = '${funder}'`,
  );
  for (const table of SEEDED_TABLES) {
    log(`seeding ${accounts} accounts: vacuum of ${table}`);
    await db.query(`vacuum (freeze, analyze) ${table}`);
  }
  await db.query('checkpoint');
};

const SEEDED_TABLES = ['customers', 'accounts', 'transfers', 'claims'];
