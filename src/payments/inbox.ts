/**
 * What Stripe tells by itself is applied: in any order, any number of times. An event says only that something has
 * happened; what is applied is the object as it is at Stripe now.
 */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Payment } from '../domain/payment.ts';
import { plusMs, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { TakenEvent } from '../storage/inbox.ts';
import type { Told } from '../stripe/events.ts';
import { applyDispute, applyIntent, applyRefund } from './facts.ts';
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

/** An event that could not be applied so often is for a person; it is tried on all the same, once an hour in the end. */
const TRIES_MAX = 10;

const applyAndLog = async (ctx: Context, event: TakenEvent): Promise<void> => {
  const ids = { stripe_event: event.id, type: event.type };
  await apply(ctx, event)
    .andThen((outcome) =>
      event.tries < TRIES_MAX
        ? okAsync(outcome)
        : ctx.contradictions
            .settle('event_not_applied', event.id, 'It was applied.', ctx.clock.now())
            .map(() => outcome),
    )
    .match(
      (outcome) => ctx.log.debug({ ...ids, outcome }, 'an event of Stripe was applied'),
      async (error) => {
        ctx.log.warn({ ...ids, code: error.code, err: error.cause }, 'an event of Stripe waits to be applied');
        if (event.tries >= TRIES_MAX) await tellOfPoison(ctx, event, error);
      },
    );
};

const tellOfPoison = (ctx: Context, event: TakenEvent, { code, message }: PaymentError): Promise<void> =>
  ctx.contradictions
    .open(
      [
        {
          merchant: null,
          kind: 'event_not_applied',
          payment: null,
          subject: event.id,
          amount: null,
          currency: null,
          detail: `${event.type}: ${code}, ${message}`,
        },
      ],
      ctx.clock.now(),
    )
    .match(
      () => undefined,
      (error) => ctx.log.warn({ code: error.code, err: error.cause }, 'a contradiction could not be written down'),
    );

/** Errors: `provider_unavailable`, `database_unavailable`: it is tried again. */
const apply = (ctx: Context, event: TakenEvent): ResultAsync<string, PaymentError> =>
  ctx.stripeEvents.understand(event.payload).andThen((told) =>
    doneAbout(ctx, told).andThen((outcome) => {
      const payment = told.about === 'intent' ? told.text.of?.payment : 'of' in told ? told.of.payment : undefined;
      const isHere = payment !== undefined && outcome !== 'unknown payment';
      return ctx.inbox.finish(event.id, isHere ? payment : null, outcome, ctx.clock.now()).map(() => outcome);
    }),
  );

const doneAbout = (ctx: Context, told: Told): ResultAsync<string, PaymentError> => {
  switch (told.about) {
    case 'nothing':
      return okAsync(told.why);
    case 'payout':
      return ctx.balances.note(told.payout, ctx.clock.now()).map(() => 'noted');
    case 'refund':
      return applyRefund(ctx, told.of, told.found);
    case 'dispute':
      return applyDispute(ctx, told.of, told.found);
    case 'intent':
      return applyIntentOf(ctx, told);
  }
};

const applyIntentOf = (
  ctx: Context,
  { text, fetch }: Extract<Told, { readonly about: 'intent' }>,
): ResultAsync<string, PaymentError> => {
  if (!text.of) return okAsync('unknown object');
  return ctx.reads
    .payment(text.of.merchant, text.of.payment)
    .map((payment): Payment | undefined => payment)
    .orElse((error) => (error.code === 'payment_not_found' ? okAsync(undefined) : errAsync(error)))
    .andThen((payment) =>
      payment && isKnown(payment, text)
        ? okAsync(`known: ${payment.status}`)
        : fetch().andThen((found) => (found ? applyIntent(ctx, found) : okAsync('unknown object'))),
    );
};

/** Most events tell of what a request has settled long before: there is nothing in them, true or not, that is new. */
const isKnown = (
  { intent, status, amountCaptured }: Payment,
  text: Extract<Told, { readonly about: 'intent' }>['text'],
): boolean => {
  if (intent !== text.intent || text.received > amountCaptured) return false;
  return status === 'succeeded' || (status === 'canceled' && CANCELED_BY_THEN.has(text.status));
};

/** What an intent that is canceled was before. */
const CANCELED_BY_THEN: ReadonlySet<string> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'canceled',
]);
