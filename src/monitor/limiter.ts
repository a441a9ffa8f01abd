/**
 * Which stalls are worth a line: the first of its kind, then one a minute, then ever fewer. What is not told is counted,
 * and the next line that is told says how many those were.
 */

export interface LineLimiter {
  /** Undefined: say nothing. Else how many of this kind went unsaid since the last line. */
  readonly admit: (fingerprint: string, quota: Quota, now: number) => number | undefined;
}

/** Code and host have lines of their own: a starved machine must not hide a route that blocks, nor the reverse. */
type Quota = 'code' | 'host';

const FIRST_INTERVAL_MS = 60_000;
/** Someone who looks at the last hour sees each kind that goes on. */
const INTERVAL_MAX_MS = 3_600_000;
/** Kinds that are remembered; beyond it the oldest is forgotten, and may speak sooner than it should. */
const KINDS_MAX = 500;
/** A stall is up to two lines. Five minutes of the worst storm of kinds, all different: 2 × (4 + 5 + 2 + 2.5) = 27. */
const QUOTAS: Record<Quota, { readonly burst: number; readonly perMinute: number }> = {
  code: { burst: 4, perMinute: 1 },
  host: { burst: 2, perMinute: 0.5 },
};

interface Kind {
  nextAt: number;
  intervalMs: number;
  suppressed: number;
}

export const createLineLimiter = (): LineLimiter => {
  const kinds = new Map<string, Kind>();
  const buckets = new Map<Quota, { tokens: number; at: number }>();

  const takeToken = (quota: Quota, now: number): boolean => {
    const { burst, perMinute } = QUOTAS[quota];
    const bucket = buckets.get(quota) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 60_000) * perMinute);
    buckets.set(quota, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  };

  const remember = (fingerprint: string, kind: Kind): void => {
    kinds.delete(fingerprint);
    kinds.set(fingerprint, kind);
    const [oldest] = kinds.keys();
    if (kinds.size > KINDS_MAX && oldest !== undefined) kinds.delete(oldest);
  };

  return {
    admit: (fingerprint, quota, now) => {
      const known = kinds.get(fingerprint);
      const isQuietAgain = known !== undefined && now - known.nextAt > known.intervalMs;
      const intervalMs = known && !isQuietAgain ? Math.min(INTERVAL_MAX_MS, known.intervalMs * 2) : FIRST_INTERVAL_MS;
      if ((known && now < known.nextAt) || !takeToken(quota, now)) {
        const kind = known ?? { nextAt: now, intervalMs: FIRST_INTERVAL_MS / 2, suppressed: 0 };
        kind.suppressed++;
        remember(fingerprint, kind);
        return undefined;
      }
      remember(fingerprint, { nextAt: now + intervalMs, intervalMs, suppressed: 0 });
      return known?.suppressed ?? 0;
    },
  };
};
