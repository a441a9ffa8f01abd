/** The columns of what stands in several pages. */
import type { AccountView, PaymentView, RefundView } from '../domain/views.ts';
import { html, NOTHING, type Page } from '../pages/html.ts';
import { ABSENT, amount, count, decimalsOfAll } from './money.ts';
import { idOf, idOrNone, state, text, time, words } from './pieces.ts';
import type { Column } from './table.ts';

/** An amount and its currency stand in two columns, so that the points stand below each other. */
const amountColumns = <Row extends { readonly currency: string }>(
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
        return minor === null ? ABSENT : amount(minor, row.currency, decimals);
      },
    },
    { head: 'Currency', cell: ({ currency }) => html`<abbr class="code">${currency.toUpperCase()}</abbr>` },
  ];
};

export const paymentColumns = (rows: readonly PaymentView[]): readonly Column<PaymentView>[] => [
  ...amountColumns(rows, 'Amount', (row) => row.amount),
  { head: 'Status', cell: paymentState },
  { head: 'Payment', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Description', cell: ({ description }) => text(description), isMinor: true },
  { head: 'Customer', cell: ({ customer }) => idOrNone(customer) },
  { head: 'Created', cell: ({ created_at: at }) => time(at) },
];

/** One that was declined waits for another card; why it was is said beside it. */
export const paymentState = ({ status, last_error: error }: Pick<PaymentView, 'status' | 'last_error'>): Page =>
  error === null ? state(status) : html`${state('declined')} <small>${words(error.decline_code ?? error.code)}</small>`;

export const refundColumns = (rows: readonly RefundView[]): readonly Column<RefundView>[] => [
  ...amountColumns(rows, 'Amount', (row) => row.amount),
  {
    head: 'Status',
    cell: ({ status, failure_reason: reason }) =>
      html`${state(status)}${reason === null ? NOTHING : html` <small>${words(reason)}</small>`}`,
  },
  { head: 'Refund', isHead: true, cell: ({ id }) => idOf(id) },
  { head: 'Payment', cell: ({ payment }) => idOf(payment) },
  { head: 'Reason', cell: ({ reason }) => html`${reason === null ? 'not said' : words(reason)}`, isMinor: true },
  { head: 'Created', cell: ({ created_at: at }) => time(at) },
];

export const accountColumns = (rows: readonly AccountView[]): readonly Column<AccountView>[] => {
  const decimals = decimalsOfAll(rows.map(({ currency }) => currency));
  const [posted, currency] = amountColumns(rows, 'Posted', (row: AccountView) => row.posted);
  return [
    { head: 'Account', isHead: true, cell: ({ id }) => idOf(id) },
    { head: 'Kind', cell: ({ kind }) => html`${words(kind)}` },
    { head: 'Customer', cell: ({ customer }) => idOrNone(customer) },
    ...(posted ? [posted] : []),
    { head: 'Held', isNumber: true, isMinor: true, cell: (row) => amount(row.pending, row.currency, decimals) },
    { head: 'Available', isNumber: true, cell: (row) => amount(row.available, row.currency, decimals) },
    ...(currency ? [currency] : []),
    { head: 'Entries', isNumber: true, isMinor: true, cell: ({ sequence }) => html`${count(sequence)}` },
  ];
};
