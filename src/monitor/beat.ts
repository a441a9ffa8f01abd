/**
 * The main thread's part: it stamps what the event loop does, comes round every 20 ms, and hands over what it knows of a
 * stall when that is over. Everything that takes thought is done by the watchdog.
 */
import { createHook } from 'node:async_hooks';
import {
  constants,
  createHistogram,
  performance,
  PerformanceObserver,
  type RecordableHistogram,
} from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Pressure } from './admission.ts';
import { followTurns } from './context.ts';
import type { MainSample, StallKind } from './sample.ts';
import { SLOT } from './slots.ts';

/** A fifth of the shortest stall that is logged, and 50 wake-ups a second. */
const BEAT_MS = 20;
/** Five beats: how often the pressure is told. */
const PRESSURE_BEATS = 5;
/** A loop that is busier has no time to spare. */
const SPARE_MAX = 0.7;
/** A turn that is shorter is not asked how long it waited. By so much a duration may be wrong, and no more. */
const IDLE_MIN_MS = 0.5;
/** Of intervals of a tenth of a second: a burst is no load yet. */
const BUSY_AFTER = 5;
/** What the loop was late is kept this long for the percentiles of `nodejs_eventloop_lag_*`. */
const LAG_WINDOW_MS = 10_000;

export interface BeatOptions {
  readonly slots: Float64Array;
  /** A stall shorter than this is not told. */
  readonly metricMs: number;
  readonly inflight: () => number;
  readonly onStall: (sample: MainSample) => void;
  /** Called every tenth of a second. */
  readonly onPressure: (pressure: Pressure) => void;
  /** Every garbage collection, each entry of the list. */
  readonly onGc: (kind: GcKind, durationMs: number) => void;
}

export type GcKind = 'minor' | 'major' | 'incremental' | 'weakcb';

export interface Beat {
  /** The last ten seconds' delays of the loop, in nanoseconds. */
  readonly lag: () => RecordableHistogram;
  /** What has been since the last call, for shedding and the live page. */
  readonly takeInterval: () => Interval;
  readonly stop: () => void;
}

export interface Interval {
  readonly lagMsMax: number;
  /** The share of the time in which the loop was not waiting for events. */
  readonly utilisation: number;
  readonly gcMs: number;
}

interface LongTurn {
  readonly turn: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Of it, how long the loop waited for events: not of the callbacks' time. */
  readonly idleMs: number;
}

interface GcPause {
  readonly kind: GcKind;
  readonly startedAt: number;
  readonly endedAt: number;
}

const GC_KINDS: Record<number, GcKind> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};
/** Pauses are matched with stalls within a beat or two; this many hold a storm of them. */
const PAUSES_MAX = 256;

export const startBeat = (options: BeatOptions): Beat => {
  const { slots, metricMs, onStall, onPressure, onGc, inflight } = options;
  let turns = 0;
  let turnAt = performance.now();
  // From now on: what the process did before it was watched, loading its modules, blocked nobody.
  slots[SLOT.turnAt] = turnAt;
  slots[SLOT.beatAt] = turnAt;
  let longTurns: LongTurn[] = [];

  const { nodeTiming } = performance;
  let idleAt = nodeTiming.idleTime;

  /** What ran before has ended, and something else begins. */
  const mark = (now: number): void => {
    if (now - turnAt > IDLE_MIN_MS) lookBack(now);
    turnAt = now;
    slots[SLOT.turn] = ++turns;
    slots[SLOT.turnAt] = now;
  };
  const lookBack = (now: number): void => {
    const idle = nodeTiming.idleTime;
    if (now - turnAt > metricMs)
      longTurns.push({ turn: turns, startedAt: turnAt, endedAt: now, idleMs: Math.max(0, idle - idleAt) });
    idleAt = idle;
  };
  // Each request is stamped as it begins, and each turn of the loop after it has looked for events, by an immediate that
  // keeps nothing alive and so lets the loop wait.
  let check: NodeJS.Immediate;
  const onCheck = (): void => {
    mark(performance.now());
    // The loop waits once in each turn: however short that was, it does not add up.
    idleAt = nodeTiming.idleTime;
    check = setImmediate(onCheck).unref();
  };
  onCheck();
  // Each callback too, while there is time to spare: at full load that was measured to cost a cheap request 4 %. Then a
  // stall is told with the few milliseconds of those who ran in the same turn.
  const hook = createHook({ before: () => mark(performance.now()), trackPromises: false });
  hook.enable();
  let busyFor = 0;
  const spare = (activeRatio: number): void => {
    busyFor = activeRatio > SPARE_MAX ? busyFor + 1 : 0;
    if (busyFor === 0) hook.enable();
    else if (busyFor === BUSY_AFTER) hook.disable();
  };
  followTurns(() => turns, mark);

  const pauses: GcPause[] = [];
  let gcMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // The detail is of the entry's type; Node's typings have none for it.
      const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
      const known = GC_KINDS[kind] ?? 'major';
      onGc(known, entry.duration);
      gcMs += entry.duration;
      pauses.push({ kind: known, startedAt: entry.startTime, endedAt: entry.startTime + entry.duration });
      if (pauses.length > PAUSES_MAX) pauses.shift();
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  let continuedAt = -Infinity;
  const onContinued = (): void => void (continuedAt = performance.now());
  process.on('SIGCONT', onContinued);

  /** What the turn's check has read already is not asked for again: a call that is made fifty times a second is always a cold one. */
  const read = (): Reading => {
    mark(performance.now());
    return { at: turnAt, idleMs: idleAt, cpuMs: msOf(process.threadCpuUsage()) };
  };

  const lag = createLagWindow();
  let lagMsMax = 0;
  let before = read();
  /** A tenth of a second ago or less. */
  let pressed = { ...before, processCpuMs: msOf(process.cpuUsage()) };
  let held: MainSample[] = [];
  let interval = { since: performance.eventLoopUtilization(), lagMsMax: 0, gcMs: 0, utilisation: 0 };

  const sampleOf = (kind: StallKind, turn: number, startedAt: number, durationMs: number, now: Reading): MainSample => {
    const heap = getHeapStatistics();
    const activeMs = now.at - pressed.at - (now.idleMs - pressed.idleMs);
    return {
      kind,
      turn,
      startedAt,
      durationMs,
      cpuMs: now.cpuMs - before.cpuMs,
      processCpuRatio: (msOf(process.cpuUsage()) - pressed.processCpuMs) / Math.max(1, activeMs),
      windowMs: now.at - before.at - Math.max(0, now.idleMs - before.idleMs),
      gcMs: 0,
      majorGcMs: 0,
      continued: false,
      heapUsedBytes: heap.used_heap_size,
      heapLimitBytes: heap.heap_size_limit,
      inflight: inflight(),
      elu: interval.utilisation,
    };
  };

  /** What stalled between the last beat and this one. */
  const stallsUntil = (now: Reading): MainSample[] => {
    const lateMs = now.at - before.at - BEAT_MS;
    const found = longTurns.map(({ turn, startedAt, endedAt, idleMs }) => {
      const activeMs = endedAt - startedAt - idleMs;
      // The loop was waiting for events for most of it, and was to wake up after a beat at the latest.
      if (idleMs <= activeMs) return sampleOf('turn', turn, endedAt - activeMs, activeMs, now);
      const late = sampleOf('late', turn, startedAt + BEAT_MS, endedAt - startedAt - BEAT_MS, now);
      return { ...late, windowMs: lateMs };
    });
    const told = found.reduce((sum, { durationMs }) => sum + durationMs, 0);
    if (lateMs - told >= metricMs) found.push(sampleOf('saturated', turns, before.at + BEAT_MS, lateMs, now));
    return found.filter(({ durationMs }) => durationMs >= metricMs);
  };

  const collected = ({ startedAt, durationMs }: MainSample): Pick<MainSample, 'gcMs' | 'majorGcMs'> => {
    const ms = { gcMs: 0, majorGcMs: 0 };
    for (const gc of pauses) {
      const overlapMs = Math.min(gc.endedAt, startedAt + durationMs) - Math.max(gc.startedAt, startedAt);
      if (overlapMs <= 0) continue;
      ms.gcMs += overlapMs;
      if (gc.kind === 'major') ms.majorGcMs += overlapMs;
    }
    return ms;
  };

  let delays: number[] = [];
  let stalledMs = 0;
  const feelPressure = (lateMs: number, now: Reading): void => {
    if (delays.push(lateMs) < PRESSURE_BEATS) return;
    lag.record(delays, now.at);
    const delayMs = delays.sort((a, b) => a - b)[PRESSURE_BEATS >> 1] ?? 0;
    const intervalMs = now.at - pressed.at;
    const utilisation = 1 - (now.idleMs - pressed.idleMs) / intervalMs;
    onPressure({ delayMs, utilisation, intervalMs });
    // A stall is no load: what it took is left out.
    spare(1 - (now.idleMs - pressed.idleMs) / Math.max(1, intervalMs - stalledMs));
    stalledMs = 0;
    delays = [];
    pressed = { ...now, processCpuMs: msOf(process.cpuUsage()) };
  };

  const beat = (): void => {
    const now = read();
    slots[SLOT.beatAt] = now.at;
    slots[SLOT.inflight] = inflight();
    // Entries of the collector and the signal arrive after the stall: each report is held for one beat.
    for (const sample of held) {
      const continued = continuedAt >= sample.startedAt;
      onStall({ ...sample, ...collected(sample), continued });
    }
    held = now.at - before.at > BEAT_MS + metricMs || longTurns.length > 0 ? stallsUntil(now) : [];
    longTurns = [];
    for (const { durationMs } of held) stalledMs += durationMs;
    const lateMs = Math.max(0, now.at - before.at - BEAT_MS);
    lagMsMax = Math.max(lagMsMax, lateMs);
    feelPressure(lateMs, now);
    before = now;
  };
  const timer = setInterval(beat, BEAT_MS);
  timer.unref();

  const takeInterval = (): Interval => {
    const since = performance.eventLoopUtilization();
    const { utilization: utilisation } = performance.eventLoopUtilization(since, interval.since);
    const taken = { since, lagMsMax, gcMs, utilisation };
    interval = taken;
    lagMsMax = 0;
    gcMs = 0;
    return taken;
  };

  const stop = (): void => {
    clearInterval(timer);
    clearImmediate(check);
    hook.disable();
    observer.disconnect();
    process.off('SIGCONT', onContinued);
  };
  return { lag: lag.last, takeInterval, stop };
};

interface Reading {
  readonly at: number;
  /** Of the main thread. */
  readonly cpuMs: number;
  readonly idleMs: number;
}

const msOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/** Two histograms: one fills up while the other, full, is what is shown. */
const createLagWindow = (): {
  record: (lagsMs: readonly number[], now: number) => void;
  last: () => RecordableHistogram;
} => {
  let filling = createHistogram();
  let full = filling;
  let since = performance.now();
  const record = (lagsMs: readonly number[], now: number): void => {
    if (now - since > LAG_WINDOW_MS) {
      full = filling;
      filling = createHistogram();
      since = now;
    }
    // A histogram counts whole numbers from 1.
    for (const lagMs of lagsMs) filling.record(Math.max(1, Math.round(lagMs * 1e6)));
  };
  return { record, last: () => full };
};
