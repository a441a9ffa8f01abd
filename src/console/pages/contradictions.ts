/** What Stripe and the books say differently, and what a person says was done about it. */
import type { ContradictionView } from '../../domain/views.ts';
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import { listContradictions, resolveContradiction } from '../../payments/contradictions.ts';
import { formAction } from '../form.ts';
import type { Session } from '../../storage/sessions.ts';
import { listPage } from '../list.ts';
import { ABSENT, money } from '../money.ts';
import { idOrNone, state, text, time, words } from '../pieces.ts';
import type { Column } from '../table.ts';

const moneyOf = ({ amount, currency }: ContradictionView): Page =>
  amount === null || currency === null ? ABSENT : money(amount, currency);

const columnsIn = (zone: string): readonly Column<ContradictionView>[] => [
  {
    head: 'What differs',
    isHead: true,
    cell: ({ kind, message, detail, subject }) =>
      html`<p>${words(kind)}</p>
        <p class="quiet">${message}</p>
        <p class="quiet"><bdi class="text">${detail}</bdi> <code>${subject}</code></p>`,
  },
  { head: 'Amount', isNumber: true, cell: moneyOf },
  { head: 'Payment', cell: ({ payment }) => idOrNone(payment) },
  { head: 'Seen', cell: ({ created_at: at }) => time(at, zone) },
  {
    head: 'Status',
    cell: (row) => html`${state(row.status)}${row.status === 'open' ? resolve(row) : resolved(row, zone)}`,
  },
];

const resolved = ({ resolution, resolved_at: at }: ContradictionView, zone: string): Page =>
  html`<p class="quiet">${text(resolution)} ${at === null ? NOTHING : html`(${time(at, zone)})`}</p>`;

/** It states what is resolved, and that no money moves. */
const resolve = (row: ContradictionView): Page => {
  const what = `${words(row.kind)}${row.payment === null ? '' : ` of ${row.payment}`}`;
  return html`<details class="approve">
    <summary>Resolve…</summary>
    <form method="post" action="/console/contradictions/${row.id}/resolve">
      <p>
        This marks
        “${what}”${row.amount === null || row.currency === null ? NOTHING : html` over ${money(row.amount, row.currency)}`}
        as resolved. It moves no money, and your reason stays with it.
      </p>
      <label for="reason-${row.id}">Why, or what was done about it</label>
      <textarea id="reason-${row.id}" name="reason" rows="3" required maxlength="1000"></textarea>
      <button class="primary">Mark “${words(row.kind)}” as resolved</button>
    </form>
  </details>`;
};

const contradictionList = listPage({
  path: '/console/contradictions',
  title: 'Contradictions',
  noun: ['contradiction', 'contradictions'],
  query: takes.contradictions,
  filters: [
    {
      label: 'Status',
      kind: 'choice',
      name: 'status',
      options: [
        ['open', 'open'],
        ['resolved', 'resolved'],
      ],
    },
  ],
  read: (ctx, { merchant }, query) => listContradictions(ctx, merchant, query),
  columns: (_rows, zone) => columnsIn(zone),
  above: html`<p class="lead">
    Where Stripe and the books say different things, or only a person can decide. Each is written down once, and stays
    open until a fact or a person has resolved it.
  </p>`,
  none: html`<p>Stripe and the books agree.</p>`,
});

const resolution = formAction({
  path: '/console/contradictions/:id/resolve',
  params: takes.ofContradiction,
  body: takes.resolution,
  back: () => '/console/contradictions?status=open',
  act: (ctx, { merchant }, { id }, { reason }) => resolveContradiction(ctx, merchant, id, reason),
});

export const contradictionPages: readonly Served<Session>[] = [contradictionList, resolution];
