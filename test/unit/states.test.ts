import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ARROWS, mayGo } from '../../src/domain/lifecycle.ts';
import { PAYMENT_STATUSES } from '../../src/domain/payment.ts';

describe('the table of states', () => {
  it('is drawn in the docs as it stands', async () => {
    const ROOT = new URL('../../', import.meta.url).pathname;
    await promisify(execFile)(process.execPath, ['scripts/states.ts', '--check'], { cwd: ROOT });
  });

  it('names each arrow once, for each status some way there, and no way out of an end', () => {
    const names = ARROWS.map(({ from, to }) => `${from} → ${to}`);
    expect(new Set(names).size).toBe(names.length);
    for (const status of PAYMENT_STATUSES) expect(ARROWS.some(({ to }) => to === status)).toBe(true);
    for (const end of ['succeeded', 'canceled'] as const) expect(ARROWS.filter(({ from }) => from === end)).toEqual([]);
  });

  it('lets nobody but who is named in it take a step', () => {
    expect(mayGo('requires_action', 'succeeded', 'webhook')).toBe(true);
    expect(mayGo('requires_action', 'succeeded', 'api')).toBe(false);
    expect(mayGo('succeeded', 'requires_payment_method', 'webhook')).toBe(false);
  });
});
