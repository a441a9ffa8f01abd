import { expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres } from '../../src/platform/postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { afterSuite } from '../support/cleanup.ts';
import { openKeys, payFor, startService } from '../support/service.ts';
import { createDataDir, startSandbox } from '../support/suite.ts';
import { until } from '../support/until.ts';
import { startLoad } from './load.ts';

const dataDir = await createDataDir();
const start = async () =>
  (await startPostgres({ dataDir, log: { info: () => undefined, warn: () => undefined } }))._unsafeUnwrap();
let postgres = await start();
afterSuite(async () => (await postgres.stop())._unsafeUnwrap());
(await migrate(postgres.url))._unsafeUnwrap();
const sandbox = await startSandbox();
const onCallKey = (await openKeys(postgres.url).create('Operations', 'oncall', 'test'))._unsafeUnwrap().secret;
const onCall = { headers: { Authorization: `Bearer ${onCallKey}` } };
const service = await startService({ databaseUrl: postgres.url, sandboxUrl: sandbox.url });

it('a database that is stopped and started under load loses nothing, and nothing is done twice', async () => {
  const customer = (await service.post('/v1/customers', {})).body.id;
  expect((await service.post('/v1/payments', payFor(customer, 100))).status).toBe(201);
  const load = startLoad(service, customer);
  await until(() => load.seen.filter((one) => one === 'done').length > 50);

  (await postgres.stop())._unsafeUnwrap();
  await until(() => load.seen.includes('503 database_unavailable'));
  // On-call reads on: whose keys are good was known before.
  await until(async () => !(await (await fetch(`${service.opsUrl}/readyz`)).text()).includes('"database":{"ok":true'));
  for (const page of ['/metrics', '/stalls', '/verdict', '/live'])
    expect((await fetch(service.opsUrl + page, onCall)).status).toBe(200);
  postgres = await start();
  const sql = new pg.Pool({ connectionString: postgres.url, max: 1 });
  sql.on('error', () => undefined);
  afterSuite(() => sql.end());
  // As if the leases of those that were cut off had run out: the sweeper finishes them.
  const expire = setInterval(
    () =>
      void sql
        .query("update attempts set leased_until = now() - interval '1 s' where outcome is null")
        .catch(() => undefined),
    250,
  );
  const before = load.seen.length;
  await until(() => load.seen.slice(before).filter((one) => one === 'done').length > 50);

  const answers = await load.finish().finally(() => clearInterval(expire));

  const done = (path: string) => answers.filter((one) => one.path === path && one.answer.status === 201);
  const count = async (text: string): Promise<number> =>
    Number(((await sql.query(text)).rows as { n: string }[])[0]!.n);
  expect(new Set(answers.map(({ answer }) => answer.status))).toEqual(new Set([201]));
  const charges = ((await (await fetch(`${sandbox.url}/_sandbox/count`)).json()) as { charges: number }).charges;
  expect(await count("select count(*) as n from transfers where kind = 'payment'")).toBe(
    done('/v1/payments').length + 1,
  );
  expect(await count("select count(*) as n from transfers where kind = 'debit'")).toBe(done('/v1/debits').length);
  expect(charges).toBe(done('/v1/payments').length + 1);
  expect(await count('select count(*) as n from attempts where outcome is null')).toBe(0);
  expect(await count('select sum(credits - debits) as n from accounts')).toBe(0);
  const { body } = await service.get(`/v1/customers/${customer}/balance?currency=usd`);
  expect(Number(body.posted)).toBe(100 + 10 * done('/v1/payments').length - 3 * done('/v1/debits').length);
  // What the client was told while the database was away.
  const told = new Set(load.seen.filter((one) => one.startsWith('5')));
  expect(told).toContain('503 database_unavailable');
  // A claim that waited for the database until its lease ran out is not sent to Stripe any more: its outcome is unknown.
  told.delete('503 provider_unavailable');
  expect(told.size).toBe(1);
}, 60_000);
