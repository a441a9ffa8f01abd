/** The memory that the main thread and the watchdog share: what can be seen while the main thread says nothing. */

/** Float64 slots; times are the main thread's `performance.now()`. */
export const SLOT = { turn: 0, turnAt: 1, beatAt: 2, inflight: 3 } as const;
export const SLOTS = 4;

/** Added to a thread's `performance.now()`, gives milliseconds that all threads of the process agree on. */
export const sharedClockOffsetMs = (): number => {
  // The shortest of a few looks: a pause between the two readings would be taken for an offset.
  let best = { widthMs: Infinity, offsetMs: 0 };
  for (let look = 0; look < 5; look++) {
    const before = performance.now();
    const shared = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before < best.widthMs) best = { widthMs: after - before, offsetMs: shared - (before + after) / 2 };
  }
  return best.offsetMs;
};
