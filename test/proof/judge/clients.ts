/** What clients were told is so, and stays so. */
import type pg from 'pg';
import { rowsOf } from './books.ts';
import type { Violation } from './rules.ts';

/** A final reply, as a client has read it. */
export interface Seen {
  /** Method and path, as a key is scoped to them. */
  readonly operation: string;
  readonly key: string;
  readonly status: number;
  readonly body: string;
}

export const compareWithClients = async (db: pg.Client, seen: readonly Seen[]): Promise<Violation[]> => {
  const violations: Violation[] = [];
  const claims = await rowsOf<{ operation: string; key: string; status: number | null; body: string | null }>(
    db,
    'select operation, key, status, body from claims',
  );
  const byKey = new Map(claims.map((claim) => [`${claim.operation} ${claim.key}`, claim]));
  const kept = await readKept(db);
  for (const { operation, key, status, body } of seen) {
    const subject = `${operation} under ${key}`;
    const claim = byKey.get(`${operation} ${key}`);
    if (!claim) violations.push({ rule: 'reply_lost', subject, detail: `a client saw ${status}; the key is not here` });
    else if (claim.status !== status || !isSame(claim.body, body, kept.erased))
      violations.push({
        rule: 'reply_lost',
        subject,
        detail: `a client saw ${status}; stored is ${claim.status ?? 'nothing'}`,
      });
    if (status < 300) violations.push(...untrue(subject, JSON.parse(body) as Resource, kept));
  }
  return violations;
};

/** Byte for byte; of a customer who was erased since, without what said who he is. */
const isSame = (stored: string | null, seen: string, erased: ReadonlySet<string>): boolean => {
  if (stored === seen || stored === null) return stored === seen;
  const told = JSON.parse(seen) as Resource;
  const customer = (told.object === 'customer' ? told.id : told.customer) ?? '';
  return erased.has(customer.slice(4)) && withoutWho(stored) === withoutWho(seen);
};

const WHO: ReadonlySet<string> = new Set(['name', 'email', 'description', 'metadata', 'next_action']);
const withoutWho = (body: string): string =>
  JSON.stringify(JSON.parse(body), (name, value: unknown) => (WHO.has(name) ? undefined : value));

interface Resource {
  readonly object: string;
  readonly id: string;
  readonly status?: string;
  readonly amount?: number;
  readonly customer?: string | null;
}

/** Amounts of the succeeded payments and of the transfers, and the customers, by their ids without prefix. */
interface Kept {
  readonly payments: ReadonlyMap<string, { readonly status: string; readonly amount: string }>;
  readonly transfers: ReadonlyMap<string, string>;
  readonly refunds: ReadonlyMap<string, string>;
  readonly customers: ReadonlySet<string>;
  readonly erased: ReadonlySet<string>;
}

const readKept = async (db: pg.Client): Promise<Kept> => {
  const hex = `replace(id::text, '-', '') as id`;
  const payments = await rowsOf<{ id: string; status: string; amount: string }>(
    db,
    `select ${hex}, status, amount from payments`,
  );
  const transfers = await rowsOf<{ id: string; amount: string }>(db, `select ${hex}, amount from transfers`);
  const refunds = await rowsOf<{ id: string; amount: string }>(db, `select ${hex}, amount from refunds`);
  const customers = await rowsOf<{ id: string; erased: boolean }>(
    db,
    `select ${hex}, erased_at is not null as erased from customers`,
  );
  return {
    payments: new Map(payments.map((row) => [row.id, row])),
    transfers: new Map(transfers.map((row) => [row.id, row.amount])),
    refunds: new Map(refunds.map((row) => [row.id, row.amount])),
    customers: new Set(customers.map((row) => row.id)),
    erased: new Set(customers.filter((row) => row.erased).map((row) => row.id)),
  };
};

const untrue = (subject: string, told: Resource, { payments, transfers, refunds, customers }: Kept): Violation[] => {
  const wrong = (detail: string): Violation[] => [{ rule: 'reply_untrue', subject, detail }];
  const id = told.id.slice(told.id.indexOf('_') + 1);
  if (told.object === 'payment') {
    const payment = payments.get(id);
    if (!payment) return wrong(`${told.id} is not here`);
    if (payment.amount !== String(told.amount)) return wrong(`${told.id} is of ${payment.amount}`);
    return told.status === 'succeeded' && payment.status !== 'succeeded'
      ? wrong(`${told.id} is ${payment.status}`)
      : [];
  }
  if (told.object === 'transfer' && transfers.get(id) !== String(told.amount))
    return wrong(`${told.id} is of ${transfers.get(id) ?? 'nothing'}`);
  if (told.object === 'refund' && refunds.get(id) !== String(told.amount))
    return wrong(`${told.id} is of ${refunds.get(id) ?? 'nothing'}`);
  if (told.object === 'customer' && !customers.has(id)) return wrong(`${told.id} is not here`);
  return [];
};
