import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { micros } from '../../src/domain/time.ts';
import { seedDemo, seedShop } from '../../src/demo/seed.ts';
import { createLogger } from '../../src/log.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createSeeding } from '../../src/storage/seed.ts';
import { comparePostings } from '../proof/judge/charges.ts';
import { readPayments } from '../proof/judge/books.ts';
import { ledgerViolations } from '../proof/judge/ledger.ts';
import { idAt } from '../../src/domain/ids.ts';
import { afterSuite } from '../support/cleanup.ts';
import { judge } from '../proof/judge.ts';
import { createDatabase, startSandbox } from '../support/suite.ts';

const log = createLogger('silent', process.stdout);
const UNTIL = micros(Date.parse('2026-03-31T00:00:00Z'));

const open = async () => {
  const { url } = await createDatabase();
  const database = openDatabase({ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: 10_000, log });
  afterSuite(database.close);
  const db = new pg.Client(url);
  await db.connect();
  afterSuite(() => db.end());
  const seed = async (name: string, transfers: number, seedNumber = 1) =>
    seedShop(createSeeding(database.pool), {
      ...{ merchant: idAt('mer', name, micros(0)), name, seed: seedNumber, transfers, until: UNTIL },
    });
  const count = async (query: string) =>
    (await db.query<{ n: number }>(`select count(*)::int as n from ${query}`)).rows[0]?.n;
  return { url, db, seed, count };
};

/** Everything of a merchant that a year left, whoever he is. */
const fingerprint = async (db: pg.Client, merchant: string) => {
  const { rows } = await db.query<{ print: string }>(
    `select md5(string_agg(format('%s %s %s %s %s %s', kind, amount, currency, posted_at, description, debit_sequence), ','
       order by posted_at, id)) as print from transfers where merchant_id = (select id from merchants where name = $1)`,
    [merchant],
  );
  return rows[0]?.print;
};

describe('the demo’s shop', () => {
  it('leaves books in which the judge finds nothing, whichever seed made them', async () => {
    const { db, seed } = await open();
    for (const [nth, name] of ['One', 'Another', 'A third'].entries())
      expect((await seed(name, 3_000, nth))._unsafeUnwrap()).toBeGreaterThan(2_800);
    expect(await ledgerViolations(db)).toEqual([]);
    expect(comparePostings(await readPayments(db))).toEqual([]);
  });

  it('has something of everything that finance looks at', async () => {
    const { count, seed } = await open();
    (await seed('Shop', 20_000))._unsafeUnwrap();
    for (const query of [
      ...['payment', 'refund', 'fee', 'dispute_opened', 'dispute_reinstated', 'dispute_lost', 'payout', 'debit'].map(
        (kind) => `transfers where kind = '${kind}'`,
      ),
      ...['usage', 'transfer'].map((kind) => `transfers where kind = '${kind}'`),
      `payments where status = 'requires_payment_method' and last_error is not null`,
      `attempts where outcome = 'declined'`,
      `payouts where status = 'paid' and amount > 0`,
      `balance_transactions where payout is null`,
      `customers where name is not null`,
    ])
      expect([query, await count(query)]).not.toEqual([query, 0]);
    expect(await count(`(select distinct currency from transfers) c`)).toBe(3);
    expect(await count(`transfers where posted_at >= '2026-03-31T00:00:00Z'`)).toBe(0);
  });

  it('is the same for the same seed, and another for another', async () => {
    const [first, second] = [await open(), await open()];
    for (const { seed } of [first, second]) (await seed('Shop', 1_000, 7))._unsafeUnwrap();
    (await first.seed('Other', 1_000, 8))._unsafeUnwrap();
    const print = await fingerprint(first.db, 'Shop');
    expect(print).toEqual(await fingerprint(second.db, 'Shop'));
    expect(print).not.toEqual(await fingerprint(first.db, 'Other'));
  });

  it('is the demo merchant’s where nobody has been, and nobody’s where somebody has', async () => {
    const { url, count } = await open();
    const sandbox = await startSandbox();
    (await seedDemo(url, sandbox.url, log))._unsafeUnwrap();
    const transfers = await count('transfers');
    expect(transfers).toBeGreaterThan(500);
    (await seedDemo(url, sandbox.url, log))._unsafeUnwrap();
    expect(await count('transfers')).toBe(transfers);
    // Stripe's side has all of it, to the cent.
    const verdict = await judge({ databaseUrl: url, sandboxUrl: sandbox.url, seen: [], balanceRead: true });
    expect(verdict.violations).toEqual([]);
    for (const what of ['charges', 'refunds', 'disputes', 'payouts', 'fees'] as const)
      expect([what, verdict.counts[what]]).not.toEqual([what, 0]);

    const other = await open();
    await other.db.query(`insert into merchants (id, name) values (gen_random_uuid(), 'Somebody')`);
    (await seedDemo(other.url, sandbox.url, log))._unsafeUnwrap();
    expect(await other.count('transfers')).toBe(0);
  });
});
