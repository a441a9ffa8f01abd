/**
 * A circuit breaker around Stripe, and a limit to how many calls may wait for it.
 *
 * When call after call fails, the circuit opens: Stripe is left in peace, and requests are refused before they have
 * claimed anything. After a while one call goes through as a probe. It is the sweeper's, about an attempt whose end
 * nobody knows: no customer's charge is the test. Where it is answered the circuit closes; else it stays open, for
 * longer each time.
 */
import { BrokenCircuitError, bulkhead, timeout, TimeoutStrategy } from 'cockatiel';
import type { Logger } from 'pino';
import { paymentError, type PaymentError } from '../error.ts';
import { isDown, isUnderWay } from './outcome.ts';

/** Half open: the probe is under way. */
type Circuit = 'closed' | 'open' | 'half_open';

export interface Breaker {
  /**
   * Makes a call to Stripe, when there is room for it, and counts whether Stripe was there. Rejects as the call does; or
   * with an error that `isTrouble`, at once where the circuit is open, and after `deadlineMs` where it is not done.
   */
  readonly call: <T>(work: () => Promise<T>, deadlineMs?: number) => Promise<T>;
  /**
   * Makes a call that no money waits for, while the circuit is closed. What comes of it is no evidence: a list that an
   * endpoint or a key does not give must not stop charges.
   */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
  /** Why nothing should be claimed now that Stripe is needed for: `provider_unavailable`, and when to come back. */
  readonly refusal: () => PaymentError<'provider_unavailable'> | undefined;
  readonly circuit: () => Circuit;
  /** Whether the circuit is open and the next call would be the probe. */
  readonly isProbeDue: () => boolean;
  /** How many calls wait for Stripe. */
  readonly inFlight: () => number;
}

/** Five in a row are no accident of the network's, and few enough to open within moments of the first timeout. */
const FAILURES_MAX = 5;
/** The first probe comes after 2 s, since most outages are blips; the later ones after twice as long each time, */
const PROBE_AFTER_MS = 2_000;
/** and after 10 s at most: a minute after Stripe's return every outcome is to be known. */
const PROBE_AFTER_MAX_MS = 10_000;
/** What Stripe takes of an account in five seconds, and what the sweeper can settle within a minute if all of it hangs. */
const CALLS_MAX = 512;
/** Those that were claimed before the calls were seen to be so many wait for their turn; the door lets in no more. */
const QUEUE_MAX = 4_096;

/** A call that is done is not told to stop: that would make an error, with its stack, of each one. */
const TIMEOUT = { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false };

export const createBreaker = (log: Logger): Breaker => {
  let circuit: Circuit = 'closed';
  /** Calls in a row to which Stripe was not there, and how often in a row the circuit has opened. */
  let failures = 0;
  let openings = 0;
  // By a clock that nobody sets: a step back of the wall clock would keep the circuit open, and charges out.
  let probeAtMs = 0;
  const calls = bulkhead(CALLS_MAX, QUEUE_MAX);

  const waitS = (): number => Math.max(1, Math.ceil((probeAtMs - performance.now()) / 1000));
  const open = (): void => {
    circuit = 'open';
    const longestMs = Math.min(PROBE_AFTER_MAX_MS, PROBE_AFTER_MS * 2 ** openings);
    openings++;
    // Half of it by chance: several instances do not probe in step.
    probeAtMs = performance.now() + longestMs * (0.5 + Math.random() / 2);
    log.warn({ code: 'provider_unavailable', probe_in_s: waitS() }, 'Stripe is down: the circuit is open');
  };
  // What was sent before the circuit opened tells nothing of the probe.
  const onAnswer = (isProbe: boolean): void => {
    failures = 0;
    if (!isProbe) return;
    circuit = 'closed';
    openings = 0;
    log.info('Stripe is back: the circuit is closed');
  };
  const onFailure = (isProbe: boolean): void => {
    failures++;
    if (isProbe || (circuit === 'closed' && failures >= FAILURES_MAX)) open();
  };

  /** Whoever is still in the queue at the deadline is never sent. */
  const inTime = <T>(work: () => Promise<T>, deadlineMs: number | undefined): Promise<T> =>
    deadlineMs === undefined
      ? calls.execute(work)
      : timeout(deadlineMs, TIMEOUT).execute(({ signal }) => calls.execute(work, signal));

  const isProbeDue = (): boolean => circuit === 'open' && performance.now() >= probeAtMs;

  const call = async <T>(work: () => Promise<T>, deadlineMs?: number): Promise<T> => {
    const isProbe = isProbeDue();
    // Whoever comes while the probe is under way would have to wait for its end.
    if (circuit !== 'closed' && !isProbe) throw new BrokenCircuitError();
    if (isProbe) circuit = 'half_open';
    try {
      const value = await inTime(work, deadlineMs);
      onAnswer(isProbe);
      return value;
    } catch (error) {
      // A decline or a refusal is an answer like any other: it ends a row of failures. That the same is still under way tells
      // nothing of whether Stripe gets it done; and it is no answer to a probe.
      if (isDown(error) || (isProbe && isUnderWay(error))) onFailure(isProbe);
      else if (!isUnderWay(error)) onAnswer(isProbe);
      throw error;
    }
  };

  const aside = async <T>(work: () => Promise<T>): Promise<T> => {
    if (circuit !== 'closed') throw new BrokenCircuitError();
    return calls.execute(work);
  };

  return {
    call,
    aside,
    refusal: () => {
      if (circuit !== 'closed') return paymentError('provider_unavailable', { retryAfterS: waitS() });
      return calls.executionSlots === 0 ? paymentError('provider_unavailable', { retryAfterS: 1 }) : undefined;
    },
    circuit: () => circuit,
    isProbeDue,
    inFlight: () => CALLS_MAX - calls.executionSlots,
  };
};
