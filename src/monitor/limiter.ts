/**
 * Which stalls are worth a line: the first of its kind, then one a minute, then ever fewer; and one that is far worse than
 * what was told. What is not told is counted, and the next line of its kind says how many those were.
 */

export interface LineLimiter {
  /**
   * Undefined: say nothing. Else how many of this kind went unsaid since the last line. How long it was is known once it
   * has ended.
   */
  readonly admit: (fingerprint: string, quota: Quota, now: number, durationMs?: number) => number | undefined;
}

/** Code and host have lines of their own: a starved machine must not hide a route that blocks, nor the reverse. */
type Quota = 'code' | 'host';

const FIRST_INTERVAL_MS = 60_000;
/** Someone who looks at the last hour sees each kind that goes on. */
const INTERVAL_MAX_MS = 3_600_000;
/** Kinds that are remembered; beyond it the oldest is forgotten, and may speak sooner than it should. */
const KINDS_MAX = 500;
/**
 * A stall is up to two lines. Five minutes of the worst storm of kinds, all different: 2 × (4 + 5 + 2 + 2.5) = 27; and one
 * for each time that the longest doubles, six from 100 ms to where all are fatal.
 */
const QUOTAS: Record<Quota, { readonly burst: number; readonly perMinute: number }> = {
  code: { burst: 4, perMinute: 1 },
  host: { burst: 2, perMinute: 0.5 },
};

/** So many times as long as any that was told in the last minutes: of a storm, the worst must not be what goes unsaid. */
const WORSE = 2;
const LATELY_MS = 300_000;

interface Kind {
  nextAt: number;
  intervalMs: number;
  suppressed: number;
}

export const createLineLimiter = (): LineLimiter => {
  const kinds = new Map<string, Kind>();
  const buckets = new Map<Quota, { tokens: number; at: number }>();

  const longest = new Map<Quota, { readonly durationMs: number; readonly at: number }>();
  const isWorst = (quota: Quota, durationMs: number, now: number): boolean => {
    const told = longest.get(quota);
    return told !== undefined && now - told.at < LATELY_MS && durationMs >= told.durationMs * WORSE;
  };
  const isTold = (quota: Quota, durationMs: number, now: number): void => {
    const told = longest.get(quota);
    if (!told || now - told.at >= LATELY_MS || durationMs > told.durationMs)
      longest.set(quota, { durationMs, at: now });
  };

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
    admit: (fingerprint, quota, now, durationMs = 0) => {
      const known = kinds.get(fingerprint);
      const isQuietAgain = known !== undefined && now - known.nextAt > known.intervalMs;
      const intervalMs = known && !isQuietAgain ? Math.min(INTERVAL_MAX_MS, known.intervalMs * 2) : FIRST_INTERVAL_MS;
      const isQuiet = (known && now < known.nextAt) || !takeToken(quota, now);
      if (isQuiet && !isWorst(quota, durationMs, now)) {
        const kind = known ?? { nextAt: now, intervalMs: FIRST_INTERVAL_MS / 2, suppressed: 0 };
        kind.suppressed++;
        remember(fingerprint, kind);
        return undefined;
      }
      if (durationMs > 0) isTold(quota, durationMs, now);
      remember(fingerprint, { nextAt: now + intervalMs, intervalMs, suppressed: 0 });
      return known?.suppressed ?? 0;
    },
  };
};
