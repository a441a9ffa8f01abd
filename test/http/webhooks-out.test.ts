import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { plusMs, systemClock, type Clock, type Micros } from '../../src/domain/time.ts';
import { JITTER, SCHEDULE_MS } from '../../src/webhooks/schedule.ts';
import { startReceiver } from '../support/receiver.ts';
import { payFor, send, startService, startWorld, type Answer, type Client } from '../support/service.ts';

const S = 1_000;
const H = 3600 * S;
const DAY = 24 * H;

/** The machine's clock, which the suite may move on, and all time with it. */
const createMovableClock = (): Clock & { readonly move: (ms: number) => void } => {
  const machine = systemClock();
  let offsetMs = 0;
  return {
    now: (): Micros => plusMs(machine.now(), offsetMs),
    movedMs: () => offsetMs,
    move: (ms) => void (offsetMs += ms),
  };
};

const clock = createMovableClock();
const world = await startWorld({}, clock);

interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly status: string;
  readonly failing_since: string | null;
  readonly paused_until: string | null;
  readonly enabled_events: readonly string[];
}
interface Delivery {
  readonly webhook_endpoint: string;
  readonly status: string;
  readonly next_try_at: string | null;
  readonly tries: readonly {
    readonly number: number;
    readonly status_code: number | null;
    readonly error: string | null;
    readonly latency_ms: number;
  }[];
}

interface Merchant extends Client {
  readonly key: string;
  readonly remove: (path: string) => Promise<Answer>;
  readonly createEndpoint: (url: string, more?: object) => Promise<Endpoint>;
  readonly pay: (more?: object) => Promise<string>;
  readonly deliveries: (event: string) => Promise<readonly Delivery[]>;
  /** Waits until the delivery of an event to the only endpoint is as wanted. */
  readonly delivered: (event: string, is: (delivery: Delivery) => boolean) => Promise<Delivery>;
  readonly endpoint: (id: string) => Promise<Endpoint>;
}

/** A merchant of its own, so that tests do not hear each other's events. */
const createMerchant = async (): Promise<Merchant> => {
  const key = await world.createKey(randomUUID(), 'secret');
  const client = world.as(key);
  const customer = await world.createCustomer(0, client);
  const deliveries = async (event: string): Promise<readonly Delivery[]> =>
    (await client.get(`/v1/events/${event}/deliveries`)).body.data as unknown as readonly Delivery[];
  return {
    ...client,
    key,
    remove: (path) => send(world.url, { method: 'DELETE', path, headers: { Authorization: `Bearer ${key}` } }),
    createEndpoint: async (url, more = {}) => {
      const { status, body } = await client.post('/v1/webhook_endpoints', { url, enabled_events: '*', ...more });
      expect(status).toBe(201);
      return body as unknown as Endpoint;
    },
    pay: async (more = {}) => (await client.post('/v1/payments', payFor(customer, 1250, more))).body.id,
    deliveries,
    delivered: async (event, is) => {
      for (;;) {
        const [delivery] = await deliveries(event);
        if (delivery && is(delivery)) return delivery;
        await new Promise((go) => setTimeout(go, 20));
      }
    },
    endpoint: async (id) => (await client.get(`/v1/webhook_endpoints/${id}`)).body as unknown as Endpoint,
  };
};

const answering =
  (...statuses: readonly number[]) =>
  (response: ServerResponse, before: number): void =>
    void response.writeHead(statuses[Math.min(before, statuses.length - 1)] ?? 200).end();

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
    // As of a process that was slow between making the id and committing it.
    const early = randomIdNow();
    await new Promise((go) => setTimeout(go, 2));
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

describe('an endpoint', () => {
  it('that does not answer holds up no other, and is called by few at once', async () => {
    const slow = await startReceiver(() => undefined);
    const quick = await startReceiver();
    const merchant = await createMerchant();
    await merchant.createEndpoint(slow.url);
    await merchant.createEndpoint(quick.url);
    for (let i = 0; i < 4; i++) await Promise.all(Array.from({ length: 10 }, () => merchant.pay()));
    await quick.hears(40);
    expect(slow.openMax()).toBeLessThanOrEqual(8 * INSTANCES);
    expect(slow.heard.length).toBeLessThanOrEqual(8 * INSTANCES);
  });

  it('whose answer never ends has answered', async () => {
    const endless = await startReceiver((response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once('drain', more);
      };
      more();
    });
    const merchant = await createMerchant();
    await merchant.createEndpoint(endless.url);
    await merchant.pay();
    const [heard] = await endless.hears(1);
    expect(await merchant.delivered(heard!.id, ({ tries }) => tries.length === 1)).toMatchObject({
      status: 'succeeded',
    });
  });

  it('that has failed for five days is disabled; the others are told, and it can be enabled again', async () => {
    let isWell = false;
    const failing = await startReceiver((response) => response.writeHead(isWell ? 200 : 500).end());
    const other = await startReceiver();
    const merchant = await createMerchant();
    const { id } = await merchant.createEndpoint(failing.url);
    await merchant.createEndpoint(other.url);
    await merchant.pay();
    const [first] = await failing.hears(1);
    await other.hears(1);
    while ((await merchant.endpoint(id)).failing_since === null) await new Promise((go) => setTimeout(go, 20));
    clock.move(5 * DAY);
    const [, told] = await other.hears(2);
    expect(told!.event).toMatchObject({
      type: 'webhook_endpoint.disabled',
      data: { object: { id, object: 'webhook_endpoint', status: 'disabled', url: failing.url } },
    });
    expect(await merchant.endpoint(id)).toMatchObject({ status: 'disabled' });
    const log = (await merchant.deliveries(first!.id)).find((one) => one.webhook_endpoint === id);
    expect(log).toMatchObject({ status: 'pending', next_try_at: null });
    const refused = await merchant.post(`/v1/events/${first!.id}/redeliver`, { webhook_endpoint: id }, null);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'webhook_endpoint_disabled']);

    isWell = true;
    const before = failing.heard.length;
    await merchant.post(`/v1/webhook_endpoints/${id}`, { disabled: false }, null);
    clock.move(H);
    const heard = await failing.hears(before + 1);
    expect(heard.at(-1)!.id).toBe(first!.id);
    expect(await merchant.endpoint(id)).toMatchObject({ status: 'enabled' });
  });

  it('that answers 410 Gone is disabled at once', async () => {
    const receiver = await startReceiver(answering(410));
    const merchant = await createMerchant();
    const { id } = await merchant.createEndpoint(receiver.url);
    await merchant.pay();
    await receiver.hears(1);
    while ((await merchant.endpoint(id)).status === 'enabled') await new Promise((go) => setTimeout(go, 20));
  });

  it('signs with the old secret beside the new one for 24 hours after a rotation', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { id, secret: old } = await merchant.createEndpoint(receiver.url);
    const rotated = await merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null);
    expect(rotated.status).toBe(200);
    const { secret } = rotated.body as unknown as Endpoint;
    expect(secret).not.toBe(old);
    const verify = (by: string, { body, headers }: { body: string; headers: Record<string, string> }) =>
      // The library allows for five minutes of the machine's clock, and this one has been moved.
      headers['webhook-signature']!.split(' ').includes(
        new Webhook(by).sign(headers['webhook-id']!, new Date(Number(headers['webhook-timestamp']) * 1000), body),
      );

    await merchant.pay();
    const [during] = await receiver.hears(1);
    expect([verify(old, during!), verify(secret, during!)]).toEqual([true, true]);
    clock.move(DAY + S);
    await merchant.pay();
    const [, after] = await receiver.hears(2);
    expect([verify(old, after!), verify(secret, after!)]).toEqual([false, true]);
  });

  it('signs with each secret for 24 hours after its own rotation, however many there were', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { id, secret: first } = await merchant.createEndpoint(receiver.url);
    const rotate = async () =>
      (await merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null)).body as unknown as Endpoint;
    const { secret: second } = await rotate();
    clock.move(20 * H);
    const { secret: third } = await rotate();
    const signs = async (count: number) => {
      await merchant.pay();
      const { body, headers } = (await receiver.hears(count)).at(-1)!;
      const at = new Date(Number(headers['webhook-timestamp']) * 1000);
      const given = headers['webhook-signature']!.split(' ');
      return [first, second, third].map((by) => given.includes(new Webhook(by).sign(headers['webhook-id']!, at, body)));
    };
    expect(await signs(1)).toEqual([true, true, true]);
    clock.move(5 * H);
    expect(await signs(2)).toEqual([false, true, true]);
    clock.move(20 * H);
    expect(await signs(3)).toEqual([false, false, true]);
  });

  it('refuses the seventeenth rotation in a day, says until when, and lets each secret sign till its own end', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { id, secret: first } = await merchant.createEndpoint(receiver.url);
    const rotate = () => merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null);
    for (let count = 0; count < 16; count++) {
      expect((await rotate()).status).toBe(200);
      clock.move(60 * S);
    }
    const refused = await rotate();
    expect([refused.status, refused.body.error.code]).toEqual([429, 'webhook_secret_limit']);
    const waitS = Number(refused.headers.get('retry-after'));
    expect(waitS * S).toBeGreaterThan(DAY - 17 * 60 * S);
    expect(waitS * S).toBeLessThanOrEqual(DAY - 16 * 60 * S + S);
    await merchant.pay();
    const { body, headers } = (await receiver.hears(1))[0]!;
    const at = new Date(Number(headers['webhook-timestamp']) * 1000);
    const given = headers['webhook-signature']!.split(' ');
    expect(given).toHaveLength(17);
    expect(given).toContain(new Webhook(first).sign(headers['webhook-id']!, at, body));
    clock.move(waitS * S);
    expect((await rotate()).status).toBe(200);
  });

  it('signs by what the release before has replaced, and it by what this one has', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { id, secret: first } = await merchant.createEndpoint(receiver.url);
    const uuid = id.slice(3);
    const second = `whsec_${Buffer.from('another secret of 24 byte').toString('base64')}`;
    await world.query(
      "update webhook_endpoints set previous_secret = secret, previous_secret_until = now() + interval '30 years', secret = $2 where id = $1",
      [uuid, second],
    );
    const { secret: third } = (await merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null))
      .body as unknown as Endpoint;
    await merchant.pay();
    const { body, headers } = (await receiver.hears(1))[0]!;
    const at = new Date(Number(headers['webhook-timestamp']) * 1000);
    const given = headers['webhook-signature']!.split(' ');
    const signs = (by: string): boolean => given.includes(new Webhook(by).sign(headers['webhook-id']!, at, body));
    expect([first, second, third].map(signs)).toEqual([true, true, true]);
    expect(await world.query('select secret, previous_secret from webhook_endpoints where id = $1', [uuid])).toEqual([
      { secret: third, previous_secret: second },
    ]);
  });

  it('asks for types of events that there are', async () => {
    const merchant = await createMerchant();
    const refused = await merchant.post('/v1/webhook_endpoints', {
      ...{ url: 'https://shop.example/hook', enabled_events: ['payment.succeeded', 'refund.created'] },
    });
    expect([refused.status, refused.body.error.code]).toEqual([400, 'invalid_request']);
    expect(refused.body.error.param).toContain('enabled_events');
    expect(refused.body.error.message).toContain('payment.succeeded');
  });

  it('is told no more once it is deleted, and its log stays', async () => {
    const receiver = await startReceiver(answering(500));
    const rest = await startReceiver();
    const merchant = await createMerchant();
    const { id } = await merchant.createEndpoint(receiver.url);
    await merchant.createEndpoint(rest.url);
    await merchant.pay();
    const [heard] = await receiver.hears(1);
    expect((await merchant.remove(`/v1/webhook_endpoints/${id}`)).body).toEqual({
      id,
      object: 'webhook_endpoint',
      deleted: true,
    });
    expect((await merchant.get(`/v1/webhook_endpoints/${id}`)).status).toBe(404);
    expect((await merchant.remove(`/v1/webhook_endpoints/${id}`)).status).toBe(404);
    clock.move(DAY);
    await merchant.pay();
    await rest.hears(2);
    expect(receiver.heard).toHaveLength(1);
    const log = (await merchant.deliveries(heard!.id)).find((one) => one.webhook_endpoint === id);
    expect(log).toMatchObject({ status: 'failed', next_try_at: null });
  });

  it('shows its secret when it is made, and never again', async () => {
    const merchant = await createMerchant();
    const { id, secret } = await merchant.createEndpoint('https://shop.example/hook', { description: 'Shop' });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const read = await merchant.get(`/v1/webhook_endpoints/${id}`);
    expect(read.body).toMatchObject({
      id,
      object: 'webhook_endpoint',
      url: 'https://shop.example/hook',
      status: 'enabled',
    });
    expect(read.body).toMatchObject({ description: 'Shop', enabled_events: ['*'] });
    const list = await merchant.get('/v1/webhook_endpoints');
    const changed = await merchant.post(`/v1/webhook_endpoints/${id}`, { enabled_events: ['payment.failed'] }, null);
    expect(changed.body).toMatchObject({ enabled_events: ['payment.failed'], description: 'Shop' });
    for (const { text } of [read, list, changed]) expect(text).not.toContain('whsec_');
    expect(world.logged()).not.toContain('whsec_');
  });
});

/** The world's own, and the two that a test adds. */
const INSTANCES = 3;

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

describe('where money may be real', () => {
  it('only https is taken, and nothing that is not on the public internet is called', async () => {
    const receiver = await startReceiver();
    const real = await startWorld({ DATABASE_URL: 'postgres://any/where', STRIPE_SECRET_KEY: 'sandbox' });
    const client = real.as(await real.createKey('Real', 'secret'));
    for (const url of [receiver.url, 'https://127.0.0.1/', 'https://[::ffff:a9fe:a9fe]/', 'https://2130706433/']) {
      const { status, body } = await client.post('/v1/webhook_endpoints', { url, enabled_events: '*' }, null);
      expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', 'url']);
    }
    const byName = receiver.url.replace('http://127.0.0.1', 'https://localhost');
    expect((await client.post('/v1/webhook_endpoints', { url: byName, enabled_events: '*' }, null)).status).toBe(201);
    await client.post('/v1/payments', payFor(await real.createCustomer(0, client), 1250));
    for (;;) {
      const [event] = (await client.get('/v1/events')).body.data;
      const { body } = await client.get(`/v1/events/${event!.id}/deliveries`);
      const [delivery] = body.data as unknown as readonly Delivery[];
      if (delivery?.tries[0]) {
        expect(delivery.tries[0]).toMatchObject({
          status_code: null,
          error: 'The host has no address of the public internet.',
        });
        break;
      }
      await new Promise((go) => setTimeout(go, 20));
    }
    expect(receiver.heard).toHaveLength(0);
  });
});

describe('bad input', () => {
  const good = { url: 'https://shop.example/', enabled_events: ['payment.succeeded'] };

  it.each<[string, object, string | null]>([
    ['no URL', { enabled_events: '*' }, 'url'],
    ['a URL that is none', { ...good, url: 'shop' }, 'url'],
    ['a URL with a password', { ...good, url: 'https://a:b@shop.example/' }, 'url'],
    ['a script', { ...good, url: 'javascript:alert(1)' }, 'url'],
    ['a URL that is too long', { ...good, url: `https://shop.example/${'a'.repeat(2048)}` }, 'url'],
    ['no list of types', { url: good.url }, 'enabled_events'],
    ['an empty list', { ...good, enabled_events: [] }, 'enabled_events'],
    ['* among others', { ...good, enabled_events: ['*', 'payment.failed'] }, 'enabled_events[0]'],
    ['a type that is none', { ...good, enabled_events: ['Payment!'] }, 'enabled_events[0]'],
    ['too many types', { ...good, enabled_events: Array.from({ length: 101 }, () => 'a.b') }, 'enabled_events'],
    ['an unknown field', { ...good, secret: 'whsec_mine' }, 'secret'],
  ])('of an endpoint is refused: %s', async (_what, body, param) => {
    const { status, body: answer } = await world.post('/v1/webhook_endpoints', body, null);
    expect([status, answer.error.code, answer.error.param]).toEqual([400, 'invalid_request', param]);
  });

  it('of a merchant with too many endpoints is refused, however they come', async () => {
    const merchant = await createMerchant();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => merchant.post('/v1/webhook_endpoints', good, null)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(16);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.map(({ body }) => body.error.code)).toEqual(
      Array.from({ length: 4 }, () => 'webhook_endpoint_limit'),
    );
  });

  it("is what names another merchant's endpoint or event", async () => {
    const [owner, stranger] = await Promise.all([createMerchant(), createMerchant()]);
    const { id } = await owner.createEndpoint('http://127.0.0.1:9/');
    await owner.pay();
    const [event] = (await owner.get('/v1/events')).body.data;
    const answers = await Promise.all([
      stranger.get(`/v1/webhook_endpoints/${id}`),
      stranger.post(`/v1/webhook_endpoints/${id}`, { disabled: true }, null),
      stranger.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null),
      stranger.remove(`/v1/webhook_endpoints/${id}`),
      stranger.get(`/v1/events/${event!.id}`),
      stranger.get(`/v1/events/${event!.id}/deliveries`),
      stranger.post(`/v1/events/${event!.id}/redeliver`, {}, null),
      owner.post(`/v1/events/${event!.id}/redeliver`, { webhook_endpoint: `we_${'0'.repeat(32)}` }, null),
    ]);
    expect(answers.map(({ status, body }) => [status, body.error.code])).toEqual([
      ...Array.from({ length: 4 }, () => [404, 'webhook_endpoint_not_found']),
      ...Array.from({ length: 3 }, () => [404, 'event_not_found']),
      [404, 'webhook_endpoint_not_found'],
    ]);
    expect((await stranger.get('/v1/events')).body.data).toEqual([]);
    expect(await owner.endpoint(id)).toMatchObject({ status: 'enabled' });
  });

  it.each(['pk_test_demo', 'fk_test_demo', 'ok_test_demo'])('is a key that may not: %s', async (key) => {
    const client = world.as(key);
    expect((await client.get('/v1/webhook_endpoints')).status).toBe(403);
    expect((await client.post('/v1/webhook_endpoints', good, null)).status).toBe(403);
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
