/** The vocabulary of the monitor. */

/**
 * - `suspended`: the whole process was stopped: SIGSTOP, a frozen container, a paused machine.
 * - `throttled`: its CPU quota was used up.
 * - `starved`: it was ready to run, and others had the cores.
 * - `gc`: V8 collected garbage.
 * - `sync_io`: it waited inside a synchronous call: a child process, a slow disk.
 * - `cpu`: code computed.
 * - `saturated`: nothing was long by itself, but there was so much that the loop did not come round.
 * - `mixed`: no cause is clearly ahead of the next.
 * - `unknown`: it goes on. Whether code computes or V8 collects garbage is known when it is over, and not claimed before.
 */
export type Cause =
  'suspended' | 'throttled' | 'starved' | 'gc' | 'sync_io' | 'cpu' | 'saturated' | 'mixed' | 'unknown';

/** Whether the code of the service is at fault, or the machine that it runs on. */
export const isHostCause = (cause: Cause): boolean =>
  cause === 'suspended' || cause === 'throttled' || cause === 'starved';

/** One turn of the loop, or a request's part of it, that was long; a loop that woke up late; or a crowd of short turns. */
export type StallKind = 'turn' | 'late' | 'saturated';

/** What the main thread knows of a stall when it is over. Times are its `performance.now()`. */
export interface MainSample {
  readonly kind: StallKind;
  readonly turn: number;
  readonly startedAt: number;
  readonly durationMs: number;
  /** CPU of the main thread over `windowMs`, which holds the stall. */
  readonly cpuMs: number;
  readonly windowMs: number;
  /** CPU of all threads, since the collector has some of its own, over the stall and up to a tenth of a second before. */
  readonly processCpuRatio: number;
  readonly gcMs: number;
  /** Of it, V8's major collections. */
  readonly majorGcMs: number;
  /** The process was told SIGCONT since: it had been stopped. */
  readonly continued: boolean;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
  readonly inflight: number;
  /** Of the last second: 1 is a loop that never waits. */
  readonly elu: number;
}

export interface Frame {
  readonly function: string;
  readonly filename: string;
  readonly lineno: number;
  readonly colno: number;
}

/** What a stack told of the work under way. */
export interface Sighting {
  readonly route: string | undefined;
  readonly method: string | undefined;
  readonly requestId: string | undefined;
  readonly frames: readonly Frame[];
  /** Taken as soon as a native call returned: the call was made by one of these frames, not inside the uppermost. */
  readonly afterNativeCall: boolean;
}

/** A stall as it is told: in the log, on the ops port, in the metrics. */
export interface Stall {
  readonly id: string;
  readonly at: string;
  readonly phase: 'started' | 'ended';
  readonly durationMs: number;
  readonly kind: StallKind;
  readonly cause: Cause;
  readonly confidence: 'high' | 'low';
  readonly severity: Severity;
  /** Undefined while it goes on, where this system does not tell. */
  readonly onCpuRatio: number | undefined;
  readonly runqRatio: number | undefined;
  readonly gcMs: number;
  readonly route: string | undefined;
  readonly method: string | undefined;
  readonly requestId: string | undefined;
  readonly frame: Frame | undefined;
  readonly frames: readonly Frame[];
  readonly afterNativeCall: boolean;
  readonly fingerprint: string;
  readonly heapUsedBytes: number | undefined;
  readonly heapLimitBytes: number | undefined;
  readonly inflight: number;
  readonly elu: number | undefined;
}

export type Severity = 'metric' | 'info' | 'warn' | 'error' | 'fatal';

export interface Tiers {
  readonly metricMs: number;
  readonly warnMs: number;
  readonly errorMs: number;
  readonly fatalMs: number;
}

/** A stop of the whole process is nobody's fault in here: it is told, and pages no one. */
export const severityOf = (durationMs: number, cause: Cause, tiers: Tiers): Severity => {
  if (durationMs < tiers.warnMs) return 'metric';
  if (cause === 'suspended') return 'info';
  if (durationMs < tiers.errorMs) return 'warn';
  return durationMs < tiers.fatalMs ? 'error' : 'fatal';
};
