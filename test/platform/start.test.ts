import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { isAlive, until } from '../../src/platform/process.ts';
import { afterSuite } from '../support/cleanup.ts';
import { createDataDir } from '../support/suite.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The machine may be busy with other suites. */
const PATIENCE_MS = 25_000;

interface Started {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
}

/** `npm start` without npm: the same command, on free ports. */
const start = (env: Record<string, string>, args: string[] = []): Started => {
  const child = spawn(process.execPath, ['--import', './scripts/require-node.js', 'src/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.errors += chunk));
  afterSuite(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  return { process: child, output: () => text.output, errors: () => text.errors };
};

const ready = async (started: Started): Promise<void> => {
  const isSettled = (): boolean =>
    /as_of|\/balance\?currency/.test(started.output()) || started.process.exitCode !== null;
  if (!(await until(isSettled, PATIENCE_MS)) || started.process.exitCode !== null) {
    throw new Error(`It did not start: ${started.output()}${started.errors()}`);
  }
};

const exitOf = async ({ process: child }: Started): Promise<unknown> =>
  child.exitCode ?? child.signalCode ?? ((await once(child, 'close')) as unknown[]).find((value) => value !== null);

/** The two commands that the start prints, as a person pastes them, and what they answer. */
const paste = async (started: Started): Promise<unknown[]> => {
  const commands = started.output().match(/^curl (?:.*\\\n)*.*$/gm) ?? [];
  const answers: unknown[] = [];
  for (const command of commands) {
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} -s`]);
    answers.push(JSON.parse(stdout));
  }
  return answers;
};

const pidsIn = (started: Started): number[] =>
  [...started.output().matchAll(/"(?:postgres|sandbox)":\{"pid":(\d+)/g)].map(([, pid]) => Number(pid));

describe('npm start', () => {
  it('charges the card and reads the balance with the commands that it prints, and keeps both through a kill', async () => {
    const DATA_DIR = await createDataDir();
    const killed = start({ DATA_DIR });
    await ready(killed);
    expect(await paste(killed)).toMatchObject([{ status: 'succeeded' }, { decimal: '12.50' }]);
    killed.process.kill('SIGKILL');
    await exitOf(killed);

    const next = start({ DATA_DIR });
    await ready(next);
    expect(pidsIn(next)).toEqual(pidsIn(killed));
    expect(await paste(next)).toMatchObject([{ status: 'succeeded' }, { decimal: '25.00' }]);

    const second = start({ DATA_DIR });
    expect(await exitOf(second)).toBe(1);
    expect(second.errors()).toBe(
      `quittance: ${DATA_DIR} is in use by process ${next.process.pid ?? 0}: stop that one, or set another DATA_DIR.\n`,
    );

    next.process.kill('SIGTERM');
    expect(await exitOf(next)).toBe(0);
    expect(pidsIn(next).map(isAlive)).toEqual([false, false]);
  }, 90_000);

  it('stops in order though it is told to while it starts', async () => {
    const DATA_DIR = await createDataDir();
    const started = start({ DATA_DIR });
    await until(() => started.output().includes('the embedded Postgres runs'), PATIENCE_MS);
    started.process.kill('SIGINT');
    expect(await exitOf(started)).toBe(0);
    // Each of these stands for a process that runs.
    expect(await readdir(DATA_DIR)).not.toContain('sandbox.json');
    expect(await readdir(join(DATA_DIR, 'postgres'))).not.toContain('postmaster.pid');
  });

  it('refuses a bad value in one line, and starts nothing', async () => {
    const started = start({ DATA_DIR: await createDataDir(), PORT: 'eighty' });
    expect(await exitOf(started)).toBe(1);
    expect(started.errors()).toMatch(/^quittance: PORT takes .*; it is "eighty"\.\n$/);
    expect(started.output()).toBe('');
  });

  it('explains itself', async () => {
    const started = start({}, ['--help']);
    expect(await exitOf(started)).toBe(0);
    expect(started.output()).toMatch(/^ {2}npm run keys {2,}make a key/m);
    expect(started.output()).toMatch(/^ {2}npm run pack:client {2,}make the client/m);
    expect(started.output()).toContain('STRIPE_WEBHOOK_SECRET');
  });
});
