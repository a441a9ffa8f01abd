/** Balances as they were. */
import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../../src/domain/ids.ts';
import type { Balance, Balances, Transfer } from '../../src/client/api.ts';
import { payFor, startWorld, type Answer } from '../support/service.ts';
import { eventually, stripeAt } from '../support/stripe.ts';

const world = await startWorld();
const { post, get, createCustomer, walletOf, query, as } = world;
const stripe = stripeAt(world.sandbox.url);
const usd = { currency: 'usd' };

const at = async (account: string, asOf: string, more = ''): Promise<Balance> =>
  (await get(`/v1/accounts/${account}/balance?as_of=${encodeURIComponent(asOf)}${more}`)).body;
const spend = async (customer: string, amount: number): Promise<Transfer> =>
  (await post('/v1/debits', { customer, amount, ...usd })).body;
/** To the microsecond, as the books have it. */
const postedAt = async (transfer: string): Promise<string> => {
  const [row] = await query<{ at: string }>(
    `select to_char(posted_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from transfers where id = $1`,
    [transfer.slice(3)],
  );
  return row?.at ?? '';
};
const becomesFinal = (account: string, asOf: string): Promise<Balance> =>
  eventually(
    () => at(account, asOf),
    ({ final }) => final,
  );

describe('a balance as of an instant', () => {
  it('holds what was posted until then, and then, and nothing after it', async () => {
    const customer = await createCustomer(1000);
    const wallet = await walletOf(customer);
    const [first, second] = [await spend(customer, 100), await spend(customer, 30)];
    const then = await postedAt(first.id);
    const earlier = then.replace(/(\d{6})Z$/, (_, digits: string) => `${String(Number(digits) - 1).padStart(6, '0')}Z`);
    expect(await at(wallet, then)).toMatchObject({ posted: '900', sequence: '2', as_of: then, tz: 'UTC' });
    expect(await at(wallet, earlier)).toMatchObject({ posted: '1000', sequence: '1' });
    expect(await at(wallet, await postedAt(second.id))).toMatchObject({
      posted: '870',
      available: '870',
      decimal: '8.70',
    });
    expect((await get(`/v1/customers/${customer}/balance?currency=usd&as_of=${then}`)).body).toEqual(
      await at(wallet, then),
    );
    expect(await becomesFinal(wallet, then)).toMatchObject({ posted: '900', final: true });
  });

  it('is zero before the first entry, and of a wallet that was never used', async () => {
    const customer = await createCustomer(1000);
    const zero = { posted: '0', pending: '0', available: '0', sequence: '0', final: true };
    expect(await at(await walletOf(customer), '2020-01-01', '&tz=Europe/Berlin')).toMatchObject({
      ...zero,
      as_of: '2020-01-01T22:59:59.999999Z',
      tz: 'Europe/Berlin',
    });
    const unused = await get(`/v1/customers/${customer}/balance?currency=jpy&as_of=2020-01-01`);
    expect(unused.body).toMatchObject({ ...zero, currency: 'jpy' });
    const nobody = await get(`/v1/customers/${newId('cus')}/balance?currency=jpy&as_of=2020-01-01`);
    expect(nobody.body.error.code).toBe('customer_not_found');
  });

  it('is final once nothing can be posted so early any more, and not before', async () => {
    const customer = await createCustomer(10);
    const wallet = await walletOf(customer);
    expect((await get(`/v1/accounts/${wallet}/balance`)).body).toMatchObject({ posted: '10', final: false });
    expect(await at(wallet, new Date().toISOString())).toMatchObject({ posted: '10', final: false });
    expect(await at(wallet, new Date(Date.now() - 60_000).toISOString())).toMatchObject({ posted: '0', final: true });
  });

  it('of a day ends where the next begins in its zone', async () => {
    const customer = await createCustomer(50);
    const wallet = await walletOf(customer);
    // As if it had been posted in the last hour of March in Berlin, which is April in Kathmandu.
    await query(`update transfers set posted_at = '2026-03-31T21:30:00Z' where credit = $1`, [wallet.slice(5)]);
    const posted = async (asOf: string, tz: string): Promise<string> => (await at(wallet, asOf, `&tz=${tz}`)).posted;
    expect(await posted('2026-03-31', 'Europe/Berlin')).toBe('50');
    expect(await posted('2026-03-31', 'Asia/Kathmandu')).toBe('0');
    expect(await posted('2026-04-01', 'Asia/Kathmandu')).toBe('50');
    expect(await posted('2026-03-30', 'Europe/Berlin')).toBe('0');
  });

  it('of many accounts is of one instant, in the order asked', async () => {
    const customers = await Promise.all(Array.from({ length: 5 }, (_, n) => createCustomer(100 + n)));
    const accounts = await Promise.all(customers.map((customer) => walletOf(customer)));
    const ask = (more: object): Promise<Answer<Balances>> => post('/v1/balances/query', { accounts, ...more }, null);
    const now = await ask({ as_of: new Date().toISOString(), tz: 'UTC' });
    expect(now.body.data.map(({ posted }) => posted)).toEqual(['100', '101', '102', '103', '104']);
    const before = (await ask({ as_of: '2020-01-01' })).body;
    expect([before.final, before.as_of, ...before.data.map(({ posted }) => posted)]).toEqual([
      true,
      '2020-01-01T23:59:59.999999Z',
      '0',
      '0',
      '0',
      '0',
      '0',
    ]);
    const missing = await post(
      '/v1/balances/query',
      { accounts: [accounts[0], newId('acct')], as_of: '2020-01-01' },
      null,
    );
    expect([missing.body.error.code, missing.body.error.param]).toEqual(['account_not_found', 'accounts[1]']);
    expect((await ask({ as_of: 'then' })).body.error.param).toBe('as_of');
  });
});

describe('what was pending then', () => {
  it('is what was held: nothing before, the refund while it was under way, nothing after', async () => {
    const customer = await createCustomer();
    const wallet = await walletOf(customer);
    const paid = (await post('/v1/payments', payFor(customer, 500))).body.id;
    const before = new Date().toISOString();
    await sleep(200);
    const heal = await stripe.fault({ kind: 'latency', method: 'POST', ms: 1200 });
    const refunding = post('/v1/refunds', { payment: paid, amount: 200 });
    const held = await eventually(
      () => at(wallet, new Date().toISOString()),
      ({ pending }) => pending !== '0',
    );
    expect(held).toMatchObject({ posted: '500', pending: '200', available: '300' });
    expect((await refunding).status).toBe(201);
    await heal();
    await eventually(
      () => get(`/v1/accounts/${wallet}/balance`),
      ({ body }) => body.posted === '300',
    );
    expect(await at(wallet, new Date().toISOString())).toMatchObject({ posted: '300', pending: '0', available: '300' });
    expect(await at(wallet, held.as_of)).toMatchObject({ posted: '500', pending: '200', available: '300' });
    expect(await at(wallet, before)).toMatchObject({ posted: '500', pending: '0' });
  });

  it('is told where the release before has written it by its attempt and its posting, and is null where nothing tells', async () => {
    const customer = await createCustomer();
    const wallet = await walletOf(customer);
    const paid = (await post('/v1/payments', payFor(customer, 500))).body.id;
    const before = new Date().toISOString();
    // The service knows the time to some hundredths of a second.
    await sleep(200);
    const { id } = (await post('/v1/refunds', { payment: paid, amount: 200 })).body;
    await eventually(
      () => get(`/v1/accounts/${wallet}/balance`),
      ({ body }) => body.posted === '300',
    );
    await query('update refunds set held_at = null, freed_at = null where id = $1', [id.slice(3)]);
    const now = new Date().toISOString();
    expect(await at(wallet, now)).toMatchObject({ posted: '300', pending: '0' });
    expect(await at(wallet, before)).toMatchObject({ posted: '500', pending: '0' });
    await query(`update refunds set status = 'failed' where id = $1`, [id.slice(3)]);
    await query('delete from transfers where id = $1', [id.slice(3)]);
    expect(await at(wallet, now)).toMatchObject({ pending: null, available: null });
    expect(await at(wallet, before)).toMatchObject({ pending: '0' });
  });
});

describe('a time that is none', () => {
  it.each([
    ['as_of=2999-01-01', 'as_of'],
    ['as_of=2999-01-01T00:00:00Z', 'as_of'],
    ['as_of=31.03.2026', 'as_of'],
    ['as_of=', 'as_of'],
    ['as_of=2026-02-30', 'as_of'],
    ['as_of=2026-03-29T02:30:00&tz=Europe/Berlin', 'as_of'],
    ['as_of=2025-10-26T02:30:00&tz=Europe/Berlin', 'as_of'],
    ['as_of=2026-03-31&tz=Europe/Atlantis', 'tz'],
    ['tz=%2B02:00', 'tz'],
    ['as_of=2026-03-31&as_of=2026-03-30', 'as_of'],
    [`as_of=${'9'.repeat(500)}`, 'as_of'],
  ])('is refused: %s', async (asked, param) => {
    const wallet = await walletOf(await createCustomer(1));
    const { status, body } = await get(`/v1/accounts/${wallet}/balance?${asked}`);
    expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', param]);
  });

  it('is no way to another merchant’s account', async () => {
    const wallet = await walletOf(await createCustomer(1));
    const other = as(await world.createKey('Elsewhere', 'finance'));
    expect((await other.get(`/v1/accounts/${wallet}/balance?as_of=2026-01-01`)).body.error.code).toBe(
      'account_not_found',
    );
  });
});
