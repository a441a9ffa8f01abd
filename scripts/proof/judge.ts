/**
 * The judge: compares what the database says with what Stripe's side says and with what clients were told, and names
 * every way in which they disagree. It knows nothing of how a run was made, and shares no code with the service: it
 * reads the tables, the sandbox's own export, and a file of the replies that clients saw.
 *
 *   node scripts/proof/judge.ts --database URL --sandbox URL [--seen FILE] [--settled-within SECONDS]
 */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { commandLine, count, misused } from '../command-line.ts';

/** A promise that was broken: which, by what, and how. */
export interface Violation {
  readonly rule: Rule;
  readonly subject: string;
  readonly detail: string;
}

export const RULES = {
  charge_without_payment: 'Whatever Stripe has charged is a succeeded payment here, of the same amount.',
  payment_without_charge: 'Whatever is a succeeded payment here, Stripe has charged.',
  charged_twice: 'No payment has two successful charges, or two PaymentIntents.',
  amounts_differ: 'A payment, its charge and its posting are the same amount.',
  posted_once: 'A succeeded payment has exactly one posting, and no other payment has any.',
  refunds_differ: 'What was refunded is the same at Stripe, in the payment, in its refunds and in the ledger.',
  holds: 'A wallet holds back what its refunds under way will take, and nothing else.',
  told_once: 'A succeeded payment has exactly one event that tells of it.',
  balance_differs: "What Stripe's balance says of a payment is here to the cent, and its fee is posted once.",
  clearing_differs:
    'What Stripe owes a merchant, in each currency, is what stripe_clearing says, once all of it was read.',
  payouts_differ:
    'A payout is split by its balance transactions: the shares, and what was posted of them, are their sums.',
  sum_zero: 'The sum over all accounts of a merchant and a currency is zero.',
  account_sums: "An account's debits, credits and sequence are the sums of its transfers.",
  running_balance: "Each transfer's balances and sequence follow from the one before; posting times only grow.",
  wallet_negative:
    'No wallet is, or was, further below zero than Stripe alone took it: by disputes lost, and refunds made there.',
  reply_lost: 'Every final reply that a client saw is stored under its key, byte for byte.',
  reply_untrue: 'Every success that a client was told of is in the tables.',
  stuck: 'No claim, attempt or payment still waits, 30 seconds after Stripe knew the outcome.',
} as const;
export type Rule = keyof typeof RULES;

/** A final reply, as a client has read it. */
export interface Seen {
  /** Method and path, as a key is scoped to them. */
  readonly operation: string;
  readonly key: string;
  readonly status: number;
  readonly body: string;
}

export interface Case {
  readonly databaseUrl: string;
  readonly sandboxUrl: string;
  readonly seen: readonly Seen[];
  /** How long any attempt of the past may have taken to be settled; not asked if left out. */
  readonly settledWithinS?: number;
  /** All of Stripe's balance should be here; else only what is here is compared. */
  readonly balanceRead?: boolean;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** What was looked at: a judgement of nothing proves nothing. */
  readonly counts: Readonly<
    Record<'payments' | 'succeeded' | 'charges' | 'transfers' | 'accounts' | 'replies' | 'fees', number>
  >;
  /** The longest that an attempt took to be settled, in seconds. */
  readonly slowestSettlementS: number;
}

/** Stripe's answer may be this old before a payment that still waits for it counts as stuck. */
const STUCK_AFTER_S = 30;

export const judge = async (of: Case): Promise<Verdict> => {
  const db = new pg.Client(of.databaseUrl);
  await db.connect();
  try {
    // One snapshot, so that a service that is still at work does not look inconsistent.
    await db.query('begin isolation level repeatable read read only');
    const payments = await readPayments(db);
    // Read after the database: whatever was settled there has been charged before.
    const intents = await readIntents(of.sandboxUrl);
    const settlements = await readSettlements(db);
    const violations = [
      ...compareWithStripe(payments, intents),
      ...comparePostings(payments),
      ...compareRefunds(payments, intents),
      ...(await compareBalance(db, intents, of.balanceRead ?? false)),
      ...(await ledgerViolations(db)),
      ...(await compareWithClients(db, of.seen)),
      ...(await stuckViolations(db, intents)),
      ...slowViolations(settlements, of.settledWithinS),
    ];
    return {
      violations,
      counts: {
        payments: payments.length,
        succeeded: payments.filter(({ status }) => status === 'succeeded').length,
        charges: intents.flatMap(({ charges }) => charges).filter(({ status }) => status === 'succeeded').length,
        transfers: await countOf(db, 'transfers'),
        accounts: await countOf(db, 'accounts'),
        fees: await countOf(db, 'balance_transactions'),
        replies: of.seen.length,
      },
      slowestSettlementS: settlements[0]?.tookS ?? 0,
    };
  } finally {
    await db.end();
  }
};

// ---- payments and charges ----------------------------------------------------------------------------------------

interface PaymentRow {
  readonly id: string;
  readonly status: string;
  readonly captured: bigint;
  readonly currency: string;
  readonly intent: string | null;
  readonly postings: number;
  readonly posted: bigint;
  readonly told: number;
  /** Said by the payment itself, by its refunds, and by the ledger. */
  readonly refunded: bigint;
  readonly refunding: bigint;
  readonly refunds: bigint;
  readonly unposted: bigint;
}

interface Intent {
  readonly id: string;
  readonly status: string;
  readonly created: number;
  readonly currency: string;
  readonly amount_received: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly charges: readonly { readonly id: string; readonly status: string; readonly amount_refunded: number }[];
  readonly balance: readonly Line[];
}

/** A balance transaction at Stripe. */
interface Line {
  readonly id: string;
  readonly gross: number;
  readonly fee: number;
  readonly currency: string;
  readonly payout: string | null;
}

const readPayments = async (db: pg.Client): Promise<PaymentRow[]> => {
  const rows = await rowsOf<Record<keyof PaymentRow, string | null>>(
    db,
    `select 'pay_' || replace(p.id::text, '-', '') as id, p.status, p.amount_captured as captured, p.currency, p.intent,
       (select count(*) from transfers t
        where t.merchant_id = p.merchant_id and t.payment_id = p.id and t.kind = 'payment') as postings,
       (select coalesce(sum(t.amount), 0) from transfers t
        where t.merchant_id = p.merchant_id and t.payment_id = p.id and t.kind = 'payment') as posted,
       (select count(*) from events e where e.merchant_id = p.merchant_id
        and e.subject = 'pay_' || replace(p.id::text, '-', '') and e.type = 'payment.succeeded') as told,
       p.amount_refunded as refunded, p.refunds_pending as refunding,
       (select coalesce(sum(r.amount), 0) from refunds r
        where r.merchant_id = p.merchant_id and r.payment_id = p.id and r.status = 'succeeded') as refunds,
       (select coalesce(sum(case t.kind when 'refund' then t.amount else -t.amount end), 0) from transfers t
        where t.merchant_id = p.merchant_id and t.payment_id = p.id and t.kind in ('refund', 'refund_reversed')) as unposted
     from payments p`,
  );
  return rows.map((row) => ({
    id: String(row.id),
    status: String(row.status),
    captured: BigInt(row.captured ?? 0),
    currency: String(row.currency),
    intent: row.intent,
    postings: Number(row.postings),
    posted: BigInt(row.posted ?? 0),
    told: Number(row.told),
    refunded: BigInt(row.refunded ?? 0),
    refunding: BigInt(row.refunding ?? 0),
    refunds: BigInt(row.refunds ?? 0),
    unposted: BigInt(row.unposted ?? 0),
  }));
};

const readIntents = async (sandboxUrl: string): Promise<Intent[]> => {
  const response = await fetch(`${sandboxUrl}/_sandbox/export`);
  if (!response.ok) throw new Error(`the sandbox's export answered ${response.status}`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Intent);
};

const TAG = 'quittance_payment';

const compareWithStripe = (payments: readonly PaymentRow[], intents: readonly Intent[]): Violation[] => {
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  const byTag = Map.groupBy(intents, (intent) => intent.metadata[TAG] ?? '');
  const violations: Violation[] = [];
  const report = (rule: Rule, subject: string, detail: string): void => void violations.push({ rule, subject, detail });

  for (const intent of intents) {
    if (intent.status !== 'succeeded') continue;
    const tag = intent.metadata[TAG];
    const payment = tag === undefined ? undefined : byId.get(tag);
    if (!payment)
      report('charge_without_payment', intent.id, `it was charged for ${tag ?? 'nobody'}, which is not here`);
    else if (payment.status !== 'succeeded')
      report('charge_without_payment', intent.id, `it was charged for ${payment.id}, which is ${payment.status}`);
    else if (payment.captured !== BigInt(intent.amount_received) || payment.currency !== intent.currency)
      report(
        'amounts_differ',
        payment.id,
        `${payment.captured} ${payment.currency} here, ${intent.amount_received} ${intent.currency} in ${intent.id}`,
      );
  }
  for (const [tag, of] of byTag) {
    if (tag === '') continue;
    const charges = of.flatMap((intent) => intent.charges).filter(({ status }) => status === 'succeeded');
    if (charges.length > 1) report('charged_twice', tag, `its charges are ${charges.map(({ id }) => id).join(', ')}`);
    if (of.length > 1) report('charged_twice', tag, `its PaymentIntents are ${of.map(({ id }) => id).join(', ')}`);
  }
  for (const payment of payments) {
    if (payment.status !== 'succeeded') continue;
    const paid = byTag.get(payment.id)?.find(({ status }) => status === 'succeeded');
    if (!paid) report('payment_without_charge', payment.id, 'Stripe has no succeeded PaymentIntent for it');
    else if (paid.id !== payment.intent)
      report('payment_without_charge', payment.id, `it names ${payment.intent ?? 'none'}, and ${paid.id} was paid`);
  }
  return violations;
};

const comparePostings = (payments: readonly PaymentRow[]): Violation[] =>
  payments.flatMap(({ id, status, captured, postings, posted, told }): Violation[] => {
    const wanted = status === 'succeeded' ? 1 : 0;
    const found: Violation[] = [];
    if (postings !== wanted)
      found.push({ rule: 'posted_once', subject: id, detail: `${status}, posted ${postings} times` });
    if (postings === 1 && posted !== captured)
      found.push({ rule: 'amounts_differ', subject: id, detail: `captured ${captured}, posted ${posted}` });
    if (told !== wanted) found.push({ rule: 'told_once', subject: id, detail: `${status}, told of ${told} times` });
    return found;
  });

/** Stripe counts a refund from the moment that it knows of it, so one under way may be counted there already. */
const compareRefunds = (payments: readonly PaymentRow[], intents: readonly Intent[]): Violation[] => {
  const atStripe = new Map(
    intents.map(({ metadata, charges }) => [
      metadata[TAG] ?? '',
      BigInt(charges.reduce((sum, { status, amount_refunded: of }) => (status === 'succeeded' ? sum + of : sum), 0)),
    ]),
  );
  return payments.flatMap(({ id, status, captured, refunded, refunding, refunds, unposted }): Violation[] => {
    // A hold that was let go, in whole or in part, may count as refunded at Stripe, and moved no money.
    const known = atStripe.get(id) ?? 0n;
    const there = status === 'canceled' ? 0n : known > captured ? captured : known;
    const agree = refunded === refunds && refunded === unposted && there >= refunded && there <= refunded + refunding;
    const detail = `${there} at Stripe; ${refunded} and ${refunding} under way here, by refunds ${refunds}, posted ${unposted}`;
    return agree ? [] : [{ rule: 'refunds_differ', subject: id, detail }];
  });
};

// ---- Stripe's balance ----------------------------------------------------------------------------------------------

interface BalanceRow {
  readonly id: string;
  readonly payment: string;
  readonly gross: string;
  readonly fee: string;
  readonly currency: string;
  readonly payout: string | null;
}

const compareBalance = async (db: pg.Client, intents: readonly Intent[], isRead: boolean): Promise<Violation[]> => {
  const rows = await rowsOf<BalanceRow>(
    db,
    `select id, 'pay_' || replace(payment_id::text, '-', '') as payment, gross, fee, currency, payout
     from balance_transactions`,
  );
  const split = new Set(
    (await rowsOf<{ id: string }>(db, `select id from stripe_payouts where outcome in ('paid', 'failed')`)).map(
      ({ id }) => id,
    ),
  );
  const lines = new Map(
    intents.flatMap(({ balance, metadata }) => balance.map((line) => [line.id, { line, metadata }])),
  );
  const here = new Set(rows.map(({ id }) => id));
  const violations = rows.flatMap((row): Violation[] => {
    const found = lines.get(row.id);
    if (!found) return [{ rule: 'balance_differs', subject: row.payment, detail: `Stripe has no ${row.id} of it` }];
    const { line, metadata } = found;
    const differs: Violation[] = [];
    const there = [metadata[TAG], String(line.gross), String(line.fee), line.currency].join(' ');
    const known = [row.payment, row.gross, row.fee, row.currency].join(' ');
    if (there !== known)
      differs.push({ rule: 'balance_differs', subject: row.id, detail: `${known} here, ${there} at Stripe` });
    if (line.payout !== null && split.has(line.payout) && line.payout !== row.payout)
      differs.push({
        rule: 'payouts_differ',
        subject: row.id,
        detail: `in ${row.payout ?? 'no payout'} here, in ${line.payout} at Stripe`,
      });
    return differs;
  });
  if (!isRead) return violations;
  for (const [id, { metadata }] of lines)
    if (metadata[TAG] !== undefined && !here.has(id))
      violations.push({ rule: 'balance_differs', subject: metadata[TAG], detail: `${id} is not here` });
  return [...violations, ...(await rowsOf<Omit<Violation, 'rule'>>(db, CLEARING)).map(ofClearing)];
};

/** Nets that were posted, less what was paid out. */
const CLEARING = `
  with parts as (
    select merchant_id, currency, gross - fee as owed from balance_transactions
    union all
    select merchant_id, currency, -amount from payouts where status = 'paid'
    union all
    select merchant_id, currency, credits - debits from accounts where kind = 'stripe_clearing')
  select currency || ' of ' || merchant_id as subject, 'it is off by ' || sum(owed) as detail
  from parts group by merchant_id, currency having sum(owed) <> 0`;
const ofClearing = (row: Omit<Violation, 'rule'>): Violation => ({ rule: 'clearing_differs', ...row });

interface Settled {
  readonly payment: string;
  readonly kind: string;
  readonly tookS: number;
}

/** What each attempt took from its start, slowest first. Those that Stripe itself left open take as long as they do. */
const readSettlements = async (db: pg.Client): Promise<Settled[]> => {
  const rows = await rowsOf<{ payment: string; kind: string; took: string }>(
    db,
    `select 'pay_' || replace(payment_id::text, '-', '') as payment, kind, extract(epoch from settled_at - started_at) as took
     from attempts where settled_at is not null order by settled_at - started_at desc`,
  );
  return rows.map(({ took, ...row }) => ({ ...row, tookS: Number(took) }));
};

const slowViolations = (settlements: readonly Settled[], withinS: number | undefined): Violation[] =>
  settlements
    .filter(({ tookS }) => withinS !== undefined && tookS > withinS)
    .map(({ payment, kind, tookS }) => ({
      rule: 'stuck',
      subject: payment,
      detail: `its ${kind} was settled after ${tookS.toFixed(1)} s`,
    }));

// ---- the ledger --------------------------------------------------------------------------------------------------

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
       where kind = 'dispute_lost' or (kind = 'refund' and not exists (
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

const ledgerViolations = async (db: pg.Client): Promise<Violation[]> => {
  const violations: Violation[] = [];
  for (const [rule, query] of LEDGER)
    violations.push(...(await rowsOf<Omit<Violation, 'rule'>>(db, query)).map((row) => ({ rule, ...row })));
  return violations;
};

// ---- what clients were told --------------------------------------------------------------------------------------

const compareWithClients = async (db: pg.Client, seen: readonly Seen[]): Promise<Violation[]> => {
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
    else if (claim.status !== status || claim.body !== body)
      violations.push({
        rule: 'reply_lost',
        subject,
        detail: `a client saw ${status}; stored is ${claim.status ?? 'nothing'}`,
      });
    if (status < 300) violations.push(...untrue(subject, JSON.parse(body) as Resource, kept));
  }
  return violations;
};

interface Resource {
  readonly object: string;
  readonly id: string;
  readonly status?: string;
  readonly amount?: number;
}

/** Amounts of the succeeded payments and of the transfers, and the customers, by their ids without prefix. */
interface Kept {
  readonly payments: ReadonlyMap<string, { readonly status: string; readonly amount: string }>;
  readonly transfers: ReadonlyMap<string, string>;
  readonly refunds: ReadonlyMap<string, string>;
  readonly customers: ReadonlySet<string>;
}

const readKept = async (db: pg.Client): Promise<Kept> => {
  const hex = `replace(id::text, '-', '') as id`;
  const payments = await rowsOf<{ id: string; status: string; amount: string }>(
    db,
    `select ${hex}, status, amount from payments`,
  );
  const transfers = await rowsOf<{ id: string; amount: string }>(db, `select ${hex}, amount from transfers`);
  const refunds = await rowsOf<{ id: string; amount: string }>(db, `select ${hex}, amount from refunds`);
  const customers = await rowsOf<{ id: string }>(db, `select ${hex} from customers`);
  return {
    payments: new Map(payments.map((row) => [row.id, row])),
    transfers: new Map(transfers.map((row) => [row.id, row.amount])),
    refunds: new Map(refunds.map((row) => [row.id, row.amount])),
    customers: new Set(customers.map((row) => row.id)),
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

// ---- what hangs --------------------------------------------------------------------------------------------------

/** Where Stripe itself still waits for a bank, nobody is late. */
const stuckViolations = async (db: pg.Client, intents: readonly Intent[]): Promise<Violation[]> => {
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

// ---- small things ------------------------------------------------------------------------------------------------

const rowsOf = async <Row>(db: pg.Client, query: string, values: unknown[] = []): Promise<Row[]> =>
  (await db.query(query, values)).rows as Row[];

const countOf = async (db: pg.Client, table: 'transfers' | 'accounts' | 'balance_transactions'): Promise<number> => {
  const [row] = await rowsOf<{ n: string }>(db, `select count(*) as n from ${table}`);
  return Number(row?.n);
};

/** More of one rule than this say nothing new; their number does. */
const SHOWN_MAX = 5;

/** For a person: what was looked at, and each promise with what broke it. */
export const describe = ({ violations, counts, slowestSettlementS }: Verdict): string => {
  const looked = Object.entries(counts).map(([name, n]) => `${n} ${name}`);
  const lines = [`judged: ${looked.join(', ')}; slowest settlement ${slowestSettlementS.toFixed(1)} s`];
  for (const [rule, of] of Map.groupBy(violations, (violation) => violation.rule)) {
    lines.push(`BROKEN ${of.length} times: ${RULES[rule]}`);
    lines.push(...of.slice(0, SHOWN_MAX).map(({ subject, detail }) => `    ${subject}: ${detail}`));
  }
  lines.push(violations.length === 0 ? 'no violation' : `${violations.length} violations`);
  return lines.join('\n');
};

const USAGE = `
npm run proof:judge -- --database URL --sandbox URL [options]

Judges the books of a service that is at rest: every promise, against what its Stripe sandbox holds.

  --database URL      of the service's Postgres
  --sandbox URL       of its Stripe sandbox
  --seen FILE         the replies that a load was given, one JSON object a line
  --settled-within N  seconds after which an outcome that is still unknown breaks a promise
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    database: { type: 'string' },
    sandbox: { type: 'string' },
    seen: { type: 'string' },
    'settled-within': { type: 'string' },
  });
  const { database, sandbox, 'settled-within': within } = values;
  if (database === undefined || sandbox === undefined) return misused('it takes --database URL and --sandbox URL');
  const lines = values.seen === undefined ? [] : (await readFile(values.seen, 'utf8')).trim().split('\n');
  const verdict = await judge({
    databaseUrl: database,
    sandboxUrl: sandbox,
    seen: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Seen),
    ...(within === undefined ? {} : { settledWithinS: count('settled-within', within) }),
  });
  console.log(describe(verdict));
  if (verdict.violations.length > 0) process.exitCode = 1;
};

if (import.meta.main) await main();
