/** What the database may say or do in the midst of a batch, and what its caller is told. */
import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from '../../src/platform/postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createReads } from '../../src/storage/reads.ts';
import { createTurns } from '../../src/storage/turns.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { walletId } from '../../src/domain/ids.ts';
import { afterSuite } from '../support/cleanup.ts';
import { startProxy } from '../support/proxy.ts';
import { createDatabase, createDataDir } from '../support/suite.ts';
import { until } from '../support/until.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const sql = l.openSql(url);
const one = l.openInstance(url);
const merchant = await l.createMerchant(one, 'Shop');

/** Each batch that is written meets the next of these: an SQLSTATE, or the end of its session. */
await sql.query('create sequence met');
await sql.query('create table trouble (at bigint primary key, code text not null, when_committed boolean not null)');
await sql.query(`create function meet_trouble() returns trigger language plpgsql as $$
  declare next trouble; begin
    if to_jsonb(new)->>'is_fence' = 'true' then return null; end if;
    select * into next from trouble where at = (select last_value from met) and when_committed = (tg_name = 'at_commit');
    if found then
      perform nextval('met');
      if next.code = 'end' then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); end if;
      raise exception using errcode = next.code, message = 'trouble';
    end if;
    return null;
  end $$`);
await sql.query('create trigger at_write after insert on batches for each row execute function meet_trouble()');
await sql.query(
  'create constraint trigger at_commit after insert on batches deferrable initially deferred for each row execute function meet_trouble()',
);
const trouble = async (codes: readonly string[], whenCommitted = false): Promise<void> => {
  await sql.query('delete from trouble');
  const [{ at } = { at: '1' }] = await sql.query<{ at: string }>("select nextval('met') as at");
  for (const [n, code] of codes.entries())
    await sql.query('insert into trouble values ($1, $2, $3)', [Number(at) + n, code, whenCommitted]);
};
const lanePids = async (): Promise<number[]> =>
  (
    await sql.query<{ pid: number }>(
      "select pid from pg_stat_activity where datname = current_database() and application_name = 'quittance'",
    )
  ).map(({ pid }) => pid);

describe('before COMMIT', () => {
  // Disk, memory and I/O; a server that takes no writes; a plan that is stale; a server that shuts down; what nobody knows.
  it.each(['53100', '53200', '58030', '25006', '0A000', '57014', '57P01', '57P03', '53300', '42703', 'XX000', '08006'])(
    '%s is no fault of a change: the connection is given up, and the batch is done over another',
    async (code) => {
      const customer = await l.createCustomer(one, merchant, 100n);
      const before = await lanePids();
      await trouble([code, code]);
      const words = await Promise.all(Array.from({ length: 5 }, () => l.send(one, l.spend(merchant, customer, 1n))));
      expect(words).toEqual(['done', 'done', 'done', 'done', 'done']);
      expect(await l.walletOf(sql, customer)).toEqual([95, 6]);
      const left = (await lanePids()).filter((pid) => before.includes(pid));
      expect(left.length).toBeLessThan(before.length);
    },
  );

  it.concurrent.each(['53100', '25006'])('%s for good is told as unavailable, and nothing was done', async (code) => {
    const { url: own } = await createDatabase();
    const far = l.openInstance(own);
    const shop = await l.createMerchant(far, 'Shop');
    const customer = await l.createCustomer(far, shop, 100n);
    const ask = l.openSql(own);
    await ask.query(`create function always() returns trigger language plpgsql as $$
      begin raise exception using errcode = '${code}'; end $$`);
    await ask.query('create trigger always before insert on batches for each row execute function always()');
    const words = await Promise.all(Array.from({ length: 3 }, () => l.send(far, l.spend(shop, customer, 1n))));
    expect(new Set(words)).toEqual(new Set(['database_unavailable none']));
    await ask.query('drop trigger always on batches');
    expect(await l.send(far, l.spend(shop, customer, 1n))).toBe('done');
    expect(await l.walletOf(ask, customer)).toEqual([99, 2]);
  });

  it('a column that a newer version adds is nothing to an older one that runs', async () => {
    const customer = await l.createCustomer(one, merchant, 100n);
    const reads = createReads(one.database.pool, createTurns(10), () => undefined);
    const wallet = walletId(customer, l.USD);
    expect((await reads.account(merchant, wallet))._unsafeUnwrap()?.credits).toBe(100n);
    const column = `newer_${randomUUID().slice(0, 8)}`;
    for (const table of ['accounts', 'payments', 'customers', 'claims', 'transfers'])
      await sql.query(`alter table ${table} add column ${column} text`);
    expect(await l.send(one, l.spend(merchant, customer, 1n))).toBe('done');
    expect((await reads.account(merchant, wallet))._unsafeUnwrap()?.debits).toBe(1n);
    expect(one.logged()).not.toContain('cached plan');
  });
});

describe('a fault in our own code', () => {
  it('fails the change that it meets, and its neighbours are done', async () => {
    const customer = await l.createCustomer(one, merchant, 100n);
    const broken = {
      ...l.spend(merchant, customer, 1n),
      answer: () => {
        throw new TypeError('a mistake');
      },
    };
    const sent = Array.from({ length: 6 }, (_, n) => (n === 3 ? broken : l.spend(merchant, customer, 1n)));
    const words = await Promise.all(sent.map((change) => l.send(one, change)));
    expect(words).toEqual(['done', 'done', 'done', 'internal none', 'done', 'done']);
    expect(await l.walletOf(sql, customer)).toEqual([95, 6]);
  });
});

describe('at COMMIT', () => {
  it.each(['40001', '53100', '58030', '25006'])(
    '%s says that nothing was done: the batch is done again',
    async (code) => {
      const customer = await l.createCustomer(one, merchant, 100n);
      await trouble([code, code], true);
      expect(await l.send(one, l.spend(merchant, customer, 1n))).toBe('done');
      expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
    },
  );

  it.each(['40003', '08007', '08006', '57P01', 'end'])(
    '%s leaves a doubt, which is settled before anything else is tried: the batch is done once',
    async (code) => {
      const customer = await l.createCustomer(one, merchant, 100n);
      await trouble([code], true);
      expect(await l.send(one, l.spend(merchant, customer, 1n))).toBe('done');
      expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
      expect(await sql.query('select from batches where is_fence')).not.toEqual([]);
    },
  );

  it('a lost reply stays a doubt whatever the next try meets: what stands is never told as undone', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const customer = await l.createCustomer(far, merchant, 100n);
    let commits = 0;
    proxy.judge((bytes) => {
      if (!/\bcommit\b/i.test(bytes.toString('latin1')) || ++commits > 1) return 'forward';
      return 'deliver and cut';
    });
    // The next try is refused for what no change can mend, as on a replica that lags behind.
    await sql.query(`create or replace function refuse_fence() returns trigger language plpgsql as $$
      begin raise exception using errcode = '23514', message = 'behind'; end $$`);
    await sql.query(
      'create or replace trigger refuse_fence before insert on batches for each row when (new.is_fence) execute function refuse_fence()',
    );
    const spent = l.send(far, l.spend(merchant, customer, 1n));
    await until(() => far.logged().includes('behind'));
    await sql.query('drop trigger refuse_fence on batches');
    expect(await spent).toBe('done');
    expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
  });
});

describe('a server that keeps its standby waiting', () => {
  it('has nothing answered as done that is durable on one node alone, and all of it once the standby is back', async () => {
    const dataDir = await createDataDir();
    const quiet = { info: () => undefined, warn: () => undefined };
    const postgres = (await startPostgres({ dataDir, log: quiet }))._unsafeUnwrap();
    afterSuite(async () => (await postgres.stop())._unsafeUnwrap());
    (await migrate(postgres.url))._unsafeUnwrap();
    const here = l.openInstance(postgres.url);
    const shop = await l.createMerchant(here, 'Shop');
    const customer = await l.createCustomer(here, shop, 100n);
    const admin = new pg.Client(postgres.url);
    await admin.connect();
    afterSuite(() => admin.end());
    const standby = async (name: string): Promise<void> => {
      await admin.query(`alter system set synchronous_standby_names = '${name}'`);
      await admin.query('select pg_reload_conf()');
    };
    // An operator, or a timeout, cancels the wait: the server warns, and says COMMIT.
    await standby('gone');
    const cancelling = setInterval(
      () =>
        void admin
          .query("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'")
          .catch(() => undefined),
      50,
    );
    const change = l.spend(shop, customer, 1n);
    const claimed = await l.send(here, change);
    // So is a write that is no money.
    const key = await createKeys(here.database.pool).create('Other', 'secret', 'test');
    clearInterval(cancelling);
    expect([claimed, l.wordFor(key as never)]).toEqual([
      'database_unavailable unknown',
      'database_unavailable unknown',
    ]);

    await standby('');
    expect(await l.send(here, change)).toBe('replayed');
    expect(await l.send(here, l.spend(shop, customer, 1n))).toBe('done');
    expect(await l.walletOf(l.openSql(postgres.url), customer)).toEqual([98, 3]);

    // A doubt has its own time, however long the COMMIT was waited for before.
    await standby('gone');
    // The server has heard of it as soon as a commit waits.
    const isWaiting = async (): Promise<boolean> =>
      (await admin.query("select from pg_stat_activity where wait_event = 'SyncRep'")).rows.length > 0;
    let isDone = true;
    let waited = Promise.resolve('');
    while (isDone) {
      isDone = false;
      waited = l.send(here, l.spend(shop, customer, 1n)).finally(() => (isDone = true));
      await until(async () => isDone || (await isWaiting()));
    }
    await until(() => here.logged().includes('Query read timeout'));
    await new Promise((go) => setTimeout(go, 5_000));
    await standby('');
    expect(await waited).toBe('done');

    // And what is given up does not take the server's connections one after the other.
    await standby('gone');
    const keys = createKeys(here.database.pool);
    const words: string[] = [];
    for (let n = 0; n < 5; n++) words.push(l.wordFor((await keys.create(`Shop ${n}`, 'secret', 'test')) as never));
    expect(words.slice(-2)).toEqual(['database_unavailable none', 'database_unavailable none']);
    const { rows } = await admin.query("select from pg_stat_activity where wait_event = 'SyncRep'");
    expect(rows.length).toBeLessThan(4);
    await standby('');
    await until(async () => (await keys.create('Shop', 'secret', 'test')).isOk());
  }, 120_000);
});

describe('connections that went silent', () => {
  it('are all given up at the first that is found so, and reads go on over new ones', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const customer = await l.createCustomer(far, merchant, 100n);
    const reads = createReads(far.database.pool, createTurns(10), () => undefined);
    const read = async (): Promise<string> =>
      (await reads.customer(merchant, customer)).match(
        () => 'read',
        ({ code, outcome }) => `${code} ${outcome}`,
      );
    expect(new Set(await Promise.all(Array.from({ length: 8 }, read)))).toEqual(new Set(['read']));
    expect(far.database.stats().idle).toBeGreaterThan(3);
    proxy.silence();
    expect(await read()).toBe('database_unavailable none');
    for (let n = 0; n < 8; n++) expect(await read()).toBe('read');
    expect(await l.send(far, l.spend(merchant, customer, 1n))).toBe('done');
  }, 60_000);
});

describe('the settings of a session', () => {
  it.each([
    [
      'the URL',
      `${url}?options=${encodeURIComponent('-c timezone=Europe/Berlin -c datestyle=German -c lock_timeout=0')}`,
    ],
    ['the role', url],
  ])('are ours whatever %s says: time stands still between two postings', async (where, itsUrl) => {
    if (where === 'the role') {
      await sql.query(
        `do $$ begin execute format('alter database %I set datestyle = ''SQL, DMY''', current_database()); end $$`,
      );
      await sql.query(
        `do $$ begin execute format('alter database %I set timezone = ''Asia/Kolkata''', current_database()); end $$`,
      );
    }
    const there = l.openInstance(itsUrl);
    const customer = await l.createCustomer(there, merchant, 100n);
    for (let n = 0; n < 3; n++) expect(await l.send(there, l.spend(merchant, customer, 1n))).toBe('done');
    const [row] = await l
      .openSql(url)
      .query<{ s: number }>(
        'select extract(epoch from max(posted_at) - now())::float as s from accounts where merchant_id = $1',
        [uuidText(merchant)],
      );
    expect(Math.abs(row?.s ?? 99)).toBeLessThan(10);
  });
});

const uuidText = (id: string): string => id.slice(id.indexOf('_') + 1);
