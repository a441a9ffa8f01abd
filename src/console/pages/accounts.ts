/** Accounts and customers. */
import { ResultAsync } from 'neverthrow';
import { PLATFORM_KINDS } from '../../domain/ids.ts';
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { listCustomers, readCustomer } from '../../ledger/customer.ts';
import { listAccounts } from '../../ledger/list.ts';
import { html } from '../../pages/html.ts';
import { listPayments } from '../../payments/read.ts';
import type { Session } from '../../storage/sessions.ts';
import { allAccounts, allPayments } from '../all.ts';
import { accountColumns, but, paymentColumns } from '../columns.ts';
import type { Filter } from '../filters.ts';
import { listPage } from '../list.ts';
import { page } from '../page.ts';
import { facts, idOf, text, time, timeAt, words } from '../pieces.ts';
import { metadataOf, section } from '../sections.ts';
import { table } from '../table.ts';

const filters: readonly Filter[] = [
  {
    label: 'Kind',
    kind: 'choice',
    name: 'kind',
    options: ['wallet', ...PLATFORM_KINDS].map((kind) => [kind, words(kind)]),
  },
  { label: 'Currency', kind: 'fields', fields: [{ name: 'currency', label: 'Currency', placeholder: 'usd' }] },
  { label: 'Customer', kind: 'fields', fields: [{ name: 'customer', label: 'Customer', placeholder: 'cus_…' }] },
];

const accountList = listPage({
  path: '/console/accounts',
  title: 'Accounts',
  noun: ['account', 'accounts'],
  query: takes.accounts,
  filters,
  read: (ctx, { merchant }, query) => listAccounts(ctx, merchant, query),
  columns: accountColumns,
  none: html`<p>No accounts yet. A wallet begins with its first payment.</p>`,
});

const customerList = listPage({
  path: '/console/customers',
  title: 'Customers',
  noun: ['customer', 'customers'],
  query: takes.customers,
  filters: [
    { label: 'Email', kind: 'fields', fields: [{ name: 'email', label: 'Email', placeholder: 'ada@example.org' }] },
  ],
  read: (ctx, { merchant }, query) => listCustomers(ctx, merchant, query),
  columns: (_rows, zone) => [
    { head: 'Name', cell: ({ name }) => text(name) },
    { head: 'Email', cell: ({ email }) => text(email) },
    { head: 'Customer', isHead: true, cell: ({ id }) => idOf(id) },
    { head: 'Created', cell: ({ created_at: at }) => time(at, zone) },
  ],
  none: html`<p>No customers yet.</p>`,
});

const oneCustomer = page({
  path: '/console/customers/:id',
  class: 'read',
  params: takes.ofCustomer,
  show: (ctx, { session: { merchant }, params: { id }, zone }) =>
    ResultAsync.combine([
      readCustomer(ctx, merchant, id),
      listAccounts(ctx, merchant, { ...allAccounts, limit: 100, customer: id }),
      listPayments(ctx, merchant, { ...allPayments, customer: id }, false),
    ]).map(([customer, wallets, payments]) => ({
      title: `Customer ${customer.name ?? customer.id}`,
      heading: html`<small>Customer</small> ${text(customer.name)}`,
      main: html`${facts([
        ['Customer', idOf(customer.id, { long: true })],
        ['Email', text(customer.email)],
        ['Created', timeAt(customer.created_at, zone)],
        ['Metadata', metadataOf(customer.metadata)],
      ])}
      ${section(
        'Wallets',
        wallets.data.length === 0
          ? html`<p class="quiet">None yet: a wallet begins with the first payment in its currency.</p>`
          : table({
              caption: 'Wallets of this customer',
              isCaptionHidden: true,
              columns: but(accountColumns(wallets.data), 'Kind', 'Customer'),
              rows: wallets.data,
            }),
      )}
      ${section(
        'Payments',
        payments.data.length === 0
          ? html`<p class="quiet">None yet.</p>`
          : table({
              caption: `The latest payments of this customer, times in ${zone}`,
              isCaptionHidden: true,
              columns: but(paymentColumns(payments.data, zone), 'Customer'),
              rows: payments.data,
            }),
        html`<a href="/console/payments?customer=${customer.id}">All payments</a>`,
      )}`,
    })),
});

export const accountPages: readonly Served<Session>[] = [accountList, customerList, oneCustomer];
