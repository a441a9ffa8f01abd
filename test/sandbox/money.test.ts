import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe } = sandbox;

const pay = (params: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
  stripe.paymentIntents.create({ ...CHARGE, capture_method: 'automatic', ...params });
const settledCharge = async (intent: Stripe.PaymentIntent) => {
  const charge = await stripe.charges.retrieve(String(intent.latest_charge), { expand: ['balance_transaction'] });
  return { charge, transaction: charge.balance_transaction as Stripe.BalanceTransaction | null };
};
const net = async (): Promise<Record<string, number>> => {
  const { available, pending } = await stripe.balance.retrieve();
  const sums: Record<string, number> = {};
  for (const { amount, currency } of [...available, ...pending]) sums[currency] = (sums[currency] ?? 0) + amount;
  return sums;
};

describe('balance transactions of the sandbox', () => {
  test('a charge costs 2.9 % and 30, rounded half up', async () => {
    const { transaction } = await settledCharge(await pay());
    expect(transaction).toMatchObject({ amount: 1250, fee: 66, net: 1184, currency: 'usd', type: 'charge' });
    expect(transaction?.fee_details).toMatchObject([{ amount: 66, type: 'stripe_fee' }]);
  });

  test('with automatic_async the balance transaction comes after the reply, and an event tells of it', async () => {
    const created = await stripe.paymentIntents.create({ ...CHARGE, expand: ['latest_charge'] });
    const charge = created.latest_charge as Stripe.Charge;
    expect(charge.balance_transaction).toBeNull();
    await sandbox.advance(2);
    const intent = await stripe.paymentIntents.retrieve(created.id);
    expect((await settledCharge(intent)).transaction).toMatchObject({ net: 1184 });
    const { data } = await stripe.events.list({ type: 'charge.updated', limit: 1 });
    expect(data[0]?.data).toMatchObject({
      object: { id: intent.latest_charge },
      previous_attributes: { balance_transaction: null },
    });
  });

  test('a currency that the account does not hold is converted', async () => {
    const { transaction } = await settledCharge(await pay({ amount: 10_000, currency: 'chf' }));
    expect(transaction).toMatchObject({ amount: 12_500, currency: 'usd', exchange_rate: 1.25, fee: 393 });
  });

  test('funds become available after two days', async () => {
    const { transaction } = await settledCharge(await pay());
    expect(transaction?.status).toBe('pending');
    await sandbox.advance(2 * 24 * 3600 + 1);
    expect((await stripe.balanceTransactions.retrieve(transaction!.id)).status).toBe('available');
    expect((await stripe.balance.retrieve()).pending.every(({ amount }) => amount === 0)).toBe(true);
  });

  test('the balance is the sum of the nets', async () => {
    const all = await stripe.balanceTransactions.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
    const sums: Record<string, number> = {};
    for (const { currency, net: part } of all) sums[currency] = (sums[currency] ?? 0) + part;
    expect(await net()).toEqual(sums);
  });
});

describe('refunds of the sandbox', () => {
  test('may be partial and several, and never more than was captured', async () => {
    const intent = await pay();
    const first = await stripe.refunds.create({ payment_intent: intent.id, amount: 1000 });
    expect(first).toMatchObject({ status: 'succeeded', amount: 1000, charge: intent.latest_charge });
    const tooMuch = await failureOf(stripe.refunds.create({ payment_intent: intent.id, amount: 251 }));
    expect(tooMuch).toMatchObject({ statusCode: 400, param: 'amount' });
    await stripe.refunds.create({ charge: String(intent.latest_charge) });
    const charge = await stripe.charges.retrieve(String(intent.latest_charge), { expand: ['refunds'] });
    expect(charge).toMatchObject({ amount_refunded: 1250, refunded: true });
    expect(charge.refunds?.data.map(({ amount }) => amount)).toEqual([250, 1000]);
    expect((await failureOf(stripe.refunds.create({ payment_intent: intent.id }))).code).toBe(
      'charge_already_refunded',
    );
    expect((await stripe.refunds.list({ payment_intent: intent.id })).data).toHaveLength(2);
  });

  test('of 30 at once on a payment of 1250, no more are made than it holds', async () => {
    const intent = await pay();
    const made = await Promise.allSettled(
      Array.from({ length: 30 }, () => stripe.refunds.create({ payment_intent: intent.id, amount: 100 })),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(12);
  });

  test('take the amount from the balance, and keep the fee', async () => {
    const before = await net();
    const intent = await pay();
    const refund = await stripe.refunds.create({ payment_intent: intent.id }, {});
    const transaction = await stripe.balanceTransactions.retrieve(String(refund.balance_transaction));
    expect(transaction).toMatchObject({ amount: -1250, fee: 0, type: 'refund', source: refund.id });
    expect((await net())['usd']).toBe(before['usd']! - 66);
  });

  test('with pm_card_pendingRefund wait, and succeed later', async () => {
    const intent = await pay({ payment_method: 'pm_card_pendingRefund' });
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.status).toBe('pending');
    await sandbox.advance(10);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('succeeded');
  });

  test('with pm_card_refundFail fail later, and give the money back', async () => {
    const before = await net();
    const intent = await pay({ payment_method: 'pm_card_refundFail' });
    const refund = await stripe.refunds.create({ payment_intent: intent.id });
    expect(refund.status).toBe('succeeded');
    await sandbox.advance(10);
    const failed = await stripe.refunds.retrieve(refund.id);
    expect(failed).toMatchObject({ status: 'failed', failure_reason: 'expired_or_canceled_card' });
    expect(failed.failure_balance_transaction).toMatch(/^txn_/);
    expect((await settledCharge(intent)).charge).toMatchObject({ amount_refunded: 0, refunded: false });
    expect((await net())['usd']).toBe(before['usd']! + 1184);
  });

  test('are refused for a payment that took no money', async () => {
    const intent = await stripe.paymentIntents.create({ ...CHARGE, confirm: false });
    expect((await failureOf(stripe.refunds.create({ payment_intent: intent.id }))).statusCode).toBe(400);
  });
});

describe('disputes of the sandbox', () => {
  const dispute = async (): Promise<Stripe.Dispute> => {
    const intent = await pay({ payment_method: 'pm_card_createDispute' });
    await sandbox.advance(1);
    const [opened] = (await stripe.disputes.list({ payment_intent: intent.id })).data;
    return opened!;
  };
  const eventsOf = async (id: string): Promise<string[]> => {
    const { data } = await stripe.events.list({ limit: 100 });
    return data
      .filter(({ data: told }) => (told.object as { id?: string }).id === id)
      .map(({ type }) => type)
      .reverse();
  };

  test('withdraw the amount and a fee when they are opened', async () => {
    const before = await net();
    const opened = await dispute();
    expect(opened).toMatchObject({ amount: 1250, status: 'needs_response', reason: 'fraudulent' });
    expect(opened.balance_transactions).toMatchObject([{ amount: -1250, fee: 1500, reporting_category: 'dispute' }]);
    expect((await net())['usd']).toBe(before['usd']! + 1184 - 1250 - 1500);
    expect((await stripe.charges.retrieve(String(opened.charge))).disputed).toBe(true);
    expect(await eventsOf(opened.id)).toEqual(['charge.dispute.created', 'charge.dispute.funds_withdrawn']);
    const refund = await failureOf(stripe.refunds.create({ charge: String(opened.charge) }));
    expect(refund.code).toBe('charge_disputed');
  });

  test.each([
    ['winning_evidence', 'won', ['charge.dispute.funds_reinstated', 'charge.dispute.closed']],
    ['losing_evidence', 'lost', ['charge.dispute.closed']],
  ])('with %s are %s', async (evidence, status, events) => {
    const opened = await dispute();
    const sent = await stripe.disputes.update(opened.id, { evidence: { uncategorized_text: evidence } });
    expect(sent.status).toBe('under_review');
    await sandbox.advance(2);
    const closed = await stripe.disputes.retrieve(opened.id);
    expect(closed.status).toBe(status);
    expect(closed.balance_transactions).toHaveLength(status === 'won' ? 2 : 1);
    expect((await eventsOf(opened.id)).slice(3)).toEqual(events);
  });

  test('are lost by giving in', async () => {
    const opened = await dispute();
    expect((await stripe.disputes.close(opened.id)).status).toBe('lost');
    expect((await failureOf(stripe.disputes.close(opened.id))).statusCode).toBe(400);
  });
});

describe('events of the sandbox', () => {
  test('tell of each step of a payment, with the object as it was then and the request that caused it', async () => {
    const customer = await stripe.customers.create({ name: 'Grace' });
    const intent = await pay({ customer: customer.id });
    const { data } = await stripe.events.list({ limit: 3 });
    expect(data.map(({ type }) => type)).toEqual([
      'payment_intent.succeeded',
      'charge.succeeded',
      'payment_intent.created',
    ]);
    const [succeeded, , created] = data;
    expect(succeeded?.data.object).toMatchObject({ id: intent.id, status: 'succeeded' });
    expect(created?.data.object).toMatchObject({ id: intent.id, status: 'requires_confirmation' });
    expect(created?.request?.id).toBe(intent.lastResponse.requestId);
    expect(await stripe.events.retrieve(created!.id)).toMatchObject({ id: created!.id, type: created!.type });
  });

  test('are listed by type, newest first', async () => {
    const { data } = await stripe.events.list({ types: ['charge.succeeded', 'customer.created'], limit: 2 });
    expect(data.map(({ type }) => type)).toEqual(['charge.succeeded', 'customer.created']);
  });
});
