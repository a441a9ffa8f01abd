import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { TRANSITIONS, mayGo } from '../../src/domain/lifecycle.ts';
import { PAYMENT_STATUSES } from '../../src/domain/payment.ts';

describe('the table of states', () => {
  it('is drawn in the docs as it stands', async () => {
    const ROOT = new URL('../../', import.meta.url).pathname;
    await promisify(execFile)(process.execPath, ['scripts/states.ts', '--check'], { cwd: ROOT });
  });

  it('names each arrow once, for each status some way there, and no way out of an end but by what Stripe has', () => {
    const names = TRANSITIONS.map(({ from, to }) => `${from} → ${to}`);
    expect(new Set(names).size).toBe(names.length);
    for (const status of PAYMENT_STATUSES) expect(TRANSITIONS.some(({ to }) => to === status)).toBe(true);
    expect(TRANSITIONS.filter(({ from }) => from === 'succeeded')).toEqual([]);
    for (const { by } of TRANSITIONS.filter(({ from }) => from === 'canceled')) expect(by).toEqual(['fact']);
  });

  it('lets nobody but who is named in it take a step', () => {
    expect(mayGo('requires_action', 'succeeded', 'fact')).toBe(true);
    expect(mayGo('requires_action', 'succeeded', 'request')).toBe(false);
    expect(mayGo('succeeded', 'requires_payment_method', 'fact')).toBe(false);
  });
});
