/** An attempt as it is claimed, before Stripe is called. */
import type { Caller, Context } from '../context.ts';
import { newId } from '../domain/ids.ts';
import type { Attempt, AttemptKind, Payment } from '../domain/payment.ts';
import { plusMs } from '../domain/time.ts';

/**
 * How long an attempt belongs to the request that began it: Stripe's timeout (8 s) and a margin for the commits. After
 * that the sweeper may take it. A request that outlives it (the package repeats a reset connection once) does no harm:
 * both send the same key, and the first to settle wins.
 */
const LEASE_MS = 10_000;

interface Wanted extends Partial<Pick<Attempt, 'paymentMethod' | 'amount' | 'refund'>> {
  readonly kind: AttemptKind;
  readonly replyStatus: 200 | 201;
  readonly showsSecret: boolean;
}

/** An attempt of this request's, owned by it for a while. */
export const newAttempt = (
  ctx: Context,
  { claim, requestId }: Caller,
  { merchant, id }: Pick<Payment, 'merchant' | 'id'>,
  wanted: Wanted,
): Attempt => {
  const now = ctx.clock.now();
  return {
    merchant,
    id: newId('att'),
    payment: id,
    paymentMethod: null,
    amount: null,
    refund: null,
    ...wanted,
    claim: claim.id,
    requestId,
    ownedUntil: plusMs(now, LEASE_MS),
    fence: 1,
    startedAt: now,
  };
};
