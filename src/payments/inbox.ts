/**
 * What Stripe tells by itself is applied: in any order, any number of times. An event says only that something has
 * happened; what is applied is the object as it is at Stripe now.
 */
import { createHash } from 'node:crypto';
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { parseId, type DisputeId, type RefundId } from '../domain/ids.ts';
import type { Dispute, Payment, Refund } from '../domain/payment.ts';
import { plusMs, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { InboxEvent } from '../storage/inbox.ts';
import type { FoundDispute, FoundRefund, Told } from '../stripe/events.ts';
import { conclude, disputeEvents, paymentEvents } from './perform.ts';
import { concludeRefund, refundEvents, settleRefund } from './refund.ts';
import { startRounds, type Rounds } from './rounds.ts';

/** Webhooks wake the round; by itself it comes round for what failed before. */
const APPLY_EVERY_MS = 1_000;
const APPLY_MAX = 16;
/** How often Stripe's own list is read, for webhooks that never came. */
const POLL_EVERY_MS = 20_000;
/** Read again from this long before the last look: events appear in the list a little after they are made. */
const POLL_OVERLAP_MS = 300_000;
/** What a service that starts looks back for: Stripe keeps events for 30 days. */
const POLL_BACK_MS = 30 * 24 * 3600 * 1000;
/** Pages of 100 in a round: some way back after an outage, and little beside live traffic. */
const POLL_PAGES_MAX = 30;

/** Applies what has been stored. */
export const startInbox = (ctx: Context): Rounds =>
  startRounds(
    async () => {
      // Each would fail, and be put off for the longer.
      if (ctx.breaker.circuit() !== 'closed') return 'done';
      const taken = await ctx.inbox.take(ctx.clock.now(), APPLY_MAX);
      if (taken.isErr()) {
        ctx.log.warn({ err: taken.error.cause, code: taken.error.code }, "Stripe's events could not be read");
        return 'done';
      }
      await Promise.all(taken.value.map((event) => applyAndLog(ctx, event)));
      return taken.value.length === APPLY_MAX ? 'more' : 'done';
    },
    APPLY_EVERY_MS,
    ctx.fault,
  );

/**
 * Reads Stripe's list of events for those that no webhook brought, and stores them. A look goes from now back in time,
 * over as many rounds as it takes, until a page holds nothing that is new.
 */
export const startPolling = (ctx: Context, onStored: () => void): Rounds => {
  let from: Micros = plusMs(ctx.clock.now(), -POLL_BACK_MS);
  /** The look that is under way: when it began, and the last event that it has seen. */
  let look: { readonly startedAt: Micros; readonly after: string } | null = null;
  let pages = 0;
  return startRounds(
    async () => {
      if (ctx.breaker.circuit() !== 'closed') return 'done';
      const now = ctx.clock.now();
      const page = await ctx.stripeEvents
        .since(from, look?.after ?? null)
        .andThen((events) => ctx.inbox.store(events, now).map((fresh) => ({ fresh, last: events.at(-1)?.id })));
      if (page.isErr()) {
        const { cause, code } = page.error;
        ctx.log.warn({ err: cause, code }, "Stripe's list of events could not be read");
        return 'done';
      }
      const { fresh, last } = page.value;
      const startedAt = look?.startedAt ?? now;
      if (fresh > 0 && last !== undefined) {
        look = { startedAt, after: last };
        onStored();
      } else {
        look = null;
        from = plusMs(startedAt, -POLL_OVERLAP_MS);
      }
      pages = look && pages + 1 < POLL_PAGES_MAX ? pages + 1 : 0;
      return pages > 0 ? 'more' : 'done';
    },
    POLL_EVERY_MS,
    ctx.fault,
  );
};

const applyAndLog = async (ctx: Context, event: InboxEvent): Promise<void> => {
  const ids = { stripe_event: event.id, type: event.type };
  await apply(ctx, event).match(
    (outcome) => ctx.log.debug({ ...ids, outcome }, 'an event of Stripe was applied'),
    (error) => ctx.log.warn({ ...ids, code: error.code, err: error.cause }, 'an event of Stripe waits to be applied'),
  );
};

/** Errors: `provider_unavailable`, `database_unavailable`: it is tried again. */
const apply = (ctx: Context, event: InboxEvent): ResultAsync<string, PaymentError> =>
  ctx.stripeEvents.understand(event.payload).andThen((told) => {
    if (told.about === 'nothing')
      return ctx.inbox.finish(event.id, null, told.why, ctx.clock.now()).map((): string => told.why);
    if (told.about === 'payout')
      return ctx.balances
        .note(told.payout, ctx.clock.now())
        .andThen(() => ctx.inbox.finish(event.id, null, 'noted', ctx.clock.now()))
        .map((): string => 'noted');
    return (
      ctx.reads
        .payment(told.of.merchant, told.of.payment)
        .andThen((payment) => applyTo(ctx, payment, told))
        // Tagged as ours and yet not here: another installation on the same Stripe account. It is kept, and shown.
        .orElse((error) => (error.code === 'payment_not_found' ? okAsync('unknown payment') : errAsync(error)))
        .andThen((outcome) => ctx.inbox.finish(event.id, told.of.payment, outcome, ctx.clock.now()).map(() => outcome))
    );
  });

const applyTo = (
  ctx: Context,
  payment: Payment,
  told: Exclude<Told, { readonly about: 'nothing' | 'payout' }>,
): ResultAsync<string, PaymentError> => {
  switch (told.about) {
    case 'payment':
      // Nothing leads from there: most events tell of a payment that its own request has settled.
      if (payment.status === 'succeeded' || payment.status === 'canceled') return okAsync(`known: ${payment.status}`);
      return told.fetch().andThen((settlement) => {
        if (payment.status !== 'processing')
          return ctx
            .commit({
              merchant: payment.merchant,
              payment: { kind: 'observe', payment, seen: payment.attempt, settlement },
              events: paymentEvents,
            })
            .map(() => `seen: ${settlement.status}`);
        // An attempt is under way. What it asked for is its own to tell, unless Stripe has ended the matter.
        const isOver = settlement.status === 'succeeded' || settlement.status === 'canceled';
        if (!isOver || payment.attempt === null) return okAsync('left to the attempt under way');
        return ctx.reads
          .attempt(payment.merchant, payment.attempt)
          .andThen((attempt) =>
            attempt.kind === 'refund'
              ? errAsync(paymentError('internal', { cause: new Error('a payment waits for a refund') }))
              : conclude(ctx, payment, attempt, settlement),
          )
          .map(() => `settled: ${settlement.status}`);
      });
    case 'refund':
      return applyRefund(ctx, payment, told.refund);
    case 'dispute':
      return ctx
        .commit({
          merchant: payment.merchant,
          payment: { kind: 'dispute', payment, dispute: disputeOf(ctx, payment, told.dispute) },
          events: disputeEvents,
        })
        .map(() => `dispute: ${told.dispute.status}`);
  }
};

const applyRefund = (ctx: Context, payment: Payment, found: FoundRefund): ResultAsync<string, PaymentError> => {
  const { ours, outcome } = found;
  const done = `refund: ${outcome.status}`;
  if (ours === null)
    return ctx
      .commit({
        merchant: payment.merchant,
        payment: { kind: 'refund found', payment, refund: refundOf(ctx, payment, found) },
        events: refundEvents,
      })
      .andThen(({ kind }) =>
        // Known before: it may have gone on.
        ctx.commit(settleRefund(payment, derived('re', found.stripeId), outcome, null)).map(() => `${kind}: ${done}`),
      );
  return ctx.reads
    .openRefundAttempt(payment.merchant, ours)
    .andThen((attempt) =>
      attempt
        ? concludeRefund(ctx, payment, attempt, outcome).map(() => done)
        : ctx.commit(settleRefund(payment, ours, outcome, null)).map(() => done),
    );
};

/** An id that follows from Stripe's: the same object is the same row, however often it is told of. */
const derived = <P extends 're' | 'dp'>(prefix: P, stripeId: string): P extends 're' ? RefundId : DisputeId =>
  parseId(prefix, `${prefix}_${createHash('sha256').update(stripeId).digest('hex').slice(0, 32)}`) as P extends 're'
    ? RefundId
    : DisputeId;

const refundOf = (ctx: Context, payment: Payment, found: FoundRefund): Refund => ({
  merchant: payment.merchant,
  id: derived('re', found.stripeId),
  payment: payment.id,
  amount: found.amount,
  currency: payment.currency,
  status: found.outcome.status,
  reason: found.reason,
  failureReason: found.outcome.failureReason,
  stripeId: found.stripeId,
  createdAt: ctx.clock.now(),
});

const disputeOf = (ctx: Context, payment: Payment, found: FoundDispute): Dispute => ({
  merchant: payment.merchant,
  id: derived('dp', found.stripeId),
  payment: payment.id,
  amount: found.amount,
  currency: payment.currency,
  status: found.status,
  reason: found.reason,
  stripeId: found.stripeId,
  createdAt: ctx.clock.now(),
});
