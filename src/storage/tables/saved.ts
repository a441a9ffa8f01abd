/** What customers have saved: who they are at Stripe, their methods, and setups. */
import { uuidOf } from '../../domain/ids.ts';
import type { Holder, SavedMethod } from '../../domain/saved.ts';
import type { Setup } from '../../domain/setup.ts';
import { insert, overwrite, update, type Bulk } from './bulk.ts';
import { boolean, id, instant, int, json, orNull, text } from './codec.ts';
import { changing, key, once, table, type Row, type Table } from './table.ts';

const HOLDERS: Table<'stripe_customers', Holder> = table('stripe_customers', {
  merchant: key(id('mer')),
  customer: key(id('cus'), { as: 'id' }),
  stripeId: changing(orNull(text())),
  defaultMethod: changing(orNull(text())),
  tries: changing(int),
  askedAt: changing(instant),
});

export const holderOf: (row: Row<'stripe_customers'>) => Holder = HOLDERS.read;
/** Two processes that ask for one customer at once meet at the key: the later is run again, and finds him. */
export const insertHolders: Bulk<Holder> = insert(HOLDERS);
export const updateHolders: Bulk<Holder> = update(HOLDERS);

/** Whoever was erased meanwhile, and forgotten at Stripe as he was known then, is to be forgotten once more. */
export const reopenErasures: Bulk<Holder> = {
  name: 'reopen_erasures',
  text: (first) => `update erasures set requested_at = greatest(requested_at + interval '1 us', now()), done_at = null
    from unnest($${first}::uuid[], $${first + 1}::uuid[]) w (merchant_id, customer_id)
    where erasures.merchant_id = w.merchant_id and erasures.customer_id = w.customer_id`,
  values: (rows) => [
    `{${rows.map(({ merchant }) => uuidOf(merchant)).join()}}`,
    `{${rows.map(({ customer }) => uuidOf(customer)).join()}}`,
  ],
};

const METHODS: Table<'payment_methods', SavedMethod> = table('payment_methods', {
  merchant: key(id('mer')),
  id: key(text()),
  customer: once(id('cus')),
  type: once(text()),
  card: changing(orNull(json())),
  isDetached: changing(boolean, { as: 'detached' }),
  createdAt: once(instant),
});

export const savedMethodOf: (row: Row<'payment_methods'>) => SavedMethod = METHODS.read;
export const writeMethods: Bulk<SavedMethod> = insert(METHODS, { onConflict: overwrite(METHODS) });

const SETUPS: Table<'setups', Setup> = table('setups', {
  merchant: key(id('mer')),
  id: key(id('set')),
  customer: once(id('cus')),
  status: changing(text()),
  paymentMethod: changing(orNull(text())),
  returnUrl: changing(orNull(text())),
  clientSecret: once(text()),
  nextAction: changing(orNull(json())),
  lastError: changing(orNull(json())),
  intent: once(text()),
  tries: changing(int),
  triedSince: changing(orNull(instant)),
  createdAt: once(instant),
});

export const setupOf: (row: Row<'setups'>) => Setup = SETUPS.read;
export const writeSetups: Bulk<Setup> = insert(SETUPS, { onConflict: overwrite(SETUPS) });
