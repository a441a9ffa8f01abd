import { err, ok } from 'neverthrow';
import { z } from 'zod';
import { resourceMissing } from '../failure.ts';
import { listObjects } from '../list.ts';
import { clearableText, flag, metadata, pageParams, text } from '../params.ts';
import { forBrowser } from '../payment-intents.ts';
import { find, findNamed } from '../scope.ts';
import { cancelSetup, confirmSetup, createSetup, updateSetup } from '../setup-intents.ts';
import { type Route, route } from './route.ts';
import * as s from './shapes.ts';

const options = z.strictObject({
  card: z.strictObject({ network: text.optional(), request_three_d_secure: s.challengeWish.optional() }).optional(),
});

const updateShape = {
  allowed_payment_method_types: s.savedTypes.optional(),
  customer: text.optional(),
  description: clearableText.optional(),
  excluded_payment_method_types: s.excludedTypes.optional(),
  metadata: metadata.optional(),
  payment_method: text.optional(),
  payment_method_data: s.methodData.optional(),
  payment_method_options: options.optional(),
  payment_method_types: s.savedTypes.optional(),
};

const confirmShape = {
  ...s.confirmation,
  allowed_payment_method_types: s.savedTypes.optional(),
  payment_method_options: options.optional(),
};

const createShape = {
  ...updateShape,
  ...confirmShape,
  automatic_payment_methods: s.automaticMethods.optional(),
  confirm: flag.optional(),
  usage: z.enum(['off_session', 'on_session']).optional(),
};

export const setupRoutes: readonly Route[] = [
  route('POST', '/v1/setup_intents', createShape, (scope, input) =>
    s
      .olderMethodTypes(scope, input.payment_method_types)
      .andThen(() => s.withMethod(input))
      .andThen((params) => createSetup(scope, params)),
  ),
  route(
    'GET',
    '/v1/setup_intents',
    { ...pageParams, customer: text.optional(), payment_method: text.optional() },
    (scope, { customer, payment_method, ...page }) =>
      listObjects(scope, 'setup_intent', '/v1/setup_intents', page, { customer, payment_method }),
  ),
  route(
    'GET',
    '/v1/setup_intents/:id',
    { client_secret: text.optional() },
    (scope, { client_secret: secret }, id) =>
      find(scope, 'setup_intent', id).andThen((setup) =>
        secret === undefined || secret === setup.client_secret
          ? ok(forBrowser(scope, setup))
          : err(resourceMissing(404, 'setup_intent', id, 'intent')),
      ),
    { publishable: true },
  ),
  route('POST', '/v1/setup_intents/:id', updateShape, (scope, input, id) =>
    s
      .olderMethodTypes(scope, input.payment_method_types)
      .andThen(() => s.withMethod(input))
      .andThen((params) => updateSetup(scope, id, params)),
  ),
  route(
    'POST',
    '/v1/setup_intents/:id/confirm',
    confirmShape,
    (scope, input, id) =>
      s
        .withMethod(input)
        .andThen((params) => confirmSetup(scope, id, params))
        .map((setup) => forBrowser(scope, setup)),
    { publishable: true },
  ),
  route(
    'POST',
    '/v1/setup_intents/:id/cancel',
    { cancellation_reason: z.enum(['abandoned', 'duplicate', 'requested_by_customer']).optional() },
    (scope, input, id) => cancelSetup(scope, id, input.cancellation_reason),
  ),
  route('GET', '/v1/setup_attempts', { ...pageParams, setup_intent: text }, (scope, { setup_intent, ...page }) =>
    findNamed(scope, 'setup_intent', setup_intent).andThen(() =>
      listObjects(scope, 'setup_attempt', '/v1/setup_attempts', page, { source: setup_intent }),
    ),
  ),
];
