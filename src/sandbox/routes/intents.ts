import { err, ok } from 'neverthrow';
import { z } from 'zod';
import { confirmIntent } from '../attempt.ts';
import { cancelIntent, captureIntent } from '../capture.ts';
import { resourceMissing } from '../failure.ts';
import { listObjects, searchObjects } from '../list.ts';
import {
  amount,
  clearableText,
  currency,
  descriptor,
  email,
  flag,
  metadata,
  nonNegativeAmount,
  pageParams,
  searchParams,
  text,
} from '../params.ts';
import { createIntent, forBrowser, updateIntent } from '../payment-intents.ts';
import { find } from '../scope.ts';
import { type Route, route } from './route.ts';
import * as s from './shapes.ts';

const attemptShape = {
  allowed_payment_method_types: s.methodTypes.optional(),
  capture_method: z.enum(['automatic', 'automatic_async', 'manual']).optional(),
  excluded_payment_method_types: s.excludedTypes.optional(),
  payment_method: text.optional(),
  payment_method_data: s.methodData.optional(),
  payment_method_options: s.methodOptions.optional(),
  // What `allowed_payment_method_types` was called before the API's version of endive.
  payment_method_types: s.methodTypes.optional(),
  receipt_email: email.optional(),
  setup_future_usage: s.futureUsage.optional(),
  shipping: s.shipping.optional(),
};

const confirmShape = {
  ...attemptShape,
  ...s.confirmation,
  error_on_requires_action: flag.optional(),
  off_session: z
    .enum(['true', 'false', 'one_off', 'recurring'])
    .transform((given) => given !== 'false')
    .optional(),
  radar_options: z.strictObject({ session: text.optional() }).optional(),
};

const updateShape = {
  ...attemptShape,
  amount: amount.optional(),
  currency: currency.optional(),
  customer: text.optional(),
  description: clearableText.optional(),
  metadata: metadata.optional(),
  statement_descriptor: descriptor.optional(),
  statement_descriptor_suffix: descriptor.optional(),
  transfer_group: text.optional(),
};

const createShape = {
  ...updateShape,
  ...confirmShape,
  amount,
  currency,
  confirm: flag.optional(),
  confirmation_method: z.enum(['automatic', 'manual']).optional(),
  automatic_payment_methods: s.automaticMethods.optional(),
};

export const intentRoutes: readonly Route[] = [
  route('POST', '/v1/payment_intents', createShape, (scope, input) =>
    s
      .olderMethodTypes(scope, input.payment_method_types)
      .andThen(() => s.withMethod(input))
      .andThen((params) => createIntent(scope, params)),
  ),
  route('GET', '/v1/payment_intents', { ...pageParams, customer: text.optional() }, (scope, { customer, ...page }) =>
    listObjects(scope, 'payment_intent', '/v1/payment_intents', page, { customer }),
  ),
  route('GET', '/v1/payment_intents/search', searchParams, (scope, input) =>
    searchObjects(scope, 'payment_intent', '/v1/payment_intents/search', input),
  ),
  route(
    'GET',
    '/v1/payment_intents/:id',
    { client_secret: text.optional() },
    (scope, { client_secret: secret }, id) =>
      find(scope, 'payment_intent', id).andThen((intent) =>
        secret === undefined || secret === intent.client_secret
          ? ok(forBrowser(scope, intent))
          : err(resourceMissing(404, 'payment_intent', id, 'intent')),
      ),
    { publishable: true },
  ),
  route('POST', '/v1/payment_intents/:id', updateShape, (scope, input, id) =>
    s
      .olderMethodTypes(scope, input.payment_method_types)
      .andThen(() => s.withMethod(input))
      .andThen((params) => updateIntent(scope, id, params)),
  ),
  route(
    'POST',
    '/v1/payment_intents/:id/confirm',
    confirmShape,
    (scope, input, id) =>
      s
        .olderMethodTypes(scope, input.payment_method_types)
        .andThen(() => s.withMethod(input))
        .andThen((params) => confirmIntent(scope, id, params))
        .map((intent) => forBrowser(scope, intent)),
    { publishable: true },
  ),
  route(
    'POST',
    '/v1/payment_intents/:id/capture',
    {
      amount_to_capture: nonNegativeAmount.optional(),
      final_capture: flag.optional(),
      metadata: metadata.optional(),
      statement_descriptor: descriptor.optional(),
      statement_descriptor_suffix: descriptor.optional(),
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
