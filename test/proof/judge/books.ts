/** What the books say: payments with what was posted of them, refunds, disputes, second charges. */
import type pg from 'pg';

export interface PaymentRow {
  readonly id: string;
  readonly status: string;
  readonly captured: bigint;
  readonly currency: string;
  readonly intent: string | null;
  /** An attempt at it is open. */
  readonly underWay: boolean;
  readonly postings: number;
  readonly posted: bigint;
  readonly told: number;
  /** So old that the event which told of it is deleted by now, after its 180 days. */
  readonly isForgotten?: boolean;
  /** Said by the payment itself, and by the ledger. */
  readonly refunded: bigint;
  readonly refunding: bigint;
  readonly unposted: bigint;
  /** What the bank has returned of it: said by the payment, and by the ledger. */
  readonly returned: bigint;
  readonly taken: bigint;
  /** What all transfers of it come to, in each kind of account. */
  readonly inWallet: bigint;
  readonly inDisputes: bigint;
  readonly toReturn: bigint;
  /** Stripe's ids of its second charges. */
  readonly seconds: readonly string[];
}

export interface RefundRow {
  readonly payment: string;
  readonly amount: bigint;
  readonly status: string;
  readonly stripeId: string | null;
}

export interface DisputeRow {
  readonly payment: string;
  readonly status: string;
  readonly stripeId: string;
  readonly withdrawn: bigint;
  readonly reinstated: bigint;
  readonly lost: bigint;
}

export interface SecondRow {
  readonly id: string;
  readonly payment: string;
  readonly received: bigint;
}

/** Numbers of any size come as texts. */
type Texts<Row> = { readonly [Name in keyof Row]: Row[Name] extends bigint | number ? string : Row[Name] };

const paymentId = (column: string): string => `'pay_' || replace(${column}::text, '-', '')`;

export const readPayments = async (db: pg.Client): Promise<PaymentRow[]> => {
  const rows = await rowsOf<Texts<PaymentRow>>(
    db,
    `with legs as (
       select t.merchant_id, t.payment_id, a.kind, sum(t.signed) as net
       from (select merchant_id, payment_id, debit as account, -amount as signed from transfers where payment_id is not null
         union all select merchant_id, payment_id, credit, amount from transfers where payment_id is not null) t
       join accounts a on a.merchant_id = t.merchant_id and a.id = t.account
       where a.kind in ('wallet', 'disputes', 'to_return') group by 1, 2, 3),
     nets as (
       select merchant_id, payment_id, sum(net) filter (where kind = 'wallet') as wallet,
         sum(net) filter (where kind = 'disputes') as disputes, sum(net) filter (where kind = 'to_return') as to_return
       from legs group by 1, 2)
     select ${paymentId('p.id')} as id, p.status, p.amount_captured as captured, p.currency, p.intent,
       p.status = 'processing' and p.attempt is distinct from p.ended_attempt as "underWay",
       (select count(*) from transfers t
        where t.merchant_id = p.merchant_id and t.payment_id = p.id and t.kind = 'payment') as postings,
       (select coalesce(sum(t.amount), 0) from transfers t
        where t.merchant_id = p.merchant_id and t.payment_id = p.id and t.kind = 'payment') as posted,
       (select count(*) from events e where e.merchant_id = p.merchant_id
        and e.subject = ${paymentId('p.id')} and e.type = 'payment.succeeded') as told,
       p.created_at < now() - interval '179 days' as "isForgotten",
       p.amount_refunded as refunded, p.refunds_pending as refunding,
       (select coalesce(sum(case t.kind when 'refund' then t.amount else -t.amount end), 0) from transfers t
        where t.merchant_id = p.merchant_id and t.payment_id = p.id and t.kind in ('refund', 'refund_reversed')) as unposted,
       p.amount_returned as returned,
       (select coalesce(sum(t.amount), 0) from transfers t where t.merchant_id = p.merchant_id and t.payment_id = p.id
        and t.kind = 'payment_returned') as taken,
       coalesce(n.wallet, 0) as "inWallet", coalesce(n.disputes, 0) as "inDisputes", coalesce(n.to_return, 0) as "toReturn",
       array(select s.id from second_charges s where s.merchant_id = p.merchant_id and s.payment_id = p.id) as seconds
     from payments p left join nets n on n.merchant_id = p.merchant_id and n.payment_id = p.id`,
  );
  return rows.map((row) => ({
    ...row,
    captured: BigInt(row.captured),
    postings: Number(row.postings),
    posted: BigInt(row.posted),
    told: Number(row.told),
    refunded: BigInt(row.refunded),
    refunding: BigInt(row.refunding),
    unposted: BigInt(row.unposted),
    returned: BigInt(row.returned),
    taken: BigInt(row.taken),
    inWallet: BigInt(row.inWallet),
    inDisputes: BigInt(row.inDisputes),
    toReturn: BigInt(row.toReturn),
  }));
};

export const readRefunds = async (db: pg.Client): Promise<RefundRow[]> => {
  const rows = await rowsOf<Texts<RefundRow>>(
    db,
    `select ${paymentId('payment_id')} as payment, amount, status, stripe_id as "stripeId" from refunds`,
  );
  return rows.map((row) => ({ ...row, amount: BigInt(row.amount) }));
};

export const readDisputes = async (db: pg.Client): Promise<DisputeRow[]> => {
  const rows = await rowsOf<Texts<DisputeRow>>(
    db,
    // What the release before has posted stands in the ledger alone.
    `select ${paymentId('d.payment_id')} as payment, d.status, d.stripe_id as "stripeId",
       greatest(d.withdrawn, e.opened) as withdrawn, greatest(d.reinstated, e.won) as reinstated,
       case when d.lost = 0 and d.turns = 0 then e.lost else d.lost end as lost
     from disputes d cross join lateral (
       select coalesce(sum(t.amount) filter (where t.kind = 'dispute_opened' and t.id = d.id), 0) as opened,
         coalesce(sum(t.amount) filter (where t.kind = 'dispute_won'), 0) as won,
         coalesce(sum(t.amount) filter (where t.kind = 'dispute_lost'), 0) as lost
       from transfers t where t.merchant_id = d.merchant_id and t.payment_id = d.payment_id) e`,
  );
  return rows.map((row) => ({
    ...row,
    withdrawn: BigInt(row.withdrawn),
    reinstated: BigInt(row.reinstated),
    lost: BigInt(row.lost),
  }));
};

export const readSeconds = async (db: pg.Client): Promise<SecondRow[]> => {
  const rows = await rowsOf<Texts<SecondRow>>(
    db,
    `select id, ${paymentId('payment_id')} as payment, received from second_charges`,
  );
  return rows.map((row) => ({ ...row, received: BigInt(row.received) }));
};

/** What a person is told of, by what it is about. */
export const readContradicted = async (db: pg.Client): Promise<ReadonlySet<string>> =>
  new Set((await rowsOf<{ subject: string }>(db, 'select subject from contradictions')).map(({ subject }) => subject));

export const rowsOf = async <Row>(db: pg.Client, query: string, values: unknown[] = []): Promise<Row[]> =>
  (await db.query(query, values)).rows as Row[];

export const countOf = async (
  db: pg.Client,
  table: 'transfers' | 'accounts' | 'balance_transactions',
): Promise<number> => {
  const [row] = await rowsOf<{ n: string }>(db, `select count(*) as n from ${table}`);
  return Number(row?.n);
};
