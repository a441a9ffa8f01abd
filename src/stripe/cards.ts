/**
 * Cards, at Stripe. The only place that knows the stripe package: it throws, here it is wrapped once.
 *
 * What Stripe says for certain is an outcome (paid, declined, refused, or the customer must act). What leaves us in the
 * dark is an error, `provider_unavailable` with `outcome: unknown`: a charge may exist, and only a resend under the same
 * key, or a look at Stripe's own records, can tell.
 */
import http from 'node:http';
import https from 'node:https';
import { ResultAsync } from 'neverthrow';
import Stripe from 'stripe';
import type { Settlement } from '../domain/change.ts';
import { parseId, type PaymentId, type RefundId } from '../domain/ids.ts';
import type { Payment, PaymentAttempt, RefundAttempt } from '../domain/payment.ts';
import { toMs } from '../domain/time.ts';
import type { StripeError } from '../domain/refusals.ts';
import { paymentError } from '../error.ts';
import type { Breaker } from './breaker.ts';
import {
  isTrouble,
  refundOutcomeOf,
  refundRefusal,
  settlementOf,
  settlementOfError,
  wasReplayed,
  type RefundOutcome,
} from './outcome.ts';

export interface Cards {
  /**
   * Confirms, captures or cancels, under the attempt's own key: sent again, it does nothing twice.
   * Errors: `provider_unavailable` with `outcome: unknown`; `replayed` says that Stripe keeps answering so.
   */
  readonly send: (payment: Payment, attempt: PaymentAttempt) => ResultAsync<Settlement, StripeError & Replayed>;
  /** What Stripe has on record of a payment; null if it has nothing. Errors: `provider_unavailable`. */
  readonly find: (payment: Payment, attempt: PaymentAttempt | null) => ResultAsync<Settlement | null, StripeError>;
  /** Sends money back, under the attempt's own key. Errors: as `send`. */
  readonly refund: (payment: Payment, attempt: RefundAttempt) => ResultAsync<RefundOutcome, StripeError & Replayed>;
  /** What Stripe has on record of a refund; null if it has nothing. Errors: `provider_unavailable`. */
  readonly findRefund: (payment: Payment, attempt: RefundAttempt) => ResultAsync<RefundOutcome | null, StripeError>;
  /** Whether Stripe answers at all. Errors: `provider_unavailable`. */
  readonly ping: () => ResultAsync<void, StripeError>;
}

/** Whether the failure came from Stripe's memory of this key, so that sending it again is of no use. */
export interface Replayed {
  readonly replayed?: boolean;
}

export interface StripeOptions {
  readonly secretKey: string;
  /** Another Stripe-compatible endpoint; undefined for Stripe's own. */
  readonly apiBase: string | undefined;
}

/** Pinned, so that an upgrade of the package changes no reply by itself. The types are of this version. */
const API_VERSION = '2026-10-28.endive' as const;
/** Card networks answer in one to three seconds; past eight the caller is better off with an honest "unknown". */
const STRIPE_TIMEOUT_MS = 8_000;
/** The timeout is of silence: a reply that trickles, or a call that the package repeats, ends here, before the lease. */
const STRIPE_DEADLINE_MS = 9_000;
/** How far our clock and Stripe's may differ when a payment is looked for by time. */
const CLOCK_SKEW_S = 300;
/** An attempt is sent, or resent, for 23 hours after it began; Stripe remembers its key for 24. */
const MAX_SEND_DELAY_S = 23 * 3600;

/** The tags by which objects at Stripe are known as ours. */
const PAYMENT_TAG = 'quittance_payment';
const MERCHANT_TAG = 'quittance_merchant';
const REFUND_TAG = 'quittance_refund';

type Tags = Readonly<Record<string, string>> | null | undefined;

/** Whose payment an object at Stripe is, by its tags. */
export const taggedPayment = (metadata: Tags): { merchant: string; payment: PaymentId } | undefined => {
  const payment = parseId('pay', metadata?.[PAYMENT_TAG] ?? '');
  const merchant = metadata?.[MERCHANT_TAG];
  return payment && merchant !== undefined ? { merchant, payment } : undefined;
};

/** Which refund of ours a refund at Stripe is, by its tags. */
export const taggedRefund = (metadata: Tags): RefundId | undefined => parseId('re', metadata?.[REFUND_TAG] ?? '');

export const connectStripe = ({ secretKey, apiBase }: StripeOptions): Stripe =>
  new Stripe(secretKey, {
    apiVersion: API_VERSION,
    timeout: STRIPE_TIMEOUT_MS,
    // Retries are ours: the sweeper's, with a lease. The package itself repeats a reset connection once, same key.
    maxNetworkRetries: 0,
    telemetry: false,
    ...endpoint(apiBase),
  });

export const createCards = (stripe: Stripe, breaker: Breaker): Cards => {
  /** A call that moves money. */
  const act = <T>(work: () => Promise<T>): Promise<T> => breaker.call(work, STRIPE_DEADLINE_MS);
  /** A look at Stripe's records, of as many pages as there are. */
  const look = <T>(work: () => Promise<T>): ResultAsync<T, StripeError & Replayed> =>
    ResultAsync.fromPromise(breaker.call(work), inTheDark);

  const send = async (payment: Payment, attempt: PaymentAttempt): Promise<Settlement> => {
    const intent = await act(() => call(stripe, payment, attempt));
    return settlementOf(intent, intent.lastResponse.requestId);
  };

  /** What a refusal means: it changes nothing, and so the intent is read, which may have a challenge that is open. */
  const afterError = async (error: unknown, { intent }: Payment, { kind }: PaymentAttempt): Promise<Settlement> => {
    const refusal = settlementOfError(error);
    if (!refusal) throw asError(error);
    if (intent === null || (kind === 'confirm' && refusal.outcome !== 'failed')) return refusal;
    const found = settlementOf(await stripe.paymentIntents.retrieve(intent), refusal.stripeRequestId);
    const isSettled = found.outcome === 'succeeded' || found.outcome === 'canceled' || found.outcome === 'processing';
    return isSettled ? found : { ...found, outcome: refusal.outcome, lastError: refusal.lastError };
  };

  const find = async (payment: Payment, attempt: PaymentAttempt | null): Promise<Settlement | null> => {
    if (payment.intent !== null) return settlementOf(await stripe.paymentIntents.retrieve(payment.intent), null);
    const startedS = Math.floor(toMs(attempt?.startedAt ?? payment.createdAt) / 1000);
    const created = { gte: startedS - CLOCK_SKEW_S, lte: startedS + MAX_SEND_DELAY_S + CLOCK_SKEW_S };
    // Listed, never searched: Stripe's search lags behind by up to a minute, or hours in an outage.
    for await (const intent of stripe.paymentIntents.list({ created, limit: 100 }))
      if (intent.metadata[PAYMENT_TAG] === payment.id) return settlementOf(intent, null);
    return null;
  };

  const refund = async (payment: Payment, attempt: RefundAttempt): Promise<RefundOutcome> => {
    const made = await act(() =>
      stripe.refunds.create(
        {
          payment_intent: payment.intent ?? '',
          amount: Number(attempt.amount),
          metadata: { ...tags(payment), [REFUND_TAG]: attempt.refund },
        },
        { idempotencyKey: attempt.id },
      ),
    );
    return refundOutcomeOf(made, made.lastResponse.requestId);
  };

  const findRefund = async (payment: Payment, attempt: RefundAttempt): Promise<RefundOutcome | null> => {
    for await (const made of stripe.refunds.list({ payment_intent: payment.intent ?? '', limit: 100 }))
      if (made.metadata?.[REFUND_TAG] === attempt.refund) return refundOutcomeOf(made, null);
    return null;
  };

  return {
    send: (payment, attempt) =>
      ResultAsync.fromPromise(
        send(payment, attempt).catch((error: unknown) => afterError(error, payment, attempt)),
        inTheDark,
      ),
    find: (payment, attempt) => look(() => find(payment, attempt)),
    refund: (payment, attempt) =>
      ResultAsync.fromPromise(
        refund(payment, attempt).catch((error: unknown) => refundRefusal(error) ?? Promise.reject(asError(error))),
        inTheDark,
      ),
    findRefund: (payment, attempt) => look(() => findRefund(payment, attempt)),
    ping: () => look(() => stripe.balance.retrieve()).map(() => undefined),
  };
};

const tags = ({ id, merchant }: Payment): Record<string, string> => ({ [PAYMENT_TAG]: id, [MERCHANT_TAG]: merchant });

type Answered = Stripe.Response<Stripe.PaymentIntent>;

const call = (stripe: Stripe, payment: Payment, attempt: PaymentAttempt): Promise<Answered> => {
  const options = { idempotencyKey: attempt.id };
  const card = {
    ...(attempt.kind === 'confirm' ? { payment_method: attempt.paymentMethod } : {}),
    // Who cannot be sent back cannot be sent to the bank's page: the card is declined, and the reason says so.
    ...(payment.returnUrl === null ? { error_on_requires_action: true } : { return_url: payment.returnUrl }),
  };
  if (payment.intent === null)
    return stripe.paymentIntents.create(
      {
        amount: Number(payment.amount),
        currency: payment.currency,
        allowed_payment_method_types: ['card'],
        capture_method: payment.captureMethod,
        confirm: true,
        metadata: tags(payment),
        ...(payment.description === null ? {} : { description: payment.description }),
        ...card,
      },
      options,
    );
  switch (attempt.kind) {
    case 'confirm':
      return stripe.paymentIntents.confirm(payment.intent, card, options);
    case 'capture': {
      const amount = attempt.amount === null ? {} : { amount_to_capture: Number(attempt.amount) };
      return stripe.paymentIntents.capture(payment.intent, amount, options);
    }
    case 'cancel':
      return stripe.paymentIntents.cancel(payment.intent, {}, options);
  }
};

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** What no one can tell yet. Whatever is not Stripe's own trouble is a fault of ours: `internal`, and unknown too. */
const inTheDark = (error: unknown): StripeError & Replayed => ({
  ...paymentError(isTrouble(error) ? 'provider_unavailable' : 'internal', { outcome: 'unknown', cause: error }),
  replayed: wasReplayed(error),
});

/** One keep-alive agent: a third of the CPU of a new connection for each call, or of the package's fetch client. */
const endpoint = (apiBase: string | undefined): Stripe.StripeConfig => {
  if (apiBase === undefined) return { httpClient: Stripe.createNodeHttpClient(new https.Agent({ keepAlive: true })) };
  const url = new URL(apiBase);
  const secure = url.protocol === 'https:';
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  return {
    httpClient: Stripe.createNodeHttpClient(agent),
    host: url.hostname,
    port: url.port || (secure ? 443 : 80),
    protocol: secure ? 'https' : 'http',
  };
};
