import { describe, expect, it } from '@jest/globals';
import { startReceiver } from '../support/receiver.ts';
import { DAY, H, isSignedBy, S, startWebhookWorld } from '../support/webhook-world.ts';

const { world, clock, createMerchant } = await startWebhookWorld();

describe('an endpoint', () => {
  it('signs with the old secret beside the new one for 24 hours after a rotation', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { id, secret: old } = await merchant.createEndpoint(receiver.url);
    const rotated = await merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null);
    expect(rotated.status).toBe(200);
    const { secret } = rotated.body;
    expect(secret).not.toBe(old);
    await merchant.pay();
    const [during] = await receiver.hears(1);
    expect([isSignedBy(during!, old), isSignedBy(during!, secret)]).toEqual([true, true]);
    clock.move(DAY + S);
    await merchant.pay();
    const [, after] = await receiver.hears(2);
    expect([isSignedBy(after!, old), isSignedBy(after!, secret)]).toEqual([false, true]);
  });

  it('signs with each secret for 24 hours after its own rotation, however many there were', async () => {
    const receiver = await startReceiver();
    const merchant = await createMerchant();
    const { id, secret: first } = await merchant.createEndpoint(receiver.url);
    const rotate = async () => (await merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null)).body;
    const { secret: second } = await rotate();
    clock.move(20 * H);
    const { secret: third } = await rotate();
    const signs = async (count: number) => {
      await merchant.pay();
      const heard = (await receiver.hears(count)).at(-1)!;
      return [first, second, third].map((secret) => isSignedBy(heard, secret));
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
    const heard = (await receiver.hears(1))[0]!;
    expect(heard.headers['webhook-signature']!.split(' ')).toHaveLength(17);
    expect(isSignedBy(heard, first)).toBe(true);
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
    const { secret: third } = (await merchant.post(`/v1/webhook_endpoints/${id}/rotate_secret`, '', null)).body;
    await merchant.pay();
    const heard = (await receiver.hears(1))[0]!;
    expect([first, second, third].map((secret) => isSignedBy(heard, secret))).toEqual([true, true, true]);
    expect(await world.query('select secret, previous_secret from webhook_endpoints where id = $1', [uuid])).toEqual([
      { secret: third, previous_secret: second },
    ]);
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
