import { describe, expect, test } from '@jest/globals';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;

const CARDS = { allowed_payment_method_types: ['card' as const] };
const customer = async () => (await stripe.customers.create({ name: 'Ada' })).id;
const answer = async (url: string | undefined, result: 'pass' | 'fail') => {
  const page = new URL(url ?? '');
  return raw('POST', page.pathname + page.search, { body: `result=${result}` });
};
const eventsAbout = async (id: string) =>
  (await stripe.events.list({ limit: 100 })).data
    .filter(({ data }) => (data.object as { id?: string }).id === id)
    .map(({ type }) => type)
    .reverse();

describe('a setup intent of the sandbox', () => {
  test('keeps a card for its customer, without a charge', async () => {
    const whose = await customer();
    const setup = await stripe.setupIntents.create({
      ...{ ...CARDS, customer: whose, payment_method: 'pm_card_visa', confirm: true, metadata: { order: '7' } },
    });
    expect(setup).toMatchObject({ status: 'succeeded', usage: 'off_session', metadata: { order: '7' } });
    const saved = (await stripe.customers.listPaymentMethods(whose)).data;
    expect(saved.map(({ id }) => id)).toEqual([setup.payment_method]);
    expect((await stripe.charges.list({ customer: whose })).data).toEqual([]);
    const { latest_attempt: tried } = await stripe.setupIntents.retrieve(setup.id, { expand: ['latest_attempt'] });
    expect(tried).toMatchObject({ object: 'setup_attempt', status: 'succeeded', setup_intent: setup.id });
    expect(await eventsAbout(setup.id)).toEqual(['setup_intent.created', 'setup_intent.succeeded']);
  });

  test('is declined with the reason, and may be tried again with another card', async () => {
    const made = await stripe.setupIntents.create({ ...CARDS, customer: await customer() });
    expect(made.status).toBe('requires_payment_method');
    const failure = await failureOf(
      stripe.setupIntents.confirm(made.id, { payment_method: 'pm_card_visa_chargeDeclined' }),
    );
    expect(failure).toMatchObject({ statusCode: 402, code: 'card_declined', decline_code: 'generic_decline' });
    expect(failure.setup_intent).toMatchObject({ status: 'requires_payment_method' });
    const again = await stripe.setupIntents.confirm(made.id, { payment_method: 'pm_card_mastercard' });
    expect(again).toMatchObject({ status: 'succeeded', last_setup_error: null });
  });

  test('asks the owner at his bank, and goes back to where he came from', async () => {
    const made = await stripe.setupIntents.create({
      ...{ ...CARDS, customer: await customer(), payment_method: 'pm_card_authenticationRequiredOnSetup' },
      ...{ confirm: true, return_url: 'https://shop.test/back' },
    });
    expect(made.status).toBe('requires_action');
    const back = await answer(made.next_action?.redirect_to_url?.url ?? undefined, 'pass');
    const location = new URL(back.headers.get('location') ?? '');
    expect(location.searchParams.get('setup_intent')).toBe(made.id);
    expect(location.searchParams.get('redirect_status')).toBe('succeeded');
    expect((await stripe.setupIntents.retrieve(made.id)).status).toBe('succeeded');
  });

  test('that its owner fails at his bank can be confirmed with another card', async () => {
    const made = await stripe.setupIntents.create({
      ...{ ...CARDS, payment_method: 'pm_card_authenticationRequired', confirm: true },
    });
    await answer(String(made.next_action?.use_stripe_sdk?.['stripe_js']), 'fail');
    expect(await stripe.setupIntents.retrieve(made.id)).toMatchObject({
      status: 'requires_payment_method',
      last_setup_error: { code: 'setup_intent_authentication_failure' },
    });
  });

  test('lets a card pay without its owner, who was asked for it before', async () => {
    const whose = await customer();
    const charge = (method: string) =>
      stripe.paymentIntents.create({ ...CHARGE, customer: whose, payment_method: method, off_session: true });
    const refused = await failureOf(charge('pm_card_authenticationRequiredOnSetup'));
    expect(refused).toMatchObject({ statusCode: 402, code: 'authentication_required' });
    const made = await stripe.setupIntents.create({
      ...{ ...CARDS, customer: whose, payment_method: 'pm_card_authenticationRequiredOnSetup', confirm: true },
    });
    await answer(String(made.next_action?.use_stripe_sdk?.['stripe_js']), 'pass');
    expect((await charge(String(made.payment_method))).status).toBe('succeeded');
  });

  test('is canceled, and then neither confirmed nor canceled again', async () => {
    const made = await stripe.setupIntents.create(CARDS);
    expect((await stripe.setupIntents.cancel(made.id)).status).toBe('canceled');
    for (const step of [stripe.setupIntents.confirm(made.id), stripe.setupIntents.cancel(made.id)]) {
      expect(await failureOf(step)).toMatchObject({ code: 'setup_intent_unexpected_state', statusCode: 400 });
    }
  });
});

describe('a confirmation token of the sandbox', () => {
  const make = (more: object = {}) =>
    stripe.testHelpers.confirmationTokens.create({
      ...{ payment_method: 'pm_card_visa', return_url: 'https://shop.test/back', ...more },
    });

  test('pays once, with what it was made with', async () => {
    const token = await make({ setup_future_usage: 'off_session' });
    expect(token).toMatchObject({ object: 'confirmation_token', payment_method_preview: { card: { last4: '4242' } } });
    const pay = { amount: 900, currency: 'eur', confirm: true, confirmation_token: token.id };
    const paid = await stripe.paymentIntents.create(pay);
    expect(paid).toMatchObject({ status: 'succeeded', setup_future_usage: 'off_session' });
    expect((await stripe.confirmationTokens.retrieve(token.id)).payment_intent).toBe(paid.id);
    expect((await failureOf(stripe.paymentIntents.create(pay))).param).toBe('confirmation_token');
  });

  test('names its card no further than a page may see', async () => {
    const token = await make({ payment_method: 'pm_card_chargeDeclined' });
    expect(JSON.stringify(token)).not.toContain('chargeDeclined');
    const pay = { amount: 900, currency: 'eur', confirm: true, confirmation_token: token.id };
    expect(await failureOf(stripe.paymentIntents.create(pay))).toMatchObject({ code: 'card_declined' });
  });

  test('confirms a setup too, and lapses after twelve hours', async () => {
    const setup = await stripe.setupIntents.create({ customer: await customer() });
    const token = await make();
    const kept = await stripe.setupIntents.confirm(setup.id, { confirmation_token: token.id });
    expect(kept.status).toBe('succeeded');
    const late = await make();
    await sandbox.advance(12 * 3600 + 1);
    const pay = { amount: 900, currency: 'eur', confirm: true, confirmation_token: late.id };
    expect((await failureOf(stripe.paymentIntents.create(pay))).message).toContain('expired');
  });
});

describe('a page with a publishable key', () => {
  const page = (method: string, path: string, form: Record<string, string> = {}) => {
    const body = new URLSearchParams(form).toString();
    const headers = { Authorization: 'Bearer pk_test_page' };
    return method === 'GET' ? raw(method, `${path}?${body}`, { headers }) : raw(method, path, { body, headers });
  };

  test('makes a token, confirms the payment whose secret it holds, and sees what a page may see', async () => {
    const intent = await stripe.paymentIntents.create({
      ...{ amount: 900, currency: 'eur', metadata: { cost: '1' }, customer: await customer() },
    });
    const token = await page('POST', '/v1/confirmation_tokens', {
      ...{ 'payment_method_data[type]': 'card', 'payment_method_data[card][token]': 'tok_visa' },
      return_url: 'https://shop.test/back',
    });
    const secret = { client_secret: intent.client_secret ?? '' };
    const path = `/v1/payment_intents/${intent.id}`;
    const confirmed = await page('POST', `${path}/confirm`, { ...secret, confirmation_token: token.json.id });
    expect(confirmed.json.status).toBe('succeeded');
    const seen = await page('GET', path, secret);
    expect(seen.json).toMatchObject({ id: intent.id, status: 'succeeded', amount: 900 });
    for (const hidden of ['metadata', 'customer', 'latest_charge']) expect(seen.json).not.toHaveProperty(hidden);
  });

  test('touches nothing without the secret, and nothing else at all', async () => {
    const { id } = await stripe.paymentIntents.create({ amount: 900, currency: 'eur' });
    expect((await page('GET', `/v1/payment_intents/${id}`)).json.error.param).toBe('client_secret');
    expect((await page('GET', `/v1/payment_intents/${id}`, { client_secret: 'no' })).status).toBe(404);
    const list = await page('GET', '/v1/payment_intents');
    expect(list.status).toBe(401);
    expect(list.json.error.code).toBe('secret_key_required');
  });
});

test('a test token is shown as the card that it stands for', async () => {
  expect(await stripe.tokens.retrieve('tok_mastercard')).toMatchObject({
    object: 'token',
    card: { brand: 'MasterCard', last4: '4444' },
  });
});
