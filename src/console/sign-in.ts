/** In and out: a key becomes a cookie, and the cookie ends. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import { networkOf } from '../address.ts';
import type { Context } from '../context.ts';
import type { Role } from '../domain/principal.ts';
import { plusMs } from '../domain/time.ts';
import { ERRORS, paymentError, statusOf, type PaymentError } from '../error.ts';
import { DEMO_KEYS, type Authenticate } from '../http/authenticate.ts';
import { ofReader } from '../http/body.ts';
import { sendBytes } from '../http/respond.ts';
import { html, NOTHING, prose, type Page } from '../pages/html.ts';
import type { Sessions } from '../storage/sessions.ts';
import { CONSOLE_HEADERS } from './page.ts';
import { cookieHeader, cookieOf, foreign, isOwnPage, mayKeepCookie, SESSION_MS } from './session.ts';
import { errorPart, plainPage } from './shell.ts';

export const SIGN_IN = '/console/sign-in';
export const SIGN_OUT = '/console/sign-out';
/** A key has 51 characters. */
const BODY_MAX_BYTES = 1024;
const HTML = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' } as const;

interface SignIn {
  readonly ctx: Context;
  readonly sessions: Sessions;
  readonly authenticate: Authenticate;
  readonly demoKeys: boolean;
}

/** Who comes with another key is told which one is wanted. */
const WANTED: Readonly<Record<Role, string | undefined>> = {
  secret: undefined,
  finance: undefined,
  publishable: 'That is a publishable key, which stands in pages that anyone can read.',
  oncall: 'That is an on-call key: it opens the ops port, one above this one unless it was set.',
};

const form = (demoKeys: boolean, wrong?: PaymentError): Page =>
  html`<form method="post" class="sign-in">
      <label for="key">Finance or secret key</label>
      <input
        id="key"
        name="key"
        type="password"
        required
        maxlength="200"
        autocomplete="current-password"
        spellcheck="false"
        placeholder="fk_… or sk_…"
        ${{ html: wrong === undefined ? 'autofocus' : 'autofocus aria-invalid="true" aria-describedby="wrong"' }}
      />
      ${wrong === undefined ? NOTHING : html`<p class="wrong" id="wrong" role="alert">${wrong.message}</p>`}
      <button class="primary">Sign in</button>
    </form>
    ${
      demoKeys
        ? html`<form method="post" class="demo">
            <input type="hidden" name="key" value="${DEMO_KEYS.finance}" /><button>
              Open the demo with its finance key
            </button>
          </form>`
        : html`<p class="quiet">
            ${{ html: prose('`npm run keys -- create --merchant NAME --role finance` makes one: it reads all of money, and moves none.') }}
          </p>`
    }
    <p class="quiet">You stay signed in for 12 hours at the most, or until the key is revoked.</p>`;

const send = (request: Request, response: Response, status: number, page: string): void =>
  sendBytes(request, response, status, page, HTML);

/** Where somebody was going before he was asked who he is: a page of the console, and no other. */
const nextOf = (request: Request): string => {
  const next = request.query['next'];
  return typeof next === 'string' && /^\/console(?:[/?][^\\\s]*)?$/.test(next) && next.length <= 2_000
    ? next
    : '/console';
};

export const showSignIn =
  ({ demoKeys }: Pick<SignIn, 'demoKeys'>): RequestHandler =>
  (request, response) => {
    request.record.route = SIGN_IN;
    request.record.headers = CONSOLE_HEADERS;
    // Who comes from a page, with a cookie that opens none, was in before.
    const wasIn = request.query['next'] !== undefined && cookieOf(request.headers) !== undefined;
    const why = wasIn
      ? html`<p role="status">You are signed out: the time of your session is over, or its key was revoked.</p>`
      : NOTHING;
    send(request, response, 200, plainPage('Sign in to the console', html`${why}${form(demoKeys)}`));
  };

export const signIn = ({ ctx, sessions, authenticate, demoKeys }: SignIn): RequestHandler => {
  const begin = (request: Request, key: string): ResultAsync<string, PaymentError> =>
    authenticate({ headers: { ...request.headers, authorization: `Bearer ${key}` }, socket: request.socket })
      .andThen(({ role, merchant }) => {
        const why = WANTED[role];
        const now = ctx.clock.now();
        return why === undefined
          ? sessions.begin(merchant, key, { now, until: plusMs(now, SESSION_MS) })
          : errAsync(
              paymentError('forbidden', {
                message: `${why} The console takes a finance key (fk_…) or a secret key (sk_…).`,
              }),
            );
      })
      .andThen((cookie) => (cookie === undefined ? errAsync(paymentError('unauthenticated')) : okAsync(cookie)));

  return withForm(ctx, SIGN_IN, (request, response, sent) => {
    const open = mayKeepCookie(request.headers);
    const key = (sent.get('key') ?? '').trim();
    const begun = open ? errAsync(open) : begin(request, key);
    return begun.match(
      (cookie) =>
        sendBytes(request, response, 303, '', {
          ...HTML,
          'Set-Cookie': cookieHeader(request.headers, cookie, SESSION_MS / 1000),
          Location: nextOf(request),
        }),
      (error) => {
        request.record.error = error;
        const told =
          error.code === 'unauthenticated' && error.message === ERRORS.unauthenticated.message ? UNKNOWN_KEY : error;
        send(request, response, statusOf(error), plainPage('Sign in to the console', form(demoKeys, told)));
      },
    );
  });
};
const UNKNOWN_KEY = paymentError('unauthenticated', {
  message: 'No key in force is like that. It may have been revoked, or lost a character on the way.',
});

/** Whoever is signed out cannot come back by the button of his browser: no page is kept. */
export const signOut = ({ ctx, sessions }: Pick<SignIn, 'ctx' | 'sessions'>): RequestHandler =>
  withForm(ctx, SIGN_OUT, (request, response) => {
    const cookie = cookieOf(request.headers);
    const network = networkOf(request.socket.remoteAddress ?? '');
    const ended: ResultAsync<void, PaymentError> =
      cookie === undefined
        ? okAsync(undefined)
        : sessions
            .find(cookie, network, ctx.clock.now())
            .andThen((session) => (session ? sessions.end(session, cookie) : okAsync(undefined)));
    return ended.match(
      () =>
        sendBytes(request, response, 303, '', {
          ...HTML,
          'Set-Cookie': cookieHeader(request.headers, '', 0),
          Location: SIGN_IN,
        }),
      (error) => fail(request, response, error),
    );
  });

/** How a page says that it was not to be had: who is not signed in is asked to, and comes back to where he was going. */
export const fail = (request: Request, response: Response, error: PaymentError): void => {
  request.record.headers = CONSOLE_HEADERS;
  if (error.code === 'unauthenticated') {
    const next = request.method === 'GET' ? `?next=${encodeURIComponent(request.originalUrl)}` : '';
    sendBytes(request, response, 303, '', { ...HTML, Location: SIGN_IN + next });
    return;
  }
  request.record.error = error;
  const page = plainPage('Not at the moment', errorPart(error, request.record.requestId));
  const again = error.retryAfterS === undefined ? {} : { 'Retry-After': String(error.retryAfterS) };
  if (!response.headersSent) sendBytes(request, response, statusOf(error), page, { ...HTML, ...again });
};

/** A form of a page of ours: from another site nothing is taken. */
const withForm = (
  ctx: Pick<Context, 'log'>,
  path: string,
  act: (request: Request, response: Response, sent: URLSearchParams) => Promise<void>,
): RequestHandler => {
  const read = express.raw({ type: 'application/x-www-form-urlencoded', inflate: false, limit: BODY_MAX_BYTES });
  const crashed = (request: Request, response: Response, cause: unknown): void => {
    ctx.log.error({ err: cause, 'request.id': request.record.requestId, 'http.route': path }, 'internal error');
    fail(request, response, paymentError('internal', { cause }));
  };
  return (request, response) => {
    request.record.route = path;
    request.record.headers = CONSOLE_HEADERS;
    if (!isOwnPage(request.headers)) {
      fail(request, response, foreign);
      return;
    }
    read(request, response, (error: unknown) => {
      if (error !== undefined) {
        fail(request, response, ofReader(error, BODY_MAX_BYTES));
        return;
      }
      const body: unknown = request.body;
      const sent = new URLSearchParams(Buffer.isBuffer(body) ? body.toString() : '');
      act(request, response, sent).catch((cause: unknown) => crashed(request, response, cause));
    });
  };
};
