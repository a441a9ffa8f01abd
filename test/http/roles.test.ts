import { describe, expect, it } from '@jest/globals';
import { ROLES, type Role } from '../../src/domain/principal.ts';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { routes } from '../../src/http/routes.ts';
import { createClient, payFor, send, startService, startWorld, type Client } from '../support/service.ts';

const world = await startWorld();
const { post, createCustomer, walletOf } = world;

const customer = await createCustomer(1000);
const wallet = await walletOf(customer);
const payment = (await post('/v1/payments', { customer, amount: 700, currency: 'usd', payment_method: 'pm_card_visa' }))
  .body;

const ID_OF: Record<string, string> = {
  customers: customer,
  payments: payment.id,
  accounts: wallet,
  items: 'item_demo',
};
const QUERY_OF: Record<string, string> = { '/v1/customers/:id/balance': '?currency=usd' };
const BODY_OF: Record<string, object> = {
  '/v1/customers': {},
  '/v1/payments': payFor(customer, 5),
  '/v1/payments/:id/confirm': { client_secret: payment.client_secret },
  '/v1/debits': { customer, amount: 1, currency: 'usd' },
  '/v1/transfers': { from: wallet, to: await walletOf(await createCustomer(1)), amount: 1, currency: 'usd' },
  '/v1/transfers/bulk': { mode: 'independent', transfers: [{ from: wallet, to: wallet, amount: 1, currency: 'usd' }] },
  '/v1/usage/quote': { currency: 'usd', items: [{ quantity: 1, unit_price: '1' }] },
  '/v1/usage': { customer, currency: 'usd', items: [{ quantity: 1, unit_price: '1' }] },
  '/v1/items': { name: 'bun', unit_price: '5', currency: 'usd' },
  '/v1/balances/query': { accounts: [wallet] },
};
const request = (client: Client, { method, path }: (typeof routes)[number]) => {
  const actual = path.replace(':id', ID_OF[path.split('/')[2]!] ?? 'unknown') + (QUERY_OF[path] ?? '');
  if (method === 'DELETE') return client.del(actual);
  return method === 'GET' ? client.get(actual) : client.post(actual, BODY_OF[path] ?? {});
};

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_, route) => {
  it('asks for a key that is in force, sent as a bearer', async () => {
    const { status, body } = await request(createClient(world.url, `sk_test_${'x'.repeat(43)}`), route);
    expect([status, body.error.code]).toEqual([401, 'unauthenticated']);
    const path = route.path.replace(':id', 'x');
    for (const headers of [
      {},
      { Authorization: DEMO_KEYS.secret },
      { Authorization: `Basic ${btoa('sk_test_demo:')}` },
    ] as Record<string, string>[])
      expect((await send(world.url, { method: route.method, path, headers })).status).toBe(401);
  });

  it.each(ROLES)('answers a key of the role %s as its table says', async (role: Role) => {
    const { status, body } = await request(world.as(DEMO_KEYS[role]), route);
    if (route.roles.includes(role)) expect([401, 403, 500]).not.toContain(status);
    else expect([status, body.error.code]).toEqual([403, 'forbidden']);
  });

  it('moves no money for any role but secret, save a confirmation by who has its client secret', () => {
    if (route.key === 'required' && !route.path.endsWith('/confirm')) expect(route.roles).toEqual(['secret']);
    if (route.class === 'money')
      for (const role of ['finance', 'oncall'] as const) expect(route.roles).not.toContain(role);
  });
});

describe('a key', () => {
  it('is refused once it is revoked, by a service that never saw it before', async () => {
    const key = await world.createKey('Short-lived', 'secret');
    await world.query('update api_keys set revoked_at = now() where prefix = $1', [key.slice(0, 14)]);
    expect((await world.as(key).get('/v1/payments')).status).toBe(401);
  });

  it('that is fixed for the demo opens nothing where the database is a real one', async () => {
    const real = await startService({
      databaseUrl: world.databaseUrl,
      sandboxUrl: world.sandbox.url,
      env: { DATABASE_URL: world.databaseUrl, STRIPE_SECRET_KEY: 'sandbox' },
    });
    for (const key of Object.values(DEMO_KEYS)) {
      const { status, body } = await real.as(key).get('/v1/items/item_demo');
      expect([status, body.error.code]).toEqual([401, 'unauthenticated']);
    }
    const own = await world.createKey('Real', 'secret');
    expect((await real.as(own).get('/v1/payments')).status).toBe(200);
  });

  it('that is fixed for the demo opens nothing where Stripe is the real one', async () => {
    const real = await startService({
      databaseUrl: world.databaseUrl,
      sandboxUrl: world.sandbox.url,
      env: { STRIPE_SECRET_KEY: 'sk_test_ofSomeone' },
    });
    expect((await real.as('sk_test_demo').get('/v1/payments')).status).toBe(401);
  });
});
