import { describe, expect, test } from '@jest/globals';
import { CHARGE, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;
const count = async () => (await raw('GET', '/_sandbox/count')).json;

describe('a sandbox that is stopped', () => {
  test('has forgotten no charge that it answered after it was killed under load', async () => {
    const answered: string[] = [];
    const charging = Array.from({ length: 8 }, async (_, worker) => {
      for (let n = 0; ; n++) {
        const intent = await stripe.paymentIntents.create(CHARGE, { idempotencyKey: `${worker}-${n}` });
        answered.push(intent.id);
        if (answered.length === 200) void sandbox.kill('SIGKILL');
      }
    });
    await Promise.allSettled(charging);
    await sandbox.kill('SIGKILL');
    await sandbox.restart();
    expect(answered.length).toBeGreaterThanOrEqual(200);
    for (const id of answered) expect((await stripe.paymentIntents.retrieve(id)).status).toBe('succeeded');
    const { charges, payment_intents, succeeded } = await count();
    expect([payment_intents, succeeded]).toEqual([charges, charges]);
    // What was charged and not answered is at most one request for each of the clients.
    expect(charges - answered.length).toBeLessThanOrEqual(8);
  });

  test('replays after a restart what it answered before it was killed', async () => {
    const first = await stripe.paymentIntents.create(CHARGE, { idempotencyKey: 'before' });
    await sandbox.kill('SIGKILL');
    await sandbox.restart();
    const second = await stripe.paymentIntents.create(CHARGE, { idempotencyKey: 'before' });
    expect(second.id).toBe(first.id);
    expect(new Headers(second.lastResponse.headers).get('idempotent-replayed')).toBe('true');
  });

  test('keeps its clock and what was to happen by it', async () => {
    const held = await stripe.paymentIntents.create({ ...CHARGE, capture_method: 'manual' });
    await sandbox.advance(6 * 24 * 3600);
    const before = (await raw('GET', '/_sandbox/clock')).json.now;
    await sandbox.kill('SIGKILL');
    await sandbox.restart();
    expect((await raw('GET', '/_sandbox/clock')).json.now).toBeGreaterThanOrEqual(before);
    await sandbox.advance(2 * 24 * 3600);
    expect((await stripe.paymentIntents.retrieve(held.id)).status).toBe('canceled');
  });

  test('exits with 0 on SIGTERM, counts kept, and is there again', async () => {
    await stripe.balance.retrieve();
    const { requests } = await count();
    expect(await sandbox.kill('SIGTERM')).toBe(0);
    await sandbox.restart();
    expect((await count()).requests).toBe(requests);
  });

  test('answers what is in flight before it exits', async () => {
    const form = 'amount=1&currency=usd&payment_method=pm_card_visa&allowed_payment_method_types[]=card&confirm=true';
    const { requests } = await count();
    const slow = raw('POST', '/v1/payment_intents', { body: form, headers: { 'Sandbox-Fault': 'latency=300' } });
    while ((await count()).requests === requests);
    const exit = sandbox.kill('SIGTERM');
    expect((await slow).json.status).toBe('succeeded');
    expect(await exit).toBe(0);
    await sandbox.restart();
  });
});
