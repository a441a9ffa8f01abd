import { describe, expect, it } from '@jest/globals';
import { newId } from '../../src/domain/ids.ts';
import { payFor, startWorld, type Client } from '../support/service.ts';
import { eventually } from '../support/stripe.ts';

const world = await startWorld();
const { createCustomer, walletOf } = world;

/** Two merchants, each with a customer who has paid, a payment that waits, and an item. */
const createMerchant = async (name: string) => {
  const client: Client = world.as(await world.createKey(name, 'secret'));
  const customer = await createCustomer(1000, client);
  const other = await createCustomer(10, client);
  const open = (
    await client.post('/v1/payments', { customer, amount: 70, currency: 'usd', payment_method: 'pm_card_visa' })
  ).body;
  const item = (await client.post('/v1/items', { name: `bun of ${name}`, unit_price: '5', currency: 'usd' })).body;
  const accounts = (await client.get('/v1/accounts')).body.data;
  return {
    client,
    browser: world.as(await world.createKey(name, 'publishable')),
    customer,
    open,
    item,
    wallet: await walletOf(customer, 'usd', client),
    otherWallet: await walletOf(other, 'usd', client),
    clearing: accounts.find(({ kind }) => kind === 'stripe_clearing')!.id,
  };
};
const mine = await createMerchant('Mine');
const theirs = await createMerchant('Theirs');
// A fee is posted by itself, soon after its charge: both are, before anything is compared.
await eventually(
  () => theirs.client.get('/v1/accounts?kind=stripe_fees'),
  ({ body }) => body.data[0]?.sequence === '2',
);
const snapshot = async (): Promise<string> =>
  JSON.stringify([
    (await theirs.client.get('/v1/accounts')).body.data,
    (await theirs.client.get('/v1/payments')).body.data,
  ]);

describe("what is another merchant's", () => {
  it.each([
    ['customer', () => mine.client.get(`/v1/customers/${theirs.customer}`), 'customer_not_found'],
    [
      'wallet by its customer',
      () => mine.client.get(`/v1/customers/${theirs.customer}/balance?currency=usd`),
      'customer_not_found',
    ],
    ['payment', () => mine.client.get(`/v1/payments/${theirs.open.id}`), 'payment_not_found'],
    ['item', () => mine.client.get(`/v1/items/${theirs.item.id}`), 'item_not_found'],
    ['account', () => mine.client.get(`/v1/accounts/${theirs.wallet}`), 'account_not_found'],
    ['platform account', () => mine.client.get(`/v1/accounts/${theirs.clearing}`), 'account_not_found'],
    ['balance', () => mine.client.get(`/v1/accounts/${theirs.wallet}/balance`), 'account_not_found'],
    [
      'balance among others',
      () => mine.client.post('/v1/balances/query', { accounts: [mine.wallet, theirs.wallet] }),
      'account_not_found',
    ],
    [
      'payment with its client secret',
      () => mine.browser.get(`/v1/payments/${theirs.open.id}?client_secret=${String(theirs.open.client_secret)}`),
      'payment_not_found',
    ],
  ])('cannot be read: a %s', async (_, ask, code) => {
    const { status, body } = await ask();
    expect([status, body.error.code]).toEqual([404, code]);
  });

  it.each([
    [
      'pay for a customer',
      () => mine.client.post('/v1/payments', payFor(theirs.customer, 5)),
      'customer_not_found',
      'customer',
    ],
    [
      'confirm a payment',
      () => mine.client.post(`/v1/payments/${theirs.open.id}/confirm`, {}),
      'payment_not_found',
      null,
    ],
    [
      'confirm a payment in a browser',
      () => mine.browser.post(`/v1/payments/${theirs.open.id}/confirm`, { client_secret: theirs.open.client_secret }),
      'payment_not_found',
      null,
    ],
    [
      'debit a wallet',
      () => mine.client.post('/v1/debits', { customer: theirs.customer, amount: 5, currency: 'usd' }),
      'customer_not_found',
      'customer',
    ],
    [
      'spend usage',
      () =>
        mine.client.post('/v1/usage', {
          customer: theirs.customer,
          currency: 'usd',
          items: [{ quantity: 1, unit_price: '1' }],
        }),
      'customer_not_found',
      'customer',
    ],
    [
      'transfer out of a wallet',
      () => mine.client.post('/v1/transfers', { from: theirs.wallet, to: mine.wallet, amount: 5, currency: 'usd' }),
      'account_not_found',
      'from',
    ],
    [
      'transfer into a wallet',
      () => mine.client.post('/v1/transfers', { from: mine.wallet, to: theirs.wallet, amount: 5, currency: 'usd' }),
      'account_not_found',
      'to',
    ],
    [
      'transfer into a platform account',
      () => mine.client.post('/v1/transfers', { from: mine.wallet, to: theirs.clearing, amount: 5, currency: 'usd' }),
      'account_not_found',
      'to',
    ],
    [
      'transfer between two wallets',
      () =>
        mine.client.post('/v1/transfers', { from: theirs.wallet, to: theirs.otherWallet, amount: 5, currency: 'usd' }),
      'account_not_found',
      'from',
    ],
    [
      'transfer in bulk',
      () =>
        mine.client.post('/v1/transfers/bulk', {
          mode: 'atomic',
          transfers: [
            { from: mine.wallet, to: mine.otherWallet, amount: 5, currency: 'usd' },
            { from: theirs.wallet, to: mine.wallet, amount: 5, currency: 'usd' },
          ],
        }),
      'account_not_found',
      'transfers[1].from',
    ],
  ])('cannot be moved: %s', async (_, ask, code, param) => {
    const before = await snapshot();
    const { status, body } = await ask();
    expect([status, body.error.code, body.error.param]).toEqual([404, code, param]);
    expect(await snapshot()).toBe(before);
  });

  it('is in no list', async () => {
    const ids = async (path: `/v1/${'payments' | 'accounts'}?${string}`): Promise<string[]> =>
      (await mine.client.get(path)).body.data.map(({ id }) => id);
    expect(await ids('/v1/payments?limit=100')).not.toContain(theirs.open.id);
    expect(await ids(`/v1/payments?customer=${theirs.customer}`)).toEqual([]);
    expect(await ids(`/v1/accounts?customer=${theirs.customer}`)).toEqual([]);
    expect(await ids('/v1/accounts?limit=100')).not.toContain(theirs.wallet);
    const beside = await mine.client.get(`/v1/payments?starting_after=${theirs.open.id}`);
    expect([beside.status, beside.body.error.param]).toEqual([400, 'starting_after']);
  });

  it('is not in the trial balance', async () => {
    const { text, body } = await mine.client.get('/v1/trial_balance');
    for (const { id } of (await theirs.client.get('/v1/accounts?limit=100')).body.data) expect(text).not.toContain(id);
    // Of wallets there is the sum alone; fees may come at any time, and touch none.
    const [own] = await world.query<{ sum: string }>(
      `select sum(credits - debits)::text as sum from accounts
       where kind = 'wallet' and merchant_id = (select merchant_id from accounts where id = $1)`,
      [mine.wallet.slice(5)],
    );
    const { accounts } = body.currencies[0] as unknown as { accounts: { kind: string; balance: string }[] };
    expect(accounts.find(({ kind }) => kind === 'wallet')?.balance).toBe(own!.sum);
  });

  it('is not in the reads that share a query with theirs', async () => {
    const [own, foreign] = await Promise.all([
      Promise.all(Array.from({ length: 50 }, () => mine.client.get(`/v1/accounts/${mine.wallet}/balance`))),
      Promise.all(Array.from({ length: 50 }, () => mine.client.get(`/v1/accounts/${theirs.wallet}/balance`))),
      Promise.all(Array.from({ length: 50 }, () => theirs.client.get(`/v1/accounts/${theirs.wallet}/balance`))),
    ]);
    expect(new Set(own.map(({ body }) => body.account))).toEqual(new Set([mine.wallet]));
    expect(new Set(foreign.map(({ status }) => status))).toEqual(new Set([404]));
  });
});

it('an item may be called alike by two merchants, and each reads its own', async () => {
  const id = newId('item');
  for (const { client } of [mine, theirs]) {
    const made = await client.post('/v1/items', {
      id,
      name: `of ${client === mine.client ? 'mine' : 'theirs'}`,
      unit_price: '5',
      currency: 'usd',
    });
    expect(made.status).toBe(201);
  }
  expect((await mine.client.get(`/v1/items/${id}`)).body.name).toBe('of mine');
  expect((await theirs.client.get(`/v1/items/${id}`)).body.name).toBe('of theirs');
});
