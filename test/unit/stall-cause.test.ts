import { describe, expect, it } from '@jest/globals';
import { causeOf, type Evidence } from '../../src/monitor/cause.ts';
import { severityOf } from '../../src/monitor/sample.ts';

/** A 300 ms loop on a quiet machine, as it was recorded. Each test says what was different. */
const loop: Evidence = {
  kind: 'turn',
  durationMs: 301,
  onCpuRatio: 0.99,
  processCpuRatio: 1.02,
  gcMs: 0,
  majorGcMs: 0,
  heapRatio: 0.1,
  watchdogSleptMs: 0,
  continued: false,
  throttledRatio: 0,
  queuedRatio: undefined,
  pressureRatio: 0.02,
  seenRunnable: 12,
  seenWaiting: 0,
};
const causeWith = (different: Partial<Evidence>): string => causeOf({ ...loop, ...different }).cause;

describe('the cause of a stall', () => {
  it('is the code where the main thread was on a core all the time', () => expect(causeWith({})).toBe('cpu'));

  it('is the collector where that went through the whole heap for half of it', () =>
    expect(causeWith({ gcMs: 160, majorGcMs: 110 })).toBe('gc'));

  it('is the collector where half of it was collected from a heap near its limit', () =>
    expect(causeWith({ gcMs: 160, heapRatio: 0.9 })).toBe('gc'));

  it('is the collector where next to nothing else ran', () => expect(causeWith({ gcMs: 240 })).toBe('gc'));

  it('is the collector where that took half of a crowd of short turns', () =>
    expect(causeWith({ kind: 'saturated', gcMs: 160 })).toBe('gc'));

  // Recorded: 1.7 s, 2.3 s and 2.0 s, the last one with two others on two cores.
  it.each([
    { durationMs: 1728, onCpuRatio: 0.94, processCpuRatio: 1.25, gcMs: 864, majorGcMs: 0 },
    { durationMs: 2268, onCpuRatio: 0.96, processCpuRatio: 1.25, gcMs: 1134, majorGcMs: 227 },
    { durationMs: 2018, onCpuRatio: 0.58, processCpuRatio: 0.73, gcMs: 647, majorGcMs: 242, queuedRatio: 0.43 },
  ])('is the code where a long JSON.parse collects what it makes itself: $gcMs of $durationMs ms', (parse) =>
    expect(causeWith(parse)).toBe('cpu'),
  );

  it('is the code where that waits for the collector’s helpers meanwhile, and no synchronous call', () =>
    expect(causeWith({ onCpuRatio: 0.55, processCpuRatio: 1.4, gcMs: 165, queuedRatio: 0, pressureRatio: 0 })).toBe(
      'cpu',
    ));

  // Recorded of a heap of 256 MB, most of which was in use.
  it('is the collector where a route churns a heap that is nearly full', () =>
    expect(
      causeWith({
        durationMs: 92,
        onCpuRatio: 0.66,
        processCpuRatio: 1.93,
        gcMs: 68.6,
        majorGcMs: 68.6,
        heapRatio: 0.43,
        queuedRatio: 0.64,
        pressureRatio: 1,
        seenRunnable: 2,
      }),
    ).toBe('gc'));

  it('is the collector where its helpers had the cores that the main thread waited for', () =>
    expect(causeWith({ gcMs: 290, onCpuRatio: 0.2, processCpuRatio: 1.4, pressureRatio: 0.9 })).toBe('gc'));

  it('is starvation where the collector itself had no core', () =>
    expect(causeWith({ gcMs: 290, onCpuRatio: 0.2, processCpuRatio: 0.3, pressureRatio: 0.9 })).toBe('starved'));

  it('is a synchronous call where the thread waited in the kernel', () =>
    expect(causeWith({ onCpuRatio: 0.02, seenRunnable: 0, seenWaiting: 12 })).toBe('sync_io'));

  it('is a suspension where nothing ran and the process was told to go on', () =>
    expect(
      causeWith({ onCpuRatio: 0.01, watchdogSleptMs: 990, durationMs: 1000, continued: true, pressureRatio: 0.9 }),
    ).toBe('suspended'));

  it('is a suspension where watchdog and thread slept, and nobody waited for a core', () =>
    expect(causeWith({ onCpuRatio: 0, watchdogSleptMs: 990, durationMs: 1000 })).toBe('suspended'));

  it('is starvation where watchdog and thread slept, and a core was waited for', () =>
    expect(causeWith({ onCpuRatio: 0.1, watchdogSleptMs: 250, pressureRatio: 0.95 })).toBe('starved'));

  it('is never a suspension while the thread was on a core, even if the watchdog slept', () =>
    expect(causeWith({ watchdogSleptMs: 290, continued: true })).toBe('cpu'));

  it('is the quota where that stopped the process for half of it', () =>
    expect(causeWith({ onCpuRatio: 0.1, throttledRatio: 0.9, watchdogSleptMs: 270 })).toBe('throttled'));

  it('is the quota where that stopped it at all and the thread was off the core, unless it was seen to wait', () => {
    const short = { durationMs: 59, onCpuRatio: 0.15, throttledRatio: 0.3, queuedRatio: 0.05, pressureRatio: 0.3 };
    expect(causeWith({ ...short, seenRunnable: 1 })).toBe('throttled');
    expect(causeWith({ ...short, durationMs: 900, seenRunnable: 0, seenWaiting: 40 })).toBe('sync_io');
  });

  it('is the code where the quota hardly stopped what computed', () =>
    expect(causeWith({ onCpuRatio: 0.93, throttledRatio: 0.05 })).toBe('cpu'));

  it('is starvation where the thread was ready to run and did not', () =>
    expect(causeWith({ onCpuRatio: 0.3, pressureRatio: 0.9 })).toBe('starved'));

  it('is what the kernel says of the run queue, where it says it', () =>
    expect(causeWith({ onCpuRatio: 0.3, queuedRatio: 0.65, seenRunnable: 0, seenWaiting: 9 })).toBe('starved'));

  it('is not starvation where nobody waited for a core', () =>
    expect(causeWith({ onCpuRatio: 0.4, pressureRatio: 0.05 })).not.toBe('starved'));

  it('is the machine where the loop was at rest and woke up late', () =>
    expect(causeWith({ kind: 'late', onCpuRatio: 0, seenRunnable: 0, seenWaiting: 0 })).toBe('starved'));

  it('is a crowd where no callback was long', () => expect(causeWith({ kind: 'saturated' })).toBe('saturated'));

  it('is mixed where two causes tie', () =>
    expect(causeWith({ onCpuRatio: 0.48, pressureRatio: 0.9, seenRunnable: 7, seenWaiting: 6, gcMs: 0 })).not.toBe(
      'sync_io',
    ));

  it('is found without any of what only Linux tells', () => {
    const bare = { throttledRatio: undefined, pressureRatio: undefined, seenRunnable: 0, seenWaiting: 0 };
    expect(causeWith(bare)).toBe('cpu');
    expect(causeWith({ ...bare, onCpuRatio: 0.02 })).toBe('sync_io');
  });
});

describe('the tier of a stall', () => {
  const tiers = { metricMs: 50, warnMs: 100, errorMs: 500, fatalMs: 5000 };
  it.each([
    [60, 'metric'],
    [100, 'warn'],
    [500, 'error'],
    [5000, 'fatal'],
  ])('of %d ms is %s', (ms, tier) => expect(severityOf(ms, 'cpu', tiers)).toBe(tier));

  it('of a suspended process pages nobody', () => expect(severityOf(60_000, 'suspended', tiers)).toBe('info'));
});

describe('a short stall that was hardly looked at', () => {
  it('is starvation where cores were waited for, whatever the one look showed', () =>
    expect(causeWith({ durationMs: 60, onCpuRatio: 0.2, pressureRatio: 0.95, seenRunnable: 0, seenWaiting: 1 })).toBe(
      'starved',
    ));
  it('is a synchronous call where none were', () =>
    expect(causeWith({ durationMs: 60, onCpuRatio: 0.2, pressureRatio: 0.01, seenRunnable: 0, seenWaiting: 1 })).toBe(
      'sync_io',
    ));
});
