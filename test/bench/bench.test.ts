import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { bench } from '../../scripts/bench/bench.ts';
import { chartOf } from '../../scripts/bench/chart.ts';
import { errorsIn } from '../../scripts/bench/figures.ts';
import { flat, flatTable } from '../../scripts/bench/flat.ts';
import type { Report } from '../../scripts/bench/load/report.ts';
import { canMeasure } from '../../scripts/bench/processes.ts';
import { errorsOf, runLoad } from '../../scripts/bench/run-load.ts';
import { SCENARIOS } from '../../scripts/bench/scenarios.ts';
import { slopeOf } from '../../scripts/bench/soak.ts';
import { tableOf } from '../../scripts/bench/table.ts';
import { judge, type Verdict } from '../proof/judge.ts';
import type { World } from '../support/world.ts';

/** The bench in its short form: a moment of each scenario, to show that it works. `npm run bench` is the bench itself. */
const TIMEOUT_MS = 180_000;
const SHORT = { rounds: 1, durationS: 0.5, warmupS: 0.1, connections: 4, customers: 10, log: () => undefined };

test(
  'every scenario runs against the service as it starts, without an error, and has its line in the table',
  async () => {
    const names = Object.keys(SCENARIOS);
    const results = await bench({ ...SHORT, scenarios: names });
    const table = tableOf(results);
    for (const name of names) expect(table).toMatch(new RegExp(`^${name} +(open|closed) .* 0$`, 'm'));
    expect(errorsIn(results)).toBe(0);
    for (const { own } of results.scenarios) expect(own[0]?.completed_in_window).toBeGreaterThan(0);
    const measured = results.scenarios[0]?.own[0]?.procs.map(({ name }) => name);
    expect(measured).toEqual(canMeasure ? ['service', 'postgres', 'stripe', 'load'] : []);
    expect(chartOf(results)).toContain('debit-hot');
  },
  TIMEOUT_MS,
);

test(
  'what is seeded for the flat measurement keeps every promise of the ledger, before the load and after it',
  async () => {
    const sizes = [
      { accounts: 10, transfers: 10 },
      { accounts: 100, transfers: 1_050 },
    ];
    const verdicts: Verdict[] = [];
    const inspect = async ({ sandboxUrl }: World, urls: readonly string[]): Promise<void> => {
      // The sandbox is that of both databases: what Stripe charged for the other is not asked of each.
      for (const databaseUrl of urls) verdicts.push(await judge({ databaseUrl, sandboxUrl, seen: [] }));
    };
    const results = await flat({ ...SHORT, sizes, inspect });
    // One payment came beside what was seeded, whose fee may have been read of Stripe by then.
    const moved = verdicts.map(({ counts }) => counts.transfers - counts.fees);
    expect(moved).toEqual([11, 1_051, expect.any(Number), expect.any(Number)]);
    const broken = verdicts.flatMap(({ violations }) => violations.map(({ rule }) => rule));
    expect(broken.filter((rule) => rule !== 'charge_without_payment')).toEqual([]);
    expect(results.flatMap(({ reports }) => reports.map(errorsOf))).toEqual([0, 0, 0, 0]);
    expect(flatTable(results)).toContain('1,050');
  },
  TIMEOUT_MS,
);

test('a slope is found among samples, with an error that says how sure it is', () => {
  const points = Array.from({ length: 100 }, (_, n) => ({ atS: n * 5, bytes: 1_000 + 3 * n * 5 + (n % 2) }));
  const { slope, error } = slopeOf(points);
  expect(slope).toBeCloseTo(3, 2);
  expect(error).toBeGreaterThan(0);
  expect(error).toBeLessThan(0.001);
});

const loadOn = async (listener: RequestListener): Promise<Report> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((settle) => server.once('listening', settle));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const args = ['--mix', 'debit', '--seeded', '10', '--replay', '50', '--duration', '0.3', '--warmup', '0.1'];
    return await runLoad({ url, key: 'sk', pids: {} }, { args });
  } finally {
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  }
};

test('a replay that is another reply than the first is an error', async () => {
  let n = 0;
  const report = await loadOn((_request, response) => {
    response.setHeader('Idempotent-Replayed', 'true').end(`{"n":${n++}}`);
  });
  expect(report.all.ok).toBe(report.all.sent);
  expect(errorsOf(report)).toBeGreaterThan(0);
  expect(report.errors[0]).toContain('a replay differs');
});

test('a reply that is no success, and a request without a reply, are errors', async () => {
  let n = 0;
  const report = await loadOn((request, response) => {
    if (n++ % 2 === 0) response.writeHead(500).end('{}');
    else request.socket.destroy();
  });
  expect(report.all.ok).toBe(0);
  expect(Object.keys(report.ops['debit']?.status ?? {})).toEqual(['0', '500']);
  expect(errorsOf(report)).toBeGreaterThanOrEqual(report.all.sent);
});

test('a reply is read whole, however it is cut into chunks', async () => {
  const report = await loadOn((_request, response) => {
    response.writeHead(201, { 'Idempotent-Replayed': 'true' });
    response.write('{"same":');
    setImmediate(() => response.end('true}'));
  });
  expect(report.all.sent).toBeGreaterThan(0);
  expect(report.ops['replay']?.ok).toBeGreaterThan(0);
  expect(errorsOf(report)).toBe(0);
});
