/** When a delivery is tried again. */
import { plusMs, toMs, type Micros } from '../domain/time.ts';

const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;

/**
 * Standard Webhooks' own example, each after the failure of the one before it, the last some 75 hours on:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#deliverability-and-reliability
 */
export const SCHEDULE_MS: readonly number[] = [
  ...[0, 5 * S, 5 * MIN, 30 * MIN, 2 * H, 5 * H],
  ...[10 * H, 14 * H, 20 * H, 24 * H],
];
/** Up to this much later, by chance, so that what failed together does not come back together. */
export const JITTER = 0.2;

/** After a failure at that step of the schedule: when it is tried next, or null where the schedule has come to its end. */
export const nextTryAt = (step: number, now: Micros, chance: number): Micros | null => {
  const delayMs = SCHEDULE_MS[step + 1];
  return delayMs === undefined ? null : plusMs(now, Math.round(delayMs * (1 + JITTER * chance)));
};

/** What a receiver answers who has too much to do; the standard wants its senders to slow down. */
const BUSY: readonly number[] = [429, 502, 504];
/** Limits are mostly counted by the minute. */
const BUSY_PAUSE_MS = MIN;
/** Nobody puts off what happened for longer than the schedule's own longest step. */
const PAUSE_MAX_MS = 24 * H;

/** Until when an endpoint is left alone after it answered so: as it says itself, or as its status does; null where neither. */
export const pauseUntil = (statusCode: number | null, retryAfter: string | null, now: Micros): Micros | null => {
  const asked = retryAfter === null ? null : retryAfterMs(retryAfter, now);
  if (asked !== null) return asked <= 0 ? null : plusMs(now, Math.min(asked, PAUSE_MAX_MS));
  return statusCode !== null && BUSY.includes(statusCode) ? plusMs(now, BUSY_PAUSE_MS) : null;
};

/** Seconds, or a date (RFC 9110, 10.2.3); null for anything else. */
const retryAfterMs = (text: string, now: Micros): number | null => {
  if (/^\d{1,10}$/.test(text)) return Number(text) * S;
  // A date of HTTP's begins with its day's name: what else Date.parse takes is none.
  const at = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : at - toMs(now);
};
