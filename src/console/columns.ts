/** The columns of what stands in several pages. */
import type { AccountView } from '../domain/ledger-views.ts';
import type { PaymentView, RefundView } from '../domain/views.ts';
import { html, NOTHING, type Page } from '../pages/html.ts';
import { ABSENT, amount, count, decimalsOfAll, type Minor } from './money.ts';
import { idOf, idOrNone, state, text, time, words } from './pieces.ts';
import type { Column } from './table.ts';

const code = (currency: string): Page => html`<abbr class="code">${currency.toUpperCase()}</abbr>`;

/** On a phone with its currency behind it, since there the column of those is left out. */
const amountOf = (minor: Minor, currency: string, decimals: number): Page =>
  html`${amount(minor, currency, decimals)}<span class="hand"> ${code(currency)}</span>`;

/** An amount and its currency stand in two columns, so that the points stand below each other. */
export const amountColumns = <Row extends { readonly currency: string }>(
  rows: readonly Row[],
  head: string,
  of: (row: Row) => number | string | null,
): readonly Column<Row>[] => {
  const decimals = decimalsOfAll(rows.map(({ currency }) => currency));
  return [
    {
      head,
      isNumber: true,
      cell: (row) => {
        const minor = of(row);
        return minor === null ? ABSENT : amountOf(minor, row.currency, decimals);
      },
    },
    { head: 'Currency', isForDesk: true, cell: ({ currency }) => code(currency) },
  ];
};

/** Without a column that says the same in each row. */
export const but = <Row>(columns: readonly Column<Row>[], ...heads: readonly string[]): readonly Column<Row>[] =>
  columns.filter(({ head }) => !heads.includes(head));

export const paymentColumns = (rows: readonly PaymentView[], zone: string): readonly Column<PaymentView>[] => [
  ...amountColumns(rows, 'Amount', (row) => row.amount),
  { head: 'Status', cell: paymentState },
  { head: 'Payment', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Description', cell: ({ description }) => text(description) },
  { head: 'Customer', cell: ({ customer }) => idOrNone(customer) },
  { head: 'Created', cell: ({ created_at: at }) => time(at, zone) },
];

/** One that was declined waits for another card; why it was is said beside it. */
export const paymentState = ({ status, last_error: error }: Pick<PaymentView, 'status' | 'last_error'>): Page =>
  error === null ? state(status) : html`${state('declined')} <small>${words(error.decline_code ?? error.code)}</small>`;

export const refundColumns = (rows: readonly RefundView[], zone: string): readonly Column<RefundView>[] => [
  ...amountColumns(rows, 'Amount', (row) => row.amount),
  {
    head: 'Status',
    cell: ({ status, failure_reason: reason }) =>
      html`${state(status)}${reason === null ? NOTHING : html` <small>${words(reason)}</small>`}`,
  },
  { head: 'Refund', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Payment', cell: ({ payment }) => idOf(payment) },
  { head: 'Reason', cell: ({ reason }) => html`${reason === null ? 'not said' : words(reason)}` },
  { head: 'Created', cell: ({ created_at: at }) => time(at, zone) },
];

export const accountColumns = (rows: readonly AccountView[]): readonly Column<AccountView>[] => {
  const decimals = decimalsOfAll(rows.map(({ currency }) => currency));
  const [posted, currency] = amountColumns(rows, 'Posted', (row: AccountView) => row.posted);
  return [
    { head: 'Account', isHead: true, cell: ({ id }) => idOf(id) },
    { head: 'Kind', cell: ({ kind }) => html`${words(kind)}` },
    { head: 'Customer', cell: ({ customer }) => idOrNone(customer) },
    ...(posted ? [posted] : []),
    { head: 'Held', isNumber: true, cell: (row) => amountOf(row.pending, row.currency, decimals) },
    { head: 'Available', isNumber: true, cell: (row) => amountOf(row.available, row.currency, decimals) },
    ...(currency ? [currency] : []),
    { head: 'Entries', isNumber: true, cell: ({ sequence }) => html`${count(sequence)}` },
  ];
};

/** What each line of a trial balance adds up, with its heading. */
export const BALANCE_SUMS = [
  ['Opening', 'opening'],
  ['Debits', 'debits'],
  ['Credits', 'credits'],
  ['Closing', 'closing'],
] as const;
