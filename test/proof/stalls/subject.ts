/** The application of app.ts in a process of its own: what is done to it, and what its monitor says. */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A stall as `/stalls` tells it. */
export interface Told {
  readonly 'stall.id': string;
  readonly 'stall.phase': 'started' | 'ended';
  readonly 'stall.duration_ms': number;
  readonly 'stall.cause': string;
  readonly 'stall.confidence': string;
  readonly 'stall.kind': string;
  readonly 'stall.on_cpu_ratio': number;
  readonly 'stall.gc_ms': number;
  readonly 'http.route'?: string;
  readonly 'code.function.name'?: string;
  readonly 'code.stacktrace'?: string;
  readonly msg: string;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

export interface Subject {
  readonly apiUrl: string;
  readonly opsUrl: string;
  readonly pid: number;
  /** Every line that it wrote to standard output, with when it came. */
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  readonly get: (path: string) => Promise<Reply>;
  readonly ops: (path: string) => Promise<Reply>;
  readonly stalls: () => Promise<Told[]>;
  /** The sum of a metric's samples. */
  readonly metric: (name: string) => Promise<number>;
  readonly stop: () => Promise<void>;
}

export interface SubjectOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
  /** On the first core alone. */
  readonly pinned?: boolean;
}

const APP = join(import.meta.dirname, 'app.ts');
/** A cold start on a busy machine. */
const START_MS = 30_000;

export const startSubject = async (options: SubjectOptions = {}): Promise<Subject> => {
  const { env = {}, execArgv = [], pinned = false } = options;
  const folder = await mkdtemp(join(tmpdir(), 'quittance-stalls-'));
  const fifo = join(folder, 'slow');
  execFileSync('mkfifo', [fifo]);
  const child = fork(APP, [], {
    execArgv: ['--expose-gc', ...execArgv],
    env: { ...process.env, ...env, FIFO: fifo },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (pinned) execFileSync('taskset', ['-a', '-c', '-p', '0', String(child.pid)]);
  const lines: { at: number; text: string }[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const text of parts) lines.push({ at: performance.now(), text });
  });
  const { apiUrl, opsUrl } = await listening(child);
  const agent = new Agent({ keepAlive: true });
  const ops = (path: string): Promise<Reply> => fetchText(agent, opsUrl + path);
  return {
    apiUrl,
    opsUrl,
    pid: child.pid!,
    lines,
    get: (path) => fetchText(agent, apiUrl + path),
    ops,
    stalls: async () => (JSON.parse((await ops('/stalls')).text) as { data: Told[] }).data.reverse(),
    metric: async (name) => sumOf((await ops('/metrics')).text, name),
    stop: async () => {
      agent.destroy();
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const listening = async (child: ChildProcess): Promise<{ apiUrl: string; opsUrl: string }> => {
  const urls = { apiUrl: '', opsUrl: '' };
  const onMessage = (message: unknown): void => {
    Object.assign(urls, message);
  };
  child.on('message', onMessage);
  const until = performance.now() + START_MS;
  while (urls.apiUrl === '' || urls.opsUrl === '') {
    if (performance.now() > until || child.exitCode !== null) throw new Error('the application did not start');
    await sleep(20);
  }
  child.off('message', onMessage);
  return urls;
};

/** One GET, over a connection that is kept. */
const fetchText = (agent: Agent, url: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    })
      .on('error', reject)
      .end();
  });

const sumOf = (metrics: string, name: string): number =>
  metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);

/** Ordinary traffic on that many connections, each request of that many milliseconds, or of that much CPU; stops when told, and answers how much was served. */
export const traffic = (
  subject: Subject,
  connections: number,
  ms: number,
  cpuMs = 0,
): { readonly stop: () => Promise<number> } => {
  let stopped = false;
  let served = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const loops = Array.from({ length: connections }, async (_, i) => {
    while (!stopped) {
      await fetchText(agent, `${subject.apiUrl}/work/${String(i)}?ms=${String(ms)}&cpu=${String(cpuMs)}`).catch(
        () => undefined,
      );
      served++;
      await sleep(50 + Math.random() * 200);
    }
  });
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(loops);
      agent.destroy();
      return served;
    },
  };
};

/** A generator that gives the same numbers for the same seed. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
