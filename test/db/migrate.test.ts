import { expect, it } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { migrate } from '../../src/storage/migrate.ts';
import { afterSuite } from '../support/cleanup.ts';
import { cloneDatabase } from '../support/database.ts';
import * as l from './ledger.ts';

const { url, drop } = await cloneDatabase('template1');
afterSuite(drop);
const sql = l.openSql(url);

it('two instances that start at once on an empty database migrate it once', async () => {
  const files = await readdir(new URL('../../db/migrations/', import.meta.url));
  const expected = files.map((file) => file.replace('.ts', '')).sort();
  const [one, other] = await Promise.all([migrate(url), migrate(url)]);
  expect([...one._unsafeUnwrap(), ...other._unsafeUnwrap()]).toEqual(expected);
  expect(await sql.query('select name from kysely_migration order by name')).toEqual(
    expected.map((name) => ({ name })),
  );
  expect((await migrate(url))._unsafeUnwrap()).toEqual([]);
});

it('a database that is not there is told in one line, without its password', async () => {
  const missing = new URL(url);
  missing.port = '1';
  const message = (await migrate(missing.href))._unsafeUnwrapErr();
  expect(message).toMatch(/^the database was not migrated: .*ECONNREFUSED.*$/);
  expect(message).not.toContain(missing.password);
});
