/** How things stand, and what needs a person. */
import { ResultAsync } from 'neverthrow';
import { trialBalance } from '../../ledger/balance.ts';
import type { Served } from '../../http/serve.ts';
import { html, type Page } from '../../pages/html.ts';
import { listContradictions } from '../../payments/contradictions.ts';
import { listPayments } from '../../payments/read.ts';
import type { TrialBalanceView } from '../../domain/views.ts';
import type { Session } from '../../storage/sessions.ts';
import { paymentColumns } from '../columns.ts';
import { ABSENT, amount, decimalsOfAll } from '../money.ts';
import { page } from '../page.ts';
import { icon, timeIn } from '../pieces.ts';
import { section } from '../sections.ts';
import { table } from '../table.ts';

const NEWEST = { limit: 8, startingAfter: undefined, endingBefore: undefined } as const;
/** So many are counted; of more it is said that they are more. */
const COUNTED = 100;

export const overviewPage: Served<Session> = page({
  path: '/console',
  class: 'report',
  show: (ctx, { session: { merchant } }) =>
    ResultAsync.combine([
      trialBalance(ctx, merchant),
      listPayments(ctx, merchant, { ...NEWEST, customer: undefined, status: undefined }, false),
      listPayments(ctx, merchant, { ...NEWEST, limit: COUNTED, customer: undefined, status: 'processing' }, false),
      listContradictions(ctx, merchant, { ...NEWEST, limit: COUNTED, status: 'open' }),
    ]).map(([balance, latest, unknown, open]) => ({
      title: 'Overview',
      main: html`${needs([
        [
          unknown.data.length,
          unknown.has_more,
          'payment whose outcome is not known yet',
          'payments whose outcomes are not known yet',
          '/console/unknown',
        ],
        [
          open.data.length,
          open.has_more,
          'contradiction between Stripe and the books',
          'contradictions between Stripe and the books',
          '/console/contradictions?status=open',
        ],
      ])}
      ${section('Balances', balances(balance), html`<a href="/console/trial-balance">Trial balance</a>`)}
      ${section(
        'Latest payments',
        latest.data.length === 0
          ? html`<p class="quiet">None yet.</p>`
          : table({
              caption: `The latest payments, times in UTC`,
              isCaptionHidden: true,
              columns: paymentColumns(latest.data),
              rows: latest.data,
            }),
        html`<a href="/console/payments">All payments</a>`,
      )}`,
    })),
});

type Need = readonly [count: number, isMore: boolean, one: string, many: string, to: string];

const needs = (all: readonly Need[]): Page => {
  const some = all.filter(([count]) => count > 0);
  return html`<section class="needs ${some.length === 0 ? 'none' : 'some'}" aria-labelledby="needs">
    <h2 id="needs">Needs a person</h2>
    ${
      some.length === 0
        ? html`<p>${icon('ok')}Nothing: every outcome is known, and Stripe and the books agree.</p>`
        : html`<ul>
            ${some.map(
              ([count, isMore, one, many, to]) =>
                html`<li>
                  ${icon('warn')}<a href="${to}">${count}${isMore ? ' or more' : ''} ${count === 1 ? one : many}</a>
                </li>`,
            )}
          </ul>`
    }
  </section>`;
};

/** What is told of each currency: what the merchant owes to customers, has earned, and is still to get from Stripe. */
const KINDS = [
  ['stripe_clearing', 'At Stripe', -1n],
  ['bank', 'Paid out', -1n],
  ['wallet', 'Owed to customers', 1n],
  ['revenue', 'Revenue', 1n],
  ['stripe_fees', 'Fees of Stripe', -1n],
  ['disputes', 'Held by disputes', -1n],
] as const;

const balances = ({ currencies, as_of: asOf }: TrialBalanceView): Page => {
  if (currencies.length === 0) return html`<p class="quiet">Nothing has been posted yet.</p>`;
  const decimals = decimalsOfAll(currencies.map(({ currency }) => currency));
  return table({
    caption: `As of ${timeIn(asOf)} UTC. Each opens to its accounts.`,
    columns: [
      {
        head: 'Currency',
        isHead: true,
        cell: ({ currency }) => html`<abbr class="code">${currency.toUpperCase()}</abbr>`,
      },
      ...KINDS.map(([kind, head, sign]) => ({
        head,
        isNumber: true as const,
        cell: ({ currency, accounts }: TrialBalanceView['currencies'][number]) => {
          const lines = accounts.filter((line) => line.kind === kind);
          if (lines.length === 0) return ABSENT;
          const sum = lines.reduce((all, { balance }) => all + BigInt(balance), 0n) * sign;
          return html`<a class="sum" href="/console/accounts?kind=${kind}&amp;currency=${currency}"
            >${amount(sum, currency, decimals)}</a
          >`;
        },
      })),
    ],
    rows: currencies,
  });
};
