/**
 * The sweeper: finishes what a dead, paused or cut-off process has left.
 *
 * An attempt whose lease has run out is taken over: a new lease with the next fencing number is committed first, and
 * only then is Stripe asked. Several instances may sweep at once: a row is taken by one of them. While Stripe is down
 * nothing is asked but, now and then, a probe.
 */
import { err, errAsync, okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Applied } from '../domain/change.ts';
import { settlementOf, type IntentFact, type Settlement } from '../domain/fact.ts';
import { SWEEP_LEASE_MS } from '../domain/deadlines.ts';
import type { LastError, Payment, PaymentAttempt, RefundAttempt } from '../domain/payment.ts';
import { plusMs, toMs } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Abandoned } from '../storage/leases.ts';
import type { Unsettled } from '../stripe/cards.ts';
import { conclude } from './perform.ts';
import { concludeRefund, refundRecovery } from './refund.ts';

const HOUR_MS = 3600 * 1000;
/** As many at once as Stripe may be asked to bear beside live traffic. */
const SWEEP_MAX = 16;
/**
 * A charge is sent again for minutes: whoever waits for it is still there. Later his customer has long gone, and Stripe is
 * only asked what became of it. What the merchant asked for alone (a capture, a cancellation, a refund) is wanted as much
 * hours later; Stripe forgets a key after 24 hours, and an hour less is allowed for clocks and calls.
 */
const RESEND_FOR_MS = {
  confirm: 5 * 60_000,
  capture: 23 * HOUR_MS,
  cancel: 23 * HOUR_MS,
  refund: 23 * HOUR_MS,
} as const;
/** What is not at Stripe so long after it was sent, never arrived. */
const NEVER_AFTER_MS = 60_000;
/** But where Stripe failed while it worked on it, it may make the object within hours, when it reconciles. */
const RECONCILED_WITHIN_MS = 6 * HOUR_MS;
/** A look that told nothing is followed by another after a quarter of what has passed: the longer it is ago, the later. */
const LOOK_AGAIN_SHARE = 4;
const LOOK_AGAIN_MS = { min: 5_000, max: HOUR_MS } as const;
/** After that, somebody should know. */
const TELL_AFTER_MS = HOUR_MS;

/** A round of the sweeper. Errors: `database_unavailable`: it could not look for abandoned attempts. */
export const sweep = (ctx: Context): ResultAsync<'done' | 'more', PaymentError> => {
  const isProbe = ctx.breaker.isProbeDue();
  if (ctx.breaker.circuit() !== 'closed' && !isProbe) return okAsync('done');
  const now = ctx.clock.now();
  const max = isProbe ? 1 : SWEEP_MAX;
  return (
    ctx.leases
      .takeAbandoned(now, plusMs(now, SWEEP_LEASE_MS), max)
      .map(async (taken): Promise<'done' | 'more'> => {
        if (isProbe && taken.length === 0) await probe(ctx);
        await Promise.all(taken.map((abandoned) => recoverAndLog(ctx, abandoned)));
        return taken.length === max && ctx.breaker.circuit() === 'closed' ? 'more' : 'done';
      })
      // That Stripe is back is found out without a database too: else it were blamed beside one that is down.
      .orElse((error) =>
        (isProbe ? ResultAsync.fromSafePromise(probe(ctx)) : okAsync(undefined)).andThen(() => err(error)),
      )
  );
};

/** Where no outcome is unknown, any call is a probe; whether it is answered is the breaker's to see. */
const probe = (ctx: Pick<Context, 'cards' | 'log'>): Promise<void> =>
  ctx.cards.ping().match(
    () => undefined,
    (error) => ctx.log.debug({ code: error.code, err: error.cause }, 'Stripe is still down'),
  );

const recoverAndLog = async (ctx: Context, abandoned: Abandoned): Promise<void> => {
  const { payment, attempt } = abandoned;
  const ids = {
    payment: payment.id,
    attempt: attempt.id,
    kind: attempt.kind,
    fence: attempt.fence,
    'request.id': attempt.requestId,
  };
  const ageMs = toMs(ctx.clock.now()) - toMs(attempt.startedAt);
  await recover(ctx, abandoned, ageMs).match(
    ({ answer }) =>
      ctx.log.info(
        { ...ids, ageMs, ...(answer?.isErr() ? { code: answer.error.code } : {}) },
        'an abandoned attempt was finished',
      ),
    (error) =>
      ctx.log.warn(
        { ...ids, ageMs, code: error.code, runbook: 'unknown-outcomes', err: error.cause },
        'the outcome of an attempt is unknown',
      ),
  );
};

/** Finds out what became of an attempt, and settles it. Errors: `provider_unavailable`: still unknown. */
const recover = (ctx: Context, abandoned: Abandoned, ageMs: number): ResultAsync<Applied, PaymentError> =>
  (abandoned.attempt.kind === 'refund'
    ? recoverRefund(ctx, abandoned, abandoned.attempt, ageMs)
    : recoverPayment(ctx, abandoned, abandoned.attempt, ageMs)
  )
    .andThen((applied) =>
      ageMs < TELL_AFTER_MS
        ? okAsync(applied)
        : ctx.contradictions
            .settle('outcome_undecided', abandoned.attempt.id, 'It was found out.', ctx.clock.now())
            .map(() => applied),
    )
    .orElse((error) => putOff(ctx, abandoned, ageMs, error));

/** Stripe is not there: it is asked again soon. Else it was, and told nothing: it is asked again further and further apart. */
const putOff = (
  ctx: Pick<Context, 'leases' | 'contradictions' | 'clock'>,
  { payment, attempt, trouble }: Abandoned,
  ageMs: number,
  error: PaymentError | Unsettled,
): ResultAsync<never, PaymentError> => {
  const now = ctx.clock.now();
  // It was no more than a turn's part of what is to be looked at: the next begins where this one ended.
  if ('seenTo' in error) return ctx.leases.postpone(attempt, now, trouble, error.seenTo).andThen(() => err(error));
  const isLook = 'mustLook' in error && error.mustLook;
  if (error.code === 'provider_unavailable' && !isLook) return errAsync(error);
  const waitMs = Math.min(LOOK_AGAIN_MS.max, Math.max(LOOK_AGAIN_MS.min, ageMs / LOOK_AGAIN_SHARE));
  const told = ctx.contradictions.open(
    ageMs < TELL_AFTER_MS
      ? []
      : [
          {
            merchant: payment.merchant,
            kind: 'outcome_undecided',
            payment: payment.id,
            subject: attempt.id,
            amount: payment.amount,
            currency: payment.currency,
            detail: `Its ${attempt.kind} was begun ${Math.round(ageMs / HOUR_MS)} hours ago; ${error.message}`,
          },
        ],
    now,
  );
  return told
    .andThen(() =>
      ctx.leases.postpone(
        attempt,
        plusMs(now, Math.round(waitMs)),
        'serverError' in error && error.serverError ? 'server error' : trouble,
        null,
      ),
    )
    .andThen(() => err(error));
};

/** What one kind of attempt asks of Stripe, and what it makes of what it is shown. */
export interface Recovery<Found, Settled> {
  readonly send: (attempt: 'as before' | 'anew') => ResultAsync<Settled, Unsettled>;
  readonly look: () => ResultAsync<Found | null, Unsettled>;
  /** Whether what was found tells that it was asked for what the attempt asks. */
  readonly isTelling: (found: Found) => boolean;
  readonly settlement: (found: Found | null, refusal: LastError | null) => Settled;
  /** Whether it may be sent under another key: what stands at Stripe lets it be done once, under whatever key. */
  readonly isGuarded: boolean;
}

/**
 * Sends an attempt again under its key, as long as that is wanted; and looks at what Stripe has where that tells nothing.
 *
 * After a 5xx Stripe repeats it under that key, and may yet do what it was asked, or may not, within hours
 * (https://docs.stripe.com/error-low-level#server-errors). A charge or a refund that was made anew might then be a second
 * one, so all that is left is to look. A capture or a cancellation of an intent can be done but once: it is sent anew, under
 * another key, and is refused where the first has been done after all, by an answer that shows it.
 */
const settlementFor = <Found, Settled>(
  { attempt, trouble }: Abandoned,
  ageMs: number,
  { send, look, isTelling, settlement, isGuarded }: Recovery<Found, Settled>,
): ResultAsync<Settled, Unsettled> => {
  const isWanted = ageMs < RESEND_FOR_MS[attempt.kind];
  const decide = (why: Unsettled | null): ResultAsync<Settled, Unsettled> =>
    look().andThen((found) => {
      const isFailed = trouble !== null || why?.serverError === true;
      const isDecided = ageMs >= (isFailed ? RECONCILED_WITHIN_MS : NEVER_AFTER_MS);
      if (found ? isDecided || isTelling(found) : isDecided) return okAsync(settlement(found, why?.refusal ?? null));
      return isFailed && isGuarded && isWanted && ageMs >= NEVER_AFTER_MS ? send('anew') : errAsync(undecided(why));
    });
  return trouble === null && isWanted
    ? send('as before').orElse((error) => (error.mustLook ? decide(error) : errAsync(error)))
    : decide(null);
};

const recoverPayment = (
  ctx: Pick<Context, 'commit' | 'cards'>,
  abandoned: Abandoned,
  attempt: PaymentAttempt,
  ageMs: number,
): ResultAsync<Applied, PaymentError | Unsettled> => {
  const { payment } = abandoned;
  return settlementFor<IntentFact, Settlement>(abandoned, ageMs, {
    send: (how) => {
      // One that was sent anew and is left without an answer may be sent anew once more: each under a key of its own.
      const stripeKey = how === 'anew' ? `${attempt.stripeKey}-${attempt.fence}` : attempt.stripeKey;
      return ctx.cards.send(payment, { ...attempt, stripeKey }, 'again');
    },
    look: () => ctx.cards.find(payment, attempt),
    isTelling: (found) => isTelling(found, payment, attempt),
    settlement: (found, refusal) => (found ? settlementOf(found, null) : neverArrived(attempt, refusal)),
    isGuarded: attempt.kind !== 'confirm' && payment.intent !== null,
  }).andThen((settlement) => conclude(ctx, payment, attempt, settlement));
};

const recoverRefund = (
  ctx: Pick<Context, 'commit' | 'cards'>,
  abandoned: Abandoned,
  attempt: RefundAttempt,
  ageMs: number,
): ResultAsync<Applied, PaymentError | Unsettled> => {
  const { payment } = abandoned;
  return settlementFor(abandoned, ageMs, refundRecovery(ctx, payment, attempt)).andThen((settlement) =>
    concludeRefund(ctx, payment, attempt, settlement),
  );
};

/** Whether an intent as it stands tells that it was asked for what the attempt asks. */
const isTelling = ({ status }: IntentFact, payment: Payment, { kind }: PaymentAttempt): boolean => {
  if (status === 'succeeded' || status === 'canceled' || status === 'processing') return true;
  return (
    kind === 'confirm' && (payment.intent === null || status === 'requires_action' || status === 'requires_capture')
  );
};

const undecided = (why: Unsettled | null): Unsettled => ({
  ...paymentError('provider_unavailable', {
    outcome: 'unknown',
    message: 'Stripe has no record of it that tells, and may yet come to have one.',
    ...(why?.cause === undefined ? {} : { cause: why.cause }),
  }),
  mustLook: true,
  serverError: why?.serverError ?? false,
});

/** Stripe has no record of it, and it is never sent again. A belief: what is found later is posted all the same. */
const neverArrived = ({ kind }: PaymentAttempt, refusal: LastError | null): Settlement => ({
  outcome: kind === 'cancel' ? 'canceled' : 'failed',
  refusal:
    kind === 'cancel'
      ? null
      : (refusal ?? { code: 'processing_error', message: paymentError('processing_error').message }),
  found: null,
  mayExist: true,
  stripeRequestId: null,
});
