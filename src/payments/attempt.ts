/** An attempt as it is claimed, whose it is while Stripe is called, and what is told while nobody knows what came of it. */
import type { Caller, Context } from '../context.ts';
import { newId } from '../domain/ids.ts';
import { LEASE_MS } from '../domain/deadlines.ts';
import type { Attempt, AttemptBase, Payment } from '../domain/payment.ts';
import { plusMs } from '../domain/time.ts';
import { paymentError, type ErrorDetail, type PaymentError } from '../error.ts';

/** What every attempt of this request has, whatever it asks for; owned by the request for a while. */
export const newAttempt = (
  ctx: Pick<Context, 'clock'>,
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
    // Whoever repeats the request, after a failover has lost all that was known of it too, repeats the key.
    stripeKey: claim.id,
    requestId,
    ownedUntil: plusMs(now, LEASE_MS),
    fence: 1,
    startedAt: now,
    seenTo: null,
  };
};

/** A process that was paused until now may not send: someone else may have, and Stripe may have forgotten the key. */
export const isOwned = (ctx: Pick<Context, 'clock'>, { ownedUntil }: Attempt): boolean => ctx.clock.now() < ownedUntil;

/** The sweeper looks again within seconds of the end of a lease, and then Stripe has often come back. */
const UNKNOWN_FOR_S = 5;

export const unknown = (payment: Payment): PaymentError<'provider_unavailable'> =>
  paymentError('provider_unavailable', unknownOf(payment));

/** What an error says besides, where nobody knows yet what became of it. */
export const unknownOf = ({ id }: Payment): ErrorDetail => ({
  outcome: 'unknown',
  message: UNKNOWN,
  payment: id,
  retryAfterS: UNKNOWN_FOR_S,
});
/** For who pays: who reads that something could not be reached takes it for not done, and pays again. */
const UNKNOWN = 'It is not known yet whether this went through: it is being found out. Do not start it anew.';

/** Of a fraction that the currency has not, or of more than Stripe takes. It is refused before its key is taken. */
export const notChargeable = (): PaymentError<'invalid_request'> =>
  paymentError('invalid_request', {
    param: 'amount',
    message: 'amount: Cards know no such fraction of the currency, or no such amount.',
  });
