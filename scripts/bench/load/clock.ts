/** Milliseconds of the machine's monotonic clock: the same in all threads and processes, and in V8's CPU profiles. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
