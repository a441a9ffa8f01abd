/** What a merchant says of a transfer; transfers, read and listed; and transfers that are taken back. */
import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { newId } from '../../src/domain/ids.ts';
import type { Transfer } from '../../src/client/api.ts';
import { startWorld, type Answer } from '../support/service.ts';

const world = await startWorld();
const { post, get, createCustomer, walletOf, balanceOf, as, query } = world;
const usd = { currency: 'usd' };
const finance = as('fk_test_demo');

const spend = async (customer: string, amount: number, more: object = {}): Promise<Transfer> =>
  (await post('/v1/debits', { customer, amount, ...usd, ...more })).body;
const back = (id: string, body: object, key?: string): Promise<Answer<Transfer>> =>
  post(`/v1/transfers/${id}/reverse`, body, key);

describe('what a merchant says of a transfer', () => {
  it('is shown in the reply, in the transfer and in the list, and an order is found by its reference', async () => {
    const customer = await createCustomer(1000);
    const said = { reference: `order ${randomUUID()}`, metadata: { shop: 'Köln', note: '"{,}\\' } };
    const debit = await spend(customer, 300, { ...said, description: 'Tea' });
    expect(debit).toMatchObject(said);
    expect((await get(`/v1/transfers/${debit.id}`)).body).toEqual(debit);
    const [from, to] = [await walletOf(customer), await walletOf(await createCustomer(1))];
    const moved = (await post('/v1/transfers', { from, to, amount: 5, ...usd, ...said })).body;
    const usage = { customer, ...usd, items: [{ quantity: 1, unit_price: '7' }], ...said };
    const used = (await post('/v1/usage', usage)).body;
    const found = await finance.get(`/v1/transfers?reference=${encodeURIComponent(said.reference)}`);
    expect(found.body.data.map(({ id }) => id)).toEqual([used.id, moved.id, debit.id]);
    expect(found.body.data[2]).toEqual(debit);
  });

  it('is null where nothing is said, in a batch with others that say something', async () => {
    const customers = await Promise.all(Array.from({ length: 12 }, () => createCustomer(100)));
    const debits = await Promise.all(
      customers.map((customer, n) =>
        spend(customer, 1, n % 2 === 0 ? {} : { reference: `r${n}`, metadata: { n: `${n}` } }),
      ),
    );
    expect(debits.map(({ metadata }) => metadata)).toEqual(debits.map((_, n) => (n % 2 === 0 ? {} : { n: `${n}` })));
    for (const debit of debits) expect((await get(`/v1/transfers/${debit.id}`)).body).toEqual(debit);
  });

  it('has limits', async () => {
    const customer = await createCustomer(10);
    for (const [more, param] of [
      [{ reference: 'x'.repeat(256) }, 'reference'],
      [{ reference: '' }, 'reference'],
      [{ metadata: { k: 1 } }, 'metadata.k'],
    ] as const) {
      const { status, body } = await post('/v1/debits', { customer, amount: 1, ...usd, ...more });
      expect([status, body.error.param]).toEqual([400, param]);
    }
  });
});

describe('a list of transfers', () => {
  it('of an account goes from page to page in the order of its entries, and back', async () => {
    const customer = await createCustomer(1000);
    const wallet = await walletOf(customer);
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.unshift((await spend(customer, 1)).id);
    const [funded] = (await get(`/v1/transfers?account=${wallet}&kind=payment`)).body.data;
    const all = [...ids, funded!.id];
    const seen: string[] = [];
    for (let after = ''; ;) {
      const { body } = await get(`/v1/transfers?account=${wallet}&limit=3${after && `&starting_after=${after}`}`);
      seen.push(...body.data.map(({ id }) => id));
      if (!body.has_more) break;
      after = seen.at(-1) ?? '';
    }
    expect(seen).toEqual(all);
    const before = await get(`/v1/transfers?account=${wallet}&limit=3&ending_before=${all[5]}`);
    expect(before.body.data.map(({ id }) => id)).toEqual(all.slice(2, 5));
  });

  it('is of those that were made in a span of time', async () => {
    const customer = await createCustomer(1000);
    const wallet = await walletOf(customer);
    const first = await spend(customer, 1);
    const second = await spend(customer, 2);
    const only = async (filter: string): Promise<string[]> =>
      (await get(`/v1/transfers?account=${wallet}&kind=debit&${filter}`)).body.data.map(({ id }) => id);
    const day = String(Math.floor(Date.now() / 1000) - 86_400);
    expect(await only(`created[gte]=${day}`)).toEqual([second.id, first.id]);
    expect(await only(`created[lt]=${day}`)).toEqual([]);
    expect(await only(`created[gt]=${encodeURIComponent(first.created_at)}&limit=1`)).toEqual([second.id]);
    expect((await get('/v1/transfers?created[gte]=yesterday')).body.error.param).toBe('created[gte]');
  });

  it('refuses a page that begins where nothing is, or in another merchant’s list', async () => {
    const other = as(await world.createKey('Another Shop', 'secret'));
    const theirs = await createCustomer(100, other);
    const { id } = (await other.post('/v1/debits', { customer: theirs, amount: 1, ...usd })).body;
    for (const cursor of [newId('tr'), id])
      for (const name of ['starting_after', 'ending_before']) {
        const { status, body } = await get(`/v1/transfers?${name}=${cursor}`);
        expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', name]);
      }
    expect((await get(`/v1/transfers/${id}`)).body.error.code).toBe('transfer_not_found');
    expect((await other.get(`/v1/transfers/${id}`)).status).toBe(200);
  });
});

describe('a reversal', () => {
  it('takes back a part, and then the rest, and says of what and why', async () => {
    const customer = await createCustomer(1000);
    const debit = await spend(customer, 300, { description: 'Tea', reference: 'order 7' });
    const first = await back(debit.id, { amount: 100, reason: 'cold tea', effective_date: '2026-01-31' });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({
      ...{ kind: 'reversal', amount: 100, from: debit.to, to: debit.from, reverses: debit.id, reason: 'cold tea' },
      ...{ effective_date: '2026-01-31', reference: 'order 7', description: 'Tea', to_balance_after: '800' },
    });
    const rest = await back(debit.id, { reason: 'the rest too' });
    expect(rest.body).toMatchObject({ amount: 200, effective_date: null });
    expect(await balanceOf(customer)).toBe(1000);
    expect((await get(`/v1/transfers/${first.body.id}`)).body).toEqual(first.body);
    const none = await back(debit.id, { reason: 'once more' });
    expect([none.status, none.body.error.code]).toEqual([409, 'reversal_exceeds_transfer']);
  });

  it('is done once under its key, though all is taken back by then', async () => {
    const customer = await createCustomer(100);
    const debit = await spend(customer, 60);
    const key = randomUUID();
    const first = await back(debit.id, { reason: 'a mistake' }, key);
    const again = await back(debit.id, { reason: 'a mistake' }, key);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await balanceOf(customer)).toBe(100);
  });

  it('is never of more than was moved, however many come at once', async () => {
    const customer = await createCustomer(100);
    const debit = await spend(customer, 100);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => back(debit.id, { amount: 30, reason: 'storm' })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
    expect(await balanceOf(customer)).toBe(90);
  });

  it('of a transfer between wallets asks whether the money is still there', async () => {
    const [one, other] = [await createCustomer(100), await createCustomer(1)];
    const moved = { from: await walletOf(one), to: await walletOf(other), amount: 50, ...usd };
    const { id } = (await post('/v1/transfers', moved)).body;
    await spend(other, 20);
    expect((await back(id, { reason: 'a mistake' })).body.error.code).toBe('insufficient_funds');
    expect((await back(id, { amount: 31, reason: 'a mistake' })).status).toBe(201);
    expect([await balanceOf(one), await balanceOf(other)]).toEqual([81, 0]);
  });

  it('is not of a charge, of itself, of what is another merchant’s, nor without a reason', async () => {
    const customer = await createCustomer(100);
    const [charge] = (await get(`/v1/transfers?account=${await walletOf(customer)}`)).body.data;
    expect((await back(charge!.id, { reason: 'x' })).body.error.code).toBe('transfer_not_reversible');
    const debit = await spend(customer, 10);
    const reversal = (await back(debit.id, { reason: 'x' })).body;
    expect((await back(reversal.id, { reason: 'x' })).body.error.code).toBe('transfer_not_reversible');
    const other = as(await world.createKey('A Third Shop', 'secret'));
    const theirs = await other.post(`/v1/transfers/${debit.id}/reverse`, { reason: 'x' });
    expect([theirs.status, theirs.body.error.code]).toEqual([404, 'transfer_not_found']);
    for (const [body, param] of [
      [{}, 'reason'],
      [{ reason: '' }, 'reason'],
      [{ reason: 'x', amount: 0 }, 'amount'],
      [{ reason: 'x', effective_date: '2026-02-30' }, 'effective_date'],
    ] as const)
      expect((await back(debit.id, body)).body.error.param).toBe(param);
    expect((await finance.post(`/v1/transfers/${debit.id}/reverse`, { reason: 'x' })).body.error.code).toBe(
      'forbidden',
    );
  });

  it('is done in a thousand parts at the most, so that what is taken back by the cent holds up nobody', async () => {
    const debit = await spend(await createCustomer(1_100), 1_100);
    const parts: number[] = [];
    for (let asked = 0; asked < 1_020; asked += 102)
      for (const { status } of await Promise.all(
        Array.from({ length: 102 }, () => back(debit.id, { amount: 1, reason: 'a cent' })),
      ))
        parts.push(status);
    expect(parts.filter((status) => status === 201)).toHaveLength(1_000);
    const refused = await back(debit.id, { reason: 'the rest' });
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'transfer_not_reversible' } } });
    expect(refused.body.error.message).toContain('a transfer of its own');
  });

  it('leaves the books in balance, and the row of what it takes back as it was', async () => {
    const [{ sum } = { sum: '' }] = await query<{ sum: string }>(
      'select sum(debits - credits)::text as sum from accounts',
    );
    expect(sum).toBe('0');
  });
});
