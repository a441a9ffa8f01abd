import { err, ok } from 'neverthrow';
import { z } from 'zod';
import { leftOutParam, resourceMissing } from '../failure.ts';
import { renderEvent } from '../events.ts';
import { listEvents, listObjects } from '../list.ts';
import { clearableText, flag, metadata, pageParams, text, url } from '../params.ts';
import { createEndpoint, deleteEndpoint, findEndpoint, updateEndpoint } from '../endpoints.ts';
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
const eventTypes = z.array(text).min(1).max(300);

const endpoints: readonly Route[] = [
  route(
    'POST',
    '/v1/webhook_endpoints',
    {
      ...endpointShape,
      api_version: text.optional(),
      connect: flag.optional(),
      enabled_events: eventTypes,
      url,
    },
    // The account has no others connected to it: an endpoint of theirs would never hear a word.
    (scope, { connect, ...input }) => (connect === true ? err(leftOutParam('connect')) : createEndpoint(scope, input)),
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
