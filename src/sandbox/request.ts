import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from 'neverthrow';
import { API_VERSION, isVersion } from './events.ts';
import {
  badVersion,
  type Failure,
  forbidden,
  leftOutResource,
  missingParam,
  notAForm,
  tooLarge,
  unauthenticated,
  unknownUrl,
} from './failure.ts';
import { type Claim, claimOf } from './idempotency.ts';
import { productLeftOut } from './left-out.ts';
import { type Form, parseForm } from './params.ts';
import { findRoute } from './routes.ts';
import type { Route } from './routes/route.ts';

/** As large as the service's own bodies may be; nothing that Stripe takes here comes near it. */
const BODY_BYTES_MAX = 256 * 1024;

/** A request of the API, understood. */
export interface Call {
  readonly requestId: string;
  readonly route: Route;
  /** The ids in the path. */
  readonly ids: readonly string[];
  /** The version of the API that it speaks. */
  readonly version: string;
  /** Whether its key is a publishable one, which any page may show. */
  readonly isBrowser: boolean;
  readonly path: string;
  readonly form: Form;
  /** The `Sandbox-Fault` header. */
  readonly fault: string | undefined;
  readonly claim: Claim | undefined;
}

/** Reads, authenticates and routes a request of the API. */
export const readCall = async (request: IncomingMessage, requestId: string): Promise<Result<Call, Failure>> => {
  const body = await readBody(request);
  const method = request.method ?? 'GET';
  const { path, query } = partsOf(request);
  return authenticate(request).andThen((role) =>
    body.andThen((text) => {
      const found = findRoute(method, path);
      if (found === undefined) return err(missing(method, path));
      const isBrowser = role === 'publishable';
      if (isBrowser && !found.route.publishable) return err(secretKeyRequired());
      const version = headerOf(request, 'stripe-version') ?? API_VERSION;
      if (!isVersion(version)) return err(badVersion(version));
      const type = request.headers['content-type'];
      if (text !== '' && type?.startsWith('application/x-www-form-urlencoded') !== true) return err(notAForm());
      return parseForm([query, text].filter((part) => part !== '').join('&')).andThen((form) => {
        // A page may touch an intent whose secret it holds, and no other.
        const secretless = isBrowser && found.ids.length > 0 && form['client_secret'] === undefined;
        if (secretless) return err(missingParam('client_secret'));
        const key = method === 'POST' ? headerOf(request, 'idempotency-key') : undefined;
        const fault = headerOf(request, 'sandbox-fault');
        return claimOf(key, path, form).map((claim) => ({
          ...found,
          ...{ requestId, path, form, fault, claim, version, isBrowser },
        }));
      });
    }),
  );
};

/** Nothing is there; or Stripe has something there, and the sandbox says what it leaves out. */
const missing = (method: string, path: string): Failure => {
  const product = productLeftOut(path);
  return product === undefined ? unknownUrl(method, path) : leftOutResource(method, path, product);
};

/** The path and the query of a request, each without the question mark. */
export const partsOf = (request: IncomingMessage): { path: string; query: string } => {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
};

/** A header that is given once. */
export const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** The body as text; what is over the limit is read to its end and thrown away, so that the refusal can be read. */
export const readBody = async (request: IncomingMessage): Promise<Result<string, Failure>> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return bytes > BODY_BYTES_MAX ? err(tooLarge(BODY_BYTES_MAX)) : ok(Buffer.concat(chunks).toString('utf8'));
};

const TEST_KEY = /^(sk|rk)_test_\w{1,200}$/;

const PUBLISHABLE_KEY = /^pk_test_\w{1,200}$/;

/** Any test key will do, as a bearer token or as the user of basic authentication: the sandbox is one account. */
const authenticate = (request: IncomingMessage): Result<'secret' | 'publishable', Failure> => {
  const [scheme = '', credentials = ''] = (request.headers.authorization ?? '').split(' ', 2);
  const basic = scheme.toLowerCase() === 'basic';
  const key = basic ? (Buffer.from(credentials, 'base64').toString('utf8').split(':', 1)[0] ?? '') : credentials;
  if (key === '') {
    return err(
      unauthenticated(
        'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer ' +
          "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for " +
          'details, or we can help at https://support.stripe.com/.',
      ),
    );
  }
  if (PUBLISHABLE_KEY.test(key)) return ok('publishable');
  if (!TEST_KEY.test(key)) {
    return err(unauthenticated(`Invalid API Key provided: ${key.slice(0, 8)}****. The sandbox takes sk_test_… keys.`));
  }
  const account = headerOf(request, 'stripe-account');
  if (account === undefined) return ok('secret');
  return err(
    forbidden(
      `The provided key does not have access to account '${account.slice(0, 50)}' (or that account does not exist).`,
      'account_invalid',
    ),
  );
};

const secretKeyRequired = (): Failure =>
  unauthenticated(
    'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of ' +
      'your API keys at https://dashboard.stripe.com/account/apikeys.',
    'secret_key_required',
  );
