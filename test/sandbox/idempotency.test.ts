import { describe, expect, test } from '@jest/globals';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;

const FORM = 'amount=700&currency=usd&allowed_payment_method_types[]=card&confirm=true';
const post = (key: string, body: string, headers: Record<string, string> = {}) =>
  raw('POST', '/v1/payment_intents', { body, headers: { 'Idempotency-Key': key, ...headers } });
const count = async () => (await raw('GET', '/_sandbox/count')).json;

describe('the idempotency of the sandbox', () => {
  test('answers the same request under the same key byte for byte, and charges once', async () => {
    const before = await count();
    const first = await post('again', `${FORM}&payment_method=pm_card_visa`);
    const second = await post('again', `${FORM}&payment_method=pm_card_visa`);
    expect(first.status).toBe(200);
    expect(second.text).toBe(first.text);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.headers.get('original-request')).toBe(first.headers.get('request-id'));
    expect(second.headers.get('request-id')).not.toBe(first.headers.get('request-id'));
    const after = await count();
    expect(after.charges - before.charges).toBe(1);
    expect(after.replays - before.replays).toBe(1);
  });

  test('takes the same parameters in another order for the same request', async () => {
    const first = await post('order', 'amount=700&currency=usd&metadata[a]=1&metadata[b]=2');
    const second = await post('order', 'metadata[b]=2&currency=usd&metadata[a]=1&amount=700');
    expect(second.text).toBe(first.text);
  });

  test('replays a decline too', async () => {
    const first = await post('declined', `${FORM}&payment_method=pm_card_visa_chargeDeclined`);
    const second = await post('declined', `${FORM}&payment_method=pm_card_visa_chargeDeclined`);
    expect([first.status, second.status]).toEqual([402, 402]);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('stripe-should-retry')).toBe('false');
  });

  test('replays a 500 that came after the charge, for ever', async () => {
    const body = `${FORM}&payment_method=pm_card_visa`;
    const before = await count();
    const first = await post('broken', body, { 'Sandbox-Fault': 'error_after' });
    const second = await post('broken', body);
    expect([first.status, second.status]).toEqual([500, 500]);
    expect(second.text).toBe(first.text);
    expect((await count()).charges - before.charges).toBe(1);
  });

  test('refuses other parameters under the same key', async () => {
    await stripe.paymentIntents.create(CHARGE, { idempotencyKey: 'mismatch' });
    const failure = await failureOf(
      stripe.paymentIntents.create({ ...CHARGE, amount: 1251 }, { idempotencyKey: 'mismatch' }),
    );
    expect(failure).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' });
    expect(failure.message).toContain("Try using a key other than 'mismatch'");
  });

  test('refuses another path under the same key', async () => {
    await stripe.customers.create({ name: 'Ada' }, { idempotencyKey: 'elsewhere' });
    const failure = await failureOf(stripe.paymentIntents.create(CHARGE, { idempotencyKey: 'elsewhere' }));
    expect(failure).toMatchObject({ statusCode: 400, rawType: 'idempotency_error' });
    expect(failure.message).toContain("('/v1/payment_intents' vs '/v1/customers')");
  });

  test('says that a key is in use while its first request still runs, and replays once it has run', async () => {
    const body = `${FORM}&payment_method=pm_card_visa`;
    const before = await count();
    const slow = post('busy', body, { 'Sandbox-Fault': 'hang_before' });
    while ((await count()).requests === before.requests);
    const meanwhile = await post('busy', body);
    expect(meanwhile.status).toBe(409);
    expect(meanwhile.json.error.code).toBe('idempotency_key_in_use');
    expect(meanwhile.headers.get('stripe-should-retry')).toBe('true');
    await raw('DELETE', '/_sandbox/faults');
    const first = await slow;
    expect(first.status).toBe(200);
    expect((await post('busy', body)).text).toBe(first.text);
  });

  test('does not keep what failed validation: the key is free for the corrected request', async () => {
    const wrong = await post('corrected', 'amount=x&currency=usd');
    expect(wrong.json.error).toMatchObject({ code: 'parameter_invalid_integer', param: 'amount' });
    expect((await post('corrected', 'amount=700&currency=usd')).status).toBe(200);
  });

  test('does not keep a 429, nor a 500 that came before anything ran', async () => {
    for (const [fault, status] of [
      ['rate_limit', 429],
      ['error_before', 500],
    ] as const) {
      const failed = await post(`unkept ${fault}`, 'amount=700&currency=usd', { 'Sandbox-Fault': fault });
      expect(failed.status).toBe(status);
      expect((await post(`unkept ${fault}`, 'amount=700&currency=usd')).status).toBe(200);
    }
  });

  test('forgets a key after 24 hours of its own clock, and not before', async () => {
    const first = await post('old', 'amount=700&currency=usd');
    await sandbox.advance(24 * 3600 - 60);
    expect((await post('old', 'amount=700&currency=usd')).text).toBe(first.text);
    await sandbox.advance(120);
    const later = await post('old', 'amount=700&currency=usd');
    expect(later.json.id).not.toBe(first.json.id);
    expect(later.headers.get('idempotent-replayed')).toBeNull();
  });

  test('takes a key of 255 characters and refuses one of 256', async () => {
    expect((await post('k'.repeat(255), 'amount=700&currency=usd')).status).toBe(200);
    expect((await post('k'.repeat(256), 'amount=700&currency=usd')).status).toBe(400);
  });

  test('charges once for 100 concurrent requests under one key', async () => {
    const before = await count();
    const body = `${FORM}&payment_method=pm_card_visa`;
    const replies = await Promise.all(Array.from({ length: 100 }, () => post('crowd', body)));
    expect(new Set(replies.filter(({ status }) => status === 200).map(({ text }) => text)).size).toBe(1);
    expect(replies.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect((await count()).charges - before.charges).toBe(1);
  });
});
