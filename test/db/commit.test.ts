import { describe, expect, it } from '@jest/globals';
import { sql as kyselySql } from 'kysely';
import pg from 'pg';
import { newId, platformAccountId, walletId } from '../../src/domain/ids.ts';
import { startProxy, type Fate } from '../support/proxy.ts';
import { createDatabase } from '../support/suite.ts';
import { until } from '../support/until.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const sql = l.openSql(url);
// The service's own session waits longer for others than this, so that it is the one to be chosen.
await sql.query(
  `do $$ begin execute format('alter database %I set deadlock_timeout = 100', current_database()); end $$`,
);
const one = l.openInstance(url);
const merchant = await l.createMerchant(one, 'Shop');
const createCustomer = (funds = 1000n) => l.createCustomer(one, merchant, funds);
const isWaiting = async (): Promise<boolean> =>
  (await sql.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"))
    .length > 0;

describe('changes that arrive together', () => {
  it('leave in one batch, and each learns of its own', async () => {
    const customer = await createCustomer(50n);
    const before = one.batches.length;
    const words = await Promise.all(Array.from({ length: 60 }, () => l.send(one, l.spend(merchant, customer, 1n))));
    expect([
      words.filter((word) => word === 'done').length,
      words.filter((word) => word === 'insufficient_funds none').length,
    ]).toEqual([50, 10]);
    expect(one.batches.slice(before).map(({ size }) => size)).toEqual([60]);
    expect(await l.walletOf(sql, customer)).toEqual([0, 51]);
  });

  it.each(Array.from({ length: 10 }, (_, round) => round))(
    'fail alone where they cannot be written, and leave nothing behind: every neighbour is committed (%i)',
    async () => {
      const customer = await createCustomer(100n);
      const id = newId('item');
      const item = { merchant, id, name: 'twice', unitPrice: '1', currency: l.USD };
      expect(await l.send(one, { merchant, item })).toBe('done');
      const impossible = { ...l.spend(merchant, customer, 1n), transfers: [l.fund(merchant, customer, 0n)] };
      const sent = Array.from({ length: 20 }, (_, n) =>
        n === 7 ? { merchant, item } : n === 13 ? impossible : l.spend(merchant, customer, 1n),
      );
      const words = await Promise.all(sent.map((change) => l.send(one, change)));
      expect(words).toEqual(sent.map((_, n) => (n === 7 ? 'item_exists none' : n === 13 ? 'internal none' : 'done')));
      expect(await l.walletOf(sql, customer)).toEqual([82, 19]);
    },
  );
});

describe('a mistake of ours', () => {
  it('in what is to be written last leaves nothing behind, and no transaction open for the next', async () => {
    const { database } = l.openInstance(url);
    await sql.query('create table if not exists left_behind (id int)');
    const ended = await database.transact(async (flight): Promise<{ value: string }> => {
      await flight(kyselySql`insert into left_behind values (1)`);
      throw new TypeError('a mistake');
    });
    expect(ended).toMatchObject({ kind: 'failed', inDoubt: undefined });
    const next = await database.transact((flight) => flight(kyselySql`select 1`).then(() => ({ value: 'read' })));
    expect(next.kind).toBe('committed');
    expect(await sql.query('select id from left_behind')).toEqual([]);
    await sql.query('drop table left_behind');
  });
});

describe('two processes on one database', () => {
  const two = l.openInstance(url);

  it('do once what comes to both under one key, and give one answer', async () => {
    const customer = await createCustomer();
    for (let round = 0; round < 20; round++) {
      const claim = l.newClaim();
      const results = await Promise.all(
        [one, two].map((instance) => instance.commit(l.spend(merchant, customer, 1n, claim))),
      );
      expect(results.map(l.wordFor).sort()).toEqual(['done', 'replayed']);
      const bodies = results.map((result) => l.bytesOf(result._unsafeUnwrap()));
      expect(bodies[0]).toBe(bodies[1]);
    }
    expect(await l.walletOf(sql, customer)).toEqual([980, 21]);
  });

  it('claim one key though they touch no common account, and only one of them is done', async () => {
    const [a, b] = [await createCustomer(), await createCustomer()];
    const claim = l.newClaim();
    const results = await Promise.all([
      l.send(one, l.spend(merchant, a, 1n, claim)),
      l.send(two, l.spend(merchant, b, 1n, claim)),
    ]);
    expect(results.sort()).toEqual(['done', 'replayed']);
  });

  it('spend one wallet to its last unit, and no further', async () => {
    const customer = await createCustomer(100n);
    const sent = Array.from({ length: 150 }, (_, n) =>
      l.send(n % 2 === 0 ? one : two, l.spend(merchant, customer, 1n)),
    );
    const words = await Promise.all(sent);
    expect(words.filter((word) => word === 'done')).toHaveLength(100);
    expect(await l.walletOf(sql, customer)).toEqual([0, 101]);
  });

  it('move between the same wallets in both directions, and neither is refused', async () => {
    const [a, b] = [await createCustomer(), await createCustomer()];
    const move = (from: typeof a, to: typeof a) => {
      const change = l.spend(merchant, from, 1n);
      return {
        ...change,
        transfers: [{ ...change.transfers![0]!, kind: 'transfer' as const, credit: walletId(to, l.USD) }],
      };
    };
    const words: string[] = [];
    for (let round = 0; round < 10; round++)
      words.push(
        ...(await Promise.all(
          [one, two].flatMap((instance) => [l.send(instance, move(a, b)), l.send(instance, move(b, a))]),
        )),
      );
    expect(new Set(words)).toEqual(new Set(['done']));
    expect([await l.walletOf(sql, a), await l.walletOf(sql, b)].map(([posted]) => posted)).toEqual([1000, 1000]);
  });
});

describe('a batch that meets others in its way', () => {
  it('is done once they are gone: a lock that is waited for too long', async () => {
    const customer = await createCustomer();
    const other = new pg.Client(url);
    await other.connect();
    await other.query('begin');
    await other.query('select 1 from accounts where id = $1 for update', [walletId(customer, l.USD).slice(5)]);
    const spent = l.send(one, l.spend(merchant, customer, 1n));
    await until(() => one.logged().includes('55P03'));
    await other.query('rollback');
    await other.end();
    expect(await spent).toBe('done');
    expect(await l.walletOf(sql, customer)).toEqual([999, 2]);
  });

  it('is done again where it is the one that a deadlock ends', async () => {
    const customer = await createCustomer();
    const [first, second] = [walletId(customer, l.USD), platformAccountId(merchant, 'revenue', l.USD)]
      .map((id) => id.slice(5))
      .sort();
    const other = new pg.Client(url);
    await other.connect();
    await other.query("set deadlock_timeout = '60s'");
    await other.query('begin');
    await other.query('select 1 from accounts where id = $1 for update', [second]);
    const spent = l.send(one, l.spend(merchant, customer, 1n));
    await until(isWaiting);
    await other.query('select 1 from accounts where id = $1 for update', [first]);
    await other.query('rollback');
    await other.end();
    expect(await spent).toBe('done');
    expect(one.logged()).toContain('40P01');
    expect(await l.walletOf(sql, customer)).toEqual([999, 2]);
  });

  it('is done again after a serialization failure', async () => {
    await sql.query('create sequence if not exists failures');
    await sql.query('alter sequence failures restart');
    await sql.query(`create or replace function fail_twice() returns trigger language plpgsql as $$
      begin if nextval('failures') <= 2 then raise exception using errcode = '40001'; end if; return null; end $$`);
    await sql.query(
      'create or replace trigger fail_twice after insert on transfers for each statement execute function fail_twice()',
    );
    const customer = await l.createCustomer(one, merchant);
    expect(await l.send(one, { merchant, transfers: [l.fund(merchant, customer, 5n)] })).toBe('done');
    await sql.query('drop trigger fail_twice on transfers');
    expect(await l.walletOf(sql, customer)).toEqual([5, 1]);
  });
});

describe('a connection that is lost', () => {
  /** The first COMMIT after this meets that fate, and all else passes. */
  const atCommit = (fate: Fate): ((bytes: Buffer) => Fate) => {
    let struck = false;
    return (bytes) => {
      if (struck || !/\bcommit\b/i.test(bytes.toString('latin1'))) return 'forward';
      struck = true;
      return fate;
    };
  };
  const atFirst = (text: string, fate: Fate): ((bytes: Buffer) => Fate) => {
    let struck = false;
    return (bytes) => {
      if (struck || !bytes.toString('latin1').includes(text)) return 'forward';
      struck = true;
      return fate;
    };
  };

  it.each(['lose', 'deliver and cut'] as const)(
    'at COMMIT (%s) leaves the batch done once, and its callers answered',
    async (fate) => {
      const proxy = await startProxy(url);
      const far = l.openInstance(proxy.url);
      const customer = await createCustomer(100n);
      proxy.judge(atCommit(fate));
      const words = await Promise.all(Array.from({ length: 10 }, () => l.send(far, l.spend(merchant, customer, 1n))));
      expect(new Set(words)).toEqual(new Set(['done']));
      expect(far.logged()).toContain('a batch is tried again');
      expect(await l.walletOf(sql, customer)).toEqual([90, 11]);
    },
  );

  it('at COMMIT, which arrives only while the batch is being tried again, leaves it done once', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const customer = await createCustomer(100n);
    let commits = 0;
    proxy.judge((bytes) => (/\bcommit\b/i.test(bytes.toString('latin1')) && ++commits === 1 ? 'hold' : 'forward'));
    const spent = l.send(far, l.spend(merchant, customer, 1n));
    await until(() => commits === 1);
    // The server still waits for the COMMIT of a client who is gone, and the client tries again.
    const [lost] = await sql.query<{ pid: number }>(
      "select pid from pg_stat_activity where datname = current_database() and state = 'idle in transaction'",
    );
    expect(lost).toBeDefined();
    proxy.judge(() => 'forward');
    proxy.cutClients();
    await until(isWaiting);
    proxy.release();
    expect(await spent).toBe('done');
    expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
  });

  it.each(['begin', 'insert into batches', 'insert into transfers'])(
    'at %s is nothing but a delay',
    async (statement) => {
      const proxy = await startProxy(url);
      const far = l.openInstance(proxy.url);
      const customer = await createCustomer(100n);
      proxy.judge(atFirst(statement, 'lose'));
      expect(await l.send(far, l.spend(merchant, customer, 1n))).toBe('done');
      expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
    },
  );

  it.concurrent('for good is told: nothing was done, and the same key may be sent again', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const customer = await createCustomer(100n);
    proxy.cut(true);
    const change = l.spend(merchant, customer, 1n);
    expect(await l.send(far, change)).toBe('database_unavailable none');
    proxy.cut(false);
    expect(await l.send(far, change)).toBe('done');
    expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
  });

  it.concurrent('for good at COMMIT is told as unknown, and the key tells what became of it', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const customer = await createCustomer(100n);
    const change = l.spend(merchant, customer, 1n);
    proxy.judge((bytes) => {
      if (!/\bcommit\b/i.test(bytes.toString('latin1'))) return 'forward';
      setImmediate(() => proxy.cut(true));
      return 'deliver and cut';
    });
    expect(await l.send(far, change)).toBe('database_unavailable unknown');
    proxy.judge(() => 'forward');
    proxy.cut(false);
    expect(await l.send(far, change)).toBe('replayed');
    expect(await l.walletOf(sql, customer)).toEqual([99, 2]);
  });

  it.concurrent('without a word does not hold up what comes after it', async () => {
    const proxy = await startProxy(url);
    const far = l.openInstance(proxy.url);
    const customer = await createCustomer(100n);
    proxy.judge(atFirst('insert into transfers', 'swallow'));
    const first = await l.send(far, l.spend(merchant, customer, 1n));
    expect(['done', 'database_unavailable none']).toContain(first);
    expect(await l.send(far, l.spend(merchant, customer, 1n))).toBe('done');
    expect(await l.walletOf(sql, customer)).toEqual(first === 'done' ? [98, 3] : [99, 2]);
  });
});

it('in the end every account holds what its transfers say, together nothing, and no wallet is below zero', async () => {
  const [row] = await sql.query<{ sum: string; least: string }>(
    "select sum(credits - debits)::text as sum, (min(credits - debits) filter (where kind = 'wallet'))::text as least from accounts",
  );
  expect(row?.sum).toBe('0');
  expect(Number(row?.least)).toBeGreaterThanOrEqual(0);
  const wrong = await sql.query(`
    select a.id from accounts a left join lateral (
      select count(*) as n, coalesce(sum(amount) filter (where credit = a.id), 0) as credits from transfers
      where merchant_id = a.merchant_id and a.id in (credit, debit)
    ) t on true where (a.sequence, a.credits) is distinct from (t.n, t.credits)`);
  expect(wrong).toEqual([]);
});
