/**
 * What Stripe tells by itself is applied: in any order, any number of times. An event says only that something has
 * happened; what is applied is the object as it is at Stripe now.
 */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { PaymentId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentError } from '../error.ts';
import type { TakenEvent } from '../storage/inbox.ts';
import type { Told } from '../stripe/events.ts';
import { keepLinesOf } from './balance.ts';
import { applyDispute, applyIntent, applyRefund } from './facts.ts';
import { applyCustomer, applyMethod, applySetup } from './saved-facts.ts';
import { readWindows } from './windows.ts';

/** As many as are read and noted with one statement each. */
const APPLY_MAX = 64;
/** How much of Stripe's own list is read at a time, for webhooks that never came: as long as a person can wait for them. */
const SPAN_MS = 20_000;
/**
 * Events appear in the list a little after they are made, Stripe's clock may be a minute behind ours, and after an outage
 * of its own Stripe may list them much later. A list of 100 events for each reading is little beside 100 charges.
 */
const READ_AGAIN_MS = [600_000, 2 * 3600 * 1000];

/** A round: applies some of what has been stored. Errors: `database_unavailable`: it could not be read. */
export const applyEvents = (ctx: Context): ResultAsync<'done' | 'more', PaymentError> =>
  ctx.inbox.take(ctx.clock.now(), APPLY_MAX).map(async (taken) => {
    await Promise.all(taken.map((event) => applyAndLog(ctx, event)));
    return taken.length === APPLY_MAX ? 'more' : 'done';
  });

/** A round: reads Stripe's list of events for those that no webhook brought, and stores them. */
export const pollEvents =
  (onStored: () => void) =>
  (ctx: Pick<Context, 'stripeEvents' | 'inbox' | 'clock' | 'log'>): ResultAsync<'done' | 'more', PaymentError> =>
    readWindows(ctx, {
      name: "Stripe's list of events",
      windows: ctx.inbox.windows,
      spanMs: () => SPAN_MS,
      againMs: READ_AGAIN_MS,
      readPage: ({ from, to, after }) =>
        ctx.stripeEvents.madeIn(from, to, after).andThen(({ events, hasMore }) =>
          ctx.inbox.keepMissing(events, ctx.clock.now()).map((fresh) => {
            if (fresh > 0) onStored();
            return { last: events.at(-1)?.id ?? null, hasMore };
          }),
        ),
    });

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

const tellOfPoison = (
  ctx: Pick<Context, 'contradictions' | 'clock' | 'log'>,
  event: TakenEvent,
  { code, message }: PaymentError,
): Promise<void> =>
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
      const payment = told.about === 'intent' ? told.text.of?.payment : paymentOf(told);
      const isHere = payment !== undefined && outcome !== 'unknown payment';
      return ctx.inbox
        .finish({ id: event.id, payment: isHere ? payment : null, outcome, at: ctx.clock.now() })
        .map(() => outcome);
    }),
  );

const paymentOf = (told: Told): PaymentId | undefined =>
  told.about === 'refund' || told.about === 'dispute' ? told.of.payment : undefined;

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
    case 'returned charge':
      return keepLinesOf(ctx, told.charge).map(() => 'noted');
    case 'method':
      return applyMethod(ctx, told.method);
    case 'setup':
      return applySetup(ctx, told.of, told.intent);
    case 'customer':
      return applyCustomer(ctx, told.customer);
    case 'intent':
      return applyIntentOf(ctx, told);
  }
};

const applyIntentOf = (
  ctx: Context,
  { text }: Extract<Told, { readonly about: 'intent' }>,
): ResultAsync<string, PaymentError> => {
  const { of } = text;
  if (!of) return okAsync('unknown object');
  return ctx.reads
    .payment(of.merchant, of.payment)
    .map((payment): Payment | undefined => payment)
    .orElse((error) => (error.code === 'payment_not_found' ? okAsync(undefined) : errAsync(error)))
    .andThen((payment) =>
      payment && isKnown(payment, text)
        ? okAsync(`known: ${payment.status}`)
        : // Stripe's balance may have had a line of what was waited for, which was not posted while it was.
          applyIntent(ctx, of, text.intent).andThrough(() =>
            payment?.status === 'processing' && !payment.underWay ? keepLinesOfIntent(ctx, text.intent) : okAsync(0),
          ),
    );
};

const keepLinesOfIntent = (ctx: Context, intent: string): ResultAsync<number, PaymentError> =>
  ctx.stripeEvents
    .intent(intent)
    .andThen((found) => (found && found.found.charge !== null ? keepLinesOf(ctx, found.found.charge) : okAsync(0)));

/** Most events tell of what a request has settled long before: there is nothing in them, true or not, that is new. */
const isKnown = (
  { intent, status, underWay, amountCaptured }: Payment,
  text: Extract<Told, { readonly about: 'intent' }>['text'],
): boolean => {
  if (intent !== text.intent || text.received > amountCaptured) return false;
  if (status === 'processing') return !underWay && text.status === status;
  return status === 'succeeded' || (status === 'canceled' && CANCELED_BY_THEN.has(text.status));
};

/** What an intent that is canceled was before. */
const CANCELED_BY_THEN: ReadonlySet<string> = new Set([
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'canceled',
]);
