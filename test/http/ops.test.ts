import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../support/stripe.ts';
import { createMetrics } from '../../src/monitor/metrics.ts';
import { metricsText } from '../../src/monitor/view.ts';
import { payFor, startService, startWorld } from '../support/service.ts';

const world = await startWorld();
const onCall = { headers: { Authorization: `Bearer ${await world.createKey('Operations', 'oncall')}` } };

interface Ready {
  readonly status: string;
  readonly checks: Record<string, { readonly ok: boolean; readonly detail: string }>;
}

describe('/readyz', () => {
  it('tells of the loop, the database, the migrations, Stripe, and when each job last ended a round', async () => {
    const ready = await eventually(
      async () => (await fetch(`${world.opsUrl}/readyz`)).json() as Promise<Ready>,
      ({ status }) => status === 'ready',
    );
    expect(Object.keys(ready.checks)).toEqual(
      expect.arrayContaining(['event_loop', 'database', 'migrations', 'stripe', 'jobs']),
    );
    for (const job of ['clock', 'sweeper', 'inbox', 'stripe_balance', 'deliveries', 'books', 'pruner'])
      expect(ready.checks['jobs']?.detail).toMatch(new RegExp(`\\b${job} \\d+\\.\\d s ago`));
  });
});

describe('a decline', () => {
  const declines = async (): Promise<number> => {
    const text = await (await fetch(`${world.opsUrl}/metrics`, onCall)).text();
    return Number(/^quittance_errors_total\{code="card_declined"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  it('is counted and logged by its code, when it is first told and each time that it is told again', async () => {
    const body = payFor(await world.createCustomer(), 700, { payment_method: 'pm_card_visa_chargeDeclined' });
    const before = await declines();
    const key = randomUUID();
    const first = await world.post('/v1/payments', body, key);
    const again = await world.post('/v1/payments', body, key);
    expect([first.status, again.status, again.text === first.text]).toEqual([402, 402, true]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const lines = world
      .logged()
      .split('\n')
      .filter(
        (line) =>
          line.includes('"request"') && line.includes('card_declined') && line.includes(first.body.error.payment!),
      );
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ payment: first.body.error.payment });
    await eventually(declines, (now) => now === before + 2);
  });
});

describe('the books', () => {
  const balanced = (opsUrl: string): Promise<string> =>
    eventually(
      async () => {
        const text = await (await fetch(`${opsUrl}/metrics`, onCall)).text();
        return /^quittance_ledger_balanced (\d)$/m.exec(text)?.[1] ?? '';
      },
      (value) => value !== '',
    );

  it('are no metric before they have been added up: a 0 would page someone', async () => {
    const metrics = createMetrics({
      pool: () => ({ total: 0, idle: 0, waiting: 0 }),
      inflight: () => ({}),
      waiting: () => 0,
      unknown: () => undefined,
      contradictions: () => undefined,
      jobs: () => [],
      clocks: () => ({}),
      stripe: undefined,
      lag: () => undefined,
    });
    expect(await metricsText(await metrics.json())).not.toMatch(/^quittance_ledger_balanced \d/m);
    metrics.books(true);
    expect(await metricsText(await metrics.json())).toMatch(/^quittance_ledger_balanced 1$/m);
  });

  it('are added up from the start, and a ledger in which money was made is told of by metric and log', async () => {
    await world.createCustomer(500);
    expect(await balanced(world.opsUrl)).toBe('1');
    await world.query("update accounts set credits = credits + 1 where kind = 'wallet'");
    const next = await startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url });
    expect(await balanced(next.opsUrl)).toBe('0');
    expect(next.logged()).toContain('the books do not prove: something in them is wrong');
  });
});
