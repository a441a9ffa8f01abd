/** Payments: the list, one of them with all that happened to it, and those whose outcome nobody knows. */
import { ResultAsync } from 'neverthrow';
import { PAYMENT_STATUSES } from '../../domain/payment.ts';
import type { TimelineView } from '../../domain/views.ts';
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import { accessOf } from '../../payments/access.ts';
import { listPayments, listRefunds, readPayment } from '../../payments/read.ts';
import { readTimeline } from '../../payments/timeline.ts';
import { allRefunds } from '../all.ts';
import { but, paymentColumns, paymentState, refundColumns } from '../columns.ts';
import type { Session } from '../../storage/sessions.ts';
import type { Filter } from '../filters.ts';
import { listPage } from '../list.ts';
import { ABSENT, money, withMoney } from '../money.ts';
import { page } from '../page.ts';
import { facts, idOf, idOrNone, state, text, timeAt, words } from '../pieces.ts';
import { table } from '../table.ts';
import { metadataOf, section } from '../sections.ts';

const customerFilter: Filter = {
  label: 'Customer',
  kind: 'fields',
  fields: [{ name: 'customer', label: 'Customer', placeholder: 'cus_…' }],
};

const filters: readonly Filter[] = [
  {
    label: 'Status',
    kind: 'choice',
    name: 'status',
    options: PAYMENT_STATUSES.map((status) => [status, words(status)]),
  },
  customerFilter,
  { label: 'Currency', kind: 'fields', fields: [{ name: 'currency', label: 'Currency', placeholder: 'usd' }] },
  {
    label: 'Amount',
    kind: 'fields',
    fields: [
      {
        name: 'amount[gte]',
        label: 'From',
        placeholder: '1250',
        hint: 'In minor units: 1250 is 12.50 USD, or 1250 JPY.',
      },
      { name: 'amount[lte]', label: 'Up to', placeholder: '5000' },
    ],
  },
  {
    label: 'Created',
    kind: 'fields',
    fields: [
      {
        ...{ name: 'created[gte]', label: 'From', placeholder: '2026-03-01' },
        hint: 'A day, or an instant such as 2026-03-01T12:00:00Z.',
      },
      {
        ...{ name: 'created[lt]', label: 'Before', placeholder: '2026-04-01' },
        hint: 'Not included: March ends with 1 April.',
      },
    ],
  },
  { label: 'Reference', kind: 'fields', fields: [{ name: 'reference', label: 'Reference' }] },
];

const none = html`<p>No payments yet.</p>
  <p class="quiet">
    The first one is a curl away: the start of the service prints it, and <a href="/docs#guide">the guide</a> explains
    it.
  </p>`;

const paymentList = listPage({
  path: '/console/payments',
  title: 'Payments',
  noun: ['payment', 'payments'],
  query: takes.payments,
  filters,
  read: (ctx, { merchant }, query) => listPayments(ctx, merchant, query, false),
  columns: paymentColumns,
  none,
});

const unknownList = listPage({
  path: '/console/unknown',
  title: 'Unknown outcomes',
  noun: ['payment', 'payments'],
  query: takes.payments,
  filters: [customerFilter],
  read: (ctx, { merchant }, query) =>
    listPayments(ctx, merchant, { ...query, statuses: ['processing'], isUnderWay: true }, false),
  columns: (rows, zone) => [
    ...but(paymentColumns(rows, zone), 'Status'),
    { head: 'Status', cell: () => state('unknown') },
  ],
  above: html`<p class="lead">
    Payments that we are asking Stripe for just now, or whose answer was lost. Each is found out by itself, mostly
    within a minute. Until then charge nobody again: the money may have moved. What Stripe itself is still at work on is
    known, and not here: <a href="/console/payments?status=processing">payments that are processing</a>.
  </p>`,
  none: html`<p>Every outcome is known.</p>`,
});

const onePayment = page({
  path: '/console/payments/:id',
  class: 'read',
  params: takes.ofPayment,
  show: (ctx, { session: { merchant }, params: { id }, zone }) =>
    ResultAsync.combine([
      readPayment(ctx, merchant, id, { access: accessOf('finance', null), clientSecret: null }),
      readTimeline(ctx, merchant, id),
      listRefunds(ctx, merchant, { ...allRefunds, limit: 100, payment: id }),
    ]).map(([payment, timeline, refunds]) => ({
      title: `Payment ${payment.id}`,
      heading: html`<small>Payment</small> ${money(payment.amount, payment.currency)} ${paymentState(payment)}`,
      main: html`${facts([
        ['Payment', idOf(payment.id, { long: true })],
        ['Customer', idOrNone(payment.customer)],
        ['Created', timeAt(payment.created_at, zone)],
        ['Captured', money(payment.amount_captured, payment.currency)],
        ['Refunded', money(payment.amount_refunded, payment.currency)],
        ...(payment.amount_returned > 0
          ? [['Returned by the bank', money(payment.amount_returned, payment.currency)] as const]
          : []),
        ['Paid with', payment.payment_method === null ? ABSENT : html`<code>${payment.payment_method}</code>`],
        ['Capture', html`${payment.capture_method}`],
        ['Description', text(payment.description)],
        ['Reference', text(payment.reference)],
        ...(payment.last_error === null
          ? []
          : [
              [
                'Last error',
                html`${words(payment.last_error.decline_code ?? payment.last_error.code)}: ${payment.last_error.message}`,
              ] as const,
            ]),
        ['Metadata', metadataOf(payment.metadata)],
      ])}
      ${section('What happened', life(timeline, zone))}
      ${
        refunds.data.length === 0
          ? NOTHING
          : section(
              'Refunds',
              table({
                caption: `Refunds of this payment, newest first, times in ${zone}`,
                isCaptionHidden: true,
                columns: but(refundColumns(refunds.data, zone), 'Payment'),
                rows: refunds.data,
              }),
            )
      }`,
    })),
});

/** Details that a person may want to follow: ids, with a link where there is a page. */
const life = ({ data }: TimelineView, zone: string): Page =>
  html`<ol class="life">
    ${data.map(
      ({ at, what, details }) =>
        html`<li>
          <p>${withMoney(what)}</p>
          <p class="quiet">
            ${timeAt(at, zone)}${Object.values(details)
              .filter(
                (value): value is string =>
                  typeof value === 'string' && /^(?!att_)[a-z]{2,4}_[0-9a-f]{32}$/.test(value),
              )
              .map((id) => html` ${idOf(id)}`)}
          </p>
        </li>`,
    )}
  </ol>`;

export const paymentPages: readonly Served<Session>[] = [paymentList, unknownList, onePayment];
