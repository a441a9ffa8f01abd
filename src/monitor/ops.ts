/**
 * The ops port, answered off the main thread, so that a blocked loop can still be asked what is wrong. The main thread
 * pushes what it knows once a second; every answer says how old that is.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ResultAsync } from 'neverthrow';

/** What the main thread last said of itself. */
export interface Snapshot {
  readonly metrics: string;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
  /** SHA-256 of the keys that may read more than health, in base64. */
  readonly keyHashes: readonly string[];
}

export interface OpsOptions {
  readonly host: string;
  readonly port: number;
  readonly snapshot: () => Promise<Snapshot>;
  readonly onError: (error: unknown) => void;
}

export interface Ops {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** How often the worker hears from the main thread. */
const PUSH_EVERY_MS = 1_000;

/** Listens once the worker does. Errors: why it could not. */
export const startOps = (options: OpsOptions): ResultAsync<Ops, string> =>
  ResultAsync.fromPromise(start(options), (error) => `the ops port ${options.port} could not be opened: ${String(error)}`);

const start = async ({ host, port, snapshot, onError }: OpsOptions): Promise<Ops> => {
  const worker = new Worker(new URL('./ops-worker.ts', import.meta.url), {
    workerData: { host, port },
    // It holds one text and a few dozen bytes for each key.
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  const push = (): Promise<void> => snapshot().then((now) => worker.postMessage(now), onError);
  await push();
  const [listening] = (await once(worker, 'message')) as [{ url: string } | { error: string }];
  if ('error' in listening) throw new Error(listening.error);
  worker.on('error', onError);
  const timer = setInterval(() => void push(), PUSH_EVERY_MS);
  return {
    url: listening.url,
    close: async () => {
      clearInterval(timer);
      await worker.terminate();
    },
  };
};
