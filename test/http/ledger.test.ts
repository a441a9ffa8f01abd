import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Account } from '../../src/client/api.ts';
import { startWorld } from '../support/service.ts';

const world = await startWorld();
const { post, get, createCustomer, balanceOf, walletOf } = world;
const usd = { currency: 'usd' };

describe('a customer', () => {
  it('is made with what it is given, and read again', async () => {
    const given = { name: 'Ada Lovelace', email: 'ada@example.com', metadata: { plan: 'gold', empty: '' } };
    const made = await post('/v1/customers', given);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^cus_/),
      object: 'customer',
      ...given,
      created_at: expect.any(String),
    });
    expect((await get(`/v1/customers/${made.body.id}`)).body).toEqual(made.body);
  });

  it('has nothing but an id where nothing was given, or null', async () => {
    expect((await post('/v1/customers', {})).body).toMatchObject({ name: null, email: null, metadata: {} });
    expect((await post('/v1/customers', { name: null, email: null })).status).toBe(201);
  });

  it('has a wallet in each currency, which reads zero before it is used', async () => {
    const customer = await createCustomer();
    const { status, body } = await get(`/v1/customers/${customer}/balance?currency=kwd`);
    expect(status).toBe(200);
    expect(body).toEqual({
      object: 'balance',
      account: expect.stringMatching(/^acct_/),
      currency: 'kwd',
      exponent: 3,
      posted: '0',
      pending: '0',
      available: '0',
      decimal: '0.000',
      sequence: '0',
      as_of: expect.stringMatching(/^\d{4}-.*Z$/),
      final: false,
    });
  });

  it('who is none has no wallet', async () => {
    const { status, body } = await get(`/v1/customers/cus_${'0'.repeat(32)}/balance?currency=usd`);
    expect([status, body.error.code]).toEqual([404, 'customer_not_found']);
  });
});

describe('a debit', () => {
  it('spends from the wallet to revenue, and answers with both balances after it', async () => {
    const customer = await createCustomer(1000);
    const { status, body } = await post('/v1/debits', { customer, amount: 300, ...usd, description: 'Tea' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      object: 'transfer',
      kind: 'debit',
      amount: 300,
      currency: 'usd',
      description: 'Tea',
      from_balance_after: '700',
    });
    const balance = (await get(`/v1/customers/${customer}/balance?currency=usd`)).body;
    expect(balance).toMatchObject({
      account: body.from,
      posted: '700',
      available: '700',
      decimal: '7.00',
      sequence: '2',
    });
    expect((await get(`/v1/accounts/${body.to}`)).body).toMatchObject({
      kind: 'revenue',
      customer: null,
      posted: body.to_balance_after,
    });
  });

  it('is refused where the wallet holds less, or was never used, and moves nothing', async () => {
    const customer = await createCustomer(299);
    for (const currency of ['usd', 'eur']) {
      const { status, body } = await post('/v1/debits', { customer, amount: 300, currency });
      expect([status, body.error.code, body.error.outcome, body.error.retry]).toEqual([
        402,
        'insufficient_funds',
        'none',
        'new_key',
      ]);
    }
    expect(await balanceOf(customer)).toBe(299);
  });
});

describe('a transfer', () => {
  it('moves money from one wallet to another', async () => {
    const [one, other] = [await createCustomer(500), await createCustomer()];
    const [from, to] = [await walletOf(one), await walletOf(other)];
    const { status, body } = await post('/v1/transfers', { from, to, amount: 120, ...usd });
    expect([status, body.from_balance_after, body.to_balance_after]).toEqual([201, '380', '120']);
    expect([await balanceOf(one), await balanceOf(other)]).toEqual([380, 120]);
  });

  it('is refused between currencies', async () => {
    const [one, other] = [await createCustomer(500), await createCustomer(1)];
    const [from, to] = [await walletOf(one), await walletOf(other)];
    const wrong = await post('/v1/transfers', { from, to, amount: 1, currency: 'eur' });
    expect([wrong.status, wrong.body.error.code]).toEqual([409, 'currency_mismatch']);
  });

  it('is refused out of and into the platform accounts, which keep what they hold', async () => {
    const customer = await createCustomer(500);
    const wallet = await walletOf(customer);
    await post('/v1/debits', { customer, amount: 100, ...usd });
    const platform = (await get('/v1/accounts?limit=100&currency=usd')).body.data.filter(
      (one) => one.customer === null,
    );
    expect(platform.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['revenue', 'stripe_clearing']));
    for (const { id } of platform) {
      for (const [from, to] of [
        [id, wallet],
        [wallet, id],
      ]) {
        const { status, body } = await post('/v1/transfers', { from, to, amount: 1, ...usd });
        expect([status, body.error.code]).toEqual([409, 'transfer_not_allowed']);
      }
    }
    const moved = await world.query('select id from transfers where $1::uuid in (credit, debit) and amount = 1', [
      wallet.slice(5),
    ]);
    expect(moved).toEqual([]);
  });
});

describe('transfers in bulk', () => {
  const three = async (): Promise<{ customers: string[]; wallets: string[] }> => {
    const customers = [await createCustomer(100), await createCustomer(), await createCustomer()];
    return { customers, wallets: await Promise.all(customers.map((one) => walletOf(one))) };
  };
  const between = (wallets: readonly string[], moves: [number, number, number][]): object[] =>
    moves.map(([from, to, amount]) => ({ from: wallets[from], to: wallets[to], amount, ...usd }));

  it('that are atomic are done in order, all of them', async () => {
    const { customers, wallets } = await three();
    const { status, body } = await post('/v1/transfers/bulk', {
      mode: 'atomic',
      transfers: between(wallets, [
        [0, 1, 100],
        [1, 2, 60],
      ]),
    });
    expect([status, body.data.map((one) => one.object === 'transfer' && one.amount)]).toEqual([200, [100, 60]]);
    expect(await Promise.all(customers.map((one) => balanceOf(one)))).toEqual([0, 40, 60]);
  });

  it('that are atomic move nothing where one of them cannot be done, and say which', async () => {
    const { customers, wallets } = await three();
    const { status, body } = await post('/v1/transfers/bulk', {
      mode: 'atomic',
      transfers: between(wallets, [
        [0, 1, 90],
        [0, 2, 11],
      ]),
    });
    expect([status, body.error.code, body.error.param]).toEqual([402, 'insufficient_funds', 'transfers[1]']);
    expect(await Promise.all(customers.map((one) => balanceOf(one)))).toEqual([100, 0, 0]);
  });

  it('of one, atomic, say which too', async () => {
    const { wallets } = await three();
    const { body } = await post('/v1/transfers/bulk', { mode: 'atomic', transfers: between(wallets, [[0, 1, 101]]) });
    expect([body.error.code, body.error.param]).toEqual(['insufficient_funds', 'transfers[0]']);
  });

  it('that are independent are each done or refused by themselves, in order', async () => {
    const { customers, wallets } = await three();
    const moves: [number, number, number][] = [
      [0, 1, 90],
      [0, 2, 11],
      [1, 1, 1],
      [1, 2, 50],
    ];
    const { status, body } = await post('/v1/transfers/bulk', {
      mode: 'independent',
      transfers: between(wallets, moves),
    });
    expect(status).toBe(200);
    expect(body.data.map((one) => (one.object === 'transfer' ? one.amount : one.error.code))).toEqual([
      90,
      'insufficient_funds',
      'transfer_not_allowed',
      50,
    ]);
    expect(await Promise.all(customers.map((one) => balanceOf(one)))).toEqual([10, 40, 50]);
  });

  it.each(['atomic', 'independent'])('are done once under one key: %s', async (mode) => {
    const { customers, wallets } = await three();
    const key = randomUUID();
    const transfers = between(wallets, [
      [0, 1, 10],
      [0, 2, 10],
    ]);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post('/v1/transfers/bulk', { mode, transfers }, key)),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await Promise.all(customers.map((one) => balanceOf(one)))).toEqual([80, 10, 10]);
  });

  it('may be a thousand', async () => {
    const { customers, wallets } = await three();
    const transfers = between(
      wallets,
      Array.from({ length: 1000 }, (_, n) => (n % 2 === 0 ? [0, 1, 1] : [1, 0, 1])),
    );
    const { status, body } = await post('/v1/transfers/bulk', { mode: 'atomic', transfers });
    expect([status, body.data.length]).toEqual([200, 1000]);
    expect(await Promise.all(customers.map((one) => balanceOf(one)))).toEqual([100, 0, 0]);
    const more = await post('/v1/transfers/bulk', { mode: 'atomic', transfers: [...transfers, transfers[0]] });
    expect([more.status, more.body.error.param]).toEqual([400, 'transfers']);
  });
});

describe('balances', () => {
  it('of many accounts are read in one snapshot, in the order in which they were asked for', async () => {
    const wallets = await Promise.all([10, 20, 30].map(async (cents) => walletOf(await createCustomer(cents))));
    const asked = [wallets[2]!, wallets[0]!, wallets[1]!, wallets[0]!];
    const { status, body } = await post('/v1/balances/query', { accounts: asked }, null);
    expect(status).toBe(200);
    expect(body.data.map(({ account, posted }) => [account, posted])).toEqual([
      [asked[0], '30'],
      [asked[1], '10'],
      [asked[2], '20'],
      [asked[3], '10'],
    ]);
  });

  it('never show half of a transfer, whatever runs at once', async () => {
    const [one, other] = [await createCustomer(1000), await createCustomer(1000)];
    const [a, b] = [await walletOf(one), await walletOf(other)];
    let running = true;
    const moving = Promise.all(
      [a, b].map(async (from) => {
        while (running) await post('/v1/transfers', { from, to: from === a ? b : a, amount: 1, ...usd });
      }),
    );
    for (let n = 0; n < 50; n++) {
      const { data } = (await post('/v1/balances/query', { accounts: [a, b] }, null)).body;
      expect(data.reduce((sum, { posted }) => sum + Number(posted), 0)).toBe(2000);
    }
    running = false;
    await moving;
  });

  it('of an account that is none are refused, with its place', async () => {
    const wallet = await walletOf(await createCustomer(1));
    const { status, body } = await post('/v1/balances/query', { accounts: [wallet, `acct_${'0'.repeat(32)}`] }, null);
    expect([status, body.error.code, body.error.param]).toEqual([404, 'account_not_found', 'accounts[1]']);
  });
});

describe('accounts', () => {
  it('are listed, narrowed by customer, currency and kind, and paged', async () => {
    const customer = await createCustomer(100);
    await post('/v1/payments', {
      customer,
      amount: 100,
      currency: 'eur',
      payment_method: 'pm_card_visa',
      confirm: true,
    });
    const list = async (query: string): Promise<readonly Account[]> => (await get(`/v1/accounts?${query}`)).body.data;
    const own = await list(`customer=${customer}`);
    expect(own.map(({ currency }) => currency).sort()).toEqual(['eur', 'usd']);
    expect((await list(`customer=${customer}&currency=eur`)).map(({ posted }) => posted)).toEqual(['100']);
    expect((await list('kind=stripe_clearing&currency=eur')).map(({ kind }) => kind)).toEqual(['stripe_clearing']);
    const first = await list(`customer=${customer}&limit=1`);
    expect(await list(`customer=${customer}&limit=1&starting_after=${first[0]!.id}`)).toEqual([own[1]]);
  });

  it('are each read by id', async () => {
    const customer = await createCustomer(100);
    const id = await walletOf(customer);
    expect((await get(`/v1/accounts/${id}`)).body).toEqual({
      id,
      object: 'account',
      kind: 'wallet',
      customer,
      currency: 'usd',
      exponent: 2,
      posted: '100',
      pending: '0',
      available: '100',
      decimal: '1.00',
      sequence: '1',
    });
    expect((await get(`/v1/accounts/${id}/balance`)).body).toMatchObject({ account: id, posted: '100', sequence: '1' });
  });

  it('are in balance: in each currency as much was debited as credited', async () => {
    // A fee may be posted between the two reads, and never takes anything back.
    const sumOf = async (currency: string): Promise<bigint> => {
      const [row] = await world.query<{ sum: string }>(
        'select coalesce(sum(amount), 0)::text as sum from transfers where currency = $1',
        [currency],
      );
      return BigInt(row!.sum);
    };
    const least = { usd: await sumOf('usd'), eur: await sumOf('eur') };
    const { body } = await get('/v1/trial_balance');
    expect([body.object, body.balanced]).toEqual(['trial_balance', true]);
    for (const { currency, debits, credits, balanced } of body.currencies) {
      expect([balanced, debits]).toEqual([true, credits]);
      expect(BigInt(debits)).toBeGreaterThanOrEqual(least[currency as keyof typeof least]);
      expect(BigInt(debits)).toBeLessThanOrEqual(await sumOf(currency));
    }
  });
});

it('in the end the sum over all accounts is zero, and every balance is the sum of its transfers', async () => {
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
  const wrong = await world.query(`
    select a.id from accounts a
    left join lateral (
      select coalesce(sum(amount) filter (where credit = a.id), 0) as credits, coalesce(sum(amount) filter (where debit = a.id), 0) as debits,
        count(*) as n
      from transfers t where t.merchant_id = a.merchant_id and a.id in (t.credit, t.debit)
    ) t on true
    where (a.debits, a.credits, a.sequence) is distinct from (t.debits, t.credits, t.n)`);
  expect(wrong).toEqual([]);
});
