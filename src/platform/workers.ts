/**
 * Several processes of the service on one port: this program again, under node:cluster. Where it can, the kernel hands
 * out the connections: those that cluster has sent to a worker which is killed are lost without a word to their clients.
 * This first process owns the ops port, and adds up what the workers' say.
 */
import cluster, { type Worker } from 'node:cluster';
import { ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import { z } from 'zod';
import { messageOf, until } from './process.ts';

/** What a worker is told at its start: all that the first process knows, and its environment does not. */
export interface Task {
  /** From 0 on. */
  readonly index: number;
  /** Which port they share, once the first has opened it. */
  readonly port?: number | undefined;
  readonly databaseUrl: string;
  readonly sandboxUrl?: string | undefined;
  /** What opens its part of the ops port to the first process. */
  readonly opsSecret?: string | undefined;
  /** Where log lines lead. */
  readonly runbookUrl?: string | undefined;
}
const Task: z.ZodType<Task> = z.strictObject({
  index: z.int(),
  port: z.int().optional(),
  databaseUrl: z.string(),
  sandboxUrl: z.string().optional(),
  opsSecret: z.string().optional(),
  runbookUrl: z.string().optional(),
});

interface Listening {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly demoCustomerId?: string | undefined;
}

/** Stripe's sandbox told the first one what it signs webhooks with; they arrive at any. */
interface WebhookSecret {
  readonly type: 'webhook secret';
  readonly secret: string;
}

export type FromWorker =
  | { readonly type: 'listening'; readonly listening: Listening }
  | { readonly type: 'failed'; readonly message: string }
  | WebhookSecret;
export type ToWorker = WebhookSecret;

const ToWorker = z.strictObject({ type: z.literal('webhook secret'), secret: z.string() });
const FromWorker: z.ZodType<FromWorker> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('listening'),
    listening: z.strictObject({ apiUrl: z.string(), opsUrl: z.string(), demoCustomerId: z.string().optional() }),
  }),
  z.strictObject({ type: z.literal('failed'), message: z.string() }),
  ToWorker,
]);

/** Where those things are that they have in common. */
type Places = Omit<Task, 'index' | 'port'>;

interface Running {
  readonly index: number;
  readonly pid: number;
  readonly opsUrl: string;
}

export interface Workers {
  /** What the first of them says. */
  readonly listening: Listening;
  /** Those that serve now, and where their parts of the ops port are. */
  readonly running: () => readonly Running[];
  /** The error is one line. */
  readonly stop: () => ResultAsync<void, string>;
}

/** The variable in which a worker finds its task. */
const TASK = 'QUITTANCE_WORKER';
/** A worker that ends at once, and again, does not keep a core busy. */
const RESTART_AFTER_MS = 1_000;
/** They finish what is in flight in 5 s, and then close. */
const STOP_TIMEOUT_MS = 8_000;

/** https://nodejs.org/api/net.html#serverlistenoptions-callback: where `reusePort` is not refused, of those we run on. */
export const canSharePort: boolean = process.platform === 'linux';

/** What this process is to do; undefined where it is the first one. */
export const taskOfThisProcess = (): Task | undefined =>
  cluster.isWorker ? Task.parse(JSON.parse(process.env[TASK] ?? '')) : undefined;

export const tellFirstProcess = (message: FromWorker): void => void process.send?.(message);

export const onToldByFirstProcess = (hear: (message: ToWorker) => void): void => {
  process.on('message', (message) => {
    const known = ToWorker.safeParse(message);
    if (known.success) hear(known.data);
  });
};

/** Starts `count` of them, and again those that end. Errors: why one could not start, in one line. */
export const startWorkers = (count: number, places: Places, log: Logger): ResultAsync<Workers, string> =>
  ResultAsync.fromPromise(start(count, places, log), messageOf);

const start = async (count: number, places: Places, log: Logger): Promise<Workers> => {
  const workers = new Map<number, Worker>();
  const running = new Map<number, Running>();
  let webhookSecret: string | undefined;
  let port: number | undefined;
  let stopping = false;
  const tell = (worker: Worker, message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message);
  };

  /** What it says when it listens. Rejects with why it does not. */
  const fork = (index: number): Promise<Listening> => {
    const worker = cluster.fork({ [TASK]: JSON.stringify({ ...places, index, port }) });
    const { promise, resolve, reject } = Promise.withResolvers<Listening>();
    workers.set(index, worker);
    worker.on('message', (message) => {
      const { pid } = worker.process;
      const known = FromWorker.safeParse(message);
      // One that has ended may be heard after its end.
      if (!known.success || pid === undefined || workers.get(index) !== worker) return;
      switch (known.data.type) {
        case 'listening':
          running.set(index, { index, pid, opsUrl: known.data.listening.opsUrl });
          resolve(known.data.listening);
          return;
        case 'failed':
          reject(new Error(known.data.message));
          return;
        case 'webhook secret':
          webhookSecret = known.data.secret;
          for (const one of workers.values()) tell(one, known.data);
      }
    });
    worker.once('online', () => {
      if (webhookSecret !== undefined) tell(worker, { type: 'webhook secret', secret: webhookSecret });
    });
    const replace = (why: object): void => {
      workers.delete(index);
      running.delete(index);
      reject(new Error('a worker ended before it listened'));
      if (stopping) return;
      log.error({ worker: { index, pid: worker.process.pid }, ...why }, 'a worker ended: another takes its place');
      setTimeout(() => {
        // If that one does not listen either, it ends too.
        if (!stopping) fork(index).catch(() => undefined);
      }, RESTART_AFTER_MS);
    };
    worker.once('exit', (code, signal) => replace({ code, signal }));
    // One that the machine has no room to start ends without an exit; to one that runs, a message was lost.
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) replace({ err: error });
      else log.warn({ worker: { index }, err: error }, 'a worker could not be told something');
    });
    return promise;
  };

  const stop = async (): Promise<void> => {
    stopping = true;
    for (const worker of workers.values()) worker.process.kill('SIGTERM');
    const ended = await until(() => workers.size === 0, STOP_TIMEOUT_MS);
    for (const worker of workers.values()) worker.process.kill('SIGKILL');
    if (!ended) throw new Error('not every worker finished in time');
  };
  const stopQuietly = (): Promise<void> => stop().catch(() => undefined);

  try {
    // The first one seeds the demo and opens the ports, or says why it cannot: the others come when it has.
    const listening = await fork(0);
    port = Number(new URL(listening.apiUrl).port);
    await Promise.all(Array.from({ length: count - 1 }, (_, other) => fork(other + 1)));
    return { listening, running: () => [...running.values()], stop: () => ResultAsync.fromPromise(stop(), messageOf) };
  } catch (error) {
    await stopQuietly();
    throw error;
  }
};
