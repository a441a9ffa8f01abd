import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Finding } from '../../src/domain/proof.ts';
import { micros } from '../../src/domain/time.ts';
import { idAt } from '../../src/domain/ids.ts';
import { chainFaults, faultsOf, type PeriodFile, type PeriodLine } from '../../src/domain/period.ts';
import { cutOf } from '../../src/domain/cut.ts';
import { seedShop } from '../../src/demo/seed.ts';
import { createLogger } from '../../src/log.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createPeriods } from '../../src/storage/periods.ts';
import { createProofs } from '../../src/storage/proof.ts';
import { createSeeding } from '../../src/storage/seed.ts';
import { until } from '../../src/platform/process.ts';
import { afterSuite } from '../support/cleanup.ts';
import { startWorld } from '../support/service.ts';

const world = await startWorld();
const log = createLogger('silent', process.stdout);
const database = openDatabase({ url: world.databaseUrl, poolMin: 0, poolMax: 1, acquireTimeoutMs: 10_000, log });
afterSuite(database.close);
const proofs = createProofs(database);
const now = () => micros(Date.now());
const proved = async (since: string | null = null) =>
  (await proofs.prove({ merchant: null, since: since === null ? null : micros(Date.parse(since)) }, now())).match(
    ({ checked }) => checked,
    ({ cause }) => {
      throw cause as Error;
    },
  );

const findings = async (): Promise<Finding[]> => (await proved()).flatMap((checked) => checked.findings);

const KEPT = ['transfers', 'accounts', 'claims', 'payments'] as const;
const keep = async () => {
  for (const table of KEPT) await world.query(`create table kept_${table} as select * from ${table}`);
};
/** At once, for the service's own jobs go on meanwhile. */
const restore = async () => {
  const again = ['transfers', 'accounts', 'claims'].map(
    (table) => `truncate ${table}; insert into ${table} select * from kept_${table};`,
  );
  await world.query(`begin; ${again.join(' ')} commit`);
};

interface Row {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
}
const named = (prefix: string, uuid: string) => `${prefix}_${uuid.replaceAll('-', '')}`;

beforeAll(async () => {
  // A year that was made up, and a day that was lived through.
  const name = 'Shop';
  const shop = { merchant: idAt('mer', name, micros(0)), name, seed: 3, transfers: 2_000 };
  (
    await seedShop(createSeeding(database.pool), { ...shop, until: micros(Date.parse('2026-03-31T00:00:00Z')) })
  )._unsafeUnwrap();
  const customers = await Promise.all([1_000, 2_000, 3_000].map((cents) => world.createCustomer(cents)));
  for (let nth = 0; nth < 6; nth++)
    await world.post('/v1/debits', { customer: customers[nth % 3], amount: 100 + nth, currency: 'usd' });
  const [from, to] = [await world.walletOf(customers[1]!), await world.walletOf(customers[2]!)];
  await world.post('/v1/transfers', { from, to, amount: 50, currency: 'usd' });
  const transfers = [{ from, to, amount: 7, currency: 'usd' }];
  await world.post('/v1/transfers/bulk', { mode: 'independent', transfers });
  const payments = await world.get('/v1/payments?limit=1');
  await world.post('/v1/refunds', { payment: payments.body.data[0]!.id, amount: 10 });
  // Three charges and a refund: what Stripe's balance says of them is posted a moment later.
  const lines = 'select count(*)::int as n from balance_transactions where merchant_id <> $1';
  const isRead = async () => (await world.query<{ n: number }>(lines, [shop.merchant.slice(4)]))[0]?.n === 4;
  expect(await until(isRead, 45_000)).toBe(true);
  // The sealer goes on by itself: nothing is to be left to it that is wrong just then.
  const periods = createPeriods(database);
  const unsealed = `select (select count(*) from transfers) - (select sum(length(digests) / 8) from seals) as n`;
  const isSealed = async () => {
    if ((await periods.seal(now())).isErr()) return false;
    return Number((await world.query<{ n: string }>(unsealed))[0]?.n) === 0;
  };
  expect(await until(isSealed, 30_000)).toBe(true);
  await keep();
}, 90_000);

/** A debit in the middle of a busy account, with many before it and after it. */
const debitInTheMiddle = async (): Promise<Row> =>
  (
    await world.query<Row>(
      `select id, debit, credit from transfers where kind = 'usage' order by posted_at offset 200 limit 1`,
    )
  )[0]!;

describe('a proof of the books', () => {
  it('finds nothing where nothing is wrong, and says what it looked at', async () => {
    const checked = await proved();
    expect(checked.flatMap((one) => one.findings)).toEqual([]);
    const count = (check: string) =>
      checked.filter((one) => one.check === check).reduce((sum, one) => sum + one.counted, 0);
    const [row] = await world.query<{ n: number }>('select count(*)::int as n from transfers');
    expect(count('entries_chain')).toBe(2 * row!.n);
    expect(count('replies_are_true')).toBeGreaterThan(10);
  });

  it('finds nothing either in what was posted since an instant, whichever', async () => {
    for (const text of ['2025-09-01T00:00:00Z', '2026-03-20T12:00:00Z', '2026-06-01T00:00:00Z']) {
      const checked = await proved(text);
      expect(checked.flatMap((one) => one.findings)).toEqual([]);
    }
  });

  it('names the row that has a cent too much', async () => {
    const row = await debitInTheMiddle();
    await world.query('update transfers set amount = amount + 1 where id = $1', [row.id]);
    const found = await findings();
    await restore();
    expect(found.map(({ transfer }) => transfer)).toEqual([named('tr', row.id), named('tr', row.id)]);
    expect(new Set(found.map(({ account }) => account))).toEqual(
      new Set([named('acct', row.debit), named('acct', row.credit)]),
    );
  });

  it('names the two rows that have changed places', async () => {
    const row = await debitInTheMiddle();
    const pair = await world.query<Row>(
      `select id, debit, credit from transfers where credit = $1 and credit_sequence >= (
         select credit_sequence from transfers where id = $2) order by credit_sequence limit 2`,
      [row.credit, row.id],
    );
    const [one, other] = pair.map(({ id }) => id);
    await world.query(
      `update transfers t set credit_sequence = o.credit_sequence, credit_balance_after = o.credit_balance_after
       from transfers o where (t.id = $1 and o.id = $2) or (t.id = $2 and o.id = $1)`,
      [one, other],
    );
    const found = await findings();
    await restore();
    expect(new Set(found.map(({ account }) => account))).toEqual(new Set([named('acct', row.credit)]));
    expect(new Set(found.map(({ transfer }) => transfer))).toEqual(new Set([named('tr', one!), named('tr', other!)]));
  });

  it('names where a row is gone, in both of its accounts', async () => {
    const row = await debitInTheMiddle();
    const [gone] = await world.query<{ d: string; c: string }>(
      'delete from transfers where id = $1 returning debit_sequence as d, credit_sequence as c',
      [row.id],
    );
    const found = await findings();
    await restore();
    expect(
      new Set(
        found.flatMap(({ check, account, detail }) =>
          // Once it is sealed, its seal tells of it too.
          check === 'seals_hold' ? [] : `${String(account)} ${/(?:entry|after) (\d+)/.exec(detail)?.[1] ?? ''}`,
        ),
      ),
    ).toEqual(new Set([`${named('acct', row.debit)} ${gone!.d}`, `${named('acct', row.credit)} ${gone!.c}`]));
  });

  it('names the row whose time was changed', async () => {
    const row = await debitInTheMiddle();
    for (const by of ['30 days', '-30 days']) {
      await world.query(`update transfers set posted_at = posted_at + $2::interval where id = $1`, [row.id, by]);
      const found = await findings();
      await restore();
      expect(new Set(found.map(({ transfer }) => transfer))).toEqual(new Set([named('tr', row.id)]));
    }
  });

  it('names the account whose balance was changed, and the row that tells another balance', async () => {
    const row = await debitInTheMiddle();
    await world.query('update accounts set credits = credits + 1, debits = debits + 1 where id = $1', [row.debit]);
    const sums = await findings();
    await restore();
    expect(sums.map(({ check, account }) => [check, account])).toEqual([
      ['balances_are_sums', named('acct', row.debit)],
    ]);

    await world.query('update transfers set debit_balance_after = debit_balance_after + 1 where id = $1', [row.id]);
    const after = await findings();
    await restore();
    expect(after.map(({ transfer, account }) => [transfer, account])).toEqual([
      [named('tr', row.id), named('acct', row.debit)],
    ]);
  });

  it('names both of two things that are wrong in one account, and nothing else', async () => {
    const [account] = await world.query<{ id: string; rows: Row[] }>(
      `select credit as id, json_agg(json_build_object('id', id, 'debit', debit, 'credit', credit) order by credit_sequence) as rows
       from transfers where credit = $1 group by 1`,
      [(await debitInTheMiddle()).credit],
    );
    const { id, rows } = account!;
    const at = (nth: number): Row => rows.at(nth)!;
    const acct = named('acct', id);
    const cent = (by: number) => (row: Row) =>
      world.query('update transfers set amount = amount + $2 where id = $1', [row.id, by]);
    const after = (row: Row) =>
      world.query('update transfers set credit_balance_after = credit_balance_after + 1 where id = $1', [row.id]);
    const gone = (row: Row) => world.query('delete from transfers where id = $1', [row.id]);
    const balance = () =>
      world.query('update accounts set debits = debits + 1, credits = credits + 1 where id = $1', [id]);
    /** In both of its accounts, or in this one. */
    const both = (row: Row): string[] => [acct, named('acct', row.debit)].map((one) => `${one} ${named('tr', row.id)}`);
    const here = (row: Row): string[] => [`${acct} ${named('tr', row.id)}`];
    const itself = [`${acct} null`];
    const last = `${named('acct', at(-1).debit)} null`;
    const pairs: readonly (readonly [string, readonly (() => Promise<unknown>)[], readonly string[]])[] = [
      ['two cents', [() => cent(1)(at(50)), () => cent(-1)(at(60))], [...both(at(50)), ...both(at(60))]],
      ['two cents in a row', [() => cent(1)(at(50)), () => cent(1)(at(51))], [...both(at(50)), ...both(at(51))]],
      ['a cent and the balance', [() => cent(1)(at(50)), balance], [...both(at(50)), ...itself]],
      ['an entry’s balance and the balance', [() => after(at(50)), balance], [...here(at(50)), ...itself]],
      [
        'a cent and an entry’s balance',
        [() => cent(1)(at(50)), () => after(at(60))],
        [...both(at(50)), ...here(at(60))],
      ],
      ['a cent and the last row', [() => cent(1)(at(50)), () => gone(at(-1))], [...both(at(50)), ...itself, last]],
    ];
    for (const [what, acts, expected] of pairs) {
      for (const act of acts) await act();
      const found = await findings();
      await restore();
      const told = found.flatMap(({ check, account: of, transfer }) =>
        check === 'seals_hold' ? [] : [`${String(of)} ${String(transfer)}`],
      );
      expect([what, told.toSorted()]).toEqual([what, [...expected].toSorted()]);
    }
  });

  it('names the reply that tells another amount than was moved', async () => {
    const [claim] = await world.query<{ id: string; key: string }>(
      `select id, key from claims where operation like '%/v1/debits' order by created_at limit 1`,
    );
    await world.query(`update claims set body = replace(body, '"amount":10', '"amount":90') where id = $1`, [
      claim!.id,
    ]);
    const found = await findings();
    await restore();
    expect(found.map(({ check }) => check)).toEqual(['replies_are_true']);
    expect(found[0]?.subject).toContain(claim!.key);
  });
});

describe('seals and periods', () => {
  const file = async (): Promise<PeriodFile> => {
    const closed = async () => {
      const { text } = await world.get('/v1/ledger/periods');
      return (JSON.parse(text) as { data: { file: PeriodFile | null }[] }).data.find((period) => period.file !== null)
        ?.file;
    };
    expect(await until(async () => (await closed()) !== undefined, 30_000)).toBe(true);
    return (await closed())!;
  };
  const moved = (of: PeriodFile, by: (line: PeriodLine) => PeriodLine): PeriodFile => ({
    ...of,
    trial_balance: of.trial_balance.map((line, at) => (at === 0 ? by(line) : line)),
  });

  it('name a row that was changed so well that its account still adds up', async () => {
    const row = await debitInTheMiddle();
    await world.query(`update transfers set posted_at = posted_at + interval '1 microsecond' where id = $1`, [row.id]);
    const found = await findings();
    await restore();
    expect(found.map(({ check, transfer }) => [check, transfer])).toEqual([['seals_hold', named('tr', row.id)]]);
    expect(await findings()).toEqual([]);
  });

  it('close with a day that is over, once, as a file that is right by itself', async () => {
    expect((await world.post('/v1/ledger/periods', { ends: '2026-13-01' }, null)).status).toBe(400);
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect((await world.post('/v1/ledger/periods', { ends: tomorrow }, null)).body.error.param).toBe('ends');
    const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
    const closing = await world.post('/v1/ledger/periods', { ends: day, tz: 'Europe/Berlin' }, null);
    expect(closing.status).toBe(201);
    expect(closing.body).toMatchObject({ state: 'closing', number: 1, file: null });
    expect((await world.post('/v1/ledger/periods', { ends: day, tz: 'Europe/Berlin' }, null)).body.error.param).toBe(
      'ends',
    );
    const closed = await file();
    expect(closed.tz).toBe('Europe/Berlin');
    expect(faultsOf(closed)).toEqual([]);
    expect(faultsOf(JSON.parse(JSON.stringify(closed, null, 2)) as PeriodFile)).toEqual([]);
  });

  it('have a trial balance that is SQL’s, and go on where the one before ended', async () => {
    const periods = createPeriods(database);
    const merchant = idAt('mer', 'Shop', micros(0));
    for (const day of ['2025-12-31', '2026-02-28']) {
      const cut = cutOf({ asOf: day }, now())._unsafeUnwrap();
      expect((await periods.ask(merchant, cut, day, now()))._unsafeUnwrap()).toBeDefined();
    }
    while ((await periods.close(now()))._unsafeUnwrap());
    await until(async () => (await periods.list(merchant))._unsafeUnwrap().every((one) => one.file !== null), 30_000);
    const files = (await periods.list(merchant))
      ._unsafeUnwrap()
      .map((one) => one.file!)
      .reverse();
    expect(files.flatMap((one) => faultsOf(one))).toEqual([]);
    expect(chainFaults(files)).toEqual([]);
    expect(chainFaults([files[0]!, { ...files[1]!, previous_hash: '00' }])).toHaveLength(1);
    const rows = await world.query<{ kind: string; currency: string; closing: string }>(
      `select a.kind, a.currency, sum(signed)::text as closing from (
         select debit as id, -amount as signed, posted_at, merchant_id from transfers
         union all select credit, amount, posted_at, merchant_id from transfers) l
       join accounts a on a.id = l.id and a.merchant_id = l.merchant_id
       where l.posted_at < '2026-03-01T00:00:00Z' and l.merchant_id = $1 group by 1, 2`,
      [merchant.slice(4)],
    );
    const told = files[1]!.trial_balance.map(({ kind, currency, closing }) => ({ kind, currency, closing }));
    const byName = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    expect(told.toSorted(byName)).toEqual(rows.toSorted(byName));
  });

  it('show a cent that was changed in the file, and a key that is not theirs', async () => {
    const merchant = idAt('mer', 'Shop', micros(0));
    const [{ file: closed } = { file: null }] = (await createPeriods(database).list(merchant))._unsafeUnwrap();
    const cent = moved(closed!, (line) => ({ ...line, debits: `${BigInt(line.debits) + 1n}` }));
    expect(faultsOf(cent).join()).toContain(closed!.trial_balance[0]!.currency);
    // Made to add up again, it is not what was hashed; and hashed again, not what was signed.
    const balanced = { ...closed!, sequence: `${BigInt(closed!.sequence) + 1n}` };
    expect(faultsOf(balanced)).toHaveLength(2);
    const { publicKey } = generateKeyPairSync('ed25519');
    const other = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    expect(faultsOf(closed!, other)).toHaveLength(2);
    expect(faultsOf(closed!, closed!.public_key)).toEqual([]);
  });

  it('leave out nothing of a commit that ends while they are made, however long it took', async () => {
    const [merchant, other] = ['00000000-0000-7000-8000-00000000abcd', '00000000-0000-7000-8000-00000000abce'];
    const post = `insert into transfers (merchant_id, id, kind, debit, credit, amount, currency, posted_at, debit_sequence,
         credit_sequence, debit_balance_after, credit_balance_after)
       select $1, gen_random_uuid(), 'debit', gen_random_uuid(), gen_random_uuid(), 1, 'usd', now(), 1, 1, 0, 0`;
    const slow = new pg.Client(world.databaseUrl);
    await slow.connect();
    await slow.query('begin');
    await slow.query(post, [merchant]);
    await world.query(post, [other]);
    // Longer than two clocks may differ, as one that waits for its standby.
    await sleep(2_500);
    const straddled = createPeriods({
      ...database,
      reading: (read) => database.reading((db) => slow.query('commit').then(() => read(db))),
    });
    (await straddled.seal(now())).unwrapOr(false);
    await slow.end();
    const isSealed = async () => {
      (await createPeriods(database).seal(now())).unwrapOr(false);
      return (await world.query(`select from seals where merchant_id = $1`, [merchant])).length > 0;
    };
    expect(await until(isSealed, 10_000)).toBe(true);
    for (const table of ['seals', 'transfers'])
      await world.query(`delete from ${table} where merchant_id in ($1, $2)`, [merchant, other]);
  });

  it('cover a past that was made up after others were sealed, and all that its merchant posts later', async () => {
    const shop = { merchant: idAt('mer', 'Late', micros(0)), name: 'Late', seed: 4, transfers: 300 };
    const seeding = createSeeding(database.pool);
    (await seedShop(seeding, { ...shop, until: micros(Date.parse('2026-03-31T00:00:00Z')) }))._unsafeUnwrap();
    const late = world.as(await world.createKey('Late', 'secret'));
    await world.createCustomer(1_000, late);
    const periods = createPeriods(database);
    const own = `select count(*)::int - coalesce((select sum(length(digests) / 8) from seals where merchant_id = $1), 0)::int as n
      from transfers where merchant_id = $1`;
    const isSealed = async () => {
      (await periods.seal(now()))._unsafeUnwrap();
      return (await world.query<{ n: number }>(own, [shop.merchant.slice(4)]))[0]?.n === 0;
    };
    expect(await until(isSealed, 15_000)).toBe(true);
    expect(await findings()).toEqual([]);
  });

  it('are told, with the last proof, at /v1/ledger/proof', async () => {
    (await proofs.prove({ merchant: null, since: null }, now()))._unsafeUnwrap();
    const { body } = await world.get('/v1/ledger/proof');
    expect(body).toMatchObject({ object: 'proof', holds: true, whole: { checks: expect.any(Array) } });
  });
});
