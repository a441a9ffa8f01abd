/** The Express application: what every request passes, and the table of routes; and the server that it answers through. */
import { createServer as createHttpServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import type { ServerOptions as HttpOptions } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { ResultAsync } from 'neverthrow';
import { urlOf } from './address.ts';
import type { CustomerId } from './domain/ids.ts';
import { paymentError } from './error.ts';
import { ofExpress } from './http/body.ts';
import { serveApproval } from './http/approve.ts';
import { CHECKOUT_PATH, checkoutDocuments, openCheckout } from './http/checkout.ts';
import { followConnections, type ConnectionLimits, type Drain } from './http/connection.ts';
import { createDoor, type DoorOptions } from './http/door.ts';
import { consoleDocuments, mountConsole, type ConsoleOptions } from './console/console.ts';
import { FIND_SCRIPT, homePage } from './contract/docs.ts';
import { fileText, serveDocument, type Document } from './http/documents.ts';
import { errorsPage } from './http/errors-page.ts';
import { createCors, PAGE_HEADERS, SECURITY_HEADERS } from './http/headers.ts';
import { sendError } from './http/respond.ts';
import type { Route } from './http/route.ts';
import { routes } from './http/routes.ts';
import { createPace } from './http/pace.ts';
import { createServe, type ServeOptions } from './http/serve.ts';
import { stripeWebhook } from './http/stripe-webhook.ts';
import { nameRoute, runWork } from './monitor/context.ts';
import type { CheckoutSettings } from './pages/checkout.ts';
import { APPROVE_PATH } from './payments/approval.ts';

export interface ServerOptions extends Omit<ServeOptions, 'nameRoute' | 'pace'> {
  readonly corsOrigins: '*' | readonly string[];
  /** Told that an event of Stripe is stored, and waits to be applied. */
  readonly onStripeEvent: () => void;
  readonly onEnd: DoorOptions['onEnd'];
  /** Others than the service's own, which no test waits for. */
  readonly limits?: Partial<ServerLimits> | undefined;
  /** The pages for finance. None are served where it is left out. */
  readonly console?: ConsoleOptions;
  /** The page to try a checkout with; whom its shop charges, where there is a demo. None is served where it is left out. */
  readonly checkout?: { readonly page: CheckoutSettings; readonly customer: CustomerId | undefined };
}

export interface ServerLimits extends ConnectionLimits {
  /** Slow-loris clients are cut: a request has this long to arrive. */
  readonly requestMs: number;
  /** And is looked at this often: those that came together are cut a few at a time. */
  readonly requestLookEveryMs: number;
}

/** As long as a client waits for its reply. */
const REQUEST_MS = 20_000;
/** Those that came within a tenth of a second are found together, which takes a hundredth of one. */
const REQUEST_LOOK_EVERY_MS = 100;
/** Longer than a proxy in front keeps a connection, so that the proxy closes it first. */
const KEEP_ALIVE_MS = 75_000;

export interface Api {
  /** Does not listen yet. */
  readonly server: Server;
  readonly drain: Drain;
}

export const createServer = (options: ServerOptions): Api => {
  const { ctx, corsOrigins, onStripeEvent, onEnd, limits = {} } = options;
  const { requestMs = REQUEST_MS, requestLookEveryMs = REQUEST_LOOK_EVERY_MS } = limits;
  const app = express();
  // Amounts of work that nobody asked for: a tag over each reply, a parser of nested query strings.
  app.set('etag', false).set('query parser', 'simple').disable('x-powered-by');
  // A path has one spelling, as far as Express can say so.
  app.enable('strict routing').enable('case sensitive routing');

  const server = createHttpServer({
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: requestLookEveryMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Refused at the door, with words.
    requireHostHeader: false,
    ...bornFor(app),
  });
  const connections = followConnections(server, limits);
  const cors = createCors(corsOrigins);
  const serving = { ...options, nameRoute, pace: createPace() };
  const serve = createServe(serving, cors);

  /** A path that is known names the request in the log, whatever its method. */
  const named =
    (path: string): RequestHandler =>
    (request, _response, next) => {
      request.record.route = path;
      next();
    };

  const refuseMethod =
    (allow: readonly string[]): RequestHandler =>
    (request, response) => {
      const { record } = request;
      record.headers = [...record.headers, 'Allow', allow.join(', ')];
      sendError(ctx, request, response, record, paymentError('route_not_found', { status: 405, message: NO_METHOD }));
    };

  // One after the other: a word of the table is no id of a route that follows, whatever the method.
  for (const [path, own] of Map.groupBy(routes.toSorted(byDemand), (route) => route.path)) {
    const mounted = app.route(path);
    for (const route of own) {
      if (route.cors) mounted.options(named(path), cors.preflight);
      if (route.method === 'GET') mounted.get(serve(route));
      else if (route.method === 'DELETE') mounted.delete(serve(route));
      else mounted.post(serve(route));
    }
    mounted.all(named(path), refuseMethod(methodsOf(own)));
  }
  app.post('/webhooks/stripe', stripeWebhook(ctx, onStripeEvent));
  const { checkout } = options;
  const hasShop = checkout?.customer !== undefined;
  if (hasShop) app.post(CHECKOUT_PATH, openCheckout(ctx, options.authenticate, checkout.customer));
  const { show, go } = serveApproval(ctx);
  app.get(APPROVE_PATH, show).post(APPROVE_PATH, go);
  const documents = [
    ...DOCUMENTS,
    ...(checkout ? checkoutDocuments(checkout.page) : []),
    ...(options.console ? consoleDocuments : []),
  ];
  for (const document of documents) app.get(document.path, serveDocument(document));
  const pages = options.console ? mountConsole(app, serving, options.console, cors) : [];
  for (const [path, allow] of [...allowedBeside(documents, hasShop), ...pages])
    app.all(path, named(path), refuseMethod(allow));

  app.use((request, response) => {
    sendError(ctx, request, response, request.record, paymentError('route_not_found'));
  });
  // For what Express itself throws: a path that is no URL. Nothing of ours throws.
  const onThrown: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    sendError(ctx, request, response, request.record, ofExpress(error));
  };
  app.use(onThrown);
  server.on('request', createDoor({ follow, onEnd }, connections, app));
  return { server, drain: connections.drain };
};

const HTML = 'text/html; charset=utf-8';

const DOCUMENTS: readonly Document[] = [
  {
    path: '/openapi.json',
    type: 'application/json; charset=utf-8',
    // Tools in browsers read it from wherever they are.
    headers: [...SECURITY_HEADERS, 'Access-Control-Allow-Origin', '*'],
    text: fileText('contract/openapi.json'),
  },
  { path: '/', type: HTML, headers: PAGE_HEADERS, text: homePage },
  // Made with the contract: of the schemas of all routes, it would hold the loop for some 40 ms of whoever asks first.
  { path: '/docs', type: HTML, headers: PAGE_HEADERS, text: fileText('contract/docs.html') },
  {
    path: '/docs/find.js',
    type: 'text/javascript; charset=utf-8',
    headers: PAGE_HEADERS,
    text: () => FIND_SCRIPT,
  },
  { path: '/style.css', type: 'text/css; charset=utf-8', headers: PAGE_HEADERS, text: fileText('pages/style.css') },
  { path: '/docs/errors', type: HTML, headers: PAGE_HEADERS, text: errorsPage },
];

const NO_METHOD = 'There is no such route: `Allow` says which methods the path knows.';

/** The methods of a path of the table, also those that a GET and a route for browsers bring with them. */
const methodsOf = (own: readonly Route[]): readonly string[] => [
  ...new Set(
    own.flatMap(({ method, cors }) => [method, ...(method === 'GET' ? ['HEAD'] : []), ...(cors ? ['OPTIONS'] : [])]),
  ),
];

/** The methods of each path that stands beside the table. */
const allowedBeside = (documents: readonly Document[], hasShop: boolean): Map<string, readonly string[]> =>
  new Map<string, readonly string[]>([
    ['/webhooks/stripe', ['POST']],
    [APPROVE_PATH, ['GET', 'HEAD', 'POST']],
    ...documents.map(({ path }) => [path, ['GET', 'HEAD']] as const),
    ...(hasShop ? [[CHECKOUT_PATH, ['GET', 'HEAD', 'POST']] as const] : []),
  ]);

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

/**
 * Connections that wait to be accepted while the loop is late. Node's 511 were too few for a burst of them: the kernel
 * drops what is beyond, and its caller tries again after one second, three, seven, and so on.
 */
const BACKLOG = 4_096;

/** Answers the URL by which it is reached from this machine. Errors: why the port could not be opened, in one line. */
export const listenOn = (
  server: Server,
  { host, port, reusePort }: { readonly host: string; readonly port: number; readonly reusePort: boolean },
): ResultAsync<string, string> =>
  ResultAsync.fromPromise(
    new Promise<string>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, host, reusePort, backlog: BACKLOG }, () => {
        const address = server.address();
        resolve(urlOf(host, typeof address === 'object' && address ? address.port : port));
      });
    }),
    (error) => `port ${port} could not be opened: ${error instanceof Error ? error.message : String(error)}`,
  );
