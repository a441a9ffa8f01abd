/** What Linux tells of the main thread and of the machine under it. Elsewhere nothing is known, and nothing is claimed. */
import { openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Running totals, in milliseconds; undefined where this system does not keep them. */
export interface HostTotals {
  /** How long the cgroup's quota kept us from running. */
  readonly throttledMs: number | undefined;
  /** How long anyone on this machine (or in this container) waited for a core. */
  readonly pressureMs: number | undefined;
  /** How long the main thread stood in the run queue. */
  readonly queuedMs: number | undefined;
  /** How long it ran. */
  readonly ranMs?: number | undefined;
}

interface MainThread {
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

/** A file as it is when it is called; nothing where it cannot be read. */
type Read = () => string;

/** `cpu.stat` is the longest, with some hundred bytes. */
const buffer = Buffer.alloc(4_096);

/** The first of them that can be opened. It stays open: to open it takes longer than to read it. */
const openFirst = (paths: readonly string[]): Read => {
  for (const path of paths) {
    try {
      const file = openSync(path, 'r');
      return () => {
        try {
          return buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
        } catch {
          return '';
        }
      };
    } catch {
      // The next one may be there.
    }
  }
  return () => '';
};

/** A file's paths in our cgroup: version 2's one tree, or version 1's tree of the CPU controller. */
const cgroupPaths = (name: string): string[] => {
  const lines = cgroups().trim().split('\n');
  return lines.flatMap((line) => {
    const [, controllers = '', path = '/'] = line.split(':', 3);
    if (controllers === '') return [join('/sys/fs/cgroup', path, name), join('/sys/fs/cgroup', name)];
    return controllers.split(',').includes('cpu') ? [join('/sys/fs/cgroup/cpu', path, name)] : [];
  });
};

const cgroups = (): string => {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return '';
  }
};

const msIn = (text: string, pattern: RegExp, perMs: number): number | undefined => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found) / perMs;
};

/** The kernel counts CPU for /proc in hundredths of a second, on every platform that Node runs on. */
const TICK_MS = 10;

/** The main thread's id is the process's. */
export const openHost = (pid: number): Host => {
  const cpuStat = openFirst(cgroupPaths('cpu.stat'));
  const pressure = openFirst([...cgroupPaths('cpu.pressure'), '/proc/pressure/cpu']);
  const schedstat = openFirst([`/proc/${pid}/task/${pid}/schedstat`]);
  const stat = openFirst([`/proc/${pid}/task/${pid}/stat`]);

  const totals = (): HostTotals => {
    const quota = cpuStat();
    const scheduled = schedstat();
    return {
      // Microseconds in version 2, nanoseconds in version 1.
      throttledMs: msIn(quota, /throttled_usec (\d+)/, 1e3) ?? msIn(quota, /throttled_time (\d+)/, 1e6),
      pressureMs: msIn(pressure(), /some .*total=(\d+)/, 1e3),
      queuedMs: msIn(scheduled, /^\d+ (\d+)/, 1e6),
      ranMs: msIn(scheduled, /^(\d+) /, 1e6),
    };
  };
  const mainThread = (): MainThread | undefined => {
    // The name in parentheses may hold anything; what follows the last of them is numbered from the third field on.
    const fields = stat()
      .replace(/^.*\) /s, '')
      .split(' ');
    const [state] = fields;
    return state ? { state, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS } : undefined;
  };

  return { totals, mainThread };
};
