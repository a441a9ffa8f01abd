/**
 * The ops port of several processes. The first one, which serves no requests and only watches over the others, owns it:
 * it asks the ops thread of each, whatever their main threads do, and adds up what they say.
 */
import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import type { ResultAsync } from 'neverthrow';
import { AggregatorRegistry, Registry } from 'prom-client';
import type { Check, Mark, MetricJson } from './ops.ts';
import { serveOps, wantQuery, type OpsServer } from './ops-server.ts';
import { createWorkersGauge } from './stall-metrics.ts';
import { addUp, type Answered, type View, type Want, type Worker } from './view.ts';

export interface Member extends Worker {
  readonly opsUrl: string;
}

export interface FleetOptions {
  readonly host: string;
  /** 0 is any port that is free. */
  readonly port: number;
  /** Where alerts lead; the runbook of this port where it is left out. */
  readonly runbookUrl?: string | undefined;
  /** What opens the views of the workers. */
  readonly secret: string;
  /** How many there should be. */
  readonly count: number;
  /** Those that run now. */
  readonly members: () => readonly Member[];
}

/** An ops thread answers in some milliseconds, and one that has its main thread asked in 300. A probe may wait one second. */
const PATIENCE_MS = 600;
/** Whoever asks for the same within this long is told the same: most pages ask first who may read them. */
const SHARED_MS = 200;

/** Listens on the ops port. Errors: why it could not. */
export const serveFleet = ({
  host,
  port,
  runbookUrl,
  secret,
  count,
  members,
}: FleetOptions): ResultAsync<OpsServer, string> => {
  const totalsOfOthers = createTotals();
  const registry = new Registry();
  const workers = createWorkersGauge([registry]);

  /** What no worker says. */
  const metricsBeside = async (answered: readonly Answered[], silent: readonly Worker[]): Promise<MetricJson[]> => {
    // Each that answers adds itself.
    workers.set({ state: 'answers' }, 0);
    workers.set({ state: 'silent' }, silent.length);
    workers.set({ state: 'missing' }, count - answered.length - silent.length);
    const running = new Set(members().map(({ pid }) => pid));
    return [...(await totalsOfOthers(answered, running)), ...(await registry.getMetricsAsJSON())];
  };

  const ends = watchEnds(members);

  const view = async (want: Want): Promise<View> => {
    const asked = await Promise.all(
      members().map(async (member) => ({ ...member, view: await viewOf(member, secret, want) })),
    );
    const answered = asked.flatMap((one) => (one.view ? [{ ...one, view: one.view }] : []));
    const silent = asked.flatMap(({ index, pid, view }) => (view ? [] : [{ index, pid }]));
    const whole = addUp(answered, silent);
    const missing = count - asked.length;
    return {
      ...whole,
      // The others serve: the kernel gives a process that has ended no connections.
      ...(missing > 0 && asked.length > 0
        ? { checks: { ...whole.checks, workers: checkOfMissing(missing, count) } }
        : {}),
      ...(want.points ? { marks: inOrder([...whole.marks, ...ends.marks()]) } : {}),
      ...(want.metrics ? { metrics: [...whole.metrics, ...(await metricsBeside(answered, silent))] } : {}),
    };
  };
  return serveOps({
    host,
    port,
    protect: true,
    economics: undefined,
    view: share(view),
    secret: undefined,
    runbookUrl,
  })
    .map(({ url, close }) => ({
      url,
      close: () => {
        ends.stop();
        return close();
      },
    }))
    .mapErr((message) => {
      ends.stop();
      return `the ops port ${port} could not be opened: ${message}`;
    });
};

const checkOfMissing = (missing: number, count: number): Check => ({
  state: 'degraded',
  detail: `${missing} of ${count} ended, and what takes its place does not serve yet`,
});

const inOrder = (marks: readonly Mark[]): Mark[] => marks.toSorted((a, b) => (a.at < b.at ? -1 : 1));

const LOOK_EVERY_MS = 1_000;
/** As many as a person reads. */
const ENDS_MAX = 50;

/** Who ended, for the time line: with a process goes what it knew of itself. */
const watchEnds = (
  members: FleetOptions['members'],
): { readonly marks: () => readonly Mark[]; readonly stop: () => void } => {
  let marks: readonly Mark[] = [];
  let before: readonly Worker[] = [];
  const look = (): void => {
    const now = members();
    const gone = before.filter(({ pid }) => !now.some((one) => one.pid === pid));
    const at = new Date().toISOString();
    const ended = gone.map(({ index, pid }): Mark => ({
      at,
      what: `worker ${index}: ended, pid ${pid}`,
      level: 'bad',
    }));
    marks = [...marks, ...ended].slice(-ENDS_MAX);
    before = now;
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return { marks: () => marks, stop: () => clearInterval(timer) };
};

/** What counts add up to depends on who was asked last: of two rounds at once, the later one could end first. */
const share = (ask: (want: Want) => Promise<View>): ((want: Want) => Promise<View>) => {
  const answers = new Map<string, Promise<View>>();
  return (want) => {
    const query = wantQuery(want);
    const answer =
      answers.get(query) ??
      ask(want).finally(() => {
        setTimeout(() => answers.delete(query), SHARED_MS);
      });
    answers.set(query, answer);
    return answer;
  };
};

/** What that worker says; undefined where it says nothing in time, or something else. */
const viewOf = ({ opsUrl }: Member, secret: string, want: Want): Promise<View | undefined> =>
  new Promise((resolve) => {
    const none = (): void => resolve(undefined);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const headers = { Authorization: `Bearer ${secret}` };
    // Not `once`, which hears no error after the answer has begun.
    get(`${opsUrl}/view?${wantQuery(want)}`, { agent: false, signal, headers }, (response) => {
      json(response).then((value) => resolve(isView(value) ? value : undefined), none);
    }).on('error', none);
  });

const PARTS: readonly (keyof View)[] = ['loop', 'checks', 'stalls', 'points', 'minutes', 'metrics'];
/** Who knows the secret runs this very program: that it is a view and not an error is all that is looked at. */
const isView = (value: unknown): value is View =>
  typeof value === 'object' && value !== null && PARTS.every((part) => part in value);

/** Counters and histograms of those that have ended or do not answer, as they were when they last did. */
type TotalsOfOthers = (answered: readonly Answered[], running: ReadonlySet<number>) => Promise<MetricJson[]>;

/** A sum that falls would look as if all had begun again, and what the others counted would be counted twice. */
const createTotals = (): TotalsOfOthers => {
  const last = new Map<number, readonly MetricJson[]>();
  let ended: readonly MetricJson[] = [];
  return async (answered, running) => {
    for (const { pid, view } of answered) last.set(pid, view.metrics.filter(isTotal));
    const others = [...last].filter(([pid]) => !answered.some((one) => one.pid === pid));
    const gone = others.filter(([pid]) => !running.has(pid));
    for (const [pid] of gone) last.delete(pid);
    const left = gone.flatMap(([, metrics]) => metrics);
    if (left.length > 0) ended = await AggregatorRegistry.aggregate([[...ended, ...left]]).getMetricsAsJSON();
    return [...ended, ...others.filter((one) => !gone.includes(one)).flatMap(([, metrics]) => metrics)];
  };
};

const isTotal = ({ type }: MetricJson): boolean => type === 'counter' || type === 'histogram';
