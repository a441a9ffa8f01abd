/** One try to tell an endpoint: one POST, to an address that was looked at before, and no further. */
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import { hostOf, isPublicAddress, resolve as resolveName, type Resolve } from './address.ts';

/** Names, connects, sends and hears in this time together. */
const TIMEOUT_MS = 15_000;
/** An answer is its status. Of its body as much is read as lets a receiver finish a polite sentence. */
const BODY_MAX_BYTES = 16 * 1024;
/** Interim answers (`103 Early Hints`) come before it, and no body's limit counts them: a million would take the event loop for seconds. */
const INTERIM_MAX = 16;

interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What was heard. Any 2xx is a success, and has no error; a redirect is none, since nobody has looked at where it leads. */
export interface Answer {
  /** Null where there was no answer. */
  readonly statusCode: number | null;
  readonly error: string | null;
  /** When the receiver wants to be tried again, in its own words. */
  readonly retryAfter: string | null;
  readonly latencyMs: number;
}

/** Never rejects. `stop` breaks it off. */
export type Send = (message: Message, stop: AbortSignal) => Promise<Answer>;

export interface SendOptions {
  /** Whether addresses that are not public may be called: only where all that there is here is a demonstration. */
  readonly allowPrivate: boolean;
  readonly timeoutMs?: number;
  readonly resolve?: Resolve;
}

export const createSend = ({ allowPrivate, timeoutMs = TIMEOUT_MS, resolve = resolveName }: SendOptions): Send => {
  return async (message, stop) => {
    const startedAt = performance.now();
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]);
    const heard = await Promise.race([call(message, signal, resolve, allowPrivate), brokenOff(signal)]).catch(
      (error: unknown) => failed(reasonOf(error)),
    );
    return { ...heard, latencyMs: performance.now() - startedAt };
  };
};

type Heard = Omit<Answer, 'latencyMs'>;

const failed = (error: string): Heard => ({ statusCode: null, error, retryAfter: null });

const TOO_LATE = 'There was no answer in time.';

/** For what takes no signal: a question to a name server. */
const brokenOff = (signal: AbortSignal): Promise<Heard> =>
  new Promise((answer) => signal.addEventListener('abort', () => answer(failed(TOO_LATE)), { once: true }));

const call = async (
  { url: text, headers, body }: Message,
  signal: AbortSignal,
  resolve: Resolve,
  allowPrivate: boolean,
): Promise<Heard> => {
  const url = new URL(text);
  const resolved = await resolve(hostOf(url));
  if (resolved.length === 0) return failed('The name of the host could not be resolved.');
  const addresses = allowPrivate ? resolved : resolved.filter(isPublicAddress);
  if (addresses.length === 0) return failed('The host has no address of the public internet.');
  if (signal.aborted) return failed(TOO_LATE);
  return post(url, headers, body, signal, only(addresses));
};

/**
 * The connection goes to an address that was looked at, whatever a name server says when it is asked again. A host that
 * is an address itself is never looked up, and has been looked at as well.
 */
const only = (addresses: readonly string[]): LookupFunction => {
  const entries = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, options, callback) => {
    const [first] = entries;
    if (options.all || !first) callback(null, entries);
    else callback(null, first.address, first.family);
  };
};

const post = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
  lookup: LookupFunction,
): Promise<Heard> =>
  new Promise((answer) => {
    const request = (url.protocol === 'https:' ? overHttps : overHttp)(url, {
      method: 'POST',
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'User-Agent': 'Quittance-Webhooks/1',
      },
      // A connection of its own, which no other host's can be mistaken for.
      agent: false,
      lookup,
      signal,
    });
    request.on('error', (error) => answer(failed(signal.aborted ? TOO_LATE : reasonOf(error))));
    request.on('close', () => answer(failed('The connection was closed without an answer.')));
    let interim = 0;
    request.on('information', () => {
      if (++interim <= INTERIM_MAX) return;
      answer(failed('The endpoint sent one interim answer after the other, and none that was final.'));
      request.destroy();
    });
    request.on('response', (response) => {
      const done = (): void => {
        answer(verdict(response.statusCode ?? 0, response.headers['retry-after'] ?? null));
        request.destroy();
      };
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > BODY_MAX_BYTES) done();
      });
      response.on('error', done).on('close', done);
    });
    request.end(body);
  });

const verdict = (statusCode: number, retryAfter: string | null): Heard => {
  if (statusCode >= 200 && statusCode < 300) return { statusCode, error: null, retryAfter: null };
  const redirect = statusCode >= 300 && statusCode < 400 ? ' Redirects are not followed.' : '';
  return { statusCode, error: `The endpoint answered ${statusCode}.${redirect}`, retryAfter };
};

/** By its code alone (`ECONNREFUSED`, `CERT_HAS_EXPIRED`): a message may hold addresses. */
const reasonOf = (error: unknown): string => {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^\w{1,60}$/.test(code)
    ? `The connection failed: ${code}.`
    : 'The connection failed.';
};
