import { describe, expect, it } from '@jest/globals';
import { startReceiver } from '../support/receiver.ts';
import { payFor, startWorld } from '../support/service.ts';
import { answering, DAY, H, startWebhookWorld } from '../support/webhook-world.ts';

const { world, clock, createMerchant } = await startWebhookWorld();

describe('an endpoint', () => {
  it('that does not answer holds up no other, and is called by few at once', async () => {
    const slow = await startReceiver(() => undefined);
    const quick = await startReceiver();
    const merchant = await createMerchant();
    await merchant.createEndpoint(slow.url);
    await merchant.createEndpoint(quick.url);
    for (let i = 0; i < 4; i++) await Promise.all(Array.from({ length: 10 }, () => merchant.pay()));
    await quick.hears(40);
    expect(slow.openMax()).toBeLessThanOrEqual(8);
    expect(slow.heard.length).toBeLessThanOrEqual(8);
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
});

describe('where money may be real, an endpoint', () => {
  it('has https, and is not called where its host is not on the public internet', async () => {
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
      const [delivery] = body.data;
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

describe('what is asked of endpoints', () => {
  const good = { url: 'https://shop.example/', enabled_events: ['payment.succeeded'] };

  it.each<[string, object, string | null]>([
    ['no URL', { enabled_events: '*' }, 'url'],
    ['a URL that is none', { ...good, url: 'shop' }, 'url'],
    ['a URL with a password', { ...good, url: 'https://a:b@shop.example/' }, 'url'],
    ['a script for a URL', { ...good, url: 'javascript:alert(1)' }, 'url'],
    ['a URL that is too long', { ...good, url: `https://shop.example/${'a'.repeat(2048)}` }, 'url'],
    ['no list of types', { url: good.url }, 'enabled_events'],
    ['an empty list of types', { ...good, enabled_events: [] }, 'enabled_events'],
    ['* among other types', { ...good, enabled_events: ['*', 'payment.failed'] }, 'enabled_events[0]'],
    ['a type that is none', { ...good, enabled_events: ['Payment!'] }, 'enabled_events[0]'],
    ['too many types', { ...good, enabled_events: Array.from({ length: 101 }, () => 'a.b') }, 'enabled_events'],
    ['an unknown field', { ...good, secret: 'whsec_mine' }, 'secret'],
  ])('is refused where a new endpoint has %s', async (_what, body, param) => {
    const { status, body: answer } = await world.post('/v1/webhook_endpoints', body, null);
    expect([status, answer.error.code, answer.error.param]).toEqual([400, 'invalid_request', param]);
  });

  it('is refused from the seventeenth endpoint of a merchant on, however many come at once', async () => {
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

  it("is a 404 where it names another merchant's endpoint or event", async () => {
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

  it.each(['pk_test_demo', 'fk_test_demo', 'ok_test_demo'])(
    'is refused to a key that is no secret one: %s',
    async (key) => {
      const client = world.as(key);
      expect((await client.get('/v1/webhook_endpoints')).status).toBe(403);
      expect((await client.post('/v1/webhook_endpoints', good, null)).status).toBe(403);
    },
  );
});
