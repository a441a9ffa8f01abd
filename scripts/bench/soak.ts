/** The mixed load for a long time: does memory grow, does the loop stall, does anything fail? */
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { createWorld } from '../../test/support/world.ts';
import { METRICS } from './figures.ts';
import { canMeasure, treeUse } from './processes.ts';
import { errorsOf, runLoad } from './run-load.ts';
import { MIXED_RATE, mixedArgs } from './scenarios.ts';
import { startOwn, startProgram, type Own, type Stripe } from './subject.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly connections: number;
  /** A Stripe endpoint that is a program; the sandbox if left out. */
  readonly stripe?: string | undefined;
  /** Requests a second, instead of the scenario's. */
  readonly rate?: number | undefined;
  readonly load?: string | undefined;
  readonly log: (line: string) => void;
}

export interface Point {
  readonly atS: number;
  readonly bytes: number;
}

const SAMPLE_EVERY_MS = 5_000;
/** Until then the heap takes the size that the load needs. A run of less than ten minutes: the first half. */
const SETTLE_S = 300;
const TELL_EVERY = 12;
const MB = 2 ** 20;

/** What was seen, in words; `ok` where nothing failed. */
export const soak = async (options: SoakOptions): Promise<{ text: string; ok: boolean }> => {
  const { minutes, connections, stripe: program, rate, load, log } = options;
  const world = await createWorld();
  const stop: (() => Promise<void>)[] = [];
  try {
    let stripe: Stripe | undefined;
    if (program !== undefined) {
      const started = await startProgram(program, {});
      stop.push(started.stop);
      stripe = started;
    }
    const own = await startOwn(world, { stripe });
    const stallsBefore = await stallsOf(own);
    const points: Point[] = [];
    const startedAt = performance.now();
    const timer = setInterval(() => {
      if (!canMeasure) return;
      points.push({ atS: (performance.now() - startedAt) / 1000, bytes: treeUse(own.service.pid).memoryBytes });
      const last = points.at(-1);
      if (last && points.length % TELL_EVERY === 0)
        log(`${(last.atS / 60).toFixed(0)} of ${minutes} minutes: ${(last.bytes / MB).toFixed(0)} MB`);
    }, SAMPLE_EVERY_MS);
    const report = await runLoad(own, {
      generator: load,
      args: [
        ...mixedArgs(rate ?? MIXED_RATE),
        ...['--duration', String(minutes * 60), '--connections', String(connections)],
      ],
    }).finally(() => clearInterval(timer));
    const stalls = (await stallsOf(own)) - stallsBefore;
    const { all } = report;
    const text = [
      `${minutes} minutes at ${all.rate.toFixed(0)} req/s: P50 ${all.p50_ms.toFixed(2)}, P99 ${all.p99_ms.toFixed(2)}, P99.9 ${all.p999_ms.toFixed(2)}, at most ${all.max_ms.toFixed(1)} ms`,
      `CPU a request: service ${METRICS.service.of(report)?.toFixed(0) ?? 'not measured'} µs, Postgres ${METRICS.postgres.of(report)?.toFixed(0) ?? 'not measured'} µs`,
      describeMemory(points, minutes),
      `${stalls} stalls of the event loop of 50 ms or more; ${errorsOf(report)} errors`,
      ...report.errors,
    ];
    return { text: `${text.join('\n')}\n`, ok: errorsOf(report) === 0 };
  } finally {
    for (const end of stop) await end();
    await world.close();
  }
};

/** Counted by the service itself, off its main thread. */
const stallsOf = async ({ opsUrl }: Own): Promise<number> => {
  const reply = await fetch(`${opsUrl}/metrics`, { headers: { authorization: `Bearer ${DEMO_KEYS.oncall}` } });
  const counts = (await reply.text()).matchAll(/^quittance_event_loop_stall_duration_seconds_count\S* (\d+)/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
};

const describeMemory = (points: readonly Point[], minutes: number): string => {
  if (points.length === 0) return 'memory: not measured';
  const settleS = Math.min(SETTLE_S, minutes * 30);
  const { slope, error } = slopeOf(points.filter(({ atS }) => atS >= settleS));
  const perHour = (perS: number): string => ((perS * 3600) / MB).toFixed(1);
  const peak = Math.max(...points.map(({ bytes }) => bytes));
  return (
    `memory: ${(peak / MB).toFixed(0)} MB at its peak; after the first ${(settleS / 60).toFixed(1)} minutes it grows by ` +
    `${perHour(slope)} ± ${perHour(error)} MB an hour (least squares, standard error)`
  );
};

/** Bytes a second by least squares, and the standard error of that; NaN of fewer than three points. */
export const slopeOf = (points: readonly Point[]): { slope: number; error: number } => {
  const n = points.length;
  const mean = (of: (point: Point) => number): number => points.reduce((sum, point) => sum + of(point), 0) / n;
  const [meanS, meanBytes] = [mean(({ atS }) => atS), mean(({ bytes }) => bytes)];
  const squares = points.reduce((sum, { atS }) => sum + (atS - meanS) ** 2, 0);
  const slope = points.reduce((sum, { atS, bytes }) => sum + (atS - meanS) * (bytes - meanBytes), 0) / squares;
  const residuals = points.reduce((sum, { atS, bytes }) => sum + (bytes - meanBytes - slope * (atS - meanS)) ** 2, 0);
  return { slope: n < 3 ? NaN : slope, error: n < 3 ? NaN : Math.sqrt(residuals / (n - 2) / squares) };
};
