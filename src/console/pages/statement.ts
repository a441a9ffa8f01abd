/** An account: what it holds, and its statement over a span of time, entry by entry. */
import { ResultAsync } from 'neverthrow';
import { CATEGORIES } from '../../domain/category.ts';
import type { MerchantId } from '../../domain/ids.ts';
import { statementView } from '../../domain/reply.ts';
import type { EntryView, StatementView } from '../../domain/ledger-views.ts';
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { account } from '../../ledger/balance.ts';
import { listEntries, statementOf } from '../../ledger/entries.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { but } from '../columns.ts';
import { active, filterBar, misunderstood, type Filter } from '../filters.ts';
import { createNames } from '../house.ts';
import { pager } from '../list.ts';
import { ABSENT, amount, count, money } from '../money.ts';
import { addressOf, page, without, type Asked } from '../page.ts';
import { capital, facts, idOf, idOrNone, time, timeIn, words } from '../pieces.ts';
import { section } from '../sections.ts';
import { finality, pastBanner, spanFilters } from '../spans.ts';
import { table, type Column } from '../table.ts';

const entryFilters: readonly Filter[] = [
  {
    label: 'Direction',
    kind: 'choice',
    name: 'direction',
    options: [
      ['debit', 'debit: it gave'],
      ['credit', 'credit: it received'],
    ],
  },
  { label: 'Category', kind: 'choice', name: 'category', options: CATEGORIES.map((one) => [one, words(one)]) },
  { label: 'Payment', kind: 'fields', fields: [{ name: 'payment', label: 'Payment', placeholder: 'pay_…' }] },
];
const filters = [...spanFilters, ...entryFilters];

/** Of debit and credit one is there, the other is none: an accountant's two columns, and the balance after both. */
const columnsOf = (currency: string, zone: string, merchant: MerchantId): readonly Column<EntryView>[] => {
  const code = currency.toUpperCase();
  const named = createNames(merchant, currency);
  return [
    { head: 'No.', isNumber: true, cell: ({ sequence }) => html`${count(sequence)}` },
    { head: 'Posted', cell: ({ posted_at: at }) => time(at, zone) },
    {
      head: 'What',
      cell: ({ category, description }) =>
        html`<span class="one"
          >${words(category)}${description === null ? NOTHING : html` <small><bdi>${description}</bdi></small>`}</span
        >`,
    },
    { head: 'Entry', isHead: true, cell: ({ id }) => idOf(id) },
    { head: 'With', cell: ({ counter_account: other }) => named(other) },
    { head: 'Payment', cell: ({ payment, payout }) => idOrNone(payment ?? payout) },
    {
      head: `Debit, ${code}`,
      isNumber: true,
      cell: ({ direction, amount: its }) => (direction === 'debit' ? amount(its, currency) : ABSENT),
    },
    {
      head: `Credit, ${code}`,
      isNumber: true,
      cell: ({ direction, amount: its }) => (direction === 'credit' ? amount(its, currency) : ABSENT),
    },
    { head: `Balance, ${code}`, isNumber: true, cell: ({ balance_after: after }) => amount(after, currency) },
  ];
};

/** In words: from when to when, and by whose days. */
const spanOf = ({ from, to, tz }: StatementView): string =>
  `${from === null ? 'From the beginning' : `From ${timeIn(from, tz)}`} to ${timeIn(to, tz)}, ${tz}`;

const sums = (statement: StatementView): Page =>
  table<StatementView>({
    caption: `${spanOf(statement)}. ${finality(statement.final)}`,
    columns: (
      [
        ['Opening', 'opening'],
        ['Debits', 'debits'],
        ['Credits', 'credits'],
        ['Closing', 'closing'],
      ] as const
    ).map(([head, name]) => ({
      head: `${head}, ${statement.currency.toUpperCase()}`,
      isNumber: true as const,
      cell: (row: StatementView) => amount(row[name], row.currency),
    })),
    rows: [statement],
  });

/** Which of them are shown: the sums above are of all. */
const told = (asked: Asked, shown: number, { count: all }: StatementView): string => {
  const set = active(entryFilters, asked).map(({ filter, words: its }) => `${filter.label.toLowerCase()} ${its}`);
  const which =
    set.length > 0
      ? `Entries of ${set.join(', ')} alone`
      : shown === all
        ? 'Entries'
        : `${count(shown)} of ${count(all)} entries`;
  const sums = set.length > 0 ? ` The sums above, and the export, are of all ${count(all)}.` : '';
  return `${which}, newest first, with the balance after each.${sums}`;
};

const exports = (path: string, asked: Asked, entries: number): Page => {
  const span = without(asked, 'direction', 'category', 'payment', 'starting_after', 'ending_before', 'limit', 'order');
  const link = (format: string, name: string): Page =>
    html`<a class="button" href="${addressOf(`${path}/statement`, { ...span, format })}" download>${name}</a>`;
  const rows = `${count(entries)} ${entries === 1 ? 'entry' : 'entries'}`;
  return html`${link('csv', `Export ${rows} as CSV`)}${link('hledger', 'hledger')}`;
};

export const accountPage: Served<Session> = page({
  path: '/console/accounts/:id',
  class: 'report',
  params: takes.ofAccount,
  query: takes.entries,
  takesZone: true,
  defaults: { limit: '50' },
  mend: ({ asked, path }, wrong) => ({
    title: 'Account',
    main: misunderstood(path, filters, asked, wrong),
  }),
  show: (ctx, { session: { merchant }, params: { id }, query, asked, path }) =>
    ResultAsync.combine([
      account(ctx, merchant, id),
      statementOf(ctx, merchant, id, query).map(statementView),
      listEntries(ctx, merchant, id, query),
    ]).map(([found, statement, { data, has_more: hasMore }]) => {
      const { currency, kind } = found;
      const isWhole = asked['to'] === undefined;
      const name = capital(words(kind));
      return {
        title: `${name} ${found.id}`,
        heading: html`<small>${name}, ${isWhole ? 'now' : 'as it stood'}</small> ${money(statement.closing, currency)}`,
        actions: exports(path, asked, statement.count),
        ...(isWhole
          ? {}
          : {
              banner: pastBanner(path, asked, statement.to, statement.tz),
            }),
        main: html`${facts([
          ['Account', idOf(found.id, { long: true })],
          ...(found.customer === null ? [] : [['Customer', idOf(found.customer)] as const]),
          ['Held for refunds now', money(found.pending, currency)],
          ['Available now', money(found.available, currency)],
        ])}
        ${section(
          'Statement',
          html`${filterBar(path, filters, asked)} ${sums(statement)}
          ${
            data.length === 0
              ? html`<div class="empty">
                  <p>
                    ${
                      active(entryFilters, asked).length > 0 && statement.count > 0
                        ? `None of the ${count(statement.count)} entries of this span matches the filters.`
                        : 'There are no entries in this span.'
                    }
                  </p>
                </div>`
              : html`<div class="entries">
                    ${table({
                      caption: `${told(asked, data.length, statement)} Times in ${statement.tz}.`,
                      columns:
                        kind === 'wallet' || data.some(({ payment, payout }) => (payment ?? payout) !== null)
                          ? columnsOf(currency, statement.tz, merchant)
                          : but(columnsOf(currency, statement.tz, merchant), 'Payment'),
                      rows: data,
                    })}
                  </div>
                  ${pager(path, asked, data, hasMore)}`
          }`,
        )}`,
      };
    }),
});
