/** What every operation is asked before it claims anything: whether Stripe is there. */
import { err, errAsync, type ResultAsync } from 'neverthrow';
import type { Caller, CallerWithoutKey, Context } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import { replay } from '../domain/stored-claim.ts';
import type { ChargeError } from '../domain/refusals.ts';
import type { ErrorCode } from '../error.ts';

/** What an operation is given that moves money by a card. */
export type CardNeeds = Pick<
  Context,
  'commit' | 'reads' | 'cards' | 'saved' | 'vault' | 'breaker' | 'clock' | 'clocks' | 'log'
>;

/**
 * Runs an operation that claims its key and then calls Stripe. While Stripe is down nothing is claimed, and the error is
 * `provider_unavailable` with `outcome: none`; a key that was claimed before is answered as at any other time.
 */
export const withStripe = <View, Code extends ErrorCode>(
  ctx: Pick<Context, 'reads' | 'breaker' | 'clock' | 'clocks'>,
  { merchant, claim }: Caller,
  refusals: readonly Code[],
  operation: () => ResultAsync<Reply<View>, ChargeError<Code>>,
): ResultAsync<Reply<View>, ChargeError<Code>> => {
  const refusal = ctx.breaker.refusal() ?? ctx.clocks.refusal();
  if (!refusal) return operation();
  return ctx.reads
    .claim(merchant, claim.id)
    .andThen((taken) => (taken ? replay(taken, claim, refusals, ctx.clock.now()).andThen(answerOf) : err(refusal)));
};

/**
 * Runs an operation that asks Stripe first and claims its key with what it writes in the end: unless the key was claimed
 * before, and then Stripe is not asked. While Stripe is down, as of `withStripe`.
 */
export const unlessAnswered = <View, Code extends ErrorCode>(
  ctx: Pick<Context, 'reads' | 'breaker' | 'clock' | 'clocks'>,
  { merchant, claim }: CallerWithoutKey,
  refusals: readonly Code[],
  operation: () => ResultAsync<Reply<View>, ChargeError<Code>>,
): ResultAsync<Reply<View>, ChargeError<Code>> => {
  const ask = (): ResultAsync<Reply<View>, ChargeError<Code>> => {
    const refusal = ctx.breaker.refusal() ?? ctx.clocks.refusal();
    return refusal ? errAsync(refusal) : operation();
  };
  if (!claim) return ask();
  return ctx.reads
    .claim(merchant, claim.id)
    .andThen((taken) => (taken ? replay(taken, claim, refusals, ctx.clock.now()).andThen(answerOf) : ask()));
};
