import { describe, expect, it } from '@jest/globals';
import { createLineLimiter } from '../../src/monitor/limiter.ts';
import { lineOf, sentenceOf } from '../../src/monitor/line.ts';
import type { Stall } from '../../src/monitor/sample.ts';
import { applicationFrame, relativeTo } from '../../src/monitor/stack.ts';

const frame = { function: 'priceItems', filename: 'src/ledger/usage.ts', lineno: 88, colno: 3 };
const stall: Stall = {
  id: 'stl_1',
  at: '2026-01-01T00:00:00.000Z',
  phase: 'ended',
  durationMs: 312.4,
  kind: 'turn',
  cause: 'cpu',
  confidence: 'high',
  severity: 'warn',
  onCpuRatio: 0.99,
  runqRatio: 0,
  gcMs: 1.25,
  route: '/v1/usage',
  method: 'POST',
  requestId: 'req_1',
  frame,
  frames: Array.from({ length: 50 }, () => ({ ...frame, filename: 'x'.repeat(300) })),
  afterNativeCall: false,
  fingerprint: 'abcd1234',
  heapUsedBytes: 1,
  heapLimitBytes: 2,
  inflight: 3,
  elu: 0.5,
};

describe('the line of a stall', () => {
  it('reads as a sentence that names duration, route, cause, function and place', () =>
    expect(sentenceOf(stall)).toBe(
      'event loop blocked 312 ms by POST /v1/usage (cpu) at priceItems src/ledger/usage.ts:88',
    ));

  it('says how much of it the code spent on collecting what it made itself, where that is much', () => {
    expect(sentenceOf({ ...stall, gcMs: 140 })).toContain('(cpu, 45 % of it collecting garbage) at priceItems');
    expect(sentenceOf({ ...stall, cause: 'starved', gcMs: 309 })).toContain('(starved, 99 % of it collecting garbage)');
    expect(sentenceOf({ ...stall, cause: 'gc', gcMs: 290 })).toContain('(gc) at priceItems');
  });

  it('says that it goes on while it does', () =>
    expect(sentenceOf({ ...stall, phase: 'started' })).toContain('blocked for 312 ms so far'));

  it('says what the thread was seen to do so far, and no more', () => {
    const soFar = { ...stall, phase: 'started' as const, cause: 'unknown' as const };
    expect(sentenceOf({ ...soFar, onCpuRatio: 0.9 })).toContain('(on a core: computing or collecting)');
    expect(sentenceOf({ ...soFar, onCpuRatio: 0.3, runqRatio: 0.6 })).toContain('(waits for a core so far)');
    expect(sentenceOf({ ...soFar, onCpuRatio: 0.3, runqRatio: 0.1 })).toContain('(cause not known yet)');
  });

  it('leaves out the name of a function that has none', () =>
    expect(sentenceOf({ ...stall, frame: { ...frame, function: '?' } })).toContain(' (cpu) at src/ledger/usage.ts:88'));

  it('says so where it could not see who blocked, and blames nobody', () => {
    const unseen = { ...stall, frame: undefined, route: undefined, method: undefined, confidence: 'low' as const };
    expect(sentenceOf(unseen)).toBe('event loop blocked 312 ms (cpu), no stack of it could be taken');
  });

  it('blames no route for a suspended process', () =>
    expect(sentenceOf({ ...stall, cause: 'suspended' })).not.toContain('/v1/usage'));

  it('leads to the branch of the runbook that treats its cause', () =>
    expect(lineOf(stall, { suppressed: 0, runbookUrl: 'https://x/runbook', pid: 1 })['runbook_url']).toBe(
      'https://x/runbook#cpu',
    ));

  it('fits into one write to a pipe, however deep the stack', () =>
    expect(JSON.stringify(lineOf(stall, { suppressed: 0, runbookUrl: 'r', pid: 1 })).length).toBeLessThan(4096));
});

describe('the frame that is blamed', () => {
  const node = { ...frame, filename: 'node:internal/crypto/pbkdf2' };
  const dependency = { ...frame, filename: '/app/node_modules/express/lib/router.js' };
  it("is the application's uppermost, under Node's and packages' own", () =>
    expect(applicationFrame([node, dependency, frame])).toBe(frame));
  it('is nobody where the application is not on the stack', () =>
    expect(applicationFrame([node, dependency])).toBeUndefined());
  it('is shown relative to where the service was started', () =>
    expect(relativeTo('/app', { ...frame, filename: 'file:///app/src/a.ts' }).filename).toBe('src/a.ts'));
});

describe('lines in a storm', () => {
  const MINUTE = 60_000;
  const admitted = (times: number[], fingerprintAt: (i: number) => string = () => 'same'): number => {
    const limiter = createLineLimiter();
    return times.filter((now, i) => limiter.admit(fingerprintAt(i), 'code', now) !== undefined).length;
  };
  const everyTenth = Array.from({ length: 3000 }, (_, i) => i * 100);

  it('are one at once, one a minute later, and then ever fewer', () => expect(admitted(everyTenth)).toBe(3));

  it('stay few where each stall is of another kind', () =>
    expect(admitted(everyTenth, (i) => `kind ${String(i)}`)).toBeLessThanOrEqual(10));

  it('are one more where one is twice as long as any that was told, whatever went unsaid', () => {
    const limiter = createLineLimiter();
    const admit = (i: number, ms: number): boolean => limiter.admit(`kind ${i}`, 'code', i, ms) !== undefined;
    const told = Array.from({ length: 100 }, (_, i) => admit(i, 400)).filter(Boolean).length;
    expect([told, admit(101, 700), admit(102, 900), admit(103, 900), admit(104, 1700), admit(105, 1900)]).toEqual([
      4,
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  it('say how many of their kind went unsaid', () => {
    const limiter = createLineLimiter();
    limiter.admit('a', 'code', 0);
    for (let i = 1; i <= 5; i++) limiter.admit('a', 'code', i);
    expect(limiter.admit('a', 'code', MINUTE)).toBe(5);
  });

  it('come again at once when their kind was quiet for long', () => {
    const limiter = createLineLimiter();
    limiter.admit('a', 'code', 0);
    expect(limiter.admit('a', 'code', 10 * MINUTE)).toBe(0);
    expect(limiter.admit('a', 'code', 11 * MINUTE)).toBe(0);
  });

  it('of a starved machine leave those of the code their own', () => {
    const limiter = createLineLimiter();
    for (let i = 0; i < 100; i++) limiter.admit(`host ${String(i)}`, 'host', i);
    expect(limiter.admit('code', 'code', 101)).toBe(0);
  });
});
