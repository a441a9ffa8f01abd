/** A request as a whole: its body, its headers, its key, and the connection that it comes on. */
import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { asRequest, open, sendRaw } from '../support/raw.ts';
import { payFor, type Answer } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';
import { startUntouched } from '../support/untouched.ts';

const { world, customer, raw, refuses, isUntouched } = await startUntouched();
const { post, get } = world;
const stripe = stripeAt(world.sandbox.url);

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
    await isUntouched();
  });

  it('of 255 characters is taken', async () => {
    expect((await withKey(randomUUID().padEnd(255, 'k'))).status).toBe(201);
  });
});

describe('headers larger than anyone needs are refused', () => {
  it('of 100 kB', async () => {
    const answer = await sendRaw(world.url, asRequest('/v1/debits', { 'X-Much': 'x'.repeat(100_000) }, '{}'));
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    await isUntouched();
  });
});

describe('a client that hangs up', () => {
  const body = JSON.stringify(payFor(customer, 5));

  it('in the midst of its body is forgotten, and nothing was done', async () => {
    const socket = await open(world.url);
    const key = randomUUID();
    socket.write(asRequest('/v1/payments', { 'Idempotency-Key': key }, body).slice(0, -10));
    const seen = world.logged().length;
    socket.destroy();
    while (!world.logged().slice(seen).includes('"http.response.status_code":499')) await get('/v1/items/item_demo');
    await isUntouched();
    expect((await post('/v1/payments', JSON.parse(body), key)).status).toBe(201);
  });

  it('before its answer is charged once, and gets the answer when it asks again', async () => {
    const charges = (await world.sandboxCounts())['charges']!;
    await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const socket = await open(world.url);
    const key = randomUUID();
    socket.write(asRequest('/v1/payments', { 'Idempotency-Key': key }, body));
    while ((await world.query('select 1 from claims where key = $1', [key])).length === 0);
    const closed = once(socket, 'close');
    socket.destroy();
    await closed;
    await stripe.heal();
    for (;;) {
      const answer = await post('/v1/payments', JSON.parse(body), key);
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
