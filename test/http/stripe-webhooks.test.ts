import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { open } from '../support/raw.ts';
import type { Payment } from '../../src/client/api.ts';
import { bankPageOf, payFor, send, startService, startWorld, type Answer } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const SECRETS = ['whsec_the_old_one', 'whsec_the_new_one'] as const;
const world = await startWorld({ STRIPE_WEBHOOK_SECRET: SECRETS.join(',') }, clock);
const { post, get, createCustomer, balanceOf, query } = world;
const stripe = stripeAt(world.sandbox.url);
afterEach(stripe.heal);

const nowS = (): number => Math.floor(Number(clock.now() / 1_000_000n));
const signed = (body: string | Buffer, secret: string, at = nowS()): string =>
  `t=${at},v1=${createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')}`;

const deliver = (body: string | Buffer, headers: Record<string, string>, url = world.url): Promise<Answer> =>
  send(url, {
    method: 'POST',
    path: '/webhooks/stripe',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
const tell = (body: string | Buffer, secret: string = SECRETS[0], at?: number): Promise<Answer> =>
  deliver(body, { 'Stripe-Signature': signed(body, secret, at) });
const event = (type: string, object: object, id = `evt_${randomUUID().replaceAll('-', '')}`): string =>
  JSON.stringify({ id, object: 'event', type, created: nowS(), data: { object } });

interface Kept {
  readonly id: string;
  readonly type: string;
  readonly outcome: string | null;
}
const kept = (id: string): Promise<Kept[]> => query('select id, type, outcome from stripe_events where id = $1', [id]);
const applied = async (id: string): Promise<Kept> =>
  (
    await eventually(
      () => kept(id),
      ([first]) => first !== undefined && first.outcome !== null,
    )
  )[0]!;
const idOf = (body: string): string => (JSON.parse(body) as { id: string }).id;
const countKept = async (): Promise<number> =>
  Number((await query<{ n: string }>('select count(*) as n from stripe_events'))[0]!.n);
const read = async (id: string): Promise<Payment> => (await get(`/v1/payments/${id}`)).body;
const challenged = async (): Promise<Payment> =>
  (
    await post('/v1/payments', {
      ...payFor(await createCustomer(), 700, { payment_method: 'pm_card_threeDSecure2Required' }),
      return_url: 'https://shop.example/back',
    })
  ).body;

describe('callers whom nobody knows', () => {
  const begin = async (bytes: number): Promise<Socket> => {
    const socket = await open(world.url);
    const signature = `t=${nowS()},v1=${'0'.repeat(64)}`;
    socket.resume();
    socket.write(
      `POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: ${signature}\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(bytes)}`,
    );
    return socket;
  };

  it.each([
    ['of whose bodies nothing comes', 300, 0],
    ['of whose bodies all but the end comes', 60, 999_999],
  ])('keep no webhook of Stripe out that comes in pieces: %s', async (_, count, bytes) => {
    const body = event('customer.created', { id: 'cus_1', object: 'customer', padding: 'x'.repeat(100_000) });
    const head = `POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nConnection: close\r\nStripe-Signature: ${signed(body, SECRETS[0])}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = await open(world.url);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    const closed = once(socket, 'close');
    // Ours has begun before any of theirs.
    socket.write(head + body.slice(0, 50_000));
    const theirs = await Promise.all(Array.from({ length: count }, () => begin(bytes)));
    await sleep(300);
    socket.write(body.slice(50_000));
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    for (const one of theirs) one.destroy();
  });
});

describe('a webhook', () => {
  it.each(SECRETS)('signed with %s is taken: two secrets are in force at once', async (secret) => {
    const body = event('customer.created', { id: 'cus_1', object: 'customer' });
    const { status, text } = await tell(body, secret);
    expect([status, text]).toEqual([200, '{"received":true}']);
    expect((await applied(idOf(body))).outcome).toBe('ignored');
  });

  it.each([
    ['with no signature', (body: string) => deliver(body, {})],
    ['with an empty signature', (body: string) => deliver(body, { 'Stripe-Signature': '' })],
    ['with another secret', (body: string) => tell(body, 'whsec_forged')],
    [
      'with the signature of another body',
      (body: string) => deliver(`${body} `, { 'Stripe-Signature': signed(body, SECRETS[0]) }),
    ],
    [
      'with a signature of another scheme',
      (body: string) => deliver(body, { 'Stripe-Signature': signed(body, SECRETS[0]).replace('v1=', 'v0=') }),
    ],
    [
      'with a signature without its time',
      (body: string) => deliver(body, { 'Stripe-Signature': signed(body, SECRETS[0]).replace(/t=\d+,/, '') }),
    ],
    ['signed 301 seconds ago', (body: string) => tell(body, SECRETS[0], nowS() - 301)],
  ])('%s is refused, and not kept', async (_what, forge) => {
    const { id } = await challenged();
    const before = await countKept();
    const body = event('payment_intent.succeeded', {
      id: 'pi_1',
      object: 'payment_intent',
      metadata: { quittance_payment: id },
    });
    const { status, body: answer } = await forge(body);
    expect([status, answer.error.code]).toEqual([400, 'webhook_signature_invalid']);
    expect(await kept(idOf(body))).toEqual([]);
    // What Stripe itself tells meanwhile is kept.
    expect(await countKept()).toBeGreaterThanOrEqual(before);
    expect((await read(id)).status).toBe('requires_action');
  });

  it('signed 299 seconds ago is taken', async () => {
    expect((await tell(event('customer.created', {}), SECRETS[0], nowS() - 299)).status).toBe(200);
  });

  it.each([
    ['no JSON', 'nonsense'],
    ['an empty body', ''],
    ['an array', '[]'],
    ['null', 'null'],
    ['a number for an id', '{"id":7,"type":"x","data":{"object":{}}}'],
    ['no type', '{"id":"evt_1","data":{"object":{}}}'],
    ['a NUL in its id', '{"id":"evt_nul\\u0000","type":"x","data":{"object":{}}}'],
    ['an id longer than any of Stripe’s', `{"id":"evt_nul${'x'.repeat(255)}","type":"x","data":{"object":{}}}`],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ])('with a valid signature and %s is refused', async (_what, body) => {
    const before = await countKept();
    const { status, body: answer } = await tell(body);
    expect(status).toBe(400);
    expect(['webhook_signature_invalid', 'invalid_request']).toContain(answer.error.code);
    expect(await countKept()).toBeGreaterThanOrEqual(before);
    expect(await query(`select id from stripe_events where id like 'evt_nul%'`)).toEqual([]);
  });

  it.each([
    ['no data', { id: 'evt_no_data', type: 'payment_intent.succeeded' }],
    ['no object', { id: 'evt_no_object', type: 'payment_intent.succeeded', data: {} }],
    ['an object of text', { id: 'evt_text', type: 'payment_intent.succeeded', data: { object: 'pi_1' } }],
    [
      'an object without an id',
      { id: 'evt_no_id', type: 'payment_intent.succeeded', data: { object: { object: 'refund' } } },
    ],
  ])('of a shape that is not understood (%s) is kept, and holds up nobody else', async (_what, odd) => {
    expect((await tell(JSON.stringify(odd))).status).toBe(200);
    expect((await applied(odd.id)).outcome).toBe('ignored');
    const next = event('customer.created', {});
    await tell(next);
    await applied(idOf(next));
  });

  it.each(['C:\\u0000', 'C:\0'])('with a NUL in a text, or what looks like one (%j), is taken', async (description) => {
    const metadata = { quittance_payment: description };
    const body = event('customer.created', { id: 'cus_1', object: 'customer', description, metadata });
    expect((await tell(body)).status).toBe(200);
    expect((await applied(idOf(body))).outcome).toBe('ignored');
  });

  it('of 5 MiB is refused', async () => {
    const body = event('customer.created', { text: 'a'.repeat(5 * 1024 * 1024) });
    const { status, body: answer } = await tell(body);
    expect([status, answer.error.code]).toEqual([413, 'body_too_large']);
  });

  it('of a type that nobody knows is kept, and changes nothing', async () => {
    const body = event('quantum.entangled', { id: 'qu_1', object: 'quantum' });
    expect((await tell(body)).status).toBe(200);
    expect(await applied(idOf(body))).toMatchObject({ type: 'quantum.entangled', outcome: 'ignored' });
  });

  it('is kept as what it is about, without who somebody is and what he pays with', async () => {
    const metadata = { quittance_payment: `pay_${'0'.repeat(32)}`, who: 'Ada Quillfeather' };
    const card = { last4: '4242', brand: 'visa' };
    const says = { id: 'ch_1', object: 'charge', amount: 5, metadata, receipt_email: 'ada@shop.example', card };
    const body = JSON.stringify(JSON.parse(event('charge.updated', { ...says, status: 'succeeded' })), null, 2);
    expect((await tell(body)).status).toBe(200);
    const [row] = await query<{ payload: object }>('select payload from stripe_events where id = $1', [idOf(body)]);
    expect(row!.payload).toEqual({
      id: idOf(body),
      type: 'charge.updated',
      data: {
        object: {
          object: 'charge',
          id: 'ch_1',
          metadata: { quittance_payment: metadata.quittance_payment },
          status: 'succeeded',
        },
      },
    });
  });

  it('that is replayed is taken, and kept once', async () => {
    const body = event('customer.created', {});
    const answers = await Promise.all(Array.from({ length: 10 }, () => tell(body)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(await kept(idOf(body))).toHaveLength(1);
  });

  it('about an object that is not of this service is kept, with the reason', async () => {
    const intent = await stripe.post('/v1/payment_intents', { amount: '500', currency: 'usd' });
    const [made] = await eventually(
      () =>
        query<Kept>(`select id, type, outcome from stripe_events where payload->'data'->'object'->>'id' = $1`, [
          intent.id,
        ]),
      ([first]) => first?.outcome !== undefined && first.outcome !== null,
    );
    expect(made!.outcome).toBe('unknown object');
  });

  it('about a payment of another installation on the same account is kept, with the reason', async () => {
    const [{ id: merchant }] = (await query<{ id: string }>(`select id from merchants limit 1`)) as [{ id: string }];
    const hex = randomUUID().replaceAll('-', '');
    const intent = await stripe.post('/v1/payment_intents', {
      amount: '500',
      currency: 'usd',
      'metadata[quittance_payment]': `pay_${hex}`,
      'metadata[quittance_merchant]': `mer_${merchant.replaceAll('-', '')}`,
    });
    const [made] = await eventually(
      () =>
        query<Kept>(`select id, type, outcome from stripe_events where payload->'data'->'object'->>'id' = $1`, [
          intent.id,
        ]),
      ([first]) => first?.outcome !== undefined && first.outcome !== null,
    );
    expect(made!.outcome).toBe('unknown payment');
  });

  it('that claims what is not so at Stripe is not believed, however well it is signed', async () => {
    const { id, customer } = await challenged();
    const [row] = await query<{ intent: string; merchant_id: string }>(
      'select intent, merchant_id from payments where id = $1',
      [id.slice(4)],
    );
    const body = event('payment_intent.succeeded', {
      id: row!.intent,
      object: 'payment_intent',
      status: 'succeeded',
      amount_received: 700,
      metadata: { quittance_payment: id, quittance_merchant: `mer_${row!.merchant_id.replaceAll('-', '')}` },
    });
    await tell(body);
    await applied(idOf(body));
    expect((await read(id)).status).toBe('requires_action');
    expect(await balanceOf(String(customer))).toBe(0);
  });

  it('about an object that Stripe does not have is kept, and holds up nobody else', async () => {
    const body = event('refund.updated', { id: 're_never_made', object: 'refund' });
    await tell(body);
    expect((await applied(idOf(body))).outcome).toBe('unknown object');
  });
});

describe('events that never came', () => {
  it('are found in the list when a service starts, though they are many', async () => {
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    const [passed, failed] = [await challenged(), await challenged()];
    await stripe.answer(bankPageOf(passed), 'pass');
    await stripe.answer(bankPageOf(failed), 'fail');
    // More than are read at once, and all of them newer than what matters.
    const paid = {
      amount: '500',
      currency: 'usd',
      'allowed_payment_method_types[]': 'card',
      payment_method: 'pm_card_visa',
    };
    for (let n = 0; n < 210; n += 10)
      await Promise.all(
        Array.from({ length: 10 }, () => stripe.post('/v1/payment_intents', { ...paid, confirm: 'true' })),
      );
    expect((await read(passed.id)).status).toBe('requires_action');
    await startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url, clock });
    await eventually(
      () => Promise.all([read(passed.id), read(failed.id)]),
      ([one, other]) => one.status === 'succeeded' && other.status === 'requires_payment_method',
    );
    await heal();
    expect(await balanceOf(String(passed.customer))).toBe(700);
  });
});

describe('webhooks while Stripe cannot be asked', () => {
  it('are acknowledged, wait, and are applied when it can', async () => {
    const payment = await challenged();
    const heal = await stripe.fault({ kind: 'error_before', method: 'GET' });
    await stripe.answer(bankPageOf(payment), 'pass');
    await eventually(
      () => query<{ tries: number }>(`select tries from stripe_events where applied_at is null`),
      (waiting) => waiting.some(({ tries }) => tries > 0),
    );
    expect((await read(payment.id)).status).toBe('requires_action');
    await heal();
    await clock.advance(world.sandbox.url, 60);
    await eventually(
      () => read(payment.id),
      ({ status }) => status === 'succeeded',
    );
  });
});

it('an event that cannot be applied, again and again, is told to a person, and when it was applied after all', async () => {
  const paid = (await post('/v1/payments', payFor(await createCustomer(), 700))).body;
  const all = (): Promise<{ resolution: string | null }[]> =>
    query(`select resolution from contradictions where kind = 'event_not_applied'`);
  const heal = await stripe.fault({ kind: 'error_before', method: 'GET', path: '/v1/refunds/*' });
  await post('/v1/refunds', { payment: paid.id, amount: 100 });
  // Each try is further away than the one before, until they are an hour apart.
  for (let tries = 1; tries <= 10; tries++) {
    await eventually(
      () =>
        query<{ tries: number }>(
          `select tries from stripe_events where type like 'refund.%' and applied_at is null order by tries`,
        ),
      ([event]) => event !== undefined && event.tries >= tries,
    );
    if (tries < 10) await clock.advance(world.sandbox.url, 3_700);
  }
  await eventually(all, (told) => told.some(({ resolution }) => resolution === null));
  await heal();
  await clock.advance(world.sandbox.url, 3_700);
  await eventually(all, (told) => told.every(({ resolution }) => resolution === 'It was applied.'));
});
