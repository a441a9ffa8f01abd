/** Who is signed in: by a cookie that no script can read, and no other site can use. */
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { err, errAsync, okAsync, type Result } from 'neverthrow';
import { isLocalHost, networkOf } from '../address.ts';
import type { Clock } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { DEMO_KEYS, whyNoDemo, type Authenticate } from '../http/authenticate.ts';
import { createCount } from '../http/rate-limit.ts';
import type { Session, Sessions } from '../storage/sessions.ts';

/** A working day: who looks after money signs in once in each. */
export const SESSION_MS: number = 12 * 3600 * 1000;

/**
 * With its prefix a browser takes the cookie over TLS alone, and for this very host
 * (https://www.rfc-editor.org/rfc/rfc6265#section-4.1.3, and draft-ietf-httpbis-rfc6265bis). On this machine there is no
 * TLS, and Safari would not take it there.
 */
const SECURE_NAME = '__Host-quittance';
const PLAIN_NAME = 'quittance';

/** Whether a browser came over TLS, or to a name of this machine, where it needs none. Nothing else is signed in. */
const wayOf = ({ host, origin }: IncomingHttpHeaders): 'tls' | 'local' | 'open' =>
  origin?.startsWith('https:') ? 'tls' : isLocalHost(host) ? 'local' : origin === undefined ? 'tls' : 'open';

/** Errors: `invalid_request` where neither is the case: the key would be read on the way, and the cookie not kept. */
export const mayKeepCookie = (headers: IncomingHttpHeaders): PaymentError | undefined =>
  wayOf(headers) === 'open'
    ? paymentError('invalid_request', {
        message:
          'Open the console over https, or by a name of this machine: a key is not sent where others can read it.',
      })
    : undefined;

export const cookieHeader = (headers: IncomingHttpHeaders, value: string, maxAgeS: number): string =>
  `${wayOf(headers) === 'local' ? PLAIN_NAME : SECURE_NAME}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${
    wayOf(headers) === 'local' ? '' : '; Secure'
  }`;

/** The one that holds more comes first: whoever could plant the plain one can't plant that. */
export const cookieOf = ({ cookie = '', host }: IncomingHttpHeaders): string | undefined =>
  valueOf(cookie, SECURE_NAME) ?? (isLocalHost(host) ? valueOf(cookie, PLAIN_NAME) : undefined);

const valueOf = (cookies: string, name: string): string | undefined =>
  cookies
    .split(';')
    .map((one) => one.trim().split('='))
    .find(([its, value]) => its === name && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value))?.[1];

/**
 * Whether a page of ours sent it: https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
 */
export const isOwnPage = (headers: IncomingHttpHeaders): boolean => {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin, host } = headers;
  return origin !== undefined && host !== undefined && URL.parse(origin)?.host === host.toLowerCase();
};

export const foreign: PaymentError = paymentError('forbidden', {
  message: 'This was sent from a page of another site, and nothing was done.',
});

/** Cookies that nobody has, of which one network may try so many in a second: as many as keys. */
const TRIES_PER_S = 50;
const DEMO_HASHES: ReadonlySet<string> = new Set(Object.values(DEMO_KEYS).map((key) => hash('sha256', key)));

/** Errors: `unauthenticated`, `forbidden` for what another site sends, `rate_limited`, `overloaded`, `database_unavailable`. */
export const createSessionCheck = (
  sessions: Sessions,
  clock: Clock,
  { demoKeys, corsOrigins }: { readonly demoKeys: boolean; readonly corsOrigins: '*' | readonly string[] },
): Authenticate<Session> => {
  const isTooMany = createCount(TRIES_PER_S);
  const refuse = (network: string): Result<never, PaymentError> =>
    err(isTooMany(network) ? paymentError('rate_limited', { retryAfterS: 1 }) : paymentError('unauthenticated'));

  return ({ headers, socket, method = 'GET' }) => {
    if (method !== 'GET' && method !== 'HEAD' && !isOwnPage(headers)) return errAsync(foreign);
    const cookie = cookieOf(headers);
    if (cookie === undefined) return errAsync(paymentError('unauthenticated'));
    const network = networkOf(socket.remoteAddress ?? '');
    return sessions.find(cookie, network, clock.now()).andThen((session) => {
      if (!session) return refuse(network);
      const why = DEMO_HASHES.has(session.keyHash) ? whyNoDemo(headers, demoKeys, corsOrigins) : undefined;
      return why === undefined ? okAsync(session) : errAsync(paymentError('unauthenticated', { message: why }));
    });
  };
};
