import { describe, expect, it } from '@jest/globals';
import { METRICS, ratioOf } from '../../scripts/bench/figures.ts';
import type { Report } from '../../scripts/bench/load/report.ts';

const reportOf = (p50_ms: number): Report => ({ all: { p50_ms } }) as Report;
const ratio = (own: number, other: number): number | undefined =>
  ratioOf({ scenario: 'mixed', own: [reportOf(own)], other: [reportOf(other)] }, METRICS.p50)?.median;

describe('a ratio of the bench', () => {
  it('is of two figures that are more than noise', () => expect(ratio(3, 2)).toBe(1.5));

  it.each([
    [4.63, -0.01],
    [4.63, 0.01],
    [-0.02, 4],
    [0, 0],
  ])('is none of %d and %d: one of them is too near zero', (own, other) => expect(ratio(own, other)).toBeUndefined());
});
