/**
 * The sweeper: finishes what a dead, paused or cut-off process has left.
 *
 * An attempt whose lease has run out is taken over: a new lease with the next fencing number is committed first, and
 * only then is Stripe asked. Several instances may sweep at once: a row is taken by one of them. While Stripe is down
 * nothing is asked but, now and then, a probe.
 */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Applied, Settlement } from '../domain/change.ts';
import type { Attempt, Payment } from '../domain/payment.ts';
import { plusMs, toMs } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Replayed } from '../stripe/cards.ts';
import type { RefundOutcome } from '../stripe/outcome.ts';
import { conclude } from './perform.ts';
import { concludeRefund } from './refund.ts';
import { startRounds, type Rounds } from './rounds.ts';

/** How often abandoned attempts are looked for. */
const SWEEP_EVERY_MS = 2_000;
/**
 * How long an attempt belongs to the sweeper that took it. Short, since a sweeper may be killed as well: a payment whose
 * request and then two sweepers died is still settled within 30 s (10 + 5 + 5, and a round to wait for after each).
 * One that is not done by then is overtaken by another, under the same key, and Stripe lets one of them in.
 */
const SWEEP_LEASE_MS = 5_000;
/** As many at once as Stripe may be asked to bear beside live traffic. */
const SWEEP_MAX = 16;
/** Stripe forgets a key after 24 hours; an hour less, since its clock is not ours and a call takes time. */
const RESEND_FOR_MS = 23 * 3600 * 1000;

/** Sweeps at once, and then every two seconds. */
export const startSweeper = (ctx: Context): Rounds =>
  startRounds(
    async () => {
      const isProbe = ctx.breaker.isProbeDue();
      if (ctx.breaker.circuit() !== 'closed' && !isProbe) return 'done';
      const now = ctx.clock.now();
      const max = isProbe ? 1 : SWEEP_MAX;
      const taken = await ctx.leases.takeAbandoned(now, plusMs(now, SWEEP_LEASE_MS), max);
      if (taken.isErr()) {
        ctx.log.warn(
          { err: taken.error.cause, code: taken.error.code },
          'the sweeper could not look for abandoned attempts',
        );
        return 'done';
      }
      if (isProbe && taken.value.length === 0) await probe(ctx);
      await Promise.all(taken.value.map(({ payment, attempt }) => recoverAndLog(ctx, payment, attempt)));
      return taken.value.length === max && ctx.breaker.circuit() === 'closed' ? 'more' : 'done';
    },
    SWEEP_EVERY_MS,
    ctx.fault,
  );

/** Where no outcome is unknown, any call is a probe; whether it is answered is the breaker's to see. */
const probe = (ctx: Context): Promise<void> =>
  ctx.cards.ping().match(
    () => undefined,
    (error) => ctx.log.debug({ code: error.code, err: error.cause }, 'Stripe is still down'),
  );

const recoverAndLog = async (ctx: Context, payment: Payment, attempt: Attempt): Promise<void> => {
  const ids = {
    payment: payment.id,
    attempt: attempt.id,
    kind: attempt.kind,
    fence: attempt.fence,
    'request.id': attempt.requestId,
  };
  const ageMs = toMs(ctx.clock.now()) - toMs(attempt.startedAt);
  await recover(ctx, payment, attempt).match(
    ({ answer }) =>
      ctx.log.info(
        { ...ids, ageMs, ...(answer?.isErr() ? { code: answer.error.code } : {}) },
        'an abandoned attempt was finished',
      ),
    (error) =>
      ctx.log.warn({ ...ids, ageMs, code: error.code, err: error.cause }, 'the outcome of an attempt is unknown'),
  );
};

/** Finds out what became of an attempt, and settles it. Errors: `provider_unavailable`: still unknown. */
const recover = (ctx: Context, payment: Payment, attempt: Attempt): ResultAsync<Applied, PaymentError> => {
  if (attempt.kind === 'refund')
    return resendOrLook(ctx, attempt, {
      resend: () => ctx.cards.refund(payment, attempt),
      look: () => ctx.cards.findRefund(payment, attempt).map((found) => found ?? REFUND_NEVER_ARRIVED),
    }).andThen((outcome) => concludeRefund(ctx, payment, attempt, outcome));

  const look = (): ResultAsync<Settlement, PaymentError> =>
    ctx.cards.find(payment, attempt).map((found) => found ?? NEVER_ARRIVED);
  return (
    resendOrLook(ctx, attempt, { resend: () => ctx.cards.send(payment, attempt), look })
      // A repeated answer may be an old one: what Stripe has now is the truth.
      .andThen((settlement) => (settlement.outcome === 'processing' ? look() : okAsync(settlement)))
      .andThen((settlement) => conclude(ctx, payment, attempt, settlement))
  );
};

/** Resends under the same key while Stripe surely remembers it; else its records tell, and it is never sent again. */
const resendOrLook = <T>(
  ctx: Context,
  { startedAt }: Attempt,
  ways: {
    readonly resend: () => ResultAsync<T, PaymentError & Replayed>;
    readonly look: () => ResultAsync<T, PaymentError>;
  },
): ResultAsync<T, PaymentError> => {
  const ageMs = toMs(ctx.clock.now()) - toMs(startedAt);
  if (ageMs >= RESEND_FOR_MS) return ways.look();
  // Where Stripe failed while it worked on this key, it will say so for ever.
  return ways.resend().orElse((error) => (error.replayed ? ways.look() : errAsync(error)));
};

/** Stripe has no record of it, and its key is never sent again: nothing was charged, and nothing will be. */
const NEVER_ARRIVED: Settlement = {
  outcome: 'failed',
  status: 'requires_payment_method',
  amountCaptured: 0n,
  intent: null,
  nextAction: null,
  lastError: { code: 'processing_error', message: paymentError('processing_error').message },
  stripeRequestId: null,
};

const REFUND_NEVER_ARRIVED: RefundOutcome = {
  status: 'failed',
  stripeId: null,
  failureReason: 'Stripe has no record of this refund.',
  stripeRequestId: null,
};
