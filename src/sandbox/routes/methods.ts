import { err, ok } from 'neverthrow';
import { z } from 'zod';
import { testCardName } from '../cards.ts';
import { createConfirmationToken } from '../confirmation-tokens.ts';
import { findCustomer } from '../customers.ts';
import { badParam } from '../failure.ts';
import { emptyList, listObjects } from '../list.ts';
import { integer, metadata, pageParams, text, url } from '../params.ts';
import { attachPaymentMethod, detachPaymentMethod, newPaymentMethod, updatePaymentMethod } from '../payment-methods.ts';
import { find } from '../scope.ts';
import { createCvcToken, readToken } from '../tokens.ts';
import { type Route, route } from './route.ts';
import * as s from './shapes.ts';

const paymentMethods: readonly Route[] = [
  route(
    'POST',
    '/v1/payment_methods',
    s.methodShape,
    (scope, input) => ok(newPaymentMethod(scope, s.methodParamsOf(input))),
    { publishable: true },
  ),
  route(
    'GET',
    '/v1/payment_methods',
    {
      ...pageParams,
      allow_redisplay: s.redisplay.optional(),
      customer: text.optional(),
      type: s.methodType.optional(),
    },
    (scope, { allow_redisplay, customer, type, ...page }) =>
      // Without a customer Stripe lists what belongs to the account itself, for products that the sandbox leaves out.
      customer === undefined
        ? ok(emptyList('/v1/payment_methods'))
        : findCustomer(scope, customer).andThen(() =>
            listObjects(scope, 'payment_method', '/v1/payment_methods', page, { allow_redisplay, customer, type }),
          ),
  ),
  route('GET', '/v1/payment_methods/:id', {}, (scope, _input, id) => {
    const name = testCardName(id);
    return name === undefined ? find(scope, 'payment_method', id) : ok(newPaymentMethod(scope, { cardName: name }));
  }),
  route(
    'POST',
    '/v1/payment_methods/:id',
    {
      allow_redisplay: s.redisplay.optional(),
      billing_details: s.billing.optional(),
      card: z.strictObject({ exp_month: integer.optional(), exp_year: integer.optional() }).optional(),
      metadata: metadata.optional(),
    },
    (scope, input, id) =>
      updatePaymentMethod(scope, id, {
        allowRedisplay: input.allow_redisplay,
        billing: input.billing_details,
        expires: input.card,
        metadata: input.metadata,
      }),
  ),
  route('POST', '/v1/payment_methods/:id/attach', { customer: text.optional() }, (scope, { customer }, id) =>
    customer === undefined
      ? err(badParam('You must provide a customer to attach this PaymentMethod to.', undefined, 'parameter_missing'))
      : findCustomer(scope, customer).andThen((found) => attachPaymentMethod(scope, id, found)),
  ),
  route('POST', '/v1/payment_methods/:id/detach', {}, (scope, _input, id) => detachPaymentMethod(scope, id)),
];

const tokens: readonly Route[] = [
  route(
    'POST',
    '/v1/tokens',
    {
      card: s.cardToken.optional(),
      cvc_update: z.strictObject({ cvc: text }).optional(),
    },
    (scope, input) =>
      input.cvc_update === undefined
        ? err(badParam('You must supply either a card, customer, or pii to create a token.'))
        : ok(createCvcToken(scope)),
    { publishable: true },
  ),
  route('GET', '/v1/tokens/:id', {}, (scope, _input, id) => readToken(scope, id)),
];

const tokenShape = {
  payment_method: text.optional(),
  payment_method_data: s.methodData.optional(),
  return_url: url.optional(),
  setup_future_usage: s.futureUsage.optional(),
  shipping: s.shipping.optional(),
};

const confirmationTokens: readonly Route[] = [
  // What Stripe.js asks for in the browser; its form is not documented, and this is the documented test helper's.
  route(
    'POST',
    '/v1/confirmation_tokens',
    tokenShape,
    (scope, input) => s.withMethod(input).andThen((params) => createConfirmationToken(scope, params)),
    { publishable: true },
  ),
  route('POST', '/v1/test_helpers/confirmation_tokens', tokenShape, (scope, input) =>
    s.withMethod(input).andThen((params) => createConfirmationToken(scope, params)),
  ),
  route('GET', '/v1/confirmation_tokens/:id', {}, (scope, _input, id) => find(scope, 'confirmation_token', id)),
];

export const methodRoutes: readonly Route[] = [...paymentMethods, ...tokens, ...confirmationTokens];
