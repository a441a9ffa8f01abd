import { describe, expect, it } from '@jest/globals';
import { eventually, stripeAt, type StripeObject } from '../support/stripe.ts';
import type { Customer, Payment, PaymentMethod } from '../../src/client/api.ts';
import { bankPageOf, payFor, send, startWorld, type Answer, type Client } from '../support/service.ts';

const world = await startWorld();
const { post, get, createCustomer, balanceOf, query } = world;
const stripe = stripeAt(world.sandbox.url);
const page = world.as('pk_test_demo');

const remove = (path: string, apiKey = 'sk_test_demo'): Promise<Answer> =>
  send(world.url, { method: 'DELETE', path, headers: { Authorization: `Bearer ${apiKey}` } });
const methodsOf = async (customer: string, client: Client = world): Promise<readonly PaymentMethod[]> =>
  (await client.get(`/v1/customers/${customer}/payment_methods`)).body.data;
const attach = (customer: string, payment_method: string, more: object = {}): Promise<Answer<PaymentMethod>> =>
  post(`/v1/customers/${customer}/payment_methods`, { payment_method, ...more });
const charge = (customer: string, amount: number, more: object = {}): Promise<Answer<Payment>> =>
  post('/v1/payments', { customer, amount, currency: 'usd', confirm: true, off_session: true, ...more });
/** The customers at Stripe that are of ours. */
const holdersOf = async (customer: string): Promise<readonly StripeObject[]> =>
  (await stripe.get('/v1/customers?limit=100')).data.filter(
    ({ metadata }) => metadata['quittance_customer'] === customer,
  );
const eventsOf = async (subject: string): Promise<string[]> =>
  (await query<{ type: string }>('select type from events where subject = $1 order by id', [subject])).map(
    ({ type }) => type,
  );

describe('a payment that keeps its card', () => {
  it('saves it once it is paid, as the default, and it is charged where none is named', async () => {
    const customer = await createCustomer();
    const paid = await post('/v1/payments', payFor(customer, 700, { save_payment_method: true }));
    expect([paid.status, paid.body.status]).toEqual([201, 'succeeded']);
    const [saved, ...others] = await methodsOf(customer);
    expect(others).toEqual([]);
    expect(saved).toMatchObject({
      ...{ id: paid.body.payment_method, object: 'payment_method', type: 'card', default: true },
      card: { brand: 'visa', last4: '4242', country: 'US', funding: 'credit' },
    });
    const again = await charge(customer, 300);
    expect([again.status, again.body.status, again.body.payment_method]).toEqual([201, 'succeeded', saved!.id]);
    expect(await balanceOf(customer)).toBe(1000);
    expect(await holdersOf(customer)).toHaveLength(1);
    expect(await eventsOf(saved!.id)).toEqual(['payment_method.attached']);
  });

  it('that is declined saves nothing', async () => {
    const customer = await createCustomer();
    const card = { payment_method: 'pm_card_chargeDeclined', save_payment_method: true };
    expect((await post('/v1/payments', payFor(customer, 700, card))).status).toBe(402);
    expect(await methodsOf(customer)).toEqual([]);
    expect((await charge(customer, 300)).body.error.code).toBe('payment_method_required');
  });

  it('through a challenge saves it when the challenge is passed, though no webhook came', async () => {
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    const customer = await createCustomer();
    const card = { payment_method: 'pm_card_threeDSecure2Required', return_url: 'https://shop.example/back' };
    const { body } = await post('/v1/payments', payFor(customer, 700, { ...card, save_payment_method: true }));
    expect(await methodsOf(customer)).toEqual([]);
    await stripe.answer(bankPageOf(body), 'pass');
    await page.get(`/v1/payments/${body.id}?client_secret=${body.client_secret}`);
    expect(await methodsOf(customer)).toMatchObject([{ card: { last4: '3220' } }]);
    await heal();
  });

  it('may do so when it is confirmed, by the page too', async () => {
    const customer = await createCustomer();
    const made = (await post('/v1/payments', { customer, amount: 700, currency: 'usd' })).body;
    const declined = { client_secret: made.client_secret, payment_method: 'pm_card_chargeDeclined' };
    expect((await page.post(`/v1/payments/${made.id}/confirm`, declined)).status).toBe(402);
    const good = { client_secret: made.client_secret, payment_method: 'pm_card_visa', save_payment_method: true };
    expect((await page.post(`/v1/payments/${made.id}/confirm`, good)).body.status).toBe('succeeded');
    expect(await methodsOf(customer)).toHaveLength(1);
  });
});

describe('a payment method', () => {
  it('is attached by hand, listed newest first, chosen and detached', async () => {
    const customer = await createCustomer();
    const first = await attach(customer, 'pm_card_visa');
    expect([first.status, first.body]).toMatchObject([201, { default: true, card: { brand: 'visa' } }]);
    const second = await attach(customer, 'pm_card_mastercard', { default: true });
    expect(second.body).toMatchObject({ default: true, card: { brand: 'mastercard' } });
    expect((await methodsOf(customer)).map(({ id }) => id).toSorted()).toEqual(
      [first.body.id, second.body.id].toSorted(),
    );
    expect((await charge(customer, 500)).body.payment_method).toBe(second.body.id);

    const choose = (default_payment_method: string): Promise<Answer<Customer>> =>
      post(`/v1/customers/${customer}`, { default_payment_method }, null);
    expect((await choose(first.body.id)).status).toBe(200);
    expect((await charge(customer, 500)).body.payment_method).toBe(first.body.id);
    expect((await choose('pm_of_nobody')).body.error.code).toBe('payment_method_not_found');
    expect((await choose(second.body.id)).status).toBe(200);

    const gone = await remove(`/v1/payment_methods/${second.body.id}`);
    expect([gone.status, gone.body]).toEqual([200, { id: second.body.id, object: 'payment_method', deleted: true }]);
    expect((await remove(`/v1/payment_methods/${second.body.id}`)).status).toBe(200);
    expect((await methodsOf(customer)).map(({ id }) => id)).toEqual([first.body.id]);
    expect((await charge(customer, 500)).body.error.code).toBe('payment_method_required');
    expect((await charge(customer, 500, { payment_method: second.body.id })).body.error.code).toBe(
      'payment_method_not_usable',
    );
    expect((await charge(customer, 500, { payment_method: first.body.id })).status).toBe(201);
    await eventually(
      () => eventsOf(second.body.id),
      (told) => told.length === 2,
    );
    expect(await eventsOf(second.body.id)).toEqual(['payment_method.attached', 'payment_method.detached']);
  });

  it('that is declined is not attached, and one of nobody is not usable', async () => {
    const customer = await createCustomer();
    const declined = await attach(customer, 'pm_card_chargeDeclined');
    expect([declined.status, declined.body.error.code]).toEqual([402, 'card_declined']);
    expect((await attach(customer, 'pm_of_nobody')).body.error.code).toBe('payment_method_not_usable');
    expect(await methodsOf(customer)).toEqual([]);
  });

  it('is attached once under one key, whoever asks at the same time', async () => {
    const customer = await createCustomer();
    const path = `/v1/customers/${customer}/payment_methods` as const;
    const key = crypto.randomUUID();
    const all = await Promise.all(Array.from({ length: 8 }, () => post(path, { payment_method: 'pm_card_visa' }, key)));
    expect(new Set(all.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(await methodsOf(customer)).toHaveLength(1);
    expect(await holdersOf(customer)).toHaveLength(1);
  });

  it('of one merchant can be neither seen, used, attached nor detached by another', async () => {
    const customer = await createCustomer();
    const { id } = (await attach(customer, 'pm_card_visa')).body;
    const other = world.as(await world.createKey('Other', 'secret'));
    const theirs = (await other.post('/v1/customers', {})).body.id;
    expect((await other.get(`/v1/customers/${customer}/payment_methods`)).body.error.code).toBe('customer_not_found');
    expect((await remove(`/v1/payment_methods/${id}`, await world.createKey('Other', 'secret'))).status).toBe(404);
    const attached = await other.post(`/v1/customers/${theirs}/payment_methods`, { payment_method: id });
    expect([attached.status, attached.body.error.code]).toEqual([402, 'payment_method_not_usable']);
    const card = { payment_method: id };
    expect((await other.post('/v1/payments', payFor(theirs, 500, card))).body.error.code).toBe(
      'payment_method_not_usable',
    );
    // Nor by another customer of the same merchant.
    const neighbour = await createCustomer();
    expect((await post('/v1/payments', payFor(neighbour, 500, card))).body.error.code).toBe(
      'payment_method_not_usable',
    );
    expect(await methodsOf(customer)).toHaveLength(1);
  });

  it('that is detached in the dashboard, or renewed by its bank, is so here', async () => {
    const customer = await createCustomer();
    const { id } = (await attach(customer, 'pm_card_visa')).body;
    await stripe.post(`/v1/payment_methods/${id}`, { 'card[exp_year]': '2099' });
    const isRenewed = ([one]: readonly PaymentMethod[]): boolean => one?.card?.exp_year === 2099;
    await eventually(() => methodsOf(customer), isRenewed);
    await stripe.post(`/v1/payment_methods/${id}/detach`);
    await eventually(
      () => methodsOf(customer),
      (all) => all.length === 0,
    );
    expect(await eventsOf(id)).toEqual([
      'payment_method.attached',
      'payment_method.updated',
      'payment_method.detached',
    ]);
  });

  it('that was attached while the service was killed is here all the same', async () => {
    const customer = await createCustomer();
    await attach(customer, 'pm_card_visa');
    const [holder] = await holdersOf(customer);
    await stripe.post('/v1/payment_methods/pm_card_mastercard/attach', { customer: holder!.id });
    await eventually(
      () => methodsOf(customer),
      (all) => all.length === 2,
    );
  });
});

describe('a setup', () => {
  it('keeps a card without a charge', async () => {
    const customer = await createCustomer();
    const { charges } = await world.sandboxCounts();
    const made = await post('/v1/setups', { customer, payment_method: 'pm_card_visa', confirm: true });
    expect([made.status, made.body.object, made.body.status]).toEqual([201, 'setup', 'succeeded']);
    expect((await methodsOf(customer)).map(({ id }) => id)).toEqual([made.body.payment_method]);
    expect((await world.sandboxCounts())['charges']).toBe(charges);
    expect(await eventsOf(made.body.id)).toEqual(['setup.succeeded']);
  });

  it('is confirmed by the page with its secret, and the challenge of the bank is met there', async () => {
    const customer = await createCustomer();
    const made = (await post('/v1/setups', { customer })).body;
    expect(made.status).toBe('requires_payment_method');
    const path = `/v1/setups/${made.id}` as const;
    const { client_secret } = made;
    expect((await page.post(`${path}/confirm`, { payment_method: 'pm_card_visa' })).status).toBe(404);
    const asked = await page.post(`${path}/confirm`, {
      ...{ client_secret, payment_method: 'pm_card_threeDSecure2Required', return_url: 'https://shop.example/back' },
    });
    expect([asked.status, asked.body.status, asked.body.customer]).toEqual([200, 'requires_action', null]);
    await stripe.answer(bankPageOf(asked.body), 'pass');
    const read = await page.get(`${path}?client_secret=${client_secret}`);
    expect([read.body.status, read.body.next_action]).toEqual(['succeeded', null]);
    expect(await methodsOf(customer)).toHaveLength(1);
    const late = await page.post(`${path}/confirm`, { client_secret, payment_method: 'pm_card_visa' });
    expect([late.status, late.body.error.code]).toEqual([409, 'setup_not_confirmable']);
  });

  it('that is declined as it is made is named by its error, as a payment is by its own', async () => {
    const customer = await createCustomer();
    const body = { customer, payment_method: 'pm_card_chargeDeclined', confirm: true };
    const key = crypto.randomUUID();
    const { status, body: shown, text } = await post('/v1/setups', body, key);
    expect([status, shown.error.code]).toEqual([402, 'card_declined']);
    expect((await post('/v1/setups', body, key)).text).toBe(text);
    const kept = await post(`/v1/setups/${shown.error.setup ?? ''}/confirm`, { payment_method: 'pm_card_visa' });
    expect([kept.status, kept.body.status]).toEqual([200, 'succeeded']);
  });

  it('that is declined says why, keeps nothing, and may be tried with another card', async () => {
    const customer = await createCustomer();
    const made = (await post('/v1/setups', { customer })).body;
    const declined = await post(`/v1/setups/${made.id}/confirm`, { payment_method: 'pm_card_chargeDeclined' });
    expect([declined.status, declined.body.error.code, declined.body.error.setup]).toEqual([
      ...[402, 'card_declined', made.id],
    ]);
    expect((await get(`/v1/setups/${made.id}`)).body).toMatchObject({
      status: 'requires_payment_method',
      last_error: { code: 'card_declined' },
    });
    expect(await methodsOf(customer)).toEqual([]);
    const good = await post(`/v1/setups/${made.id}/confirm`, { payment_method: 'pm_card_visa' });
    expect(good.body.status).toBe('succeeded');
    expect(await eventsOf(made.id)).toEqual(['setup.failed', 'setup.succeeded']);
  });

  it('is one under one key, and answers a repetition with the same bytes', async () => {
    const customer = await createCustomer();
    const body = { customer, payment_method: 'pm_card_visa', confirm: true };
    const key = crypto.randomUUID();
    const first = await post('/v1/setups', body, key);
    const again = await post('/v1/setups', body, key);
    expect([again.status, again.text]).toEqual([first.status, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await methodsOf(customer)).toHaveLength(1);
  });
});

describe('a charge while the cardholder is away', () => {
  it('is done with a card that was set up for it, and declined where the bank wants him, with the way to him', async () => {
    const customer = await createCustomer();
    await attach(customer, 'pm_card_authenticationRequired');
    const { status, body } = await charge(customer, 1250);
    expect([status, body.error.code]).toEqual([402, 'authentication_required']);
    const payment = (await get(`/v1/payments/${body.error.payment}`)).body;
    expect([payment.status, payment.last_error?.code]).toEqual(['requires_payment_method', 'authentication_required']);
    expect(await balanceOf(customer)).toBe(0);
    const back = { client_secret: payment.client_secret, return_url: 'https://shop.example/back' };
    const asked = await page.post(`/v1/payments/${payment.id}/confirm`, back);
    expect(asked.body.status).toBe('requires_action');
    await stripe.answer(bankPageOf(asked.body), 'pass');
    expect((await get(`/v1/payments/${payment.id}?client_secret=${payment.client_secret}`)).body.status).toBe(
      'succeeded',
    );
    expect(await balanceOf(customer)).toBe(1250);
    const told = JSON.stringify((await get(`/v1/payments/${payment.id}/timeline`)).body);
    expect(told.match(/Charge of [^"]* sent to Stripe(, off session[^"]*)?/g)).toEqual([
      expect.stringMatching(/off session: the cardholder is not there$/),
      expect.stringMatching(/sent to Stripe$/),
    ]);
  });

  it.each([
    ['off_session', { confirm: false, off_session: true, payment_method: 'pm_card_visa' }],
    ['off_session', { off_session: true, save_payment_method: true }],
    ['off_session', { off_session: true, next_action: 'stripe_js' }],
    ['save_payment_method', { confirm: false, save_payment_method: true }],
  ])('stands beside nothing that needs him: %s', async (param, more) => {
    const { status, body } = await post('/v1/payments', payFor(await createCustomer(), 500, more));
    expect([status, body.error.param]).toEqual([400, param]);
  });
});
