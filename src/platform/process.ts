/** Other processes: what runs under an id, whether it lives, how it is ended. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunOptions {
  readonly uid?: number;
  readonly gid?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * What a program prints; its last words where it fails. It has a session of its own, since Ctrl-C reaches all others
 * of the terminal: nothing is cut off half-way, and what was begun is stopped in order.
 */
export const run = (file: string, args: readonly string[], options: RunOptions = {}): Promise<string> =>
  new Promise((settle, fail) => {
    const child = spawn(file, args, {
      ...options,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
    child.once('error', fail);
    child.once('close', (code, signal) => {
      if (code === 0) settle(printed.stdout);
      else
        fail(
          new Error(
            `${basename(file)} ended with ${signal ?? `code ${code ?? ''}`}: ${lastLine(printed.stderr || printed.stdout)}`,
          ),
        );
    });
  });

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** What a caught value says, in one line. */
export const messageOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(/\s*\n\s*/g, ' ').trim();

/** A process that has ended is not alive, though in a container nobody may ever collect its entry in the table. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !isZombie(pid);
};

const isZombie = (pid: number): boolean => {
  if (process.platform !== 'linux') return false;
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
};

/**
 * The command line behind a process id, empty where there is none. An id alone proves nothing: after a reboot, or in a
 * new container, the same number is another program.
 */
export const commandOf = async (pid: number): Promise<string> => {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
  }
  const list: [string, string[]] =
    process.platform === 'win32'
      ? [
          'powershell',
          ['-NoProfile', '-Command', `(Get-CimInstance Win32_Process -Filter "ProcessId=${pid}").CommandLine`],
        ]
      : ['ps', ['-ww', '-o', 'command=', '-p', `${pid}`]];
  return (await run(...list).catch(() => '')).trim();
};

/** Asks again every 20 ms until the answer is true; false when the time has run out. */
export const until = async (done: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  while (!(await done())) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
};

/** SIGTERM, and SIGKILL for what is still there after `patienceMs`. */
export const terminate = async (pid: number, patienceMs: number): Promise<void> => {
  const gone = (): boolean => !isAlive(pid);
  const signal = (name: NodeJS.Signals): void => {
    if (!gone()) process.kill(pid, name);
  };
  signal('SIGTERM');
  if (await until(gone, patienceMs)) return;
  signal('SIGKILL');
  // Nothing outlives SIGKILL, but it may take a moment to die.
  await until(gone, 2_000);
};
