import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadEnvFile } from '../../src/platform/env-file.ts';
import { createDataDir } from '../support/suite.ts';

describe('a file .env', () => {
  it('is read whole, also with the mark that some editors begin a file with', async () => {
    const path = join(await createDataDir(), '.env');
    await writeFile(path, '\uFEFFQUITTANCE_TEST_FIRST=1\nQUITTANCE_TEST_SECOND="2 and more"\n');
    process.env['QUITTANCE_TEST_SECOND'] = 'set before';
    loadEnvFile(path);
    expect([process.env['QUITTANCE_TEST_FIRST'], process.env['QUITTANCE_TEST_SECOND']]).toEqual(['1', 'set before']);
    expect(() => loadEnvFile(join(path, 'none'))).toThrow('ENOTDIR');
    loadEnvFile(`${path}.none`);
  });
});
