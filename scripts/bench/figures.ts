/** From reports to the figures that are shown: each scenario's medians, and their ratios to another service. */
import type { Report } from './load/report.ts';
import { errorsOf } from './run-load.ts';

export interface ScenarioResult {
  readonly scenario: string;
  /** One for each round. */
  readonly own: readonly Report[];
  /** Of the other service in the same rounds; empty where there is none, or it has no such route. */
  readonly other: readonly Report[];
}

export interface Results {
  readonly machine: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly scenarios: readonly ScenarioResult[];
}

export interface Metric {
  readonly title: string;
  readonly digits: number;
  readonly of: (report: Report) => number | undefined;
}

const usage = ({ procs }: Report, name: string): Report['procs'][number] | undefined =>
  procs.find((one) => one.name === name);
const cpu =
  (...names: string[]) =>
  (report: Report): number | undefined => {
    const used = names.flatMap((name) => usage(report, name)?.cpu_us_per_request ?? []);
    return used.length === 0 ? undefined : used.reduce((sum, one) => sum + one, 0);
  };

type MetricName = 'rate' | 'p50' | 'p99' | 'p999' | 'service' | 'postgres' | 'stripe' | 'both' | 'load' | 'memory';

export const METRICS: Readonly<Record<MetricName, Metric>> = {
  rate: { title: 'req/s', digits: 0, of: ({ all }) => all.rate },
  p50: { title: 'P50 ms', digits: 2, of: ({ all }) => all.p50_ms },
  p99: { title: 'P99 ms', digits: 2, of: ({ all }) => all.p99_ms },
  p999: { title: 'P99.9 ms', digits: 2, of: ({ all }) => all.p999_ms },
  service: { title: 'service µs', digits: 0, of: cpu('service') },
  postgres: { title: 'Postgres µs', digits: 0, of: cpu('postgres') },
  stripe: { title: 'Stripe µs', digits: 0, of: cpu('stripe') },
  both: { title: 'service + Postgres µs', digits: 0, of: cpu('service', 'postgres') },
  load: { title: 'load µs', digits: 0, of: cpu('load') },
  memory: { title: 'memory MB', digits: 0, of: (report) => usage(report, 'service')?.rss_peak_mb },
};

export const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
};

/** Undefined where it was not measured. */
export const medianIn = (reports: readonly Report[], { of }: Metric): number | undefined => {
  const values = reports.flatMap((report) => of(report) ?? []);
  return values.length === 0 ? undefined : medianOf(values);
};

export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A figure of fewer than this many of its last shown digit is as much rounding and noise as it is a figure. */
const DIGITS_MIN = 10;

/** Ours to the other's, round by round; undefined where either was not measured, or is too near zero to compare. */
export const ratioOf = ({ own, other }: ScenarioResult, { of, digits }: Metric): Ratio | undefined => {
  const least = DIGITS_MIN / 10 ** digits;
  const ratios = own.flatMap((report, round) => {
    const rival = other[round];
    const [a, b] = [of(report), rival && of(rival)];
    return a === undefined || b === undefined || a < least || b < least ? [] : [a / b];
  });
  if (ratios.length < own.length) return undefined;
  return { median: medianOf(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
};

/** In all runs of both services. */
export const errorsIn = ({ scenarios }: Results): number =>
  scenarios.flatMap(({ own, other }) => [...own, ...other]).reduce((sum, report) => sum + errorsOf(report), 0);

/** A service that answers nothing but 404 has no such route. */
export const lacksRoute = ({ ops, all }: Report): boolean =>
  all.ok === 0 && Object.values(ops).every(({ status }) => Object.keys(status).every((code) => code === '404'));
