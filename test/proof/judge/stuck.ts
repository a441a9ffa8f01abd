/** What hangs, or hung for too long. */
import type pg from 'pg';
import { TAG, type Intent } from './at-stripe.ts';
import { rowsOf } from './books.ts';
import type { Violation } from './rules.ts';

/** Stripe's answer may be this old before a payment that still waits for it counts as stuck. */
const STUCK_AFTER_S = 30;

/** Where Stripe itself still waits for a bank, nobody is late. */
export const stuckViolations = async (db: pg.Client, intents: readonly Intent[]): Promise<Violation[]> => {
  const waiting = new Set(intents.filter(({ status }) => status === 'processing').map(({ metadata }) => metadata[TAG]));
  const rows = await rowsOf<{ payment: string | null; what: string; age: string }>(
    db,
    `select 'pay_' || replace(p.id::text, '-', '') as payment, 'it has been processing' as what,
       extract(epoch from now() - a.started_at)::int as age
     from payments p join attempts a on a.merchant_id = p.merchant_id and a.id = p.attempt
     where p.status = 'processing' and a.started_at < now() - make_interval(secs => $1)
     union all
     select 'pay_' || replace(payment_id::text, '-', ''), 'its ' || kind || ' has been open',
       extract(epoch from now() - started_at)::int
     from attempts where outcome is null and started_at < now() - make_interval(secs => $1)
     union all
     select 'pay_' || replace(a.payment_id::text, '-', ''), c.operation || ' under ' || c.key || ' has been open',
       extract(epoch from now() - c.created_at)::int
     from claims c left join attempts a on a.merchant_id = c.merchant_id and a.claim_id = c.id
     where c.status is null and c.created_at < now() - make_interval(secs => $1)`,
    [STUCK_AFTER_S],
  );
  return rows
    .filter(({ payment }) => payment === null || !waiting.has(payment))
    .map(({ payment, what, age }) => ({
      rule: 'stuck',
      subject: payment ?? 'a claim',
      detail: `${what} for ${age} s`,
    }));
};

export interface Settled {
  readonly payment: string;
  readonly kind: string;
  readonly tookS: number;
}

/** What each attempt took from its start, slowest first. Those that Stripe itself left open take as long as they do. */
export const readSettlements = async (db: pg.Client): Promise<Settled[]> => {
  const rows = await rowsOf<{ payment: string; kind: string; took: string }>(
    db,
    `select 'pay_' || replace(payment_id::text, '-', '') as payment, kind, extract(epoch from settled_at - started_at) as took
     from attempts where settled_at is not null order by settled_at - started_at desc`,
  );
  return rows.map(({ took, ...row }) => ({ ...row, tookS: Number(took) }));
};

export const slowViolations = (settlements: readonly Settled[], withinS: number | undefined): Violation[] =>
  settlements
    .filter(({ tookS }) => withinS !== undefined && tookS > withinS)
    .map(({ payment, kind, tookS }) => ({
      rule: 'stuck',
      subject: payment,
      detail: `its ${kind} was settled after ${tookS.toFixed(1)} s`,
    }));
