import { get as ask } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { payFor, startWorld } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);

/** A payment that waits for its customer's bank, and the address at which he approves it. */
const challenged = async (): Promise<string> => {
  const { id, client_secret } = (
    await world.post(
      '/v1/payments',
      payFor(await world.createCustomer(), 700, {
        payment_method: 'pm_card_threeDSecure2Required',
        return_url: 'https://shop.example/back',
      }),
    )
  ).body;
  const [row] = await world.query<{ merchant: string }>(
    `select replace(merchant_id::text, '-', '') as merchant from payments where id = $1`,
    [id.slice(4)],
  );
  return `/approve?merchant=mer_${row?.merchant}&client_secret=${client_secret}`;
};

/** Whatever is answered is a page. */
const statusAt = (path: string, localAddress: string): Promise<number> =>
  new Promise((resolve, reject) => {
    ask(world.url + path, { localAddress, agent: false }, (response) => {
      response.resume();
      const type = response.headers['content-type'] ?? '';
      if (type.startsWith('text/html')) resolve(response.statusCode ?? 0);
      else reject(new Error(`It answers ${type}`));
    }).on('error', reject);
  });

describe('the page where a payment is approved', () => {
  it('is there for others, while somebody opens his own again and again and Stripe takes its time', async () => {
    const [his, others] = [await challenged(), await challenged()];
    const heal = await stripe.fault({ kind: 'latency', method: 'GET', path: '/v1/payment_intents/*', ms: 3_000 });
    const opened = Array.from({ length: 60 }, () => statusAt(his, '127.0.0.2'));
    await new Promise((go) => setTimeout(go, 300));
    expect(await statusAt(others, '127.0.0.1')).toBe(200);
    // Also by the same proxy.
    expect(await statusAt(others, '127.0.0.2')).toBe(200);
    const statuses = await Promise.all(opened);
    await heal();
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
  });

  it('is there for others, while somebody opens many from one network', async () => {
    const many = await Promise.all(Array.from({ length: 20 }, challenged));
    const others = await challenged();
    const heal = await stripe.fault({ kind: 'latency', method: 'GET', path: '/v1/payment_intents/*', ms: 3_000 });
    const opened = many.flatMap((one) => [statusAt(one, '127.0.0.2'), statusAt(one, '127.0.0.2')]);
    await new Promise((go) => setTimeout(go, 300));
    expect(await statusAt(others, '127.0.0.1')).toBe(200);
    await Promise.all(opened);
    await heal();
  });
});
