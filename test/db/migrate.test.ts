import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql as sqlTag } from 'kysely';
import pg from 'pg';
import { checkSchema, migrate } from '../../src/storage/migrate.ts';
import { afterSuite } from '../support/cleanup.ts';
import { cloneDatabase } from '../support/database.ts';
import { createDatabase, createDataDir } from '../support/suite.ts';
import { until } from '../support/until.ts';
import * as l from './ledger.ts';

const createEmpty = async (): Promise<string> => {
  const { url, drop } = await cloneDatabase('template1');
  afterSuite(drop);
  return url;
};
const { url } = await createDatabase();
const sql = l.openSql(url);
const OURS = new URL('../../db/migrations/', import.meta.url);
const ours = (await readdir(OURS)).map((file) => file.replace('.ts', '')).sort();

/** A folder with migrations of its own: their files' text by their names. */
const folderWith = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = join(await createDataDir(), 'migrations');
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, `${name}.ts`), text);
  return folder;
};
const createTable = (name: string): string =>
  `export const up = (db) => db.schema.createTable('${name}').addColumn('id', 'integer').execute();`;
const addColumn = (table: string, name: string): string =>
  `export const up = (db) => db.schema.alterTable('${table}').addColumn('${name}', 'text').execute();`;

it('two instances that start at once on an empty database migrate it once', async () => {
  const empty = await createEmpty();
  const [one, other] = await Promise.all([migrate(empty), migrate(empty)]);
  expect([one, other].map((result) => (result.isErr() ? result.error : 'migrated'))).toEqual(['migrated', 'migrated']);
  expect([...one._unsafeUnwrap(), ...other._unsafeUnwrap()].sort()).toEqual(ours);
  const known = await l.openSql(empty).query('select name from schema_migrations order by name');
  expect(known).toEqual(ours.map((name) => ({ name })));
  expect((await migrate(empty))._unsafeUnwrap()).toEqual([]);
  expect((await checkSchema(empty)).isOk()).toBe(true);
});

it('a database that is not there is told in one line, without its password', async () => {
  const missing = new URL(url);
  missing.port = '1';
  const message = (await migrate(missing.href))._unsafeUnwrapErr();
  expect(message).toMatch(/^the database was not migrated: .*ECONNREFUSED.*$/);
  expect(message).not.toContain(missing.password);
});

describe('a version on a database', () => {
  afterEach(async () => {
    await sql.query("delete from schema_migrations where name like '99%'");
  });

  it('that is behind does not start on it, and says what is to be run', async () => {
    const empty = await createEmpty();
    expect((await checkSchema(empty))._unsafeUnwrapErr()).toMatch(/lacks 0001_merchants, .* run "npm run migrate"/);
  });

  it('that is ahead starts on it: there is a way back from a newer version', async () => {
    await sql.query("insert into schema_migrations (name) values ('9901_a_newer_column')");
    await sql.query("insert into schema_migrations (name, needs) values ('9902_a_newer_index', '0001_merchants')");
    expect((await checkSchema(url)).isOk()).toBe(true);
    expect((await migrate(url))._unsafeUnwrap()).toEqual([]);
  });

  it('that is ahead of what it can live with refuses, and names what it would have to know', async () => {
    await sql.query("insert into schema_migrations (name, needs) values ('9903_a_break', '9901_a_newer_column')");
    expect((await checkSchema(url))._unsafeUnwrapErr()).toBe(
      'the database has 9903_a_break, and takes a version that knows 9901_a_newer_column: this one does not',
    );
  });

  it('that was migrated by a version with another list takes that list over', async () => {
    const old = await createEmpty();
    const folder = await folderWith({ '0001_one': createTable('one'), '0002_two': createTable('two') });
    const ask = l.openSql(old);
    await ask.query('create table kysely_migration (name text primary key, timestamp text)');
    await ask.query("insert into kysely_migration values ('0001_one', 'then')");
    expect((await migrate(old, { folder }))._unsafeUnwrap()).toEqual(['0002_two']);
    expect((await checkSchema(old, folder)).isOk()).toBe(true);
  });
});

describe('a migration', () => {
  it('that needs a lock which others hold lets those behind it pass, and is applied once they are gone', async () => {
    const busy = await createEmpty();
    const ask = l.openSql(busy);
    await ask.query('create table shop (id integer)');
    const folder = await folderWith({ '0001_column': addColumn('shop', 'name') });
    const reader = new pg.Client(busy);
    await reader.connect();
    await reader.query('begin');
    await reader.query('select from shop');
    const told: string[] = [];
    const migrated = migrate(busy, { folder, onProgress: (line) => told.push(line) });
    await until(
      async () => (await ask.query("select from pg_locks where not granted and locktype = 'relation'")).length > 0,
    );
    // It stands behind the migration, which stands behind the reader.
    await ask.query('select from shop');
    await until(() => told.some((line) => line.includes('0001_column waits for a lock')));
    expect(await ask.query('select from shop')).toEqual([]);
    await reader.query('commit');
    await reader.end();
    expect((await migrated)._unsafeUnwrap()).toEqual(['0001_column']);
  });

  it('whose locks never come free gives up in one line that names it', async () => {
    const busy = await createEmpty();
    const ask = l.openSql(busy);
    await ask.query('create table shop (id integer)');
    const folder = await folderWith({ '0001_column': addColumn('shop', 'name') });
    const reader = new pg.Client(busy);
    await reader.connect();
    await reader.query('begin');
    await reader.query('select from shop');
    const message = (await migrate(busy, { folder, patienceMs: 1 }))._unsafeUnwrapErr();
    await reader.end();
    expect(message).toBe(
      'the database was not migrated: 0001_column: others held a lock that it needs, to the end of its patience',
    );
  });

  it('whose process stands still in its midst holds up nobody for long, and is not applied', async () => {
    const busy = await createEmpty();
    const ask = l.openSql(busy);
    await ask.query('create table shop (id integer)');
    const folder = await folderWith({
      '0001_column': addColumn('shop', 'name').replace(
        '.execute()',
        '.execute().then(() => new Promise((go) => setTimeout(go, 20_000).unref()))',
      ),
    });
    const migrated = migrate(busy, { folder });
    await until(async () => (await ask.query("select from pg_locks where mode = 'AccessExclusiveLock'")).length > 0);
    // Far sooner than it goes on: its session is ended.
    const waited = l.openSql(busy).query('select from shop');
    const first = await Promise.race([waited.then(() => 'read'), migrated.then(() => 'migrated')]);
    expect(first).toBe('read');
    expect((await migrated).isErr()).toBe(true);
    expect(await ask.query("select from pg_attribute where attrelid = 'shop'::regclass and attname = 'name'")).toEqual(
      [],
    );
  }, 60_000);

  it('that the release before must plan anew for ends its idle sessions, and leaves those that are at work to their end', async () => {
    const live = await createEmpty();
    const ask = l.openSql(live);
    await ask.query('create table shop (id integer)');
    await ask.query('insert into shop values (1)');
    const open = async (name: string): Promise<{ client: pg.Client; ended: () => boolean }> => {
      const client = new pg.Client({ connectionString: live, application_name: name });
      let ended = false;
      client.on('error', () => undefined).on('end', () => (ended = true));
      await client.connect();
      await client.query({ name: 'all', text: 'select * from shop where id = $1', values: [1] });
      return { client, ended: () => ended };
    };
    const [idle, working, other] = [await open('quittance'), await open('quittance'), await open('a report')];
    const work = working.client.query('select pg_sleep(0.3)');
    const folder = await folderWith({ '0001_column': `export const replans = true; ${addColumn('shop', 'name')}` });
    expect((await migrate(live, { folder }))._unsafeUnwrap()).toEqual(['0001_column']);
    expect((await work).rows).toHaveLength(1);
    await until(() => idle.ended() && working.ended());
    expect(other.ended()).toBe(false);
    await other.client.end();
  });

  it('that fails leaves nothing of itself, and those before it stay', async () => {
    const half = await createEmpty();
    const folder = await folderWith({
      '0001_one': createTable('one'),
      '0002_two': `export const up = async (db) => { await db.schema.createTable('two').addColumn('id', 'integer').execute(); await db.schema.dropTable('none').execute(); };`,
    });
    expect((await migrate(half, { folder }))._unsafeUnwrapErr()).toContain('0002_two: table "none" does not exist');
    const ask = l.openSql(half);
    expect(await ask.query('select name from schema_migrations')).toEqual([{ name: '0001_one' }]);
    expect(await ask.query("select to_regclass('two') as two")).toEqual([{ two: null }]);
  });

  it('outside a transaction builds an index while others write', async () => {
    const live = await createEmpty();
    const folder = await folderWith({
      '0001_one': createTable('one'),
      '0002_index': `
        import { CompiledQuery } from ${JSON.stringify(new URL('../../node_modules/kysely/dist/esm/index.js', import.meta.url).href)};
        export const transaction = false;
        export const up = (db) => db.executeQuery(CompiledQuery.raw('create index concurrently if not exists one_id_idx on one (id)'));`,
    });
    expect((await migrate(live, { folder }))._unsafeUnwrap()).toEqual(['0001_one', '0002_index']);
    expect(await l.openSql(live).query("select to_regclass('one_id_idx')::text as name")).toEqual([
      { name: 'one_id_idx' },
    ]);
  });
});

// ---- rules ---------------------------------------------------------------------------------------------------------

/** The newest migration of the last release: what comes after it, that release must be able to live with. db/README.md. */
const LAST_RELEASE = '0008_flat_cost';

interface Column {
  readonly place: string;
  readonly type: string;
  readonly required: boolean;
}

const columnsOf = (of: string): Promise<Column[]> =>
  l.openSql(of).query<Column>(`
    select c.relname || '.' || a.attname as place, format_type(a.atttypid, a.atttypmod) as type,
      a.attnotnull and d.oid is null and a.attidentity = '' as required
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`);

/** What a version that knows only the columns before could not live with. */
const broken = (before: readonly Column[], after: readonly Column[]): string[] => {
  const now = new Map(after.map((column) => [column.place, column]));
  const tables = new Set(before.map(({ place }) => place.split('.')[0]));
  const known = new Set(before.map(({ place }) => place));
  return [
    ...before.flatMap(({ place, type, required }) => {
      const column = now.get(place);
      if (!column) return [`${place} is dropped or renamed`];
      if (column.type !== type) return [`${place} was ${type} and is ${column.type}`];
      return column.required && !required ? [`${place} is made NOT NULL, or loses its default`] : [];
    }),
    ...after
      .filter(({ place, required }) => required && !known.has(place) && tables.has(place.split('.')[0]))
      .map(({ place }) => `${place} is new and NOT NULL without a default`),
  ];
};

interface Held {
  readonly tables: readonly string[];
  readonly problems: readonly string[];
}
type Migration = { readonly up: (db: Kysely<unknown>) => Promise<void>; readonly transaction?: false };

/** What a migration holds and leaves of tables that were there before it. */
const heldBy = async (of: string, migration: Migration): Promise<Held> => {
  const client = new pg.Client(of);
  await client.connect();
  const pool = {
    connect: () => Promise.resolve({ query: client.query.bind(client) as never, release: () => undefined }),
    end: () => Promise.resolve(),
  };
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const tables = "select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
  await client.query(`create temporary table before as ${tables}`);
  await client.query(
    'create temporary table made as select oid from pg_constraint union all select indexrelid from pg_index',
  );
  await client.query('begin');
  try {
    await migration.up(db);
    const locks = await client.query<{ name: string }>(
      `select distinct relation::regclass::text as name from pg_locks where pid = pg_backend_pid()
       and relation in (select oid from before) and mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`,
    );
    const problems = await client.query<{ said: string }>(
      `select conname || ' is made valid while its table is locked' as said from pg_constraint
       where conrelid in (select oid from before) and oid not in (select oid from made) and contype in ('c', 'f') and convalidated
       union all select indexrelid::regclass || ' is built while its table is locked' from pg_index
       where indrelid in (select oid from before) and indexrelid not in (select oid from made)`,
    );
    return { tables: locks.rows.map(({ name }) => name), problems: problems.rows.map(({ said }) => said) };
  } finally {
    await client.query('rollback');
    await client.end();
  }
};

describe('what a migration holds up', () => {
  it('is one table at a time, and never for as long as a scan of it takes', async () => {
    const of = await createEmpty();
    (await migrate(of, { upTo: LAST_RELEASE }))._unsafeUnwrap();
    for (const name of ours.filter((one) => one > LAST_RELEASE)) {
      const migration = (await import(new URL(`${name}.ts`, OURS).href)) as Migration;
      if (migration.transaction !== false) {
        const { tables, problems } = await heldBy(of, migration);
        expect([name, tables.length < 2 ? 'one table' : tables, problems]).toEqual([name, 'one table', []]);
      }
      (await migrate(of, { upTo: name }))._unsafeUnwrap();
    }
  });

  const column = (db: Kysely<unknown>, table: string): Promise<unknown> =>
    db.schema.alterTable(table).addColumn('b', 'text').execute();
  it.each<[string, (db: Kysely<unknown>) => Promise<unknown>, string[], string[]]>([
    ['a second table', (db) => column(db, 'shop').then(() => column(db, 'desk')), ['desk', 'shop'], []],
    [
      'a check that is scanned for',
      (db) =>
        db.schema
          .alterTable('shop')
          .addCheckConstraint('shop_check', sqlTag`id > 0`)
          .execute(),
      ['shop'],
      ['shop_check is made valid while its table is locked'],
    ],
    [
      'an index',
      (db) => db.schema.createIndex('shop_idx').on('shop').column('id').execute(),
      ['shop'],
      ['shop_idx is built while its table is locked'],
    ],
  ])('would be found out of %s', async (_, change, tables, problems) => {
    const of = await createEmpty();
    const ask = l.openSql(of);
    await ask.query('create table shop (id integer)');
    await ask.query('create table desk (id integer)');
    expect(await heldBy(of, { up: (db) => change(db).then(() => undefined) })).toEqual({ tables, problems });
  });
});

describe('what this version makes of the schema', () => {
  it('is nothing that the last release could not live with', async () => {
    const of = await createEmpty();
    (await migrate(of, { upTo: LAST_RELEASE }))._unsafeUnwrap();
    const before = await columnsOf(of);
    expect(before.length).toBeGreaterThan(100);
    (await migrate(of))._unsafeUnwrap();
    expect(broken(before, await columnsOf(of))).toEqual([]);
  });

  it.each([
    ['is dropped', "dropColumn('name')", 'shop.name is dropped or renamed'],
    ['is renamed', "renameColumn('name', 'title')", 'shop.name is dropped or renamed'],
    [
      'changes its type',
      "alterColumn('name', (c) => c.setDataType('varchar(9)'))",
      'shop.name was text and is character varying(9)',
    ],
    [
      'is made NOT NULL',
      "alterColumn('name', (c) => c.setNotNull())",
      'shop.name is made NOT NULL, or loses its default',
    ],
    [
      'is new and NOT NULL',
      "addColumn('price', 'integer', (c) => c.notNull())",
      'shop.price is new and NOT NULL without a default',
    ],
  ])('would be found out where a column %s', async (_, change, complaint) => {
    const of = await createEmpty();
    const folder = await folderWith({
      '0001_shop': addColumn('shop', 'name').replace('alterTable', 'createTable'),
      '0002_change': `export const up = (db) => db.schema.alterTable('shop').${change}.execute();`,
    });
    (await migrate(of, { folder, upTo: '0001_shop' }))._unsafeUnwrap();
    const before = await columnsOf(of);
    (await migrate(of, { folder }))._unsafeUnwrap();
    expect(broken(before, await columnsOf(of))).toEqual([complaint]);
  });
});
