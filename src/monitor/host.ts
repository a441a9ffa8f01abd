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

export interface Host {
  readonly totals: () => HostTotals;
  /** What the main thread does at this moment: R is ready or running; S and D wait in the kernel. */
  readonly mainState: () => string | undefined;
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

/** The main thread's id is the process's. */
export const openHost = (pid: number): Host => {
  const cpuStat = cgroupFile('cpu.stat');
  const pressure = cgroupFile('cpu.pressure') ?? firstOf(['/proc/pressure/cpu']);
  const schedstat = firstOf([`/proc/${pid}/task/${pid}/schedstat`]);
  const state = firstOf([`/proc/${pid}/task/${pid}/stat`]);

  const totals = (): HostTotals => {
    const stat = textOf(cpuStat);
    return {
      // Microseconds in version 2, nanoseconds in version 1.
      throttledMs: msIn(stat, /throttled_usec (\d+)/, 1e3) ?? msIn(stat, /throttled_time (\d+)/, 1e6),
      pressureMs: msIn(textOf(pressure), /some .*total=(\d+)/, 1e3),
      queuedMs: msIn(textOf(schedstat), /^\d+ (\d+)/, 1e6),
    };
  };
  // The name in parentheses may hold anything; the state follows the last of them.
  const mainState = (): string | undefined => /\) (\w)[^)]*$/.exec(textOf(state))?.[1];

  return { totals, mainState };
};
