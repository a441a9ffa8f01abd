import { expect, test } from '@jest/globals';
import { proveHostile } from './hostile.ts';

/** The proof in its short form. Delays are those of a machine that others share: `npm run proof:hostile` measures them. */
test('whoever attacks the service, others are served, and every request is answered in its form', async () => {
  const { attacks, arbitrary, held, complaints } = await proveHostile({
    ...{ seed: 14, seconds: 1, ratePerS: 10, count: 600 },
    log: () => undefined,
  });
  expect(complaints.filter((complaint) => !/P99|it took|held the loop/.test(complaint))).toEqual([]);
  expect(attacks.filter(({ isControl }) => isControl)).toHaveLength(1);
  // Twenty on a machine of its own; a second and more before bodies were bounded first.
  expect(held.filter(({ mayHold, ms }) => !mayHold && ms > 60)).toEqual([]);
  expect(held.length).toBeGreaterThan(50);
  expect(arbitrary?.asked).toBeGreaterThanOrEqual(600);
}, 120_000);
