import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createMetrics } from '../../src/monitor/metrics.ts';
import { createStallMetrics } from '../../src/monitor/stall-metrics.ts';
import { metricsText } from '../../src/monitor/view.ts';

const pack = join(import.meta.dirname, '../../scripts/ops');
const read = (name: string): string => readFileSync(join(pack, name), 'utf8');
const runbook = read('runbook.md');
const rules = read('rules.yml');
const dashboard = read('dashboard.json');

const headings = new Set(
  [...runbook.matchAll(/^#{2,3} (.+)$/gm)].map(([, title]) => (title ?? '').toLowerCase().replaceAll(' ', '-')),
);

describe("on-call's pack", () => {
  it.each(['cpu', 'gc', 'sync_io', 'starved', 'throttled', 'suspended', 'saturated', 'mixed', 'unknown'])(
    'has a branch for the cause %s',
    (cause) => expect(headings).toContain(cause),
  );

  it.each(['overloaded', 'rate_limited', 'provider_unavailable', 'database_unavailable', 'contention', 'internal'])(
    'has a branch for the error %s',
    (code) => expect(headings).toContain(code),
  );

  it('leads from every alert to a heading that is there', () => {
    const targets = [...rules.matchAll(/\/runbook#([\w-]+)/g)].map(([, target]) => target);
    expect(targets.length).toBeGreaterThan(8);
    expect(targets.filter((target) => !headings.has(target ?? ''))).toEqual([]);
  });

  it('asks for no metric that is not there', async () => {
    const metrics = createMetrics({
      pool: () => ({ total: 0, idle: 0, waiting: 0 }),
      inflight: () => ({ money: 0 }),
      waiting: () => 0,
      unknown: () => ({ count: 0, oldestMs: 0 }),
      contradictions: () => ({ second_charge: 0 }),
      jobs: () => [],
      clocks: () => ({ machine: 0 }),
      stripe: undefined,
      lag: () => undefined,
    });
    const stalls = createStallMetrics(
      () => 0,
      () => 0,
      true,
    );
    const text = await metricsText([...(await metrics.json()), ...(await stalls.json())]);
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const asked = new Set((dashboard + rules).match(/\b(quittance|nodejs|process|http_server)_[a-z0-9_]+(?=[{[ )])/g));
    const unknown = [...asked].filter(
      (name) => !known.has(name.replace(/_(bucket|sum|count)$/, '')) && !known.has(name),
    );
    expect(asked.size).toBeGreaterThan(15);
    expect(unknown).toEqual([]);
  });
});

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat?: string }[];
}

const { panels, ...board } = JSON.parse(dashboard) as {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
};
const targets = panels.flatMap(({ title, targets: some = [] }) => some.map((target) => ({ title, ...target })));
const COLUMNS = 24;

describe('the dashboard', () => {
  it('has what Grafana asks of one that it imports', () => {
    expect(board).toMatchObject({ title: 'Quittance', uid: 'quittance', schemaVersion: expect.any(Number) });
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const graphs = panels.filter(({ type }) => type !== 'row');
    expect(new Set(graphs.map(({ type }) => type))).toEqual(new Set(['timeseries', 'stat']));
    for (const { title, datasource, targets: asked = [] } of graphs) {
      expect([title, datasource]).toEqual([title, { type: 'prometheus', uid: '${datasource}' }]);
      expect([title, asked.length > 0 && new Set(asked.map(({ refId }) => refId)).size === asked.length]).toEqual([
        title,
        true,
      ]);
    }
  });

  it('lays no panel over another, nor beyond the edge', () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      expect([title, gridPos.x + gridPos.w <= COLUMNS]).toEqual([title, true]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, x, y, taken.has(`${x} ${y}`)]).toEqual([title, x, y, false]);
          taken.add(`${x} ${y}`);
        }
    }
  });

  it('uses no variable that it does not have', () => {
    const known = new Set(board.templating.list.map(({ name }) => name));
    const used = [...dashboard.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    expect(used.filter((name) => !name.startsWith('__') && !known.has(name))).toEqual([]);
  });

  it('names its lines by labels that the question keeps', () => {
    for (const { title, expr, legendFormat = '' } of targets) {
      const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/));
      const named = [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);
      expect([title, named.filter((label) => !kept.includes(label))]).toEqual([title, []]);
    }
  });
});

const run = promisify(execFile);
const hasPromtool = await run('promtool', ['--version']).then(
  () => true,
  () => false,
);
if (!hasPromtool) console.warn('SKIPPED: the alert rules are checked by promtool, which is not on this machine.');

(hasPromtool ? describe : describe.skip)('Prometheus itself', () => {
  // It ends with 1, and says why on standard error, where something is wrong.
  it('takes the rules, and alerts as their tests say', async () => {
    await run('promtool', ['check', 'rules', 'rules.yml'], { cwd: pack });
    await run('promtool', ['test', 'rules', 'rules.test.yml'], { cwd: pack });
  });

  it('takes every question of the dashboard', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quittance-promql-'));
    const rulesOf = targets.map(({ expr }, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    try {
      // JSON is YAML.
      await writeFile(join(folder, 'panels.yml'), JSON.stringify({ groups: [{ name: 'panels', rules: rulesOf }] }));
      await run('promtool', ['check', 'rules', 'panels.yml'], { cwd: folder });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
