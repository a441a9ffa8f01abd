/** What Stripe has paid out, what each payout is made of, disputes, and what moved the balance there. */
import { ResultAsync } from 'neverthrow';
import { nameOfSpan } from '../../domain/cut.ts';
import type { MerchantId } from '../../domain/ids.ts';
import type {
  ActivityCategoryView,
  ActivityView,
  BalanceTransactionView,
  PayoutView,
} from '../../domain/ledger-views.ts';
import type { DisputeView } from '../../domain/views.ts';
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { activity } from '../../ledger/activity.ts';
import { listDisputes, listPayoutLines, listPayouts, readPayout } from '../../ledger/stripe-lists.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { amountColumns } from '../columns.ts';
import { filterBar, misunderstood } from '../filters.ts';
import { houseEntries } from '../house.ts';
import { listPage, pager } from '../list.ts';
import { amount, count, money } from '../money.ts';
import { addressOf, page, type Asked } from '../page.ts';
import { facts, idOf, state, text, time, timeAt, timeIn, words } from '../pieces.ts';
import { section } from '../sections.ts';
import { finality, pastBanner, spanFilters } from '../spans.ts';
import { table, type Column } from '../table.ts';

const currencyFilter = {
  label: 'Currency',
  kind: 'fields',
  fields: [{ name: 'currency', label: 'Currency', placeholder: 'usd' }],
} as const;

const payoutColumns = (rows: readonly PayoutView[], zone: string): readonly Column<PayoutView>[] => [
  ...amountColumns(rows, 'Amount', (row: PayoutView) => row.amount),
  { head: 'Status', cell: ({ status }) => state(status) },
  { head: 'Payout', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Transactions', isNumber: true, cell: ({ transactions }) => html`${count(transactions)}` },
  {
    head: 'Unexplained',
    isNumber: true,
    cell: ({ remainder, currency }) => amount(remainder, currency),
  },
  { head: 'Paid', cell: ({ created_at: at }) => time(at, zone) },
];

const payoutList = listPage({
  path: '/console/payouts',
  title: 'Payouts',
  noun: ['payout', 'payouts'],
  query: takes.payouts,
  filters: [currencyFilter],
  read: (ctx, { merchant }, query) => listPayouts(ctx, merchant, query),
  columns: payoutColumns,
  none: html`<p>Stripe has paid out nothing yet.</p>`,
});

const lineColumns = (currency: string, zone: string): readonly Column<BalanceTransactionView>[] => {
  const code = currency.toUpperCase();
  return [
    { head: 'Transaction', isHead: true, cell: ({ id }) => idOf(id) },
    { head: 'Category', cell: ({ category }) => html`${words(category)}` },
    { head: 'Payment', cell: ({ payment }) => idOf(payment) },
    { head: 'Created', cell: ({ created_at: at }) => time(at, zone) },
    { head: `Gross, ${code}`, isNumber: true, cell: ({ gross }) => amount(gross, currency) },
    { head: `Fee, ${code}`, isNumber: true, cell: ({ fee }) => amount(fee, currency) },
    { head: `Net, ${code}`, isNumber: true, cell: ({ net }) => amount(net, currency) },
  ];
};

const onePayout = page({
  path: '/console/payouts/:id',
  class: 'read',
  params: takes.ofPayout,
  query: takes.payoutLines,
  defaults: { limit: '50' },
  show: (ctx, { session: { merchant }, params: { id }, query, asked, path, zone }) =>
    ResultAsync.combine([readPayout(ctx, merchant, id), listPayoutLines(ctx, merchant, id, query)]).map(
      ([payout, { data, has_more: hasMore }]) => ({
        title: `Payout ${payout.id}`,
        heading: html`<small>Payout</small> ${money(payout.amount, payout.currency)} ${state(payout.status)}`,
        main: html`${facts([
          ['Payout', idOf(payout.id, { long: true })],
          ['Paid', timeAt(payout.created_at, zone)],
          ['Net of its transactions', money(payout.transactions_net, payout.currency)],
          ['Not explained by them', money(payout.remainder, payout.currency)],
        ])}
        ${section(
          'What it is made of',
          html`${table({
            caption: `${count(payout.transactions)} transactions of Stripe’s balance, newest first, times in ${zone}`,
            columns: lineColumns(payout.currency, zone),
            rows: data,
            foot:
              hasMore || asked['starting_after'] !== undefined || asked['ending_before'] !== undefined
                ? []
                : [
                    ...(payout.remainder === '0'
                      ? []
                      : [remainderRow('Not explained by them', payout.remainder, payout.currency)]),
                    remainderRow('Payout', payout.amount, payout.currency, payout.remainder === '0' ? data : []),
                  ],
          })}
          ${pager(path, asked, data, hasMore)}`,
        )}`,
      }),
    ),
});

/** With what its lines come to, where they explain all of it. */
const remainderRow = (
  name: string,
  minor: string,
  currency: string,
  lines: readonly BalanceTransactionView[] = [],
): readonly Page[] => {
  const sum = (of: (line: BalanceTransactionView) => string): Page =>
    lines.length === 0
      ? NOTHING
      : amount(
          lines.reduce((all, line) => all + BigInt(of(line)), 0n),
          currency,
        );
  return [
    ...[html`${name}`, NOTHING, NOTHING, NOTHING],
    ...[sum(({ gross }) => gross), sum(({ fee }) => fee), amount(minor, currency)],
  ];
};

const disputeColumns = (rows: readonly DisputeView[], zone: string): readonly Column<DisputeView>[] => [
  ...amountColumns(rows, 'Amount', (row: DisputeView) => row.amount),
  { head: 'Status', cell: ({ status }) => state(status) },
  { head: 'Reason', cell: ({ reason }) => text(reason === null ? null : words(reason)) },
  { head: 'Dispute', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Payment', cell: ({ payment }) => idOf(payment) },
  { head: 'Opened', cell: ({ created_at: at }) => time(at, zone) },
];

const disputeList = listPage({
  path: '/console/disputes',
  title: 'Disputes',
  noun: ['dispute', 'disputes'],
  query: takes.disputes,
  filters: [
    {
      label: 'Status',
      kind: 'choice',
      name: 'status',
      options: [
        ['open', 'open'],
        ['won', 'won'],
        ['lost', 'lost'],
      ],
    },
    { label: 'Payment', kind: 'fields', fields: [{ name: 'payment', label: 'Payment', placeholder: 'pay_…' }] },
  ],
  read: (ctx, { merchant }, query) => listDisputes(ctx, merchant, query),
  columns: disputeColumns,
  none: html`<p>No payment has been disputed.</p>`,
});

/** A category, or the balance that it all begins with. */
interface ActivityRow {
  readonly name: Page;
  readonly moved?: ActivityCategoryView;
  readonly net: string;
}

const categoryColumns = (currency: string): readonly Column<ActivityRow>[] => {
  const code = currency.toUpperCase();
  return [
    { head: 'Category', isHead: true, cell: ({ name }) => name },
    { head: 'Count', isNumber: true, cell: ({ moved }) => (moved ? html`${count(moved.count)}` : NOTHING) },
    { head: `Gross, ${code}`, isNumber: true, cell: ({ moved }) => (moved ? amount(moved.gross, currency) : NOTHING) },
    { head: `Fee, ${code}`, isNumber: true, cell: ({ moved }) => (moved ? amount(moved.fee, currency) : NOTHING) },
    { head: `Net, ${code}`, isNumber: true, cell: ({ net }) => amount(net, currency) },
  ];
};

/** What is gross opens to its entries, over the same span; a fee stands beside what it is of, and is an entry of its own. */
const entriesOf = (
  { category, gross }: ActivityCategoryView,
  merchant: MerchantId,
  currency: string,
  asked: Asked,
): Page => {
  const entries = gross === '0' ? undefined : houseEntries(merchant, 'stripe_clearing', currency);
  return entries === undefined
    ? html`${words(category)}`
    : html`<a href="${addressOf(entries, { ...asked, category })}">${words(category)}</a>`;
};

const activityPart = (view: ActivityView, merchant: MerchantId, asked: Asked): Page =>
  html`${view.currencies.map(({ currency, opening, closing, categories }) =>
    section(
      currency.toUpperCase(),
      table({
        caption: `Balance at Stripe in ${currency.toUpperCase()}, ${view.from === null ? 'from the beginning' : `from ${timeIn(view.from, view.tz)}`} to ${timeIn(view.to, view.tz)}, ${view.tz}. ${finality(view.final)}`,
        columns: categoryColumns(currency),
        rows: [
          { name: html`Opening balance`, net: opening },
          ...categories.map((moved) => ({ name: entriesOf(moved, merchant, currency, asked), moved, net: moved.net })),
        ],
        foot: [[html`Closing balance`, NOTHING, NOTHING, NOTHING, amount(closing, currency)]],
      }),
    ),
  )}`;

const activityPage = page({
  path: '/console/activity',
  class: 'report',
  query: takes.activity,
  takesZone: true,
  mend: ({ asked, path }, wrong) => ({
    title: 'Activity',
    main: misunderstood(path, spanFilters, asked, wrong),
  }),
  show: (ctx, { session: { merchant }, query, asked, path }) =>
    activity(ctx, merchant, query).map((view) => ({
      title: 'Activity',
      actions: html`<a
        class="button"
        href="${addressOf(`${path}/export`, { ...asked, format: 'csv' })}"
        download="${nameOfSpan('activity', view)}.csv"
        >Export ${count(view.currencies.reduce((all, { categories }) => all + categories.length, 0))} rows as CSV</a
      >`,
      ...(asked['to'] === undefined ? {} : { banner: pastBanner(path, asked, view.to, view.tz) }),
      main: html`<p class="lead">What moved the balance at Stripe, by the categories of Stripe’s own reports.</p>
        ${filterBar(path, spanFilters, asked)}
        ${view.currencies.length === 0 ? html`<div class="empty"><p>Nothing moved in this span.</p></div>` : activityPart(view, merchant, asked)}`,
    })),
});

export const stripePages: readonly Served<Session>[] = [payoutList, onePayout, disputeList, activityPage];
