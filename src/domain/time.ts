/** Instants, as microseconds since 1970: what Postgres' timestamptz holds. */
declare const unit: unique symbol;
export type Micros = bigint & { readonly [unit]: 'µs' };

/** Where the time comes from. One clock for the whole service, so that a test can move it. */
export interface Clock {
  readonly now: () => Micros;
  /** By how many milliseconds a test has moved all time, the database's and Stripe's too. */
  readonly movedMs?: () => number;
}

export const movedBy = ({ movedMs }: Clock): number => movedMs?.() ?? 0;

export const micros = (epochMs: number): Micros => (BigInt(Math.trunc(epochMs)) * 1000n) as Micros;
export const plusMicros = (at: Micros, µs: bigint): Micros => (at + µs) as Micros;
export const plusMs = (at: Micros, ms: number): Micros => (at + BigInt(ms) * 1000n) as Micros;
export const later = (a: Micros, b: Micros): Micros => (a > b ? a : b);
export const toMs = (at: Micros): number => Number(at / 1000n);

/** `2026-01-01T00:00:00.000Z`: what replies show. */
export const toIso = (at: Micros): string => isoOf(toMs(at));

/** All rows of a batch fall within a few milliseconds: the last text serves most of them. */
let lastMs = 0;
let lastIso = new Date(0).toISOString();
const isoOf = (ms: number): string => {
  if (ms !== lastMs) {
    lastIso = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastIso;
};

/** The same to the microsecond: what the database is given. Most rows of a batch have the same. */
export const toIsoMicros = (at: Micros): string => {
  if (at !== lastMicros) {
    lastIsoMicros = `${toIso(at).slice(0, -1)}${(at % 1000n).toString().padStart(3, '0')}Z`;
    lastMicros = at;
  }
  return lastIsoMicros;
};
let lastMicros = 0n as Micros;
let lastIsoMicros = '1970-01-01T00:00:00.000000Z';

/** The machine's clock; or all time, moved by `offsetMs`. */
export const systemClock = (offsetMs = 0): Clock => ({
  now: () => micros(Date.now() + offsetMs),
  movedMs: () => offsetMs,
});

/**
 * What a request makes has an id, and so a place in lists, before its commit begins: no longer before than this, or it is
 * refused. Whoever waited so long is better told to come again.
 */
export const MADE_WITHIN_MS = 3_000;
