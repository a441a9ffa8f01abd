/**
 * The ops port of several processes. The first one, which serves no requests and only watches over the others, owns it:
 * it asks the ops thread of each, whatever their main threads do, and adds up what they say.
 */
import { get } from 'node:http';
import { ResultAsync } from 'neverthrow';
import { AggregatorRegistry } from 'prom-client';
import { ECONOMICS, type Check } from './ops.ts';
import { serveOps } from './ops-server.ts';
import { addUp, type View, type Want, type Worker } from './view.ts';

export interface Member extends Worker {
  readonly opsUrl: string;
}

export interface FleetOptions {
  readonly host: string;
  /** 0 is any port that is free. */
  readonly port: number;
  /** What opens the views of the workers. */
  readonly secret: string;
  /** Those that run now. */
  readonly members: () => readonly Member[];
}

/** An ops thread answers in some milliseconds, and one that has its main thread asked in 300. A probe may wait one second. */
const PATIENCE_MS = 600;

/** Listens on the ops port; answers where. Errors: why it could not. */
export const serveFleet = ({ host, port, secret, members }: FleetOptions): ResultAsync<string, string> => {
  const totals = createTotals(members);
  const view = async (want: Want): Promise<View> => {
    const asked = await Promise.all(
      members().map(async (member) => ({ ...member, view: await viewOf(member, secret, want) })),
    );
    const answered = asked.flatMap((one) => (one.view ? [{ ...one, view: one.view }] : []));
    const silent = asked.filter((one) => !one.view);
    const checks: Record<string, Check> = Object.fromEntries(
      silent.map(({ index, pid }) => [`worker_${index}`, { ok: false, detail: `pid ${pid} does not answer` }]),
    );
    if (asked.length === 0) checks['workers'] = { ok: false, detail: 'none runs' };
    const whole = addUp(answered, checks);
    return want.metrics ? { ...whole, metrics: [...whole.metrics, ...totals.ofOthers(answered)] } : whole;
  };
  return ResultAsync.fromPromise(
    new Promise<string>((resolve, reject) =>
      serveOps({
        host,
        port,
        protect: true,
        economics: ECONOMICS,
        view,
        secret: undefined,
        onListening: resolve,
        onError: (message) => reject(new Error(message)),
      }),
    ),
    (error) => `the ops port ${port} could not be opened: ${error instanceof Error ? error.message : String(error)}`,
  );
};

const viewOf = ({ opsUrl }: Member, secret: string, { minutes, metrics }: Want): Promise<View | undefined> =>
  new Promise((resolve) => {
    const none = (): void => resolve(undefined);
    const url = `${opsUrl}/view?minutes=${minutes}&metrics=${Number(metrics)}`;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    get(url, { agent: false, signal, headers: { Authorization: `Bearer ${secret}` } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response
        .on('error', none)
        .on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text) as View) : none()));
    }).on('error', none);
  });

interface Totals {
  /** Counters and histograms of those that have ended or do not answer, as they were when they last did. */
  readonly ofOthers: (answered: readonly (Worker & { readonly view: View })[]) => readonly object[];
}

/** A sum that falls would look as if all had begun again, and what the others counted would be counted twice. */
const createTotals = (members: FleetOptions['members']): Totals => {
  const last = new Map<number, readonly object[]>();
  let ended: readonly object[] = [];
  return {
    ofOthers: (answered) => {
      const running = new Set(members().map(({ pid }) => pid));
      const silent: object[] = [];
      for (const { pid, view } of answered) if (running.has(pid)) last.set(pid, view.metrics.filter(isTotal));
      for (const [known, metrics] of last) {
        if (answered.some(({ pid }) => pid === known)) continue;
        if (running.has(known)) silent.push(...metrics);
        else if (last.delete(known)) ended = AggregatorRegistry.aggregate([[...ended, ...metrics]]).getMetricsAsArray();
      }
      return [...ended, ...silent];
    },
  };
};

const isTotal = (metric: object): boolean =>
  'type' in metric && (metric.type === 'counter' || metric.type === 'histogram');
