import { z } from 'zod';
import { createCustomer, deleteCustomer, findCustomer, updateCustomer } from '../customers.ts';
import { listObjects, searchObjects } from '../list.ts';
import { clearableText, email, metadata, pageParams, searchParams, text } from '../params.ts';
import { findOfCustomer } from '../payment-methods.ts';
import { find } from '../scope.ts';
import { type Route, route } from './route.ts';
import * as s from './shapes.ts';

const shape = {
  address: s.clearableAddress.optional(),
  description: clearableText.optional(),
  email: email.optional(),
  invoice_settings: z.strictObject({ default_payment_method: clearableText.optional() }).optional(),
  metadata: metadata.optional(),
  name: clearableText.optional(),
  phone: clearableText.optional(),
  preferred_locales: z.array(text).optional(),
  shipping: s.customerShipping.optional(),
};

export const customerRoutes: readonly Route[] = [
  route('POST', '/v1/customers', { ...shape, payment_method: text.optional() }, (scope, input) =>
    createCustomer(scope, input),
  ),
  route('GET', '/v1/customers', { ...pageParams, email: text.optional() }, (scope, { email: address, ...page }) =>
    listObjects(scope, 'customer', '/v1/customers', page, { email: address }),
  ),
  route('GET', '/v1/customers/search', searchParams, (scope, input) =>
    searchObjects(scope, 'customer', '/v1/customers/search', input),
  ),
  route('GET', '/v1/customers/:id', {}, (scope, _input, id) => find(scope, 'customer', id)),
  route('POST', '/v1/customers/:id', shape, (scope, input, id) => updateCustomer(scope, id, input)),
  route('DELETE', '/v1/customers/:id', {}, (scope, _input, id) => deleteCustomer(scope, id)),
  route(
    'GET',
    '/v1/customers/:id/payment_methods',
    { ...pageParams, allow_redisplay: s.redisplay.optional(), type: s.methodType.optional() },
    (scope, { allow_redisplay, type, ...page }, id) =>
      findCustomer(scope, id, 'path').andThen(() =>
        listObjects(scope, 'payment_method', `/v1/customers/${id}/payment_methods`, page, {
          customer: id,
          type,
          allow_redisplay,
        }),
      ),
  ),
  route('GET', '/v1/customers/:id/payment_methods/:payment_method', {}, (scope, _input, id, method) =>
    findCustomer(scope, id, 'path').andThen(() => findOfCustomer(scope, id, method)),
  ),
];
