import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { err, ok, type Result } from 'neverthrow';
import { createClock, type Clock } from './clock.ts';
import { apiError, type Failure, forbidden, tooLarge, unauthenticated, unknownUrl } from './failure.ts';
import { claimOf, createIdempotency, type Claim } from './idempotency.ts';
import { newSecret } from './ids.ts';
import { API_VERSION } from './list.ts';
import { type Form, parseForm } from './params.ts';
import { findRoute, type Route } from './routes.ts';
import type { Scope } from './scope.ts';
import type { Store } from './store.ts';
import { runDue } from './timers.ts';

/** As large as the service's own bodies may be; nothing that Stripe takes here comes near it. */
const BODY_BYTES_MAX = 256 * 1024;
/** Longer than any client keeps a silent connection, so that the client closes it and never meets a closed one. */
const KEEP_ALIVE_MS = 75_000;
/** How often the sandbox looks whether something fell due, when no request makes it look. */
const TICK_MS = 250;
/** How many ticks pass between two looks for old idempotency keys: a minute. */
const FORGET_EVERY_TICKS = 240;

/** A reply before it leaves. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Call {
  readonly requestId: string;
  readonly route: Route;
  readonly id: string;
  readonly path: string;
  readonly form: Form;
  readonly claim: Claim | undefined;
}

export interface Sandbox {
  readonly server: Server;
  readonly stop: () => void;
}

/** The sandbox over a store, not listening yet; `origin` tells where it will be, once it is known. */
export const createSandbox = (store: Store, origin: () => string): Sandbox => {
  const clock: Clock = createClock(store.getNumber('clock_offset_ms'));
  const idempotency = createIdempotency(store, clock);
  const seen = { requests: store.getNumber('requests'), replays: store.getNumber('replays') };
  const scopeOf = (request: Scope['request']): Scope => ({
    store,
    clock,
    origin: origin(),
    request,
    emitted: () => undefined,
  });
  const itself = (): Scope => scopeOf({ id: null, idempotency_key: null });

  const keepCounts = (): void => {
    store.setNumber('requests', seen.requests);
    store.setNumber('replays', seen.replays);
  };

  /** Does what is asked, and keeps what is answered under its key. */
  const run = ({ requestId, route, id, form, claim }: Call): Reply => {
    const scope = scopeOf({ id: requestId, idempotency_key: claim?.key ?? null });
    const result = route.run(scope, form, id);
    const reply = render(requestId, result);
    if (claim !== undefined && (result.isOk() || result.error.kept)) {
      idempotency.keep(claim, requestId, reply.status, reply.body);
    }
    return reply;
  };

  const answer = (call: Call): Reply => {
    const { claim, requestId } = call;
    if (claim === undefined) return run(call);
    const claimed = idempotency.claim(claim);
    if (claimed.isErr()) return render(requestId, err(claimed.error));
    const kept = claimed.value;
    if (kept !== undefined) {
      seen.replays++;
      const headers = { 'Idempotent-Replayed': 'true', 'Original-Request': kept.requestId };
      return { status: kept.status, body: kept.body, headers: { ...headers, ...retryHeader(kept.status) } };
    }
    try {
      return run(call);
    } finally {
      idempotency.release(claim);
    }
  };

  const handleApi = async (request: IncomingMessage, requestId: string): Promise<Reply> => {
    seen.requests++;
    const read = await readCall(request, requestId);
    if (read.isErr()) return render(requestId, err(read.error));
    const call = read.value;
    if (call.route.method === 'GET') {
      runDue(itself());
      return run(call);
    }
    return store.transaction(() => {
      runDue(itself());
      return answer(call);
    });
  };

  const handleOwn = (path: string): Reply => {
    runDue(itself());
    if (path === '/_sandbox/health') return json(200, { ok: true, pid: process.pid });
    if (path === '/_sandbox/count') return json(200, countsOf(store, seen));
    return json(404, { error: { message: `The sandbox has no page ${path}.` } });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = newSecret('req_', 14);
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (path === '/_sandbox/export') return exportIntents(store, response);
    try {
      const reply = path.startsWith('/v1/') ? await handleApi(request, requestId) : handleOwn(path);
      send(request, response, requestId, reply);
    } catch (cause) {
      // A client that has gone wants no reply; anything else is a mistake of the sandbox, and is shown to its user.
      if (request.destroyed && !request.complete) return;
      process.stderr.write(`${requestId} ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`);
      send(request, response, requestId, render(requestId, err(apiError(false))));
    }
  };

  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => void handle(request, response),
  );
  let ticks = 0;
  const timer = setInterval(() => {
    runDue(itself());
    if (++ticks % FORGET_EVERY_TICKS === 0) idempotency.forgetOld();
  }, TICK_MS);
  return {
    server,
    stop: () => {
      clearInterval(timer);
      keepCounts();
      store.close();
    },
  };
};

/** Authenticates, reads and routes a request. */
const readCall = async (request: IncomingMessage, requestId: string): Promise<Result<Call, Failure>> => {
  const body = await readBody(request);
  const method = request.method ?? 'GET';
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  return authenticate(request)
    .andThen(() => body)
    .andThen((text) => {
      const found = findRoute(method, path);
      if (found === undefined) return err(unknownUrl(method, path));
      const type = request.headers['content-type'];
      if (text !== '' && type?.startsWith('application/x-www-form-urlencoded') !== true) return err(NOT_A_FORM);
      return parseForm([query, text].filter((part) => part !== '').join('&')).andThen((form) => {
        const key = method === 'POST' ? request.headers['idempotency-key'] : undefined;
        return claimOf(typeof key === 'string' ? key : undefined, path, form).map((claim) => ({
          ...found,
          requestId,
          path,
          form,
          claim,
        }));
      });
    });
};

const NOT_A_FORM: Failure = {
  status: 400,
  kept: false,
  error: {
    message:
      'Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any ' +
      'questions, we can help at https://support.stripe.com/.',
    type: 'invalid_request_error',
  },
};

const readBody = async (request: IncomingMessage): Promise<Result<string, Failure>> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return bytes > BODY_BYTES_MAX ? err(tooLarge(BODY_BYTES_MAX)) : ok(Buffer.concat(chunks).toString('utf8'));
};

const TEST_KEY = /^(sk|rk)_test_\w{1,200}$/;

/** Any test key will do, as a bearer token or as the user of basic authentication: the sandbox is one account. */
const authenticate = (request: IncomingMessage): Result<null, Failure> => {
  const [scheme = '', credentials = ''] = (request.headers.authorization ?? '').split(' ', 2);
  const key =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0]
      : credentials;
  if (key === undefined || key === '') {
    return err(
      unauthenticated(
        'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer ' +
          "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for " +
          'details, or we can help at https://support.stripe.com/.',
      ),
    );
  }
  if (key.startsWith('pk_test_')) {
    return err(
      unauthenticated(
        'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of ' +
          'your API keys at https://dashboard.stripe.com/account/apikeys.',
        'secret_key_required',
      ),
    );
  }
  if (!TEST_KEY.test(key)) {
    return err(unauthenticated(`Invalid API Key provided: ${key.slice(0, 8)}****. The sandbox takes sk_test_… keys.`));
  }
  const account = request.headers['stripe-account'];
  return typeof account === 'string'
    ? err(
        forbidden(
          `The provided key does not have access to account '${account.slice(0, 50)}' (or that account does not exist).`,
          'account_invalid',
        ),
      )
    : ok(null);
};

const json = (status: number, value: object): Reply => ({ status, body: JSON.stringify(value), headers: {} });

const render = (requestId: string, result: Result<object, Failure>): Reply =>
  result.match(
    (object) => json(200, object),
    ({ status, error, shouldRetry }) => ({
      ...json(status, {
        error: { ...error, request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}` },
      }),
      headers: {
        ...(shouldRetry === undefined ? {} : { 'Stripe-Should-Retry': String(shouldRetry) }),
        ...(status === 401 ? { 'WWW-Authenticate': 'Basic realm="Stripe"' } : {}),
      },
    }),
  );

/** A replayed decline or 500 will not become better by asking again. */
const retryHeader = (status: number): Readonly<Record<string, string>> =>
  status === 402 || status >= 500 ? { 'Stripe-Should-Retry': 'false' } : {};

const VERSION = /^\d{4}-\d{2}-\d{2}(\.\w+)?$/;

/** The one place where a reply leaves. */
const send = (request: IncomingMessage, response: ServerResponse, requestId: string, reply: Reply): void => {
  const version = request.headers['stripe-version'];
  const key = request.headers['idempotency-key'];
  response.writeHead(reply.status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(reply.body),
    'Request-Id': requestId,
    'Stripe-Version': typeof version === 'string' && VERSION.test(version) ? version : API_VERSION,
    ...(typeof key === 'string' && key.length <= 255 ? { 'Idempotency-Key': key } : {}),
    ...reply.headers,
  });
  response.end(reply.body);
};

const countsOf = (store: Store, seen: { requests: number; replays: number }): Record<string, number> => {
  const counts = store.counts();
  const all = (kind: string): number =>
    Object.entries(counts).reduce((sum, [name, n]) => (name.startsWith(`${kind}.`) ? sum + n : sum), 0);
  return {
    payment_intents: all('payment_intent'),
    succeeded: counts['payment_intent.succeeded'] ?? 0,
    charges: counts['charge.succeeded'] ?? 0,
    declined: counts['charge.failed'] ?? 0,
    refunds: all('refund'),
    disputes: all('dispute'),
    ...seen,
  };
};

/** How many intents are read at a time, so that an export of a million stays small in memory. */
const EXPORT_PAGE = 500;

/** Every intent and its charges, one JSON object a line, oldest first. */
const exportIntents = async (store: Store, response: ServerResponse): Promise<void> => {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  for (let after = 0; !response.destroyed;) {
    const page = store.exportIntents(after, EXPORT_PAGE);
    after = page.at(-1)?.seq ?? after;
    const room = response.write(page.map(({ line }) => `${line}\n`).join(''));
    if (page.length < EXPORT_PAGE) break;
    if (!room) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  }
  response.end();
};
