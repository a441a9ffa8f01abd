/**
 * The deliverer: tells merchants' endpoints of events, until each has been heard.
 *
 * It goes in rounds. A round writes down what became of tries, makes deliveries of new events, and takes what is due;
 * tries run beside it. Any number of instances may do so at once. An event may arrive more than once, always under the
 * same `webhook-id`, and in any order.
 */
import { err, okAsync, Result, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Event } from '../domain/change.ts';
import { newId, type EndpointId, type MerchantId } from '../domain/ids.ts';
import { plusMs, toMs, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { TakenDelivery, TriedDelivery } from '../storage/webhook-deliveries.ts';
import type { Endpoint } from '../storage/webhook-endpoints.ts';
import { nextTryAt, pauseUntil } from './schedule.ts';
import type { Answer, Send } from './send.ts';
import { signedHeaders } from './sign.ts';
import { endpointView, eventView } from './view.ts';

/** While deliveries come back, as many as come in this time are written down together. */
const GATHER_MS = 20;
/** Longer than a try (15 s) with the writing down of it: after that it was lost with its sender. */
const LEASE_MS = 60_000;
/** Tries under way in one process: each is a socket and a few KiB. */
const IN_HAND_MAX = 256;
/** To one endpoint at once; fewer to one that is slow, and to one that failed last a single chance. */
const IN_HAND_MAX_OF_ENDPOINT = 8;
const IN_HAND_MAX_OF_SLOW = 2;
const IN_HAND_MAX_OF_FAILING = 1;
/** An answer that takes longer is slow: a receiver should only write down what it hears. */
const SLOW_MS = 2_000;
/** Those of whom it is remembered; beyond it the one that was so first is forgotten, until its next answer. */
const SLOW_REMEMBERED_MAX = 1_000;
/**
 * A merchant may have in hand as much as this part of what is free. However many merchants' endpoints hang, something is
 * left for the next: one takes a third of all, two take a quarter each, ten a twelfth.
 */
const PART_OF_FREE = 0.5;
/** As long as any merchant needs to notice: far more than a schedule, and more than a long weekend. */
const DISABLE_AFTER_MS = 5 * 24 * 3600 * 1000;
/** At a stop, tries under way may end in this time; then they are broken off, and are due again at once. */
const STOP_GRACE_MS = 2_000;

type Needs = Pick<Context, 'webhooks' | 'clock' | 'log'>;

export interface Deliverer {
  /**
   * A round: writes down what became of tries, and begins others. Errors: `database_unavailable`: what became of them is
   * written down in a later one.
   */
  readonly run: (ctx: Needs) => ResultAsync<'done' | 'more', PaymentError>;
  /** After the last round: ends what is under way, and writes it down. */
  readonly end: (ctx: Needs) => Promise<void>;
}

/** `wake` is called when there is something to write down. */
export const createDeliverer = (send: Send, wake: () => void): Deliverer => {
  /** For each endpoint, and for each merchant, how many are being tried, or were and are not written down yet. */
  const inHandOfEndpoint = new Map<EndpointId, number>();
  const inHandOfMerchant = new Map<MerchantId, number>();
  let inHandTotal = 0;
  const slow = new Set<EndpointId>();
  const underWay = new Set<Promise<void>>();
  let tried: TriedDelivery[] = [];
  const stop = new AbortController();
  let gathering: NodeJS.Timeout | undefined;

  const count = ({ merchant, endpoint }: Pick<TakenDelivery, 'merchant' | 'endpoint'>, by: 1 | -1): void => {
    inHandTotal += by;
    add(inHandOfEndpoint, endpoint, by);
    add(inHandOfMerchant, merchant, by);
  };

  const record = (ctx: Needs): ResultAsync<void, PaymentError> => {
    if (tried.length === 0) return okAsync(undefined);
    const written = tried;
    tried = [];
    const now = ctx.clock.now();
    const recording = { now, failingSinceMax: plusMs(now, -DISABLE_AFTER_MS), disabledEvent };
    return ctx.webhooks
      .record(written, recording)
      .map((disabled) => {
        for (const one of written) count(one, -1);
        for (const { id, merchant } of disabled)
          ctx.log.warn({ endpoint: id, merchant }, 'a webhook endpoint was disabled');
      })
      .orTee(() => {
        tried = [...written, ...tried];
      });
  };

  /** Begins tries of what is due. Answers whether there may be more, for merchants who have room. */
  const begin = (ctx: Needs): ResultAsync<boolean, PaymentError> => {
    const now = ctx.clock.now();
    // The part is taken of what is free before, and no more in all, so that many who come at once leave some too.
    const max = Math.ceil((IN_HAND_MAX - inHandTotal) * PART_OF_FREE);
    if (max <= 0) return okAsync(false);
    const wanted = {
      ...{ now, leaseUntil: plusMs(now, LEASE_MS), inHandOfEndpoint, inHandOfMerchant, slow },
      ...{ max, maxOfMerchant: max, maxOfEndpoint: IN_HAND_MAX_OF_ENDPOINT },
      ...{ maxOfSlow: IN_HAND_MAX_OF_SLOW, maxOfFailing: IN_HAND_MAX_OF_FAILING },
    };
    return ctx.webhooks.takeDue(wanted).map((deliveries) => {
      for (const delivery of deliveries) {
        count(delivery, 1);
        const running = deliver(ctx, delivery).finally(() => underWay.delete(running));
        underWay.add(running);
      }
      return deliveries.length === max;
    });
  };

  const deliver = async (ctx: Needs, delivery: TakenDelivery): Promise<void> => {
    const startedAt = ctx.clock.now();
    const body = JSON.stringify(eventView(delivery.content));
    const headers = signedHeaders(delivery.event, Math.floor(toMs(startedAt) / 1000), body, delivery.secrets);
    const answer = await send({ url: delivery.url, headers, body }, stop.signal);
    slow.delete(delivery.endpoint);
    if (answer.latencyMs > SLOW_MS) {
      const [first] = slow.size >= SLOW_REMEMBERED_MAX ? slow : [];
      if (first !== undefined) slow.delete(first);
      slow.add(delivery.endpoint);
    }
    tried.push(outcomeOf(delivery, startedAt, ctx.clock.now(), answer, stop.signal.aborted));
    gathering ??= setTimeout(() => {
      gathering = undefined;
      wake();
    }, GATHER_MS);
  };

  const round = async (ctx: Needs): Promise<Result<'done' | 'more', PaymentError>> => {
    const recorded = await record(ctx);
    if (recorded.isErr()) return err(recorded.error);
    const fanned = await ctx.webhooks.fanOut(ctx.clock.now());
    // What is due is tried even where no deliveries could be made of new events.
    const begun = await begin(ctx);
    return Result.combine([fanned, begun]).map(([events, isFull]) => (events > 0 || isFull ? 'more' : 'done'));
  };

  return {
    run: (ctx) => new ResultAsync(round(ctx)),
    end: async (ctx) => {
      const grace = setTimeout(() => stop.abort(), STOP_GRACE_MS);
      await Promise.all(underWay);
      clearTimeout(grace);
      clearTimeout(gathering);
      await record(ctx).match(
        () => undefined,
        ({ code, cause }) =>
          ctx.log.warn({ code, err: cause, count: tried.length }, 'deliveries could not be written down'),
      );
    },
  };
};

const add = <K>(counts: Map<K, number>, key: K, by: 1 | -1): void => {
  const now = (counts.get(key) ?? 0) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
};

/** What a try means for its delivery. */
const outcomeOf = (
  delivery: TakenDelivery,
  startedAt: Micros,
  now: Micros,
  { statusCode, error, retryAfter, latencyMs }: Answer,
  stopped: boolean,
): TriedDelivery => {
  const { merchant, event, endpoint, number, step } = delivery;
  const interrupted = stopped && error !== null && statusCode === null;
  const one = { merchant, event, endpoint, number, startedAt, latencyMs, statusCode, error, interrupted };
  // The standard's way for an endpoint to say that it wants no more.
  const gone = statusCode === 410;
  if (error === null) return { ...one, gone, pauseUntil: null, step, status: 'succeeded', nextTryAt: null };
  if (interrupted) return { ...one, gone, pauseUntil: null, step, status: 'pending', nextTryAt: now };
  const pause = pauseUntil(statusCode, retryAfter, now);
  const next = nextTryAt(step, now, Math.random());
  return {
    ...{ ...one, gone, pauseUntil: pause, step: step + 1, status: next === null ? 'failed' : 'pending' },
    nextTryAt: next !== null && pause !== null && pause > next ? pause : next,
  };
};

/** Told to the merchant's other endpoints. */
const disabledEvent = (endpoint: Endpoint, now: Micros): Event => ({
  merchant: endpoint.merchant,
  id: newId('evt', now),
  type: 'webhook_endpoint.disabled',
  subject: endpoint.id,
  data: JSON.stringify(endpointView(endpoint)),
});
