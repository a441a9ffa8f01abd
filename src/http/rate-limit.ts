/** How much one merchant may ask in a second, by role: who floods the service delays himself alone. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { ResultAsync } from 'neverthrow';
import type { Principal } from '../domain/principal.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Authenticate } from './authenticate.ts';

/** Authenticates, and then counts. Errors: those of `authenticate`, and `rate_limited`. */
export const limitRate = <Who extends Principal>(
  authenticate: Authenticate<Who>,
  requestsPerS: number,
): Authenticate<Who> => {
  const limiter = new RateLimiterMemory({ points: requestsPerS, duration: 1 });
  // It rejects with what is left of the second; it has no store that could fail.
  const count = (principal: Who): ResultAsync<Who, PaymentError> =>
    ResultAsync.fromPromise(
      limiter.consume(`${principal.merchant} ${principal.role}`).then(() => principal),
      () => paymentError('rate_limited', { retryAfterS: 1 }),
    );
  return (request) => authenticate(request).andThen(count);
};
