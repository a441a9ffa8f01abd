/**
 * Ticks at a constant rate. Node's timers have whole milliseconds, and 3,333 requests a second are 0.3 ms apart: a
 * thread sleeps on a futex from tick to tick instead, counts, and wakes the main thread.
 */
import { Worker, workerData } from 'node:worker_threads';
import { monotonicMs } from './clock.ts';

export interface Pace {
  /** A second. */
  readonly rate: number;
  readonly beginMs: number;
  readonly endMs: number;
}

interface Thread extends Pace {
  /** How many ticks there were; and a cell that nobody ever wakes. */
  readonly cells: Int32Array;
}

/** Calls `due` with each intended time, at it or as soon after as this thread runs; resolves after the last. */
export const pace = async (wanted: Pace, due: (intendedMs: number) => void): Promise<void> => {
  const gapMs = 1000 / wanted.rate;
  const total = Math.ceil((wanted.endMs - wanted.beginMs) / gapMs);
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const data: Thread = { ...wanted, cells };
  const thread = new Worker(new URL(import.meta.url), { workerData: { pace: data } });
  for (let told = 0; told < total;) {
    const ticks = Atomics.load(cells, 0);
    for (; told < ticks; told++) due(wanted.beginMs + told * gapMs);
    const next = told < total ? Atomics.waitAsync(cells, 0, told) : { async: false as const };
    if (next.async) await next.value;
  }
  await thread.terminate();
};

const tick = ({ rate, beginMs, endMs, cells }: Thread): void => {
  const gapMs = 1000 / rate;
  for (let n = 0; beginMs + n * gapMs < endMs; n++) {
    for (let left = Infinity; left > 0;) {
      left = beginMs + n * gapMs - monotonicMs();
      if (left > 0) Atomics.wait(cells, 1, 0, left);
    }
    Atomics.store(cells, 0, n + 1);
    Atomics.notify(cells, 0);
  }
};

const { pace: asked } = (workerData ?? {}) as { pace?: Thread };
if (asked) tick(asked);
