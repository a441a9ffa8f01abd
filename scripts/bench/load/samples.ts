/** Durations in ms, all of them kept: exact percentiles, for some bytes a request. */
export interface Samples {
  readonly add: (ms: number) => void;
  readonly count: () => number;
  /** Sorts what was added; ask when all is in. */
  readonly sorted: () => Float32Array;
}

/** Microseconds of a minute-long latency are still exact to 4 µs in 32 bits, and half an hour of load fits in memory. */
export const createSamples = (): Samples => {
  let values = new Float32Array(4096);
  let length = 0;
  return {
    add: (ms) => {
      if (length === values.length) {
        const larger = new Float32Array(length * 2);
        larger.set(values);
        values = larger;
      }
      values[length++] = ms;
    },
    count: () => length,
    sorted: () => values.slice(0, length).sort(),
  };
};

/** The smallest value that this share of all is not above; 0 where there is none. */
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
