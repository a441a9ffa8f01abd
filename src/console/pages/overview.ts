/** How things stand, what was charged lately, and what needs a person. */
import { ResultAsync } from 'neverthrow';
import { z } from 'zod';
import { micros, toIso, type Micros } from '../../domain/time.ts';
import type { ProofView, TrialBalanceView, VolumeDayView, VolumeView } from '../../domain/ledger-views.ts';
import type { ListView, PaymentView } from '../../domain/views.ts';
import type { Served } from '../../http/serve.ts';
import { readProof } from '../../ledger/proof.ts';
import { trialBalance } from '../../ledger/trial-balance.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import { listContradictions } from '../../payments/contradictions.ts';
import { listPayments } from '../../payments/read.ts';
import { readVolume } from '../../payments/volume.ts';
import type { Session } from '../../storage/sessions.ts';
import { allContradictions, allPayments } from '../all.ts';
import { dayFigure, daysBetween } from '../chart.ts';
import { paymentColumns } from '../columns.ts';
import { ABSENT, amount, count, decimalsOfAll, money } from '../money.ts';
import { addressOf, page, type Asked } from '../page.ts';
import { icon, timeIn, words } from '../pieces.ts';
import { section } from '../sections.ts';
import { table, type Column } from '../table.ts';

/** As many as stand below the rest on one screen. */
const LATEST = 8;
/** So many are counted; of more it is said that they are more. */
const COUNTED = 100;
const processing = { ...allPayments, limit: COUNTED, statuses: ['processing'] } as const;

const query: z.ZodType<{ currency?: string | undefined }> = z.strictObject({
  currency: z
    .string()
    .regex(/^[a-z]{3}$/, 'It must be a lower-case ISO 4217 code.')
    .optional(),
});

export const overviewPage: Served<Session> = page({
  path: '/console',
  class: 'report',
  query,
  show: (ctx, { session: { merchant }, query: { currency }, asked, zone }) =>
    ResultAsync.combine([
      trialBalance(ctx, merchant, { tz: zone }),
      readVolume(ctx, merchant, { from: firstDay(ctx.clock.now(), zone), tz: zone }),
      listPayments(ctx, merchant, { ...allPayments, limit: LATEST }, false),
      listPayments(ctx, merchant, { ...processing, isUnderWay: true }, false),
      listPayments(ctx, merchant, { ...processing, isUnderWay: false }, false),
      listContradictions(ctx, merchant, { ...allContradictions, limit: COUNTED, status: 'open' }),
      readProof(ctx, merchant),
    ]).map(([balance, volume, latest, unknown, atStripe, open, proof]) => ({
      title: 'Overview',
      hasChart: true,
      main: html`${needs(
          [
            {
              ...{ found: unknown.data.length, isMore: unknown.has_more, to: '/console/unknown' },
              ...{ one: 'payment whose outcome is not known yet', many: 'payments whose outcomes are not known yet' },
            },
            {
              ...{ found: open.data.length, isMore: open.has_more, to: '/console/contradictions?status=open' },
              one: 'contradiction between Stripe and the books',
              many: 'contradictions between Stripe and the books',
            },
            {
              ...{ found: faultsOf(proof), isMore: false, to: '/console/proof' },
              ...{ one: 'fault in the books, found by their proof', many: 'faults in the books, found by their proof' },
            },
          ],
          proof.holds === null,
        )}
        ${underWayAtStripe(atStripe)}
        <div class="two">${charged(volume, currency, asked)}${declined(volume)}</div>
        ${section('Balances', balances(balance), html`<a href="/console/trial-balance">Trial balance</a>`)}
        ${section(
          'Latest payments',
          latest.data.length === 0
            ? html`<p class="quiet">None yet.</p>`
            : table({
                caption: `The latest payments, times in ${zone}`,
                isCaptionHidden: true,
                columns: paymentColumns(latest.data, zone),
                rows: latest.data,
              }),
          html`<a href="/console/payments">All payments</a>`,
        )}`,
    })),
});

/** Thirty days of that zone, of which today is the last. */
const firstDay = (now: Micros, zone: string): string =>
  toIso(micros(Date.parse(dayIn(toIso(now), zone)) - 29 * 24 * 3600 * 1000)).slice(0, 10);
const dayIn = (iso: string, zone: string): string => timeIn(iso, zone).slice(0, 10);

interface Need {
  readonly found: number;
  readonly isMore: boolean;
  readonly one: string;
  readonly many: string;
  readonly to: string;
}

const faultsOf = ({ whole, since }: ProofView): number =>
  Math.max(...[whole, since].map((part) => part?.checks.reduce((sum, { findings }) => sum + findings.length, 0) ?? 0));

/** Known, and so nobody's to look into. */
const underWayAtStripe = ({ data, has_more: isMore }: ListView<PaymentView>): Page =>
  data.length === 0
    ? NOTHING
    : html`<p class="quiet">
        Stripe is still at work on
        <a href="/console/payments?status=processing"
          >${data.length}${isMore ? ' or more' : ''} ${data.length === 1 ? 'payment' : 'payments'}</a
        >, and will tell what comes of it: there is nothing to do.
      </p>`;

const needs = (all: readonly Need[], isUnproven: boolean): Page => {
  const some = all.filter(({ found }) => found > 0);
  return html`<section class="needs ${some.length === 0 ? 'none' : 'some'}" aria-labelledby="needs">
    <h2 id="needs">Needs a person</h2>
    ${
      some.length === 0
        ? html`<p>
            ${icon('ok')}Nothing: every outcome is known, Stripe and the books
            agree${isUnproven ? '; whether the books add up is proven within minutes of a start' : ', and the books add up'}.
          </p>`
        : html`<ul>
            ${some.map(
              ({ found, isMore, one, many, to }) =>
                html`<li>
                  ${icon('warn')}<a href="${to}">${found}${isMore ? ' or more' : ''} ${found === 1 ? one : many}</a>
                </li>`,
            )}
          </ul>`
    }
  </section>`;
};

const volumeColumns: readonly Column<VolumeDayView>[] = [
  { head: 'Payments', isNumber: true, cell: ({ payments: made }) => html`${count(made)}` },
  { head: 'Paid', isNumber: true, cell: ({ succeeded }) => html`${count(succeeded)}` },
];

/** One currency at a time: sums of two are none. */
const charged = ({ currencies, from, to, tz }: VolumeView, wanted: string | undefined, asked: Asked): Page => {
  const most = currencies.toSorted((a, b) => b.payments - a.payments)[0];
  const shown = currencies.find(({ currency }) => currency === wanted) ?? most;
  if (!shown) return section('Charged in 30 days', html`<p class="quiet">No payment was made in the last 30 days.</p>`);
  const { currency, captured } = shown;
  const known = new Map(shown.days.map((day) => [day.day, day]));
  const days = daysBetween(dayIn(from, tz), dayIn(to, tz)).map(
    (day) => known.get(day) ?? { day, payments: 0, succeeded: 0, captured: '0' },
  );
  const tabs = html`<nav class="tabs" aria-label="Currency">
    ${currencies.map(
      (one) =>
        html`<a
          href="${addressOf('/console', { ...asked, currency: one.currency })}"
          ${{ html: one.currency === currency ? 'aria-current="true"' : '' }}
          >${one.currency.toUpperCase()}</a
        >`,
    )}
  </nav>`;
  return section(
    'Charged in 30 days',
    html`<p class="figure">${money(captured, currency)}</p>
      ${dayFigure<VolumeDayView>({
        caption: `Captured of the payments made on each day, ${currency.toUpperCase()}, ${dayIn(from, tz)} to ${timeIn(to, tz)}, ${tz}`,
        ...{ currency, days, columns: volumeColumns },
      })}`,
    currencies.length > 1 ? tabs : NOTHING,
  );
};

const declined = ({ currencies, declines }: VolumeView): Page => {
  const made = currencies.reduce((all, { payments: its }) => all + its, 0);
  const lost = declines.reduce((all, { payments: its }) => all + its, 0);
  if (lost === 0) return section('Declined', html`<p class="quiet">No payment waits for another card.</p>`);
  return section(
    'Declined',
    html`<p class="figure">${count(lost)} <small>of ${count(made)} payments, ${shareOf(lost, made)}</small></p>
      ${table({
        caption: 'Payments of these 30 days whose card was declined, and that no other has paid',
        columns: [
          { head: 'Reason', isHead: true, cell: (row) => html`${words(row.decline_code ?? row.code)}` },
          { head: 'Payments', isNumber: true, cell: (row) => html`${count(row.payments)}` },
          { head: 'Share', isNumber: true, cell: (row) => html`${shareOf(row.payments, lost)}` },
        ],
        rows: declines,
      })}`,
  );
};

const shareOf = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(1)} %`;

/** What is told of each currency: what is still to come from Stripe, and whose the money is. */
const KINDS = [
  ['stripe_clearing', 'At Stripe', -1n],
  ['bank', 'Paid out', -1n],
  ['wallet', 'Owed to customers', 1n],
  ['revenue', 'Revenue', 1n],
  ['stripe_fees', 'Fees of Stripe', -1n],
  ['disputes', 'Held by disputes', -1n],
] as const;

type Currency = TrialBalanceView['currencies'][number];

const balances = ({ currencies, as_of: asOf, tz }: TrialBalanceView): Page => {
  if (currencies.length === 0) return html`<p class="quiet">Nothing has been posted yet.</p>`;
  const decimals = decimalsOfAll(currencies.map(({ currency }) => currency));
  return table<Currency>({
    caption: `As of ${timeIn(asOf, tz)}, ${tz}. Each sum opens to its accounts.`,
    columns: [
      {
        head: 'Currency',
        isHead: true,
        cell: ({ currency }) => html`<abbr class="code">${currency.toUpperCase()}</abbr>`,
      },
      ...KINDS.map(([kind, head, sign]): Column<Currency> => ({
        head,
        isNumber: true,
        cell: ({ currency, accounts }) => {
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
