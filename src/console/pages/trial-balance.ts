/** The trial balance, now or at a date: in each currency debits and credits are equal, and each line opens to what makes it. */
import type { TrialBalanceLineView, TrialBalanceView } from '../../domain/ledger-views.ts';
import { nameOfSpan } from '../../domain/cut.ts';
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { trialBalance } from '../../ledger/trial-balance.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { filterBar, misunderstood } from '../filters.ts';
import { amount, count, money } from '../money.ts';
import { BALANCE_SUMS } from '../columns.ts';
import { addressOf, page, type Asked } from '../page.ts';
import { capital, state, timeIn, words } from '../pieces.ts';
import { section } from '../sections.ts';
import { asOfFilters, finality, pastBanner } from '../spans.ts';
import { table, type Column } from '../table.ts';

/** A sum opens to the entries that make it, over the same span. */
const columnsIn = (currency: string, asked: Asked): readonly Column<TrialBalanceLineView>[] => [
  { head: 'Account', isHead: true, cell: (line) => opening(line, currency, asked) },
  ...BALANCE_SUMS.map(([head, name]): Column<TrialBalanceLineView> => ({
    head: `${head}, ${currency.toUpperCase()}`,
    isNumber: true,
    cell: (line) => amount(line[name], currency),
  })),
];

const opening = ({ kind, account, accounts }: TrialBalanceLineView, currency: string, asked: Asked): Page =>
  account === null
    ? wallets(`/console/accounts?kind=${kind}&currency=${currency}`, `${capital(words(kind))}s`, accounts, asked)
    : html`<a href="${addressOf(`/console/accounts/${account}`, spanOf(asked))}">${capital(words(kind))}</a>`;

/** Of all together there is a list as they stand now, and none as they stood. */
const wallets = (list: string, name: string, accounts: number, { as_of: asOf }: Asked): Page =>
  asOf === undefined
    ? html`<a href="${list}">${name}</a> <small>${count(accounts)}</small>`
    : html`${name} <small><a href="${list}">${count(accounts)} now</a></small>`;

/** What is as of a day has it in it, and a span ends before its last: the entries are those to the next one. */
const spanOf = ({ from, as_of: asOf, tz }: Asked): Asked => ({
  ...(from === undefined ? {} : { from }),
  ...(asOf === undefined ? {} : { to: after(asOf) }),
  ...(tz === undefined ? {} : { tz }),
});
const after = (asOf: string): string =>
  /^\d{4}-\d{2}-\d{2}$/.test(asOf)
    ? new Date(Date.parse(asOf) + 24 * 3600 * 1000).toISOString().slice(0, 10)
    : new Date(Date.parse(asOf) + 1).toISOString();

const currencyPart = (
  { currency, balanced, accounts, ...totals }: TrialBalanceView['currencies'][number],
  { as_of: asOf, tz, from, final: isFinal }: TrialBalanceView,
  asked: Asked,
): Page =>
  section(
    currency.toUpperCase(),
    table({
      caption: `Trial balance in ${currency.toUpperCase()} as of ${timeIn(asOf, tz)}, movement since ${from === null ? 'the beginning' : timeIn(from, tz)}, ${tz}. ${finality(isFinal)}`,
      columns: columnsIn(currency, asked),
      rows: accounts,
      foot: [
        [
          html`Total: ${balanced ? 'debits equal credits' : 'debits and credits differ'}`,
          ...BALANCE_SUMS.map(([, name]) => amount(totals[name], currency)),
        ],
      ],
    }),
    balanced
      ? NOTHING
      : html`<p class="bad">
          They differ by ${money(BigInt(totals.credits) - BigInt(totals.debits), currency)}: on-call has been told.
        </p>`,
  );

export const trialBalancePage: Served<Session> = page({
  path: '/console/trial-balance',
  class: 'report',
  query: takes.trialBalance,
  takesZone: true,
  mend: ({ asked, path }, wrong) => ({
    title: 'Trial balance',
    main: misunderstood(path, asOfFilters, asked, wrong),
  }),
  show: (ctx, { session: { merchant }, query, asked, path }) =>
    trialBalance(ctx, merchant, query).map((view) => ({
      title: 'Trial balance',
      heading: html`Trial balance ${state(view.balanced ? 'balanced' : 'unbalanced')}`,
      actions: html`<a
        class="button"
        href="${addressOf(`${path}/export`, { ...asked, format: 'csv' })}"
        download="${nameOfSpan('trial-balance', { ...view, to: view.as_of })}.csv"
        >Export ${count(view.currencies.reduce((all, { accounts }) => all + accounts.length + 1, 0))} rows as CSV</a
      >`,
      ...(asked['as_of'] === undefined ? {} : { banner: pastBanner(path, asked, view.as_of, view.tz) }),
      main: html`${filterBar(path, asOfFilters, asked)}
      ${view.currencies.length === 0 ? html`<div class="empty"><p>Nothing has been posted yet.</p></div>` : NOTHING}
      ${view.currencies.map((one) => currencyPart(one, view, asked))}`,
    })),
});
