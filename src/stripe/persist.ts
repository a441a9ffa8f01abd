/** How a request is sent to Stripe until it is answered, so that it is known whether the answer is to its first sending. */
import { setTimeout as sleep } from 'node:timers/promises';
import { STRIPE_DEADLINE_MS } from '../domain/deadlines.ts';
import { isReset } from './connection.ts';
import { isTooMany, isUnderWay } from './outcome.ts';

/** `first`: nobody has sent it before, for it was claimed just now. */
export type Nth = 'first' | 'again';

/** Sent again after 0.2, 0.4 and 0.8 s, and some by chance; the lease allows for it. */
const WAITS_MAX = 3;
const WAIT_MS = 200;

export interface Failed {
  readonly error: Error;
  /** Whether nobody has sent it before: then it is refused for good. */
  readonly isFirst: boolean;
}
export type Sent<T> = { readonly answer: T; readonly error?: never } | (Failed & { readonly answer?: never });

/**
 * Sends once; and again where nothing was done, since there were too many requests; and where Stripe is still at work on
 * what was sent before, under the same key; and once more where the connection was reset, which a kept-alive one may be
 * though nobody has read the request. After either of these, it may have been sent before.
 */
export const persist = async <T>(nth: Nth, work: (deadlineMs: number) => Promise<T>): Promise<Sent<T>> => {
  const startedAt = performance.now();
  let isFirst = nth === 'first';
  let resets = 0;
  for (let tries = 1; ; tries++) {
    try {
      return { answer: await work(STRIPE_DEADLINE_MS - (performance.now() - startedAt)) };
    } catch (caught) {
      const error = asError(caught);
      if (isUnderWay(error)) isFirst = false;
      if ((isTooMany(error) || isUnderWay(error)) && tries <= WAITS_MAX)
        await sleep(WAIT_MS * 2 ** (tries - 1) * (1 + Math.random() / 2));
      else if (isReset(error) && resets++ === 0) isFirst = false;
      else return { error, isFirst };
    }
  }
};

export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
