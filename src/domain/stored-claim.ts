/** An idempotency key that was taken before, and what whoever takes it again is told. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import type { Applied, Claim, Reply } from './change.ts';
import type { Attempt } from './payment.ts';
import type { ClaimCode } from './refusals.ts';
import { answerOfReply } from './reply.ts';
import { toMs, type Micros } from './time.ts';

/** A claim as the database has it; no reply while its request is still under way. */
export interface StoredClaim {
  readonly requestHash: string;
  readonly reply: Reply<never> | null;
  /** What is at Stripe, where that is what it waits for. */
  readonly waitsFor?: Waiting;
}

/** An attempt whose outcome nobody knows yet; until then somebody has it, or looks at it no more. */
type Waiting = Pick<Attempt, 'payment' | 'ownedUntil' | 'fence'>;

/** The key is taken: by this very request, by one that still runs, or by another request altogether. */
export const replay = <Code extends ErrorCode>(
  taken: StoredClaim,
  claim: Claim,
  codes: readonly Code[],
  now: Micros,
): Result<Applied<never, Code>, PaymentError<ClaimCode>> => {
  if (taken.requestHash !== claim.requestHash && taken.requestHash !== claim.laterHash?.())
    return err(paymentError('idempotency_key_reused'));
  if (!taken.reply) return err(inUse(taken.waitsFor, now));
  return ok({ kind: 'replayed', answer: answerOfReply({ ...taken.reply, replayed: true }, codes) });
};

/** Its own request may answer at any moment; whoever took over from it has nothing to tell before he looks again. */
const inUse = (waitsFor: Waiting | undefined, now: Micros): PaymentError<'idempotency_key_in_use'> => {
  if (!waitsFor) return paymentError('idempotency_key_in_use', { retryAfterS: 1 });
  const { payment, ownedUntil, fence } = waitsFor;
  if (fence === 1)
    return paymentError('idempotency_key_in_use', {
      payment,
      retryAfterS: 1,
      message: 'The request under this idempotency key is still running, or its outcome is not known yet.',
    });
  return paymentError('idempotency_key_in_use', {
    payment,
    retryAfterS: 1 + Math.max(0, Math.ceil((toMs(ownedUntil) - toMs(now)) / 1000)),
    message: 'The outcome of the request under this idempotency key is not known yet.',
  });
};
