/** What a load generator writes with `--json`: the contract between it and the bench. */

/** Latencies in ms: from the intended send time in an open loop, from the actual one in a closed loop. */
export interface Tally {
  readonly sent: number;
  /** Answered with 2xx. */
  readonly ok: number;
  /** A second. */
  readonly rate: number;
  readonly p50_ms: number;
  readonly p90_ms: number;
  readonly p99_ms: number;
  readonly p999_ms: number;
  readonly max_ms: number;
}

/** A watched process, with all its children. */
export interface Usage {
  readonly name: string;
  readonly pid: number;
  readonly cpu_s: number;
  readonly cpu_us_per_request: number;
  readonly rss_start_mb: number;
  readonly rss_peak_mb: number;
  readonly rss_end_mb: number;
}

export interface Report {
  readonly mode: 'open' | 'closed';
  readonly all: Tally;
  readonly ops: Readonly<Record<string, Tally & { readonly status: Readonly<Record<string, number>> }>>;
  readonly completed_in_window: number;
  /** Sent, or meant to be sent, and never answered. */
  readonly unfinished: number;
  /** What was wrong besides the status of a reply in the window: replays that differ, errors while warming up. */
  readonly problems: number;
  /** The first few of what was wrong. */
  readonly errors: readonly string[];
  readonly send_lag_ms: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
  /** Empty where they cannot be measured. */
  readonly procs: readonly Usage[];
  /** The measured interval, by the monotonic clock; another generator need not say it. */
  readonly window_ms?: readonly [from: number, to: number];
}
