import { expect, it } from '@jest/globals';
import pg from 'pg';
import * as platform from '../../src/platform/sandbox.ts';
import { afterSuite } from '../support/cleanup.ts';
import { startService } from '../support/service.ts';
import { createDatabase, createDataDir } from '../support/suite.ts';
import { until } from '../support/until.ts';
import { startLoad } from './load.ts';

const { url } = await createDatabase();
const dataDir = await createDataDir();
let sandbox = (await platform.startSandbox({ dataDir, port: 0 }))._unsafeUnwrap();
afterSuite(async () => (await sandbox.stop())._unsafeUnwrap());
const sql = new pg.Pool({ connectionString: url, max: 1 });
afterSuite(() => sql.end());
const service = await startService({ databaseUrl: url, sandboxUrl: sandbox.url });

it('a Stripe that is stopped and started under load is charged once for each payment, and every key gets its final answer', async () => {
  const customer = (await service.post('/v1/customers', {})).body.id;
  const load = startLoad(service, customer);
  await until(() => load.seen.filter((one) => one === 'done').length > 50);

  (await sandbox.stop())._unsafeUnwrap();
  await until(() => load.seen.includes('503 provider_unavailable') && load.seen.includes('409 idempotency_key_in_use'));
  const [open] = (await sql.query('select count(*) as n from attempts where outcome is null')).rows as { n: string }[];
  expect(Number(open!.n)).toBeGreaterThan(0);

  sandbox = (await platform.startSandbox({ dataDir, port: Number(new URL(sandbox.url).port) }))._unsafeUnwrap();
  // As if the leases of those that were cut off had run out: the sweeper finishes them.
  const expire = setInterval(
    () =>
      void sql.query(
        "update attempts set leased_until = now() - interval '1 s' where outcome is null and started_at < now() - interval '3 s'",
      ),
    250,
  );
  const answers = await load.finish().finally(() => clearInterval(expire));

  const paid = answers.filter(({ path, answer }) => path === '/v1/payments' && answer.status === 201);
  expect(paid).toHaveLength(answers.filter(({ path }) => path === '/v1/payments').length);
  const count = async (text: string): Promise<number> =>
    Number(((await sql.query(text)).rows as { n: string }[])[0]!.n);
  const { charges } = (await (await fetch(`${sandbox.url}/_sandbox/count`)).json()) as { charges: number };
  expect(charges).toBe(paid.length);
  expect(await count("select count(*) as n from transfers where kind = 'payment'")).toBe(paid.length);
  expect(await count('select count(*) as n from attempts where outcome is null')).toBe(0);
  expect(await count('select sum(credits - debits) as n from accounts')).toBe(0);
  expect(new Set(load.seen.filter((one) => one.startsWith('5')))).toEqual(new Set(['503 provider_unavailable']));
}, 60_000);
