import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/stripe.ts';
import type { Payment } from '../../src/client/api.ts';
import { payFor, startWorld } from '../support/service.ts';

const world = await startWorld();
const { post, get, createCustomer, balanceOf, sandboxCounts, as } = world;
const browser = as('pk_test_demo');

/** A payment that waits to be confirmed. */
const createPayment = async (customer: string, more: object = {}): Promise<Payment> =>
  (await post('/v1/payments', { customer, amount: 700, currency: 'usd', ...more })).body;

describe('a payment that is confirmed at once', () => {
  it('charges the card and credits the wallet', async () => {
    const customer = await createCustomer();
    const { status, body } = await post(
      '/v1/payments',
      payFor(customer, 1250, { description: 'Ten buns', metadata: { order: '7' } }),
    );
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^pay_[0-9a-f]{32}$/),
      object: 'payment',
      status: 'succeeded',
      amount: 1250,
      amount_captured: 1250,
      amount_refunded: 0,
      amount_returned: 0,
      currency: 'usd',
      customer,
      payment_method: 'pm_card_visa',
      capture_method: 'automatic',
      description: 'Ten buns',
      metadata: { order: '7' },
      reference: null,
      client_secret: expect.stringMatching(/^pay_[0-9a-f]{32}_secret_[\w-]{32}$/),
      next_action: null,
      last_error: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect((await get(`/v1/payments/${body.id}`)).body).toEqual(body);
    expect(await balanceOf(customer)).toBe(1250);
  });

  it('is written as one transfer from clearing to the wallet, with the balances after it', async () => {
    const customer = await createCustomer();
    const { body } = await post('/v1/payments', payFor(customer, 300));
    const rows = await world.query<{ kind: string; amount: string; credit_balance_after: string }>(
      `select kind, amount, credit_balance_after from transfers where payment_id = $1 and kind <> 'fee'`,
      [body.id.slice(4)],
    );
    expect(rows).toEqual([{ kind: 'payment', amount: '300', credit_balance_after: '300' }]);
  });

  it('tells of itself in one event, without the client secret', async () => {
    const customer = await createCustomer();
    const { body } = await post('/v1/payments', payFor(customer, 300));
    const events = await world.query<{ type: string; data: Payment }>(
      'select type, data from events where subject = $1',
      [body.id],
    );
    expect(events.map(({ type }) => type)).toEqual(['payment.succeeded']);
    expect(events[0]!.data).toMatchObject({ id: body.id, status: 'succeeded' });
    expect(events[0]!.data).not.toHaveProperty('client_secret');
  });

  it('takes its amount as digits too, and credits a wallet of its own in each currency', async () => {
    const customer = await createCustomer();
    for (const [amount, currency] of [
      ['500', 'usd'],
      ['500', 'jpy'],
      [1230, 'kwd'],
      [500, 'isk'],
    ] as const)
      expect((await post('/v1/payments', payFor(customer, 0, { amount, currency }))).status).toBe(201);
    const decimals = await Promise.all(
      ['usd', 'jpy', 'kwd', 'isk', 'eur'].map(
        async (code) => (await get(`/v1/customers/${customer}/balance?currency=${code}`)).body.decimal,
      ),
    );
    expect(decimals).toEqual(['5.00', '500', '1.230', '5.00', '0.00']);
  });
});

describe('a card', () => {
  it.each([
    ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', undefined],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', undefined],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error', undefined],
    ['pm_card_radarBlock', 'card_declined', 'fraudulent'],
  ])('that is declined (%s) is told as %s, and moves nothing', async (payment_method, code, declineCode) => {
    const customer = await createCustomer();
    const { status, body } = await post('/v1/payments', payFor(customer, 100, { payment_method }));
    expect(status).toBe(402);
    expect(body.error).toMatchObject({ type: 'card_error', code, outcome: 'none', retry: 'new_key' });
    expect(body.error.decline_code).toBe(declineCode);
    const payment = (await get(`/v1/payments/${String(body.error.payment)}`)).body;
    expect(payment).toMatchObject({ status: 'requires_payment_method', amount_captured: 0, last_error: { code } });
    expect(await balanceOf(customer)).toBe(0);
  });

  it.each(['pm_card_authenticationRequired', 'pm_card_threeDSecure2Required'])(
    'that asks for its holder (%s) leaves the payment waiting for them, with where to go',
    async (payment_method) => {
      const customer = await createCustomer();
      const { status, body } = await post(
        '/v1/payments',
        payFor(customer, 100, { payment_method, return_url: 'https://shop.example/back' }),
      );
      expect([status, body.status]).toEqual([201, 'requires_action']);
      expect(body.next_action).toMatchObject({
        type: 'redirect_to_url',
        redirect_to_url: { return_url: 'https://shop.example/back' },
      });
      expect(await balanceOf(customer)).toBe(0);
    },
  );

  it.each(['pm_card_createDispute', 'pm_card_pendingRefund', 'pm_card_refundFail'])(
    'that is charged first (%s) is charged',
    async (payment_method) => {
      expect((await post('/v1/payments', payFor(await createCustomer(), 100, { payment_method }))).body.status).toBe(
        'succeeded',
      );
    },
  );

  it('that Stripe does not know is refused, and nothing is charged', async () => {
    const { status, body } = await post(
      '/v1/payments',
      payFor(await createCustomer(), 100, { payment_method: 'pm_never_seen' }),
    );
    expect([status, body.error.code]).toEqual([402, 'payment_method_not_usable']);
  });

  it('that was attached to another customer is refused', async () => {
    const stripe = async (path: string, form: Record<string, string>): Promise<Payment> => {
      const response = await fetch(world.sandbox.url + path, {
        method: 'POST',
        headers: { Authorization: 'Bearer sk_test_sandbox' },
        body: new URLSearchParams(form),
      });
      return (await response.json()) as Payment;
    };
    const owner = await stripe('/v1/customers', {});
    const method = await stripe('/v1/payment_methods/pm_card_visa/attach', { customer: owner.id });
    const customer = await createCustomer();
    const { status, body } = await post('/v1/payments', payFor(customer, 100, { payment_method: method.id }));
    expect([status, body.error.code, body.error.outcome]).toEqual([402, 'payment_method_not_usable', 'none']);
    expect(await balanceOf(customer)).toBe(0);
  });
});

describe('a payment that is confirmed later', () => {
  it('waits for a payment method, or for its confirmation, and charges nothing', async () => {
    const customer = await createCustomer();
    const before = (await sandboxCounts())['payment_intents'];
    expect((await createPayment(customer)).status).toBe('requires_payment_method');
    expect((await createPayment(customer, { payment_method: 'pm_card_visa' })).status).toBe('requires_confirmation');
    expect((await sandboxCounts())['payment_intents']).toBe(before);
  });

  it("is charged when the merchant's server confirms it", async () => {
    const customer = await createCustomer();
    const { id } = await createPayment(customer);
    const { status, body } = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' });
    expect([status, body.status, body.amount_captured]).toEqual([200, 'succeeded', 700]);
    expect(body.client_secret).toBeDefined();
    expect(await balanceOf(customer)).toBe(700);
  });

  it('is charged when a browser confirms it with its client secret, which the reply does not repeat', async () => {
    const customer = await createCustomer();
    const { id, client_secret } = await createPayment(customer, { payment_method: 'pm_card_visa' });
    const { status, body } = await browser.post(`/v1/payments/${id}/confirm`, { client_secret });
    expect([status, body.status]).toEqual([200, 'succeeded']);
    expect(body).not.toHaveProperty('client_secret');
    const seen = await browser.get(`/v1/payments/${id}?client_secret=${String(client_secret)}`);
    expect([seen.status, seen.body]).toEqual([200, body]);
  });

  it('is neither shown to a browser nor confirmed by it without that secret', async () => {
    const customer = await createCustomer();
    const { id } = await createPayment(customer, { payment_method: 'pm_card_visa' });
    const other = await createPayment(customer);
    for (const client_secret of [undefined, '', 'wrong', other.client_secret]) {
      const confirmed = await browser.post(`/v1/payments/${id}/confirm`, {
        ...(client_secret ? { client_secret } : {}),
      });
      expect([confirmed.status, confirmed.body.error.code]).toEqual([404, 'payment_not_found']);
    }
    for (const query of ['', '?client_secret=wrong', `?client_secret=${String(other.client_secret)}`])
      expect((await browser.get(`/v1/payments/${id}${query}`)).status).toBe(404);
    expect((await get(`/v1/payments/${id}`)).body.status).toBe('requires_confirmation');
  });

  it('shows its client secret to secret keys alone', async () => {
    const { id } = await createPayment(await createCustomer());
    const finance = as('fk_test_demo');
    expect((await finance.get(`/v1/payments/${id}`)).body).not.toHaveProperty('client_secret');
    for (const one of (await finance.get('/v1/payments')).body.data) expect(one).not.toHaveProperty('client_secret');
    expect((await get('/v1/payments')).body.data[0]).toHaveProperty('client_secret');
  });

  it('asks for a payment method where it has none', async () => {
    const { id } = await createPayment(await createCustomer());
    const { status, body } = await post(`/v1/payments/${id}/confirm`, {});
    expect([status, body.error.code, body.error.param]).toEqual([400, 'payment_method_required', 'payment_method']);
    const made = await post('/v1/payments', { ...payFor(await createCustomer(), 5), payment_method: null });
    expect([made.status, made.body.error.code]).toEqual([400, 'payment_method_required']);
  });

  it('takes another card after a decline, on the same payment and the same intent, and charges once', async () => {
    const customer = await createCustomer();
    const { id } = await createPayment(customer);
    const before = await sandboxCounts();
    const declined = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa_chargeDeclined' });
    expect([declined.status, declined.body.error.payment]).toEqual([402, id]);
    const paid = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_mastercard' });
    expect([paid.status, paid.body.status, paid.body.payment_method, paid.body.last_error]).toEqual([
      200,
      'succeeded',
      'pm_card_mastercard',
      null,
    ]);
    const after = await sandboxCounts();
    expect([after['payment_intents']! - before['payment_intents']!, after['charges']! - before['charges']!]).toEqual([
      1, 1,
    ]);
    expect(await balanceOf(customer)).toBe(700);
  });

  it('is not charged again once it is paid', async () => {
    const customer = await createCustomer();
    const { id } = await createPayment(customer, { payment_method: 'pm_card_visa' });
    await post(`/v1/payments/${id}/confirm`, {});
    const again = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_mastercard' });
    expect([again.status, again.body.error.code, again.body.error.payment]).toEqual([
      409,
      'payment_not_confirmable',
      id,
    ]);
    expect(await balanceOf(customer)).toBe(700);
  });

  it('is charged once, however many confirm it at a time under keys of their own', async () => {
    const customer = await createCustomer();
    const { id } = await createPayment(customer, { payment_method: 'pm_card_visa' });
    const charges = (await sandboxCounts())['charges']!;
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(`/v1/payments/${id}/confirm`, {})));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.error.code))).toEqual(
      new Set(['payment_not_confirmable']),
    );
    expect((await sandboxCounts())['charges']).toBe(charges + 1);
    expect(await balanceOf(customer)).toBe(700);
  });
});

describe('the list of payments', () => {
  it('is newest first, and goes on where a page ended, in both directions', async () => {
    const customer = await createCustomer();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await createPayment(customer)).id);
    const page = async (query: string): Promise<{ ids: string[]; more: boolean }> => {
      const { body } = await get(`/v1/payments?customer=${customer}&${query}`);
      expect([body.object, body.url]).toEqual(['list', '/v1/payments']);
      return { ids: body.data.map(({ id }) => id), more: body.has_more };
    };
    expect(await page('')).toEqual({ ids, more: false });
    expect(await page('limit=2')).toEqual({ ids: ids.slice(0, 2), more: true });
    expect(await page(`limit=2&starting_after=${ids[1]!}`)).toEqual({ ids: ids.slice(2, 4), more: true });
    expect(await page(`limit=2&starting_after=${ids[3]!}`)).toEqual({ ids: ids.slice(4), more: false });
    // What is seconds old is not yet in a page that goes on from an earlier one.
    await eventually(
      () => page(`limit=4&ending_before=${ids[4]!}`),
      (found) => found.ids.length === 4,
    );
    expect(await page(`limit=2&ending_before=${ids[4]!}`)).toEqual({ ids: ids.slice(2, 4), more: true });
    expect(await page(`limit=2&ending_before=${ids[2]!}`)).toEqual({ ids: ids.slice(0, 2), more: false });
    expect(await page(`starting_after=${ids[4]!}`)).toEqual({ ids: [], more: false });
  });

  it('is narrowed by customer and by status', async () => {
    const [one, other] = [await createCustomer(50), await createCustomer(60)];
    const open = await createPayment(one);
    const amounts = async (query: string): Promise<number[]> =>
      (await get(`/v1/payments?${query}`)).body.data.map(({ amount }) => amount);
    expect(await amounts(`customer=${other}`)).toEqual([60]);
    expect(await amounts(`customer=${one}&status=succeeded`)).toEqual([50]);
    expect(await amounts(`customer=${one}&status=requires_payment_method`)).toEqual([open.amount]);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['status=paid', 'status'],
    ['customer=cus_1', 'customer'],
    ['starting_after=pay_1', 'starting_after'],
    [`starting_after=pay_${'0'.repeat(32)}&ending_before=pay_${'0'.repeat(32)}`, 'ending_before'],
    ['page=2', 'page'],
    ['limit=1&limit=2', 'limit'],
  ])('refuses the query %s', async (query, param) => {
    const { status, body } = await get(`/v1/payments?${query}`);
    expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', param]);
  });
});

it('in the end the sum over all accounts is zero in every currency, and each charge of the sandbox is in the ledger', async () => {
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
  const [ledger] = await world.query<{ n: string }>("select count(*) as n from transfers where kind = 'payment'");
  expect(Number(ledger!.n)).toBe((await sandboxCounts())['charges']);
});
