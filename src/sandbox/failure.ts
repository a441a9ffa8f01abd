import type { Stripe } from 'stripe';

/** Stripe's error body, as it stands in `{"error": …}`. */
export interface ErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error' | 'rate_limit_error';
  message: string;
  code?: string;
  decline_code?: string;
  param?: string;
  doc_url?: string;
  charge?: string;
  advice_code?: string;
  network_decline_code?: string;
  payment_intent?: Stripe.PaymentIntent;
  payment_method?: Stripe.PaymentMethod;
  setup_intent?: Stripe.SetupIntent;
  request_log_url?: string;
}

/** A refusal of the sandbox. */
export interface Failure {
  readonly status: number;
  readonly error: ErrorBody;
  /**
   * Whether the reply is kept under the request's idempotency key. Stripe keeps what an endpoint answered once it has
   * begun to run, a decline and a 500 too; it forgets what failed before that.
   */
  readonly kept: boolean;
  /** The `Stripe-Should-Retry` header, where Stripe sends one. */
  readonly shouldRetry?: boolean;
}

const docUrl = (code: string): string =>
  code.startsWith('sandbox_') ? '/_sandbox/help' : `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;

const invalid = (status: number, kept: boolean, message: string, code?: string, param?: string): Failure => ({
  status,
  kept,
  error: {
    ...(code === undefined ? {} : { code, doc_url: docUrl(code) }),
    message,
    ...(param === undefined ? {} : { param }),
    type: 'invalid_request_error',
  },
});

/** A parameter was refused before anything ran. */
export const badParam = (message: string, param?: string, code?: string): Failure =>
  invalid(400, false, message, code, param);

export const unknownParam = (param: string): Failure =>
  badParam(`Received unknown parameter: ${param}`, param, 'parameter_unknown');

/** Stripe takes it and the sandbox does not: not the caller's mistake, and not to be taken for one. */
export const leftOutParam = (param: string): Failure =>
  badParam(
    `Stripe takes ${param} here. The sandbox leaves it out: see its documentation for what it covers.`,
    param,
    'sandbox_leaves_out',
  );

/** The parameter is one of the sandbox's, and that value of it is not. */
export const leftOutValue = (param: string, value: string): Failure =>
  badParam(
    `Stripe takes '${value}' as ${param}. The sandbox leaves it out: see its documentation for what it covers.`,
    param,
    'sandbox_leaves_out',
  );

/** A whole resource of Stripe's that the sandbox does not have. */
export const leftOutResource = (method: string, path: string, product: string): Failure =>
  invalid(
    404,
    false,
    `The sandbox leaves out ${product} (${method} ${path.slice(0, 200)}). It has what card payments need: see its ` +
      'documentation for what it covers.',
    'sandbox_leaves_out',
  );

export const missingParam = (param: string): Failure =>
  badParam(`Missing required param: ${param}.`, param, 'parameter_missing');

/** The request was understood and cannot be done as things stand. */
export const refused = (message: string, code?: string, param?: string): Failure =>
  invalid(400, true, message, code, param);

/** Nothing has that id. Stripe answers 404 where the id is the path's, 400 where a parameter names it. */
export const resourceMissing = (status: 400 | 404, kind: string, id: string, param: string): Failure =>
  invalid(status, true, `No such ${kind}: '${id.slice(0, 255)}'`, 'resource_missing', param);

export const unknownUrl = (method: string, path: string): Failure =>
  invalid(
    404,
    false,
    `Unrecognized request URL (${method}: ${path}). If you are trying to list objects, remove the trailing slash. ` +
      'If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. ' +
      'Please see https://stripe.com/docs or we can help at https://support.stripe.com/.',
  );

export const badVersion = (version: string, param?: string): Failure =>
  badParam(`Invalid Stripe API version: ${version.slice(0, 50)}`, param);

export const unauthenticated = (message: string, code?: string): Failure => invalid(401, false, message, code);

export const forbidden = (message: string, code: string): Failure => invalid(403, false, message, code);

export const tooLarge = (limitBytes: number): Failure =>
  invalid(413, false, `Request body is larger than ${limitBytes} bytes.`);

/** The intent does not allow the step; Stripe shows the intent as it is. */
export const intentRefused = (message: string, code: string, intent: Stripe.PaymentIntent): Failure => ({
  status: 400,
  kept: true,
  error: { code, doc_url: docUrl(code), message, payment_intent: intent, type: 'invalid_request_error' },
});

/** The intent's status does not allow the step. */
export const unexpectedState = (message: string, intent: Stripe.PaymentIntent): Failure =>
  intentRefused(message, 'payment_intent_unexpected_state', intent);

export const setupUnexpectedState = (message: string, setup: Stripe.SetupIntent): Failure => ({
  status: 400,
  kept: true,
  error: {
    code: 'setup_intent_unexpected_state',
    doc_url: docUrl('setup_intent_unexpected_state'),
    message,
    setup_intent: setup,
    type: 'invalid_request_error',
  },
});

/** A card error: HTTP 402, whoever raised it. */
export const cardError = (error: Partial<ErrorBody> & { code: string; message: string }): Failure => ({
  status: 402,
  kept: true,
  shouldRetry: false,
  error: { ...error, doc_url: docUrl(error.code), type: 'card_error' },
});

export const keyReused = (key: string, was: string, is: string): Failure => ({
  status: 400,
  kept: false,
  shouldRetry: false,
  error: {
    message:
      (was === is
        ? 'Keys for idempotent requests can only be used with the same parameters they were first used with. '
        : `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${is}' vs '${was}'). `) +
      `Try using a key other than '${key}' if you meant to execute a different request.`,
    type: 'idempotency_error',
  },
});

export const keyInUse = (key: string): Failure => ({
  status: 409,
  kept: false,
  shouldRetry: true,
  error: {
    code: 'idempotency_key_in_use',
    doc_url: docUrl('idempotency_key_in_use'),
    message:
      'There is currently another in-progress request using this Idempotent Key (that probably means you submitted ' +
      `twice, and the other request is still going through): ${key}. Please try again later.`,
    type: 'idempotency_error',
  },
});

/** Another request has locked the object. */
export const lockTimeout = (): Failure => ({
  ...rateLimited(),
  error: {
    code: 'lock_timeout',
    doc_url: docUrl('lock_timeout'),
    message:
      'This object cannot be accessed right now because another API request or Stripe process is currently accessing it.',
    type: 'invalid_request_error',
  },
});

export const rateLimited = (): Failure => ({
  status: 429,
  kept: false,
  error: {
    code: 'rate_limit',
    doc_url: docUrl('rate_limit'),
    message:
      'Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.',
    type: 'invalid_request_error',
  },
});

/** Stripe's own trouble. What it answered after it began to run is kept and replayed like any other reply. */
export const apiError = (kept: boolean): Failure => ({
  status: 500,
  kept,
  shouldRetry: !kept,
  error: {
    message:
      'An unknown error occurred. If this error persists, please let us know at https://support.stripe.com/contact.',
    type: 'api_error',
  },
});

export const notAForm = (): Failure =>
  badParam(
    'Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any ' +
      'questions, we can help at https://support.stripe.com/.',
  );

/** Nothing of the sandbox's own stands at that path. */
export const notFound = (path: string): Failure =>
  invalid(404, false, `The sandbox has nothing at ${path.slice(0, 200)}.`);
