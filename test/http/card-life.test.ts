import { describe, expect, it } from '@jest/globals';
import { BACK, cardPayments, CHALLENGE } from '../support/card-payments.ts';
import { bankPageOf, startWorld } from '../support/service.ts';
import { movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, createCustomer, balanceOf, query, as, createKey, sandboxCounts } = world;
const { read, becomes, intentOf, create, confirmed, held, challenged, declined } = cardPayments(world);
const stripe = stripeAt(world.sandbox.url);

describe('a challenge', () => {
  it('that is passed brings the customer back to where the merchant said', async () => {
    const payment = await challenged();
    const { status, location } = await stripe.answer(bankPageOf(payment), 'pass');
    expect(status).toBe(303);
    expect(location).toMatch(/^https:\/\/shop\.example\/back\?payment_intent=pi_/);
    await becomes(payment.id, 'succeeded');
  });

  it('that is passed and then declined by the bank is told as that decline', async () => {
    const payment = await challenged({ payment_method: 'pm_card_threeDSecureRequiredChargeDeclined' });
    await stripe.answer(bankPageOf(payment), 'pass');
    const after = await becomes(payment.id, 'requires_payment_method');
    expect(after.last_error).toMatchObject({ code: 'card_declined', decline_code: 'generic_decline' });
  });

  it('without a way back is no dead end: the error says that the bank asks for the cardholder', async () => {
    const customer = await createCustomer();
    const { status, body } = await post('/v1/payments', {
      ...{ customer, amount: 700, currency: 'usd', payment_method: CHALLENGE, confirm: true },
    });
    expect([status, body.error.code, body.error.decline_code]).toEqual([
      402,
      'authentication_required',
      'authentication_not_handled',
    ]);
    const again = await post(`/v1/payments/${String(body.error.payment)}/confirm`, {
      payment_method: CHALLENGE,
      return_url: BACK,
    });
    expect([again.status, again.body.status]).toEqual([200, 'requires_action']);
  });

  it('that was left open in one tab is void once another card has paid in the other', async () => {
    const payment = await challenged();
    const paid = await post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_card_visa' });
    expect([paid.status, paid.body.status, paid.body.next_action]).toEqual([200, 'succeeded', null]);
    expect((await stripe.answer(bankPageOf(payment), 'pass')).status).toBe(410);
    expect(await balanceOf(String(payment.customer))).toBe(700);
  });

  it('that was passed in one tab has paid, whatever card the other tab sends afterwards', async () => {
    const payment = await challenged();
    await stripe.answer(bankPageOf(payment), 'pass');
    const other = await post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_card_mastercard' });
    expect([200, 409]).toContain(other.status);
    expect((await becomes(payment.id, 'succeeded')).amount_captured).toBe(700);
    expect(await balanceOf(String(payment.customer))).toBe(700);
  });

  it('and another card, at the same moment in two tabs, charge once', async () => {
    for (let round = 0; round < 5; round++) {
      const payment = await challenged();
      const charges = (await sandboxCounts())['charges']!;
      await Promise.all([
        stripe.answer(bankPageOf(payment), 'pass'),
        post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_card_visa' }),
        post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_card_mastercard' }),
      ]);
      await becomes(payment.id, 'succeeded');
      expect((await sandboxCounts())['charges']).toBe(charges + 1);
      expect(await balanceOf(String(payment.customer))).toBe(700);
    }
  });

  it('stays open where the other tab sends a card that cannot be used, and can still be passed', async () => {
    const payment = await challenged({ capture_method: 'manual' });
    const refused = await post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_never_seen' });
    expect([refused.status, refused.body.error.code]).toEqual([402, 'payment_method_not_usable']);
    const still = await read(payment.id);
    expect([still.status, still.next_action]).toEqual(['requires_action', payment.next_action]);
    await stripe.answer(bankPageOf(payment), 'pass');
    await becomes(payment.id, 'requires_capture');
  });

  it('is begun anew for a second card that asks for it, and the first page is void', async () => {
    const payment = await challenged();
    const second = await post(`/v1/payments/${payment.id}/confirm`, { payment_method: CHALLENGE });
    expect(second.body.status).toBe('requires_action');
    expect(bankPageOf(second.body)).not.toBe(bankPageOf(payment));
    expect((await stripe.answer(bankPageOf(payment), 'pass')).status).toBe(410);
    await stripe.answer(bankPageOf(second.body), 'pass');
    await becomes(payment.id, 'succeeded');
  });

  it('comes back to where the confirmation said, also where a request was lost and sent again by the sweeper', async () => {
    const { id } = await create();
    await stripe.fault({ kind: 'error_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const lost = await post(`/v1/payments/${id}/confirm`, { payment_method: CHALLENGE, return_url: BACK });
    expect([lost.status, lost.body.error.outcome]).toEqual([503, 'unknown']);
    await clock.advance(world.sandbox.url, 11);
    const payment = await becomes(id, 'requires_action');
    expect(payment.next_action).toMatchObject({ redirect_to_url: { return_url: BACK } });
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,hello',
    'file:///etc/passwd',
    '//shop.example/back',
    '/back',
    'https://user:password@shop.example/',
    'https://',
    `https://shop.example/${'a'.repeat(2048)}`,
    'https://shop.example/\u0000',
    7,
  ])('does not send anyone to %p', async (return_url) => {
    const { id } = await create({ payment_method: CHALLENGE });
    const { status, body } = await post(`/v1/payments/${id}/confirm`, { return_url });
    expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', 'return_url']);
    expect((await read(id)).status).toBe('requires_confirmation');
  });
});

describe('a declined card', () => {
  it('is followed by a new one on the same PaymentIntent, under a key of its own, and charges once', async () => {
    const { id, customer } = await declined();
    const intent = await intentOf(id);
    const paid = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' });
    expect([paid.body.status, paid.body.last_error, await intentOf(id)]).toEqual(['succeeded', null, intent]);
    const keys = await query<{ id: string }>('select id from attempts where payment_id = $1', [id.slice(4)]);
    expect(keys).toHaveLength(2);
    expect(await balanceOf(String(customer))).toBe(700);
  });

  it('leaves a held payment of another customer as it is', async () => {
    const [other] = [await held(), await declined()];
    expect((await read(other.id)).status).toBe('requires_capture');
  });
});

describe('a capture', () => {
  it('of a part takes that part, gives up the rest, and is done once', async () => {
    const { id, customer } = await held();
    const part = await post(`/v1/payments/${id}/capture`, { amount: 250 });
    expect([part.status, part.body.status, part.body.amount, part.body.amount_captured]).toEqual([
      200,
      'succeeded',
      700,
      250,
    ]);
    expect(await balanceOf(String(customer))).toBe(250);
    const again = await post(`/v1/payments/${id}/capture`, { amount: 1 });
    expect([again.status, again.body.error.code]).toEqual([409, 'payment_not_capturable']);
    expect(await balanceOf(String(customer))).toBe(250);
  });

  it('of all at the same time by ten callers is done once', async () => {
    const { id, customer } = await held();
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(`/v1/payments/${id}/capture`, {})));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(409)]);
    expect(await balanceOf(String(customer))).toBe(700);
  });

  it.each([701, 99_999_999])('of %d, more than was authorized, is refused, and all is still held', async (amount) => {
    const { id } = await held();
    const { status, body } = await post(`/v1/payments/${id}/capture`, { amount });
    expect([status, body.error.code, body.error.param]).toEqual([409, 'capture_exceeds_payment', 'amount']);
    expect((await post(`/v1/payments/${id}/capture`, {})).body.amount_captured).toBe(700);
  });

  it.each([0, -1, 1.5, '1e2', null, 'all'])('of %p is no amount', async (amount) => {
    const { id } = await held();
    const { status } = await post(`/v1/payments/${id}/capture`, { amount });
    // Null is the same as nothing, and so all of it.
    expect(status).toBe(amount === null ? 200 : 400);
  });

  it('after a cancel, of a payment that holds nothing, or of another merchant is refused', async () => {
    const { id } = await held();
    await post(`/v1/payments/${id}/cancel`, {});
    for (const one of [id, (await confirmed()).id, (await create()).id, (await challenged()).id]) {
      const { status, body } = await post(`/v1/payments/${one}/capture`, {});
      expect([status, body.error.code, body.error.payment]).toEqual([409, 'payment_not_capturable', one]);
    }
    const mine = await held();
    const other = as(await createKey('Another', 'secret'));
    for (const action of ['capture', 'cancel', 'confirm']) {
      const more = action === 'confirm' ? { payment_method: 'pm_card_visa' } : {};
      const { status, body } = await other.post(`/v1/payments/${mine.id}/${action}`, more);
      expect([status, body.error.code]).toEqual([404, 'payment_not_found']);
    }
    expect((await read(mine.id)).status).toBe('requires_capture');
  });

  it('of what expired or was canceled at Stripe, which nobody has told yet, is refused, and the payment is canceled', async () => {
    const { id, customer } = await held();
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/cancel`);
    const { status, body } = await post(`/v1/payments/${id}/capture`, {});
    expect([status, body.error.code]).toEqual([409, 'payment_not_capturable']);
    expect((await read(id)).status).toBe('canceled');
    expect(await balanceOf(String(customer))).toBe(0);
    await heal();
  });

  it('and a cancel at the same moment end in one of the two', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, customer } = await held();
      const answers = await Promise.all([
        post(`/v1/payments/${id}/capture`, {}),
        post(`/v1/payments/${id}/cancel`, {}),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const { status } = await read(id);
      expect(await balanceOf(String(customer))).toBe(status === 'succeeded' ? 700 : 0);
    }
  });
});

describe('a cancel', () => {
  it('lets go of what was held, ends a challenge, and is done once', async () => {
    const open = await challenged();
    for (const { id } of [await held(), open]) {
      expect((await post(`/v1/payments/${id}/cancel`, {})).body.status).toBe('canceled');
      const again = await post(`/v1/payments/${id}/cancel`, {});
      expect([again.status, again.body.error.code]).toEqual([409, 'payment_not_cancelable']);
      const confirm = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' });
      expect([confirm.status, confirm.body.error.code]).toEqual([409, 'payment_not_confirmable']);
    }
    expect((await stripe.answer(bankPageOf(open), 'pass')).status).toBe(410);
  });

  it('of what is paid is refused', async () => {
    const { id, customer } = await confirmed();
    const { status, body } = await post(`/v1/payments/${id}/cancel`, {});
    expect([status, body.error.code]).toEqual([409, 'payment_not_cancelable']);
    expect(await balanceOf(String(customer))).toBe(700);
  });

  it('of what was captured at Stripe, which nobody has told yet, is refused, and the payment is paid', async () => {
    const { id, customer } = await held();
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/capture`);
    const { status, body } = await post(`/v1/payments/${id}/cancel`, {});
    expect([status, body.error.code]).toEqual([409, 'payment_not_cancelable']);
    expect((await read(id)).status).toBe('succeeded');
    expect(await balanceOf(String(customer))).toBe(700);
    await heal();
  });

  it('is told to the merchant as an event', async () => {
    const { id } = await held();
    await post(`/v1/payments/${id}/cancel`, {});
    const events = await query<{ type: string }>('select type from events where subject = $1 order by id', [id]);
    expect(events.map(({ type }) => type)).toEqual(['payment.requires_capture', 'payment.canceled']);
  });
});

describe('a client secret', () => {
  it('opens its own payment and no other, to read, to confirm and to challenge', async () => {
    const browser = as('pk_test_demo');
    const mine = await create();
    const other = await challenged();
    for (const action of ['confirm']) {
      const { status } = await browser.post(`/v1/payments/${other.id}/${action}`, {
        client_secret: mine.client_secret,
        payment_method: 'pm_card_visa',
      });
      expect(status).toBe(404);
    }
    for (const action of ['capture', 'cancel']) {
      const { status } = await browser.post(`/v1/payments/${other.id}/${action}`, {});
      expect(status).toBe(403);
    }
    expect((await browser.get(`/v1/payments/${other.id}?client_secret=${String(mine.client_secret)}`)).status).toBe(
      404,
    );
    expect((await browser.get(`/v1/payments/${mine.id}?client_secret=${String(mine.client_secret)}`)).status).toBe(200);
    expect(await read(other.id)).toMatchObject({ status: 'requires_action', next_action: other.next_action });
  });
});
