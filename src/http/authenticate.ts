/** From the `Authorization` header to who asks. */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { err, errAsync, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import { isLocalHost, networkOf } from '../address.ts';
import type { Principal } from '../domain/principal.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Keys } from '../storage/keys.ts';
import { createCount, type CountOne } from './rate-limit.ts';

/** A revoked key is refused this much later at the most. */
const REMEMBER_MS = 5_000;
/** More keys than a service has in use at a time; beyond it the one that was learned first is looked up afresh. */
const REMEMBERED_MAX = 10_000;
/** Ours have 51 characters. */
const KEY_LENGTH_MAX = 200;
/**
 * Keys that nobody has, of which one network may try so many in a second before it is told to come again later. Each is
 * looked up all the same, many with one query, so that a good one opens whoever tries beside it.
 */
const TRIES_PER_S = 50;

/** The keys that are written in the documentation. They open nothing where money may be real. */
export const DEMO_KEYS = {
  secret: 'sk_test_demo',
  publishable: 'pk_test_demo',
  finance: 'fk_test_demo',
  oncall: 'ok_test_demo',
} as const;
const DEMO_SECRETS: ReadonlySet<string> = new Set(Object.values(DEMO_KEYS));

/** What is looked at of a request: who it says it is, and where it comes from. */
export type Asking = Pick<IncomingMessage, 'headers' | 'socket' | 'method'>;
export type Authenticate<Who extends Principal = Principal> = (request: Asking) => ResultAsync<Who, PaymentError>;

interface Remembered {
  readonly principal: Principal | undefined;
  readonly until: number;
}

/**
 * Errors: `unauthenticated`, `rate_limited`, `overloaded`, `database_unavailable`. Keys are remembered by their hash, never as they
 * are; good ones apart from others, which whoever guesses makes as many of as he likes.
 */
export const createAuthenticate = (
  keys: Keys,
  allowDemoKeys: boolean,
  pages: '*' | readonly string[] = '*',
): Authenticate => {
  const good = createMemory();
  const bad = createMemory();
  const tries = createCount(TRIES_PER_S);

  const lookUp = (secret: string, digest: string, network: string): ResultAsync<Principal, PaymentError> =>
    keys.find(secret, network).andThen((principal) => {
      const until = performance.now() + REMEMBER_MS;
      (principal ? good : bad).set(digest, { principal, until });
      if (principal) return ok(principal);
      good.delete(digest);
      return refusalOf(tries, network);
    });

  return ({ headers, socket }) => {
    const secret = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (secret === undefined || secret.length > KEY_LENGTH_MAX) return errAsync(paymentError('unauthenticated'));
    if (DEMO_SECRETS.has(secret)) {
      const why = whyNoDemo(headers, allowDemoKeys, pages);
      if (why !== undefined) return errAsync(paymentError('unauthenticated', { message: why }));
    }

    const digest = hash('sha256', secret, 'base64');
    const known = good.get(digest) ?? bad.get(digest);
    if (known && known.until > performance.now())
      return known.principal ? okAsync(known.principal) : errAsync(paymentError('unauthenticated'));
    return lookUp(secret, digest, networkOf(socket.remoteAddress ?? ''));
  };
};

/** What one who came with a key that nobody has is told. */
const refusalOf = (isTooMany: CountOne, network: string): Result<never, PaymentError> =>
  isTooMany(network)
    ? err(paymentError('rate_limited', { retryAfterS: 1, message: 'Too many unknown keys came from this address.' }))
    : err(paymentError('unauthenticated'));

interface Memory {
  readonly get: (digest: string) => Remembered | undefined;
  readonly set: (digest: string, value: Remembered) => void;
  readonly delete: (digest: string) => void;
}

const createMemory = (): Memory => {
  const remembered = new Map<string, Remembered>();
  return {
    get: (digest) => remembered.get(digest),
    set: (digest, value) => {
      const [oldest] = remembered.size >= REMEMBERED_MAX ? remembered.keys() : [];
      if (oldest !== undefined) remembered.delete(oldest);
      remembered.set(digest, value);
    },
    delete: (digest) => remembered.delete(digest),
  };
};

const NO_DEMO =
  'Demo keys work only where database and Stripe are embedded, and only this machine can call the service.';

/**
 * Anyone knows the demo keys, so that any page that a person opens on this machine could use them: by its own origin, or
 * by a name of its own that it has lead here (DNS rebinding).
 */
export const whyNoDemo = (
  { host, origin }: Asking['headers'],
  allowDemoKeys: boolean,
  pages: '*' | readonly string[],
): string | undefined => {
  if (!allowDemoKeys) return NO_DEMO;
  if (!isLocalHost(host)) return 'Demo keys work only by a name of this machine.';
  const isKnown = origin === undefined || LOCAL_ORIGIN.test(origin) || (pages !== '*' && pages.includes(origin));
  return isKnown
    ? undefined
    : 'Demo keys work only in pages of this machine, and of CORS_ORIGINS where that names some.';
};
const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
