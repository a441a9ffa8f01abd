/** The Express application: what every request passes, and the table of routes; and the server that it answers through. */
import {
  createServer as createHttpServer,
  IncomingMessage,
  ServerResponse,
  type Server,
  type ServerOptions as HttpOptions,
} from 'node:http';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { Context } from './context.ts';
import { paymentError, type PaymentError } from './error.ts';
import type { Authenticate } from './http/authenticate.ts';
import { BODY_MAX_BYTES } from './http/body.ts';
import { createDoor, type DoorOptions } from './http/door.ts';
import { errorsPage } from './http/errors-page.ts';
import { createCors, PAGE_HEADERS } from './http/headers.ts';
import { sendBytes } from './http/respond.ts';
import { sendError, serve, type Route } from './http/route.ts';
import { routes } from './http/routes.ts';
import { stripeWebhook } from './http/stripe-webhook.ts';
import { refuseUnreadable } from './http/unreadable.ts';
import { nameRoute, runWork } from './monitor/context.ts';

export interface ServerOptions {
  readonly ctx: Context;
  readonly authenticate: Authenticate;
  readonly corsOrigins: '*' | readonly string[];
  /** Told that an event of Stripe is stored, and waits to be applied. */
  readonly onStripeEvent: () => void;
  readonly door: Omit<DoorOptions, 'routes' | 'follow' | 'headersFor'>;
}

/** Slow-loris clients are cut: a request has this long to arrive, */
const REQUEST_TIMEOUT_MS = 30_000;
/** and is looked at this often; by Node's own 30 s it could take twice as long. */
const CHECK_CONNECTIONS_MS = 5_000;
/** Longer than a proxy in front keeps a connection, so that the proxy closes it first. */
const KEEP_ALIVE_MS = 75_000;

/** Does not listen yet. */
export const createServer = (options: ServerOptions): Server => {
  const { ctx, authenticate, corsOrigins, onStripeEvent, door } = options;
  const app = express();
  // Amounts of work that nobody asked for: a tag over each reply, a parser of nested query strings.
  app.set('etag', false).set('query parser', 'simple').disable('x-powered-by');
  // A path is one spelling: an idempotency key is scoped to it.
  app.enable('strict routing').enable('case sensitive routing');

  const readText = express.text({ type: 'application/json', limit: BODY_MAX_BYTES });
  const cors = createCors(corsOrigins);

  /** Who asks is known before a byte of the body is read. */
  const mount = (route: Route): RequestHandler => {
    const handle = async (request: Request, response: Response): Promise<void> => {
      const { record } = request;
      record.route = route.path;
      if (route.cors) record.headers = cors.headersFor(request.headers.origin);
      nameRoute(route.path);
      const identified = await authenticate(request.headers.authorization);
      if (identified.isOk()) record.merchant = identified.value.merchant;
      const answer = (): void => void serve(ctx, route, identified, request, response, record);
      if (identified.isErr() || !route.schemas.body) {
        answer();
        return;
      }
      readText(request, response, (error: unknown) =>
        error === undefined ? answer() : sendError(ctx, request, response, record, ofExpress(error)),
      );
    };
    return (request, response) => void handle(request, response);
  };

  for (const route of routes.toSorted(byDemand)) {
    if (route.cors) app.options(route.path, cors.preflight);
    if (route.method === 'GET') app.get(route.path, mount(route));
    else if (route.method === 'DELETE') app.delete(route.path, mount(route));
    else app.post(route.path, mount(route));
  }
  app.post('/webhooks/stripe', stripeWebhook(ctx, onStripeEvent, ofExpress));
  const page = errorsPage();
  app.get('/docs/errors', (request, response) => {
    request.record.route = '/docs/errors';
    request.record.headers = PAGE_HEADERS;
    sendBytes(request, response, 200, page, { 'Content-Type': 'text/html; charset=utf-8' });
  });

  app.use((request, response) => {
    sendError(ctx, request, response, request.record, paymentError('route_not_found'));
  });
  // For what Express itself throws: a path that is no URL. Nothing of ours throws.
  const onThrown: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    sendError(ctx, request, response, request.record, ofExpress(error));
  };
  app.use(onThrown);
  const listener = createDoor({ ...door, routes, follow, headersFor: cors.headersFor }, app);
  const limits = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_CONNECTIONS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  return createHttpServer({ ...limits, ...bornFor(app) }, listener).on('clientError', refuseUnreadable);
};

/**
 * Requests and replies that are Express' own from the start. It would else change the prototype of each, which takes a
 * tenth of what a small request does.
 */
const bornFor = (app: Express): Pick<HttpOptions, 'IncomingMessage' | 'ServerResponse'> => {
  class AppRequest extends IncomingMessage {}
  class AppResponse<T extends IncomingMessage = IncomingMessage> extends ServerResponse<T> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
};

/** Express looks at one route after the other, for a fifth of a microsecond each: what is asked most comes first. */
const MOST_ASKED = [
  '/v1/customers/:id/balance',
  '/v1/items/:id',
  '/v1/usage/quote',
  '/v1/payments',
  '/v1/debits',
  '/v1/transfers',
];
const byDemand = (a: Route, b: Route): number => rankOf(a) - rankOf(b);
const rankOf = ({ path }: Route): number => {
  const rank = MOST_ASKED.indexOf(path);
  return rank < 0 ? MOST_ASKED.length : rank;
};

/** What blocks the event loop on behalf of a request is known to be its doing. */
const follow: DoorOptions['follow'] = (record, run) => runWork(record, run);

/** Express' and body-parser's errors have a `type` and a `status`, their own or their class's. */
const ofExpress = (error: unknown): PaymentError => {
  const [type, status] = ['type', 'status'].map((name): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined,
  );
  if (type === 'entity.too.large') return paymentError('body_too_large');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return paymentError('invalid_request', { message: 'The request could not be read.', cause: error });
  return paymentError('internal', { cause: error });
};
