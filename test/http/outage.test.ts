import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startProxy } from '../support/proxy.ts';
import { payFor, startService, startWorld, type Answer } from '../support/service.ts';
import { eventually, stripeAt } from '../support/stripe.ts';

const world = await startWorld();
const { post, get, createCustomer, balanceOf, sandboxCounts, query } = world;
const stripe = stripeAt(world.sandbox.url);

const told = ({ status, body, headers }: Answer): unknown[] => [
  status,
  body.error.code,
  body.error.outcome,
  Number(headers.get('retry-after')) > 0,
];
const REFUSED = [503, 'provider_unavailable', 'none', true];
const FAILURES_TO_OPEN = 5;

const countOf = async (table: 'claims' | 'attempts' | 'payments' | 'refunds'): Promise<number> =>
  Number((await query<{ count: string }>(`select count(*) from ${table}`))[0]!.count);
const openAttempts = async (): Promise<number> =>
  Number((await query<{ count: string }>('select count(*) from attempts where outcome is null'))[0]!.count);
/** As if the time of all leases had passed. */
const expireLeases = (): Promise<unknown[]> =>
  query("update attempts set leased_until = now() - interval '1 ms' where outcome is null");
const onCall = { headers: { Authorization: `Bearer ${await world.createKey('Operations', 'oncall')}` } };
const circuit = async (): Promise<string> => {
  const text = await (await fetch(`${world.opsUrl}/metrics`, onCall)).text();
  return /quittance_stripe_circuit\{state="(\w+)"\} 1/.exec(text)?.[1] ?? 'none';
};
const isClosed = (): Promise<string> => eventually(circuit, (state) => state === 'closed');

/** Charges that Stripe fails, one after the other, until one is refused; answers the keys of those before. */
const failUntilOpen = async (customer: string): Promise<string[]> => {
  const keys: string[] = [];
  for (;;) {
    const key = randomUUID();
    const answer = await post('/v1/payments', payFor(customer, 100), key);
    if (answer.body.error.outcome === 'none') return keys;
    expect(answer.body.error.outcome).toBe('unknown');
    keys.push(key);
    expect(keys.length).toBeLessThanOrEqual(FAILURES_TO_OPEN);
  }
};

describe('while Stripe is down', () => {
  let mend: () => Promise<void>;
  beforeEach(() => {
    mend = () => Promise.resolve();
  });
  afterEach(async () => {
    await mend();
    await expireLeases();
    await isClosed();
    await eventually(openAttempts, (open) => open === 0);
  });

  it('each warning of it leads to its place in the runbook, and a refusal whose outcome is unknown says so', async () => {
    const seen = world.logged().length;
    mend = await stripe.fault({ kind: 'reset_after' });
    await failUntilOpen(await createCustomer());
    await post('/v1/payments', payFor(await createCustomer(), 100));
    const lines = await eventually(
      () =>
        Promise.resolve(
          world
            .logged()
            .slice(seen)
            .split('\n')
            .filter((line) => line.includes('"level":"warn"'))
            .map((line) => JSON.parse(line) as { msg: string; code?: string; outcome?: string; runbook_url?: string }),
        ),
      (all) => all.some(({ msg }) => msg.includes('circuit')) && all.filter(({ msg }) => msg === 'request').length > 1,
    );
    for (const { runbook_url } of lines)
      expect(runbook_url).toMatch(/^http.*\/runbook#(provider_unavailable|unknown-outcomes|jobs)$/);
    const requests = lines.filter(({ msg }) => msg === 'request');
    expect(new Set(requests.map(({ outcome }) => outcome))).toEqual(new Set(['unknown', undefined]));
  });

  it('charges, confirmations, captures, cancels and refunds are refused, and nothing is claimed, held or sent', async () => {
    const customer = await createCustomer(900);
    const paid = (await post('/v1/payments', payFor(customer, 500))).body.id;
    const held = (await post('/v1/payments', payFor(customer, 500, { capture_method: 'manual' }))).body.id;
    const made = (await post('/v1/payments', { customer, amount: 500, currency: 'usd' })).body.id;
    mend = await stripe.fault({ kind: 'reset_before' });
    await failUntilOpen(customer);

    const before = [
      await countOf('claims'),
      await countOf('attempts'),
      await countOf('payments'),
      await countOf('refunds'),
    ];
    const refused = [
      await post('/v1/payments', payFor(customer, 100)),
      await post(`/v1/payments/${made}/confirm`, { payment_method: 'pm_card_visa' }),
      await post(`/v1/payments/${held}/capture`, {}),
      await post(`/v1/payments/${held}/cancel`, {}),
      await post('/v1/refunds', { payment: paid }),
    ];
    expect(refused.map(told)).toEqual(refused.map(() => REFUSED));
    expect([
      await countOf('claims'),
      await countOf('attempts'),
      await countOf('payments'),
      await countOf('refunds'),
    ]).toEqual(before);
    const wallet = await get(`/v1/customers/${customer}/balance?currency=usd`);
    expect([wallet.body.posted, wallet.body.available]).toEqual(['1400', '1400']);
    expect((await get(`/v1/payments/${held}`)).body.status).toBe('requires_capture');
  });

  it('a key that was settled before is replayed, and any other answered as at any time', async () => {
    const customer = await createCustomer();
    const [settled, declined] = [randomUUID(), randomUUID()];
    const card = { payment_method: 'pm_card_visa_chargeDeclined' };
    const [paid, refusal] = [
      await post('/v1/payments', payFor(customer, 300), settled),
      await post('/v1/payments', payFor(customer, 300, card), declined),
    ];
    mend = await stripe.fault({ kind: 'reset_before' });
    const [open = ''] = await failUntilOpen(customer);
    expect(told(await post('/v1/payments', payFor(customer, 100)))).toEqual(REFUSED);

    const again = await post('/v1/payments', payFor(customer, 300), settled);
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([201, paid.text, 'true']);
    const declinedAgain = await post('/v1/payments', payFor(customer, 300, card), declined);
    expect([declinedAgain.status, declinedAgain.text]).toEqual([402, refusal.text]);
    const other = await post('/v1/payments', payFor(customer, 301), settled);
    expect(other.body.error.code).toBe('idempotency_key_reused');
    const running = await post('/v1/payments', payFor(customer, 100), open);
    expect([running.status, running.body.error.code]).toEqual([409, 'idempotency_key_in_use']);
  });

  it('reads, the ledger, and payments that are only made go on, and the service stays ready', async () => {
    const customer = await createCustomer(500);
    mend = await stripe.fault({ kind: 'error_before' });
    await failUntilOpen(customer);
    expect((await post('/v1/debits', { customer, amount: 200, currency: 'usd' })).status).toBe(201);
    expect(await balanceOf(customer)).toBe(300);
    const made = await post('/v1/payments', { customer, amount: 500, currency: 'usd', payment_method: 'pm_card_visa' });
    expect([made.status, made.body.status]).toEqual([201, 'requires_confirmation']);
    expect((await post(`/v1/payments/${made.body.id}/cancel`, {})).body.status).toBe('canceled');

    const ready = await eventually(
      async () =>
        (await fetch(`${world.opsUrl}/readyz`)).json() as Promise<{
          status: string;
          checks: { stripe: { detail: string } };
        }>,
      ({ checks }) => !checks.stripe.detail.includes('closed'),
    );
    expect(ready.status).toBe('degraded');
  });

  it('Stripe is left in peace but for a probe now and then', async () => {
    const customer = await createCustomer();
    mend = await stripe.fault({ kind: 'error_before', method: 'POST' });
    await failUntilOpen(customer);
    await expireLeases();
    const { requests: before = 0 } = await sandboxCounts();
    await Promise.all(Array.from({ length: 50 }, () => post('/v1/payments', payFor(customer, 100))));
    const { requests: after = 0 } = await sandboxCounts();
    expect(after - before).toBeLessThan(5);
  });

  it('every unknown outcome is known soon after its return, and a key that was refused may be used', async () => {
    const customer = await createCustomer();
    mend = await stripe.fault({ kind: 'reset_before' });
    const unknown = await failUntilOpen(customer);
    const key = randomUUID();
    expect(told(await post('/v1/payments', payFor(customer, 50), key))).toEqual(REFUSED);
    await mend();
    await expireLeases();
    await eventually(openAttempts, (open) => open === 0);
    for (const one of unknown) expect((await post('/v1/payments', payFor(customer, 100), one)).status).toBe(201);
    expect((await post('/v1/payments', payFor(customer, 50), key)).status).toBe(201);
    expect(await balanceOf(customer)).toBe(unknown.length * 100 + 50);
  });
});

describe('the circuit stays closed', () => {
  it('when cards are declined and requests refused, however many', async () => {
    const customer = await createCustomer();
    for (let n = 0; n < 2 * FAILURES_TO_OPEN; n++) {
      const card = n % 2 ? 'pm_card_visa_chargeDeclined' : 'pm_nobody_knows';
      const { status } = await post('/v1/payments', payFor(customer, 100, { payment_method: card }));
      expect(status).toBeLessThan(500);
    }
    expect(await circuit()).toBe('closed');
    expect((await post('/v1/payments', payFor(customer, 100))).status).toBe(201);
  });

  it('when an answer, be it a decline, comes between the failures', async () => {
    const customer = await createCustomer();
    for (let n = 0; n < 3; n++) {
      const mend = await stripe.fault({
        kind: 'error_before',
        method: 'POST',
        path: '/v1/payment_intents',
        count: FAILURES_TO_OPEN - 1,
      });
      for (let failures = 0; failures < FAILURES_TO_OPEN - 1; failures++)
        expect((await post('/v1/payments', payFor(customer, 100))).body.error.outcome).toBe('unknown');
      const card = { payment_method: 'pm_card_visa_chargeDeclined' };
      expect((await post('/v1/payments', payFor(customer, 100, card))).status).toBe(402);
      await mend();
    }
    expect(await circuit()).toBe('closed');
    await expireLeases();
    await eventually(openAttempts, (open) => open === 0);
  });

  it('when Stripe is still at work on what was asked for under the same key, however many ask, and all are answered', async () => {
    const customer = await createCustomer();
    const method = { payment_method: 'pm_card_visa' };
    expect((await post(`/v1/customers/${customer}/payment_methods`, method)).status).toBe(201);
    const mend = await stripe.fault({ kind: 'latency', method: 'POST', path: '/v1/payment_methods/*/attach', ms: 700 });
    const key = randomUUID();
    const ask = () => post(`/v1/customers/${customer}/payment_methods`, method, key);
    const asked = await Promise.all(Array.from({ length: 2 * FAILURES_TO_OPEN }, ask));
    await mend();
    expect(await circuit()).toBe('closed');
    expect(new Set(asked.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(asked[0]?.status).toBe(201);
    expect((await post('/v1/payments', payFor(customer, 100))).status).toBe(201);
  });
});

it('a charge whose connection is cut while Stripe is at work on it is answered when Stripe has done it', async () => {
  const wire = await startProxy(world.sandbox.url);
  const service = await startService({ databaseUrl: world.databaseUrl, sandboxUrl: wire.url });
  const customer = await createCustomer();
  const mend = await stripe.fault({ kind: 'latency', method: 'POST', path: '/v1/payment_intents', ms: 500, count: 1 });
  let cuts = 0;
  wire.judge((bytes) =>
    bytes.toString('latin1').startsWith('POST /v1/payment_intents') && cuts++ === 0 ? 'deliver and cut' : 'forward',
  );
  const { status, body } = await service.post('/v1/payments', payFor(customer, 100));
  await mend();
  expect([status, body.status, cuts > 1]).toEqual([201, 'succeeded', true]);
  expect(await balanceOf(customer)).toBe(100);
});

it('in the end the sum over all accounts is zero', async () => {
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
});
