/** An attempt as it is claimed, before Stripe is called. */
import type { Caller, Context } from '../context.ts';
import { newId } from '../domain/ids.ts';
import type { AttemptBase, Payment } from '../domain/payment.ts';
import { plusMs } from '../domain/time.ts';

/**
 * How long an attempt belongs to the request that began it: Stripe's timeout (8 s) and a margin for the commits. After
 * that the sweeper may take it. A request that outlives it (the package repeats a reset connection once) does no harm:
 * both send the same key, and the first to settle wins.
 */
const LEASE_MS = 10_000;

/** What every attempt of this request has, whatever it asks for; owned by the request for a while. */
export const newAttempt = (
  ctx: Context,
  { claim, requestId }: Caller,
  { merchant, id }: Pick<Payment, 'merchant' | 'id'>,
  wanted: Pick<AttemptBase, 'replyStatus' | 'showsSecret'>,
): AttemptBase => {
  const now = ctx.clock.now();
  return {
    merchant,
    id: newId('att'),
    payment: id,
    ...wanted,
    claim: claim.id,
    requestId,
    ownedUntil: plusMs(now, LEASE_MS),
    fence: 1,
    startedAt: now,
  };
};
