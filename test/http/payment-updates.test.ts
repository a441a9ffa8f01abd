import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { payFor, startWorld } from '../support/service.ts';

const world = await startWorld();
const { get, post, createCustomer } = world;

const open = async (more: object = {}) => {
  const customer = await createCustomer();
  return (await post('/v1/payments', payFor(customer, 500, { confirm: false, ...more }))).body;
};

describe('a payment that is changed', () => {
  it('says what it is told to, whatever has become of it, and what is left out stays', async () => {
    const customer = await createCustomer();
    const said = { description: 'tea', metadata: { table: '7', waiter: 'Ada' }, reference: 'order-1' };
    const { id } = (await post('/v1/payments', payFor(customer, 500, said))).body;
    const changed = await post(`/v1/payments/${id}`, {
      ...{ description: 'two teas', metadata: { table: '8', waiter: null, guests: '2' } },
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { description: 'two teas', metadata: { table: '8', guests: '2' }, reference: 'order-1', amount: 500 },
    });
    expect((await get(`/v1/payments/${id}`)).body).toMatchObject({ metadata: { table: '8', guests: '2' } });
    const cleared = await post(`/v1/payments/${id}`, { description: null, metadata: null, reference: null });
    expect(cleared.body).toMatchObject({ description: null, metadata: {}, reference: null, status: 'succeeded' });
  });

  it('is charged what it then costs, and costs that from its first confirmation on', async () => {
    const { id, customer } = await open();
    expect((await post(`/v1/payments/${id}`, { amount: 750 })).body).toMatchObject({ amount: 750 });
    expect((await post(`/v1/payments/${id}/confirm`, {})).body).toMatchObject({ status: 'succeeded', amount: 750 });
    expect(await world.balanceOf(String(customer))).toBe(750);
    const late = await post(`/v1/payments/${id}`, { amount: 1 });
    expect(late).toMatchObject({ status: 409, body: { error: { code: 'payment_not_updatable', payment: id } } });
    const { id: canceled } = await open();
    await post(`/v1/payments/${canceled}/cancel`, {});
    expect((await post(`/v1/payments/${canceled}`, { amount: 1 })).status).toBe(409);
  });

  it('costs what one of two has said, who change it and confirm it at once', async () => {
    for (let n = 0; n < 10; n++) {
      const { id, customer } = await open();
      const [changed, paid] = await Promise.all([
        post(`/v1/payments/${id}`, { amount: 900 }),
        post(`/v1/payments/${id}/confirm`, {}),
      ]);
      const cost = changed.status === 200 ? 900 : 500;
      expect(paid.body).toMatchObject({ status: 'succeeded', amount: cost, amount_captured: cost });
      expect(await world.balanceOf(String(customer))).toBe(cost);
    }
  });

  it('keeps its metadata apart: two who change one key each do not undo each other', async () => {
    const { id } = await open();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => post(`/v1/payments/${id}`, { metadata: { [`k${n}`]: String(n) } })),
    );
    expect(Object.keys((await get(`/v1/payments/${id}`)).body.metadata)).toHaveLength(20);
  });

  it('is changed once under one key, and refuses what is no change of it', async () => {
    const { id } = await open();
    const key = randomUUID();
    const first = await post(`/v1/payments/${id}`, { description: 'once' }, key);
    await post(`/v1/payments/${id}`, { description: 'later' });
    expect(await post(`/v1/payments/${id}`, { description: 'once' }, key)).toMatchObject({ text: first.text });
    expect((await get(`/v1/payments/${id}`)).body.description).toBe('later');
    for (const [wrong, param] of [
      [{ currency: 'eur' }, 'currency'],
      [{ reference: 'x'.repeat(256) }, 'reference'],
      [{ amount: null }, 'amount'],
      [{ metadata: { a: 7 } }, 'metadata.a'],
      [{ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, 'x'])) }, 'metadata'],
    ] as const)
      expect((await post(`/v1/payments/${id}`, wrong)).body.error).toMatchObject({ code: 'invalid_request', param });
    const most = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [n, 'x']));
    expect((await post(`/v1/payments/${id}`, { metadata: most })).status).toBe(200);
    expect((await post(`/v1/payments/${id}`, { metadata: { more: 'x' } })).body.error.param).toBe('metadata');
  });

  it('may be of a currency that has no such fraction: then it is not changed', async () => {
    const { id } = await open({ currency: 'jpy' });
    expect((await post(`/v1/payments/${id}`, { amount: 12 })).status).toBe(200);
    const { id: kuwaiti } = await open({ currency: 'kwd', amount: 1000 });
    expect((await post(`/v1/payments/${kuwaiti}`, { amount: 1001 })).body.error.param).toBe('amount');
  });
});

describe('a list of payments', () => {
  it('is narrowed by whatever is asked for, alone and together', async () => {
    const customer = await createCustomer();
    const make = async (more: object) => {
      // Times are told to the millisecond.
      await sleep(2);
      return (await post('/v1/payments', payFor(customer, 100, more))).body;
    };
    const made = [
      await make({ reference: 'a' }),
      await make({ reference: 'a', amount: 200, confirm: false }),
      await make({ reference: 'b', amount: 300, currency: 'eur' }),
      await make({ amount: 400, capture_method: 'manual' }),
    ];
    const listed = async (query: string): Promise<number[]> => {
      const { data } = (await get(`/v1/payments?customer=${customer}&${query}`)).body;
      return data.map(({ id }) => made.findIndex((one) => one.id === id));
    };
    expect(await listed('')).toEqual([3, 2, 1, 0]);
    expect(await listed('status=succeeded')).toEqual([2, 0]);
    expect(await listed('status=requires_capture,requires_confirmation')).toEqual([3, 1]);
    expect(await listed('status=requires_capture,requires_confirmation&limit=1')).toEqual([3]);
    expect(await listed(`status=succeeded,requires_capture&ending_before=${made[0]!.id}&limit=1`)).toEqual([]);
    expect(await listed(`status=succeeded,requires_capture&starting_after=${made[3]!.id}&limit=1`)).toEqual([2]);
    expect(await listed('currency=eur')).toEqual([2]);
    expect(await listed('reference=a')).toEqual([1, 0]);
    expect(await listed('reference=a&status=succeeded')).toEqual([0]);
    expect(await listed('amount=200')).toEqual([1]);
    expect(await listed('amount[gte]=200&amount[lt]=400')).toEqual([2, 1]);
    expect(await listed('amount[gt]=200&amount[lte]=400')).toEqual([3, 2]);
    expect(await listed('amount[gt]=400')).toEqual([]);
    expect(await listed(`created[gte]=${made[2]!.created_at}`)).toEqual([3, 2]);
    expect(await listed(`created[gt]=${made[2]!.created_at}`)).toEqual([3]);
    expect(await listed(`created[lte]=${made[1]!.created_at}`)).toEqual([1, 0]);
    expect(await listed(`created[lt]=${made[1]!.created_at}&created[gt]=1`)).toEqual([0]);
    expect(await listed(`created[gte]=${Math.floor(Date.parse(made[0]!.created_at) / 1000)}`)).toEqual([3, 2, 1, 0]);
    expect(await listed(`created[lt]=${Math.floor(Date.parse(made[0]!.created_at) / 1000)}`)).toEqual([]);
    expect(await listed(`created[lt]=2000-01-01T00:00:00%2B01:00`)).toEqual([]);
  });

  it.each([
    ['status=paid', 'status'],
    ['status=succeeded,', 'status'],
    ['amount[gte]=ten', 'amount[gte]'],
    ['created[gte]=yesterday', 'created[gte]'],
    ['created[gte]=2026-02-30T00:00:00Z', 'created[gte]'],
    ['created=1', 'created'],
  ])('refuses %s', async (query, param) => {
    expect((await get(`/v1/payments?${query}`)).body.error).toMatchObject({ code: 'invalid_request', param });
  });

  it.each(['refunds', 'events', 'contradictions', 'webhook_endpoints'] as const)(
    'is narrowed by time: %s too',
    async (name) => {
      expect((await get(`/v1/${name}?created[gte]=2020-01-01T00:00:00Z`)).status).toBe(200);
      expect((await get(`/v1/${name}?created[lt]=1`)).body.data).toEqual([]);
    },
  );
});
