/** From what was measured of a stall to its cause. Pure: each rule can be shown by numbers. */
import type { Cause, StallKind } from './sample.ts';

/** Everything is of the stall's own time; undefined is what this system does not tell. */
export interface Evidence {
  readonly kind: StallKind;
  readonly durationMs: number;
  /** Of the stall, how much the main thread was on a core. */
  readonly onCpuRatio: number;
  /** The same of all threads together: above 1 where several cores were used. */
  readonly processCpuRatio: number;
  readonly gcMs: number;
  /** Of `gcMs`, what V8 calls major: it went through the whole heap, and not only through what was just made. */
  readonly majorGcMs: number;
  /** How full the heap was when it was over, of its limit; undefined while the stall goes on. */
  readonly heapRatio: number | undefined;
  /** How long the watchdog itself slept past its time. */
  readonly watchdogSleptMs: number;
  /** The process was told SIGCONT. */
  readonly continued: boolean;
  /** Of the stall, how much the cgroup's quota kept us from running. */
  readonly throttledRatio: number | undefined;
  /** Of the stall, how much the main thread stood in the run queue, from schedstat. */
  readonly queuedRatio: number | undefined;
  /** Of the stall, how much anyone on this machine waited for a core, from PSI. */
  readonly pressureRatio: number | undefined;
  /** What the main thread was seen doing, look by look: ready to run or running, or waiting in the kernel. */
  readonly seenRunnable: number;
  readonly seenWaiting: number;
}

export interface Verdict {
  readonly cause: Cause;
  /** Of the stall, how much the main thread was ready and not on a core; undefined where nothing tells. */
  readonly runqRatio: number | undefined;
}

/** A cause has to hold for this much of a stall. */
const MOST = 0.5;
/** A collector that takes this much leaves next to nothing that could be blamed on code. */
const NEARLY_ALL = 0.75;
/** Fuller than this, V8 collects for want of room and not for what is being made. */
const HEAP_FULL = 0.85;
/** Two causes nearer to each other than this are a tie. */
const TIE = 0.1;

/** The first rule that matches, from the machine inwards: what stopped everybody is never blamed on code. */
export const causeOf = (evidence: Evidence): Verdict => {
  const { durationMs, onCpuRatio, watchdogSleptMs, continued, throttledRatio = 0, kind } = evidence;
  const sleptRatio = watchdogSleptMs / durationMs;
  const offCpuRatio = 1 - onCpuRatio;
  const runqRatio = runqRatioOf(evidence, offCpuRatio);
  const because = (cause: Cause): Verdict => ({ cause, runqRatio });

  // A thread that was on a core did not sleep, whatever the watchdog did meanwhile.
  const allSlept = sleptRatio >= MOST && offCpuRatio >= MOST;
  if (continued && allSlept) return because('suspended');
  if (throttledRatio >= MOST && offCpuRatio >= TIE) return because('throttled');
  // Its share may be told too small, thread by thread; that it stopped us at all is certain. A call waits where it is seen to.
  if (throttledRatio > 0 && offCpuRatio >= MOST && !isSeenWaiting(evidence)) return because('throttled');
  if (allSlept) return because((evidence.pressureRatio ?? 0) >= sleptRatio * MOST ? 'starved' : 'suspended');
  // The main thread may wait for a core while the collector's helpers have it: that is the collector's doing still.
  const isGc = isCollectorsDoing(evidence);
  if (isGc && evidence.processCpuRatio >= MOST) return because('gc');
  if ((runqRatio ?? 0) >= MOST) return because('starved');
  // The loop was due to wake up and nothing of ours ran: it is the machine's doing, though we cannot say whose.
  if (kind === 'late') return because('starved');

  const gcRatio = Math.min(1, evidence.gcMs / durationMs);
  const waitedRatio = Math.max(0, offCpuRatio - (runqRatio ?? 0));
  // While it collects, the main thread may wait for its helpers: they were on a core meanwhile.
  const helpedRatio = Math.min(waitedRatio, gcRatio, Math.max(0, evidence.processCpuRatio - onCpuRatio));
  const codeRatio = isGc ? Math.max(0, onCpuRatio - gcRatio) : onCpuRatio + helpedRatio;
  const shares: [Cause, number][] = [
    ['starved', runqRatio ?? 0],
    ['gc', isGc ? gcRatio : 0],
    ['sync_io', waitedRatio - helpedRatio],
    [kind === 'saturated' ? 'saturated' : 'cpu', codeRatio],
  ];
  shares.sort(([, a], [, b]) => b - a);
  const [[first, share], [, next]] = shares as [[Cause, number], [Cause, number]];
  return because(share < MOST && share - next < TIE ? 'mixed' : first);
};

/**
 * Whether the collector is the trouble, and not the code whose garbage it takes away: a long call that makes much, as
 * `JSON.parse` of a large body does, was seen to collect for half of its time, nearly all of it among what it had just
 * made. It is the trouble where it takes nearly all of the time, goes through the whole heap, or has no room left; and
 * in a crowd of short turns, where no one of them made so much.
 */
const isCollectorsDoing = ({ kind, durationMs, gcMs, majorGcMs, heapRatio = 0 }: Evidence): boolean => {
  if (gcMs < durationMs * MOST) return false;
  return kind !== 'turn' || gcMs >= durationMs * NEARLY_ALL || majorGcMs >= gcMs * MOST || heapRatio >= HEAP_FULL;
};

/** Fewer looks than these may all have been taken in a moment that was unlike the rest. */
const LOOKS_MIN = 3;

const isSeenWaiting = ({ seenRunnable, seenWaiting }: Evidence): boolean =>
  seenRunnable + seenWaiting >= LOOKS_MIN && seenWaiting > seenRunnable;

/**
 * Told by the kernel, or else made of looks: of the time off the core, what it was not seen to wait for something else.
 * While it stands in the run queue somebody waits for a core, so it cannot be more than the machine's pressure.
 */
const runqRatioOf = (evidence: Evidence, offCpuRatio: number): number | undefined => {
  if (evidence.queuedRatio !== undefined) return evidence.queuedRatio;
  const { seenRunnable, seenWaiting, pressureRatio } = evidence;
  const looks = seenRunnable + seenWaiting;
  if (looks < LOOKS_MIN) return pressureRatio === undefined ? undefined : Math.min(offCpuRatio, pressureRatio);
  return Math.max(0, Math.min(offCpuRatio - seenWaiting / looks, pressureRatio ?? 1));
};
