import { expect, test } from '@jest/globals';
import { CUT_OPERATIONS, proveAmbiguity } from './ambiguity.ts';
import { proveKills } from './kill.ts';
import { hasStrace, proveMatrix } from './matrix.ts';
import { provePostgres } from './postgres.ts';

/**
 * The proofs in their short form: seconds of each, to show that they work. The commands `npm run proof:…` are the proofs
 * themselves. Each starts a Postgres, a sandbox and services of its own.
 */
const TIMEOUT_MS = 180_000;
const quiet = (): void => undefined;
const SEED = 20;

test(
  'a service that is killed under load has lost no money, and charged nobody twice',
  async () => {
    const { verdict, load } = await proveKills({
      kills: 2,
      instances: 1,
      clients: 8,
      seed: SEED,
      broken: false,
      expire: true,
      log: quiet,
    });
    expect(verdict.violations).toEqual([]);
    expect(load.complaints).toEqual([]);
    expect(load.repeats).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  'a service that charges before it claims is caught by the same proof, and by the kills alone',
  async () => {
    const broken = { instances: 1, clients: 8, seed: SEED, broken: true, expire: true, log: quiet } as const;
    expect((await proveKills({ ...broken, kills: 0 })).verdict.violations).toEqual([]);
    const { verdict } = await proveKills({ ...broken, kills: 3 });
    expect(verdict.violations.map(({ rule }) => rule)).toContain('charge_without_payment');
  },
  TIMEOUT_MS,
);

test(
  'a database that crashes under load has lost nothing that was acknowledged',
  async () => {
    const { verdict, load } = await provePostgres({ crashes: 3, clients: 8, seed: SEED, log: quiet });
    expect(verdict.violations).toEqual([]);
    expect(load.complaints).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a reply of Stripe's that is cut is never guessed",
  async () => {
    const every = 800;
    const operations = CUT_OPERATIONS;
    const { verdict, complaints, cuts } = await proveAmbiguity({ operations, every, jump: false, log: quiet });
    expect(verdict.violations).toEqual([]);
    expect(complaints).toEqual([]);
    for (const operation of operations) expect(cuts[operation]).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  'a reply that is cut is never guessed, nor its request sent again, when a day has passed',
  async () => {
    const operations = ['charge'] as const;
    const { verdict, complaints } = await proveAmbiguity({ operations, every: 800, jump: true, log: quiet });
    expect(verdict.violations).toEqual([]);
    expect(complaints).toEqual([]);
  },
  TIMEOUT_MS,
);

const strace = await hasStrace();
if (!strace) console.warn('SKIPPED: the kill matrix needs strace, which is not on this machine.');

(strace ? test : test.skip)(
  'a service that is killed at a system call has lost no money',
  async () => {
    const { verdict, complaints, points } = await proveMatrix({ operations: ['charge'], every: 15, log: quiet });
    expect(verdict.violations).toEqual([]);
    expect(complaints).toEqual([]);
    expect(points['charge']?.killed).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

(strace ? test : test.skip)(
  'a service that is killed at a system call has lost no card, and made no customer twice',
  async () => {
    const operations = ['save', 'away'] as const;
    const { verdict, complaints, points } = await proveMatrix({ operations, every: 12, log: quiet });
    expect(verdict.violations).toEqual([]);
    expect(complaints).toEqual([]);
    expect(points['save']?.killed).toBeGreaterThan(0);
    expect(verdict.counts.saved).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
