/**
 * Charging cards at Stripe. The only place that knows the stripe package: it throws, here it is wrapped once.
 *
 * What Stripe says for certain is an outcome (a `Settlement`: paid, declined, refused, or the customer must act). What
 * leaves us in the dark is an error, `provider_unavailable` with `outcome: unknown`: a charge may exist, and only a
 * resend under the same key, or a look at Stripe's own records, can tell.
 */
import http from 'node:http';
import https from 'node:https';
import { ResultAsync } from 'neverthrow';
import Stripe from 'stripe';
import type { Settlement } from '../domain/change.ts';
import type { Attempt, Payment } from '../domain/payment.ts';
import { toMs } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { isTrouble, settlementOf, settlementOfError, wasReplayed } from './outcome.ts';

export interface Cards {
  /**
   * Confirms an attempt at Stripe under the attempt's own key: sent again, it does nothing twice.
   * Errors: `provider_unavailable` with `outcome: unknown`; `replayed` says that Stripe keeps answering so.
   */
  readonly confirm: (payment: Payment, attempt: Attempt) => ResultAsync<Settlement, PaymentError & Replayed>;
  /** What Stripe has on record of an attempt; null if it has nothing. Errors: `provider_unavailable`. */
  readonly find: (payment: Payment, attempt: Attempt) => ResultAsync<Settlement | null, PaymentError>;
}

/** Whether the failure came from Stripe's memory of this key, so that sending it again is of no use. */
export interface Replayed {
  readonly replayed?: boolean;
}

export interface CardsOptions {
  readonly secretKey: string;
  /** Another Stripe-compatible endpoint; undefined for Stripe's own. */
  readonly apiBase: string | undefined;
}

/** Pinned, so that an upgrade of the package changes no reply by itself. The types are of this version. */
const API_VERSION = '2026-10-28.endive' as const;
/** Card networks answer in one to three seconds; past eight the caller is better off with an honest "unknown". */
export const STRIPE_TIMEOUT_MS = 8_000;
/** How far our clock and Stripe's may differ when a payment is looked for by time. */
const CLOCK_SKEW_S = 300;
/** The tags by which a PaymentIntent is known as ours. */
export const PAYMENT_TAG = 'quittance_payment';
const MERCHANT_TAG = 'quittance_merchant';

export const createCards = ({ secretKey, apiBase }: CardsOptions): Cards => {
  const stripe = new Stripe(secretKey, {
    apiVersion: API_VERSION,
    timeout: STRIPE_TIMEOUT_MS,
    // Retries are ours: the sweeper's, with a lease. The package itself repeats a reset connection once, same key.
    maxNetworkRetries: 0,
    telemetry: false,
    ...endpoint(apiBase),
  });

  const send = async (payment: Payment, attempt: Attempt): Promise<Settlement> => {
    const options = { idempotencyKey: attempt.stripeKey };
    const returnUrl = payment.returnUrl === null ? {} : { return_url: payment.returnUrl };
    const intent =
      payment.intent === null
        ? await stripe.paymentIntents.create(
            {
              amount: Number(payment.amount),
              currency: payment.currency,
              payment_method: attempt.paymentMethod,
              allowed_payment_method_types: ['card'],
              capture_method: payment.captureMethod,
              confirm: true,
              metadata: { [PAYMENT_TAG]: payment.id, [MERCHANT_TAG]: payment.merchant },
              ...(payment.description === null ? {} : { description: payment.description }),
              ...returnUrl,
            },
            options,
          )
        : await stripe.paymentIntents.confirm(
            payment.intent,
            { payment_method: attempt.paymentMethod, ...returnUrl },
            options,
          );
    return settlementOf(intent, intent.lastResponse.requestId);
  };

  const look = async (payment: Payment, attempt: Attempt): Promise<Settlement | null> => {
    if (payment.intent !== null) return settlementOf(await stripe.paymentIntents.retrieve(payment.intent), null);
    const startedS = Math.floor(toMs(attempt.startedAt) / 1000);
    const created = { gte: startedS - CLOCK_SKEW_S, lte: startedS + MAX_SEND_DELAY_S + CLOCK_SKEW_S };
    // Listed, never searched: Stripe's search lags behind by up to a minute, or hours in an outage.
    for await (const intent of stripe.paymentIntents.list({ created, limit: 100 }))
      if (intent.metadata[PAYMENT_TAG] === payment.id) return settlementOf(intent, null);
    return null;
  };

  return {
    confirm: (payment, attempt) =>
      ResultAsync.fromPromise(
        send(payment, attempt).catch((error: unknown) => settlementOfError(error) ?? Promise.reject(asError(error))),
        inTheDark,
      ),
    find: (payment, attempt) => ResultAsync.fromPromise(look(payment, attempt), inTheDark),
  };
};

/** An attempt is sent, or resent, for 23 hours after it began; Stripe remembers its key for 24. */
export const MAX_SEND_DELAY_S: number = 23 * 3600;

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** What no one can tell yet. Whatever is not Stripe's own trouble is a fault of ours: `internal`, and unknown too. */
const inTheDark = (error: unknown): PaymentError & Replayed => ({
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
