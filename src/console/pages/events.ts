/** Events, and whether the merchant's endpoints have heard of them. */
import { ResultAsync } from 'neverthrow';
import type { DeliveryView, EventView } from '../../domain/views.ts';
import * as takes from '../../http/webhook-requests.ts';
import type { Served } from '../../http/serve.ts';
import { html, type Page } from '../../pages/html.ts';
import { listDeliveries, listEvents, readEvent } from '../../webhooks/events.ts';
import type { Session } from '../../storage/sessions.ts';
import { listPage } from '../list.ts';
import { ABSENT, count } from '../money.ts';
import { page } from '../page.ts';
import { facts, idOf, state, time, timeAt } from '../pieces.ts';
import { section } from '../sections.ts';
import { table, type Column } from '../table.ts';

const columnsIn = (zone: string): readonly Column<EventView>[] => [
  { head: 'Type', cell: ({ type }) => html`${type}` },
  { head: 'Event', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Of', cell: ({ data }) => subject(data.object) },
  { head: 'Created', cell: ({ created_at: at }) => time(at, zone) },
];

const subject = (object: unknown): Page => {
  const id: unknown = typeof object === 'object' && object !== null ? Reflect.get(object, 'id') : undefined;
  return typeof id === 'string' ? idOf(id) : ABSENT;
};

const eventList = listPage({
  path: '/console/events',
  title: 'Events',
  noun: ['event', 'events'],
  query: takes.events,
  filters: [
    {
      label: 'Of',
      kind: 'fields',
      fields: [{ name: 'subject', label: 'What it happened to', placeholder: 'pay_…, re_…, dp_…' }],
    },
  ],
  read: (ctx, { merchant }, query) => listEvents(ctx, merchant, query),
  columns: (_rows, zone) => columnsIn(zone),
  none: html`<p>Nothing has happened yet.</p>`,
});

const deliveryColumns = (zone: string): readonly Column<DeliveryView>[] => [
  { head: 'Endpoint', isHead: true, cell: ({ url }) => html`<bdi class="text">${url}</bdi>` },
  { head: 'Status', cell: ({ status }) => state(status) },
  { head: 'Tries', isNumber: true, cell: ({ tries }) => html`${count(tries.length)}` },
  {
    head: 'Latest answer',
    cell: ({ tries }) => {
      const last = tries.at(-1);
      return last === undefined ? ABSENT : html`${last.status_code ?? last.error ?? 'none'} in ${last.latency_ms} ms`;
    },
  },
  { head: 'Next try', cell: ({ next_try_at: at }) => time(at, zone) },
];

const oneEvent = page({
  path: '/console/events/:id',
  class: 'read',
  params: takes.ofEvent,
  show: (ctx, { session: { merchant }, params: { id }, zone }) =>
    ResultAsync.combine([readEvent(ctx, merchant, id), listDeliveries(ctx, merchant, id)]).map(
      ([event, deliveries]) => ({
        title: `Event ${event.id}`,
        heading: html`<small>Event</small> ${event.type}`,
        main: html`${facts([
          ['Event', idOf(event.id, { long: true })],
          ['Of', subject(event.data.object)],
          ['Created', timeAt(event.created_at, zone)],
        ])}
        ${section(
          'Deliveries',
          deliveries.data.length === 0
            ? html`<p class="quiet">No endpoint asks for events of this type.</p>`
            : table({
                caption: `Deliveries of this event, one to each endpoint, times in ${zone}`,
                isCaptionHidden: true,
                columns: deliveryColumns(zone),
                rows: deliveries.data,
              }),
        )}
        ${section('What it tells', html`<pre tabindex="0" aria-label="The event as JSON">${JSON.stringify(event.data.object, null, 2)}</pre>`)}`,
      }),
    ),
});

export const eventPages: readonly Served<Session>[] = [eventList, oneEvent];
