/** What stands in a request: each field, id and text of it. */
import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { send } from '../support/service.ts';
import { startUntouched } from '../support/untouched.ts';

const { world, customer, wallet, otherWallet, debit, pay, raw, refuses } = await startUntouched();
const { post, get, createCustomer, balanceOf, walletOf } = world;
const stranger = world.as(await world.createKey('Stranger', 'secret'));
const strangers = await createCustomer(50, stranger);
const strangersWallet = await walletOf(strangers, 'usd', stranger);
const { data: platform } = (await get('/v1/accounts?kind=stripe_clearing&currency=usd')).body;

describe('an unknown field is refused by its name', () => {
  it.each([
    ['tip', () => debit({ tip: 1 })],
    ['Amount', () => debit({ Amount: 1 })],
    ['__proto__', () => raw(`{"customer":"${customer}","amount":5,"currency":"usd","__proto__":{"amount":1}}`)],
    ['constructor', () => debit({ constructor: { prototype: {} } })],
    ['toString', () => debit({ toString: 1 })],
    ['application_fee_amount', () => pay({ application_fee_amount: 1 })],
    [
      'transfers[0].fee',
      () =>
        post('/v1/transfers/bulk', {
          mode: 'atomic',
          transfers: [{ from: wallet, to: otherWallet, amount: 1, currency: 'usd', fee: 1 }],
        }),
    ],
  ])('%s', async (param, ask) => refuses(ask(), 400, 'invalid_request', param));

  it('__proto__ among metadata too, which stays unpolluted', async () => {
    const body = `{"metadata":{"__proto__":"x","constructor":"y"}}`;
    await refuses(
      send(world.url, {
        method: 'POST',
        path: '/v1/customers',
        headers: { Authorization: 'Bearer sk_test_demo', 'Content-Type': 'application/json' },
        body,
      }),
      400,
      'invalid_request',
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('an amount', () => {
  it.each([
    0,
    -1,
    -0,
    1.5,
    '12.50',
    1e21,
    2 ** 63,
    '9223372036854775808',
    'NaN',
    'Infinity',
    '1e3',
    '0x10',
    '٣',
    '１',
    ' 5',
    '5 ',
    '',
    '007',
    '+5',
    '1_000',
    1_000_000_000_000,
    null,
    true,
    [5],
    { value: 5 },
  ])('%j is refused', async (amount) => {
    for (const ask of [debit, pay]) await refuses(ask({ amount }), 400, 'invalid_request', 'amount');
  });
  it('that is missing is refused', async () =>
    refuses(post('/v1/debits', { customer, currency: 'usd' }), 400, 'invalid_request', 'amount'));
  it('2^63 as it stands in a body is refused', async () =>
    refuses(
      raw(`{"customer":"${customer}","amount":9223372036854775808,"currency":"usd"}`),
      400,
      'invalid_request',
      'amount',
    ));
});

describe('a currency', () => {
  it.each([
    'USD',
    'Usd',
    'xxx',
    'btc',
    'us',
    'dollars',
    '',
    'usd\0',
    ' usd',
    '__proto__',
    'x'.repeat(10_000),
    1,
    null,
    ['usd'],
  ])('%j is refused', async (currency) => {
    for (const ask of [debit, pay]) await refuses(ask({ currency }), 400, 'invalid_request', 'currency');
  });

  it.each([
    ['kwd', 1234],
    ['isk', 150],
    ['ugx', 1],
  ])('is not charged in fractions that cards do not have: %s %i', async (currency, amount) =>
    refuses(pay({ currency, amount }), 400, 'invalid_request', 'amount'),
  );
});

describe('an id', () => {
  const WRONG = [
    '',
    'cus_',
    'cus_1',
    customer.toUpperCase(),
    `${customer}0`,
    ` ${customer}`,
    `cus_${'x'.repeat(10_000)}`,
    'x'.repeat(10_000),
    `cus_${"' or 1=1 --".padEnd(32)}`,
    5,
    null,
    [customer],
    { id: customer },
  ];
  it.each(WRONG)('%j is refused in a body', async (id) =>
    refuses(debit({ customer: id }), 400, 'invalid_request', 'customer'),
  );

  it.each(WRONG.filter((id): id is string => typeof id === 'string' && id !== ''))(
    '%j is refused in a path',
    async (id) => refuses(get(`/v1/customers/${encodeURIComponent(id)}`), 400, 'invalid_request', 'id'),
  );

  it('of another kind is refused, wherever it stands', async () => {
    await refuses(debit({ customer: wallet }), 400, 'invalid_request', 'customer');
    await refuses(get(`/v1/payments/${customer}`), 400, 'invalid_request', 'id');
    await refuses(
      post('/v1/transfers', { from: customer, to: otherWallet, amount: 1, currency: 'usd' }),
      400,
      'invalid_request',
      'from',
    );
    await refuses(post('/v1/balances/query', { accounts: [wallet, customer] }), 400, 'invalid_request', 'accounts[1]');
  });

  it('of a customer as if it were a wallet is no account', async () =>
    refuses(get(`/v1/accounts/acct_${customer.slice(4)}`), 404, 'account_not_found'));

  it('of another merchant is not found', async () => {
    await refuses(debit({ customer: strangers }), 404, 'customer_not_found', 'customer');
    await refuses(pay({ customer: strangers }), 404, 'customer_not_found', 'customer');
    await refuses(
      post('/v1/transfers', { from: strangersWallet, to: wallet, amount: 1, currency: 'usd' }),
      404,
      'account_not_found',
      'from',
    );
    await refuses(
      post('/v1/transfers', { from: wallet, to: strangersWallet, amount: 1, currency: 'usd' }),
      404,
      'account_not_found',
      'to',
    );
    await refuses(get(`/v1/customers/${strangers}`), 404, 'customer_not_found');
  });

  it('that is no path is refused', async () => refuses(get('/v1/customers/%ff'), 400, 'invalid_request'));
  it('of 10 kB in a query is refused', async () =>
    refuses(get(`/v1/payments?customer=${'x'.repeat(10_000)}`), 400, 'invalid_request', 'customer'));
});

it('a transfer out of a platform account is refused', async () => {
  const held = await balanceOf(customer);
  const answer = await post('/v1/transfers', { from: platform[0]!.id, to: wallet, amount: 1, currency: 'usd' });
  expect([answer.status, answer.body.error.code, answer.body.error.outcome]).toEqual([
    409,
    'transfer_not_allowed',
    'none',
  ]);
  expect(await balanceOf(customer)).toBe(held);
});

describe('a payment method is refused', () => {
  it.each([
    '',
    'visa',
    'pm_',
    'pm_card visa',
    'pm_card_visa\n',
    '../pm_1',
    `pm_${'x'.repeat(10_000)}`,
    5,
    ['pm_card_visa'],
    {},
  ])('%j', async (payment_method) => refuses(pay({ payment_method }), 400, 'invalid_request', 'payment_method'));
  it.each([
    'javascript:alert(1)',
    'ftp://x.example',
    '/back',
    'https://user:secret@shop.example',
    `https://x.example/${'x'.repeat(3000)}`,
  ])('as is the return_url %j', async (return_url) =>
    refuses(pay({ return_url }), 400, 'invalid_request', 'return_url'),
  );
  it('as is a capture that is not automatic, until there is one', async () =>
    refuses(pay({ capture_method: 'sometimes' }), 400, 'invalid_request', 'capture_method'));
  it.each(['yes', 1, 'true'])('as is the confirmation %j', async (confirm) =>
    refuses(pay({ confirm }), 400, 'invalid_request', 'confirm'),
  );
});

describe('metadata over its limits is refused', () => {
  it.each([
    ['51 keys', Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, 'v'])), 'metadata'],
    ['a key of 41 characters', { ['k'.repeat(41)]: 'v' }, `metadata.${'k'.repeat(41)}`],
    ['a value of 501 characters', { k: 'v'.repeat(501) }, 'metadata.k'],
    ['an empty key', { '': 'v' }, undefined],
    ['square brackets in a key', { 'a[b]': 'v' }, 'metadata.a[b]'],
    ['a number', { k: 1 }, 'metadata.k'],
    ['an object', { k: { l: 'v' } }, 'metadata.k'],
    ['null', { k: null }, 'metadata.k'],
    ['an array', ['v'], 'metadata'],
    ['a text', 'v', 'metadata'],
  ])('%s', async (_, metadata, param) => {
    for (const ask of [pay({ metadata }), post('/v1/customers', { metadata })])
      await refuses(ask, 400, 'invalid_request', param);
  });

  it('and up to them taken', async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 50 }, (_, n) => [`k${n}`.padEnd(40, 'k'), 'v'.repeat(500)]),
    );
    expect((await post('/v1/customers', { metadata })).body.metadata).toEqual(metadata);
  });
});

describe('text that is no text is refused', () => {
  const WRONG = [
    ['NUL', '\\u0000'],
    ['a lone high surrogate', '\\ud83d'],
    ['a lone low surrogate', '\\ude00'],
    ['surrogates the wrong way round', '\\ude00\\ud83d'],
  ] as const;
  const FIELDS: [string, string, (text: string) => string][] = [
    ['name', '/v1/customers', (text) => `{"name":"a${text}b"}`],
    ['email', '/v1/customers', (text) => `{"email":"a${text}b"}`],
    ['metadata value', '/v1/customers', (text) => `{"metadata":{"k":"a${text}b"}}`],
    ['metadata key', '/v1/customers', (text) => `{"metadata":{"a${text}b":"v"}}`],
    [
      'description',
      '/v1/debits',
      (text) => `{"customer":"${customer}","amount":5,"currency":"usd","description":"a${text}b"}`,
    ],
    ['item name', '/v1/items', (text) => `{"name":"a${text}b","unit_price":"1","currency":"usd"}`],
    ['client secret', `/v1/payments/pay_${'0'.repeat(32)}/confirm`, (text) => `{"client_secret":"a${text}b"}`],
  ];
  it.each(
    FIELDS.flatMap(([field, path, body]) => WRONG.map(([what, text]) => [what, field, path, body(text)] as const)),
  )('%s in a %s', async (_what, _field, path, body) => {
    const headers = {
      Authorization: 'Bearer sk_test_demo',
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
    };
    await refuses(send(world.url, { method: 'POST', path, headers, body }), 400, 'invalid_request');
  });

  it('in a query', async () =>
    refuses(get(`/v1/payments/pay_${'0'.repeat(32)}?client_secret=a%00b`), 400, 'invalid_request', 'client_secret'));

  it('and any other text is kept as it is', async () => {
    const name = '😀 Zoë \u202e\u200d "quoted" \\ \u0001 {}';
    expect((await post('/v1/customers', { name })).body.name).toBe(name);
  });
});

it('in the end the sum over all accounts is zero', async () => {
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
});
