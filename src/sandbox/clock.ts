/**
 * The one clock of the sandbox: the machine's, and how far a person or a test has moved it. Everything that ages here
 * (idempotency keys, authorisations, refunds, deliveries) ages by it.
 */
export interface Clock {
  /** Milliseconds since 1970, moved. */
  readonly nowMs: () => number;
  /** Whole seconds since 1970, moved: what Stripe's `created` holds. */
  readonly nowS: () => number;
  readonly advance: (byMs: number) => void;
  readonly offsetMs: () => number;
}

export const createClock = (startOffsetMs: number): Clock => {
  let offsetMs = startOffsetMs;
  const nowMs = (): number => Date.now() + offsetMs;
  return {
    nowMs,
    nowS: () => Math.floor(nowMs() / 1000),
    advance: (byMs) => void (offsetMs += byMs),
    offsetMs: () => offsetMs,
  };
};

/** The clock as it stood at that time. */
export const asOf = (clock: Clock, nowMs: number): Clock => ({
  ...clock,
  nowMs: () => nowMs,
  nowS: () => Math.floor(nowMs / 1000),
});
