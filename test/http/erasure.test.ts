import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { eventually, stripeAt } from '../support/stripe.ts';
import { FORGOTTEN } from '../../src/domain/payment-details.ts';
import { payFor, startWorld } from '../support/service.ts';
import { placesOf } from '../support/places.ts';

const world = await startWorld();
const { get, post, query } = world;
const stripe = stripeAt(world.sandbox.url);

const whereIs = (texts: readonly string[]): Promise<string[]> => placesOf(world.databaseUrl, texts);

const isDone = (customer: string) =>
  eventually(
    () =>
      query<{ done: boolean }>('select done_at is not null as done from erasures where customer_id = $1', [
        customer.slice(4),
      ]),
    ([row]) => row?.done === true,
  );

/** Somebody who has left his name wherever he could. */
const live = async (name: string, email: string) => {
  const key = randomUUID();
  const { id } = (await post('/v1/customers', { name, email, metadata: { nick: name } }, key)).body;
  await post(`/v1/customers/${id}`, { metadata: { again: email } }, null);
  const said = { description: `tea for ${name}`, metadata: { who: email }, reference: 'order-1' };
  const returns = { return_url: `https://shop.test/back?who=${email}` };
  const paid = (await post('/v1/payments', payFor(id, 500, { ...said, ...returns }))).body;
  const open = (await post('/v1/payments', payFor(id, 700, { ...said, confirm: false }))).body;
  await post(`/v1/payments/${open.id}`, { description: `more tea for ${name}` });
  await post('/v1/payments', payFor(id, 900, { ...said, payment_method: 'pm_card_visa_chargeDeclined' }));
  await post('/v1/payments', payFor(id, 300, { ...said, ...returns, payment_method: 'pm_card_threeDSecureRequired' }));
  await post('/v1/setups', { customer: id, confirm: true, payment_method: 'pm_card_threeDSecureRequired', ...returns });
  await post('/v1/refunds', { payment: paid.id, amount: 100 });
  await post('/v1/debits', { customer: id, amount: 50, currency: 'usd', description: 'tea' });
  // Stripe tells of the charge, with the description that it was given.
  await eventually(
    () =>
      query<{ id: string }>(`select id from stripe_events where type = 'charge.succeeded' and payload::text like $1`, [
        `%${paid.id}%`,
      ]),
    ([told]) => told !== undefined,
  );
  // The release before kept the whole of it.
  await query(
    `update stripe_events set payload = jsonb_set(payload::jsonb, '{data,object,description}', to_jsonb($1::text))::json
     where type = 'charge.succeeded' and payload::text like $2`,
    [said.description, `%${paid.id}%`],
  );
  return { id, key, paid, open };
};

describe('a customer who is erased', () => {
  it('is found nowhere any more: not in tables, in stored replies, in events, nor in what Stripe told', async () => {
    const [name, email] = ['Ada Quillfeather', 'ada.q@shop.example'];
    const { id, key, paid, open } = await live(name, email);
    const other = await live('Bertram Quayle', 'bertram@shop.example');
    // Two charges and two refunds: what Stripe keeps of them is posted when it is told.
    await eventually(
      () => query<{ count: number }>('select count(*)::int as count from balance_transactions'),
      ([row]) => row?.count === 4,
    );
    const before = {
      balance: (await get(`/v1/customers/${id}/balance?currency=usd`)).body,
      trial: (await get('/v1/trial_balance')).body,
      sums: await world.sums(),
      payment: (await get(`/v1/payments/${paid.id}`)).body,
      others: await whereIs(['Bertram Quayle', 'bertram@shop.example']),
    };
    // The search finds what is there.
    const places = (await whereIs([name, email])).map((line) => line.split(':')[0]);
    for (const place of ['customers.name', 'customers.email', 'customers.metadata', 'claims.body', 'events.data'])
      expect(places).toContain(place);
    for (const place of ['payments.description', 'payments.metadata', 'payments.return_url', 'stripe_events.payload'])
      expect(places).toContain(place);

    await world.del(`/v1/customers/${id}`);
    await isDone(id);
    expect(await whereIs([name, email])).toEqual([]);
    for (const word of [name, email]) expect(world.logged()).not.toContain(word);

    const { balance, trial, sums, payment, others } = before;
    expect((await get(`/v1/customers/${id}/balance?currency=usd`)).body).toEqual({
      ...balance,
      as_of: expect.anything(),
    });
    expect((await get('/v1/trial_balance')).body).toEqual({ ...trial, as_of: expect.anything() });
    expect(await world.sums()).toEqual(sums);
    expect((await get(`/v1/payments/${paid.id}`)).body).toEqual({ ...payment, ...FORGOTTEN });
    expect(await whereIs(['Bertram Quayle', 'bertram@shop.example'])).toEqual(others);
    expect((await get(`/v1/customers/${other.id}`)).body.name).toBe('Bertram Quayle');
    // What was answered under a key is answered still, without him.
    const again = await post('/v1/customers', { name, email, metadata: { nick: name } }, key);
    expect(again).toMatchObject({ status: 201, body: { id, name: null, email: null, metadata: {} } });
    expect((await get(`/v1/payments/${open.id}`)).body).toMatchObject({ description: null, reference: 'order-1' });
    // And that it was done is found again after all of it.
    expect((await get(`/v1/payments/${paid.id}/timeline`)).status).toBe(200);
  });

  it('has nothing saved any more, here or at Stripe', async () => {
    const { id } = (await post('/v1/customers', { name: 'Dora Quick' })).body;
    await post('/v1/payments', payFor(id, 500, { save_payment_method: true }));
    const [path, key] = [`/v1/customers/${id}/payment_methods` as const, randomUUID()];
    const saved = (await post(path, { payment_method: 'pm_card_amex' }, key)).body;
    expect((await get(path)).body.data).toHaveLength(2);
    const toldOf = async (): Promise<unknown> => (await get(`/v1/events?subject=${saved.id}`)).body.data;
    const card = { card: { last4: '8431' } };
    expect(await toldOf()).toMatchObject([{ data: { object: card } }]);
    const [held] = await query<{ stripe_id: string }>('select stripe_id from stripe_customers where id = $1', [
      id.slice(4),
    ]);
    await world.del(`/v1/customers/${id}`);
    await isDone(id);
    expect((await get(path)).body.data).toEqual([]);
    // Nor is it told any more which card it was.
    expect(JSON.stringify(await toldOf())).not.toContain('8431');
    expect((await post(path, { payment_method: 'pm_card_amex' }, key)).body).toEqual({ ...saved, card: null });
    expect(
      await query('select from payment_methods where customer_id = $1 and card is not null', [id.slice(4)]),
    ).toEqual([]);
    const asked = { headers: { Authorization: 'Bearer sk_test_x' } };
    const atStripe = await fetch(`${world.sandbox.url}/v1/customers/${held!.stripe_id}`, asked);
    expect(await atStripe.json()).toMatchObject({ deleted: true });
    expect(await world.balanceOf(id)).toBe(500);
  });

  it('is forgotten again where he is named again', async () => {
    const { id, open } = await live('Cora Quince', 'cora@shop.example');
    await world.del(`/v1/customers/${id}`);
    await isDone(id);
    await post(`/v1/payments/${open.id}`, { description: 'for Cora Quince' });
    expect(await whereIs(['Cora Quince'])).not.toEqual([]);
    await world.del(`/v1/customers/${id}`);
    await isDone(id);
    expect(await whereIs(['Cora Quince', 'cora@shop.example'])).toEqual([]);
  });

  /** As if the time had passed in which others may still be at work on him. */
  const later = async (customer: string) => {
    const id = [customer.slice(4)];
    await query(`update stripe_customers set asked_at = asked_at - interval '1 minute' where id = $1`, id);
    await query(`update erasures set requested_at = requested_at - interval '1 minute' where customer_id = $1`, id);
  };
  const atStripe = async (customer: string) =>
    (await stripe.get('/v1/customers?limit=100')).data.filter(
      ({ metadata }) => metadata['quittance_customer'] === customer,
    );

  it('is looked for at Stripe, where it is not known whether he came to be there', async () => {
    const { id } = (await post('/v1/customers', {})).body;
    const heal = await stripe.fault({ kind: 'error_after', method: 'POST', path: '/v1/customers', count: 1 });
    const path = `/v1/customers/${id}/payment_methods`;
    expect((await post(path, { payment_method: 'pm_card_visa' })).status).toBe(503);
    await heal();
    expect(await atStripe(id)).toHaveLength(1);
    await world.del(`/v1/customers/${id}`);
    await later(id);
    await isDone(id);
    expect(await atStripe(id)).toEqual([]);
    expect((await post(path, { payment_method: 'pm_card_visa' })).body.error.code).toBe('customer_not_found');
    expect(await atStripe(id)).toEqual([]);
  });

  it('is forgotten once more, where he comes to be at Stripe only after he was forgotten', async () => {
    const { id } = (await post('/v1/customers', {})).body;
    const heal = await stripe.fault({ kind: 'latency', method: 'POST', path: '/v1/customers', ms: 4_000 });
    const saving = post(`/v1/customers/${id}/payment_methods`, { payment_method: 'pm_card_visa' });
    await eventually(
      () => query('select from stripe_customers where id = $1', [id.slice(4)]),
      (asked) => asked.length === 1,
    );
    await world.del(`/v1/customers/${id}`);
    await later(id);
    await isDone(id);
    await saving;
    await heal();
    expect(await query('select from erasures where customer_id = $1 and done_at is null', [id.slice(4)])).toHaveLength(
      1,
    );
    await later(id);
    await isDone(id);
    expect(await atStripe(id)).toEqual([]);
    expect((await get(`/v1/customers/${id}/payment_methods`)).body.data).toEqual([]);
    expect(
      await query('select from payment_methods where customer_id = $1 and card is not null', [id.slice(4)]),
    ).toEqual([]);
  });

  it('pays what is open still, and has no card kept by it, nor by a setup that was open', async () => {
    const { id } = (await post('/v1/customers', {})).body;
    const { id: method } = (await post(`/v1/customers/${id}/payment_methods`, { payment_method: 'pm_card_visa' })).body;
    const isOpen = payFor(id, 700, { confirm: false, payment_method: null });
    const [payment, other] = [(await post('/v1/payments', isOpen)).body, (await post('/v1/payments', isOpen)).body];
    const setup = (await post('/v1/setups', { customer: id })).body;
    const confirm = (of: string, more: object = {}, client: Pick<typeof world, 'post'> = world) =>
      client.post(`/v1/payments/${of}/confirm`, { payment_method: 'pm_card_visa', ...more });
    await world.del(`/v1/customers/${id}`);
    // From then on, though Stripe has it still.
    expect((await confirm(other.id, { payment_method: method })).body.error.code).toBe('payment_method_not_usable');

    const refusals = async (): Promise<void> => {
      const page = world.as('pk_test_demo');
      const { client_secret } = payment;
      for (const [client, more] of [[world, {}] as const, [page, { client_secret }] as const])
        expect(await confirm(payment.id, { ...more, save_payment_method: true }, client)).toMatchObject({
          status: 409,
          body: { error: { code: 'payment_not_confirmable', outcome: 'none' } },
        });
      expect(await post(`/v1/setups/${setup.id}/confirm`, { payment_method: 'pm_card_visa' })).toMatchObject({
        status: 409,
        body: { error: { code: 'setup_not_confirmable' } },
      });
    };
    await refusals();
    await later(id);
    await isDone(id);
    await refusals();
    expect((await confirm(payment.id)).body.status).toBe('succeeded');
    expect(await world.balanceOf(id)).toBe(700);
    expect(world.logged()).not.toContain('internal error');
  });

  it('does not change what was answered before to who had his card kept', async () => {
    const { id } = (await post('/v1/customers', {})).body;
    const [charge, confirmation, open] = [randomUUID(), randomUUID(), payFor(id, 300, { confirm: false })];
    const kept = payFor(id, 500, { save_payment_method: true });
    const paid = await post('/v1/payments', kept, charge);
    const path = `/v1/payments/${(await post('/v1/payments', open)).body.id}/confirm` as const;
    const confirmed = await post(path, { save_payment_method: true }, confirmation);
    expect([paid.status, confirmed.status]).toEqual([201, 200]);
    await world.del(`/v1/customers/${id}`);
    await later(id);
    await isDone(id);
    expect(await post('/v1/payments', kept, charge)).toMatchObject({ status: 201, body: { id: paid.body.id } });
    expect(await post(path, { save_payment_method: true }, confirmation)).toMatchObject({
      status: 200,
      body: { id: confirmed.body.id },
    });
  });

  it('waits for none of another merchant, who has hundreds erased', async () => {
    const many = world.as(await world.createKey('Many', 'secret'));
    const ids = await Promise.all(
      Array.from({ length: 250 }, async () => (await many.post('/v1/customers', {})).body.id),
    );
    await Promise.all(ids.map((id) => many.del(`/v1/customers/${id}`)));
    const { id } = (await post('/v1/customers', {})).body;
    await world.del(`/v1/customers/${id}`);
    await query(`update erasures set requested_at = requested_at - interval '1 minute' where done_at is null`);
    await isDone(id);
    const [before] = await query<{ count: number }>(
      `select count(*)::int as count from erasures where customer_id = any($1::uuid[])
       and done_at < (select done_at from erasures where customer_id = $2)`,
      [ids.map((one) => one.slice(4)), id.slice(4)],
    );
    expect(before!.count).toBe(0);
  });

  it('is found among more customers than can be looked through', async () => {
    const { id } = (await post('/v1/customers', {})).body;
    const heal = await stripe.fault({ kind: 'error_after', method: 'POST', path: '/v1/customers', count: 1 });
    await post(`/v1/customers/${id}/payment_methods`, { payment_method: 'pm_card_visa' });
    await heal();
    const [found] = await atStripe(id);
    for (let made = 0; made < 2_100; made += 50)
      await Promise.all(Array.from({ length: 50 }, () => stripe.post('/v1/customers')));
    await world.del(`/v1/customers/${id}`);
    await later(id);
    await isDone(id);
    expect(await stripe.get(`/v1/customers/${found!.id}`)).toMatchObject({ deleted: true });
  });

  it('whom Stripe does not forget holds up nobody else', async () => {
    const [held, other] = [(await post('/v1/customers', {})).body, (await post('/v1/customers', {})).body];
    await post(`/v1/customers/${held.id}/payment_methods`, { payment_method: 'pm_card_visa' });
    const heal = await stripe.fault({ kind: 'error_before', method: 'DELETE', path: '/v1/customers/*' });
    await world.del(`/v1/customers/${held.id}`);
    await world.del(`/v1/customers/${other.id}`);
    await later(held.id);
    await later(other.id);
    await isDone(other.id);
    // Stripe has it still; whoever asks here is told no more of it.
    expect((await get(`/v1/customers/${held.id}/payment_methods`)).body.data).toEqual([]);
    await heal();
    expect(await atStripe(held.id)).toHaveLength(1);
  });
});
