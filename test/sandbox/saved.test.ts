import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;

const CARDS = { allowed_payment_method_types: ['card' as const] };
const customer = async () => (await stripe.customers.create({ name: 'Ada', email: 'ada@example.com' })).id;
const pass = async (intent: Stripe.PaymentIntent | Stripe.SetupIntent) => {
  const page = new URL(String(intent.next_action?.use_stripe_sdk?.['stripe_js']));
  await raw('POST', page.pathname + page.search, { body: 'result=pass' });
};
/** Keeps a card for its customer, who passes his bank where it asks. */
const keep = async (whose: string, method: string) => {
  const setup = await stripe.setupIntents.create({
    ...{ ...CARDS, customer: whose, payment_method: method, confirm: true },
  });
  if (setup.status === 'requires_action') await pass(setup);
  return String((await stripe.setupIntents.retrieve(setup.id)).payment_method);
};
const charge = (whose: string, method: string, more: object = { off_session: true }) =>
  stripe.paymentIntents.create({ ...CHARGE, customer: whose, payment_method: method, ...more });
const eventsAbout = async (id: string) =>
  (await stripe.events.list({ limit: 100 })).data
    .filter(({ data }) => (data.object as { id?: string }).id === id)
    .reverse();
const saved = async (whose: string) => (await stripe.customers.listPaymentMethods(whose)).data.map(({ id }) => id);

describe('a card that a customer has saved', () => {
  test('is saved by a payment that says so, once it has succeeded, and pays again without him', async () => {
    const whose = await customer();
    const declined = charge(whose, 'pm_card_chargeDeclined', { setup_future_usage: 'off_session' });
    expect(await failureOf(declined)).toMatchObject({ code: 'card_declined' });
    expect(await saved(whose)).toEqual([]);
    const paid = await charge(whose, 'pm_card_visa', { setup_future_usage: 'off_session' });
    expect(await saved(whose)).toEqual([paid.payment_method]);
    expect((await eventsAbout(String(paid.payment_method))).map(({ type }) => type)).toEqual([
      'payment_method.attached',
    ]);
    for (let times = 0; times < 2; times++) {
      expect(await charge(whose, String(paid.payment_method))).toMatchObject({ status: 'succeeded', customer: whose });
    }
  });

  test('that asks for its owner until it is set up asks him off session too, and says so in a 402', async () => {
    const whose = await customer();
    const { id } = await stripe.paymentMethods.attach('pm_card_authenticationRequiredOnSetup', { customer: whose });
    const refused = await failureOf(charge(whose, id));
    expect(refused).toMatchObject({
      ...{ statusCode: 402, code: 'authentication_required', decline_code: 'authentication_required' },
      payment_intent: {
        ...{ status: 'requires_payment_method', payment_method: null, latest_charge: null },
        last_payment_error: { code: 'authentication_required', payment_method: { id } },
      },
    });
    // The customer comes, and finishes the same payment with the same card, which is set up from then on.
    const intent = String(refused.payment_intent?.id);
    const waiting = await stripe.paymentIntents.confirm(intent, {
      ...{ payment_method: id, setup_future_usage: 'off_session' },
    });
    expect(waiting.status).toBe('requires_action');
    await pass(waiting);
    expect((await stripe.paymentIntents.retrieve(intent)).status).toBe('succeeded');
    expect((await charge(whose, id)).status).toBe('succeeded');
    expect((await charge(whose, id, {})).status).toBe('requires_action');
  });

  test.each([
    ['pm_card_authenticationRequired', '3184', 'authentication_required', 'authentication_required'],
    [
      'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
      ...['3178', 'card_declined', 'insufficient_funds'],
    ],
  ])('%s is set up, and then refused without its owner', async (name, last4, code, declineCode) => {
    const whose = await customer();
    const method = await keep(whose, name);
    expect((await stripe.paymentMethods.retrieve(method)).card?.last4).toBe(last4);
    expect(await failureOf(charge(whose, method))).toMatchObject({ code, decline_code: declineCode });
  });

  test('that can be saved and not charged says so only when it is charged', async () => {
    const whose = await customer();
    const { id } = await stripe.paymentMethods.attach('pm_card_chargeCustomerFail', { customer: whose });
    expect(await saved(whose)).toEqual([id]);
    expect(await failureOf(charge(whose, id))).toMatchObject({ code: 'card_declined' });
  });

  test('is kept up to date by its network, which tells of it', async () => {
    const whose = await customer();
    const id = await keep(whose, 'pm_card_visa');
    const was = (await stripe.paymentMethods.retrieve(id)).card!;
    const sent = await raw('POST', `/_sandbox/payment_methods/${id}/update`, {
      body: JSON.stringify({ exp_month: 3, last4: '1881' }),
      headers: { 'Content-Type': 'application/json' },
    });
    expect(sent.json).toMatchObject({ id, card: { exp_month: 3, exp_year: was.exp_year + 4, last4: '1881' } });
    const told = (await eventsAbout(id)).at(-1);
    expect(told).toMatchObject({
      type: 'payment_method.automatically_updated',
      data: { object: { card: { last4: '1881' } }, previous_attributes: { card: { last4: '4242' } } },
    });
    const paid = await stripe.charges.retrieve(String((await charge(whose, id)).latest_charge));
    expect(paid.payment_method_details?.card).toMatchObject({ exp_month: 3, last4: '1881' });
  });

  test("that is nobody's any more is not updated", async () => {
    const { id } = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    expect((await raw('POST', `/_sandbox/payment_methods/${id}/update`, { body: '' })).status).toBe(400);
  });

  test('goes with its customer, whom nobody finds by his address any more', async () => {
    const email = 'gone@example.com';
    const { id: whose } = await stripe.customers.create({ email, metadata: { shop: '7' } });
    const { id } = await stripe.paymentMethods.attach('pm_card_visa', { customer: whose });
    await stripe.customers.update(whose, { invoice_settings: { default_payment_method: id } });
    expect((await stripe.customers.list({ email })).data).toMatchObject([
      { id: whose, metadata: { shop: '7' }, invoice_settings: { default_payment_method: id } },
    ]);
    expect(await stripe.customers.del(whose)).toEqual(expect.objectContaining({ id: whose, deleted: true }));
    expect((await stripe.customers.list({ email })).data).toEqual([]);
    expect((await eventsAbout(id)).at(-1)).toMatchObject({
      type: 'payment_method.detached',
      data: { previous_attributes: { customer: whose } },
    });
    expect((await eventsAbout(whose)).map(({ type }) => type)).toEqual([
      ...['customer.created', 'customer.updated', 'customer.deleted'],
    ]);
    expect((await failureOf(charge(whose, id))).code).toBe('resource_missing');
    expect((await failureOf(stripe.paymentIntents.create({ ...CHARGE, payment_method: id }))).message).toContain(
      'It may not be used again',
    );
  });
});
