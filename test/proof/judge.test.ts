import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Rule, Verdict } from './judge.ts';
import { makeBooks, type Books, type Planted } from './tampered.ts';

let books: Books;
beforeAll(async () => {
  books = await makeBooks();
}, 90_000);

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
  const { violations, counts } = await books.judgeWith({});
  expect(violations).toEqual([]);
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
});

describe('the judge finds', () => {
  const planted: Record<string, { readonly rules: Rule[]; readonly plant: Planted }> = {
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
    expect(rulesOf(await books.judgeWith(plant))).toEqual(rules);
  });
});
