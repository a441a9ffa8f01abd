/** What Stripe tells by itself: events, as webhooks or read from its list, and the objects that they are about. */
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type Stripe from 'stripe';
import { z } from 'zod';
import type { DisputeFact, IntentFact, RefundFact } from '../domain/fact.ts';
import { isOurTag } from '../domain/tags.ts';
import { toMs, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Breaker } from './breaker.ts';
import { disputeFactOf, factOf, isMissing, isTrouble, refundFactOf, SHOWING_METHOD } from './outcome.ts';
import { CLAIM_TAG, tagged, taggedRefund, taggedSetup, type Tagged, type TaggedSetup, type Tags } from './tags.ts';

interface StripeEvent {
  readonly id: string;
  readonly type: string;
  /** JSON: what it is about. Who somebody is, and what he pays with, is not written down. */
  readonly payload: string;
}

interface EventPage {
  readonly events: readonly StripeEvent[];
  readonly hasMore: boolean;
}

/** What an event is about. It may be late, and tell of what has long changed: what is believed is what is fetched. */
export type Told =
  | {
      readonly about: 'intent';
      /** What the event itself says, which is good enough to see that there is nothing new in it; else it is looked up. */
      readonly text: {
        readonly of: Tagged | undefined;
        readonly intent: string;
        readonly status: string;
        readonly received: bigint;
      };
    }
  | { readonly about: 'refund'; readonly of: Tagged; readonly found: RefundFact }
  /** What customers have saved: looked up by whoever applies it. */
  | { readonly about: 'method'; readonly method: string }
  | { readonly about: 'setup'; readonly of: TaggedSetup; readonly intent: string }
  | { readonly about: 'dispute'; readonly of: Tagged; readonly found: DisputeFact }
  /** A debit that has failed, of which the balance had a line before. */
  | { readonly about: 'returned charge'; readonly charge: string }
  /** Money that is on its way to the bank, has arrived there, or has come back. */
  | { readonly about: 'payout'; readonly payout: string }
  /** A customer of Stripe's who may be deleted: looked up, too. */
  | { readonly about: 'customer'; readonly customer: string }
  /** An object that is not of this service, or a kind of event that changes nothing here. */
  | { readonly about: 'nothing'; readonly why: 'ignored' | 'unknown object' };

export interface FoundIntent {
  readonly of: Tagged;
  /** The claim that it was made for, where it says so. */
  readonly claim: string | null;
  readonly found: IntentFact;
}

interface IntentPage {
  /** Those that have our tags. */
  readonly intents: readonly { readonly id: string; readonly of: Tagged }[];
  readonly last: string | null;
  readonly hasMore: boolean;
}

export interface StripeEvents {
  /** The event in a webhook's body. Errors: `webhook_signature_invalid`. */
  readonly verify: (body: string, signature: string, now: Micros) => Result<StripeEvent, PaymentError>;
  /**
   * Events of the types that may change something, made since `from` and before `to`, by Stripe's clock, in whole seconds:
   * a page of them, newest first, after that event where one is named. Errors: `provider_unavailable`.
   */
  readonly madeIn: (from: Micros, to: Micros, after: string | null) => ResultAsync<EventPage, PaymentError>;
  /** Finds out what an event is about. Errors: `provider_unavailable`. */
  readonly understand: (payload: string) => ResultAsync<Told, PaymentError>;
  /** A PaymentIntent as it is now; undefined where Stripe has none, or it is none of ours. Errors: `provider_unavailable`. */
  readonly intent: (id: string) => ResultAsync<FoundIntent | undefined, PaymentError>;
  /** A page of the PaymentIntents that were made since `from` and before `to`, as of events. Errors: `provider_unavailable`. */
  readonly intentsMadeIn: (from: Micros, to: Micros, after: string | null) => ResultAsync<IntentPage, PaymentError>;
  /** Has a sandbox send its webhooks to this URL, signed with the secret that it answers. Errors: `provider_unavailable`. */
  readonly register: (url: string) => ResultAsync<string | undefined, PaymentError>;
  /** From now on, what is signed with this secret is taken too. */
  readonly accept: (secret: string) => void;
}

/** https://docs.stripe.com/webhooks#replay-attacks */
const TOLERANCE_S = 300;
/** The largest page that Stripe gives. */
const PAGE = 100;
/**
 * What is looked for in Stripe's list: whatever moves money, or ends what is waited for. Twenty types at most:
 * https://docs.stripe.com/api/events/list. Webhooks are taken of every type.
 */
const READ = [
  'payment_intent.succeeded',
  'payment_intent.processing',
  'payment_intent.payment_failed',
  'payment_intent.amount_capturable_updated',
  'payment_intent.canceled',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'charge.dispute.closed',
  'payout.paid',
  'payout.failed',
  'payout.canceled',
  'payout.reconciliation_completed',
  'payment_method.attached',
  'payment_method.detached',
  'setup_intent.succeeded',
];

/** What Stripe's webhook should send: those, which then come at once, and what more is understood. */
export const WEBHOOK_EVENTS: readonly string[] = [
  ...READ,
  'payment_intent.requires_action',
  'charge.failed',
  'payment_method.updated',
  'payment_method.automatically_updated',
  'setup_intent.requires_action',
  'setup_intent.setup_failed',
  'customer.deleted',
];

export const createEvents = (stripe: Stripe, breaker: Breaker, secrets: readonly string[]): StripeEvents => {
  const wrap = <T>(call: () => Promise<T>): ResultAsync<T, PaymentError> =>
    ResultAsync.fromPromise(breaker.aside(call), (error) =>
      paymentError(isTrouble(error) ? 'provider_unavailable' : 'internal', { cause: error }),
    );

  // The secrets in force: two while one replaces the other, and that of a sandbox once it is registered. The one that has
  // signed the last event stands first: each that does not fit costs an error with its stack.
  let accepted = [...secrets];

  const verify = (body: string, signature: string, now: Micros): Result<StripeEvent, PaymentError> => {
    for (const secret of accepted) {
      const event = constructed(stripe, body, signature, secret, now);
      if (!event) continue;
      if (secret !== accepted[0]) accepted = [secret, ...accepted.filter((other) => other !== secret)];
      return ok(event);
    }
    return err(paymentError('webhook_signature_invalid'));
  };

  const seconds = (at: Micros): number => Math.floor(toMs(at) / 1000);
  const madeIn = async (from: Micros, to: Micros, after: string | null): Promise<EventPage> => {
    const { data, has_more: hasMore } = await stripe.events.list({
      created: { gte: seconds(from), lt: seconds(to) },
      types: READ,
      limit: PAGE,
      ...(after === null ? {} : { starting_after: after }),
    });
    return {
      events: data.map(kept),
      hasMore,
    };
  };

  const intentsMadeIn = async (from: Micros, to: Micros, after: string | null): Promise<IntentPage> => {
    const { data, has_more: hasMore } = await stripe.paymentIntents.list({
      created: { gte: seconds(from), lt: seconds(to) },
      limit: PAGE,
      ...(after === null ? {} : { starting_after: after }),
    });
    const intents = data.flatMap(({ id, metadata }) => {
      const of = tagged(metadata);
      return of ? [{ id, of }] : [];
    });
    return { intents, last: data.at(-1)?.id ?? null, hasMore };
  };

  const register = async (url: string): Promise<string | undefined> => {
    const { data } = await stripe.webhookEndpoints.list({ limit: 100 });
    for (const endpoint of data) if (endpoint.url === url) await stripe.webhookEndpoints.del(endpoint.id);
    const { secret } = await stripe.webhookEndpoints.create({ url, enabled_events: ['*'] });
    return secret;
  };

  const intent = (id: string): ResultAsync<FoundIntent | undefined, PaymentError> =>
    wrap(() =>
      stripe.paymentIntents.retrieve(id, SHOWING_METHOD).then((found) => {
        const of = tagged(found.metadata);
        return of && { of, claim: found.metadata[CLAIM_TAG] ?? null, found: factOf(found) };
      }, undefinedIfMissing),
    );

  const understand = async (payload: string): Promise<Told> => {
    const read = shape.safeParse(JSON.parse(payload));
    if (!read.success) return IGNORED;
    const { object } = read.data.data;
    switch (object.object) {
      case 'payment_intent': {
        const text = {
          of: tagged(object.metadata),
          intent: object.id,
          status: object.status ?? '',
          received: BigInt(object.amount_received ?? 0),
        };
        return { about: 'intent', text };
      }
      case 'refund': {
        const refund = await stripe.refunds.retrieve(object.id);
        const of = await ownerOf(stripe, refund.metadata, refund.payment_intent);
        const found = refundFactOf(refund, taggedRefund(refund.metadata) ?? null);
        return of && found ? { about: 'refund', of, found } : UNKNOWN;
      }
      case 'dispute': {
        const dispute = await stripe.disputes.retrieve(object.id);
        const of = await ownerOf(stripe, null, dispute.payment_intent);
        return of ? { about: 'dispute', of, found: disputeFactOf(dispute) } : UNKNOWN;
      }
      // A decline of a card has moved nothing.
      case 'charge':
        return typeof object.failure_balance_transaction === 'string'
          ? { about: 'returned charge', charge: object.id }
          : IGNORED;
      case 'payment_method':
        return { about: 'method', method: object.id };
      case 'setup_intent': {
        const of = taggedSetup(object.metadata);
        return of ? { about: 'setup', of, intent: object.id } : UNKNOWN;
      }
      case 'payout':
        return { about: 'payout', payout: object.id };
      case 'customer':
        return read.data.type === 'customer.deleted' ? { about: 'customer', customer: object.id } : IGNORED;
      default:
        return IGNORED;
    }
  };

  return {
    verify,
    madeIn: (from, to, after) => wrap(() => madeIn(from, to, after)),
    intent,
    intentsMadeIn: (from, to, after) => wrap(() => intentsMadeIn(from, to, after)),
    understand: (payload) => wrap(() => understand(payload).catch(unknownIfMissing)),
    register: (url) => wrap(() => register(url)),
    accept: (secret) => {
      accepted = [...secrets, secret];
    },
  };
};

/** As long as an id of Stripe's may be, and without a NUL, of which Postgres keeps none. https://docs.stripe.com/upgrades */
const isWord = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 255 && !value.includes('\0');
const word = z.custom<string>(isWord);

/** What every event has that is about an object; one of another shape changes nothing here. All else of it is dropped. */
const shape = z.object({
  type: word.optional().catch(undefined),
  data: z.object({
    object: z.object({
      object: word,
      id: word,
      metadata: z
        .record(z.string(), z.string())
        .transform((tags) =>
          Object.fromEntries(Object.entries(tags).filter(([name, tag]) => isOurTag(name) && isWord(tag))),
        )
        .nullish()
        .catch(undefined),
      status: word.optional().catch(undefined),
      amount_received: z.int().optional().catch(undefined),
      failure_balance_transaction: word.nullish().catch(undefined),
    }),
  }),
});

/** An event as it is kept, for days: enough to understand it. */
const kept = (event: { readonly id: string; readonly type: string }): StripeEvent => {
  const { id, type } = event;
  const { data: about } = shape.safeParse(event);
  return { id, type, payload: JSON.stringify({ id, type, ...about }) };
};

const UNKNOWN: Told = { about: 'nothing', why: 'unknown object' };
const IGNORED: Told = { about: 'nothing', why: 'ignored' };

/** Stripe has no such object, and will not: one that was deleted, or of another account. */
const unknownIfMissing = (error: unknown): Told => {
  if (isMissing(error)) return UNKNOWN;
  throw error;
};
const undefinedIfMissing = (error: unknown): undefined => {
  if (isMissing(error)) return undefined;
  throw error;
};

type Reference = string | { readonly id: string } | null | undefined;

/** Whose payment an object is of: by its own tags, or by those of its PaymentIntent. */
export const ownerOf = async (stripe: Stripe, own: Tags, intent: Reference): Promise<Tagged | undefined> => {
  const id = typeof intent === 'string' ? intent : intent?.id;
  return tagged(own) ?? (id === undefined ? undefined : tagged((await stripe.paymentIntents.retrieve(id)).metadata));
};

const constructed = (
  stripe: Stripe,
  body: string,
  signature: string,
  secret: string,
  now: Micros,
): StripeEvent | undefined => {
  try {
    const event = stripe.webhooks.constructEvent(
      body,
      signature,
      secret,
      TOLERANCE_S,
      undefined,
      // In milliseconds, though the signature's own time is in seconds.
      toMs(now),
    );
    return isWord(event.id) && isWord(event.type) ? kept(event) : undefined;
  } catch {
    return undefined;
  }
};
