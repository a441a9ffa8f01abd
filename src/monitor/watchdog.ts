/**
 * Watches the main thread from a thread of its own: when a turn is long it looks at what the thread does, asks for
 * its stack and, while it is still blocked, says so. When it is over, it makes one `Stall` of everything that is known.
 */
import { createHash, randomBytes } from 'node:crypto';
import { causeOf, type Evidence } from './cause.ts';
import type { Host, HostTotals } from './host.ts';
import {
  severityOf,
  type Cause,
  type Frame,
  type MainSample,
  type Sighting,
  type Stall,
  type Tiers,
} from './sample.ts';
import { SLOT } from './slots.ts';
import { applicationFrame, relativeTo } from './stack.ts';
import type { StackAnswer } from './native-stack.ts';

/** As often as the main thread's beat: how often a stall that goes on is looked at. */
const LOOK_EVERY_MS = 20;
/** At least: a watchdog that slept itself has to know since when, and a stall that is logged is to be seen in time. */
const AWAKE_EVERY_MS = 75;
/** After so long without a stall it looks in time for those that are logged alone: a look costs a tenth of a millisecond. */
const CALM_AFTER_MS = 10_000;
/** A wake-up this much late is a sleep of the watchdog itself; less is a busy machine. */
const SLEPT_MS = 30;
/** The machine's totals are read this often; each tick where a quota may throttle us between two readings. */
const TOTALS_EVERY_MS = 200;
/** How long the line of a stall waits for a stack: a native call gives none before it returns. */
const STACK_PATIENCE_MS = 100;
/** Longer than this to answer, and the main thread was in a native call when it was asked. */
const NATIVE_MS = 10;
/** The stack is taken again when a stall has lasted this many times the shortest one. */
const AGAIN = 10;
const REMEMBERED = 64;
/** Ten seconds of readings at each tick: a stall is measured from the one before it. */
const READINGS_MAX = 512;
/** The kernel counts a thread's CPU in ticks of 10 ms: over less than a few of them it says nothing. */
const LOOKED_MIN_MS = 40;

export interface WatchdogOptions {
  readonly slots: Float64Array;
  readonly tiers: Tiers;
  readonly host: Host;
  /** The main thread's `performance.now()`, as it is now. */
  readonly mainNow: () => number;
  /** Asks for a stack; undefined where none can be taken. The answer comes by `answered`. */
  readonly askForStack: ((number: number) => void) | undefined;
  /** Frames are shown relative to this folder. */
  readonly root: string;
  /** Called while it goes on (`started`), once, and when it is over (`ended`). */
  readonly onStall: (stall: Stall) => void;
}

export interface Watchdog {
  readonly answered: (answer: StackAnswer) => void;
  readonly ended: (sample: MainSample) => void;
  /** How long the turn under way has lasted, the process's own sleep not counted; 0 where that is not long. */
  readonly blockedMs: () => number;
  readonly stop: () => void;
}

/** A turn that is long, or was. */
interface Watched {
  readonly id: string;
  readonly turn: number;
  readonly startedAt: number;
  readonly sightings: Sighting[];
  seenRunnable: number;
  seenWaiting: number;
  firstLook: { readonly at: number; readonly cpuMs: number; readonly processCpuMs: number } | undefined;
  cpuMs: number;
  asked: number;
  said: 'nothing' | 'started' | 'fatal';
}

/** The quota may stop this thread too while it reads: somewhere between the two the totals were true. */
interface Reading extends HostTotals {
  readonly from: number;
  readonly to: number;
}

export const startWatchdog = (options: WatchdogOptions): Watchdog => {
  const { slots, tiers, host, mainNow, askForStack, onStall } = options;
  const watched = new Map<number, Watched>();
  const sleeps: { from: number; to: number; isStop: boolean }[] = [];
  const readings: Reading[] = [];
  let asking: { number: number; of: Watched } | undefined;
  let lastNumber = 0;
  let tickedAt = mainNow();
  let dueAt = tickedAt + LOOK_EVERY_MS;
  let stalledAt = tickedAt;

  const keep = <T>(list: T[], item: T, max = REMEMBERED): void => {
    list.push(item);
    if (list.length > max) list.shift();
  };

  const readTotals = (): void => {
    const from = mainNow();
    const totals = host.totals();
    keep(readings, { from, to: mainNow(), ...totals }, READINGS_MAX);
  };
  const readTotalsIfDue = (now: number): void => {
    const last = readings.at(-1);
    const isThrottled = last?.throttledMs !== undefined && last.throttledMs > 0;
    if (!last || isThrottled || now - last.from >= TOTALS_EVERY_MS) readTotals();
  };

  const watch = (turn: number, startedAt: number): Watched => {
    const known = watched.get(turn);
    if (known) return known;
    const made: Watched = {
      id: `stl_${randomBytes(6).toString('hex')}`,
      turn,
      startedAt,
      sightings: [],
      seenRunnable: 0,
      seenWaiting: 0,
      firstLook: undefined,
      cpuMs: 0,
      asked: 0,
      said: 'nothing',
    };
    watched.set(turn, made);
    const [oldest] = watched.keys();
    if (watched.size > REMEMBERED && oldest !== undefined) watched.delete(oldest);
    readTotals();
    return made;
  };

  const look = (stall: Watched): void => {
    const main = host.mainThread();
    if (!main) return;
    stall.firstLook ??= { at: mainNow(), cpuMs: main.cpuMs, processCpuMs: processCpuMs() };
    stall.cpuMs = main.cpuMs;
    if (main.state === 'R') stall.seenRunnable++;
    else if (main.state === 'S' || main.state === 'D') stall.seenWaiting++;
  };

  /** At 50 ms, again at ten times that, and when it is fatal; one question at a time. */
  const ask = (stall: Watched, awakeMs: number): void => {
    const due = 1 + Number(awakeMs >= tiers.metricMs * AGAIN) + Number(awakeMs >= tiers.fatalMs);
    if (!askForStack || asking || stall.asked >= due) return;
    stall.asked = due;
    asking = { number: ++lastNumber, of: stall };
    askForStack(lastNumber);
  };

  /** Once there is a stack, or none can be waited for; and once it was looked at for long enough to tell who is at fault. */
  const say = (stall: Watched, awakeMs: number): void => {
    const isFatal = awakeMs >= tiers.fatalMs;
    const { firstLook } = stall;
    const awaitsStack = askForStack && stall.sightings.length === 0 && awakeMs < tiers.warnMs + STACK_PATIENCE_MS;
    const awaitsLooks = firstLook !== undefined && mainNow() - firstLook.at < LOOKED_MIN_MS;
    if (awakeMs < tiers.warnMs || ((awaitsStack || awaitsLooks) && !isFatal)) return;
    if (stall.said === 'fatal' || (stall.said === 'started' && !isFatal)) return;
    stall.said = isFatal ? 'fatal' : 'started';
    readTotals();
    onStall(describe('started', stall, provisional(stall, awakeMs)));
  };

  /**
   * Whether the main thread slept as well: it neither ran nor stood in the run queue for most of that. A thread that is
   * blocked on a machine without a core to spare does one or the other.
   */
  const wasStopped = (ms: number): boolean => {
    const before = readings.at(-1);
    readTotals();
    const { ranMs = 0, queuedMs = 0 } = readings.at(-1) ?? {};
    return ranMs - (before?.ranMs ?? 0) + queuedMs - (before?.queuedMs ?? 0) < ms / 2;
  };

  /**
   * How long this thread was awake since then. After a suspension both threads wake up, and the main thread's turn looks
   * as old as the suspension was long: only what was seen to last is a block.
   */
  const awakeSince = (at: number, now: number): number =>
    now -
    at -
    sleptMs(
      at,
      now,
      sleeps.filter(({ isStop }) => isStop),
    );

  /** Looks again when the turn under way would be a stall, however many begin and end until then; in calm times a little later. */
  const tick = (): void => {
    const now = mainNow();
    // It fell asleep somewhere between its last look and when it was to wake up.
    if (now - dueAt > SLEPT_MS)
      keep(sleeps, { from: (tickedAt + dueAt) / 2, to: now, isStop: wasStopped(now - dueAt) });
    tickedAt = now;
    readTotalsIfDue(now);
    const turn = slots[SLOT.turn] ?? 0;
    const startedAt = slots[SLOT.turnAt] || now;
    const awakeMs = awakeSince(startedAt, now);
    if (awakeMs < tiers.metricMs) {
      const isCalm = now - stalledAt > CALM_AFTER_MS;
      const seenMs = isCalm ? Math.max(tiers.metricMs, tiers.warnMs - LOOK_EVERY_MS) : tiers.metricMs;
      wakeIn(Math.min(seenMs - awakeMs, AWAKE_EVERY_MS));
      return;
    }
    stalledAt = now;
    const stall = watch(turn, startedAt);
    look(stall);
    ask(stall, awakeMs);
    say(stall, awakeMs);
    wakeIn(LOOK_EVERY_MS);
  };

  const wakeIn = (ms: number): void => {
    dueAt = tickedAt + ms;
    timer = setTimeout(tick, Math.ceil(ms));
  };

  const answered = ({ number, frames, work, tookMs }: StackAnswer): void => {
    if (asking?.number !== number) return;
    const { of } = asking;
    asking = undefined;
    // Another turn than the one that was asked about: an innocent. A thread at rest tells none.
    const isSame = work.turn === undefined ? slots[SLOT.turn] === of.turn : work.turn === of.turn;
    if (!isSame || frames.length === 0) return;
    of.sightings.push({
      route: work.route,
      method: work.method,
      requestId: work.requestId,
      frames: frames.map((frame) => relativeTo(options.root, frame)),
      afterNativeCall: tookMs > NATIVE_MS,
    });
  };

  const sleptMs = (from: number, to: number, of: readonly { from: number; to: number }[] = sleeps): number =>
    of.reduce((sum, sleep) => sum + Math.max(0, Math.min(sleep.to, to) - Math.max(sleep.from, from)), 0);

  /**
   * How much a total grew from the last reading before the stall to the first one after it, of the stall: at least as
   * much as within it. Where that errs, it errs against the machine and not against the code.
   */
  const grewRatio = (of: keyof HostTotals, from: number, to: number): number | undefined => {
    const first = (readings.findLast((reading) => reading.to <= from) ?? readings[0])?.[of];
    const last = (readings.find((reading) => reading.from >= to) ?? readings.at(-1))?.[of];
    return first === undefined || last === undefined ? undefined : Math.min(1, (last - first) / (to - from));
  };

  const evidenceOf = (
    stall: Watched | undefined,
    { kind, startedAt, durationMs, onCpuRatio, processCpuRatio, gcMs, continued, sample }: Facts,
  ): Evidence => ({
    kind,
    durationMs,
    onCpuRatio: onCpuRatio ?? 1,
    processCpuRatio,
    gcMs,
    majorGcMs: sample?.majorGcMs ?? 0,
    heapRatio: sample && sample.heapUsedBytes / sample.heapLimitBytes,
    continued,
    watchdogSleptMs: sleptMs(startedAt, startedAt + durationMs),
    throttledRatio: grewRatio('throttledMs', startedAt, startedAt + durationMs),
    queuedRatio: grewRatio('queuedMs', startedAt, startedAt + durationMs),
    pressureRatio: grewRatio('pressureMs', startedAt, startedAt + durationMs),
    seenRunnable: stall?.seenRunnable ?? 0,
    seenWaiting: stall?.seenWaiting ?? 0,
  });

  /** What can be said while it goes on: the main thread's own figures come when it is over. */
  const provisional = (stall: Watched, awakeMs: number): Facts => {
    const { firstLook, cpuMs } = stall;
    const now = mainNow();
    const lookedMs = firstLook ? Math.max(1, now - firstLook.at) : 1;
    const onCpuRatio = firstLook && Math.min(1, (cpuMs - firstLook.cpuMs) / lookedMs);
    return {
      kind: 'turn',
      startedAt: now - awakeMs,
      durationMs: awakeMs,
      onCpuRatio,
      processCpuRatio: firstLook ? (processCpuMs() - firstLook.processCpuMs) / lookedMs : 1,
      gcMs: 0,
      continued: false,
      sample: undefined,
    };
  };

  const describe = (phase: Stall['phase'], stall: Watched | undefined, facts: Facts): Stall => {
    const { durationMs, kind, sample } = facts;
    const evidence = evidenceOf(stall, facts);
    const found = causeOf(evidence);
    const { runqRatio } = found;
    const seen = kind === 'turn' ? bestOf(stall?.sightings ?? []) : undefined;
    const cause = phase === 'started' && !isKnownAtOnce(found.cause, evidence, seen) ? 'unknown' : found.cause;
    const frame = seen && applicationFrame(seen.frames);
    return {
      id: stall?.id ?? `stl_${randomBytes(6).toString('hex')}`,
      at: new Date().toISOString(),
      phase,
      durationMs,
      kind,
      cause,
      confidence: frame ? 'high' : 'low',
      severity: severityOf(durationMs, cause, tiers),
      onCpuRatio: facts.onCpuRatio,
      runqRatio,
      gcMs: evidence.gcMs,
      route: seen?.route,
      method: seen?.method,
      requestId: seen?.requestId,
      frame,
      frames: seen?.frames ?? [],
      afterNativeCall: seen?.afterNativeCall ?? false,
      fingerprint: fingerprintOf(cause, seen?.route, frame),
      heapUsedBytes: sample?.heapUsedBytes,
      heapLimitBytes: sample?.heapLimitBytes,
      inflight: sample?.inflight ?? slots[SLOT.inflight] ?? 0,
      elu: sample?.elu,
    };
  };

  const ended = (sample: MainSample): void => {
    const { kind, startedAt, durationMs, processCpuRatio, gcMs, continued } = sample;
    const onCpuRatio = Math.max(0, Math.min(1, sample.cpuMs / Math.max(sample.windowMs, 1)));
    stalledAt = mainNow();
    readTotals();
    const stall = kind === 'turn' ? watched.get(sample.turn) : undefined;
    onStall(
      describe('ended', stall, { kind, startedAt, durationMs, onCpuRatio, processCpuRatio, gcMs, continued, sample }),
    );
    watched.delete(sample.turn);
  };

  let timer = setTimeout(tick, LOOK_EVERY_MS);
  return {
    answered,
    ended,
    blockedMs: () => {
      const now = mainNow();
      // Asked before its own next look, this thread may not know yet that it slept.
      const overdueMs = now - dueAt > SLEPT_MS ? now - dueAt : 0;
      const awakeMs = awakeSince(slots[SLOT.turnAt] || now, now) - overdueMs;
      return awakeMs >= tiers.metricMs ? awakeMs : 0;
    },
    stop: () => clearTimeout(timer),
  };
};

interface Facts {
  readonly kind: MainSample['kind'];
  readonly startedAt: number;
  readonly durationMs: number;
  /** Undefined where this system tells nothing of another thread. */
  readonly onCpuRatio: number | undefined;
  readonly processCpuRatio: number;
  readonly gcMs: number;
  readonly continued: boolean;
  readonly sample: MainSample | undefined;
}

/** Of all threads. */
const processCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Half of a core. */
const OWN_WORK = 0.5;

/**
 * What the machine tells of another thread while that is blocked; the rest is claimed when it is over. A thread that waits
 * while others of its own process compute may wait for the collector's helpers, and so it may where these have no core.
 * One that gave its stack at once was not inside of a call.
 */
const isKnownAtOnce = (
  cause: Cause,
  { processCpuRatio, pressureRatio = 0 }: Evidence,
  seen: Sighting | undefined,
): boolean => {
  if (cause === 'suspended' || cause === 'throttled') return true;
  if (processCpuRatio >= OWN_WORK) return false;
  if (cause === 'sync_io') return seen ? seen.afterNativeCall : pressureRatio < OWN_WORK;
  return cause === 'starved';
};

/** Looks that agree on a function outvote one that does not; else the first that shows the application. */
const bestOf = (sightings: readonly Sighting[]): Sighting | undefined => {
  const named = sightings.filter(({ frames }) => applicationFrame(frames));
  const functionOf = ({ frames }: Sighting): string | undefined => applicationFrame(frames)?.function;
  const votes = (of: Sighting): number => named.filter((other) => functionOf(other) === functionOf(of)).length;
  return named.toSorted((a, b) => votes(b) - votes(a))[0] ?? sightings[0];
};

/** Of one that goes on: as if code were to blame, which it mostly is; else its end would be a kind of its own. */
const fingerprintOf = (cause: Cause, route: string | undefined, frame: Frame | undefined): string =>
  createHash('sha256')
    .update(
      `${cause === 'unknown' ? 'cpu' : cause}\n${route ?? ''}\n${frame ? `${frame.function} ${frame.filename}` : ''}`,
    )
    .digest('hex')
    .slice(0, 8);
