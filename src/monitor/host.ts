/** What Linux tells of the main thread and of the machine under it. Elsewhere nothing is known, and nothing is claimed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Running totals, in milliseconds; undefined where this system does not keep them. */
export interface HostTotals {
  /** How long the cgroup's quota kept us from running. */
  readonly throttledMs: number | undefined;
  /** How long anyone on this machine (or in this container) waited for a core. */
  readonly pressureMs: number | undefined;
  /** How long the main thread stood in the run queue. */
  readonly queuedMs: number | undefined;
}

export interface MainThread {
  /** R is ready or running; S and D wait in the kernel. */
  readonly state: string;
  /** User and system, to 10 ms. */
  readonly cpuMs: number;
}

export interface Host {
  readonly totals: () => HostTotals;
  /** What the main thread does at this moment. */
  readonly mainThread: () => MainThread | undefined;
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** The first of them that can be read, looked for once. */
const firstOf = (paths: readonly string[]): string | undefined => paths.find((path) => existsSync(path));

/** A file's path in our cgroup: version 2's one tree, or version 1's tree of the CPU controller. */
const cgroupFile = (name: string): string | undefined => {
  const lines = (read('/proc/self/cgroup') ?? '').trim().split('\n');
  const paths = lines.flatMap((line) => {
    const [, controllers = '', path = '/'] = line.split(':', 3);
    if (controllers === '') return [join('/sys/fs/cgroup', path, name), join('/sys/fs/cgroup', name)];
    return controllers.split(',').includes('cpu') ? [join('/sys/fs/cgroup/cpu', path, name)] : [];
  });
  return firstOf(paths);
};

const textOf = (path: string | undefined): string => (path === undefined ? '' : (read(path) ?? ''));

const msIn = (text: string, pattern: RegExp, perMs: number): number | undefined => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found) / perMs;
};

/** The kernel counts CPU for /proc in hundredths of a second, on every platform that Node runs on. */
const TICK_MS = 10;

/** The main thread's id is the process's. */
export const openHost = (pid: number): Host => {
  const cpuStat = cgroupFile('cpu.stat');
  const pressure = cgroupFile('cpu.pressure') ?? firstOf(['/proc/pressure/cpu']);
  const schedstat = firstOf([`/proc/${pid}/task/${pid}/schedstat`]);
  const stat = firstOf([`/proc/${pid}/task/${pid}/stat`]);

  const totals = (): HostTotals => {
    const quota = textOf(cpuStat);
    return {
      // Microseconds in version 2, nanoseconds in version 1.
      throttledMs: msIn(quota, /throttled_usec (\d+)/, 1e3) ?? msIn(quota, /throttled_time (\d+)/, 1e6),
      pressureMs: msIn(textOf(pressure), /some .*total=(\d+)/, 1e3),
      queuedMs: msIn(textOf(schedstat), /^\d+ (\d+)/, 1e6),
    };
  };
  const mainThread = (): MainThread | undefined => {
    // The name in parentheses may hold anything; what follows the last of them is numbered from the third field on.
    const fields = textOf(stat)
      .replace(/^.*\) /s, '')
      .split(' ');
    const [state] = fields;
    return state ? { state, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS } : undefined;
  };

  return { totals, mainThread };
};
