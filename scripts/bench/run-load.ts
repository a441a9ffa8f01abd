/** Runs a load generator once, as a process of its own that ends with this one, and reads its report. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from './load/report.ts';
import type { Subject } from './subject.ts';

export interface LoadOptions {
  /** The path of another generator with the same options; undefined is our own. */
  readonly generator?: string | undefined;
  readonly args: readonly string[];
}

const OWN = join(import.meta.dirname, 'load', 'main.ts');
/** Its last words, where it fails. */
const STDERR_CHARS = 4_000;
let runs = 0;

export const runLoad = async ({ url, key, pids }: Subject, { generator, args }: LoadOptions): Promise<Report> => {
  const file = join(tmpdir(), `quittance-load-${process.pid}-${++runs}.json`);
  const watched = Object.entries(pids).map(([name, pid]) => `${name}:${pid}`);
  const all = ['--url', url, '--key', key, ...(watched.length > 0 ? ['--pid', watched.join(',')] : []), ...args];
  const [program, first] = generator === undefined ? [process.execPath, [OWN]] : [generator, []];
  const child = spawn(program, [...first, ...all, '--allow-errors', '--json', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-STDERR_CHARS)));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`the load on ${url} failed: ${said.trim()}`);
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } finally {
    process.off('exit', kill);
    await rm(file, { force: true });
  }
};

/** Whatever was not as it should be: no 2xx, no answer, a replay that differs. */
export const errorsOf = ({ all, unfinished, problems }: Report): number => all.sent - all.ok + unfinished + problems;
