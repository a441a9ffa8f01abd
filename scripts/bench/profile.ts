/** Reads the CPU profiles that `node --cpu-prof` wrote: what the service itself spent a scenario's measured time on. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScenarioResult } from './figures.ts';
import { columns } from './table.ts';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** In µs of the monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SHOWN = 25;
/**
 * `CPU.date.time.pid.thread.number.cpuprofile`: of each process the main thread, which is 0. To the profiler a thread
 * that sleeps on a futex, as the monitor's do, looks as if it worked.
 */
const MAIN_THREAD = /^CPU\.\d+\.\d+\.\d+\.0\.\d+\.cpuprofile$/;

/** The functions with the most self time in each scenario, on the main threads of the service. */
export const profileReport = async (dir: string, results: readonly ScenarioResult[]): Promise<string> => {
  const names = (await readdir(dir)).filter((name) => MAIN_THREAD.test(name));
  const profiles = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(dir, name), 'utf8')) as CpuProfile),
  );
  const parts = results.map(({ scenario, own }) => {
    const windows = own.flatMap(({ window_ms }) => (window_ms ? [window_ms] : []));
    return `${scenario}\n\n${topOf(profiles, windows)}`;
  });
  return `${parts.join('\n\n')}\n\nThe profiles, for Chrome's developer tools: ${dir}\n`;
};

const topOf = (profiles: readonly CpuProfile[], windows: readonly (readonly [number, number])[]): string => {
  const selfUs = new Map<string, number>();
  for (const { nodes, samples, timeDeltas, startTime } of profiles) {
    const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
    let atUs = startTime;
    for (const [n, id] of samples.entries()) {
      const deltaUs = timeDeltas[n] ?? 0;
      atUs += deltaUs;
      const place = places.get(id) ?? '';
      const isMeasured = windows.some(([from, to]) => atUs >= from * 1000 && atUs < to * 1000);
      if (isMeasured && !place.startsWith('(idle)')) selfUs.set(place, (selfUs.get(place) ?? 0) + deltaUs);
    }
  }
  const all = [...selfUs].sort(([, a], [, b]) => b - a);
  const totalUs = all.reduce((sum, [, us]) => sum + us, 0);
  const rows = all
    .slice(0, SHOWN)
    .map(([place, us]) => [place, (us / 1000).toFixed(0), ((us / totalUs) * 100).toFixed(1)]);
  return columns([['function, by self time', 'ms', '%'], ...rows]);
};

const placeOf = ({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string => {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|src)\//, '$1/');
  return `${name}  ${path}:${lineNumber + 1}`;
};
