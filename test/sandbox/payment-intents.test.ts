import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;

const unconfirmed = { amount: 900, currency: 'eur', allowed_payment_method_types: ['card' as const] };
const chargeOf = async (intent: Stripe.PaymentIntent): Promise<Stripe.Charge> =>
  stripe.charges.retrieve(String(intent.latest_charge));

describe('a payment intent of the sandbox', () => {
  test('is paid when it is created with a working card and confirmed', async () => {
    const intent = await stripe.paymentIntents.create({ ...CHARGE, metadata: { order: '7' }, description: 'tea' });
    expect(intent).toMatchObject({
      status: 'succeeded',
      amount: 1250,
      amount_received: 1250,
      currency: 'usd',
      capture_method: 'automatic_async',
      metadata: { order: '7' },
      last_payment_error: null,
    });
    expect(intent.payment_method).toMatch(/^pm_(?!card)/);
    expect(intent.client_secret).toMatch(new RegExp(`^${intent.id}_secret_`));
    expect(await chargeOf(intent)).toMatchObject({
      status: 'succeeded',
      captured: true,
      amount_captured: 1250,
      payment_intent: intent.id,
      metadata: { order: '7' },
      description: 'tea',
    });
    expect(await stripe.paymentIntents.retrieve(intent.id)).toMatchObject({ id: intent.id, status: 'succeeded' });
  });

  test('waits for a card, then for its confirmation, and is then paid', async () => {
    const created = await stripe.paymentIntents.create(unconfirmed);
    expect(created.status).toBe('requires_payment_method');
    const updated = await stripe.paymentIntents.update(created.id, { payment_method: 'pm_card_mastercard' });
    expect(updated.status).toBe('requires_confirmation');
    const confirmed = await stripe.paymentIntents.confirm(created.id);
    expect(confirmed.status).toBe('succeeded');
    expect((await chargeOf(confirmed)).payment_method_details?.card).toMatchObject({
      brand: 'mastercard',
      last4: '4444',
    });
  });

  test.each([
    ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline', 'Your card was declined.'],
    [
      'pm_card_visa_chargeDeclinedInsufficientFunds',
      'card_declined',
      'insufficient_funds',
      'Your card has insufficient funds.',
    ],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card', 'Your card was declined.'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card', 'Your card was declined.'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', undefined, 'Your card has expired.'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', undefined, "Your card's security code is incorrect."],
    [
      'pm_card_chargeDeclinedProcessingError',
      'processing_error',
      undefined,
      'An error occurred while processing your card. Try again in a little bit.',
    ],
    ['pm_card_radarBlock', 'card_declined', 'fraudulent', 'Your card was declined.'],
  ])('is declined with %s, and says why as Stripe does', async (method, code, declineCode, message) => {
    const failure = await failureOf(stripe.paymentIntents.create({ ...CHARGE, payment_method: method }));
    expect(failure).toMatchObject({ statusCode: 402, rawType: 'card_error', code, message });
    // Where Stripe sends none, its package makes an empty text of it.
    expect(failure.decline_code).toBe(declineCode ?? '');
    const intent = failure.payment_intent!;
    expect(intent).toMatchObject({ status: 'requires_payment_method', payment_method: null, amount_received: 0 });
    expect(intent.last_payment_error).toMatchObject({ code, message, charge: failure.charge });
    expect(await stripe.charges.retrieve(failure.charge!)).toMatchObject({
      status: 'failed',
      paid: false,
      failure_code: code,
      outcome: { type: method === 'pm_card_radarBlock' ? 'blocked' : 'issuer_declined' },
    });
  });

  test('is paid with another card after a decline, on the same intent', async () => {
    const failure = await failureOf(
      stripe.paymentIntents.create({ ...CHARGE, payment_method: 'pm_card_visa_chargeDeclined' }),
    );
    const intent = await stripe.paymentIntents.confirm(failure.payment_intent!.id, { payment_method: 'pm_card_visa' });
    expect(intent).toMatchObject({ status: 'succeeded', last_payment_error: null });
    const { data } = await stripe.charges.list({ payment_intent: intent.id });
    expect(data.map(({ status }) => status)).toEqual(['succeeded', 'failed']);
  });

  test('holds the money until it is captured, and lets go of what a partial capture leaves', async () => {
    const held = await stripe.paymentIntents.create({ ...CHARGE, capture_method: 'manual' });
    expect(held).toMatchObject({ status: 'requires_capture', amount_capturable: 1250, amount_received: 0 });
    const tooMuch = await failureOf(stripe.paymentIntents.capture(held.id, { amount_to_capture: 1251 }));
    expect(tooMuch).toMatchObject({
      ...{ statusCode: 400, code: 'amount_too_large', param: undefined },
      payment_intent: { id: held.id, status: 'requires_capture' },
    });
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000 });
    expect(captured).toMatchObject({ status: 'succeeded', amount_capturable: 0, amount_received: 1000 });
    expect(await chargeOf(captured)).toMatchObject({ captured: true, amount: 1250, amount_captured: 1000 });
    const twice = await failureOf(stripe.paymentIntents.capture(held.id));
    expect(twice).toMatchObject({ statusCode: 400, code: 'payment_intent_unexpected_state' });
  });

  test('lapses seven days after it was held', async () => {
    const held = await stripe.paymentIntents.create({ ...CHARGE, capture_method: 'manual' });
    await sandbox.advance(7 * 24 * 3600 - 60);
    expect((await stripe.paymentIntents.retrieve(held.id)).status).toBe('requires_capture');
    await sandbox.advance(120);
    expect(await stripe.paymentIntents.retrieve(held.id)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'expired',
    });
    const { data } = await stripe.events.list({ type: 'charge.expired' });
    expect(data.map(({ data: { object } }) => (object as Stripe.Charge).payment_intent)).toContain(held.id);
  });

  test('is canceled from every status but the last two, and then neither confirmed nor captured', async () => {
    for (const params of [
      unconfirmed,
      { ...CHARGE, confirm: false },
      { ...CHARGE, capture_method: 'manual' as const },
    ]) {
      const intent = await stripe.paymentIntents.create(params);
      const canceled = await stripe.paymentIntents.cancel(intent.id, { cancellation_reason: 'duplicate' });
      expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'duplicate', amount_capturable: 0 });
      for (const step of [
        stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' }),
        stripe.paymentIntents.capture(intent.id),
        stripe.paymentIntents.cancel(intent.id),
      ]) {
        expect((await failureOf(step)).code).toBe('payment_intent_unexpected_state');
      }
    }
    const paid = await stripe.paymentIntents.create(CHARGE);
    expect((await failureOf(stripe.paymentIntents.cancel(paid.id))).code).toBe('payment_intent_unexpected_state');
  });

  test('cannot be confirmed twice, nor without a card', async () => {
    const paid = await stripe.paymentIntents.create(CHARGE);
    expect((await failureOf(stripe.paymentIntents.confirm(paid.id))).message).toContain('already succeeded');
    const bare = await stripe.paymentIntents.create(unconfirmed);
    expect((await failureOf(stripe.paymentIntents.confirm(bare.id))).message).toContain('missing a payment method');
  });

  test.each([
    ['pm_card_sandbox_processing', 'succeeded', ['charge.succeeded', 'payment_intent.succeeded']],
    ['pm_card_sandbox_processingFails', 'requires_payment_method', ['charge.failed', 'payment_intent.payment_failed']],
  ])('with %s is processing at first, and then %s', async (method, status, events) => {
    const waiting = await stripe.paymentIntents.create({
      ...CHARGE,
      payment_method: method,
      capture_method: 'automatic',
    });
    expect(waiting).toMatchObject({ status: 'processing', amount_received: 0 });
    expect((await chargeOf(waiting)).status).toBe('pending');
    expect((await failureOf(stripe.paymentIntents.confirm(waiting.id))).code).toBe('payment_intent_unexpected_state');
    await sandbox.advance(10);
    const done = await stripe.paymentIntents.retrieve(waiting.id);
    expect(done).toMatchObject({ status, latest_charge: waiting.latest_charge });
    const { data } = await stripe.events.list({ limit: 20 });
    const about = data.filter(({ data: { object } }) =>
      [waiting.id, waiting.latest_charge].includes((object as { id: string }).id),
    );
    const told = about.map(({ type }) => type).reverse();
    expect(told).toEqual(['payment_intent.created', 'charge.pending', 'payment_intent.processing', ...events]);
  });

  test('keeps its amount once it is paid, but takes a description and metadata', async () => {
    const paid = await stripe.paymentIntents.create({ ...CHARGE, metadata: { a: '1', b: '2' } });
    expect((await failureOf(stripe.paymentIntents.update(paid.id, { amount: 1 }))).code).toBe(
      'payment_intent_unexpected_state',
    );
    const updated = await stripe.paymentIntents.update(paid.id, { description: 'late', metadata: { a: '', c: '3' } });
    expect(updated).toMatchObject({ description: 'late', metadata: { b: '2', c: '3' } });
    expect(updated.metadata).not.toHaveProperty('a');
  });

  test('asks for a return_url where its methods might redirect, unless a list of types says they do not', async () => {
    const form = 'amount=1&currency=usd&payment_method=pm_card_visa&confirm=true';
    const refused = await raw('POST', '/v1/payment_intents', { body: form });
    expect(refused.status).toBe(400);
    expect(refused.json.error.message).toContain('you must provide a `return_url`');
    for (const more of ['allowed_payment_method_types[]=card', 'return_url=https://shop.test/back']) {
      expect((await raw('POST', '/v1/payment_intents', { body: `${form}&${more}` })).json.status).toBe('succeeded');
    }
  });

  test('that is processing can be canceled, and the answer that comes later changes nothing', async () => {
    const waiting = await stripe.paymentIntents.create({ ...CHARGE, payment_method: 'pm_card_sandbox_processing' });
    expect((await stripe.paymentIntents.cancel(waiting.id)).status).toBe('canceled');
    await sandbox.advance(10);
    const canceled = await stripe.paymentIntents.retrieve(waiting.id);
    expect(canceled).toMatchObject({ status: 'canceled', amount_received: 0 });
    expect((await chargeOf(canceled)).status).toBe('failed');
  });

  test('refuses a payment method that was used without a customer', async () => {
    const paid = await stripe.paymentIntents.create(CHARGE);
    const failure = await failureOf(
      stripe.paymentIntents.create({ ...CHARGE, payment_method: String(paid.payment_method) }),
    );
    expect(failure.message).toContain('may not be used again');
  });
});

describe('3-D Secure in the sandbox', () => {
  const start = async (returnUrl?: string) => {
    const intent = await stripe.paymentIntents.create({
      ...CHARGE,
      payment_method: 'pm_card_threeDSecure2Required',
      ...(returnUrl === undefined ? {} : { return_url: returnUrl }),
    });
    expect(intent).toMatchObject({ status: 'requires_action', latest_charge: null });
    return intent;
  };
  const pageOf = (intent: Stripe.PaymentIntent): string =>
    (intent.next_action?.redirect_to_url?.url ?? '').replace(sandbox.url, '');
  const answer = (page: string, result: string) => raw('POST', page, { body: `result=${result}` });

  test('leads to a page, and passing it pays and leads back', async () => {
    const intent = await start('https://shop.test/back?order=1');
    const page = await raw('GET', pageOf(intent));
    expect(page.text).toMatch(/<button[^>]*value="pass">Pass<.*<button[^>]*value="fail">Fail</s);
    const passed = await answer(pageOf(intent), 'pass');
    expect(passed.status).toBe(303);
    const back = new URL(passed.headers.get('location')!);
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      order: '1',
      payment_intent: intent.id,
      payment_intent_client_secret: intent.client_secret,
      redirect_status: 'succeeded',
    });
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
  });

  test('failing it asks for another card, and takes no money', async () => {
    const intent = await start('https://shop.test/back');
    const failed = await answer(pageOf(intent), 'fail');
    expect(failed.headers.get('location')).toContain('redirect_status=failed');
    const after = await stripe.paymentIntents.retrieve(intent.id);
    expect(after).toMatchObject({ status: 'requires_payment_method', latest_charge: null });
    expect(after.last_payment_error?.code).toBe('payment_intent_authentication_failure');
  });

  test('a page whose attempt another card has replaced pays nothing', async () => {
    const intent = await start('https://shop.test/back');
    await stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    expect((await answer(pageOf(intent), 'pass')).status).toBe(410);
    expect((await stripe.charges.list({ payment_intent: intent.id })).data).toHaveLength(1);
  });

  test('is asked of any card where the intent says so, whenever it is confirmed', async () => {
    const intent = await stripe.paymentIntents.create({
      ...CHARGE,
      confirm: false,
      payment_method_options: { card: { request_three_d_secure: 'any' } },
    });
    expect((await stripe.paymentIntents.confirm(intent.id)).status).toBe('requires_action');
  });

  test('a page is answered once', async () => {
    const intent = await start('https://shop.test/back');
    const answers = await Promise.all([answer(pageOf(intent), 'pass'), answer(pageOf(intent), 'fail')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 410]);
  });

  test('a forged attempt is refused', async () => {
    const intent = await start('https://shop.test/back');
    expect((await answer(`/_sandbox/3ds/${intent.id}?attempt=guess`, 'pass')).status).toBe(410);
    expect((await stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_action');
  });

  test('is refused where the customer is not there', async () => {
    const failure = await failureOf(
      stripe.paymentIntents.create({ ...CHARGE, payment_method: 'pm_card_authenticationRequired', off_session: true }),
    );
    expect(failure).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_required',
    });
  });

  test('a card may be declined after it was passed', async () => {
    const intent = await stripe.paymentIntents.create({
      ...CHARGE,
      payment_method: 'pm_card_threeDSecureRequiredChargeDeclined',
      return_url: 'https://shop.test/back',
    });
    expect((await answer(pageOf(intent), 'pass')).headers.get('location')).toContain('redirect_status=failed');
    expect((await stripe.paymentIntents.retrieve(intent.id)).last_payment_error?.code).toBe('card_declined');
  });
});
