import { beforeAll, describe, expect, it } from '@jest/globals';
import { routes } from '../../src/http/routes.ts';
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
