import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Host } from '../../src/monitor/host.ts';
import type { MainSample, Stall } from '../../src/monitor/sample.ts';
import { SLOT, SLOTS } from '../../src/monitor/slots.ts';
import { startWatchdog, type Watchdog } from '../../src/monitor/watchdog.ts';

const FRAME = { function: 'priceItems', filename: 'file:///app/src/usage.ts', lineno: 88, colno: 5 };
const STALLED = 7;

/** Of a process that did not begin this very moment. */
const mainNow = (): number => 1_000 + performance.now();

type Totals = ReturnType<Host['totals']>;
const NOTHING: Totals = { throttledMs: undefined, pressureMs: undefined, queuedMs: undefined };

/** A main thread that is in its seventh callback, and does not come out of it. */
const watchStall = (
  totals: () => Totals = () => NOTHING,
  now = mainNow,
  cpuMs = (): number => 0,
  state = 'R',
): { watchdog: Watchdog; told: Stall[]; asked: number[]; goOnTo: (turn: number) => void } => {
  const slots = new Float64Array(SLOTS);
  const told: Stall[] = [];
  const asked: number[] = [];
  slots[SLOT.turn] = STALLED;
  slots[SLOT.turnAt] = now();
  const watchdog = startWatchdog({
    slots,
    tiers: { metricMs: 50, warnMs: 100, errorMs: 500, fatalMs: 5_000 },
    host: {
      totals,
      mainThread: () => ({ state, cpuMs: cpuMs() }),
    },
    mainNow: now,
    askForStack: (number) => void asked.push(number),
    root: '/app',
    onStall: (stall) => void told.push(stall),
  });
  const goOnTo = (turn: number): void => {
    slots[SLOT.turn] = turn;
    slots[SLOT.turnAt] = now();
  };
  return { watchdog, told, asked, goOnTo };
};

/** What the main thread hands over of it when it is over. */
const sampleOf = (startedAt: number, durationMs: number, cpuMs = durationMs): MainSample => ({
  kind: 'turn',
  turn: STALLED,
  startedAt,
  durationMs,
  cpuMs,
  windowMs: durationMs,
  processCpuRatio: cpuMs / durationMs,
  gcMs: 0,
  majorGcMs: 0,
  continued: false,
  heapUsedBytes: 1,
  heapLimitBytes: 2,
  inflight: 1,
  elu: 1,
});

describe('a stack', () => {
  let stop: () => void = () => undefined;
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick'] }));
  afterEach(() => {
    stop();
    jest.useRealTimers();
  });

  const answered = async (turn: number | undefined, now = STALLED): Promise<Stall> => {
    const { watchdog, told, asked, goOnTo } = watchStall();
    stop = watchdog.stop;
    await jest.advanceTimersByTimeAsync(80);
    expect(asked).toEqual([1]);
    goOnTo(now);
    const work = { route: '/v1/usage', ...(turn === undefined ? {} : { turn }) };
    watchdog.answered({ number: 1, frames: [FRAME], work, tookMs: 0 });
    watchdog.ended(sampleOf(mainNow() - 80, 80));
    return told.at(-1)!;
  };

  it('that was taken in the callback that is long names its route and function', async () =>
    expect(await answered(STALLED)).toMatchObject({
      confidence: 'high',
      route: '/v1/usage',
      frame: { function: 'priceItems', filename: 'src/usage.ts' },
    }));

  it.each([
    ['in a later callback', STALLED + 1, STALLED + 1],
    ['when the loop had come to rest, or does no request’s work', undefined, STALLED + 1],
  ])('that was taken %s blames nobody', async (_when, turn, now) =>
    expect(await answered(turn, now)).toMatchObject({ confidence: 'low', route: undefined, frame: undefined }),
  );
});

describe('the watchdog', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick'] }));
  afterEach(() => void jest.useRealTimers());

  it('asks for a stack as soon as a callback is a stall, and not only at its next tick', async () => {
    const { watchdog, asked } = watchStall();
    await jest.advanceTimersByTimeAsync(49);
    expect(asked).toEqual([]);
    await jest.advanceTimersByTimeAsync(3);
    expect(asked).toEqual([1]);
    watchdog.stop();
  });

  it.each([0, 10, 20, 30, 40, 50, 60, 70])(
    'asks, after a calm time too, before a stall is worth a line: one that begins %i ms later',
    async (laterMs) => {
      const { watchdog, asked, goOnTo } = watchStall();
      const turns = [...Array<number>(600).fill(20), ...Array<number>(laterMs / 10).fill(10)];
      for (const [index, ms] of turns.entries()) {
        goOnTo(STALLED + index);
        await jest.advanceTimersByTimeAsync(ms);
      }
      expect(asked).toEqual([]);
      goOnTo(STALLED + turns.length);
      await jest.advanceTimersByTimeAsync(99);
      expect(asked).toEqual([1]);
      watchdog.stop();
    },
  );

  it('blames the quota for a stall even where that stopped the watchdog too, in the middle of reading of it', async () => {
    let stoppedMs = 0;
    let totals = (): Totals => ({ throttledMs: 5, pressureMs: 0, queuedMs: 0 });
    const now = (): number => mainNow() + stoppedMs;
    const { watchdog, told } = watchStall(() => totals(), now);
    await jest.advanceTimersByTimeAsync(40);
    const before = now();
    // It reads after 10 ms. Everything is stopped for 60 ms: when this thread reads on, the quota's total has grown already.
    totals = () => {
      stoppedMs = 60;
      return { throttledMs: 65, pressureMs: 0, queuedMs: 0 };
    };
    await jest.advanceTimersByTimeAsync(30);
    watchdog.ended(sampleOf(before + 12, 58, 10));
    expect(told.at(-1)?.cause).toBe('throttled');
    watchdog.stop();
  });

  it('says nothing of a callback that only looks long since the whole process was stopped', async () => {
    let stoppedMs = 0;
    const now = (): number => mainNow() + stoppedMs;
    const { watchdog, told } = watchStall(() => NOTHING, now);
    await jest.advanceTimersByTimeAsync(40);
    // SIGSTOP and SIGCONT: this thread wakes up first, and the main thread takes a moment more.
    stoppedMs = 1_000;
    await jest.advanceTimersByTimeAsync(90);
    expect(told).toEqual([]);
    expect(watchdog.blockedMs()).toBeLessThan(150);
    watchdog.ended({ ...sampleOf(now() - 1_090, 1_090, 10), continued: true });
    expect(told.map(({ phase, cause }) => [phase, cause])).toEqual([['ended', 'suspended']]);
    watchdog.stop();
  });

  it('counts the time in which it had no core itself, where the main thread waited for one or ran', async () => {
    let passedMs = 0;
    const now = (): number => mainNow() + passedMs;
    const { watchdog, told } = watchStall(() => ({ ...NOTHING, queuedMs: now() }), now);
    await jest.advanceTimersByTimeAsync(40);
    passedMs = 1_000;
    await jest.advanceTimersByTimeAsync(90);
    expect(told).toMatchObject([{ phase: 'started' }]);
    expect(watchdog.blockedMs()).toBeGreaterThan(1_000);
    watchdog.stop();
  });

  it('claims neither code nor collector while it goes on: that is known when it is over', async () => {
    const { watchdog, told } = watchStall(
      () => NOTHING,
      mainNow,
      () => performance.now(),
    );
    await jest.advanceTimersByTimeAsync(400);
    expect(told).toMatchObject([{ phase: 'started', cause: 'unknown', onCpuRatio: 1 }]);
    watchdog.ended(sampleOf(mainNow() - 400, 400));
    expect(told.at(-1)).toMatchObject({ phase: 'ended', cause: 'cpu' });
    watchdog.stop();
  });

  it.each([
    ['gave its stack at once', 0, 'unknown'],
    ['gave its stack when the call was over', 60, 'sync_io'],
  ])('takes a thread that %s, and had no core, for one in a call or not', async (_how, tookMs, cause) => {
    const { watchdog, told, asked } = watchStall(
      () => NOTHING,
      mainNow,
      () => 0,
      'S',
    );
    await jest.advanceTimersByTimeAsync(80);
    expect(asked).toEqual([1]);
    watchdog.answered({ number: 1, frames: [FRAME], work: { route: '/v1/usage', turn: STALLED }, tookMs });
    await jest.advanceTimersByTimeAsync(320);
    expect(told).toMatchObject([{ phase: 'started', route: '/v1/usage', cause }]);
    watchdog.stop();
  });

  it.each([
    ['a machine at rest', () => 0, 'sync_io'],
    ['a machine without a core to spare', () => performance.now(), 'unknown'],
  ])('claims a call of a thread that gives no stack on %s, or does not', async (_where, pressureMs, cause) => {
    const { watchdog, told } = watchStall(
      () => ({ ...NOTHING, pressureMs: pressureMs() }),
      mainNow,
      () => 0,
      'S',
    );
    await jest.advanceTimersByTimeAsync(400);
    expect(told).toMatchObject([{ phase: 'started', cause }]);
    watchdog.stop();
  });

  it('claims what the machine withholds as soon as it has been looked at for long enough', async () => {
    const { watchdog, told } = watchStall(() => ({ ...NOTHING, queuedMs: performance.now() }));
    await jest.advanceTimersByTimeAsync(400);
    expect(told).toMatchObject([{ phase: 'started', cause: 'starved' }]);
    watchdog.stop();
  });
});
