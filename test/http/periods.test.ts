import { describe, expect, it } from '@jest/globals';
import { micros } from '../../src/domain/time.ts';
import { startService, startWorld, type Client } from '../support/service.ts';
import { eventually } from '../support/stripe.ts';

const world = await startWorld();
/** Another process, whose clock is a little ahead. */
const AHEAD_MS = 500;
const ahead = await startService({
  databaseUrl: world.databaseUrl,
  sandboxUrl: world.sandbox.url,
  clock: { now: () => micros(Date.now() + AHEAD_MS), movedMs: () => 0 },
});

const day = (nth: number): string => new Date(Date.UTC(2000, 0, 1 + nth)).toISOString().slice(0, 10);
const close = async (client: Client, nth: number): Promise<void> =>
  expect((await client.post('/v1/ledger/periods', { ends: day(nth) }, null)).status).toBe(201);
const statesOf = async (client: Client): Promise<readonly string[]> =>
  (await client.get('/v1/ledger/periods')).body.data.map(({ state }) => state);

describe('a period', () => {
  it('that is asked for by a clock a little behind the one before is closed after it, and holds up nobody', async () => {
    const key = await world.createKey('Hasty', 'finance');
    const [here, there] = [world.as(key), ahead.as(key)];
    for (let nth = 0; nth < 40; nth += 2) {
      await close(there, nth);
      await close(here, nth + 1);
    }
    const other = world.as(await world.createKey('Other', 'finance'));
    await close(other, 1);
    await eventually(
      async () => [...(await statesOf(here)), ...(await statesOf(other))],
      (states) => !states.includes('closing'),
    );
  });

  it('waits for none of another merchant, who closes hundreds at once', async () => {
    const many = world.as(await world.createKey('Many', 'finance'));
    for (let nth = 0; nth < 300; nth++) await close(many, nth);
    const one = world.as(await world.createKey('One', 'finance'));
    await close(one, 1);
    await eventually(
      () => statesOf(one),
      (states) => states.includes('closed'),
    );
    expect((await statesOf(many)).filter((state) => state === 'closing').length).toBeGreaterThan(0);
  });
});
