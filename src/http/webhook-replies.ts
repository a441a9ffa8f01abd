/** What routes answer of events, and of where they are told. */
import { z } from 'zod';
import type {
  DeletedEndpointView,
  DeliveryView,
  EndpointView,
  EndpointWithSecretView,
  EventView,
} from '../domain/views.ts';
import { id, words, time } from './reply-fields.ts';
import { payment, refund, dispute, setup, paymentMethod } from './payment-replies.ts';

const endpointFields = {
  id: id('we'),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  description: words,
  enabled_events: z.array(z.string()),
  status: z.enum(['enabled', 'disabled']),
  failing_since: time.nullable(),
  paused_until: time.nullable().describe('It has asked (Retry-After, 429, 502, 504) to be left alone until then.'),
  created_at: time,
};

export const endpoint: z.ZodType<EndpointView> = z.strictObject(endpointFields);

export const endpointWithSecret: z.ZodType<EndpointWithSecretView> = z.strictObject({
  ...endpointFields,
  secret: z.string().describe('What signs its events: shown now, and never again.'),
});

export const deletedEndpoint: z.ZodType<DeletedEndpointView> = z.strictObject({
  id: id('we'),
  object: z.literal('webhook_endpoint'),
  deleted: z.literal(true),
});

export const event: z.ZodType<EventView> = z.strictObject({
  id: id('evt'),
  object: z.literal('event'),
  type: z.string(),
  created_at: time,
  timestamp: time.describe('The same as created_at, under the name of Standard Webhooks.'),
  data: z.strictObject({
    object: z
      .union([payment, refund, dispute, setup, paymentMethod, endpoint])
      .describe('What it happened to, as it was then.'),
  }),
});

export const delivery: z.ZodType<DeliveryView> = z.strictObject({
  object: z.literal('delivery'),
  event: id('evt'),
  webhook_endpoint: id('we'),
  url: z.string(),
  status: z.enum(['pending', 'succeeded', 'failed']),
  next_try_at: time.nullable(),
  tries: z.array(
    z.strictObject({
      number: z.int(),
      started_at: time,
      latency_ms: z.int(),
      status_code: z.int().nullable(),
      error: words,
    }),
  ),
});
