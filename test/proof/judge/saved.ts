/** What customers have saved, here and at Stripe. */
import type pg from 'pg';
import { rowsOf } from './books.ts';
import type { Violation } from './rules.ts';

/** A customer at Stripe that is of ours, with what is attached to him. */
export interface HolderThere {
  readonly id: string;
  readonly customer: string;
  readonly methods: readonly string[];
}

interface Listed {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Holder {
  readonly customer: string;
  readonly stripe_id: string | null;
  readonly default_method: string | null;
  readonly erased: boolean;
}

const PAGE = 100;
const CUSTOMER_TAG = 'quittance_customer';

export const readHolders = async (sandboxUrl: string): Promise<HolderThere[]> => {
  const holders: HolderThere[] = [];
  for (const { id, metadata } of await listed(sandboxUrl, '/v1/customers')) {
    const customer = metadata[CUSTOMER_TAG];
    if (customer === undefined) continue;
    const methods = await listed(sandboxUrl, `/v1/customers/${id}/payment_methods`);
    holders.push({ id, customer, methods: methods.map((method) => method.id) });
  }
  return holders;
};

const listed = async (sandboxUrl: string, path: string): Promise<Listed[]> => {
  const all: Listed[] = [];
  for (let after = ''; ;) {
    const response = await fetch(`${sandboxUrl}${path}?limit=${PAGE}${after}`, {
      headers: { Authorization: 'Bearer sk_test_sandbox' },
    });
    if (!response.ok) throw new Error(`the sandbox answered ${path} with ${response.status}`);
    const { data } = (await response.json()) as { data: Listed[] };
    all.push(...data);
    if (data.length < PAGE) return all;
    after = `&starting_after=${data.at(-1)?.id ?? ''}`;
  }
};

export const compareSaved = async (db: pg.Client, there: readonly HolderThere[]): Promise<Violation[]> => {
  const violations: Violation[] = [];
  const report = (subject: string, detail: string): void =>
    void violations.push({ rule: 'saved_differs', subject, detail });
  const holders = await rowsOf<Holder>(
    db,
    `select 'cus_' || replace(s.id::text, '-', '') as customer, s.stripe_id, s.default_method,
       c.erased_at is not null as erased
     from stripe_customers s join customers c using (merchant_id, id)`,
  );
  const methods = await rowsOf<{ id: string; customer: string }>(
    db,
    `select id, 'cus_' || replace(customer_id::text, '-', '') as customer from payment_methods where not detached`,
  );
  const byCustomer = Map.groupBy(there, ({ customer }) => customer);
  for (const [customer, all] of byCustomer)
    if (all.length > 1) report(customer, `Stripe has ${all.map(({ id }) => id).join(', ')}`);

  const known = new Map(holders.map((holder) => [holder.customer, holder]));
  for (const { customer, id, methods: attached } of there) {
    const holder = known.get(customer);
    if (holder?.erased) report(customer, `was erased, and is still ${id} at Stripe`);
    if (holder?.stripe_id !== id) report(customer, `${id} is of it, and ${holder?.stripe_id ?? 'none'} is here`);
    const here = new Set(methods.filter((method) => method.customer === customer).map((method) => method.id));
    for (const method of attached) if (!here.delete(method)) report(customer, `${method} is attached, and is not here`);
    for (const method of here) report(customer, `${method} is here, and is not attached`);
  }
  for (const { customer, stripe_id: id, default_method: chosen, erased } of holders) {
    if (id !== null && !erased && !byCustomer.get(customer)?.some((one) => one.id === id))
      report(customer, `${id} is here, and Stripe does not have it`);
    if (chosen !== null && !methods.some((method) => method.id === chosen && method.customer === customer))
      report(customer, `its default is ${chosen}, which it has not saved`);
  }
  return violations;
};
