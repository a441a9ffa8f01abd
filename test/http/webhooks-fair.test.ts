import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { startReceiver } from '../support/receiver.ts';
import { payFor, startWorld, type Client } from '../support/service.ts';

const world = await startWorld();

const createMerchant = async (): Promise<{ client: Client; pay: () => Promise<void> }> => {
  const client = world.as(await world.createKey(randomUUID(), 'secret'));
  const customer = await world.createCustomer(0, client);
  return {
    client,
    pay: async () => {
      expect((await client.post('/v1/payments', payFor(customer, 1250, {}))).status).toBe(201);
    },
  };
};

describe('merchants whose endpoints hang', () => {
  it('hold up no other merchant: what happened to it is told while they still hang', async () => {
    const hanging = await startReceiver(() => undefined);
    for (let n = 0; n < 2; n++) {
      const { client, pay } = await createMerchant();
      for (let endpoints = 0; endpoints < 16; endpoints++)
        await client.post('/v1/webhook_endpoints', { url: hanging.url, enabled_events: '*' });
      for (let events = 0; events < 10; events++) await pay();
    }
    // Both have as many under way as they will get.
    for (let before = -1; before < hanging.heard.length;) {
      before = hanging.heard.length;
      await new Promise((go) => setTimeout(go, 1_500));
    }
    const quick = await startReceiver();
    const { client, pay } = await createMerchant();
    await client.post('/v1/webhook_endpoints', { url: quick.url, enabled_events: '*' });
    const before = performance.now();
    await pay();
    await quick.hears(1);
    // A try may hang for 15 s; who waits for one to end waits that long.
    expect(performance.now() - before).toBeLessThan(8_000);
    expect(hanging.openMax()).toBeLessThan(256);
  });
});
