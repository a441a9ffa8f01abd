import { err, ok, type Result } from 'neverthrow';
import { z } from 'zod';
import { testCardName } from './cards.ts';
import { createCustomer, deleteCustomer, findCustomer, updateCustomer } from './customers.ts';
import { closeDispute, updateDispute } from './disputes.ts';
import { expandAll } from './expand.ts';
import { badParam, type Failure, resourceMissing } from './failure.ts';
import { renderEvent } from './events.ts';
import { listEvents, listObjects } from './list.ts';
import {
  amount,
  clearableText,
  currency,
  expand,
  flag,
  type Form,
  metadata,
  pageParams,
  readForm,
  text,
  url,
} from './params.ts';
import {
  cancelIntent,
  captureIntent,
  confirmIntent,
  type ConfirmParams,
  createIntent,
  updateIntent,
} from './payment-intents.ts';
import { attachPaymentMethod, detachPaymentMethod, newPaymentMethod, updatePaymentMethod } from './payment-methods.ts';
import { ACCOUNTS, createPayout } from './payouts.ts';
import { createRefund, updateRefund } from './refunds.ts';
import { readBalance } from './balance.ts';
import { find, type Scope } from './scope.ts';
import { createEndpoint, deleteEndpoint, findEndpoint, updateEndpoint } from './webhooks.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** One thing that can be asked of the sandbox: `:id` stands for the path's id. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly run: (scope: Scope, form: Form, id: string) => Result<object, Failure>;
}

const route = <S extends z.ZodRawShape>(
  method: Method,
  path: string,
  shape: S,
  run: (scope: Scope, input: z.output<z.ZodObject<S, z.core.$strict>>, id: string) => Result<object, Failure>,
): Route => {
  const schema = z.strictObject(shape);
  const paths = z.object({ expand: expand.optional() });
  return {
    method,
    path,
    run: (scope, { expand: wanted, ...form }, id) =>
      readForm(schema, form).andThen((input) =>
        wanted === undefined
          ? run(scope, input, id)
          : readForm(paths, { expand: wanted }).andThen(({ expand: list = [] }) =>
              run(scope, input, id).andThen((reply) => expandAll(scope, reply, list)),
            ),
      ),
  };
};

const billing = z.strictObject({
  name: clearableText.optional(),
  email: clearableText.optional(),
  phone: clearableText.optional(),
});

/** A card is named by one of Stripe's test tokens; a number is refused, as Stripe refuses it, and not repeated. */
const cardToken = z.looseObject({ token: z.string().optional() }).transform((given, context) => {
  const name = given.token === undefined ? undefined : testCardName(given.token);
  if (name !== undefined) return name;
  context.addIssue({
    code: 'custom',
    message:
      'number' in given
        ? 'Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens ' +
          'that map to the test card you are using, see https://stripe.com/docs/testing.'
        : 'No such token: the sandbox knows those of https://stripe.com/docs/testing.',
  });
  return z.NEVER;
});

const methodData = z.strictObject({
  type: z.enum(['card']),
  card: cardToken,
  billing_details: billing.optional(),
  allow_redisplay: text.optional(),
});

const addressPart = text.optional().transform((given) => given ?? null);

const shipping = z.strictObject({
  name: text,
  phone: addressPart,
  carrier: addressPart,
  tracking_number: addressPart,
  address: z.strictObject({
    city: addressPart,
    country: addressPart,
    line1: addressPart,
    line2: addressPart,
    postal_code: addressPart,
    state: addressPart,
  }),
});

const attemptShape = {
  allowed_payment_method_types: z
    .array(z.enum(['card', 'link']))
    .min(1)
    .optional(),
  capture_method: z.enum(['automatic', 'automatic_async', 'manual']).optional(),
  payment_method: text.optional(),
  payment_method_data: methodData.optional(),
  payment_method_options: z
    .strictObject({
      card: z.strictObject({ request_three_d_secure: z.enum(['automatic', 'any', 'challenge']).optional() }).optional(),
    })
    .optional(),
  receipt_email: clearableText.optional(),
  setup_future_usage: z
    .enum(['', 'off_session', 'on_session'])
    .transform((given) => (given === '' ? null : given))
    .optional(),
  shipping: shipping.optional(),
};

const confirmShape = {
  ...attemptShape,
  client_secret: text.optional(),
  error_on_requires_action: flag.optional(),
  off_session: flag.optional(),
  return_url: url.optional(),
  use_stripe_sdk: flag.optional(),
};

const updateShape = {
  ...attemptShape,
  amount: amount.optional(),
  currency: currency.optional(),
  customer: text.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  // What `allowed_payment_method_types` was called before the API's version of endive.
  payment_method_types: z
    .array(z.enum(['card', 'link']))
    .min(1)
    .optional(),
  statement_descriptor: text.optional(),
  statement_descriptor_suffix: text.optional(),
  transfer_group: text.optional(),
};

const createShape = {
  ...updateShape,
  ...confirmShape,
  amount,
  currency,
  confirm: flag.optional(),
  confirmation_method: z.enum(['automatic', 'manual']).optional(),
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: z.enum(['always', 'never']).optional() })
    .optional(),
};

/** `payment_method_data` is a payment method that is made on the way: its test card is what matters. */
const withToken = <
  T extends { payment_method_data?: { card: string } | undefined; payment_method?: string | undefined },
>(
  input: T,
): Result<Omit<T, 'payment_method_data'> & Pick<ConfirmParams, 'cardToken'>, Failure> => {
  const { payment_method_data: data, ...rest } = input;
  return data !== undefined && input.payment_method !== undefined
    ? err(badParam('You may only specify one of these parameters: payment_method, payment_method_data.'))
    : ok({ ...rest, cardToken: data?.card });
};

const intents: Route[] = [
  route('POST', '/v1/payment_intents', createShape, (scope, input) =>
    withToken(input).andThen((params) => createIntent(scope, params)),
  ),
  route('GET', '/v1/payment_intents', { ...pageParams, customer: text.optional() }, (scope, input) =>
    listObjects(scope, 'payment_intent', '/v1/payment_intents', input, { customer: input.customer }),
  ),
  route('GET', '/v1/payment_intents/:id', { client_secret: text.optional() }, (scope, { client_secret: secret }, id) =>
    find(scope, 'payment_intent', id).andThen((intent) =>
      secret === undefined || secret === intent.client_secret
        ? ok(intent)
        : err(resourceMissing(404, 'payment_intent', id, 'intent')),
    ),
  ),
  route('POST', '/v1/payment_intents/:id', updateShape, (scope, input, id) =>
    withToken(input).andThen((params) => updateIntent(scope, id, params)),
  ),
  route('POST', '/v1/payment_intents/:id/confirm', confirmShape, (scope, input, id) =>
    withToken(input).andThen((params) => confirmIntent(scope, id, params)),
  ),
  route(
    'POST',
    '/v1/payment_intents/:id/capture',
    {
      amount_to_capture: amount.optional(),
      metadata: metadata.optional(),
      statement_descriptor_suffix: text.optional(),
    },
    (scope, input, id) => captureIntent(scope, id, input),
  ),
  route(
    'POST',
    '/v1/payment_intents/:id/cancel',
    {
      cancellation_reason: z.enum(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer']).optional(),
    },
    (scope, input, id) => cancelIntent(scope, id, input.cancellation_reason),
  ),
];

const charges: Route[] = [
  route(
    'GET',
    '/v1/charges',
    { ...pageParams, customer: text.optional(), payment_intent: text.optional() },
    (scope, { customer, payment_intent, ...page }) =>
      listObjects(scope, 'charge', '/v1/charges', page, { customer, payment_intent }),
  ),
  route('GET', '/v1/charges/:id', {}, (scope, _input, id) => find(scope, 'charge', id)),
];

const refunds: Route[] = [
  route(
    'POST',
    '/v1/refunds',
    {
      charge: text.optional(),
      payment_intent: text.optional(),
      amount: amount.optional(),
      reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
      metadata: metadata.optional(),
    },
    (scope, input) => createRefund(scope, input),
  ),
  route(
    'GET',
    '/v1/refunds',
    { ...pageParams, charge: text.optional(), payment_intent: text.optional() },
    (scope, { charge, payment_intent, ...page }) =>
      listObjects(scope, 'refund', '/v1/refunds', page, { charge, payment_intent }),
  ),
  route('GET', '/v1/refunds/:id', {}, (scope, _input, id) => find(scope, 'refund', id)),
  route('POST', '/v1/refunds/:id', { metadata: metadata.optional() }, (scope, input, id) =>
    updateRefund(scope, id, input.metadata),
  ),
];

const disputes: Route[] = [
  route(
    'GET',
    '/v1/disputes',
    { ...pageParams, charge: text.optional(), payment_intent: text.optional() },
    (scope, { charge, payment_intent, ...page }) =>
      listObjects(scope, 'dispute', '/v1/disputes', page, { charge, payment_intent }),
  ),
  route('GET', '/v1/disputes/:id', {}, (scope, _input, id) => find(scope, 'dispute', id)),
  route(
    'POST',
    '/v1/disputes/:id',
    { evidence: z.record(z.string(), text).optional(), submit: flag.optional(), metadata: metadata.optional() },
    (scope, input, id) => updateDispute(scope, id, input),
  ),
  route('POST', '/v1/disputes/:id/close', {}, (scope, _input, id) => closeDispute(scope, id)),
];

const customerShape = {
  name: clearableText.optional(),
  email: clearableText.optional(),
  phone: clearableText.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
};

const customers: Route[] = [
  route('POST', '/v1/customers', { ...customerShape, payment_method: text.optional() }, (scope, input) =>
    createCustomer(scope, input),
  ),
  route('GET', '/v1/customers', pageParams, (scope, input) => listObjects(scope, 'customer', '/v1/customers', input)),
  route('GET', '/v1/customers/:id', {}, (scope, _input, id) => find(scope, 'customer', id)),
  route('POST', '/v1/customers/:id', customerShape, (scope, input, id) => updateCustomer(scope, id, input)),
  route('DELETE', '/v1/customers/:id', {}, (scope, _input, id) => deleteCustomer(scope, id)),
  route(
    'GET',
    '/v1/customers/:id/payment_methods',
    { ...pageParams, type: text.optional() },
    (scope, { type, ...page }, id) =>
      findCustomer(scope, id).andThen(() =>
        listObjects(scope, 'payment_method', `/v1/customers/${id}/payment_methods`, page, { customer: id, type }),
      ),
  ),
];

const methods: Route[] = [
  route('POST', '/v1/payment_methods', { ...methodData.shape, metadata: metadata.optional() }, (scope, input) =>
    ok(newPaymentMethod(scope, input.card, { billing: input.billing_details, metadata: input.metadata })),
  ),
  route(
    'GET',
    '/v1/payment_methods',
    { ...pageParams, customer: text.optional(), type: text.optional() },
    (scope, { customer, type, ...page }) =>
      listObjects(scope, 'payment_method', '/v1/payment_methods', page, { customer, type }),
  ),
  route('GET', '/v1/payment_methods/:id', {}, (scope, _input, id) => {
    const name = testCardName(id);
    return name === undefined ? find(scope, 'payment_method', id) : ok(newPaymentMethod(scope, name));
  }),
  route(
    'POST',
    '/v1/payment_methods/:id',
    { billing_details: billing.optional(), metadata: metadata.optional() },
    (scope, input, id) => updatePaymentMethod(scope, id, { billing: input.billing_details, metadata: input.metadata }),
  ),
  route('POST', '/v1/payment_methods/:id/attach', { customer: text }, (scope, input, id) =>
    findCustomer(scope, input.customer).andThen((customer) => attachPaymentMethod(scope, id, customer)),
  ),
  route('POST', '/v1/payment_methods/:id/detach', {}, (scope, _input, id) => detachPaymentMethod(scope, id)),
];

const money: Route[] = [
  route('GET', '/v1/balance', {}, (scope) => ok(readBalance(scope))),
  route(
    'GET',
    '/v1/balance_transactions',
    {
      ...pageParams,
      currency: currency.optional(),
      payout: text.optional(),
      source: text.optional(),
      type: text.optional(),
    },
    (scope, { currency: settled, payout, source, type, ...page }) =>
      listObjects(scope, 'balance_transaction', '/v1/balance_transactions', page, {
        currency: settled,
        payout,
        source,
        type,
      }),
  ),
  route('GET', '/v1/balance_transactions/:id', {}, (scope, _input, id) => find(scope, 'balance_transaction', id)),
  route(
    'POST',
    '/v1/payouts',
    {
      amount: amount.optional(),
      currency,
      description: clearableText.optional(),
      destination: z.enum(ACCOUNTS).optional(),
      metadata: metadata.optional(),
      statement_descriptor: text.optional(),
    },
    (scope, input) => createPayout(scope, input),
  ),
  route('GET', '/v1/payouts', { ...pageParams, status: text.optional() }, (scope, { status, ...page }) =>
    listObjects(scope, 'payout', '/v1/payouts', page, { status }),
  ),
  route('GET', '/v1/payouts/:id', {}, (scope, _input, id) => find(scope, 'payout', id)),
];

const events: Route[] = [
  route(
    'GET',
    '/v1/events',
    { ...pageParams, type: text.optional(), types: z.array(text).max(20).optional() },
    (scope, input) => listEvents(scope, input),
  ),
  route('GET', '/v1/events/:id', {}, (scope, _input, id) => {
    const event = scope.store.getEvent(id);
    return event === undefined ? err(resourceMissing(404, 'event', id, 'id')) : ok(renderEvent(event));
  }),
];

const endpointShape = { description: clearableText.optional(), metadata: metadata.optional() };
const eventTypes = z.array(text).min(1).max(300);

const endpoints: Route[] = [
  route('POST', '/v1/webhook_endpoints', { ...endpointShape, url, enabled_events: eventTypes }, (scope, input) =>
    ok(createEndpoint(scope, input)),
  ),
  route('GET', '/v1/webhook_endpoints', pageParams, (scope, input) =>
    listObjects(scope, 'webhook_endpoint', '/v1/webhook_endpoints', input),
  ),
  route('GET', '/v1/webhook_endpoints/:id', {}, (scope, _input, id) => findEndpoint(scope, id)),
  route(
    'POST',
    '/v1/webhook_endpoints/:id',
    { ...endpointShape, url: url.optional(), enabled_events: eventTypes.optional(), disabled: flag.optional() },
    (scope, input, id) => updateEndpoint(scope, id, input),
  ),
  route('DELETE', '/v1/webhook_endpoints/:id', {}, (scope, _input, id) => deleteEndpoint(scope, id)),
];

const TABLE: ReadonlyMap<string, Route> = new Map(
  [...intents, ...charges, ...refunds, ...disputes, ...customers, ...methods, ...money, ...events, ...endpoints].map(
    (entry) => [`${entry.method} ${entry.path}`, entry],
  ),
);

/** The route of a request and the id in its path, if the sandbox has one. */
export const findRoute = (method: string, path: string): { route: Route; id: string } | undefined => {
  const [, version = '', resource = '', id = '', action, ...more] = path.split('/');
  if (more.length > 0) return undefined;
  const shape = `/${version}/${resource}${id === '' ? '' : '/:id'}${action === undefined ? '' : `/${action}`}`;
  const found = TABLE.get(`${method} ${shape}`);
  return found === undefined ? undefined : { route: found, id };
};

/** All routes, for a person to read. */
export const routeNames = (): string[] => [...TABLE.keys()];
