import { beforeAll, describe, expect, it } from '@jest/globals';
import { parseCurrency } from '../../src/domain/currency.ts';
import { newId, uuidOf, type PaymentId } from '../../src/domain/ids.ts';
import { PAYMENT_STATUSES } from '../../src/domain/payment.ts';
import { systemClock, type Micros } from '../../src/domain/time.ts';
import { listPayments, paymentQuery, type PaymentFilter } from '../../src/storage/payment-list.ts';
import { createDatabase } from '../support/suite.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const one = l.openInstance(url);
const sql = l.openSql(url);
const merchant = await l.createMerchant(one, 'Mine');
const customers = [await l.createCustomer(one, merchant), await l.createCustomer(one, merchant)] as const;
const EUR = parseCurrency('eur')!;
const middle = newId('pay', (systemClock().now() - 1_000_000n) as Micros);

/** Status, currency and amount each follow from the number of a payment, and one in a hundred is of the first customer. */
const fill = (from: number, to: number): Promise<unknown> =>
  sql.query(
    `insert into payments (merchant_id, id, customer_id, amount, currency, status, capture_method, metadata, client_secret,
       attempt, ended_attempt, created_at, reference)
     select $1, (lpad(to_hex(n), 12, '0') || '70008000000000000000')::uuid, case n % 100 when 0 then $2::uuid else $3::uuid end,
       n, case n % 10 when 0 then 'eur' else 'usd' end,
       case when n % 500 = 0 then ($4::text[])[1 + n / 500 % 7] else 'succeeded' end, 'automatic', '{}', '',
       $3::uuid, $3::uuid, now(), 'order ' || n
     from generate_series($5::int, $6::int) n`,
    [uuidOf(merchant), uuidOf(customers[0]), uuidOf(customers[1]), PAYMENT_STATUSES, from, to],
  );

type Narrowed = Partial<PaymentFilter>;
const filterOf = (narrowed: Narrowed): PaymentFilter => ({
  ...{ customer: undefined, limit: 10, startingAfter: undefined, endingBefore: undefined },
  ...narrowed,
});

const MAIN = 'payments_pkey';
const FILTERS: readonly (readonly [string, Narrowed, readonly string[]])[] = [
  ['nothing', {}, [MAIN]],
  ['a page', { startingAfter: middle }, [MAIN]],
  ['a page back', { endingBefore: middle }, [MAIN]],
  ['time', { created: { from: 0n as Micros, before: systemClock().now() } }, [MAIN]],
  ['customer', { customer: customers[0] }, ['payments_customer_idx']],
  ['currency', { currency: EUR }, ['payments_currency_idx']],
  ['reference', { reference: 'order 7' }, ['payments_reference_idx']],
  ['what is paid', { statuses: ['succeeded'] }, [MAIN]],
  ['what is not', { statuses: ['canceled'] }, ['payments_unpaid_idx']],
  ['what is under way', { statuses: ['processing'] }, ['payments_unpaid_idx', 'attempts_open_idx', MAIN]],
  ['several', { statuses: ['succeeded', 'canceled'] }, [MAIN, 'payments_unpaid_idx']],
  ['amount', { amount: { least: 3n, most: 5n } }, ['payments_amount_idx', MAIN]],
  ['an amount or more', { amount: { least: 3n } }, ['payments_amount_idx', MAIN]],
  [
    'amount and currency',
    { currency: EUR, amount: { most: 9n } },
    ['payments_amount_idx', MAIN, 'payments_currency_idx'],
  ],
];

/** The indexes of a plan, the tables that are read to their end, and what is sorted that an index could give in order. */
const readPlan = async (
  narrowed: Narrowed,
  kind: 'generic' | 'custom',
): Promise<{ indexes: string[]; plan: string }> => {
  const query = paymentQuery(merchant, filterOf(narrowed), undefined).compile(one.database.pool);
  const { rows } = await one.database.pool.executeQuery<{ 'QUERY PLAN': string }>({
    ...query,
    sql: `explain ${kind === 'generic' ? '(generic_plan)' : ''} ${query.sql}`,
    parameters: kind === 'generic' ? [] : query.parameters,
  });
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  return {
    plan,
    indexes: [
      ...new Set([...plan.matchAll(/using (\w+)|Bitmap Index Scan on (\w+)/g)].map(([, a, b]) => a ?? b ?? '')),
    ],
  };
};

describe('a list of payments', () => {
  const KINDS = ['generic', 'custom'] as const;

  it('reads no table to its end, though it was planned while there were none', async () => {
    for (const [, narrowed] of FILTERS)
      for (const kind of KINDS) expect((await readPlan(narrowed, kind)).plan).not.toContain('Seq Scan');
  });

  describe('of some thousand', () => {
    beforeAll(async () => {
      await fill(1, 20_000);
      await sql.query('vacuum analyze payments');
    });

    it.each(FILTERS)('that is narrowed by %s is read along its index', async (_by, narrowed, expected) => {
      for (const kind of KINDS) {
        const { indexes, plan } = await readPlan(narrowed, kind);
        expect([kind, plan, indexes.toSorted()]).toEqual([
          kind,
          expect.not.stringContaining('Seq Scan'),
          expected.toSorted(),
        ]);
      }
    });
  });
});

describe('a narrowed list of payments', () => {
  const numbers = async (narrowed: Narrowed): Promise<number[]> => {
    const page = await listPayments(one.database.pool, merchant, filterOf(narrowed), systemClock().now());
    return page!.data.map(({ amount }) => Number(amount));
  };

  it('is the newest of those, be they many or few', async () => {
    expect(await numbers({ amount: { least: 10n, most: 12n } })).toEqual([12, 11, 10]);
    expect(await numbers({ amount: { least: 10n }, limit: 3 })).toEqual([20_000, 19_999, 19_998]);
    expect(await numbers({ amount: { most: 1_000n }, limit: 2 })).toEqual([1_000, 999]);
    expect(await numbers({ amount: { most: 1_001n }, limit: 2 })).toEqual([1_001, 1_000]);
    expect(await numbers({ amount: { most: 1_001n }, limit: 2, endingBefore: idOf(998) })).toEqual([1_000, 999]);
    expect(await numbers({ amount: { most: 5_000n }, limit: 2, startingAfter: idOf(998) })).toEqual([997, 996]);
    expect(await numbers({ amount: { most: 5_000n }, currency: EUR, limit: 2 })).toEqual([5_000, 4_990]);
    expect(await numbers({ amount: { least: 30_000n } })).toEqual([]);
  });

  it.each(PAYMENT_STATUSES)('has those that are %s, of which a filter by amount hides none', async (status) => {
    const rows = await sql.query<{ n: string }>(
      `select amount as n from payments where status = $1 order by id desc limit 10`,
      [status],
    );
    const expected = rows.map(({ n }) => Number(n));
    expect(expected).not.toEqual([]);
    expect(await numbers({ statuses: [status] })).toEqual(expected);
    expect(await numbers({ statuses: [status], amount: { least: 1n } })).toEqual(expected);
    const least = expected.at(-1)!;
    expect(await numbers({ statuses: [status], amount: { least: BigInt(least), most: BigInt(least) } })).toEqual([
      least,
    ]);
  });

  it('follows a payment from one status to the next', async () => {
    const rows = await sql.query<{ n: string }>(
      `update payments set status = 'succeeded' where status = 'canceled' returning amount as n`,
    );
    expect(await numbers({ statuses: ['canceled'] })).toEqual([]);
    await sql.query(`update payments set status = 'canceled' where amount = $1`, [rows[0]!.n]);
    expect(await numbers({ statuses: ['canceled', 'canceled'] })).toEqual([Number(rows[0]!.n)]);
  });

  it('has what a call is under way of, once, among what is processing', async () => {
    const before = await numbers({ statuses: ['processing'] });
    await sql.query(`update payments set status = 'processing', attempt = $1 where amount = 19999`, [ATTEMPT]);
    await sql.query(
      `insert into attempts (merchant_id, id, payment_id, kind, request_id, reply_status, shows_secret, owned_until, leased_until, fence, started_at)
       select merchant_id, $1, id, 'confirm', '', 200, false, 'infinity', now(), 1, now() from payments where amount = 19999`,
      [ATTEMPT],
    );
    expect(await numbers({ statuses: ['processing'] })).toEqual([19_999, ...before]);
    expect(await numbers({ statuses: ['succeeded'], limit: 2 })).toEqual([20_000, 19_998]);
  });
});

const ATTEMPT = '00000000-0000-7000-8000-000000000001';
const idOf = (n: number): PaymentId => `pay_${n.toString(16).padStart(12, '0')}70008000000000000000` as PaymentId;
