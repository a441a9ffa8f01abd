/** What every operation is asked before it claims anything: whether Stripe is there. */
import { err, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import { replay } from '../domain/decide.ts';
import type { PaymentError } from '../error.ts';

/**
 * Runs an operation that claims its key and then calls Stripe. While Stripe is down nothing is claimed, and the error is
 * `provider_unavailable` with `outcome: none`; a key that was claimed before is answered as at any other time.
 */
export const withStripe = (
  ctx: Context,
  { merchant, claim }: Caller,
  operation: () => ResultAsync<Reply, PaymentError>,
): ResultAsync<Reply, PaymentError> => {
  const refusal = ctx.breaker.refusal();
  if (!refusal) return operation();
  return ctx.reads
    .claim(merchant, claim.id)
    .andThen((taken) => (taken ? replay(taken, claim).andThen(answerOf) : err(refusal)));
};
