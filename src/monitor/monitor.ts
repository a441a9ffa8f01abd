/**
 * The event-loop monitor: what stalled, why and where, told while it still stalls. One for each process.
 *
 * The main thread stamps the turns of its loop (beat.ts); the ops thread watches the stamps, takes stacks, finds the cause,
 * writes the lines and answers the ops port (ops-worker.ts).
 */
import { Worker } from 'node:worker_threads';
import { ResultAsync } from 'neverthrow';
import type { Pressure } from './admission.ts';
import { startBeat, type Beat, type GcKind, type Interval } from './beat.ts';
import { runJob, workStorage } from './context.ts';
import {
  type FromOps,
  type Live,
  type MetricJson,
  type OpsData,
  type Snapshot,
  type ToldEconomics,
  type ToOps,
} from './ops.ts';
import type { Tiers } from './sample.ts';
import { sharedClockOffsetMs, SLOTS } from './slots.ts';
import { loadNativeStack, MAIN } from './native-stack.ts';

export interface MonitorOptions {
  readonly host: string;
  /** 0 is any port that is free. */
  readonly port: number;
  readonly tiers: Tiers;
  /** pino's name of the least important level that is written. */
  readonly logLevel: string;
  /** The file descriptor that lines are written to; 1, standard output, where none is named. */
  readonly linesFd?: number | undefined;
  /** How many requests are under way. */
  readonly inflight: () => number;
  /** What only the service knows, asked every second, without what the monitor adds. */
  readonly live: () => Omit<Live, keyof Interval>;
  /** The service's checks and on-call keys, asked every two seconds and when someone wants to know; undefined where there are none, and then no key is asked for. */
  readonly snapshot: (() => Promise<Snapshot>) | undefined;
  /** The main thread's metrics, as prom-client's JSON; asked when someone scrapes. */
  readonly metrics: () => Promise<readonly MetricJson[]>;
  readonly onGc: (kind: GcKind, durationMs: number) => void;
  /** Every tenth of a second: what decides whether requests are let in. */
  readonly onPressure: (pressure: Pressure) => void;
  readonly warn: (fields: object, message: string) => void;
  /** Where lines lead; the ops port's own runbook where it is left out. */
  readonly runbookUrl?: string | undefined;
  readonly economics?: ToldEconomics;
  /** One of several processes: what opens its view to the one that adds them up. */
  readonly secret?: string | undefined;
}

export interface Monitor {
  readonly url: string;
  readonly lag: Beat['lag'];
  /** Asks for the service's checks now, and not within two seconds. */
  readonly refresh: () => void;
  readonly close: () => Promise<void>;
}

const LIVE_EVERY_MS = 1_000;
const SNAPSHOT_EVERY_MS = 2_000;
const LEVELS: Record<string, number> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Infinity,
};

/** Begins to watch, and listens on the ops port. Errors: why it could not. */
export const startMonitor = (options: MonitorOptions): ResultAsync<Monitor, string> =>
  ResultAsync.fromPromise(
    // In a context of its own: timers that are made here belong to no request.
    runJob('monitor', () => start(options)),
    (error) =>
      `the ops port ${options.port} could not be opened: ${error instanceof Error ? error.message : String(error)}`,
  );

const start = async (options: MonitorOptions): Promise<Monitor> => {
  const slots = new SharedArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT);
  registerMainThread();
  const worker = startWorker(options, slots);
  const send = (message: ToOps): void => worker.postMessage(message);

  const snapshot = async (): Promise<void> => {
    if (options.snapshot) send({ type: 'snapshot', snapshot: await options.snapshot() });
  };
  const render = async (): Promise<void> => send({ type: 'metrics', metrics: await options.metrics() });
  const attempt = (what: Promise<void>): void =>
    void what.catch((error: unknown) => options.warn({ err: error }, 'the ops port could not be told what is new'));

  const url = await new Promise<string>((resolve, reject) => {
    worker.on('message', (message: FromOps) => {
      switch (message.type) {
        case 'listening':
          resolve(message.url);
          return;
        case 'failed':
          reject(new Error(message.message));
          return;
        case 'render':
          attempt(render());
          return;
        case 'look':
          attempt(snapshot());
          return;
        case 'stacks unavailable':
          options.warn(
            { reason: message.message },
            'stalls will be told without a stack or a route: none can be taken here',
          );
      }
    });
    worker.on('error', (error: Error) => {
      options.warn({ err: error }, 'the ops thread ended: nobody watches the event loop');
      reject(error);
    });
  }).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });

  const beat = startBeat({
    slots: new Float64Array(slots),
    metricMs: options.tiers.metricMs,
    inflight: options.inflight,
    onStall: (sample) => send({ type: 'stall', sample }),
    onPressure: options.onPressure,
    onGc: options.onGc,
  });
  const live = (): void => {
    const interval = beat.takeInterval();
    send({
      type: 'live',
      live: { ...options.live(), lagMsMax: interval.lagMsMax, utilisation: interval.utilisation, gcMs: interval.gcMs },
    });
  };
  attempt(snapshot());
  const timers = [setInterval(live, LIVE_EVERY_MS), setInterval(() => attempt(snapshot()), SNAPSHOT_EVERY_MS)];
  worker.unref();
  for (const timer of timers) timer.unref();

  const close = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    beat.stop();
    await worker.terminate();
  };
  return { url, lag: beat.lag, refresh: () => attempt(snapshot()), close };
};

const startWorker = (
  { host, port, tiers, logLevel, snapshot, ...options }: MonitorOptions,
  slots: SharedArrayBuffer,
): Worker => {
  const data: OpsData = {
    host,
    port,
    slots,
    ask: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    pid: process.pid,
    mainOffsetMs: sharedClockOffsetMs(),
    tiers,
    root: process.cwd(),
    runbookUrl: options.runbookUrl,
    levelMin: LEVELS[logLevel] ?? 30,
    linesFd: options.linesFd ?? 1,
    protect: snapshot !== undefined,
    economics: options.economics,
    secret: options.secret,
  };
  return new Worker(new URL('./ops-worker.ts', import.meta.url), {
    workerData: data,
    // Five hundred stalls with their stacks, and a day of minutes.
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 },
  });
};

/** Lets the other thread take this one's stack, with the work under way. Where it cannot, the ops thread says so. */
const registerMainThread = (): void => {
  loadNativeStack().match(
    ({ registerThread }) => registerThread({ asyncLocalStorage: workStorage }, MAIN),
    () => undefined,
  );
};
