/** When a delivery is tried again. */
import { plusMs, type Micros } from '../domain/time.ts';

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

/** What Standard Webhooks recommends: each after the failure of the one before it, the last some 28 hours on. */
export const SCHEDULE_MS: readonly number[] = [0, 5 * S, 5 * MIN, 30 * MIN, 2 * H, 5 * H, 10 * H, 10 * H];
/** Up to this much later, by chance, so that what failed together does not come back together. */
export const JITTER = 0.2;

/** After a failure at that step of the schedule: when it is tried next, or null where the schedule has come to its end. */
export const nextTryAt = (step: number, now: Micros, chance: number): Micros | null => {
  const delayMs = SCHEDULE_MS[step + 1];
  return delayMs === undefined ? null : plusMs(now, Math.round(delayMs * (1 + JITTER * chance)));
};
