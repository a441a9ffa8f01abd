import { describe, expect, it } from '@jest/globals';
import { eventually, stripeAt } from '../support/stripe.ts';
import type { Payment } from '../../src/client/api.ts';
import { bankPageOf, payFor, startWorld, type Answer } from '../support/service.ts';

const world = await startWorld();
const { post, get, createCustomer, balanceOf, query } = world;
const stripe = stripeAt(world.sandbox.url);
const page = world.as('pk_test_demo');

const CHALLENGE = 'pm_card_threeDSecure2Required';
const IN_PAGE = { payment_method: CHALLENGE, next_action: 'stripe_js' };

const open = async (): Promise<Payment> =>
  (await post('/v1/payments', { customer: await createCustomer(), amount: 700, currency: 'usd' })).body;
const confirm = ({ id, client_secret }: Payment, body: object): Promise<Answer<Payment>> =>
  page.post(`/v1/payments/${id}/confirm`, { client_secret, ...body });
const asPage = ({ id, client_secret }: Payment): Promise<Answer<Payment>> =>
  page.get(`/v1/payments/${id}?client_secret=${client_secret}`);
/** What the stand-in for Stripe.js shows: where the challenge is that the secret is of. */
const challengeAt = async (secret: string | undefined): Promise<string> =>
  (await fetch(`${world.sandbox.url}/_sandbox/3ds?client_secret=${secret}`, { redirect: 'manual' })).headers.get(
    'location',
  ) ?? 'none';
const secretOf = ({ next_action }: Payment): string | undefined =>
  (next_action as { stripe_client_secret?: string } | null)?.stripe_client_secret;

describe('a challenge that is met in the page', () => {
  it('is answered with what handleNextAction of Stripe.js takes, and by passing it the payment is paid', async () => {
    const payment = await open();
    const { status, body } = await confirm(payment, IN_PAGE);
    expect([status, body.status, body.next_action?.type]).toEqual([200, 'requires_action', 'use_stripe_js']);
    expect(secretOf(body)).toMatch(/^pi_\w+_secret_\w+$/);
    await stripe.answer(await challengeAt(secretOf(body)), 'pass');
    expect((await asPage(payment)).body).toMatchObject({ status: 'succeeded', next_action: null });
    expect(await balanceOf(String(payment.customer))).toBe(700);
    expect(await challengeAt(secretOf(body))).toBe('none');
  });

  it('may come with a payment that is charged at once, and is none of a payment that is not', async () => {
    const customer = await createCustomer();
    const { body } = await post('/v1/payments', payFor(customer, 700, IN_PAGE));
    expect(body.next_action?.type).toBe('use_stripe_js');
    const early = await post('/v1/payments', payFor(customer, 700, { ...IN_PAGE, confirm: false }));
    expect([early.status, early.body.error.param]).toEqual([400, 'next_action']);
  });

  it('is met on another page where the next confirmation says so', async () => {
    const payment = await open();
    await confirm(payment, IN_PAGE);
    const { body } = await confirm(payment, { payment_method: CHALLENGE, return_url: 'https://shop.example/back' });
    expect(body.next_action?.type).toBe('redirect_to_url');
  });

  it('shows its secret to who pays alone: no finance key and no event has it', async () => {
    const payment = await open();
    const secret = secretOf((await confirm(payment, IN_PAGE)).body);
    const finance = await world.as('fk_test_demo').get(`/v1/payments/${payment.id}`);
    expect(finance.body.next_action).toEqual({ type: 'use_stripe_js' });
    const events = await query<{ data: string }>(`select data::text as data from events where subject = $1`, [
      payment.id,
    ]);
    expect(events.length).toBeGreaterThan(0);
    expect(events.some(({ data }) => data.includes(secret!))).toBe(false);
    expect(world.logged()).not.toContain(secret!);
  });
});

describe('the first read after the customer has answered his bank', () => {
  it.each([
    ['pass', 'succeeded', 700],
    ['fail', 'requires_payment_method', 0],
  ] as const)('knows it, though no webhook came: %s, %s', async (answer, status, balance) => {
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    const payment = await open();
    const { body } = await confirm(payment, { payment_method: CHALLENGE, return_url: 'https://shop.example/back' });
    await stripe.answer(bankPageOf(body), answer);
    expect((await get(`/v1/payments/${payment.id}`)).body.status).toBe('requires_action');
    const read = await get(`/v1/payments/${payment.id}?client_secret=${payment.client_secret}`);
    expect(read.body.status).toBe(status);
    expect(await balanceOf(String(payment.customer))).toBe(balance);
    await heal();
  });

  it('asks Stripe twice at the most, however many read at the same time', async () => {
    const payment = await open();
    await confirm(payment, IN_PAGE);
    const before = (await world.sandboxCounts())['requests']!;
    const read = await Promise.all(Array.from({ length: 20 }, () => asPage(payment)));
    expect(read.map(({ body }) => body.status)).toEqual(Array.from({ length: 20 }, () => 'requires_action'));
    // What the service asks by itself meanwhile is not counted out: some requests, and not twenty.
    expect((await world.sandboxCounts())['requests']! - before).toBeLessThan(10);
  });

  it('is answered with what is known where Stripe is silent', async () => {
    const payment = await open();
    await confirm(payment, IN_PAGE);
    const heal = await stripe.fault({ kind: 'hang_before', method: 'GET', path: '/v1/payment_intents/*' });
    expect((await asPage(payment)).body.status).toBe('requires_action');
    await heal();
  });
});

describe('a confirmation token', () => {
  const tokenFor = async (method: string): Promise<string> =>
    (await stripe.post('/v1/test_helpers/confirmation_tokens', { payment_method: method })).id;

  it('stands in the place of a payment method, and the payment shows what was behind it', async () => {
    const payment = await open();
    const { body } = await confirm(payment, { confirmation_token: await tokenFor('pm_card_visa') });
    expect(body.status).toBe('succeeded');
    expect(body.payment_method).toMatch(/^pm_/);
    const atOnce = await post('/v1/payments', {
      ...{ customer: payment.customer, amount: 300, currency: 'usd', confirm: true },
      confirmation_token: await tokenFor('pm_card_visa'),
    });
    expect([atOnce.status, atOnce.body.status]).toEqual([201, 'succeeded']);
    await eventually(
      () => balanceOf(String(payment.customer)),
      (balance) => balance === 1000,
    );
  });

  it('that is declined is used up: the next confirmation needs another', async () => {
    const payment = await open();
    const token = await tokenFor('pm_card_visa_chargeDeclined');
    expect((await confirm(payment, { confirmation_token: token })).body.error.code).toBe('card_declined');
    const again = await confirm(payment, { confirmation_token: token });
    expect([again.status, again.body.error.code]).toEqual([402, 'payment_method_not_usable']);
    expect((await confirm(payment, { confirmation_token: await tokenFor('pm_card_visa') })).status).toBe(200);
  });

  it('stands beside no payment method', async () => {
    const both = { payment_method: 'pm_card_visa', confirmation_token: 'ctoken_1' };
    const { status, body } = await confirm(await open(), both);
    expect([status, body.error.param]).toEqual([400, 'confirmation_token']);
  });
});
