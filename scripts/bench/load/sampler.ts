/** Watches processes during the measured interval, on a thread of its own: reading /proc takes a millisecond or two. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { canMeasure, treeUse } from '../processes.ts';
import { monotonicMs } from './clock.ts';
import type { Usage } from './report.ts';

export interface Watched {
  readonly name: string;
  readonly pid: number;
}

interface Task {
  readonly watched: readonly Watched[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** `service:123,postgres:456` */
export const parseWatched = (text: string): Watched[] =>
  text
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [, name, pid] = /^([\w-]+):(\d+)$/.exec(part) ?? [];
      if (name === undefined) throw new Error(`a process is written name:pid; this is "${part}".`);
      return { name, pid: Number(pid) };
    });

type Measured = Omit<Usage, 'cpu_us_per_request'>;

/** What each used between the two times, this process last as `load`; nothing where it cannot be measured. */
export const sample = async (task: Task): Promise<Measured[]> => {
  if (!canMeasure) return [];
  const thread = new Worker(new URL(import.meta.url), { workerData: { sample: task } });
  return new Promise((settle, fail) => thread.once('message', settle).once('error', fail));
};

const SAMPLE_EVERY_MS = 1_000;
const MB = 2 ** 20;

const watch = ({ watched, fromMs, toMs }: Task): Measured[] => {
  sleepUntil(fromMs);
  const all = [...watched, { name: 'load', pid: process.pid }].map((one) => {
    const { cpuS, memoryBytes } = treeUse(one.pid);
    return { ...one, cpuS, start: memoryBytes, peak: memoryBytes, end: memoryBytes, used: 0 };
  });
  for (let at = fromMs; at < toMs;) {
    at = Math.min(at + SAMPLE_EVERY_MS, toMs);
    sleepUntil(at);
    for (const one of all) {
      const { cpuS, memoryBytes } = treeUse(one.pid);
      one.used = cpuS - one.cpuS;
      one.end = memoryBytes;
      one.peak = Math.max(one.peak, memoryBytes);
    }
  }
  return all.map(({ name, pid, used, start, peak, end }) => ({
    name,
    pid,
    cpu_s: used,
    rss_start_mb: start / MB,
    rss_peak_mb: peak / MB,
    rss_end_mb: end / MB,
  }));
};

const nobody = new Int32Array(new SharedArrayBuffer(4));
const sleepUntil = (atMs: number): void => void Atomics.wait(nobody, 0, 0, Math.max(0, atMs - monotonicMs()));

const { sample: asked } = (workerData ?? {}) as { sample?: Task };
if (asked) parentPort?.postMessage(watch(asked));
