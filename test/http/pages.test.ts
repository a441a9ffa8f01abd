import { beforeAll, describe, expect, it } from '@jest/globals';
import { EVENT_TYPES } from '../../src/domain/event-types.ts';
import { routes } from '../../src/http/routes.ts';
import { WEBHOOK_EVENTS } from '../../src/stripe/events.ts';
import { startWorld, type World } from '../support/service.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});

const read = async (path: string) => {
  const response = await fetch(world.url + path);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

describe('the pages', () => {
  it('say at / where everything is', async () => {
    const { status, text } = await read('/');
    expect(status).toBe(200);
    for (const link of ['/docs', '/docs/errors', '/openapi.json']) expect(text).toContain(`href="${link}"`);
  });

  it('show each route with each of its errors, and load nothing from another host', async () => {
    const { text, headers } = await read('/docs');
    for (const { name, errors } of routes) {
      const section = text.split(`<section id="${name}"`)[1]?.split('</section>')[0] ?? '';
      for (const code of errors) expect(section).toContain(`/docs/errors#${code}`);
    }
    expect(text).not.toMatch(/(?:src|<link[^>]*href)="(?:https?:)?\/\//);
    expect(headers.get('content-security-policy')).toContain("script-src 'self'");
    for (const [, path = ''] of text.matchAll(/(?:src|stylesheet" href)="(\/[^"]+)"/g))
      expect((await read(path)).status).toBe(200);
  });

  it('show each field that a route takes, with what is said of it', async () => {
    const { text } = await read('/docs');
    const { components, paths } = JSON.parse((await read('/openapi.json')).text);
    for (const { name, method, path, schemas } of routes) {
      const section = text.split(`<section id="${name}"`)[1]?.split('</section>')[0] ?? '';
      const body = schemas.body ? components.schemas[`${name.charAt(0).toUpperCase()}${name.slice(1)}Body`] : {};
      const { parameters } = paths[path.replace(/:([a-z]+)/g, '{$1}')][method.toLowerCase()];
      const query = parameters.filter((one: { in: string }) => one.in === 'query');
      for (const field of [...Object.keys(body.properties ?? {}), ...query.map((one: { name: string }) => one.name)])
        expect(section).toContain(`<code>${field}</code>`);
      for (const field of body.required ?? [])
        expect(section).toContain(`<code>${field}</code> <small>required</small>`);
    }
    expect(text).toContain('his bank cannot ask him anything');
  });

  it('list every type of event, and every setting that real money needs, with what it means', async () => {
    const { text } = await read('/docs');
    for (const type of EVENT_TYPES) expect(text).toContain(`<code>${type}</code>`);
    for (const name of ['DATABASE_URL', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'CORS_ORIGINS'])
      expect(text).toMatch(new RegExp(`<code>${name}</code></td><td>.+</td>`));
    for (const type of WEBHOOK_EVENTS) expect(text).toContain(`<code>${type}</code>`);
  });

  it('say which routes heed no idempotency key', async () => {
    const { text } = await read('/docs');
    const section = text.split('<section id="createWebhookEndpoint"')[1]?.split('</section>')[0];
    expect(section).toContain('Heeds no <code>Idempotency-Key</code>');
  });

  it('have an index of the errors', async () => {
    const { text } = await read('/docs/errors');
    expect(text).toContain('<a href="#card_declined">card_declined</a>');
  });
});

describe('an error', () => {
  it('names the role of the key, and those that may', async () => {
    const { body } = await world.as('fk_test_demo').post('/v1/customers', {});
    expect(body.error.message).toBe('A finance key may not do this: it takes a key of the role secret.');
  });

  it('names the state that a payment is in, where it is the wrong one', async () => {
    const customer = await world.createCustomer();
    const paid = await world.post('/v1/payments', {
      ...{ customer, amount: 500, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
    });
    const { body } = await world.post(`/v1/payments/${paid.body.id}/confirm`, {});
    expect([body.error.code, body.error.message]).toEqual([
      'payment_not_confirmable',
      'This payment cannot be confirmed in its present state. It is succeeded.',
    ]);
  });
});

describe('what the guide tells', () => {
  const money = { amount: 1000, currency: 'usd' };

  it('is so of a shop: what a debit has taken is refunded after the debit is reversed', async () => {
    const customer = await world.createCustomer();
    const pays = { customer, ...money, payment_method: 'pm_card_visa', confirm: true };
    const { body: paid } = await world.post('/v1/payments', pays);
    const { body: debit } = await world.post('/v1/debits', { customer, ...money, reference: 'order_1' });
    const refused = await world.post('/v1/refunds', { payment: paid.id });
    expect([refused.status, refused.body.error.code]).toEqual([402, 'insufficient_funds']);
    await world.post(`/v1/transfers/${debit.id}/reverse`, { reason: 'sent back' });
    const refund = await world.post('/v1/refunds', { payment: paid.id });
    expect(refund.status).toBe(201);
  });

  it('is so of a decline: a confirmation that names no card charges the one last tried, not the new default', async () => {
    const customer = await world.createCustomer();
    const keep = (payment_method: string) =>
      world.post(`/v1/customers/${customer}/payment_methods`, { payment_method, default: true });
    await keep('pm_card_chargeCustomerFail');
    const { body: declined } = await world.post('/v1/payments', {
      customer,
      ...money,
      confirm: true,
      off_session: true,
    });
    const { body: better } = await keep('pm_card_visa');
    const confirm = `/v1/payments/${declined.error.payment}/confirm` as const;
    expect((await world.post(confirm, {})).body.error.code).toBe('card_declined');
    const paid = await world.post(confirm, { payment_method: better.id });
    expect([paid.body.status, paid.body.payment_method]).toEqual(['succeeded', better.id]);
  });
});
