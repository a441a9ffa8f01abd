/** The trial balance: in each currency debits and credits are equal, and each line opens to what makes it. */
import { trialBalance } from '../../ledger/trial-balance.ts';
import type { TrialBalanceLineView } from '../../domain/views.ts';
import type { Served } from '../../http/serve.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { amount, count, money } from '../money.ts';
import { page } from '../page.ts';
import { state, timeIn, words } from '../pieces.ts';
import { section } from '../sections.ts';
import { table, type Column } from '../table.ts';

const columnsIn = (currency: string): readonly Column<TrialBalanceLineView>[] => [
  { head: 'Account', isHead: true, cell: (line) => opening(line, currency) },
  { head: `Debits, ${currency.toUpperCase()}`, isNumber: true, cell: ({ debits }) => amount(debits, currency) },
  { head: `Credits, ${currency.toUpperCase()}`, isNumber: true, cell: ({ credits }) => amount(credits, currency) },
  { head: `Balance, ${currency.toUpperCase()}`, isNumber: true, cell: ({ balance }) => amount(balance, currency) },
];

const opening = ({ kind, account, accounts }: TrialBalanceLineView, currency: string): Page =>
  account === null
    ? html`<a href="/console/accounts?kind=${kind}&amp;currency=${currency}">${words(kind)}s</a>
        <small>${count(accounts)}</small>`
    : html`<a href="/console/accounts/${account}">${words(kind)}</a>`;

export const trialBalancePage: Served<Session> = page({
  path: '/console/trial-balance',
  class: 'report',
  show: (ctx, { session: { merchant } }) =>
    trialBalance(ctx, merchant, {}).map(({ as_of: asOf, balanced, currencies }) => ({
      title: 'Trial balance',
      heading: html`Trial balance ${state(balanced ? 'balanced' : 'unbalanced')}`,
      main: html`${currencies.length === 0 ? html`<div class="empty"><p>Nothing has been posted yet.</p></div>` : NOTHING}
      ${currencies.map(({ currency, debits, credits, balanced: isSo, accounts }) =>
        section(
          currency.toUpperCase(),
          table({
            caption: `Trial balance in ${currency.toUpperCase()} as of ${timeIn(asOf)} UTC`,
            columns: columnsIn(currency),
            rows: accounts,
            foot: [
              [
                html`Total: ${isSo ? 'debits equal credits' : 'debits and credits differ'}`,
                amount(debits, currency),
                amount(credits, currency),
                amount(BigInt(credits) - BigInt(debits), currency),
              ],
            ],
          }),
          isSo
            ? NOTHING
            : html`<p class="bad">
                They differ by ${money(BigInt(credits) - BigInt(debits), currency)}: on-call has been told.
              </p>`,
        ),
      )}`,
    })),
});
