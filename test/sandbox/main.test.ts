import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { openStore } from '../../src/sandbox/sqlite.ts';
import { afterSuite } from '../support/cleanup.ts';
import { startSandbox } from './support.ts';

const dataDir = await createTempDir('sandbox');
afterSuite(() => rm(dataDir, { recursive: true, force: true }));
const run = (environment: Record<string, string>, ...options: string[]) =>
  spawnSync(process.execPath, ['src/sandbox/main.ts', ...options], {
    env: { SANDBOX_PORT: '0', DATA_DIR: dataDir, ...environment },
    encoding: 'utf8',
  });

describe('the command that starts the sandbox', () => {
  test('explains itself', () => {
    const { status, stdout } = run({}, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain('SANDBOX_PORT');
    expect(stdout).toContain('/_sandbox/faults');
  });

  test.each([
    [{ SANDBOX_PORT: '99999' }, "SANDBOX_PORT is '99999', and must be a whole number from 0 to 65535"],
    [{ SANDBOX_PORT: 'http' }, "SANDBOX_PORT is 'http', and must be a whole number from 0 to 65535"],
    [{ SANDBOX_WEBHOOK_URL: 'nowhere' }, "SANDBOX_WEBHOOK_URL is 'nowhere', and must be a URL"],
    [{ DATA_DIR: join(dataDir, 'file') }, 'EEXIST'],
  ])('refuses %j in one line', (environment, message) => {
    writeFileSync(join(dataDir, 'file'), '');
    const { status, stderr } = run(environment);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^sandbox: .*\n$/);
    expect(stderr).toContain(message);
  });

  test('takes a variable that is empty for one that is not set', async () => {
    const { raw } = await startSandbox({ SANDBOX_WEBHOOK_URL: '', SANDBOX_WEBHOOK_SECRET: '', SANDBOX_REPLIES: '' });
    expect((await raw('GET', '/v1/webhook_endpoints')).json.data).toEqual([]);
  });

  test('refuses data that another sandbox is using', () => {
    const store = openStore(join(dataDir, 'sandbox.sqlite'));
    const { status, stderr } = run({});
    store.close();
    expect(status).toBe(1);
    expect(stderr).toContain('another sandbox is using it');
  });
});
