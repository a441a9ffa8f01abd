import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '../../src/monitor/metrics.ts';
import { createStallMetrics } from '../../src/monitor/stall-metrics.ts';

const pack = join(import.meta.dirname, '../../scripts/ops');
const read = (name: string): string => readFileSync(join(pack, name), 'utf8');
const runbook = read('runbook.md');
const rules = read('rules.yml');
const dashboard = read('dashboard.json');

const headings = new Set(
  [...runbook.matchAll(/^#{2,3} (.+)$/gm)].map(([, title]) => (title ?? '').toLowerCase().replaceAll(' ', '-')),
);

describe("on-call's pack", () => {
  it.each(['cpu', 'gc', 'sync_io', 'starved', 'throttled', 'suspended', 'saturated', 'mixed'])(
    'has a branch for the cause %s',
    (cause) => expect(headings).toContain(cause),
  );

  it.each(['overloaded', 'rate_limited', 'provider_unavailable', 'database_unavailable', 'contention', 'internal'])(
    'has a branch for the error %s',
    (code) => expect(headings).toContain(code),
  );

  it('leads from every alert to a heading that is there', () => {
    const targets = [...rules.matchAll(/runbook\.md#([\w-]+)/g)].map(([, target]) => target);
    expect(targets.length).toBeGreaterThan(8);
    expect(targets.filter((target) => !headings.has(target ?? ''))).toEqual([]);
  });

  it('asks for no metric that is not there', async () => {
    const metrics = createMetrics({
      pool: () => ({ total: 0, idle: 0, waiting: 0 }),
      inflight: () => ({ money: 0 }),
      waiting: () => 0,
      unknown: () => ({ count: 0, oldestMs: 0 }),
      stripe: undefined,
      lag: () => undefined,
    });
    const text =
      (await metrics.text()) +
      (await createStallMetrics(
        () => 0,
        () => 0,
        true,
      ).text());
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const asked = new Set((dashboard + rules).match(/\b(quittance|nodejs|process|http_server)_[a-z0-9_]+(?=[{[ )])/g));
    const unknown = [...asked].filter(
      (name) => !known.has(name.replace(/_(bucket|sum|count)$/, '')) && !known.has(name),
    );
    expect(asked.size).toBeGreaterThan(15);
    expect(unknown).toEqual([]);
  });
});
