import { describe, expect, it } from '@jest/globals';
import { stripeAt } from '../support/stripe.ts';
import { bankPageOf, payFor, startWorld } from '../support/service.ts';

const world = await startWorld();
const { get, post, createCustomer } = world;
const stripe = stripeAt(world.sandbox.url);

/** What Stripe says to who integrates, and no customer of a shop understands. */
const NOT_FOR_PAYERS =
  /payment_method_data|PaymentIntent|error_on_requires_action|upgrade|integration|could not be reached/;

describe('the message of an error is for who pays', () => {
  it('where his bank did not let him pass', async () => {
    const card = { payment_method: 'pm_card_threeDSecure2Required', return_url: 'https://shop.example/back' };
    const { body } = await post('/v1/payments', payFor(await createCustomer(), 700, card));
    await stripe.answer(bankPageOf(body), 'fail');
    const read = await get(`/v1/payments/${body.id}?client_secret=${body.client_secret}`);
    expect(read.body.last_error?.message).toBe('Your bank did not approve it. Try again, or with another card.');
  });

  it('where his bank wants him, and nobody has said where he comes back to', async () => {
    const card = { payment_method: 'pm_card_threeDSecure2Required' };
    const { status, body } = await post('/v1/payments', payFor(await createCustomer(), 700, card));
    expect([status, body.error.code]).toEqual([402, 'authentication_required']);
    expect(body.error.message).toBe('Your bank asks you to approve this payment.');
  });

  it('and where nobody knows yet whether he has paid, it does not sound as if he had not', async () => {
    const heal = await stripe.fault({ kind: 'reset_after' });
    const { body } = await post('/v1/payments', payFor(await createCustomer(), 700));
    await heal();
    expect([body.error.code, body.error.outcome]).toEqual(['provider_unavailable', 'unknown']);
    expect(body.error.message).toMatch(/not known yet/);
    expect(body.error.message).not.toMatch(NOT_FOR_PAYERS);
  });
});
