/** Trial balance, activity, and what is recorded of Stripe's side. */
import { describe, expect, it } from '@jest/globals';
import { newId } from '../../src/domain/ids.ts';
import type { TrialBalance, ReadActivityReply } from '../../src/client/api.ts';
import { payFor, startWorld } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, query, as } = world;
const stripe = stripeAt(world.sandbox.url);
const TWO_DAYS_S = 2 * 24 * 3600 + 60;

const trial = async (more = ''): Promise<TrialBalance> => (await get(`/v1/trial_balance?${more}`)).body;
const activity = async (more = ''): Promise<ReadActivityReply> => (await get(`/v1/activity?${more}`)).body;
/** Without what only a question about the past says of itself. */
const amounts = ({ currencies }: TrialBalance): unknown => currencies;

const pay = async (amount: number, more: object = {}): Promise<string> =>
  (await post('/v1/payments', payFor(await createCustomer(), amount, more))).body.id;
const feesOf = (payments: readonly string[]): Promise<unknown> =>
  eventually(
    () =>
      query<{ n: number }>(
        `select count(*)::int as n from transfers where kind = 'fee' and payment_id = any($1::uuid[])`,
        [payments.map((id) => id.slice(4))],
      ),
    ([row]) => (row?.n ?? 0) >= payments.length,
  );

describe('a trial balance', () => {
  it('of now, told by the accounts, is what the transfers add up to as of now', async () => {
    const payments = [await pay(1250), await pay(3000, { currency: 'eur' })];
    await feesOf(payments);
    const customer = await createCustomer(900);
    await post('/v1/debits', { customer, amount: 300, currency: 'usd' });
    const now = await trial();
    const then = await trial(`as_of=${new Date(Date.now() + 500).toISOString()}`);
    expect(amounts(then)).toEqual(amounts(now));
    expect([now.balanced, then.balanced, now.currencies.map(({ currency }) => currency)]).toEqual([
      true,
      true,
      ['eur', 'usd'],
    ]);
    for (const { opening, closing, debits, credits } of now.currencies) {
      expect([opening, closing]).toEqual(['0', '0']);
      expect(debits).toBe(credits);
    }
  });

  it('since a time has what there was before it, what moved, and what there is at the end', async () => {
    const customer = await createCustomer(1000);
    const from = new Date().toISOString();
    await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now > Date.parse(from) + 300,
    );
    await post('/v1/debits', { customer, amount: 400, currency: 'usd' });
    const [before, since] = [await trial(`as_of=${from}`), await trial(`from=${from}`)];
    const lineOf = (of: TrialBalance, kind: string): TrialBalance['currencies'][number]['accounts'][number] =>
      of.currencies.find(({ currency }) => currency === 'usd')!.accounts.find((line) => line.kind === kind)!;
    expect(lineOf(since, 'wallet')).toMatchObject({
      opening: lineOf(before, 'wallet').closing,
      debits: '400',
      credits: '0',
    });
    expect(lineOf(since, 'revenue')).toMatchObject({
      opening: lineOf(before, 'revenue').closing,
      debits: '0',
      credits: '400',
    });
    expect(BigInt(lineOf(since, 'wallet').closing)).toBe(BigInt(lineOf(since, 'wallet').opening) - 400n);
    expect(await trial('from=2020-01-01&as_of=2020-06-30&tz=Europe/Berlin')).toMatchObject({
      balanced: true,
      final: true,
    });
  });

  it('as CSV has the same lines, a row of totals for each currency, and the words that it balances', async () => {
    const asked = `as_of=${new Date().toISOString()}`;
    const { currencies } = await trial(asked);
    type Sums = Readonly<Record<'opening' | 'debits' | 'credits' | 'closing', string>>;
    const sums = ({ opening, debits, credits, closing }: Sums, currency: string): string => {
      const all = [opening, debits, credits, closing];
      const places = currency === 'jpy' ? 0 : 2;
      return [...all, ...all.map((minor) => (Number(minor) / 10 ** places).toFixed(places))].join();
    };
    const { text, headers } = await get(`/v1/trial_balance?${asked}`, { Accept: 'text/csv' });
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(text.trim().split('\n')).toEqual([
      'account,kind,currency,opening,debits,credits,closing,opening_decimal,debits_decimal,credits_decimal,closing_decimal',
      ...currencies.flatMap(({ currency, accounts, ...total }) => [
        ...accounts.map((line) => `${line.account ?? 'all wallets'},${line.kind},${currency},${sums(line, currency)}`),
        `total: it balances,total,${currency},${sums(total, currency)}`,
      ]),
    ]);
    expect((await get(`/v1/trial_balance?format=csv`)).text).toMatch(/^account,kind/);
  });

  it.each([
    ['as_of=2999-01-01', 'as_of'],
    ['from=2026-02-01&as_of=2026-01-01', 'from'],
    ['tz=Nowhere/Land', 'tz'],
    ['format=pdf', 'format'],
  ])('refuses %s', async (asked, param) => {
    const { status, body } = await get(`/v1/trial_balance?${asked}`);
    expect([status, body.error.param]).toEqual([400, param]);
  });
});

describe('activity', () => {
  it('goes from opening to closing by Stripe’s categories, with each fee beside what it is of', async () => {
    const from = new Date().toISOString();
    const payments = [await pay(10_000, { currency: 'gbp' }), await pay(2000, { currency: 'gbp' })];
    await feesOf(payments);
    await post('/v1/refunds', { payment: payments[0], amount: 4000 });
    const settled = await eventually(
      () => activity(`from=${from}`),
      ({ currencies }) => currencies.some(({ currency, categories }) => currency === 'gbp' && categories.length === 2),
    );
    const gbp = settled.currencies.find(({ currency }) => currency === 'gbp')!;
    const [fees] = await query<{ fee: string }>(
      `select sum(fee)::text as fee from balance_transactions where currency = 'gbp' and kind = 'charge'`,
    );
    expect(gbp.categories).toEqual([
      { category: 'charge', count: 2, gross: '12000', fee: fees?.fee, net: String(12_000 - Number(fees?.fee)) },
      { category: 'refund', count: 1, gross: '-4000', fee: '0', net: '-4000' },
    ]);
    const [clearing] = (await get('/v1/accounts?kind=stripe_clearing&currency=gbp')).body.data;
    expect(gbp.closing).toBe(String(-Number(clearing!.posted)));
    const csv = (await get(`/v1/activity?from=${from}`, { Accept: 'text/csv' })).text;
    expect(csv).toMatch(/^currency,category,count,gross,fee,net,gross_decimal,fee_decimal,net_decimal\n/);
    expect(csv).toContain(`gbp,refund,1,-4000,0,-4000,-40.00,0.00,-40.00\n`);
    expect((await get('/v1/activity?from=2026-02-01&to=2026-01-01')).body.error.param).toBe('from');
  });

  it('of what Stripe turned into another currency is counted in the one that it settles in', async () => {
    const from = new Date().toISOString();
    const payments = [await pay(10_000, { currency: 'chf' })];
    await feesOf(payments);
    const { currencies } = await activity(`from=${from}`);
    const of = (wanted: string): unknown => currencies.find(({ currency }) => currency === wanted)!.categories;
    expect(of('chf')).toEqual([{ category: 'charge', count: 0, gross: '0', fee: '0', net: '0' }]);
    expect(of('usd')).toEqual([{ category: 'charge', count: 1, gross: '12500', fee: '393', net: '12107' }]);
  });
});

describe('what is recorded of Stripe', () => {
  it('a payout is told with what it is made of, down to our payments, and what that leaves unexplained', async () => {
    const payments = [await pay(10_000, { currency: 'sek' }), await pay(2000, { currency: 'nok' })];
    await feesOf(payments);
    await clock.advance(world.sandbox.url, TWO_DAYS_S);
    const { id } = await stripe.post('/_sandbox/payouts', { currency: 'usd' });
    await clock.advance(world.sandbox.url, 2);
    const payout = await eventually(
      () => get(`/v1/payouts/${id}`),
      ({ status }) => status === 200,
    );
    const lines = (await get(`/v1/payouts/${id}/balance_transactions?limit=100`)).body.data;
    const net = lines.reduce((sum, line) => sum + Number(line.net), 0);
    expect(payout.body).toMatchObject({
      ...{
        object: 'payout',
        currency: 'usd',
        status: 'paid',
        transactions: lines.length,
        transactions_net: String(net),
      },
      ...{ amount: String(net), remainder: '0' },
    });
    for (const payment of payments) expect(lines.map((line) => line.payment)).toContain(payment);
    expect((await get('/v1/payouts')).body.data.map((one) => one.id)).toContain(id);
    expect((await get('/v1/payouts?currency=jpy')).body.data).toEqual([]);
    const other = as(await world.createKey('Without Payouts', 'finance'));
    for (const what of ['', '/balance_transactions'])
      expect((await other.get(`/v1/payouts/${id}${what}`)).body.error.code).toBe('payout_not_found');
    expect((await other.get('/v1/balance_transactions')).body.data).toEqual([]);
  }, 30_000);

  it('balance transactions are listed newest first, from page to page and back', async () => {
    const all = (await get('/v1/balance_transactions?limit=100')).body.data.map(({ id }) => id);
    expect(all.length).toBeGreaterThan(5);
    const seen: string[] = [];
    for (let after = ''; ; after = `&starting_after=${seen.at(-1)}`) {
      const { body } = await get(`/v1/balance_transactions?limit=2${after}`);
      seen.push(...body.data.map(({ id }) => id));
      if (!body.has_more) break;
    }
    expect(seen).toEqual(all);
    const back = await get(`/v1/balance_transactions?limit=2&ending_before=${all[4]}`);
    expect(back.body.data.map(({ id }) => id)).toEqual(all.slice(2, 4));
    for (const cursor of ['txn_none', 'ch_1'])
      expect((await get(`/v1/balance_transactions?starting_after=${cursor}`)).body.error.param).toBe('starting_after');
  });

  it('disputes are read and listed, by payment and by how they stand', async () => {
    const payment = await pay(1250, { payment_method: 'pm_card_createDispute' });
    const [dispute] = await eventually(
      async () => (await get(`/v1/disputes?payment=${payment}`)).body.data,
      ({ length }) => length === 1,
    );
    expect(dispute).toMatchObject({ object: 'dispute', payment, amount: 1250, status: 'open' });
    expect((await get(`/v1/disputes/${dispute!.id}`)).body).toEqual(dispute);
    expect((await get(`/v1/disputes?payment=${payment}&status=lost`)).body.data).toEqual([]);
    expect((await get(`/v1/disputes/${newId('dp')}`)).body.error.code).toBe('dispute_not_found');
    expect((await get(`/v1/disputes?starting_after=${newId('dp')}`)).body.error.param).toBe('starting_after');
  });
});
