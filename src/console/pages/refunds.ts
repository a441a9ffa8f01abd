/** Refunds. */
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { html } from '../../pages/html.ts';
import { listRefunds } from '../../payments/read.ts';
import type { Session } from '../../storage/sessions.ts';
import { refundColumns } from '../columns.ts';
import { listPage } from '../list.ts';

export const refundList: Served<Session> = listPage({
  path: '/console/refunds',
  title: 'Refunds',
  noun: ['refund', 'refunds'],
  query: takes.refunds,
  filters: [
    { label: 'Payment', kind: 'fields', fields: [{ name: 'payment', label: 'Payment', placeholder: 'pay_…' }] },
  ],
  read: (ctx, { merchant }, query) => listRefunds(ctx, merchant, query),
  columns: refundColumns,
  none: html`<p>No refunds yet.</p>`,
});
