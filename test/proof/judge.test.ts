import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { judge, type Rule, type Seen, type Verdict } from './judge.ts';
import { startLoad } from './load.ts';
import { createRandom } from './random.ts';
import { eventually, stripeAt } from '../support/stripe.ts';
import { attached, balanceIsRead, createWorld, type World } from '../support/world.ts';
import { afterSuite } from '../support/cleanup.ts';
import { withDatabaseName } from '../support/database.ts';

/** What a run left behind, with nothing wrong in it. */
interface Books {
  readonly world: World;
  readonly seen: readonly Seen[];
  /** The sandbox's export, a line for each PaymentIntent. */
  readonly lines: readonly string[];
  /** The list of payouts, as Stripe shows it. */
  readonly payouts: string;
  /** The second charge, which was not made by the service. */
  readonly second: string;
}

let books: Books;
let clones = 0;

beforeAll(async () => {
  const world = await createWorld();
  afterSuite(world.close);
  const service = await world.start(await attached(world));
  const load = await startLoad({
    urls: () => [service.url],
    apiKey: world.apiKey,
    random: createRandom(7),
    clients: 4,
  });
  while (load.operations() < 60) await new Promise((wake) => setTimeout(wake, 20));
  const { seen, complaints } = await load.finish(20_000);
  const second = await moneyGoesBack(world, service.url);
  await balanceIsRead(world);
  await service.stop();
  expect(complaints).toEqual([]);
  const exported = await (await fetch(`${world.sandboxUrl}/_sandbox/export`)).text();
  const payouts = JSON.stringify(await stripeAt(world.sandboxUrl).get('/v1/payouts'));
  books = { world, seen, lines: exported.trim().split('\n'), payouts, second };
}, 90_000);

/** A hold, a dispute lost, one won, a payout, a refund that came back, and a second charge of which a part has gone back. */
const moneyGoesBack = async ({ apiKey, sandboxUrl, databaseUrl }: World, url: string): Promise<string> => {
  const stripe = stripeAt(sandboxUrl);
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${apiKey}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': crypto.randomUUID(),
      },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as { id: string };
  };
  const { id: customer } = await post('/v1/customers', {});
  const pay = async (card: string, more: object = {}): Promise<{ id: string; intent: string }> => {
    const body = { customer, amount: 5000, currency: 'usd', payment_method: `pm_card_${card}`, confirm: true, ...more };
    const { id } = await post('/v1/payments', body);
    const [row] = await rows<{ intent: string }>(databaseUrl, 'select intent from payments where id = $1', [
      id.slice(4),
    ]);
    return { id, intent: row!.intent };
  };
  await pay('visa', { capture_method: 'manual' });
  await pay('bypassPending');
  await stripe.post('/_sandbox/payouts', { currency: 'usd' });
  const twice = await pay('visa');
  const { metadata } = await stripe.get(`/v1/payment_intents/${twice.intent}`);
  const { id: second } = await stripe.post('/v1/payment_intents', {
    ...{ amount: '5000', currency: 'usd', payment_method: 'pm_card_visa', confirm: 'true' },
    'allowed_payment_method_types[0]': 'card',
    ...Object.fromEntries(Object.entries(metadata).map(([tag, value]) => [`metadata[${tag}]`, value])),
  });
  await stripe.post('/v1/refunds', { payment_intent: second, amount: '1200' });
  await post('/v1/refunds', { payment: (await pay('refundFail')).id, amount: 700 });
  for (const evidence of ['losing_evidence', 'winning_evidence']) {
    const { intent } = await pay('createDispute');
    const { data } = await eventually(
      () => stripe.get(`/v1/disputes?payment_intent=${intent}`),
      (list) => list.data.length > 0,
    );
    await stripe.post(`/v1/disputes/${data[0]!.id}`, { 'evidence[uncategorized_text]': evidence, submit: 'true' });
  }
  await eventually(
    () =>
      rows<{ all: boolean }>(
        databaseUrl,
        `select (select count(*) from disputes where status <> 'open') = 2
          and exists (select from second_charges where returned = 1200)
          and exists (select from refunds where status = 'failed')
          and exists (select from payouts where status = 'paid') as all`,
      ),
    ([row]) => row?.all === true,
  );
  return second;
};

/** Judges a copy of the books in which something was changed. */
const judgeWith = async (planted: {
  readonly sql?: string;
  readonly lines?: (lines: readonly string[]) => readonly string[];
  readonly payouts?: (payouts: string) => string;
  readonly seen?: (seen: readonly Seen[]) => readonly Seen[];
  readonly settledWithinS?: number;
}): Promise<Verdict> => {
  const name = `copy_${++clones}`;
  const databaseUrl = withDatabaseName(books.world.databaseUrl, name);
  await ask(withDatabaseName(books.world.databaseUrl, 'template1'), `create database ${name} template postgres`);
  if (planted.sql !== undefined) await ask(databaseUrl, planted.sql);
  const lines = (planted.lines?.(books.lines) ?? books.lines).join('\n');
  const payouts = planted.payouts?.(books.payouts) ?? books.payouts;
  const { sandboxUrl } = books.world;
  const stripe = createServer(({ url = '' }, response) => {
    if (url.startsWith('/v1/payouts')) response.end(payouts);
    else if (url.startsWith('/_sandbox/export')) response.end(lines);
    else
      void fetch(sandboxUrl + url, { headers: { Authorization: 'Bearer sk_test_sandbox' } })
        .then((reply) => reply.text())
        .then((text) => response.end(text));
  });
  await new Promise<void>((listening) => stripe.listen(0, '127.0.0.1', listening));
  const { port } = stripe.address() as AddressInfo;
  try {
    const { settledWithinS } = planted;
    return await judge({
      databaseUrl,
      sandboxUrl: `http://127.0.0.1:${port}`,
      seen: planted.seen?.(books.seen) ?? books.seen,
      balanceRead: true,
      elsewhere: [books.second],
      ...(settledWithinS === undefined ? {} : { settledWithinS }),
    });
  } finally {
    stripe.closeAllConnections();
    await new Promise((closed) => stripe.close(closed));
  }
};

const rows = async <Row>(url: string, statement: string, values: unknown[] = []): Promise<Row[]> => {
  const db = new pg.Client(url);
  await db.connect();
  return (await db.query(statement, values).finally(() => db.end())).rows as Row[];
};

const ask = async (url: string, statement: string): Promise<void> => {
  const db = new pg.Client(url);
  await db.connect();
  await db.query(statement).finally(() => db.end());
};

/** Changes what Stripe says of the one PaymentIntent that `isIt`, if it has one. */
const there =
  (isIt: (intent: Exported) => boolean, change: (intent: Exported) => object) =>
  (lines: readonly string[]): string[] => {
    const at = lines.findIndex((line) => isIt(JSON.parse(line) as Exported));
    expect(at).not.toBe(-1);
    return lines.map((line, n) => (n === at ? JSON.stringify(change(JSON.parse(line) as Exported)) : line));
  };
interface Exported {
  readonly id: string;
  readonly status: string;
  readonly amount_received: number;
  readonly charges: readonly object[];
  readonly refunds: readonly { readonly amount: number; readonly moved: string | null; readonly back: string | null }[];
  readonly disputes: readonly { readonly status: string; readonly lines: readonly { readonly amount: number }[] }[];
}
const isLost = ({ disputes }: Exported): boolean => disputes.some(({ status }) => status === 'lost');
const isWon = ({ disputes }: Exported): boolean => disputes.some(({ status }) => status === 'won');
const isSecond = ({ id }: Exported): boolean => id === books.second;
const isRefunded = ({ id, refunds }: Exported): boolean =>
  id !== books.second && refunds.some(({ moved, back }) => moved !== null && back === null);

const rulesOf = ({ violations }: Verdict): Rule[] => [...new Set(violations.map(({ rule }) => rule))].sort();

/** One of the succeeded payments, always the same. */
const ONE = `(select id from payments where status = 'succeeded' order by id limit 1)`;
const isSucceededHere = ({ status, refunds, id }: Exported): boolean =>
  status === 'succeeded' && refunds.length === 0 && id !== books.second;
const isSucceeded = (line: string): boolean => (JSON.parse(line) as { status: string }).status === 'succeeded';

test('books in which nothing is wrong are found to be in order', async () => {
  const { violations, counts } = await judgeWith({});
  expect(violations).toEqual([]);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
});

describe('the judge finds', () => {
  const planted: Record<string, { readonly rules: Rule[]; readonly plant: Parameters<typeof judgeWith>[0] }> = {
    'a charge whose payment is not there': {
      rules: ['balance_differs', 'charge_without_payment', 'intent_differs'],
      plant: { lines: (lines) => [...lines, lines.find(isSucceeded)!.replace(/pay_\w{4}/, 'pay_0000')] },
    },
    'a charge whose payment is not succeeded': {
      rules: ['charge_without_payment', 'posted_once', 'reply_untrue', 'told_once'],
      plant: { sql: `update payments set status = 'requires_payment_method' where id = ${ONE}` },
    },
    'a succeeded payment that Stripe has not charged': {
      rules: ['balance_differs', 'payment_without_charge', 'wallet_differs'],
      plant: { lines: (lines) => lines.filter((line) => line !== lines.find(isSucceeded)) },
    },
    'a payment charged in two PaymentIntents': {
      rules: ['charged_twice', 'wallet_differs'],
      plant: { lines: (lines) => [...lines, lines.find(isSucceeded)!] },
    },
    'a PaymentIntent with two successful charges': {
      rules: ['charged_twice'],
      plant: {
        lines: ([first = '', ...rest]) => [first.replace(/"charges":\[(\{.*?\})\]/, '"charges":[$1,$1]'), ...rest],
      },
    },
    'a charge of another amount': {
      rules: ['amounts_differ', 'wallet_differs'],
      plant: { lines: (lines) => lines.map((line) => line.replace('"amount_received":1', '"amount_received":2')) },
    },
    'a payment of which a cent less was captured than posted': {
      rules: ['amounts_differ'],
      plant: { sql: `update payments set amount_captured = amount_captured - 1 where id = ${ONE}` },
    },
    'a payment without its posting': {
      rules: ['account_sums', 'posted_once', 'running_balance', 'wallet_differs'],
      plant: { sql: `delete from transfers where kind = 'payment' and payment_id = ${ONE}` },
    },
    'a payment posted twice': {
      rules: ['account_sums', 'posted_once', 'running_balance', 'wallet_differs'],
      plant: {
        sql: `drop index if exists transfers_payment_key;
          insert into transfers select (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()))).*
          from transfers t where kind = 'payment' and payment_id = ${ONE}`,
      },
    },
    'a card that is attached at Stripe, and not saved here': {
      rules: ['saved_differs'],
      plant: { sql: 'delete from payment_methods where id = (select min(id) from payment_methods)' },
    },
    'a card that is saved here, and not attached at Stripe': {
      rules: ['saved_differs'],
      plant: {
        sql: `insert into payment_methods (merchant_id, id, customer_id, type, created_at)
          select merchant_id, 'pm_of_nobody', customer_id, type, created_at from payment_methods limit 1`,
      },
    },
    'a customer at Stripe who is nobody here': {
      rules: ['saved_differs'],
      plant: { sql: 'delete from stripe_customers where stripe_id = (select min(stripe_id) from stripe_customers)' },
    },
    'a refund that Stripe knows nothing of': {
      rules: ['refunds_differ'],
      plant: { sql: `update payments set amount_refunded = amount_refunded + 1 where id = ${ONE}` },
    },
    'a return that Stripe knows nothing of': {
      rules: ['returns_differ'],
      plant: { sql: `update payments set amount_returned = amount_returned + 1 where id = ${ONE}` },
    },
    'a return at Stripe that is not here': {
      rules: ['returns_differ', 'wallet_differs'],
      plant: {
        lines: there(isSucceededHere, (intent) => ({
          ...intent,
          charges: intent.charges.map((charge) => ({ ...charge, status: 'failed', failure: 'txn_x' })),
        })),
      },
    },
    'a refund of another amount at Stripe': {
      rules: ['refunds_differ', 'wallet_differs'],
      plant: {
        lines: there(isRefunded, (intent) => ({
          ...intent,
          refunds: intent.refunds.map((refund) => ({ ...refund, amount: refund.amount + 1 })),
        })),
      },
    },
    'a refund at Stripe that is not here': {
      rules: ['refunds_differ', 'wallet_differs'],
      plant: {
        lines: there(isSucceededHere, (intent) => ({
          ...intent,
          refunds: [{ id: 're_x', status: 'succeeded', amount: 1, moved: 'txn_x', back: null, metadata: {} }],
        })),
      },
    },
    'a refund that came back, and is here as if it had not': {
      rules: ['refunds_differ'],
      plant: { sql: `update refunds set status = 'succeeded' where status = 'failed' and stripe_id is not null` },
    },
    'a refund that Stripe does not have': {
      rules: ['refunds_differ', 'wallet_differs'],
      plant: { lines: there(isRefunded, (intent) => ({ ...intent, refunds: [] })) },
    },
    'a hold that is let go at Stripe': {
      rules: ['intent_differs'],
      plant: {
        lines: there(
          ({ status }) => status === 'requires_capture',
          (intent) => ({ ...intent, status: 'canceled' }),
        ),
      },
    },
    'a payment that names the PaymentIntent of another': {
      rules: ['charge_without_payment', 'intent_differs', 'wallet_differs'],
      plant: {
        sql: `update payments set intent = (select intent from payments where status = 'succeeded' order by id desc limit 1)
          where id = ${ONE}`,
      },
    },
    'a dispute that is lost here, and won at Stripe': {
      rules: ['disputes_differ', 'wallet_differs'],
      plant: {
        lines: there(isLost, (intent) => ({
          ...intent,
          disputes: intent.disputes.map((dispute) => ({ ...dispute, status: 'won' })),
        })),
      },
    },
    'a dispute of which a cent less was given back': {
      rules: ['disputes_differ'],
      plant: {
        lines: there(isWon, (intent) => ({
          ...intent,
          disputes: intent.disputes.map((dispute) => ({
            ...dispute,
            lines: dispute.lines.map((line) => (line.amount > 0 ? { ...line, amount: line.amount - 1 } : line)),
          })),
        })),
      },
    },
    'a dispute that is not here': {
      rules: ['disputes_differ'],
      plant: { sql: `delete from disputes where status = 'won'` },
    },
    'a dispute that Stripe does not have': {
      rules: ['disputes_differ', 'wallet_differs'],
      plant: { lines: there(isLost, (intent) => ({ ...intent, disputes: [] })) },
    },
    'a loss that was never posted': {
      rules: ['account_sums', 'disputes_differ', 'running_balance', 'wallet_differs'],
      plant: { sql: `delete from transfers where kind = 'dispute_lost'` },
    },
    'a second charge of which nothing tells': {
      rules: ['second_charges_differ'],
      plant: { sql: `delete from second_charges; delete from contradictions` },
    },
    'a second charge of another amount': {
      rules: ['second_charges_differ'],
      plant: { lines: there(isSecond, (intent) => ({ ...intent, amount_received: intent.amount_received + 1 })) },
    },
    'a second charge of which less has gone back': {
      rules: ['second_charges_differ'],
      plant: {
        lines: there(isSecond, (intent) => ({
          ...intent,
          refunds: intent.refunds.map((refund) => ({ ...refund, amount: refund.amount - 1 })),
        })),
      },
    },
    'a payout that Stripe does not have': {
      rules: ['payouts_differ'],
      plant: { payouts: () => '{"data":[]}' },
    },
    'a payout that failed at Stripe, and is paid here': {
      rules: ['payouts_differ'],
      plant: { payouts: (payouts) => payouts.replaceAll('"status":"paid"', '"status":"failed"') },
    },
    'a payout that was paid, and is not here': {
      rules: ['clearing_differs', 'payouts_differ'],
      plant: { sql: `delete from payouts; delete from stripe_payouts` },
    },
    'a fee of another amount': {
      rules: ['balance_differs', 'clearing_differs'],
      plant: { sql: `update balance_transactions set fee = fee + 1 where payment_id = ${ONE}` },
    },
    'a fee that was never posted': {
      rules: ['account_sums', 'balance_differs', 'running_balance'],
      plant: { sql: `delete from transfers where kind = 'fee' and payment_id = ${ONE}` },
    },
    'a balance transaction that is not here': {
      rules: ['balance_differs', 'clearing_differs'],
      plant: {
        sql: `delete from balance_transactions where id = (select max(id) from balance_transactions)`,
      },
    },
    'a share of a payout that its transactions do not come to': {
      rules: ['clearing_differs', 'payouts_differ'],
      plant: {
        sql: `insert into stripe_payouts (id, outcome) values ('po_1', 'paid');
          insert into payouts (merchant_id, id, currency, amount, status, created_at)
          select merchant_id, 'po_1', 'usd', 5, 'paid', now() from payments limit 1`,
      },
    },
    'money held back for no refund': {
      rules: ['holds'],
      plant: { sql: `update accounts set pending = pending + 1 where kind = 'wallet'` },
    },
    'a payment of which nobody was told': {
      rules: ['told_once'],
      plant: {
        sql: `delete from events where id = (select min(id::text)::uuid from events where type = 'payment.succeeded')`,
      },
    },
    'a cent that came from nowhere': {
      rules: ['account_sums', 'sum_zero'],
      plant: { sql: `update accounts set credits = credits + 1 where kind = 'revenue'` },
    },
    'an account that says more than its transfers': {
      rules: ['account_sums'],
      plant: { sql: `update accounts set credits = credits + 1, debits = debits + 1 where kind = 'revenue'` },
    },
    'a transfer whose balance does not follow from the one before': {
      rules: ['running_balance'],
      plant: {
        sql: `update transfers set credit_balance_after = credit_balance_after + 1 where id = (select max(id::text)::uuid from transfers)`,
      },
    },
    'a wallet below zero': {
      rules: ['account_sums', 'sum_zero', 'wallet_negative'],
      plant: { sql: `update accounts set debits = credits + 1 where kind = 'wallet'` },
    },
    'a reply whose key is not there': {
      rules: ['reply_lost'],
      plant: { sql: `delete from claims where operation = 'POST /v1/debits'` },
    },
    'a reply of which one byte is another': {
      rules: ['reply_lost'],
      plant: { seen: (seen) => seen.map((reply) => ({ ...reply, body: reply.body.replace('usd"', 'eur"') })) },
    },
    'a success that a client saw, and that is not in the tables': {
      rules: ['account_sums', 'reply_untrue', 'running_balance'],
      plant: { sql: `delete from transfers where kind = 'debit'` },
    },
    'a payment that hangs': {
      rules: ['charge_without_payment', 'posted_once', 'reply_untrue', 'stuck', 'told_once'],
      plant: {
        sql: `update attempts set started_at = now() - interval '31 seconds' where payment_id = ${ONE};
          update payments set status = 'processing' where id = ${ONE}`,
      },
    },
    'a claim that nobody answers': {
      rules: ['stuck'],
      plant: {
        sql: `insert into claims (merchant_id, id, key, operation, request_hash, created_at)
          select merchant_id, gen_random_uuid(), 'k', 'POST /v1/payments', gen_random_uuid(), now() - interval '31 seconds'
          from payments limit 1`,
      },
    },
    'a payment that was settled too late': {
      rules: ['stuck'],
      plant: {
        sql: `update attempts set settled_at = settled_at + interval '40 seconds' where payment_id = ${ONE}`,
        settledWithinS: 30,
      },
    },
  };

  test.each(Object.entries(planted))('%s', async (_name, { rules, plant }) => {
    expect(rulesOf(await judgeWith(plant))).toEqual(rules);
  });
});
