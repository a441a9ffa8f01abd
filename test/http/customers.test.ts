import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { payFor, startWorld } from '../support/service.ts';

const world = await startWorld();
const { get, post, query } = world;

const make = async (more: object = {}) => (await post('/v1/customers', { name: 'Ada', ...more })).body;

describe('a customer', () => {
  it('is changed field by field, and each key of its metadata by itself', async () => {
    const { id } = await make({ email: 'ada@shop.example', metadata: { table: '7' } });
    const changed = await post(`/v1/customers/${id}`, { name: 'Ada Lovelace', metadata: { seat: '2' } }, null);
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 'Ada Lovelace', email: 'ada@shop.example', metadata: { table: '7', seat: '2' } },
    });
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        post(`/v1/customers/${id}`, { metadata: { [`k${n}`]: 'x', seat: null } }, null),
      ),
    );
    const { metadata } = (await get(`/v1/customers/${id}`)).body;
    expect(Object.keys(metadata)).toHaveLength(11);
    expect((await post(`/v1/customers/${id}`, { email: null, metadata: null }, null)).body).toMatchObject({
      ...{ name: 'Ada Lovelace', email: null, metadata: {} },
    });
    expect((await post(`/v1/customers/${id}`, { phone: '1' }, null)).body.error.param).toBe('phone');
  });

  it('is found by its address, as it was given, and by when it was made', async () => {
    const email = `Found-${randomUUID()}@shop.example`;
    const first = await make({ email });
    // Times are told to the millisecond.
    await sleep(2);
    const second = await make({ email });
    const ids = async (asked: string) => (await get(`/v1/customers?${asked}`)).body.data.map(({ id }) => id);
    expect(await ids(`email=${email}`)).toEqual([second.id, first.id]);
    expect(await ids(`email=${email}&limit=1`)).toEqual([second.id]);
    expect(await ids(`email=${email}&starting_after=${second.id}`)).toEqual([first.id]);
    expect(await ids(`email=${email}&created[gt]=${first.created_at}`)).toEqual([second.id]);
    expect(await ids(`email=${email.toLowerCase()}`)).toEqual([]);
    expect((await ids('limit=100')).slice(0, 2)).toEqual([second.id, first.id]);
    const stranger = await world.createKey('Another shop', 'secret');
    expect((await world.as(stranger).get(`/v1/customers?email=${email}`)).body.data).toEqual([]);
  });

  it("that is another merchant's is neither changed nor erased", async () => {
    const { id } = await make();
    const stranger = world.as(await world.createKey('Another shop', 'secret'));
    expect((await stranger.post(`/v1/customers/${id}`, { name: 'Eve' }, null)).body.error.code).toBe(
      'customer_not_found',
    );
    expect((await stranger.del(`/v1/customers/${id}`)).body.error.code).toBe('customer_not_found');
    expect((await get(`/v1/customers/${id}`)).body.name).toBe('Ada');
  });

  it('that was erased keeps its money, pays no more, and is in no list', async () => {
    const { id } = await make({ email: 'gone@shop.example', metadata: { table: '7' } });
    const paid = (await post('/v1/payments', payFor(id, 500))).body;
    const erased = await world.del(`/v1/customers/${id}`);
    expect(erased).toMatchObject({ status: 200, body: { id, name: null, email: null, metadata: {}, deleted: true } });
    expect((await get(`/v1/customers/${id}`)).body).toEqual(erased.body);
    expect((await world.del(`/v1/customers/${id}`)).body).toEqual(erased.body);
    expect((await get('/v1/customers?email=gone@shop.example')).body.data).toEqual([]);
    expect((await post(`/v1/customers/${id}`, { name: 'Ada' }, null)).body.error.code).toBe('customer_not_found');
    expect((await post('/v1/payments', payFor(id, 500))).body.error.code).toBe('customer_not_found');
    expect(await world.balanceOf(id)).toBe(500);
    expect((await post('/v1/refunds', { payment: paid.id })).body).toMatchObject({ status: 'succeeded' });
    expect(await query('select from erasures where customer_id = $1', [id.slice(4)])).toHaveLength(1);
  });
});
