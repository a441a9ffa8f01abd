import type { IncomingMessage } from 'node:http';
import { err, ok, type Result } from 'neverthrow';
import { type Failure, forbidden, notAForm, tooLarge, unauthenticated, unknownUrl } from './failure.ts';
import { type Claim, claimOf } from './idempotency.ts';
import { type Form, parseForm } from './params.ts';
import { findRoute, type Route } from './routes.ts';

/** As large as the service's own bodies may be; nothing that Stripe takes here comes near it. */
const BODY_BYTES_MAX = 256 * 1024;

/** A request of the API, understood. */
export interface Call {
  readonly requestId: string;
  readonly route: Route;
  /** The id in the path, or nothing. */
  readonly id: string;
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
  return authenticate(request)
    .andThen(() => body)
    .andThen((text) => {
      const found = findRoute(method, path);
      if (found === undefined) return err(unknownUrl(method, path));
      const type = request.headers['content-type'];
      if (text !== '' && type?.startsWith('application/x-www-form-urlencoded') !== true) return err(notAForm());
      return parseForm([query, text].filter((part) => part !== '').join('&')).andThen((form) => {
        const key = method === 'POST' ? headerOf(request, 'idempotency-key') : undefined;
        const fault = headerOf(request, 'sandbox-fault');
        return claimOf(key, path, form).map((claim) => ({ ...found, requestId, path, form, fault, claim }));
      });
    });
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

/** Any test key will do, as a bearer token or as the user of basic authentication: the sandbox is one account. */
const authenticate = (request: IncomingMessage): Result<null, Failure> => {
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
  const account = headerOf(request, 'stripe-account');
  if (account === undefined) return ok(null);
  return err(
    forbidden(
      `The provided key does not have access to account '${account.slice(0, 50)}' (or that account does not exist).`,
      'account_invalid',
    ),
  );
};
