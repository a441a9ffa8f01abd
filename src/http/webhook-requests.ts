/** What the routes of outgoing webhooks take. */
import { z } from 'zod';
import { EVENT_TYPES, isEventType } from '../domain/event-types.ts';
import type { EndpointId, EventId } from '../domain/ids.ts';
import type { Page } from '../storage/pages.ts';
import type { EndpointChange } from '../storage/webhook-endpoints.ts';
import type { EventFilter } from '../storage/webhook-events.ts';
import type { CreateEndpoint } from '../webhooks/endpoints.ts';
import * as s from './schemas.ts';

/** `*` is every type there is and will be. */
const enabledEvents: z.ZodType<readonly string[]> = z
  .union(
    [
      z.enum(['*']).transform((all) => [all]),
      z.tuple([z.literal('*')]),
      z
        .array(
          z
            .string()
            .max(100)
            .refine(isEventType, { message: `It is no type of event. There are ${EVENT_TYPES.join(', ')}.` }),
        )
        .min(1)
        .max(100),
    ],
    `It must be * or a list of types of events: ${EVENT_TYPES.join(', ')}.`,
  )
  .describe('`*` is every type, also those to come; else the types that the guide lists.');

/** Which URLs are taken depends on where the service runs: the operation looks closer. */
const url = s.text(2048).describe('`https`, on a public address; on the demo any.');

export const endpoint: z.ZodType<CreateEndpoint> = z
  .strictObject({ url, description: s.optional(s.text(200)), enabled_events: enabledEvents })
  .transform(({ enabled_events, ...rest }) => ({ ...rest, enabledEvents: enabled_events }));

export const endpointChange: z.ZodType<EndpointChange> = z
  .strictObject({
    url: url.optional(),
    description: s.text(200).nullable().optional(),
    enabled_events: enabledEvents.optional(),
    disabled: z.boolean().optional(),
  })
  .transform(({ url: to, description, enabled_events, disabled }) => ({
    url: to,
    description,
    enabledEvents: enabled_events,
    status: disabled === undefined ? undefined : disabled ? 'disabled' : 'enabled',
  }));

export const endpoints: z.ZodType<Page<EndpointId>> = z
  .strictObject({ ...s.page('we'), ...s.created })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(s.toPage);

export const events: z.ZodType<EventFilter> = z
  .strictObject({ ...s.page('evt'), ...s.created, subject: s.text(100).optional() })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ subject, ...rest }) => ({ ...s.toPage(rest), subject }));

export const redelivery: z.ZodType<{ endpoint: EndpointId | null }> = z
  .strictObject({ webhook_endpoint: s.optional(s.id('we')) })
  .transform(({ webhook_endpoint }) => ({ endpoint: webhook_endpoint }));

export const ofEndpoint: z.ZodType<{ id: EndpointId }> = z.strictObject({ id: s.id('we') });
export const ofEvent: z.ZodType<{ id: EventId }> = z.strictObject({ id: s.id('evt') });
