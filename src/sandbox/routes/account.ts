import { err, ok } from 'neverthrow';
import { z } from 'zod';
import { resourceMissing } from '../failure.ts';
import { renderEvent } from '../events.ts';
import { listEvents, listObjects } from '../list.ts';
import { clearableText, flag, metadata, pageParams, paramName, text, url } from '../params.ts';
import { createEndpoint, deleteEndpoint, findEndpoint, updateEndpoint } from '../endpoints.ts';
import { EVENT_TYPES } from '../stripe-names.ts';
import { type Route, route } from './route.ts';

const events: readonly Route[] = [
  route(
    'GET',
    '/v1/events',
    {
      ...pageParams,
      delivery_success: flag.optional(),
      type: text.optional(),
      types: z.array(text).max(20).optional(),
    },
    (scope, input) => listEvents(scope, input),
  ),
  route('GET', '/v1/events/:id', {}, (scope, _input, id) => {
    const event = scope.store.getEvent(id);
    return event === undefined ? err(resourceMissing(404, 'event', id, 'id')) : ok(renderEvent(scope.store, event));
  }),
];

const endpointShape = { description: clearableText.optional(), metadata: metadata.optional() };
const eventType = text.refine((type) => EVENT_TYPES.has(type), {
  error: ({ path = [] }) =>
    `Invalid ${paramName(path)}: must be one of the types of https://docs.stripe.com/api/events/types`,
});
/** As many as there are types. */
const eventTypes = z.array(eventType).min(1).max(EVENT_TYPES.size);

const endpoints: readonly Route[] = [
  route(
    'POST',
    '/v1/webhook_endpoints',
    {
      ...endpointShape,
      api_version: text.optional(),
      // The account has no others connected to it: an endpoint of theirs would never hear a word.
      connect: z.literal('false').optional(),
      enabled_events: eventTypes,
      url,
    },
    (scope, { connect: _, ...input }) => createEndpoint(scope, input),
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

export const accountRoutes: readonly Route[] = [...events, ...endpoints];
