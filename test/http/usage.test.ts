/** What is used, and the items that it is priced by. */
import { describe, expect, it } from '@jest/globals';
import { newId } from '../../src/domain/ids.ts';
import { startWorld } from '../support/service.ts';

const { post, get, createCustomer, balanceOf, sums } = await startWorld();
const usd = { currency: 'usd' };

describe('usage', () => {
  const items = [
    { quantity: '0.5', unit_price: '1' },
    { quantity: '1.5', unit_price: '1' },
    { quantity: 20, unit_price: '199.5' },
  ];

  it('is priced without a key, each line rounded half to even', async () => {
    const { status, body } = await post('/v1/usage/quote', { ...usd, items }, null);
    expect([status, body]).toEqual([200, { object: 'quote', currency: 'usd', lines: 3, total: '3992' }]);
  });

  it('is spent as it was quoted, in one transfer', async () => {
    const customer = await createCustomer(4000);
    const { status, body } = await post('/v1/usage', { customer, ...usd, items, description: 'July' });
    expect([status, body.kind, body.amount, body.description]).toEqual([201, 'usage', 3992, 'July']);
    expect(await balanceOf(customer)).toBe(8);
    const poor = await post('/v1/usage', { customer, ...usd, items });
    expect([poor.status, poor.body.error.code]).toEqual([402, 'insufficient_funds']);
  });

  it('that costs nothing is not spent', async () => {
    const { status, body } = await post('/v1/usage', {
      customer: await createCustomer(5),
      ...usd,
      items: [{ quantity: 0, unit_price: '9' }],
    });
    expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', 'items']);
  });

  it.each([
    [{ quantity: -1, unit_price: '1' }, 'items[0].quantity'],
    [{ quantity: 1.5, unit_price: '1' }, 'items[0].quantity'],
    [{ quantity: '1e3', unit_price: '1' }, 'items[0].quantity'],
    [{ quantity: 'NaN', unit_price: '1' }, 'items[0].quantity'],
    [{ quantity: '0x10', unit_price: '1' }, 'items[0].quantity'],
    [{ quantity: 1, unit_price: 1 }, 'items[0].unit_price'],
    [{ quantity: 1, unit_price: '-1' }, 'items[0].unit_price'],
    [{ quantity: 1, unit_price: 'Infinity' }, 'items[0].unit_price'],
    [{ quantity: 1, unit_price: '1', tax: '1' }, 'items[0].tax'],
  ])('of %j is refused', async (item, param) => {
    const { status, body } = await post('/v1/usage/quote', { ...usd, items: [item] }, null);
    expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', param]);
  });
});

describe('an item', () => {
  it('is made, and read with a tag that spares the body the next time', async () => {
    const id = newId('item');
    const made = await post('/v1/items', { id, name: 'Tea', unit_price: '0.25', ...usd });
    expect([made.status, made.body]).toEqual([
      201,
      { id, object: 'item', name: 'Tea', unit_price: '0.25', currency: 'usd' },
    ]);
    const read = await get(`/v1/items/${id}`);
    expect(read.body).toEqual(made.body);
    expect(read.headers.get('cache-control')).toMatch(/max-age=\d+/);
    const tag = read.headers.get('etag')!;
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await get(`/v1/items/${id}`, { 'If-None-Match': known });
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', tag]);
    }
    expect((await get(`/v1/items/${id}`, { 'If-None-Match': '"other"' })).status).toBe(200);
  });

  it('keeps its name: another of the same id is refused, and the first stays as it is', async () => {
    const id = newId('item');
    await post('/v1/items', { id, name: 'first', unit_price: '1', ...usd });
    const { status, body } = await post('/v1/items', { id, name: 'second', unit_price: '2', ...usd });
    expect([status, body.error.code]).toEqual([409, 'item_exists']);
    expect((await get(`/v1/items/${id}`)).body.name).toBe('first');
  });

  it('of the demo is there from the start, and one that was never made is not', async () => {
    expect((await get('/v1/items/item_demo')).body).toEqual({
      id: 'item_demo',
      object: 'item',
      name: 'widget',
      unit_price: '199',
      currency: 'usd',
    });
    const { status, body } = await get('/v1/items/item_none');
    expect([status, body.error.code]).toEqual([404, 'item_not_found']);
  });
});

it('in the end the sum over all accounts is zero', async () => {
  expect(new Set(await sums())).toEqual(new Set(['0']));
});
