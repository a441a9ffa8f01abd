/** What processes use, with all their children: from /proc, and so on Linux alone. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface TreeUse {
  /** User and system time of the living, and of the children that each of them has buried. */
  readonly cpuS: number;
  /**
   * Private pages of all, and the largest part that is shared. Not PSS: of the pages of Node's own binary it would give
   * a share to the load generator and the sandbox.
   */
  readonly memoryBytes: number;
}

export const canMeasure: boolean = process.platform === 'linux';

const sysconf = (name: string, fallback: number): number => {
  try {
    return Number(execFileSync('getconf', [name], { encoding: 'utf8' })) || fallback;
  } catch {
    return fallback;
  }
};
let units: { readonly ticksPerS: number; readonly pageBytes: number } | undefined;
const unitsOf = (): NonNullable<typeof units> =>
  (units ??= { ticksPerS: sysconf('CLK_TCK', 100), pageBytes: sysconf('PAGESIZE', 4096) });

/** A child that dies between two looks has its time moved to its parent: then all is read again. */
const LOOKS = 5;

/** What a process and its descendants have used until now. Throws where there is no such process. */
export const treeUse = (root: number): TreeUse => {
  for (let look = 1; ; look++) {
    const use = readTree(root);
    if (use.isWhole || look === LOOKS) return use;
  }
};

const readTree = (root: number): TreeUse & { readonly isWhole: boolean } => {
  const { ticksPerS, pageBytes } = unitsOf();
  let [ticks, privatePages, sharedPages] = [0, 0, 0];
  let isWhole = true;
  const left = [root];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    try {
      const one = readProcess(pid);
      ticks += one.ticks;
      privatePages += one.resident - one.shared;
      sharedPages = Math.max(sharedPages, one.shared);
      left.push(...childrenOf(pid));
    } catch (error) {
      if (pid === root) throw new Error(`process ${root} cannot be measured: it is not there`, { cause: error });
      isWhole = false;
    }
  }
  return { cpuS: ticks / ticksPerS, memoryBytes: (privatePages + sharedPages) * pageBytes, isWhole };
};

const readProcess = (pid: number): { ticks: number; resident: number; shared: number } => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold anything, comes the third field; utime, stime, cutime and cstime are the 14th to 17th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number);
  return { ticks, resident, shared };
};

/** Each thread lists the children that it has begun. */
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  });
