/** What the ops port shows: one process, or several added up. Pure. */
import { AggregatorRegistry } from 'prom-client';
import type { Calls, Check, Live, Mark, MetricJson, Snapshot, Spent } from './ops.ts';
import type { Culprit, Minute, Point } from './records.ts';
import type { Stall } from './sample.ts';

/** As Prometheus reads them: counters and histograms of the same name and labels are summed, gauges as each says. */
export const metricsText = (metrics: readonly MetricJson[]): Promise<string> =>
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
  readonly keyHashes: Snapshot['keyHashes'];
  readonly unknown: Snapshot['unknown'];
  readonly contradictions: Snapshot['contradictions'];
  readonly consoleUrl: Snapshot['consoleUrl'];
  readonly stalls: readonly (Stall & { readonly worker?: Worker })[];
  readonly points: readonly Point[];
  /** What happened, oldest first. */
  readonly marks: readonly Mark[];
  /** Each by itself. */
  readonly processes: readonly Process[];
  /** Of each process. */
  readonly minutes: readonly (readonly SeenMinute[])[];
  readonly metrics: readonly MetricJson[];
  /** Those that were asked and did not answer: nothing of theirs is in the rest. */
  readonly silent: readonly Worker[];
}

/** One of those that serve. */
interface Process extends Partial<Worker> {
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly blockedMs: number;
  readonly inflight: number;
  readonly lagMs: number;
  readonly utilisation: number;
}

export interface SeenMinute extends Omit<Minute, 'culprits'> {
  readonly culprits: Iterable<readonly [string, Culprit]>;
}

/** What of it is wanted beside the health of each: the rest is left out. */
export interface Want {
  /** So many of the latest. */
  readonly minutes: number;
  readonly stalls: number;
  readonly points: boolean;
  readonly metrics: boolean;
  /** Whether the service is to look before it is answered. */
  readonly fresh: boolean;
}

/** None of it. */
export const HEALTH: Want = { minutes: 0, stalls: 0, points: false, metrics: false, fresh: false };

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const max = (values: readonly number[]): number => Math.max(0, ...values);
const mean = (values: readonly number[]): number => sum(values) / Math.max(1, values.length);

export interface Answered extends Worker {
  readonly view: View;
}

/** The whole, of those that answered; `silent` are those that did not. */
export const addUp = (of: readonly Answered[], silent: readonly Worker[]): View => {
  const views = of.map(({ view }) => view);
  const lives = views.flatMap(({ live }) => live ?? []);
  const keyHashes = views.flatMap((view) => (view.keyHashes ? [view.keyHashes] : []));
  return {
    loop: { ageMs: max(views.map(({ loop }) => loop.ageMs)), blockedMs: max(views.map(({ loop }) => loop.blockedMs)) },
    inflight: sum(views.map(({ inflight }) => inflight)),
    live: lives.length === 0 ? undefined : addUpLives(lives),
    checks: {
      ...(of.length + silent.length === 0 ? { workers: { state: 'bad' as const, detail: 'none runs' } } : {}),
      ...Object.fromEntries([...silent.map(checkOfSilent), ...of.flatMap(checksOfWorker)]),
    },
    checksAgeMs: max(views.map(({ checksAgeMs }) => checksAgeMs)),
    keyHashes: keyHashes.length === 0 ? undefined : [...new Set(keyHashes.flat())],
    // Each asks the same database.
    unknown: views.find(({ unknown }) => unknown)?.unknown,
    contradictions: views.find(({ contradictions }) => contradictions.length > 0)?.contradictions ?? [],
    consoleUrl: views.find(({ consoleUrl }) => consoleUrl !== undefined)?.consoleUrl,
    stalls: of
      .flatMap(({ index, pid, view }) => view.stalls.map((stall) => ({ ...stall, worker: { index, pid } })))
      .sort((a, b) => (a.at < b.at ? -1 : 1)),
    marks: of
      .flatMap(({ index, view }) => view.marks.map((mark) => ({ ...mark, what: `worker ${index}: ${mark.what}` })))
      .sort((a, b) => (a.at < b.at ? -1 : 1)),
    processes: of.flatMap(({ index, view }) => view.processes.map((one) => ({ ...one, index }))),
    points: addUpPoints(views.map(({ points }) => points)),
    minutes: views.flatMap(({ minutes }) => minutes),
    metrics: views.flatMap(({ metrics }) => metrics),
    silent,
  };
};

const checkOfSilent = ({ index, pid }: Worker): [string, Check] => [
  `worker_${index}`,
  { state: 'bad', detail: `pid ${pid} does not answer` },
];

const checksOfWorker = ({ index, pid, view }: Answered): [string, Check][] =>
  Object.entries(view.checks).map(([name, { state, detail }]) => [
    `worker_${index}_${name}`,
    { state, detail: `pid ${pid}: ${detail}` },
  ]);

const addUpLives = (lives: readonly Live[]): Live => {
  const of = (read: (live: Live) => number): number => sum(lives.map(read));
  const spent = (name: keyof Spent): number => of((live) => live.spent[name]);
  const calls = (of: keyof Live['calls']): Calls => ({
    count: sum(lives.map((live) => live.calls[of].count)),
    failed: sum(lives.map((live) => live.calls[of].failed)),
    ms: sum(lives.map((live) => live.calls[of].ms)),
  });
  return {
    calls: { database: calls('database'), stripe: calls('stripe') },
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

const addUpPoints = (processes: readonly (readonly Point[])[]): Point[] => {
  // Their seconds do not end together: of the last one, some have not told yet.
  const last = Math.min(...processes.flatMap((points) => points.at(-1)?.t ?? []));
  return [...Map.groupBy(processes.flat(), ({ t }) => t)]
    .filter(([t]) => t <= last)
    .sort(([a], [b]) => a - b)
    .map(([t, same]) => ({
      t,
      lagMs: max(same.map(({ lagMs }) => lagMs)),
      gcMs: sum(same.map(({ gcMs }) => gcMs)),
      utilisation: mean(same.map(({ utilisation }) => utilisation)),
      inflight: sum(same.map(({ inflight }) => inflight)),
      shed: sum(same.map(({ shed }) => shed)),
      stallMs: sum(same.map(({ stallMs }) => stallMs)),
      databaseMs: max(same.map(({ databaseMs }) => databaseMs)),
      stripeMs: max(same.map(({ stripeMs }) => stripeMs)),
    }));
};
