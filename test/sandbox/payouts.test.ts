import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe } = sandbox;
const TWO_DAYS_S = 2 * 24 * 3600 + 1;

const earn = async (currency = 'usd'): Promise<void> => {
  await stripe.paymentIntents.create({ ...CHARGE, currency, capture_method: 'automatic' });
  await sandbox.advance(TWO_DAYS_S);
};
/** As Stripe pays out by itself every day. */
const payOut = async (more: object = {}, currency = 'usd'): Promise<Stripe.Payout> => {
  const body = JSON.stringify({ currency, ...more });
  const headers = { 'Content-Type': 'application/json' };
  return (await sandbox.raw('POST', '/_sandbox/payouts', { body, headers })).json as Stripe.Payout;
};
const listed = async (payout: string) =>
  (await stripe.balanceTransactions.list({ payout, limit: 100 })).data.map(({ type, net }) => [type, net]);
const available = async (currency = 'usd') =>
  (await stripe.balance.retrieve()).available.find((part) => part.currency === currency)?.amount;
const eventsOf = async (payout: string) =>
  (await stripe.events.list({ limit: 100 })).data
    .filter(({ data }) => (data.object as { id?: string }).id === payout)
    .map(({ type }) => type)
    .reverse();

describe('a payout of the sandbox', () => {
  test('takes all that is available in its currency, and lists what it was made of', async () => {
    await earn();
    await earn('eur');
    const made = await payOut();
    expect(made).toMatchObject({
      amount: 1184,
      currency: 'usd',
      status: 'pending',
      reconciliation_status: 'in_progress',
    });
    expect(await listed(made.id)).toEqual([
      ['payout', -1184],
      ['charge', 1184],
    ]);
    expect([await available(), await available('eur')]).toEqual([0, 1184]);
    await sandbox.advance(2);
    expect(await stripe.payouts.retrieve(made.id)).toMatchObject({
      status: 'paid',
      reconciliation_status: 'completed',
    });
    expect(await eventsOf(made.id)).toEqual(['payout.created', 'payout.paid', 'payout.reconciliation_completed']);
    expect((await stripe.payouts.list({ status: 'paid' })).data.map(({ id }) => id)).toEqual([made.id]);
  });

  test('to an account that is closed comes back, and is part of the next', async () => {
    await earn();
    const made = await payOut({ destination: 'ba_sandbox_closed' });
    await sandbox.advance(2);
    await sandbox.advance(6);
    expect(await stripe.payouts.retrieve(made.id)).toMatchObject({ status: 'failed', failure_code: 'account_closed' });
    expect((await eventsOf(made.id)).at(-1)).toBe('payout.failed');
    expect(await listed((await payOut()).id)).toEqual([
      ['payout', -1184],
      ['payout_failure', 1184],
    ]);
  });

  test('by hand needs its amount, may take a part of what is available, and does not say what it was made of', async () => {
    const byHand = (more: object) => stripe.payouts.create({ currency: 'usd', ...more } as Stripe.PayoutCreateParams);
    expect(await failureOf(byHand({}))).toMatchObject({ code: 'parameter_missing', param: 'amount' });
    expect(await failureOf(byHand({ amount: 100 }))).toMatchObject({ code: 'balance_insufficient' });
    await earn();
    const made = await byHand({ amount: 100 });
    expect(made).toMatchObject({ automatic: false, reconciliation_status: 'not_applicable' });
    expect((await failureOf(stripe.balanceTransactions.list({ payout: made.id }))).message).toContain('not manual');
    expect(await listed((await payOut()).id)).toEqual([
      ['payout', -1084],
      ['payout', -100],
      ['charge', 1184],
    ]);
    const second = await stripe.payouts.cancel((await earn(), await byHand({ amount: 100 })).id);
    expect(second.status).toBe('canceled');
  });
});
