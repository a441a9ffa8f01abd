/** An attempt as it is claimed, before Stripe is called. */
import type { Caller, Context } from '../context.ts';
import { newId } from '../domain/ids.ts';
import { LEASE_MS, type AttemptBase, type Payment } from '../domain/payment.ts';
import { plusMs } from '../domain/time.ts';

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
