import { describe, expect, it } from '@jest/globals';
import { economicsOf, type Economics, type Spent } from '../../src/monitor/ops.ts';
import type { Culprit, Minute } from '../../src/monitor/records.ts';
import type { Cause } from '../../src/monitor/sample.ts';
import { verdictOf, type VerdictReport } from '../../src/monitor/verdict.ts';

const STORY: Economics = economicsOf({
  instances: 32,
  instanceUsdMonth: 375,
  rewriteUsd: 180_000,
  rewriteSpeedup: 8,
});
const spent: Spent = {
  requests: 1000,
  requestMs: 50_000,
  databaseMs: 5_000,
  queueMs: 0,
  stripeMs: 5_000,
  cpuMs: 10_000,
};
const none: Spent = { requests: 0, requestMs: 0, databaseMs: 0, queueMs: 0, stripeMs: 0, cpuMs: 0 };

const minute = (different: Partial<Minute> = {}): Minute => ({
  t: 0,
  seconds: 60,
  secondsOver50: 0,
  secondsOver10: 0,
  activeMs: 20_000,
  gcMs: 500,
  culprits: new Map(),
  spentFirst: none,
  spentLast: spent,
  ...different,
});
const culprit = (cause: Cause, route: string, stalls: number, ms: number): [string, Culprit] => [
  `${cause} ${route}`,
  { cause, route, method: 'POST', at: 'work src/x.ts:1', stalls, ms },
];
const of = (different: Partial<Minute>, economics: Economics | undefined = STORY): VerdictReport =>
  verdictOf([[minute(different)]], economics);

describe('the verdict', () => {
  it('says nothing of a service that was hardly seen', () =>
    expect(of({ seconds: 5 }).finding).toBe('too little seen'));

  it('says nothing of several processes that were hardly seen, though their seconds add up', () =>
    expect(verdictOf([[minute({ seconds: 6 })], [minute({ seconds: 6 })]], STORY).finding).toBe('too little seen'));

  it('is a hint after some requests, and says how much it has seen and what it takes to be sure', () => {
    const report = of({ spentLast: { ...spent, requests: 183 } });
    expect(report.certainty.level).toBe('a hint');
    expect(report.summary).toMatch(/^A hint, no verdict yet: /);
    expect(report.summary).toContain('60 s and 183 requests are less than the 300 s and 1000');
  });

  const hour = (of: (i: number) => Partial<Minute>): VerdictReport => {
    const total = (i: number): Spent => ({
      ...spent,
      requests: 100 * i,
      requestMs: 5_000 * i,
      databaseMs: 500 * i,
      stripeMs: 500 * i,
    });
    const minutes = Array.from({ length: 60 }, (_, i) =>
      minute({ spentFirst: total(i), spentLast: total(i + 1), ...of(i) }),
    );
    return verdictOf([minutes], STORY);
  };

  it('is sure of what every minute of an hour shows', () => {
    const report = hour(() => ({ culprits: new Map([culprit('cpu', '/a', 10, 3000)]) }));
    expect([report.finding, report.certainty.level]).toEqual(['cpu', 'sure']);
  });

  it('is not sure of what one minute of an hour shows', () => {
    const report = hour((i) => ({ culprits: i === 7 ? new Map([culprit('cpu', '/a', 10, 37_000)]) : new Map() }));
    expect([report.finding, report.certainty.level]).toEqual(['cpu', 'a hint']);
  });

  it('says nothing of a rewrite where nobody told what this costs, and asks', () => {
    const many = new Map(Array.from({ length: 8 }, (_, i) => culprit('cpu', `/r${String(i)}`, 50, 3000)));
    const report = verdictOf([[minute({ activeMs: 58_000, secondsOver50: 60, culprits: many })]], undefined);
    expect([report.advice, report.economics]).toEqual(['fix the route', undefined]);
    expect(report.summary).toContain('nobody told what this costs');
    expect(report.summary).not.toContain('$');
  });

  it('finds nothing where the loop is free', () =>
    expect(of({})).toMatchObject({ finding: 'healthy', advice: 'stay' }));

  it('finds a collector that stalls the loop', () =>
    expect(of({ secondsOver50: 20, culprits: new Map([culprit('gc', '/a', 20, 4000)]) })).toMatchObject({
      finding: 'gc',
      advice: 'mend the memory',
    }));

  it('finds a collector that only costs', () => expect(of({ gcMs: 9000 }).finding).toBe('gc'));

  it('names the one route whose code stalls the loop', () => {
    const report = of({ secondsOver50: 20, culprits: new Map([culprit('cpu', '/v1/usage', 40, 4000)]) });
    expect(report).toMatchObject({ finding: 'cpu', advice: 'fix the route' });
    expect(report.summary).toContain('POST /v1/usage  work src/x.ts:1');
  });

  it('sends what is long by itself to a worker', () =>
    expect(of({ culprits: new Map([culprit('cpu', '/r', 5, 4000)]) }).advice).toBe('move it to a worker'));

  it('advises a rewrite only where many routes compute and the bill pays for it', () => {
    const many = new Map(Array.from({ length: 8 }, (_, i) => culprit('cpu', `/r${String(i)}`, 50, 3000)));
    const busy = { activeMs: 58_000, secondsOver50: 60, culprits: many };
    expect(of(busy).advice).toBe('rewrite');
    expect(of(busy, { ...STORY, instances: 4 }).advice).toBe('fix the route');
    expect(of({ ...busy, activeMs: 6000 }).advice).toBe('fix the route');
  });

  it('finds the database where requests spend their time there and the loop is free', () =>
    expect(of({ spentLast: { ...spent, databaseMs: 40_000 } })).toMatchObject({
      finding: 'database',
      advice: 'mend the database',
    }));

  it('finds Stripe where requests spend their time there', () =>
    expect(of({ spentLast: { ...spent, stripeMs: 40_000 } })).toMatchObject({ finding: 'stripe', advice: 'stay' }));

  it('does not blame a database that looks slow because the loop is blocked', () =>
    expect(
      of({ spentLast: { ...spent, databaseMs: 40_000 }, culprits: new Map([culprit('cpu', '/a', 40, 4000)]) }).finding,
    ).toBe('cpu'));

  it('blames the machine for what it withholds', () =>
    expect(of({ culprits: new Map([culprit('starved', '/a', 40, 4000)]) }).advice).toBe('mend the machine'));

  it('says what it would find if the machine withheld nothing', () => {
    const culprits = new Map([culprit('starved', '/a', 40, 9000), culprit('gc', '/b', 40, 2000)]);
    const report = of({ secondsOver50: 60, culprits });
    expect(report).toMatchObject({ finding: 'starved', apart: 'gc' });
    expect(report.summary).toContain('Apart from that: Garbage collection');
  });

  it('says which figures it assumes, where only some are told', () => {
    const { summary } = of({}, economicsOf({ instances: 4 }));
    expect(summary).toContain('Economics: 4 instances at $375 (assumed) a month');
    expect(summary).toContain('A rewrite at $180,000 (assumed), 8× (assumed) less CPU');
    expect(summary).toContain('What is assumed is an example: tell yours.');
    expect(of({}).summary).not.toContain('assumed');
  });

  it('adds an instance to a loop that is full, where a rewrite does not pay', () =>
    expect(of({ activeMs: 58_000 }, { ...STORY, instances: 2 })).toMatchObject({
      finding: 'saturated',
      advice: 'add an instance',
    }));
});
