/** An attempt as it is claimed, before Stripe is called. */
import type { Context } from '../context.ts';
import { stripeKeyOf, type Attempt, type Payment } from '../domain/payment.ts';
import { plusMs } from '../domain/time.ts';
import { LEASE_MS } from './charge.ts';

/** The payment's attempt of its present number, with its present payment method, owned by this request for a while. */
export const beginAttempt = (
  ctx: Context,
  { merchant, id, attempt, paymentMethod }: Payment,
  caller: Pick<Attempt, 'claim' | 'requestId' | 'replyStatus' | 'showsSecret'>,
): Attempt => {
  const now = ctx.clock.now();
  return {
    merchant,
    payment: id,
    number: attempt,
    stripeKey: stripeKeyOf(id, attempt),
    paymentMethod: paymentMethod ?? '',
    ...caller,
    ownedUntil: plusMs(now, LEASE_MS),
    fence: 1,
    startedAt: now,
  };
};
