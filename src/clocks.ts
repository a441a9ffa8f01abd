/** How far the clocks that money depends on are apart: the database's, by which everything ages here, this machine's and Stripe's. */
import { movedBy, toMs } from './domain/time.ts';
import { paymentError, type PaymentError } from './error.ts';
import type { Check } from './monitor/ops.ts';
import type { DatabaseClock } from './storage/clock.ts';

export interface Clocks {
  /** Told what time it is at Stripe, in milliseconds since 1970, and how long the answer took. */
  readonly onStripeTime: (atMs: number, tookMs: number) => void;
  /** Why no money should be moved now: nobody could say any more what was before and what after. */
  readonly refusal: () => PaymentError<'provider_unavailable'> | undefined;
  readonly check: () => Check;
  /** How far each is ahead of the database's, in seconds. */
  readonly aheadS: () => Readonly<Record<string, number>>;
}

/** Worth telling; what looks after clocks keeps them within milliseconds, and Stripe tells whole seconds. */
const TOLD_MS = 2_000;
/** Nobody looks after that clock. */
const APART_MS = 60_000;
/** What Stripe said is forgotten after that. */
const STRIPE_FRESH_MS = 600_000;
/** An answer that took longer says too little about when it was given. */
const ROUND_TRIP_MAX_MS = 2_000;

export const createClocks = (database: DatabaseClock): Clocks => {
  let stripe: { readonly aheadMs: number; readonly since: number } | undefined;
  const stripeAheadMs = (): number | undefined =>
    stripe && performance.now() - stripe.since < STRIPE_FRESH_MS ? stripe.aheadMs : undefined;

  const apart = (): { readonly name: string; readonly aheadMs: number }[] =>
    [
      { name: 'this machine', aheadMs: database.machineAheadMs() ?? 0 },
      { name: 'Stripe', aheadMs: stripeAheadMs() ?? 0 },
    ].filter(({ aheadMs }) => Math.abs(aheadMs) > TOLD_MS);

  return {
    onStripeTime: (atMs, tookMs) => {
      // Stripe does not move with a test's time, nor does the machine that a sandbox runs on.
      if (tookMs < ROUND_TRIP_MAX_MS)
        stripe = { aheadMs: atMs + 500 - (toMs(database.now()) - movedBy(database)), since: performance.now() };
    },
    refusal: () =>
      Math.abs(stripeAheadMs() ?? 0) > APART_MS
        ? paymentError('provider_unavailable', {
            retryAfterS: 60,
            message: 'The clocks of the database and of Stripe differ by more than a minute. Nothing was charged.',
          })
        : undefined,
    check: () => {
      const found = apart();
      const [first] = found;
      if (!first) return { state: 'ok', detail: 'the clocks agree' };
      const detail = found
        .map(({ name, aheadMs }) => `${name} is ${(aheadMs / 1000).toFixed(1)} s ahead of the database`)
        .join(', ');
      return { state: found.some(({ aheadMs }) => Math.abs(aheadMs) > APART_MS) ? 'bad' : 'degraded', detail };
    },
    aheadS: () => ({
      machine: (database.machineAheadMs() ?? 0) / 1000,
      stripe: (stripeAheadMs() ?? 0) / 1000,
    }),
  };
};
