import { beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { asRequest, open, sendRaw } from '../support/raw.ts';
import { payFor, send, startWorld, type Answer } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const { post, get, createCustomer, balanceOf, walletOf } = world;
const stranger = world.as(await world.createKey('Stranger', 'secret'));

const customer = await createCustomer(1000);
const wallet = await walletOf(customer);
const otherWallet = await walletOf(await createCustomer());
const strangers = await createCustomer(50, stranger);
const strangersWallet = await walletOf(strangers, 'usd', stranger);
const { data: platform } = (await get('/v1/accounts?kind=stripe_clearing&currency=usd')).body;

/** Everything that a request could have changed. */
const ledger = async (): Promise<unknown> =>
  world.query(`
    select (select count(*) from transfers where kind <> 'fee') as transfers, (select count(*) from payments) as payments,
      (select count(*) from customers) as customers, (select sum(amount) from transfers where kind <> 'fee') as moved,
      (select count(*) from claims) as claims, (select count(*) from items) as items`);
let before: unknown;
beforeEach(async () => (before = await ledger()));

/** It says no, clearly, and nothing has changed: neither money nor the key, which may be used again. */
const refuses = async (answer: Promise<Answer>, status: number, code: string, param?: string | null): Promise<void> => {
  const { status: got, body, headers } = await answer;
  expect([got, body.error.code]).toEqual([status, code]);
  if (param !== undefined) expect(body.error.param).toBe(param);
  expect(body.error).toMatchObject({ outcome: 'none', request_id: headers.get('request-id') });
  expect(body.error.message.length).toBeGreaterThan(10);
  expect(await ledger()).toEqual(before);
};

const debit = (more: object): Promise<Answer> => post('/v1/debits', { customer, amount: 5, currency: 'usd', ...more });
const pay = (more: object): Promise<Answer> => post('/v1/payments', { ...payFor(customer, 5), ...more });
const raw = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> =>
  send(world.url, {
    method: 'POST',
    path: '/v1/debits',
    headers: {
      Authorization: 'Bearer sk_test_demo',
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
      ...headers,
    },
    body,
  });

describe('a body that is no object of JSON is refused', () => {
  it.each([
    ['empty', ''],
    ['cut off', '{"customer":"cus_'],
    ['two values', '{}{}'],
    ['with a comma too many', '{"amount":1,}'],
    ['a word', 'undefined'],
    ['with a comment', '{/* */}'],
    ['in single quotes', "{'amount':1}"],
    ['with a NUL', '{"amount":1}\0'],
    ['a form', 'customer=cus_1&amount=5'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['an array', '[]'],
    ['null', 'null'],
    ['a text', '"{}"'],
    ['a number', '1'],
    ['NaN', '{"amount":NaN}'],
    ['nested 100,000 arrays deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['nested 100,000 arrays deep in a field', `{"metadata":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['nested 40,000 objects deep', '{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000)],
    ['open arrays alone', '['.repeat(200_000)],
  ])('%s', async (_, body) => refuses(raw(body), 400, 'invalid_request'));
});

describe('a body that is too large is refused', () => {
  it.each([
    ['1 MiB', 1024 * 1024],
    ['1 byte over 256 KiB', 256 * 1024 + 1],
    ['8 MiB', 8 * 1024 * 1024],
  ])('of %s', async (_, bytes) => refuses(raw(JSON.stringify('x'.repeat(bytes - 2))), 413, 'body_too_large'));

  it('of 1 MiB in chunks, whose length is not told', async () => {
    const request = asRequest('/v1/debits', { 'Idempotency-Key': 'k', 'Transfer-Encoding': 'chunked' }, '').replace(
      /Content-Length.*\r\n/,
      '',
    );
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    expect(await sendRaw(world.url, `${request}${chunk.repeat(16)}0\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 413 .*"code":"body_too_large"/s,
    );
  });

  it('and one of 256 KiB is read', async () => {
    await refuses(raw(JSON.stringify('x'.repeat(256 * 1024 - 2))), 400, 'invalid_request');
  });
});

describe('a Content-Type that is not JSON is refused', () => {
  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json5',
    '',
  ])('%j', async (type) => refuses(raw('{}', { 'Content-Type': type }), 400, 'invalid_request', 'Content-Type'));
  it('in a charset that nobody knows', async () =>
    refuses(raw('{}', { 'Content-Type': 'application/json; charset=klingon' }), 400, 'invalid_request'));
  it('and JSON in UTF-8 is taken', async () =>
    refuses(raw('{}', { 'Content-Type': 'application/json; charset=utf-8' }), 400, 'invalid_request', 'customer'));
});

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
  const answer = await post('/v1/transfers', { from: platform[0]!.id, to: wallet, amount: 1, currency: 'usd' });
  expect([answer.status, answer.body.error.code, answer.body.error.outcome]).toEqual([
    409,
    'transfer_not_allowed',
    'none',
  ]);
  expect(await balanceOf(customer)).toBe(1000);
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

describe('an idempotency key', () => {
  const withKey = (key: string): Promise<Answer> => post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key);
  it.each([
    ['of 256 characters', 'k'.repeat(256)],
    ['empty', ''],
    ['of spaces', '   '],
    ['of quotes alone', '""'],
    ['with a tab', 'a\tb'],
    ['of 4 kB', 'k'.repeat(4096)],
    ['with a letter that is not ASCII', 'clé'],
  ])('%s is refused', async (_, key) => refuses(withKey(key), 400, 'invalid_request', 'Idempotency-Key'));
  it('that is missing is refused', async () =>
    refuses(post('/v1/debits', { customer, amount: 5, currency: 'usd' }, null), 400, 'idempotency_key_required'));

  it.each([
    ['NUL', '\0'],
    ['a control character', '\u0001'],
    ['DEL', '\u007f'],
    ['a line feed', '\n'],
  ])('with %s in it is refused', async (_, character) => {
    const body = JSON.stringify({ customer, amount: 5, currency: 'usd' });
    const answer = await sendRaw(world.url, asRequest('/v1/debits', { 'Idempotency-Key': `a${character}b` }, body));
    expect(answer).toMatch(/^HTTP\/1.1 400 .*"code":"invalid_request"/s);
    expect(await ledger()).toEqual(before);
  });

  it('of 255 characters is taken', async () => {
    expect((await withKey('k'.repeat(255))).status).toBe(201);
  });
});

describe('headers larger than anyone needs are refused', () => {
  it('of 100 kB', async () => {
    const answer = await sendRaw(world.url, asRequest('/v1/debits', { 'X-Much': 'x'.repeat(100_000) }, '{}'));
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(await ledger()).toEqual(before);
  });
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

describe('a card number is refused wherever it stands, and neither stored nor logged', () => {
  const CANARIES = [
    '4242424242424242',
    '4242 4242 4242 4242',
    '5555-5555-5555-4444',
    '378282246310005',
    '4000056655665556',
  ];
  const places = (number: string): [string, Promise<Answer>][] => [
    ['a description', debit({ description: `card ${number} please` })],
    ['a name', post('/v1/customers', { name: number })],
    ['a metadata value', post('/v1/customers', { metadata: { card: number } })],
    ['a metadata key', post('/v1/customers', { metadata: { [number]: 'card' } })],
    ['an unknown field', debit({ card: { number } })],
    ['the name of an unknown field', debit({ [number]: 1 })],
    ['a payment method', pay({ payment_method: `pm_${number.replaceAll(/\D/g, '')}` })],
    ['an amount', debit({ amount: number })],
    ['a bare number', debit({ amount: Number(number.replaceAll(/\D/g, '')) })],
    [
      'a bulk',
      post('/v1/transfers/bulk', {
        mode: 'atomic',
        transfers: [{ from: wallet, to: otherWallet, amount: 1, currency: 'usd', description: number }],
      }),
    ],
    ['an idempotency key', post('/v1/debits', { customer, amount: 5, currency: 'usd' }, number)],
    ['a body of another type', raw(number, { 'Content-Type': 'text/plain' })],
    ['malformed JSON', raw(`{"card":"${number}"`)],
    ['a path', get(`/v1/customers/${encodeURIComponent(number)}`)],
    ['a path that is none', get(`/${encodeURIComponent(number)}`)],
    ['a query', get(`/v1/payments?card=${encodeURIComponent(number)}`)],
    ['the name in a query', get(`/v1/payments?${encodeURIComponent(number)}=1`)],
    ['a key', world.as(`sk_test_${number.replaceAll(/\D/g, '')}`).get('/v1/payments')],
    ['an unknown header', get('/v1/payments/x', { 'X-Card': number })],
  ];

  it.each(CANARIES)('%s', async (number) => {
    for (const [place, asked] of places(number)) {
      const { status, text } = await asked;
      expect([place, [400, 401, 404].includes(status)]).toEqual([place, true]);
      expect([place, text.includes(number)]).toEqual([place, false]);
    }
    expect(await ledger()).toEqual(before);
  });

  it('is told apart from other mistakes where it stands in a body or a key', async () => {
    await refuses(debit({ description: '4242424242424242' }), 400, 'card_number_refused');
    await refuses(
      post('/v1/debits', { customer, amount: 5, currency: 'usd' }, '4242424242424242'),
      400,
      'card_number_refused',
      'Idempotency-Key',
    );
    await refuses(post('/v1/customers', { metadata: { '4242-4242-4242-4242': 'x' } }), 400, 'card_number_refused');
  });

  it('is nowhere in the log and nowhere in the database, while what may be there is', async () => {
    const marker = `canary-${randomUUID()}`;
    await post('/v1/customers', { name: marker });
    const tables = await world.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'",
    );
    const texts = await Promise.all(
      tables.map(({ name }) =>
        world.query<{ text: string | null }>(`select string_agg(t::text, ' ') as text from ${name} t`),
      ),
    );
    const everything = texts.map(([row]) => row?.text ?? '').join('\n') + world.logged();
    expect(everything).toContain(marker);
    expect(world.logged()).toContain('/v1/debits');
    for (const number of CANARIES) {
      expect(everything).not.toContain(number);
      expect(everything).not.toContain(number.replaceAll(/\D/g, ''));
    }
  });
});

describe('a client that hangs up', () => {
  const body = JSON.stringify(payFor(customer, 5));

  it('in the midst of its body is forgotten, and nothing was done', async () => {
    const socket = await open(world.url);
    socket.write(asRequest('/v1/payments', { 'Idempotency-Key': 'hung-up-early' }, body).slice(0, -10));
    const seen = world.logged().length;
    socket.destroy();
    while (!world.logged().slice(seen).includes('"http.response.status_code":499')) await get('/v1/items/item_demo');
    expect(await ledger()).toEqual(before);
    expect((await post('/v1/payments', JSON.parse(body), 'hung-up-early')).status).toBe(201);
  });

  it('before its answer is charged once, and gets the answer when it asks again', async () => {
    const charges = (await world.sandboxCounts())['charges']!;
    await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const socket = await open(world.url);
    socket.write(asRequest('/v1/payments', { 'Idempotency-Key': 'hung-up-late' }, body));
    while ((await world.query("select 1 from claims where key = 'hung-up-late'")).length === 0);
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    await stripe.heal();
    for (;;) {
      const answer = await post('/v1/payments', JSON.parse(body), 'hung-up-late');
      if (answer.status === 409) continue;
      expect([answer.status, answer.body.status, answer.headers.get('idempotent-replayed')]).toEqual([
        201,
        'succeeded',
        'true',
      ]);
      break;
    }
    expect((await world.sandboxCounts())['charges']).toBe(charges + 1);
  });
});

it('in the end the sum over all accounts is zero', async () => {
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
});
