import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterSuite } from '../support/cleanup.ts';
import { open } from '../support/raw.ts';
import { startWorld } from '../support/service.ts';
import { until } from '../support/until.ts';

const world = await startWorld();
const [greedyKey, otherKey] = await Promise.all(['Greedy', 'Other'].map((name) => world.createKey(name, 'secret')));
const [greedy, other] = [greedyKey, otherKey].map((key) => world.as(key!));
const locker = new pg.Client(world.databaseUrl);
await locker.connect();
afterSuite(() => locker.end());

/** Whatever reads accounts waits meanwhile, as long as a statement may. */
const whileAccountsAreLocked = async (work: () => Promise<void>): Promise<void> => {
  await locker.query('begin; lock table accounts in access exclusive mode');
  await work().finally(() => locker.query('rollback'));
};

describe('one merchant whose reports are slow', () => {
  it('has not all the connections that read: another is answered before any of his', async () => {
    await Promise.all([greedy!.get('/v1/payments'), other!.get('/v1/payments')]);
    await whileAccountsAreLocked(async () => {
      let answered = 0;
      const reports = Array.from({ length: 12 }, () => greedy!.get('/v1/trial_balance').finally(() => answered++));
      // Half of the four.
      await until(async () => (await waiting()) >= 2);
      const { status } = await other!.get('/v1/volume');
      expect([status, answered]).toEqual([200, 0]);
      await locker.query('rollback');
      await Promise.all(reports);
    });
  });
  const waiting = async (): Promise<number> =>
    (await world.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'")).length;
});

describe('one merchant who sends what is large', () => {
  /** Fewer than he may have waiting. */
  const COUNT = 30;

  const whileAnother = async (ask: () => Promise<{ status: number }>): Promise<number[]> => {
    // Both are there.
    await Promise.all([greedy!.get('/v1/payments'), other!.get('/v1/payments')]);
    let answered = 0;
    const asked = Array.from({ length: COUNT }, () => ask().finally(() => answered++));
    await until(() => answered > 0);
    expect((await other!.get('/v1/payments')).status).toBe(200);
    const before = answered;
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(before).toBeLessThan(COUNT / 2);
    return statuses;
  };

  it('such as long pages, has one at a time made: another is answered between two of them', async () => {
    const statuses = await whileAnother(() => greedy!.get('/v1/payments?limit=100'));
    expect(statuses).toEqual(Array(COUNT).fill(200));
  });

  it('more than are waited for, is told to come again, and nothing was done', async () => {
    const items = Array(1000).fill({ quantity: '1', unit_price: '1' });
    await other!.get('/v1/payments');
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => greedy!.post('/v1/usage/quote', { currency: 'usd', items }, null)),
    );
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(40);
    expect(refused[0]?.body.error).toMatchObject({ code: 'overloaded', outcome: 'none' });
  });

  it('whose end never comes, is read a few at a time, and keeps only his own waiting', async () => {
    const sockets = await Promise.all(Array.from({ length: 120 }, () => open(world.url)));
    let refused = 0;
    for (const socket of sockets) {
      socket.once('data', () => refused++);
      socket.write(
        `POST /v1/usage/quote HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${greedyKey}\r\nContent-Type: application/json\r\nContent-Length: 200000\r\n\r\n{`,
      );
    }
    // Sixteen are read, and 64 wait at their heads.
    await until(() => refused >= 40);
    expect(refused).toBeLessThan(60);
    const quote = { currency: 'usd', items: Array(1000).fill({ quantity: '1', unit_price: '1' }) };
    expect((await other!.post('/v1/usage/quote', quote, null)).status).toBe(200);
    for (const socket of sockets.slice(40)) socket.destroy();
    // Those that do not come make room.
    expect((await greedy!.post('/v1/usage/quote', quote, null)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

it('documents that a crowd asks for and does not take are read by others', async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => open(world.url)));
  for (const socket of sockets) socket.pause().write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n');
  // Asked for on a connection that came later, it is answered later.
  expect((await fetch(`${world.url}/docs/errors`)).status).toBe(200);
  expect((await fetch(`${world.url}/openapi.json`)).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});

describe('/readyz', () => {
  interface Ready {
    readonly checks: Record<string, { readonly state: string; readonly detail: string }>;
  }
  const requests = async (): Promise<string> => {
    const { checks } = (await (await fetch(`${world.opsUrl}/readyz`)).json()) as Ready;
    return `${checks['requests']?.state ?? ''}: ${checks['requests']?.detail ?? ''}`;
  };

  it('says so where all that came was refused, and no more when it is over', async () => {
    await whileAccountsAreLocked(async () => {
      const asked: Promise<unknown>[] = [];
      await until(async () => {
        // More than one may have under way: each that ends, when it has waited long enough for the lock, lets one in.
        for (let n = 0; n < 4; n++) asked.push(greedy!.get('/v1/trial_balance'));
        await sleep(50);
        return /^bad: 0 were let in, and [1-9]\d* refused$/.test(await requests());
      });
      await locker.query('rollback');
      await Promise.all(asked);
    });
    await until(async () => {
      await other!.get('/v1/payments');
      return (await requests()).startsWith('ok: ');
    });
  });
});
