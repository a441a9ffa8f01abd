/** How much one may ask in a second: who floods the service delays himself alone. */
import { err, ok } from 'neverthrow';
import type { Principal } from '../domain/principal.ts';
import { paymentError } from '../error.ts';
import type { Authenticate } from './authenticate.ts';

/** Counts one more by that name. Answers whether that is too many in the second that is under way. */
export type CountOne = (name: string) => boolean;

export const createCount = (mostPerS: number): CountOne => {
  const counts = new Map<string, number>();
  let endsAt = 0;
  return (name) => {
    const now = performance.now();
    if (now >= endsAt) {
      counts.clear();
      endsAt = now + 1000;
    }
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count > mostPerS;
  };
};

/** Authenticates, and then counts by merchant and role. Errors: those of `authenticate`, and `rate_limited`. */
export const limitRate = <Who extends Principal>(
  authenticate: Authenticate<Who>,
  requestsPerS: number,
): Authenticate<Who> => {
  const isTooMany = createCount(requestsPerS);
  return (request) =>
    authenticate(request).andThen((principal) =>
      isTooMany(principal.caller) ? err(paymentError('rate_limited', { retryAfterS: 1 })) : ok(principal),
    );
};
