/** What is done while nobody knows what Stripe has, and what is found by who looks there. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';
import { afterSuite } from '../support/cleanup.ts';
import type { Payment } from '../../src/client/api.ts';
import { openKeys, payFor, startService, startWorld, type Answer } from '../support/service.ts';
import { createDatabase, startSandbox } from '../support/suite.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, balanceOf, query, sums } = world;
const stripe = stripeAt(world.sandbox.url);
const CREATE = '/v1/payment_intents';
const LEASE_S = 11;

afterEach(stripe.heal);
const drops = (): Promise<unknown> => stripe.fault({ kind: 'webhook_drop', event: '*' });
const uuidOf = (id: string): string => id.slice(4);
const intentOf = async (id: string): Promise<string> =>
  (await query<{ intent: string }>('select intent from payments where id = $1', [uuidOf(id)]))[0]!.intent;
const tagsOf = async (intent: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    Object.entries((await stripe.get(`${CREATE}/${intent}`)).metadata).map(([tag, value]) => [
      `metadata[${tag}]`,
      value,
    ]),
  );
const paid = async (more: object = {}): Promise<Payment> =>
  (await post('/v1/payments', payFor(await createCustomer(), 700, more))).body;
const toldOf = (subject: string): Promise<{ kind: string }[]> =>
  query('select kind from contradictions where subject = $1', [subject]);
/** The answer under a key while the outcome of its request is unknown. */
const expectUnknown = ({ status, headers, body }: Answer, payment: string): void => {
  expect([status, body.error.code, body.error.payment]).toEqual([409, 'idempotency_key_in_use', payment]);
  expect(body.error.message).toMatch(/not known yet/);
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
};

describe('a capture at which Stripe failed', () => {
  it.each(['capture', 'cancel'] as const)(
    'is unknown under its key for a minute, and then is done, or found done (%s)',
    async (what) => {
      const held = await paid({ capture_method: 'manual' });
      const key = randomUUID();
      const ask = (): Promise<Answer<Payment>> => post(`/v1/payments/${held.id}/${what}`, {}, key);
      await drops();
      // Kept under its key, and repeated; and Stripe will not do it for long.
      await stripe.fault({
        kind: 'error_reconciled',
        path: `${CREATE}/*/${what}`,
        method: 'POST',
        count: 1,
        ms: 3_600_000,
      });
      const first = await ask();
      expect([first.status, first.body.error.outcome, first.body.error.payment]).toEqual([503, 'unknown', held.id]);
      expect(Number(first.headers.get('Retry-After'))).toBeGreaterThan(0);
      await clock.advance(world.sandbox.url, LEASE_S);
      await eventually(
        () =>
          query<{ trouble: string | null }>(
            'select trouble from attempts where claim_id is not null and payment_id = $1 and kind = $2',
            [uuidOf(held.id), what],
          ),
        ([attempt]) => attempt?.trouble !== null,
      );
      expectUnknown(await ask(), held.id);
      await clock.advance(world.sandbox.url, 120);
      const final = await eventually(ask, ({ status }) => status === 200);
      expect(final.body.status).toBe(what === 'capture' ? 'succeeded' : 'canceled');
      expect(await balanceOf(held.customer!)).toBe(what === 'capture' ? 700 : 0);
    },
  );

  it('is done once, where Stripe makes it good as well', async () => {
    const held = await paid({ capture_method: 'manual' });
    await drops();
    await stripe.fault({
      ...{ kind: 'error_reconciled', path: `${CREATE}/*/capture`, method: 'POST', ms: 600_000, count: 1 },
    });
    const key = randomUUID();
    const ask = (): Promise<Answer<Payment>> => post(`/v1/payments/${held.id}/capture`, { amount: 500 }, key);
    expect((await ask()).status).toBe(503);
    await clock.advance(world.sandbox.url, LEASE_S);
    await clock.advance(world.sandbox.url, 120);
    const final = await eventually(ask, ({ status }) => status === 200);
    expect(final.body).toMatchObject({ status: 'succeeded', amount_captured: 500 });
    await clock.advance(world.sandbox.url, 900);
    expect((await stripe.get(`${CREATE}/${await intentOf(held.id)}`)).amount_received).toBe(500);
    expect(await balanceOf(held.customer!)).toBe(500);
  });
});

it('leaves Stripe alone about payments that wait for the bank for days, and calls nobody’s outcome unknown', async () => {
  // A service of its own, on a database, a sandbox and a clock of its own: what others have left is not looked at.
  const sandbox = await startSandbox();
  const clock = movableClock();
  const calls: string[] = [];
  const counting = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    calls.push(`${method} ${url.split('?')[0]}`);
    const forwarded = ask(sandbox.url + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await once(counting.listen(0, '127.0.0.1'), 'listening');
  const { port } = counting.address() as AddressInfo;
  const { url: databaseUrl } = await createDatabase();
  const other = await startService({
    databaseUrl,
    sandboxUrl: `http://127.0.0.1:${port}`,
    clock,
  });
  afterSuite(async () => {
    (await other.service.close(1_000))._unsafeUnwrap();
    counting.closeAllConnections();
    counting.close();
  });
  const customer = (await other.post('/v1/customers', {})).body.id;
  const wanted = payFor(customer, 700, { payment_method: 'pm_card_sandbox_processingForDays' });
  const waiting = await Promise.all(Array.from({ length: WAITING }, () => other.post('/v1/payments', wanted)));
  expect(new Set(waiting.map(({ status, body }) => `${status} ${body.status}`))).toEqual(new Set(['201 processing']));
  const aboutOne = (): string[] => calls.filter((call) => /payment_intents\/|^POST/.test(call));
  const pass = (ms: number): Promise<unknown> => new Promise((wake) => setTimeout(wake, ms));
  // What Stripe tells of them at first is looked up, once.
  await eventually(
    async () => {
      const before = aboutOne().length;
      await pass(1_500);
      return aboutOne().length - before;
    },
    (more) => more === 0,
  );
  const oncall = (await openKeys(databaseUrl).create('Demo', 'oncall', 'test'))._unsafeUnwrap().secret;
  calls.length = 0;
  for (let hour = 0; hour < 24; hour++) {
    await clock.advance(sandbox.url, 3600);
    const told = await fetch(`${other.opsUrl}/metrics`, { headers: { Authorization: `Bearer ${oncall}` } });
    expect(await told.text()).not.toMatch(/^quittance_unknown_outcomes\S* [1-9]/m);
    // A round of each of the service's own.
    await pass(500);
  }
  expect(aboutOne()).toEqual([]);
});
/** Each would be asked about every few seconds, were it taken for unknown. */
const WAITING = 200;

it.each([
  ['requires_payment_method', 'sandbox_processingFails', {}],
  ['requires_capture', 'sandbox_processing', { capture_method: 'manual' }],
])('takes what the bank has said, though Stripe told of it while nobody here knew (%s)', async (status, card, more) => {
  const customer = await createCustomer();
  const wanted = payFor(customer, 700, { payment_method: `pm_card_${card}`, ...more });
  // Its reply is lost, with that of the repeat; webhooks come.
  await paid();
  await stripe.fault({ kind: 'reset_after', path: CREATE, method: 'POST' });
  const first = await post('/v1/payments', wanted);
  expect([first.status, first.body.error.outcome]).toEqual([503, 'unknown']);
  const id = first.body.error.payment!;
  await stripe.heal();
  await clock.advance(world.sandbox.url, 6);
  const type = status === 'requires_capture' ? 'amount_capturable_updated' : 'payment_failed';
  await eventually(
    () =>
      query('select from stripe_events where type = $1 and payload::text like $2 and tries > 0', [
        `payment_intent.${type}`,
        `%${id}%`,
      ]),
    ({ length }) => length > 0,
  );
  // It is sent again, and Stripe repeats what it said at first; what it told is heard, though it can't be looked up at once.
  await stripe.fault({ kind: 'error_before', path: `${CREATE}/*`, method: 'GET', count: 1 });
  await clock.advance(world.sandbox.url, LEASE_S);
  await eventually(
    () => query('select from attempts where payment_id = $1 and outcome is not null', [uuidOf(id)]),
    ({ length }) => length > 0,
  );
  for (let tries = 0; tries < 3; tries++) await clock.advance(world.sandbox.url, 60);
  const payment = await eventually(
    async () => (await get(`/v1/payments/${id}`)).body,
    (shown) => shown.status === status,
  );
  expect(payment.last_error?.code).toBe(status === 'requires_capture' ? undefined : 'card_declined');
});

describe('what somebody else made with our tags', () => {
  it('is not taken for what the first charge came to, while that is unknown', async () => {
    const customer = await createCustomer();
    const key = randomUUID();
    const ask = (): Promise<Answer<Payment>> => post('/v1/payments', payFor(customer, 700), key);
    await paid();
    await stripe.fault({ kind: 'reset_before', path: CREATE, method: 'POST' });
    const first = await ask();
    expect([first.status, first.body.error.outcome]).toEqual([503, 'unknown']);
    const id = first.body.error.payment!;
    await stripe.heal();
    const [row] = await query<{ merchant: string }>(
      `select 'mer_' || replace(merchant_id::text, '-', '') as merchant from payments where id = $1`,
      [uuidOf(id)],
    );
    const foreign = await stripe.post(CREATE, {
      ...{ amount: '700', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
      'allowed_payment_method_types[]': 'card',
      'metadata[quittance_payment]': id,
      'metadata[quittance_merchant]': row!.merchant,
    });
    await eventually(
      () => query('select from stripe_events where payload::text like $1 and tries > 0', [`%${foreign.id}%`]),
      ({ length }) => length > 0,
    );
    expect((await get(`/v1/payments/${id}`)).body.status).toBe('processing');
    // It is sent again, and is what its own charge came to; the other is a second one.
    await clock.advance(world.sandbox.url, LEASE_S);
    const final = await eventually(ask, ({ status }) => status === 201);
    expect(final.body.status).toBe('succeeded');
    expect(await intentOf(id)).not.toBe(foreign.id);
    await clock.advance(world.sandbox.url, 60);
    await eventually(
      () => toldOf(foreign.id),
      (told) => told.some(({ kind }) => kind === 'second_charge'),
    );
    expect(await balanceOf(customer)).toBe(700);
  });

  it('and of which neither an event nor the balance tells is found, and told to a person', async () => {
    const { id } = await paid();
    const intent = await intentOf(id);
    await drops();
    await stripe.fault({ kind: 'unauthorized', path: '/v1/events', method: 'GET' });
    const nobodys = `pay_${randomUUID().replaceAll('-', '')}`;
    // A hold: no line of the balance is of it.
    const lost = await stripe.post(CREATE, {
      ...{ amount: '700', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa', capture_method: 'manual' },
      'allowed_payment_method_types[]': 'card',
      ...(await tagsOf(intent)),
      'metadata[quittance_payment]': nobodys,
    });
    await clock.advance(world.sandbox.url, 300);
    expect(
      await eventually(
        () => toldOf(lost.id),
        ({ length }) => length > 0,
      ),
    ).toEqual([{ kind: 'orphan_intent' }]);
  });
});

it('looks at as much of Stripe’s list as there is time for in a turn, and goes on from there in the next', async () => {
  const customer = await createCustomer();
  const key = randomUUID();
  const ask = (): Promise<Answer<Payment>> => post('/v1/payments', payFor(customer, 700), key);
  await drops();
  // Eleven pages, for each of which Stripe takes a second: made before it, for its lease may not last as long as this takes.
  const made = Array.from({ length: 1_050 }, () => stripe.post);
  const workers = Array.from({ length: 16 }, async () => {
    while (made.pop()) await stripe.post(CREATE, { amount: '500', currency: 'usd' });
  });
  await Promise.all(workers);
  await paid();
  const healCreate = await stripe.fault({ kind: 'reset_before', path: CREATE, method: 'POST' });
  const id = (await ask()).body.error.payment!;
  await healCreate();
  const heal = await stripe.fault({ kind: 'latency', path: CREATE, method: 'GET', ms: 1_000 });
  await clock.advance(world.sandbox.url, 6 * 60);
  await eventually(
    () => query<{ seen_to: string | null }>('select seen_to from attempts where payment_id = $1', [uuidOf(id)]),
    ([attempt]) => attempt?.seen_to !== null,
  );
  await heal();
  const final = await eventually(ask, ({ status }) => status === 402);
  expect(final.body.error.outcome).toBe('none');
});

it('tells on its timeline where Stripe and the books of a payment differ, and how that was settled', async () => {
  const { id } = await paid();
  const second = await stripe.post(CREATE, {
    ...{ amount: '700', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
    'allowed_payment_method_types[]': 'card',
    ...(await tagsOf(await intentOf(id))),
  });
  await eventually(
    () => toldOf(second.id),
    ({ length }) => length > 0,
  );
  await stripe.post('/v1/refunds', { payment_intent: second.id });
  const { data } = await eventually(
    async () => (await get(`/v1/payments/${id}/timeline`)).body,
    (timeline) => timeline.data.some(({ what }) => what.includes('is settled')),
  );
  const words = data.map(({ what }) => what);
  expect(words).toContainEqual(
    expect.stringMatching(
      new RegExp(`^Stripe and the books differ \\(${second.id}\\)\\. The customer was charged a second time`),
    ),
  );
  expect(words).toContain(`That ${second.id} differs is settled: It has gone back to the card.`);
});

it('leaves the sum over all accounts at zero, after all that was done here', async () => {
  for (const sum of await sums()) expect(sum).toBe('0');
});
