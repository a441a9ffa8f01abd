/** How Stripe is reached: the package's own client, without the repeats of its own, and with an ear for Stripe's clock. */
import http from 'node:http';
import https from 'node:https';
import Stripe from 'stripe';
import { STRIPE_SILENCE_MS } from '../domain/deadlines.ts';

export interface StripeOptions {
  readonly secretKey: string;
  /** Another Stripe-compatible endpoint; undefined for Stripe's own. */
  readonly apiBase: string | undefined;
  readonly onTime?: OnStripeTime;
}

/** Pinned, so that an upgrade of the package changes no reply by itself. The types are of this version. */
const API_VERSION = '2026-10-28.endive' as const;

export const connectStripe = (options: StripeOptions): Stripe =>
  new Stripe(options.secretKey, {
    apiVersion: API_VERSION,
    timeout: STRIPE_SILENCE_MS,
    // Retries are ours, so that it is known of each send whether it was the first.
    maxNetworkRetries: 0,
    telemetry: false,
    ...endpoint(options),
  });

/** One keep-alive agent: a third of the CPU of a new connection for each call, or of the package's fetch client. */
const endpoint = ({ apiBase, onTime }: StripeOptions): Stripe.StripeConfig => {
  if (apiBase === undefined)
    return { httpClient: quietly(Stripe.createNodeHttpClient(new https.Agent({ keepAlive: true })), onTime) };
  const url = new URL(apiBase);
  const secure = url.protocol === 'https:';
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  return {
    httpClient: quietly(Stripe.createNodeHttpClient(agent), onTime),
    host: url.hostname,
    port: url.port || (secure ? 443 : 80),
    protocol: secure ? 'https' : 'http',
  };
};

/**
 * The package repeats a request by itself where the connection was reset, though it may have been read. Under another
 * name than the two that it knows, it leaves that to us, who have to know whether an answer is the first.
 */
const RESET = 'CONNECTION_RESET';

/** Told, now and then, what time it is at Stripe, in milliseconds since 1970, and how long the answer took. */
type OnStripeTime = (atMs: number, tookMs: number) => void;

/** Stripe's clock is looked at this often; a date in whole seconds tells no more. */
const LOOK_EVERY_MS = 1_000;

const quietly = (inner: Stripe.HttpClient, onTime: OnStripeTime = () => undefined): Stripe.HttpClient => {
  let lookedAtMs = -Infinity;
  class Quiet extends Stripe.HttpClient {
    override getClientName(): string {
      return inner.getClientName();
    }
    override async makeRequest(
      ...request: Parameters<Stripe.HttpClient['makeRequest']>
    ): ReturnType<Stripe.HttpClient['makeRequest']> {
      const startedAtMs = performance.now();
      try {
        const response = await inner.makeRequest(...request);
        const nowMs = performance.now();
        const { date } = response.getHeaders();
        if (typeof date === 'string' && nowMs - lookedAtMs > LOOK_EVERY_MS) {
          lookedAtMs = nowMs;
          onTime(Date.parse(date), nowMs - startedAtMs);
        }
        return response;
      } catch (error) {
        throw renamed(error);
      }
    }
  }
  return new Quiet();
};

const renamed = (error: unknown): unknown => {
  const isReset = Stripe.HttpClient.CONNECTION_CLOSED_ERROR_CODES.some((code) => code === codeOf(error));
  return isReset ? Object.assign(new Error('the connection was reset', { cause: error }), { code: RESET }) : error;
};

/** Of what Node's own modules throw: of another realm, where this one has its own globals, it is no `Error` here. */
const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** Whether the connection was reset: nobody knows whether the request was read. */
export const isReset = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeConnectionError && codeOf(error.detail) === RESET;
