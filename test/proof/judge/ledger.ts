/** The ledger, by itself: its sums, its order, and what it may never fall to. */
import type pg from 'pg';
import { rowsOf } from './books.ts';
import type { Rule, Violation } from './rules.ts';

const LEGS = `legs as (
  select merchant_id, debit as account, amount as debit, 0::bigint as credit, debit_sequence as sequence,
    debit_balance_after as after, posted_at, id from transfers
  union all
  select merchant_id, credit, 0, amount, credit_sequence, credit_balance_after, posted_at, id from transfers)`;

/** Each query answers the rows that break its rule, as `subject` and `detail`. */
const LEDGER: readonly (readonly [Rule, string])[] = [
  [
    'sum_zero',
    `select currency || ' of ' || merchant_id as subject, 'the sum is ' || sum(credits - debits) as detail
     from accounts group by merchant_id, currency having sum(credits - debits) <> 0`,
  ],
  [
    'account_sums',
    `with ${LEGS}, sums as (
       select merchant_id, account as id, sum(debit) as debits, sum(credit) as credits, count(*) as n from legs group by 1, 2)
     select id::text as subject, format('it says -%s +%s #%s; its transfers say -%s +%s #%s',
       a.debits, a.credits, a.sequence, s.debits, s.credits, s.n) as detail
     from accounts a full join sums s using (merchant_id, id)
     where (coalesce(a.debits, 0), coalesce(a.credits, 0), coalesce(a.sequence, 0))
       is distinct from (coalesce(s.debits, 0), coalesce(s.credits, 0), coalesce(s.n, 0)) or a.debits is null`,
  ],
  [
    'running_balance',
    `with ${LEGS}, run as (
       select *, sum(credit - debit) over w as running, row_number() over w as n, lag(posted_at) over w as before
       from legs window w as (partition by merchant_id, account order by sequence))
     select id::text as subject, format('in %s: #%s with %s after it, and should be #%s with %s; posted %s after %s',
       account, sequence, after, n, running, posted_at, before) as detail
     from run where after <> running or sequence <> n or posted_at <= before`,
  ],
  [
    'wallet_negative',
    // A refund that was asked for here has an attempt; its transfer has its id.
    `with ${LEGS}, forced as (
       select merchant_id, debit as account, debit_sequence as sequence, amount from transfers t
       where kind in ('dispute_lost', 'payment_returned') or (kind = 'refund' and not exists (
         select from attempts a where a.merchant_id = t.merchant_id and a.refund_id = t.id))),
     wallets as (
       select l.merchant_id, l.account, l.sequence, l.after from legs l
       join accounts a on a.merchant_id = l.merchant_id and a.id = l.account where a.kind = 'wallet'
       union all
       select merchant_id, id, sequence, credits - debits from accounts where kind = 'wallet'),
     low as (
       select w.*, coalesce((select sum(f.amount) from forced f where f.merchant_id = w.merchant_id
         and f.account = w.account and f.sequence <= w.sequence), 0) as taken
       from wallets w where w.after < 0)
     select account::text as subject, format('it fell to %s, and Stripe alone took %s', after, taken) as detail
     from low where after + taken < 0`,
  ],
  [
    'balance_differs',
    `with posted as (
       select merchant_id, payment_id, currency, sum(case kind when 'fee' then amount else -amount end) as fee
       from transfers where kind in ('fee', 'fee_returned') group by 1, 2, 3),
     kept as (select merchant_id, payment_id, currency, sum(fee) as fee from balance_transactions group by 1, 2, 3)
     select payment_id::text as subject, format('fees of %s %s, posted %s', k.fee, currency, p.fee) as detail
     from kept k full join posted p using (merchant_id, payment_id, currency)
     where coalesce(k.fee, 0) <> coalesce(p.fee, 0)`,
  ],
  [
    'payouts_differ',
    `with parts as (
       select payout as id, merchant_id, currency, gross - fee as part from balance_transactions
       union all select returned_in, merchant_id, currency, amount from payouts where returned_in is not null),
     sums as (select id, merchant_id, currency, sum(part) as sum from parts
       where id in (select id from stripe_payouts where outcome in ('paid', 'failed')) group by 1, 2, 3)
     select id as subject, format('%s of it is %s %s, and its transactions come to %s', merchant_id, p.amount, currency, s.sum) as detail
     from payouts p full join sums s using (id, merchant_id, currency)
     where id in (select id from stripe_payouts where outcome in ('paid', 'failed')) and coalesce(p.amount, 0) <> coalesce(s.sum, 0)
     union all
     select currency || ' of ' || merchant_id, format('shares of %s, posted %s', coalesce(p.amount, 0), coalesce(t.amount, 0))
     from (select merchant_id, currency, sum(amount) as amount from payouts where status = 'paid' group by 1, 2) p
     full join (select merchant_id, currency, sum(case kind when 'payout' then amount else -amount end) as amount
       from transfers where kind in ('payout', 'payout_reversed') group by 1, 2) t using (merchant_id, currency)
     where coalesce(p.amount, 0) <> coalesce(t.amount, 0)`,
  ],
  [
    'holds',
    `with held as (
       select merchant_id, customer_id, currency, sum(refunds_pending) as held from payments group by 1, 2, 3)
     select a.id::text as subject, format('it holds back %s, and %s is being refunded', a.pending, coalesce(held, 0)) as detail
     from accounts a left join held using (merchant_id, customer_id, currency)
     where a.pending <> coalesce(held, 0)`,
  ],
];

export const ledgerViolations = async (db: pg.Client): Promise<Violation[]> => {
  const violations: Violation[] = [];
  for (const [rule, query] of LEDGER)
    violations.push(...(await rowsOf<Omit<Violation, 'rule'>>(db, query)).map((row) => ({ rule, ...row })));
  return violations;
};
