/**
 * One request from beginning to end: who asks, whether he may, what he sent, whether there is a place, what comes of it.
 *
 * In this order. Nothing is read from who is not known, and a place is taken for what has come in whole and given back
 * when it is answered, so that none is held by a body that never comes, or a reply that nobody takes.
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Request, RequestHandler, Response } from 'express';
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Principal } from '../domain/principal.ts';
import { errorReply } from '../domain/reply.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Admission, AdmissionClass, Refusal, SeenKeys, Visitor } from '../monitor/admission.ts';
import type { Authenticate } from './authenticate.ts';
import { createReadBody } from './body.ts';
import type { Cors } from './headers.ts';
import { isLarge, type Pace, type Turn } from './pace.ts';
import { endTogether, sendError, sendReply, type HttpReply } from './respond.ts';
import { NO_QUERY, type Incoming, type Route } from './route.ts';

/** What is served: a route of the API, or a page. `Who` is what is known of whoever asks. */
export interface Served<Who extends Principal> extends Pick<
  Route,
  'method' | 'path' | 'roles' | 'class' | 'cors' | 'key'
> {
  readonly schemas: { readonly body: unknown };
  readonly isForm?: boolean;
  readonly run: (ctx: Context, incoming: Incoming<Who>) => ResultAsync<HttpReply, PaymentError>;
}

/** How one is told that it was not done. */
type Fail = (request: Request, response: Response, error: PaymentError) => void;

export interface ServeOptions<Who extends Principal = Principal> {
  readonly ctx: Context;
  readonly authenticate: Authenticate<Who>;
  readonly admission: Admission;
  readonly seen: SeenKeys;
  /** One for API and console: a merchant has one large request under way, wherever he asks. */
  readonly pace: Pace;
  readonly retryAfterS: () => number;
  /** Names the route of what is under way. */
  readonly nameRoute: (route: string) => void;
  readonly onShed: (reason: Refusal, serviceClass: AdmissionClass) => void;
  /** In JSON, where it is left out. */
  readonly fail?: Fail;
}

/** From a route to what Express mounts. */
export const createServe = <Who extends Principal>(
  options: ServeOptions<Who>,
  cors: Cors,
): ((route: Served<Who>) => RequestHandler) => {
  const { ctx, authenticate, admission, seen, pace, retryAfterS, nameRoute, onShed } = options;
  const fail: Fail =
    options.fail ?? ((request, response, error) => sendError(ctx, request, response, request.record, error));
  const refuse =
    options.fail === undefined
      ? refuseInJson
      : (request: Request, response: Response, afterS: number): void => {
          fail(request, response, paymentError('overloaded', { retryAfterS: afterS }));
        };

  /** Who was asked to come again, and not before. */
  const asked = new WeakMap<Socket, { readonly principal: string; readonly until: number }>();

  /**
   * Whoever asks again sooner is answered when his time has come, so that he costs no more than one who waits. His
   * connection is read on: a proxy's may bring what others ask.
   */
  const shed = (
    request: Request,
    response: Response,
    reason: Refusal,
    { class: of, principal }: Visitor,
  ): undefined => {
    onShed(reason, of);
    request.record.isShed = true;
    const afterS = retryAfterS();
    const now = performance.now();
    const before = asked.get(request.socket);
    if (before?.principal === principal && before.until > now) {
      const timer = setTimeout(() => refuse(request, response, afterS), before.until - now);
      response.once('close', () => clearTimeout(timer));
    } else {
      asked.set(request.socket, { principal, until: now + afterS * 1000 });
      refuse(request, response, afterS);
    }
  };

  return (route) => {
    const readBody = createReadBody(route);

    /** Undefined: it was shed, and has its reply. */
    const answer = async (
      request: Request,
      response: Response,
    ): Promise<Result<HttpReply, PaymentError> | undefined> => {
      const { record } = request;
      const identified = (await authenticate(request)).andThen((principal) => mayCall(route, principal));
      if (identified.isErr()) return err(identified.error);
      const principal = identified.value;
      record.merchant = principal.merchant;
      pace.asks(principal.merchant);

      const key = keyOf(route, request);
      const visitor = visitorOf(route, principal, key !== undefined && seen.isRepeat(principal.merchant, key));
      // Before its body is read: what would be refused afterwards need not be sent.
      const early = admission.refusal(visitor);
      if (early) {
        shed(request, response, early, visitor);
        return;
      }

      const body = readBody(request, response, principal.caller);
      const text = body instanceof Promise ? await body : body;
      if (text.isErr()) {
        if (text.error.code !== 'overloaded') return err(text.error);
        shed(request, response, 'share', visitor);
        return;
      }

      const query = request.url.includes('?') ? request.query : NO_QUERY;
      let turn: Turn | undefined;
      if (isLarge(text.value, query['limit'])) {
        turn = await pace.begin(principal.merchant, text.value.length);
        if (!turn) {
          shed(request, response, 'share', visitor);
          return;
        }
      }
      const refusal = admission.enter(visitor);
      if (refusal) {
        turn?.end(response, 0);
        shed(request, response, refusal, visitor);
        return;
      }
      const end = key === undefined ? undefined : seen.begin(principal.merchant, key);
      let replyCharacters = 0;
      let streaming: Readable | undefined;
      try {
        const incoming = { principal, requestId: record.requestId, request, query, text: text.value };
        const result = await (turn ? turn.run(() => route.run(ctx, incoming)) : route.run(ctx, incoming));
        if (result.isOk()) {
          replyCharacters = result.value.body.length;
          streaming = result.value.stream;
        }
        return result;
      } finally {
        const leave = (): void => {
          admission.leave(visitor);
          end?.();
          turn?.end(response, replyCharacters);
        };
        // A report has its place until the last of it is taken.
        if (streaming) streaming.once('close', leave);
        else leave();
      }
    };

    return (request, response) => {
      const { record } = request;
      record.route = route.path;
      if (route.cors) record.headers = cors.headersFor(request.headers.origin);
      nameRoute(route.path);
      answer(request, response)
        .then((result) => {
          if (!result) return;
          if (result.isOk()) sendReply(request, response, result.value);
          else fail(request, response, result.error);
        })
        .catch((cause: unknown) => {
          // Nothing of ours throws. What was done by then, nobody knows; a read does nothing.
          const outcome = route.method === 'GET' ? 'none' : 'unknown';
          fail(request, response, paymentError('internal', { cause, outcome }));
        });
    };
  };
};

/** Errors: `forbidden`. */
const mayCall = <Who extends Principal>(route: Pick<Route, 'roles'>, principal: Who): Result<Who, PaymentError> =>
  route.roles.includes(principal.role)
    ? ok(principal)
    : err(
        paymentError('forbidden', {
          message: `A ${principal.role} key may not do this: it takes a key of the role ${route.roles.join(' or ')}.`,
        }),
      );

const visitorOf = (route: Pick<Route, 'class'>, { caller, role }: Principal, isRepeat: boolean): Visitor => ({
  class: route.class,
  principal: caller,
  isPublic: role === 'publishable',
  isRepeat,
});

const keyOf = (route: Pick<Route, 'key'>, { headers }: Request): string | undefined => {
  const key = route.key === 'none' ? undefined : headers['idempotency-key'];
  return typeof key === 'string' && key.length <= 255 ? key : undefined;
};

/** All but the id is the same each time, and written once: thousands may be refused in a second. */
const PLACE = 'HERE_STANDS_THE_ID';
const { status: STATUS, body: BODY } = errorReply(paymentError('overloaded'), PLACE);
const [BEFORE = '', AFTER = ''] = BODY.split(PLACE);

const refuseInJson = ({ record }: Request, response: Response, afterS: number): void => {
  // It may have been answered meanwhile: its body could not be read, or did not come.
  if (response.headersSent) return;
  const body = BEFORE + record.requestId + AFTER;
  response.writeHead(STATUS, [
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'Request-Id',
    record.requestId,
    'Retry-After',
    String(afterS),
    ...record.headers,
  ]);
  endTogether(response, body);
};
