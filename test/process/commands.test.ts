/** Every command that a person may call, as package.json has them. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
/** Programs of others, and what is made of such. */
const OTHERS = /^(postinstall|test|typecheck|lint|format|check)/;
const own = Object.entries(scripts)
  .filter(([name]) => !OTHERS.test(name) && !name.endsWith(':check'))
  .map(([name, line]) => [name, line] as const);

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}
/** Without npm, which takes as long as the command itself. */
const run = (line: string, ...words: string[]): Promise<Ended> =>
  new Promise((settle) => {
    const [, ...args] = line.replace(/^exec /, '').split(' ');
    const child = spawn(process.execPath, [...args, ...words], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const text = { output: '', errors: '' };
    child.stdout.on('data', (chunk: Buffer) => (text.output += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (text.errors += String(chunk)));
    child.once('close', (code) => settle({ code, ...text }));
  });

describe.each(own)('npm run %s', (_name, line) => {
  it('explains itself, and does nothing else', async () => {
    const { code, output, errors } = await run(line, '--help');
    expect([code, errors]).toEqual([0, '']);
    expect(output).toMatch(/npm (run )?\w+/);
    expect(output.split('\n').length).toBeGreaterThan(3);
  });

  it('answers a wrong word with one line, and does nothing else', async () => {
    const { code, output, errors } = await run(line, '--no-such-word');
    expect(code).not.toBe(0);
    expect(output).toBe('');
    expect(errors).toMatch(/^.*no-such-word.*\n$/);
  });
});

describe('a command', () => {
  it.each([
    ['proof:outage', ['--hang', '5'], '--hang takes a whole number from 11'],
    ['proof:kill', ['--seed', 'tomorrow'], '--seed takes a whole number'],
    ['proof:stalls', ['everything'], 'is no "everything"'],
    ['proof:judge', [], '--database'],
    ['bench', ['--scenario', 'balance', '--rate', '833'], '--rate is of an open loop'],
    ['keys', ['create', '--merchant', 'A', '--role', 'king'], '--role is no "king"'],
    ['keys', [], 'create, list, revoke'],
  ])('npm run %s -- %j says what it takes', async (name, words, wanted) => {
    const { code, errors } = await run(scripts[name] ?? '', ...words);
    expect(code).toBe(2);
    expect(errors).toContain(wanted);
    expect(errors).toMatch(/^.*\n$/);
  });

  it('is named by the help of npm start, or is one of the proofs', async () => {
    const { output } = await run(scripts['start'] ?? '', '--help');
    const written = /^(start|db:schema|docs:.*|proof:.*)$/;
    for (const [name] of own.filter(([each]) => !written.test(each))) expect(output).toContain(`npm run ${name}`);
    expect(output).toContain('npm run proof:');
  });
});
