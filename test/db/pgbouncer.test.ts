import { describe, expect, it } from '@jest/globals';
import { checkDatabase } from '../../src/storage/check.ts';
import { createDatabase } from '../support/suite.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { until } from '../support/until.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const sql = l.openSql(url);
const check = async (of: string, isPrepared = true): Promise<string> =>
  (await checkDatabase({ url: of, isPrepared })).match(
    () => 'fits',
    (message) => message,
  );

if (!hasPgBouncer) console.warn('SKIPPED: PgBouncer is not on this machine.');
(hasPgBouncer ? describe : describe.skip)('behind PgBouncer in transaction mode', () => {
  it('a start says what is missing, one thing after the other, and with what the README says it serves', async () => {
    const bare = await startPgBouncer(url);
    expect(await check(bare)).toMatch(/Of PgBouncer, set ignore_startup_parameters = options$/);

    const through = await startPgBouncer(url, ['ignore_startup_parameters = options,extra_float_digits']);
    const message = await check(through);
    expect(message).toMatch(/lock_timeout is 0.*statement_timeout is 0.*a pooler drops them/);
    const statements = message.match(/ALTER ROLE "\w+" SET \w+ = '[^']*'/g) ?? [];
    expect(statements.length).toBeGreaterThan(5);

    // A role of its own in the tests' cluster would do; the database is the one thing here that is only ours.
    for (const statement of statements) {
      const [, name, value] = /SET (\w+) = '(.*)'/.exec(statement) ?? [];
      await sql.query(
        `do $$ begin execute format('alter database %I set ${name} = %L', current_database(), '${value}'); end $$`,
      );
    }
    const after = await startPgBouncer(url, ['ignore_startup_parameters = options,extra_float_digits']);
    expect(await check(after)).toMatch(/prepared statements do not stay.*DB_PREPARE=off/);
    expect(await check(after, false)).toBe('fits');

    const one = l.openInstance(after, { isPrepared: false });
    const merchant = await l.createMerchant(one, 'Shop');
    const customers = await Promise.all(Array.from({ length: 5 }, () => l.createCustomer(one, merchant, 100n)));
    const words = await Promise.all(
      Array.from({ length: 100 }, (_, n) => l.send(one, l.spend(merchant, customers[n % 5]!, 1n))),
    );
    expect(new Set(words)).toEqual(new Set(['done']));
    for (const customer of customers) expect(await l.walletOf(sql, customer)).toEqual([80, 21]);

    // Another connection of the pooler's than the one that was read back may serve, and may be older than those settings.
    const setting = "current_setting('lock_timeout') || ' ' || current_setting('synchronous_commit')";
    await sql.query('create table met (settings text)');
    await sql.query(`create function note_settings() returns trigger language plpgsql as
      $$ begin insert into met values (${setting}); return null; end $$`);
    await sql.query(
      'create trigger note_settings after insert on batches for each row execute function note_settings()',
    );
    for (const reset of ['reset lock_timeout', 'set synchronous_commit = off'])
      await sql.query(`do $$ begin execute format('alter database %I ${reset}', current_database()); end $$`);
    await sql.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await until(async () => (await l.send(one, l.spend(merchant, customers[0]!, 1n))) === 'done');
    expect(await sql.query('select distinct settings from met')).toEqual([{ settings: '1s on' }]);
  });
});

it('without a pooler a start finds all as it should be', async () => {
  expect(await check(url)).toBe('fits');
  expect(await check(`${url}?options=${encodeURIComponent('-c lock_timeout=0 -c array_nulls=off')}`)).toMatch(
    /array_nulls is off.*ALTER ROLE "\w+" SET array_nulls = 'on'/,
  );
});
