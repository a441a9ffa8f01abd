/** The service itself in a process of its own, with its own Postgres and sandbox, and load on it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceUnderTest {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly customer: string;
  readonly dataDir: string;
  readonly pid: number;
  /** CPU of all its threads since it started. */
  readonly cpuMs: () => number;
  readonly ops: (path: string) => Promise<string>;
  readonly stop: () => Promise<void>;
}

const ROOT = join(import.meta.dirname, '../../..');
const START_MS = 60_000;
/** The kernel counts CPU in hundredths of a second. */
const TICK_MS = 10;

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
      const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    ops: async (path) => {
      const reply = await fetch(opsUrl + path, {
        headers: { Authorization: 'Bearer ok_test_demo', Accept: 'application/json' },
      });
      return reply.text();
    },
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

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly key?: string;
}

export interface Answered {
  readonly call: Call;
  readonly status: number;
  readonly ms: number;
  readonly at: number;
}

export const send = (agent: Agent, base: string, call: Call): Promise<Answered> =>
  new Promise((resolve) => {
    const startedAt = performance.now();
    const end = (status: number): void => {
      resolve({ call, status, ms: performance.now() - startedAt, at: startedAt });
    };
    const headers = {
      Authorization: 'Bearer sk_test_demo',
      ...(call.body === undefined
        ? {}
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(call.body) }),
      ...(call.key === undefined ? {} : { 'Idempotency-Key': call.key }),
    };
    const asked = request(base + call.path, { agent, method: call.method, headers, timeout: 20_000 }, (response) => {
      response.resume();
      response.on('end', () => {
        end(response.statusCode ?? 0);
      });
    });
    asked.on('error', () => {
      end(0);
    });
    asked.end(call.body);
  });

/** That many clients, each with one request at a time. */
export const closedLoad = async (
  base: string,
  clients: number,
  ms: number,
  next: (i: number) => Call,
): Promise<Answered[]> => {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const answers: Answered[] = [];
  const until = performance.now() + ms;
  let i = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) answers.push(await send(agent, base, next(i++)));
    }),
  );
  agent.destroy();
  return answers;
};

/** Requests begin at that rate, whether those before have been answered or not. */
export const openLoad = async (
  base: string,
  perS: number,
  ms: number,
  next: (i: number) => Call,
): Promise<Answered[]> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4_000 });
  const startedAt = performance.now();
  const asked: Promise<Answered>[] = [];
  while (performance.now() - startedAt < ms) {
    const due = ((performance.now() - startedAt) / 1000) * perS;
    while (asked.length < due) asked.push(send(agent, base, next(asked.length)));
    await sleep(2);
  }
  const answers = await Promise.all(asked);
  agent.destroy();
  return answers;
};

export const percentile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor((values.length * p) / 100))] ?? NaN;
