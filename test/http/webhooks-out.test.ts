import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { JITTER, SCHEDULE_MS } from '../../src/webhooks/schedule.ts';
import { startReceiver } from '../support/receiver.ts';
import { payFor, startService, startWorld } from '../support/service.ts';
import type { Delivery } from '../../src/client/api.ts';
import { answering, S, startWebhookWorld } from '../support/webhook-world.ts';

const { world, clock, createMerchant } = await startWebhookWorld();

describe('an event', () => {
  it('is told to an endpoint, signed as Standard Webhooks has it, as the API shows it', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { secret } = await merchant.createEndpoint(receiver.url);
    const payment = await merchant.pay();
    const [heard] = await receiver.hears(1);

    expect(new Webhook(secret).verify(heard!.body, heard!.headers)).toMatchObject({
      object: 'event',
      type: 'payment.succeeded',
      timestamp: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
      data: { object: { id: payment, object: 'payment', status: 'succeeded', amount: 1250 } },
    });
    expect(heard!.id).toBe(heard!.event.id);
    expect(heard!.body).not.toContain('secret');
    expect((await merchant.get(`/v1/events/${heard!.id}`)).text).toBe(heard!.body);
    const delivery = await merchant.delivered(heard!.id, ({ status }) => status === 'succeeded');
    expect(delivery).toMatchObject({ next_try_at: null, tries: [{ number: 1, status_code: 200, error: null }] });
  });

  it('is told to those endpoints that ask for its type, and to no other merchant', async () => {
    const [all, successes, failures, strangers] = await Promise.all(Array.from({ length: 4 }, () => startReceiver()));
    const merchant = await createMerchant();
    await merchant.createEndpoint(all!.url);
    await merchant.createEndpoint(successes!.url, { enabled_events: ['payment.succeeded', 'refund.succeeded'] });
    await merchant.createEndpoint(failures!.url, { enabled_events: ['payment.failed'] });
    await (await createMerchant()).createEndpoint(strangers!.url);
    await merchant.pay();
    await merchant.pay({ payment_method: 'pm_card_visa_chargeDeclined' });

    await all!.hears(2);
    const [succeeded] = await successes!.hears(1);
    const [failed] = await failures!.hears(1);
    expect([succeeded!.event.type, failed!.event.type]).toEqual(['payment.succeeded', 'payment.failed']);
    expect(await merchant.deliveries(succeeded!.id)).toHaveLength(2);
    expect(await merchant.deliveries(failed!.id)).toHaveLength(2);
    expect(strangers!.heard).toHaveLength(0);
  });

  it('is not told to an endpoint that was made after it, and can be by hand', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    await merchant.pay();
    const { id } = await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    const [later] = await receiver.hears(1);
    const { data } = (await merchant.get('/v1/events')).body;
    expect(data.map((event) => event.id).indexOf(later!.id)).toBe(0);
    expect(await merchant.deliveries(data[1]!.id)).toEqual([]);

    const again = await merchant.post(`/v1/events/${data[1]!.id}/redeliver`, { webhook_endpoint: id }, null);
    expect(again.body.data).toMatchObject([{ object: 'delivery', webhook_endpoint: id, status: 'pending' }]);
    expect((await receiver.hears(2))[1]!.id).toBe(data[1]!.id);
  });

  it('is told though it was committed after one with a later id', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    await merchant.createEndpoint(receiver.url);
    // As of a process that was slow between making the id and committing it; after the endpoint's own id by more than
    // the service's clock, which follows the database's, may be ahead of this one.
    await new Promise((go) => setTimeout(go, 200));
    const early = randomIdNow();
    await new Promise((go) => setTimeout(go, 200));
    await merchant.pay();
    const [told] = await receiver.hears(1);
    await merchant.delivered(told!.id, ({ status }) => status === 'succeeded');
    await world.query(
      `insert into events (merchant_id, id, type, subject, data, created_at)
       select merchant_id, $1, type, subject, data, created_at from events where id = $2`,
      [early, told!.id.slice(4)],
    );
    expect((await receiver.hears(2))[1]!.id).toBe(`evt_${early}`);
  });

  it('is told to an endpoint once, by however many instances', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    await merchant.createEndpoint(receiver.url);
    for (let i = 0; i < 2; i++)
      await startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url, clock });
    await Promise.all(Array.from({ length: 60 }, () => merchant.pay()));
    await receiver.hears(60);
    const { data } = (await merchant.get('/v1/events?limit=100')).body;
    for (const { id } of data) {
      const { tries } = await merchant.delivered(id, ({ status }) => status === 'succeeded');
      expect(tries).toHaveLength(1);
    }
    expect(new Set(receiver.heard.map(({ id }) => id)).size).toBe(60);
    expect(receiver.heard).toHaveLength(60);
  });
});

/** A UUIDv7 of this moment, without dashes. */
const randomIdNow = (): string =>
  `${Date.now().toString(16).padStart(12, '0')}7${randomUUID().replaceAll('-', '').slice(13)}`;

describe('a delivery that fails', () => {
  it('is tried ten times, at the times of the schedule, and then given up', async () => {
    const receiver = await startReceiver(answering(500));
    const merchant = await createMerchant();
    const { id } = await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    for (const [step, delayMs] of SCHEDULE_MS.entries()) {
      if (step > 0) clock.move(delayMs * (1 + JITTER) + S);
      const [heard] = await receiver.hears(step + 1);
      const { next_try_at, status } = await merchant.delivered(heard!.id, ({ tries }) => tries.length === step + 1);
      const nextMs = SCHEDULE_MS[step + 1];
      expect(status).toBe(nextMs === undefined ? 'failed' : 'pending');
      if (nextMs === undefined) expect(next_try_at).toBeNull();
      else expect(Date.parse(next_try_at!)).toBeGreaterThan(Number(clock.now() / 1000n));
    }
    const { heard } = receiver;
    expect(new Set(heard.map((one) => one.id)).size).toBe(1);
    expect(new Set(heard.map(({ body }) => body)).size).toBe(1);
    expect(new Set(heard.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(10);
    const [delivery] = await merchant.deliveries(heard[0]!.id);
    expect(delivery!.tries.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(delivery!.tries.every((one) => one.status_code === 500 && one.error === 'The endpoint answered 500.')).toBe(
      true,
    );
    expect(await merchant.endpoint(id)).toMatchObject({ status: 'enabled', failing_since: expect.any(String) });
  });

  it('succeeds as soon as the endpoint is well', async () => {
    const receiver = await startReceiver(answering(503, 200));
    const merchant = await createMerchant();
    const { id } = await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    const [heard] = await receiver.hears(1);
    const event = heard!.id;
    await merchant.delivered(event, ({ tries }) => tries.length === 1);
    clock.move(7 * S);
    await receiver.hears(2);
    const delivery = await merchant.delivered(event, ({ status }) => status === 'succeeded');
    expect(delivery.tries.map(({ status_code }) => status_code)).toEqual([503, 200]);
    expect((await merchant.endpoint(id)).failing_since).toBeNull();
  });

  it('leaves its endpoint alone for as long as Retry-After says, this event and any other', async () => {
    const receiver = await startReceiver((response, before) =>
      before === 0 ? response.writeHead(429, { 'Retry-After': '600' }).end() : response.end(),
    );
    const merchant = await createMerchant();
    const { id } = await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    const [refused] = await receiver.hears(1);
    const delivery = await merchant.delivered(refused!.id, ({ tries }) => tries.length === 1);
    const waitMs = Date.parse(delivery.next_try_at!) - Number(clock.now() / 1000n);
    expect(waitMs).toBeGreaterThan(590 * S);
    expect(waitMs).toBeLessThanOrEqual(600 * S);
    expect((await merchant.endpoint(id)).paused_until).toBe(delivery.next_try_at);
    // The schedule alone would come again after five seconds, and another event would not wait at all.
    await merchant.pay();
    clock.move(500 * S);
    await new Promise((go) => setTimeout(go, 1_500));
    expect(receiver.heard).toHaveLength(1);
    clock.move(101 * S);
    const heard = await receiver.hears(3);
    expect(new Set(heard.map((one) => one.id)).size).toBe(2);
  });

  it.each([
    ['a date', 429, () => new Date(Number(clock.now() / 1000n) + 300 * S).toUTCString(), 300],
    ['nothing, with 502', 502, () => undefined, 60],
    ['nothing, with 504', 504, () => undefined, 60],
    ['more than a day', 503, () => '999999999', 24 * 3600],
  ])('slows down where its endpoint says %s', async (_what, status, retryAfter, seconds) => {
    const receiver = await startReceiver((response) => {
      const after = retryAfter();
      response.writeHead(status, after === undefined ? {} : { 'Retry-After': after }).end();
    });
    const merchant = await createMerchant();
    await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    const [heard] = await receiver.hears(1);
    const { next_try_at } = await merchant.delivered(heard!.id, ({ tries }) => tries.length === 1);
    const waitS = (Date.parse(next_try_at!) - Number(clock.now() / 1000n)) / S;
    expect(waitS).toBeGreaterThan(seconds - 10);
    expect(waitS).toBeLessThanOrEqual(seconds);
  });

  it('says why in its log: a redirect is not followed, a dead port refuses', async () => {
    const elsewhere = await startReceiver();
    const redirecting = await startReceiver((response) => response.writeHead(302, { Location: elsewhere.url }).end());
    const merchant = await createMerchant();
    const redirect = await merchant.createEndpoint(redirecting.url);
    const closed = await merchant.createEndpoint('http://127.0.0.1:9/');
    await merchant.pay();
    const [heard] = await redirecting.hears(1);
    const all = async (): Promise<readonly Delivery[]> => {
      for (;;) {
        const found = await merchant.deliveries(heard!.id);
        if (found.length === 2 && found.every(({ tries }) => tries.length > 0)) return found;
        await new Promise((go) => setTimeout(go, 20));
      }
    };
    const byEndpoint = new Map((await all()).map((delivery) => [delivery.webhook_endpoint, delivery]));
    expect(byEndpoint.get(redirect.id)?.tries[0]).toMatchObject({
      status_code: 302,
      error: 'The endpoint answered 302. Redirects are not followed.',
    });
    expect(byEndpoint.get(closed.id)?.tries[0]).toMatchObject({
      status_code: null,
      error: 'The connection failed: ECONNREFUSED.',
    });
    expect(elsewhere.heard).toHaveLength(0);
  });

  it('is sent again by hand, from the beginning of the schedule', async () => {
    const receiver = await startReceiver(answering(500, 500, 200));
    const merchant = await createMerchant();
    await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    const [heard] = await receiver.hears(1);
    await merchant.delivered(heard!.id, ({ tries }) => tries.length === 1);
    expect((await merchant.post(`/v1/events/${heard!.id}/redeliver`, {}, null)).status).toBe(200);
    await receiver.hears(2);
    await merchant.delivered(heard!.id, ({ tries }) => tries.length === 2);
    clock.move(7 * S);
    await receiver.hears(3);
    await merchant.delivered(heard!.id, ({ status }) => status === 'succeeded');
    // Even one that has arrived: its receiver may have lost it.
    await merchant.post(`/v1/events/${heard!.id}/redeliver`, {}, null);
    const [, , , fourth] = await receiver.hears(4);
    expect(fourth!.body).toBe(heard!.body);
  });
});

describe('a sender that goes away', () => {
  it('leaves what it was sending to another, and what it says later is logged and no more', async () => {
    const late: ServerResponse[] = [];
    const receiver = await startReceiver((response, before) => {
      if (before === 0) late.push(response);
      else response.end();
    });
    const merchant = await createMerchant();
    await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    const [heard] = await receiver.hears(1);
    // Its lease runs out: for all that anyone can know, it is dead.
    clock.move(61 * S);
    await receiver.hears(2);
    await merchant.delivered(heard!.id, ({ status }) => status === 'succeeded');
    late[0]!.writeHead(500).end();
    const { tries, status } = await merchant.delivered(heard!.id, (delivery) => delivery.tries.length === 2);
    expect(tries.map(({ number, status_code }) => [number, status_code])).toEqual([
      [1, 500],
      [2, 200],
    ]);
    expect(status).toBe('succeeded');
  });

  it('that is stopped hands over at once what it could not end', async () => {
    const receiver = await startReceiver((response, before) => {
      if (before > 0) response.end();
    });
    const database = await startWorld();
    const key = await database.createKey('Handover', 'secret');
    const client = database.as(key);
    await client.post('/v1/webhook_endpoints', { url: receiver.url, enabled_events: '*' }, null);
    await client.post('/v1/payments', payFor(await database.createCustomer(0, client), 1250));
    const [heard] = await receiver.hears(1);
    (await database.service.close(5_000))._unsafeUnwrap();
    const next = await startService({ databaseUrl: database.databaseUrl, sandboxUrl: database.sandbox.url });
    expect((await receiver.hears(2))[1]!.body).toBe(heard!.body);
    expect((await next.as(key).get(`/v1/events/${heard!.id}`)).text).toBe(heard!.body);
  });
});

describe('a list of events', () => {
  it('has pages, newest first, and may be of one payment', async () => {
    const merchant = await createMerchant();
    const payments: string[] = [];
    for (let i = 0; i < 3; i++) payments.push(await merchant.pay());
    const all = (await merchant.get('/v1/events')).body;
    expect(all).toMatchObject({ object: 'list', url: '/v1/events', has_more: false });
    const first = (await merchant.get('/v1/events?limit=2')).body;
    expect([first.data, first.has_more]).toEqual([all.data.slice(0, 2), true]);
    const rest = (await merchant.get(`/v1/events?limit=2&starting_after=${first.data[1]!.id}`)).body;
    expect([rest.data, rest.has_more]).toEqual([all.data.slice(2), false]);
    const ofOne = (await merchant.get(`/v1/events?subject=${payments[1]!}`)).body.data;
    expect(ofOne).toEqual([all.data[1]]);
  });
});
