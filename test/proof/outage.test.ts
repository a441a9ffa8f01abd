import { expect, test } from '@jest/globals';
import { proveOutage } from './outage.ts';

/** The proof in its short form: a hang just longer than Stripe's timeout. `npm run proof:outage` is the proof itself. */
test('an outage of Stripe under load leaves no outcome unknown, and nothing of what was refused', async () => {
  const { verdict, complaints, charges, knownAfterS } = await proveOutage({
    beforeS: 1,
    hangS: 11,
    ratePerS: 20,
    log: () => undefined,
  });
  expect(verdict.violations).toEqual([]);
  expect(complaints).toEqual([]);
  expect(charges.unknown).toBeGreaterThan(0);
  expect(charges.refused).toBeGreaterThan(0);
  expect(charges.paid).toBeGreaterThan(0);
  expect(knownAfterS).toBeDefined();
}, 120_000);
