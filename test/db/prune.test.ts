import { expect, it } from '@jest/globals';
import { systemClock } from '../../src/domain/time.ts';
import { createPruner } from '../../src/storage/prune.ts';
import { createDatabase } from '../support/suite.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const one = l.openInstance(url);
const sql = l.openSql(url);
const pruner = createPruner(one.database.pool, { keyDays: 30, eventDays: 180 });

/** From the first page to the last; answers how many slices that took, and the rows that went. */
const walk = async (): Promise<{ slices: number; gone: number }> => {
  let gone = 0;
  for (let page = 0, slices = 1; ; slices++) {
    const { rows, nextPage } = (await pruner.slice('claims', page, l.clock.now()))._unsafeUnwrap();
    gone += rows['claims'] ?? 0;
    if (nextPage === 0) return { slices, gone };
    page = nextPage;
  }
};

it('a walk of many slices deletes every old key of a table and no other, and so does one beside it', async () => {
  const merchant = await l.createMerchant(one, 'Mine');
  // Old and young lie side by side, as they do where new keys have filled the place of older ones.
  await sql.query(
    `insert into claims select $1, gen_random_uuid(), 'key', 'POST /v1/debits', gen_random_uuid(),
       case when n % 5 > 0 then 201 end, case when n % 5 > 0 then repeat('x', 900) end,
       now() - case when n % 2 = 0 then interval '30 days 1 minute' else interval '29 days 23 hours' end
     from generate_series(1, 5000) n`,
    [merchant.slice(4)],
  );
  const [mine, theirs] = await Promise.all([walk(), walk()]);
  expect(mine.slices).toBeGreaterThan(5);
  expect(mine.gone + theirs.gone).toBe(2000);
  const [left] = await sql.query<{ young: string; unsettled: string }>(
    `select count(*) filter (where created_at > now() - interval '30 days') as young,
       count(*) filter (where status is null) as unsettled from claims`,
  );
  expect(left).toEqual({ young: '2500', unsettled: '1000' });
});

it.each([-2, 2])('nothing is deleted by a machine whose clock is off by %i hours', async (hours) => {
  const machine = systemClock(hours * 3600 * 1000);
  await sql.query(
    "insert into stripe_events (id, type, payload, received_at, applied_at, owned_until) select 'x', 'x', '{}', old, old, old from (select now() - interval '1 year' as old) t",
  );
  const wrong = createPruner(one.database.pool, { keyDays: 30, eventDays: 180 }, machine);
  const refused = (await wrong.slice('stripe_events', 0, machine.now()))._unsafeUnwrapErr();
  expect(String(refused.cause)).toContain('120 minutes apart');
  const { rows } = (await pruner.slice('stripe_events', 0, l.clock.now()))._unsafeUnwrap();
  expect(rows).toEqual({ stripe_events: 1 });
});
