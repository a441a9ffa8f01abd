import { expect, test } from '@jest/globals';
import { proveRestarts } from './deploy.ts';
import { proveFailover } from './failover.ts';

/** The proofs of the database in their short form; `npm run proof:failover` and `npm run proof:deploy` are the whole. */
const TIMEOUT_MS = 240_000;
const quiet = (): void => undefined;
const SHORT = { rounds: 1, clients: 4, ratePerS: 20, seed: 21, log: quiet } as const;

test(
  'a primary that is killed, and a standby whose wait was cancelled before it took over, lose nothing acknowledged',
  async () => {
    const proven = await proveFailover({ ...SHORT, troubles: ['kill', 'cancel'], synchronous: true });
    expect(proven.complaints).toEqual([]);
    expect(proven.verdict.violations).toEqual([]);
    expect(proven.debits).toBeGreaterThan(20);
  },
  TIMEOUT_MS,
);

test(
  'a standby that lags is found to have lost what was acknowledged, and even so nobody was charged twice',
  async () => {
    const proven = await proveFailover({ ...SHORT, troubles: ['kill'], synchronous: false, broken: true });
    const rules = new Set(proven.verdict.violations.map(({ rule }) => rule));
    expect(rules).toContain('reply_lost');
    expect(rules).not.toContain('charged_twice');
  },
  TIMEOUT_MS,
);

test(
  'two instances that are stopped in turns lose no request of clients whose connections are kept alive',
  async () => {
    const { requests, lost, verdict } = await proveRestarts({ restarts: 3, clients: 8, log: quiet });
    expect(lost).toEqual([]);
    expect(verdict.violations).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  },
  TIMEOUT_MS,
);
