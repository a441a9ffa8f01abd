import { expect, test } from '@jest/globals';
import { proveHostile } from '../../scripts/proof/hostile.ts';

/** The proof in its short form. Delays are those of a machine that others share: `npm run proof:hostile` measures them. */
test('whoever attacks the service, others are served, and every request is answered in its form', async () => {
  const { attacks, arbitrary, complaints } = await proveHostile({
    ...{ seed: 14, seconds: 1, ratePerS: 10, requests: 600 },
    log: () => undefined,
  });
  expect(complaints.filter((complaint) => !/P99|it took/.test(complaint))).toEqual([]);
  expect(attacks.filter(({ isControl }) => isControl)).toHaveLength(1);
  expect(arbitrary.asked).toBeGreaterThanOrEqual(600);
}, 120_000);
