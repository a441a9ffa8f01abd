/** Customers, and items. */
import type { Customer, Item } from '../../domain/change.ts';
import { insert, type Bulk } from './bulk.ts';
import { id, instant, json, numeric, orNull, text } from './codec.ts';
import { elsewhere, key, once, table, type Row, type Table } from './table.ts';

const CUSTOMERS: Table<'customers', Customer> = table('customers', {
  merchant: key(id('mer')),
  id: key(id('cus')),
  name: once(orNull(text())),
  email: once(orNull(text())),
  metadata: once(json()),
  erasedAt: elsewhere(orNull(instant)),
  createdAt: once(instant),
});

export const customerOf: (row: Row<'customers'>) => Customer = CUSTOMERS.read;
export const insertCustomers: Bulk<Customer> = insert(CUSTOMERS);

const ITEMS: Table<'items', Item> = table('items', {
  merchant: key(id('mer')),
  id: key(text()),
  name: once(text()),
  unitPrice: once(numeric),
  currency: once(text()),
});

export const itemOf: (row: Row<'items'>) => Item = ITEMS.read;
export const insertItems: Bulk<Item> = insert(ITEMS);
