/** From the `Authorization` header to who asks. */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { err, errAsync, ok, okAsync, type ResultAsync } from 'neverthrow';
import type { Principal } from '../domain/principal.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Keys } from '../storage/keys.ts';

/** A revoked key is refused this much later at the most. */
const REMEMBER_MS = 5_000;
/** More keys than a service has in use at a time; beyond it all are looked up afresh. */
const REMEMBERED_MAX = 10_000;
/** Ours have 51 characters. */
const KEY_LENGTH_MAX = 200;

/** The keys that are written in the documentation. They open nothing where money may be real. */
export const DEMO_KEYS = {
  secret: 'sk_test_demo',
  publishable: 'pk_test_demo',
  finance: 'fk_test_demo',
  oncall: 'ok_test_demo',
} as const;
const DEMO_SECRETS: ReadonlySet<string> = new Set(Object.values(DEMO_KEYS));

/** What is looked at of a request: who it says it is, and where it comes from. */
export type Asking = Pick<IncomingMessage, 'headers' | 'socket'>;
export type Authenticate = (request: Asking) => ResultAsync<Principal, PaymentError>;

/** Errors: `unauthenticated`, `database_unavailable`. Keys are remembered by their hash, never as they are. */
export const createAuthenticate = (keys: Keys, allowDemoKeys: boolean): Authenticate => {
  const remembered = new Map<string, { readonly principal: Principal | undefined; readonly until: number }>();

  return ({ headers }) => {
    const secret = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    if (secret === undefined || secret.length > KEY_LENGTH_MAX) return errAsync(paymentError('unauthenticated'));
    if (!allowDemoKeys && DEMO_SECRETS.has(secret))
      return errAsync(
        paymentError('unauthenticated', { message: 'Demo keys work only where database and Stripe are embedded.' }),
      );

    const digest = hash('sha256', secret, 'base64');
    const known = remembered.get(digest);
    if (known && known.until > performance.now())
      return known.principal ? okAsync(known.principal) : errAsync(paymentError('unauthenticated'));

    return keys.find(secret).andThen((principal) => {
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(digest, { principal, until: performance.now() + REMEMBER_MS });
      return principal ? ok(principal) : err(paymentError('unauthenticated'));
    });
  };
};
