/**
 * How long things that wait for each other may take: whoever changes one sees here what else depends on it, and a process
 * in which they do not fit together does not start.
 */
import assert from 'node:assert/strict';

/** The client's timeout, which is of silence. Card networks answer in one to three seconds; past eight the caller is better off with an honest "unknown". */
export const STRIPE_SILENCE_MS: number = 8_000;
/** A reply that trickles, or a call that the package repeats, ends here, before the lease. */
export const STRIPE_DEADLINE_MS: number = 9_000;
/**
 * How long an attempt belongs to the request that began it. After that the sweeper may take it. A request that outlives it
 * does no harm: both send the same key, and the first to settle wins.
 */
export const LEASE_MS: number = 10_000;
/**
 * How long an attempt belongs to the sweeper that took it. Short, since a sweeper may be killed as well. One that is not
 * done by then is overtaken by another, under the same key, and Stripe lets one of them in.
 */
export const SWEEP_LEASE_MS: number = 5_000;
/**
 * How long Stripe's lists are looked through in one turn: a page more, and the lease is over. Where Stripe takes a second for
 * a page, a look is many turns, each of which begins where the last has ended.
 */
export const STRIPE_LOOK_MS: number = 3_000;
/** Between two looks for abandoned attempts; it varies by a quarter. */
export const SWEEP_PAUSE_MS: number = 2_000;
/** A payment whose request and then two sweepers died is settled within this. */
const SETTLED_WITHIN_MS: number = 30_000;

/** What orchestrators grant a process that is to stop, by default. */
const GRANTED_TO_STOP_MS: number = 10_000;
/** What is not stopped by then is left: a moment is for the process itself to end. */
export const STOP_DEADLINE_MS: number = 9_500;
/** Of that, what requests in flight get: a charge at Stripe is cut off after it, and the sweeper settles it. */
export const DRAIN_DEADLINE_MS: number = 5_000;

assert(STRIPE_SILENCE_MS < STRIPE_DEADLINE_MS, 'silence is told before the deadline');
assert(STRIPE_LOOK_MS < SWEEP_LEASE_MS, 'a turn of a look ends while its attempt is owned');
assert(STRIPE_DEADLINE_MS < LEASE_MS, 'who charges a card still owns the attempt when its call has ended');
assert(
  LEASE_MS + 2 * SWEEP_LEASE_MS + 3 * SWEEP_PAUSE_MS * 1.25 <= SETTLED_WITHIN_MS,
  'three leases, and the wait for a round of the sweeper after each',
);
assert(DRAIN_DEADLINE_MS < STOP_DEADLINE_MS, 'requests end before the process does');
assert(STOP_DEADLINE_MS < GRANTED_TO_STOP_MS, 'and the process ends before it is killed');
