/** The service itself in a process of its own, with its own Postgres and sandbox. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceUnderTest {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly customer: string;
  readonly dataDir: string;
  readonly pid: number;
  /** CPU since it started: of the main thread and all that help it, and of the worker threads, which are the monitor's. */
  readonly cpuMs: () => { readonly main: number; readonly ops: number };
  readonly ops: (path: string) => Promise<string>;
  /** Nobody reads its standard output any more. */
  readonly deafen: () => void;
  readonly stop: () => Promise<void>;
}

const ROOT = join(import.meta.dirname, '../../..');
const START_MS = 60_000;

export const startService = async (
  env: Readonly<Record<string, string>> = {},
  execArgv: readonly string[] = [],
): Promise<ServiceUnderTest> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quittance-service-'));
  const child = spawn(process.execPath, [...execArgv, 'src/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const text = await said(child, 'Read the balance');
  const find = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
  const opsUrl = find(/Ops\s+(http\S+)/);
  const pid = child.pid!;
  return {
    apiUrl: find(/API\s+(http\S+)/),
    opsUrl,
    customer: find(/"customer":"(cus_\w+)"/),
    dataDir,
    pid,
    cpuMs: () => {
      const spent = { main: 0, ops: 0 };
      for (const task of readdirSync(`/proc/${String(pid)}/task`)) {
        const of = `/proc/${String(pid)}/task/${task}`;
        // One that has ended since it was listed.
        if (!existsSync(`${of}/comm`)) continue;
        const read = (file: string): string => readFileSync(`${of}/${file}`, 'utf8');
        spent[read('comm').startsWith('WorkerThread') ? 'ops' : 'main'] +=
          Number(read('schedstat').split(' ')[0]) / 1e6;
      }
      return spent;
    },
    ops: async (path) => {
      const reply = await fetch(opsUrl + path, {
        headers: { Authorization: 'Bearer ok_test_demo', Accept: 'application/json' },
      });
      return reply.text();
    },
    deafen: () => void child.stdout.destroy(),
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

const said = async (child: ChildProcess, wanted: string): Promise<string> => {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    // What comes after the welcome is the log: it is read, and thrown away.
    if (text.length < 20_000) text += chunk;
  });
  const until = performance.now() + START_MS;
  while (!text.includes(wanted)) {
    if (child.exitCode !== null || performance.now() > until) throw new Error(`the service did not start: ${text}`);
    await sleep(50);
  }
  await sleep(300);
  return text;
};
