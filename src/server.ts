/** The Express application: what every request passes, and the table of routes. */
import cors from 'cors';
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
import { errorsPage } from './http/errors-page.ts';
import { sendBytes } from './http/respond.ts';
import { newRecord, type RequestRecord } from './http/record.ts';
import { sendError, serve, type Route } from './http/route.ts';
import { routes } from './http/routes.ts';
import { stripeWebhook } from './http/stripe-webhook.ts';
import { nameRoute, runWork } from './monitor/context.ts';

export interface ServerOptions {
  readonly ctx: Context;
  readonly authenticate: Authenticate;
  readonly corsOrigins: '*' | readonly string[];
  /** Told that an event of Stripe is stored, and waits to be applied. */
  readonly onStripeEvent: () => void;
  /** Called once for each request, when it has ended or its caller has hung up. */
  readonly onEnd: (record: RequestRecord, status: number, durationMs: number) => void;
}

export const createServer = ({ ctx, authenticate, corsOrigins, onStripeEvent, onEnd }: ServerOptions): Express => {
  const app = express();
  // Amounts of work that nobody asked for: a tag over each reply, a parser of nested query strings.
  app.set('etag', false).set('query parser', 'simple').disable('x-powered-by');
  // A path is one spelling: an idempotency key is scoped to it.
  app.enable('strict routing').enable('case sensitive routing');

  app.use((request, response, next) => {
    const record = newRecord(request.method);
    request.record = record;
    response.once('close', () => {
      // 499, as nginx has it: the caller hung up before there was an answer.
      const status = response.writableFinished ? response.statusCode : 499;
      onEnd(record, status, performance.now() - record.startedAt);
    });
    // From here on, whatever blocks the event loop on behalf of this request is known to be its doing.
    runWork({ route: record.route, method: record.method, requestId: record.requestId }, () => next());
  });

  const readText = express.text({ type: 'application/json', limit: BODY_MAX_BYTES });
  const allowOrigins = cors({
    origin: corsOrigins === '*' ? '*' : [...corsOrigins],
    methods: ['GET', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key'],
    exposedHeaders: ['Request-Id', 'Idempotent-Replayed', 'Retry-After'],
    maxAge: 3600,
  });

  /** Who asks is known before a byte of the body is read. */
  const mount = (route: Route): RequestHandler[] => {
    const handle = async (request: Request, response: Response): Promise<void> => {
      const { record } = request;
      record.route = route.path;
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
    const handler: RequestHandler = (request, response) => void handle(request, response);
    return route.cors ? [allowOrigins, handler] : [handler];
  };

  for (const route of routes) {
    if (route.cors) app.options(route.path, allowOrigins);
    if (route.method === 'GET') app.get(route.path, ...mount(route));
    else if (route.method === 'DELETE') app.delete(route.path, ...mount(route));
    else app.post(route.path, ...mount(route));
  }
  app.post('/webhooks/stripe', stripeWebhook(ctx, onStripeEvent, ofExpress));
  const page = errorsPage();
  app.get('/docs/errors', (request, response) => {
    request.record.route = '/docs/errors';
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
  return app;
};

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
