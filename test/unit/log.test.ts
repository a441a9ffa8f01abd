import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { paymentError } from '../../src/error.ts';
import { createLogger } from '../../src/log.ts';

interface Described {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly cause?: Described;
}

const logged = (err: unknown): { text: string; err: Described } => {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  createLogger('info', stream).info({ err }, 'something failed');
  return { text, err: (JSON.parse(text) as { err: Described }).err };
};

describe('what is logged of an error', () => {
  it('is its type, message, code and causes, and nothing else that it holds', () => {
    const inner = Object.assign(new Error('the row is locked'), { code: '55P03', detail: 'card 4242' });
    const { text, err } = logged(new TypeError('the query failed', { cause: inner }));
    expect(err).toMatchObject({ type: 'TypeError', message: 'the query failed' });
    expect(err.cause).toMatchObject({ message: 'the row is locked', code: '55P03' });
    expect(text).not.toContain('4242');
  });

  it('is as much for our own errors, which are plain objects', () => {
    const { err } = logged(paymentError('database_unavailable', { cause: new Error('connection refused') }));
    expect(err.code).toBe('database_unavailable');
    expect(err.message).toMatch(/\w/);
    expect(err.cause?.message).toBe('connection refused');
  });

  it.each([
    ['a string', 'broken', { type: 'string', message: 'broken' }],
    ['undefined', undefined, undefined],
    ['null', null, { type: 'object', message: 'null' }],
    ['an object', { secret: 'sk_live' }, { type: 'object', message: 'it has no message' }],
  ])('is told where %s was thrown', (_name, thrown, told) => {
    const { text, err } = logged(thrown);
    expect(err).toEqual(told);
    expect(text).not.toContain('sk_live');
  });

  it('ends where causes go round in a circle', () => {
    const error: Error = new Error('round');
    error.cause = error;
    expect(logged(error).err.message).toBe('round');
  });
});

describe('what was logged last', () => {
  it.each([
    ['a fatal line, of a process that is killed', "log.fatal('the end'); process.kill(process.pid, 'SIGKILL')"],
    ['any line, of a process that ends by itself', "log.info('the end'); process.exit()"],
  ])('is written: %s', (_what, code) => {
    const module = new URL('../../src/log.ts', import.meta.url).href;
    const program = `import { openLog } from '${module}'; const { log } = openLog('info'); ${code}`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
    expect(stdout).toContain('the end');
  });
});

// Every write to it fails with ENOSPC.
(existsSync('/dev/full') ? it : it.skip)('a log whose disk is full ends nobody', async () => {
  const module = new URL('../../src/log.ts', import.meta.url).href;
  const program = `const { openLog } = await import(${JSON.stringify(module)});
    const { log } = openLog('info');
    const timer = setInterval(() => log.info({ text: 'x'.repeat(20_000) }, 'a line'), 5);
    setTimeout(() => { clearInterval(timer); process.exit(7); }, 500);`;
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', full, 'ignore'] });
  expect((await once(child, 'exit'))[0]).toBe(7);
  closeSync(full);
});
