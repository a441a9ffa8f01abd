/** What the ops thread counts by itself: it goes on while the main thread does not. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricJson } from './ops.ts';
import { isHostCause, type Cause, type Severity, type Stall } from './sample.ts';

export interface StallMetrics {
  readonly ended: (stall: Stall) => void;
  readonly suppressed: () => void;
  readonly lost: () => void;
  readonly json: () => Promise<readonly MetricJson[]>;
}

/** Each process says of itself that it answers; of several, the first one says of the others that they do not. */
export const createWorkersGauge = (registers: Registry[]): Gauge<'state'> =>
  new Gauge({
    name: 'quittance_workers',
    help: 'Processes by state: answers; silent, which runs and does not answer; missing, which is not there.',
    labelNames: ['state'],
    registers,
  });

const CAUSES: readonly Exclude<Cause, 'unknown'>[] = [
  'suspended',
  'throttled',
  'starved',
  'gc',
  'sync_io',
  'cpu',
  'saturated',
  'mixed',
];
const SEVERITIES: readonly Severity[] = ['metric', 'info', 'warn', 'error', 'fatal'];

/** From the shortest stall that is told to one that pages. */
const SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30];

/** `blockedMs` and `ageMs` are asked when someone scrapes. */
export const createStallMetrics = (blockedMs: () => number, ageMs: () => number, hasStacks: boolean): StallMetrics => {
  const registry = new Registry();
  const registers = [registry];
  const durations = new Histogram({
    name: 'quittance_event_loop_stall_duration_seconds',
    help: 'How long the event loop was blocked, by cause and severity. Every stall is counted, told or not.',
    labelNames: ['cause', 'severity'],
    buckets: SECONDS,
    registers,
  });
  const seconds = new Counter({
    name: 'quittance_event_loop_stall_seconds_total',
    help: 'How long the event loop was blocked, by cause and route template.',
    labelNames: ['cause', 'http_route'],
    registers,
  });
  const attributions = new Counter({
    name: 'quittance_event_loop_stall_attributions_total',
    help: 'Stalls by how they were attributed: to a stack, to the caller of a native call, to the host, or to none.',
    labelNames: ['result'],
    registers,
  });
  const suppressed = new Counter({
    name: 'quittance_event_loop_stall_lines_suppressed_total',
    help: 'Stalls that were counted and not logged, since their kind was logged before.',
    registers,
  });
  const lost = new Counter({
    name: 'quittance_event_loop_stall_lines_lost_total',
    help: 'Lines that could not be written: nobody reads standard output.',
    registers,
  });
  new Gauge({
    name: 'quittance_event_loop_stall_in_progress_seconds',
    help: 'How long the callback under way has blocked the event loop; 0 where it is not blocked.',
    registers,
    aggregator: 'max',
    collect() {
      this.set(blockedMs() / 1000);
    },
  });
  new Gauge({
    name: 'quittance_snapshot_age_seconds',
    help: 'How long ago the main thread rendered the other figures.',
    registers,
    aggregator: 'max',
    collect() {
      this.set(ageMs() / 1000);
    },
  });
  new Gauge({
    name: 'quittance_stack_capture_available',
    help: '1 where the stack of a blocked main thread can be taken on this platform, else 0.',
    registers,
    aggregator: 'min',
  }).set(Number(hasStacks));
  createWorkersGauge(registers).set({ state: 'answers' }, 1);

  // A series that is born at its first value hides it from rate() and increase().
  for (const cause of CAUSES) {
    seconds.inc({ cause, http_route: 'none' }, 0);
    for (const severity of SEVERITIES) durations.zero({ cause, severity });
  }
  for (const result of ['host', 'none', 'native', 'stack']) attributions.inc({ result }, 0);

  const resultOf = ({ cause, frame, afterNativeCall }: Stall): string => {
    if (isHostCause(cause)) return 'host';
    if (!frame) return 'none';
    return afterNativeCall ? 'native' : 'stack';
  };
  return {
    ended: (stall) => {
      durations.observe({ cause: stall.cause, severity: stall.severity }, stall.durationMs / 1000);
      seconds.inc({ cause: stall.cause, http_route: stall.route ?? 'none' }, stall.durationMs / 1000);
      attributions.inc({ result: resultOf(stall) });
    },
    suppressed: () => suppressed.inc(),
    lost: () => lost.inc(),
    json: () => registry.getMetricsAsJSON(),
  };
};
