import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;
const create = (body: string, headers: Record<string, string> = {}) =>
  raw('POST', '/v1/payment_intents', { body, headers });

describe('the HTTP of the sandbox', () => {
  test('is what a client without any library expects', async () => {
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    const body =
      'amount=500&currency=usd&payment_method=pm_card_visa&allowed_payment_method_types%5B%5D=card&confirm=true';
    socket.end(
      'POST /v1/payment_intents HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer sk_test_x\r\nConnection: close\r\n' +
        `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    let reply = '';
    socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
    await once(socket, 'close');
    const [head = '', json = ''] = reply.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toMatch(/\r\nRequest-Id: req_\w+\r\n/);
    expect(head).toMatch(/\r\nContent-Type: application\/json\r\n/);
    expect(JSON.parse(json)).toMatchObject({ object: 'payment_intent', status: 'succeeded', amount: 500 });
  });

  test('speaks the version that stripe-node pins, and says which the request has asked for', async () => {
    expect((await raw('GET', '/v1/balance')).headers.get('stripe-version')).toBe(Stripe.API_VERSION);
    const older = await raw('GET', '/v1/balance', { headers: { 'Stripe-Version': '2024-06-20' } });
    expect(older.headers.get('stripe-version')).toBe('2024-06-20');
  });

  test.each([
    ['no key', {}, 'You did not provide an API key'],
    ['a live key', { Authorization: 'Bearer sk_live_secret' }, 'Invalid API Key provided: sk_live_****'],
    ['a publishable key', { Authorization: 'Bearer pk_test_x' }, 'cannot be made with a publishable API key'],
  ])('answers 401 to %s', async (_case, headers, message) => {
    const reply = await raw('GET', '/v1/balance', { headers: { Authorization: '', ...headers } });
    expect(reply.status).toBe(401);
    expect(reply.json.error).toMatchObject({ type: 'invalid_request_error' });
    expect(reply.json.error.message).toContain(message);
    expect(reply.headers.get('www-authenticate')).toBe('Basic realm="Stripe"');
  });

  test('takes the key as the user of basic authentication', async () => {
    const Authorization = `Basic ${Buffer.from('sk_test_x:').toString('base64')}`;
    expect((await raw('GET', '/v1/balance', { headers: { Authorization } })).status).toBe(200);
  });

  test('answers 404 to what it does not know', async () => {
    const unknown = await raw('GET', '/v1/unicorns');
    expect(unknown.status).toBe(404);
    expect(unknown.json.error.message).toContain('Unrecognized request URL (GET: /v1/unicorns)');
    expect(await failureOf(stripe.paymentIntents.retrieve('pi_none'))).toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
      param: 'intent',
      message: "No such payment_intent: 'pi_none'",
    });
    expect(await failureOf(stripe.paymentIntents.create({ ...CHARGE, customer: 'cus_none' }))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      param: 'customer',
    });
  });

  test.each([
    ['currency=usd', 'parameter_missing', 'amount'],
    ['amount=1&currency=usd&colour=red', 'parameter_unknown', 'colour'],
    ['amount=1&currency=usd&metadata[a][b]=1', undefined, 'metadata[a]'],
    [
      'amount=1&currency=usd&automatic_payment_methods[enabled]=true&automatic_payment_methods[x]=1',
      'parameter_unknown',
      'automatic_payment_methods[x]',
    ],
    ['amount=0&currency=usd', 'parameter_invalid_integer', 'amount'],
    ['amount=-1&currency=usd', 'parameter_invalid_integer', 'amount'],
    ['amount=1.5&currency=usd', 'parameter_invalid_integer', 'amount'],
    ['amount=1e3&currency=usd', 'parameter_invalid_integer', 'amount'],
    ['amount=99999999999999999999999&currency=usd', 'parameter_invalid_integer', 'amount'],
    ['amount=100000000&currency=usd', 'amount_too_large', 'amount'],
    ['amount=1&amount=2&currency=usd', undefined, 'amount'],
    ['amount=1&currency=xyz', undefined, 'currency'],
    ['amount=1&currency=usd&capture_method=later', undefined, 'capture_method'],
    ['amount=1&currency=usd&payment_method=', 'parameter_invalid_empty', 'payment_method'],
    ['amount=1&currency=usd&confirm=yes', undefined, 'confirm'],
    ['amount=1&currency=usd&return_url=https://shop.test', 'payment_intent_invalid_parameter', 'return_url'],
    ['amount=1&currency=usd&confirm=true&return_url=javascript:alert(1)', 'url_invalid', 'return_url'],
    [`amount=1&currency=usd&metadata[k]=${'v'.repeat(501)}`, undefined, 'metadata'],
    [`amount=1&currency=usd&metadata[${'k'.repeat(41)}]=v`, undefined, 'metadata'],
  ])('refuses %s and names what was wrong', async (body, code, param) => {
    const reply = await create(body);
    expect(reply.status).toBe(400);
    expect(reply.json.error).toMatchObject({ type: 'invalid_request_error', param });
    expect(reply.json.error.code).toBe(code);
  });

  test('takes the smallest and the largest amount', async () => {
    for (const amount of [1, 99_999_999]) {
      expect((await stripe.paymentIntents.create({ ...CHARGE, amount })).amount_received).toBe(amount);
    }
  });

  test('never takes a card number, and does not repeat it', async () => {
    const number = '4242424242424242';
    const body = `type=card&card[number]=${number}&card[exp_month]=1&card[exp_year]=2030&card[cvc]=123`;
    const reply = await raw('POST', '/v1/payment_methods', { body });
    expect(reply.status).toBe(400);
    expect(reply.json.error.message).toContain('generally unsafe');
    expect(reply.text).not.toContain(number);
  });

  test('takes a test token as payment method data', async () => {
    const reply = await create(
      'amount=1&currency=usd&confirm=true&allowed_payment_method_types[]=card&payment_method_data[type]=card&' +
        'payment_method_data[card][token]=tok_visa&payment_method_data[billing_details][name]=Ada',
    );
    expect(reply.json.status).toBe('succeeded');
  });

  test('keeps metadata under any name that is text', async () => {
    const names = ['constructor', 'toString', 'ключ', 'a b', 'a.b', '__defineGetter__'];
    const metadata = Object.fromEntries(names.map((name) => [name, `"${name}"`]));
    const intent = await stripe.paymentIntents.create({ ...CHARGE, metadata });
    expect((await stripe.paymentIntents.retrieve(intent.id)).metadata).toEqual(metadata);
  });

  test.each([
    ['a body of 257 KiB', 'amount=1&currency=usd&description=' + 'x'.repeat(257 * 1024), 413],
    ['a form nested a thousand deep', `amount=1&currency=usd&metadata${'[a]'.repeat(1000)}=1`, 400],
    ['two thousand parameters', Array.from({ length: 2000 }, (_, n) => `p${n}=1`).join('&'), 400],
    ['a prototype', 'amount=1&currency=usd&__proto__[polluted]=1&constructor[prototype][x]=1', 400],
  ])('refuses %s', async (_case, body, status) => {
    expect((await create(body)).status).toBe(status);
  });

  test('refuses JSON as Stripe does', async () => {
    const reply = await create('{"amount":1}', { 'Content-Type': 'application/json' });
    expect(reply.status).toBe(400);
    expect(reply.json.error.message).toContain('application/x-www-form-urlencoded');
  });

  test('replaces ids by their objects along expand[], four levels deep and no deeper', async () => {
    const customer = await stripe.customers.create({ name: 'Ada' });
    const params = { ...CHARGE, customer: customer.id, capture_method: 'automatic' as const };
    const intent = await stripe.paymentIntents.create({
      ...params,
      expand: ['customer', 'latest_charge.balance_transaction.source', 'payment_method'],
    });
    expect(intent).toMatchObject({
      customer: { name: 'Ada' },
      payment_method: { object: 'payment_method' },
      latest_charge: { balance_transaction: { source: { object: 'charge' } } },
    });
    const list = await stripe.paymentIntents.list({ limit: 1, expand: ['data.latest_charge'] });
    expect(list.data[0]?.latest_charge).toMatchObject({ object: 'charge' });
    const wrong = await failureOf(stripe.paymentIntents.retrieve(intent.id, { expand: ['amount'] }));
    expect(wrong.message).toContain('cannot be expanded (amount)');
    const deep = await failureOf(stripe.paymentIntents.retrieve(intent.id, { expand: ['a.b.c.d.e'] }));
    expect(deep.message).toContain('more than 4 levels');
  });
});

describe('lists of the sandbox', () => {
  test('go through every object once, in both directions, newest first', async () => {
    const customer = await stripe.customers.create({});
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push((await stripe.paymentIntents.create({ ...CHARGE, customer: customer.id })).id);
    ids.reverse();
    const filter = { customer: customer.id };
    const all = await stripe.paymentIntents.list({ ...filter, limit: 3 }).autoPagingToArray({ limit: 100 });
    expect(all.map(({ id }) => id)).toEqual(ids);
    const first = await stripe.paymentIntents.list({ ...filter, limit: 3 });
    expect(first).toMatchObject({ object: 'list', url: '/v1/payment_intents', has_more: true });
    const last = await stripe.paymentIntents.list({ ...filter, limit: 4, starting_after: ids[2]! });
    expect(last.data.map(({ id }) => id)).toEqual(ids.slice(3));
    expect(last.has_more).toBe(false);
    const back = await stripe.paymentIntents.list({ ...filter, limit: 2, ending_before: ids[3]! });
    expect(back.data.map(({ id }) => id)).toEqual(ids.slice(1, 3));
    expect(back.has_more).toBe(true);
  });

  test('are narrowed by the time of creation', async () => {
    const before = await stripe.paymentIntents.create(CHARGE);
    await sandbox.advance(100);
    const after = await stripe.paymentIntents.create(CHARGE);
    const since = await stripe.paymentIntents.list({ created: { gt: before.created, lte: after.created } });
    expect(since.data.map(({ id }) => id)).toEqual([after.id]);
  });

  test.each([
    ['limit=many', 'limit'],
    ['starting_after=pi_none', 'starting_after'],
    ['starting_after=pi_a&ending_before=pi_b', undefined],
    ['created[since]=1', 'created[since]'],
  ])('refuse %s', async (query, param) => {
    const reply = await raw('GET', `/v1/payment_intents?${query}`);
    expect(reply.status).toBe(400);
    expect(reply.json.error.param).toBe(param);
  });
});

test('a page holds at least one object, and at most a hundred, whatever its limit', async () => {
  for (let made = 0; made < 2; made++) await stripe.paymentIntents.create(CHARGE);
  const page = async (limit: number) => (await raw('GET', `/v1/payment_intents?limit=${limit}`)).json.data.length;
  expect([await page(0), await page(-5), await page(2)]).toEqual([1, 1, 2]);
  expect((await raw('GET', '/v1/payment_intents?limit=1000')).status).toBe(200);
});

describe('customers and their payment methods in the sandbox', () => {
  test('a customer is made, changed, found and deleted', async () => {
    const customer = await stripe.customers.create({ name: 'Ada', email: 'ada@example.test', metadata: { a: '1' } });
    await stripe.customers.update(customer.id, { name: '', metadata: { a: '', b: '2' } });
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ name: null, metadata: { b: '2' } });
    await stripe.customers.del(customer.id);
    expect(await stripe.customers.retrieve(customer.id)).toEqual({
      id: customer.id,
      object: 'customer',
      deleted: true,
    });
    const { data } = await stripe.customers.list({ limit: 100 });
    expect(data.map(({ id }) => id)).not.toContain(customer.id);
    expect((await failureOf(stripe.paymentIntents.create({ ...CHARGE, customer: customer.id }))).code).toBe(
      'resource_missing',
    );
  });

  test('a saved card pays again and again, for its customer only', async () => {
    const [ada, bob] = [await stripe.customers.create({}), await stripe.customers.create({})];
    const saved = await stripe.paymentMethods.attach('pm_card_visa', { customer: ada.id });
    for (let n = 0; n < 2; n++) {
      const paid = await stripe.paymentIntents.create({ ...CHARGE, customer: ada.id, payment_method: saved.id });
      expect(paid.payment_method).toBe(saved.id);
    }
    for (const customer of [{ customer: bob.id }, {}]) {
      await failureOf(stripe.paymentIntents.create({ ...CHARGE, ...customer, payment_method: saved.id }));
    }
    expect((await stripe.paymentMethods.list({ customer: ada.id, type: 'card' })).data).toHaveLength(1);
    await stripe.paymentMethods.detach(saved.id);
    await failureOf(stripe.paymentIntents.create({ ...CHARGE, payment_method: saved.id }));
  });

  test('a card that its bank declines cannot be saved', async () => {
    const { id } = await stripe.customers.create({});
    const failure = await failureOf(stripe.paymentMethods.attach('pm_card_visa_chargeDeclined', { customer: id }));
    expect(failure).toMatchObject({ statusCode: 402, code: 'card_declined' });
    expect((await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: id })).customer).toBe(id);
  });
});

describe("the sandbox's own pages", () => {
  test('tell its health, and export every intent with its charges', async () => {
    const intent = await stripe.paymentIntents.create({ ...CHARGE, metadata: { order: '"9"' } });
    expect((await raw('GET', '/_sandbox/health')).json).toMatchObject({ ok: true });
    const lines = (await raw('GET', '/_sandbox/export')).text.trim().split('\n');
    expect(lines).toHaveLength((await raw('GET', '/_sandbox/count')).json.payment_intents);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      id: intent.id,
      status: 'succeeded',
      metadata: { order: '"9"' },
      latest_charge: intent.latest_charge,
      charges: [{ id: intent.latest_charge, status: 'succeeded', captured: true, amount_captured: 1250 }],
    });
  });

  test('show what it holds, escaped', async () => {
    const intent = await stripe.paymentIntents.create(CHARGE);
    await stripe.webhookEndpoints.create({ url: 'http://127.0.0.1:9/<script>', enabled_events: ['charge.expired'] });
    const page = await raw('GET', '/');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.text).toContain(intent.id);
    expect(page.text).toContain('&#60;script&#62;');
    expect(page.text).not.toContain('<script');
  });
});
