/** What the ops port shows: one process, or several added up. Pure. */
import { AggregatorRegistry } from 'prom-client';
import type { Check, Live, Snapshot, Spent } from './ops.ts';
import type { Culprit, Minute, Point } from './records.ts';
import type { Stall } from './sample.ts';

/** As Prometheus reads them: counters and histograms of the same name and labels are summed, gauges as each says. */
export const metricsText = (metrics: readonly object[]): Promise<string> =>
  AggregatorRegistry.aggregate([[...metrics]]).metrics();

/** One of several processes. */
export interface Worker {
  readonly index: number;
  readonly pid: number;
}

export interface View {
  readonly loop: { readonly ageMs: number; readonly blockedMs: number };
  readonly inflight: number;
  readonly live: Live | undefined;
  readonly checks: Readonly<Record<string, Check>>;
  readonly checksAgeMs: number;
  readonly keyHashes: readonly string[];
  readonly unknown: Snapshot['unknown'];
  readonly stalls: readonly (Stall & { readonly worker?: Worker })[];
  readonly points: readonly Point[];
  /** Of each process. */
  readonly minutes: readonly (readonly SeenMinute[])[];
  readonly metrics: readonly object[];
}

export interface SeenMinute extends Omit<Minute, 'culprits'> {
  readonly culprits: Iterable<readonly [string, Culprit]>;
}

/** What of it is wanted: the rest is left out. */
export interface Want {
  /** The stalls, the points and so many of the latest minutes. */
  readonly minutes: number;
  readonly metrics: boolean;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const max = (values: readonly number[]): number => Math.max(0, ...values);
const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);

/** Of processes that answered; `checks` are those of the whole. */
export const addUp = (of: readonly (Worker & { readonly view: View })[], checks: View['checks']): View => {
  const views = of.map(({ view }) => view);
  const lives = views.flatMap(({ live }) => live ?? []);
  return {
    loop: { ageMs: max(views.map(({ loop }) => loop.ageMs)), blockedMs: max(views.map(({ loop }) => loop.blockedMs)) },
    inflight: sum(views.map(({ inflight }) => inflight)),
    live: lives.length === 0 ? undefined : addUpLives(lives),
    checks: { ...checks, ...Object.fromEntries(of.flatMap(checksOf)) },
    checksAgeMs: max(views.map(({ checksAgeMs }) => checksAgeMs)),
    keyHashes: [...new Set(views.flatMap(({ keyHashes }) => keyHashes))],
    // Each asks the same database.
    unknown: views.find(({ unknown }) => unknown)?.unknown,
    stalls: of
      .flatMap(({ index, pid, view }) => view.stalls.map((stall) => ({ ...stall, worker: { index, pid } })))
      .sort((a, b) => (a.at < b.at ? -1 : 1)),
    points: addUpPoints(views.flatMap(({ points }) => points)),
    minutes: views.flatMap(({ minutes }) => minutes),
    metrics: views.flatMap(({ metrics }) => metrics),
  };
};

const checksOf = ({ index, pid, view }: Worker & { readonly view: View }): [string, Check][] =>
  Object.entries(view.checks).map(([name, { ok, detail }]) => [
    `worker_${index}_${name}`,
    { ok, detail: `pid ${pid}: ${detail}` },
  ]);

const addUpLives = (lives: readonly Live[]): Live => {
  const of = (read: (live: Live) => number): number => sum(lives.map(read));
  const spent = (name: keyof Spent): number => of((live) => live.spent[name]);
  return {
    lagMsMax: max(lives.map(({ lagMsMax }) => lagMsMax)),
    utilisation: mean(lives.map(({ utilisation }) => utilisation)),
    gcMs: of(({ gcMs }) => gcMs),
    inflight: of(({ inflight }) => inflight),
    waiting: { commit: of(({ waiting }) => waiting.commit), pool: of(({ waiting }) => waiting.pool) },
    shed: of(({ shed }) => shed),
    spent: {
      requests: spent('requests'),
      requestMs: spent('requestMs'),
      databaseMs: spent('databaseMs'),
      queueMs: spent('queueMs'),
      stripeMs: spent('stripeMs'),
      cpuMs: spent('cpuMs'),
    },
  };
};

const addUpPoints = (points: readonly Point[]): Point[] =>
  [...Map.groupBy(points, ({ t }) => t)]
    .sort(([a], [b]) => a - b)
    .map(([t, same]) => ({
      t,
      lagMs: max(same.map(({ lagMs }) => lagMs)),
      gcMs: sum(same.map(({ gcMs }) => gcMs)),
      utilisation: mean(same.map(({ utilisation }) => utilisation)),
      inflight: sum(same.map(({ inflight }) => inflight)),
      shed: sum(same.map(({ shed }) => shed)),
      stallMs: sum(same.map(({ stallMs }) => stallMs)),
    }));
