/** A story of one day, told to a running demo: each route is asked once, and what it answers is an example of it. */
import type { Example, Examples } from '../../src/contract/examples.ts';

const CUSTOMER = 'cus_00000000000070008000000000100000';

interface Shown {
  readonly id: string;
  readonly data: readonly Shown[];
}

/** `url` is a service with the demo keys. Fails where a route does not answer with a success. */
export const recordExamples = async (url: string, newKey: () => string): Promise<Examples> => {
  const examples: Record<string, Example> = {};
  const ask = async (name: string, method: string, path: string, body?: object): Promise<Shown> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        Authorization: 'Bearer sk_test_demo',
        'Content-Type': 'application/json',
        'Idempotency-Key': newKey(),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const reply = (await response.json()) as Shown;
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${JSON.stringify(reply)}`);
    examples[name] = { path, ...(body ? { body } : {}), reply };
    return reply;
  };
  const get = (name: string, path: string): Promise<Shown> => ask(name, 'GET', path);
  const post = (name: string, path: string, body: object): Promise<Shown> => ask(name, 'POST', path, body);

  const friend = await post('createCustomer', '/v1/customers', { name: 'Ada', email: 'ada@shop.example' });
  await get('readCustomer', `/v1/customers/${friend.id}`);
  await get('listCustomers', '/v1/customers?email=ada@shop.example');
  await post('updateCustomer', `/v1/customers/${friend.id}`, { name: 'Ada Lovelace', metadata: { table: '7' } });
  const card = { customer: CUSTOMER, currency: 'usd', payment_method: 'pm_card_visa' };

  await post('attachPaymentMethod', `/v1/customers/${friend.id}/payment_methods`, { payment_method: 'pm_card_visa' });
  const saved = await get('listPaymentMethods', `/v1/customers/${friend.id}/payment_methods`);
  const setup = await post('createSetup', '/v1/setups', { customer: friend.id });
  await get('readSetup', `/v1/setups/${setup.id}`);
  await post('confirmSetup', `/v1/setups/${setup.id}/confirm`, { payment_method: 'pm_card_mastercard' });
  await ask('detachPaymentMethod', 'DELETE', `/v1/payment_methods/${saved.data[0]?.id ?? ''}`);

  const held = await post('createPayment', '/v1/payments', {
    ...{ ...card, amount: 4000, confirm: true, capture_method: 'manual' },
  });
  await post('capturePayment', `/v1/payments/${held.id}/capture`, { amount: 3000 });
  const open = await post('createPayment', '/v1/payments', { ...card, amount: 2500 });
  await post('confirmPayment', `/v1/payments/${open.id}/confirm`, { payment_method: 'pm_card_mastercard' });
  await post('updatePayment', `/v1/payments/${open.id}`, { reference: 'order-1815', metadata: { table: '7' } });
  const dropped = await post('createPayment', '/v1/payments', { ...card, amount: 900 });
  await post('cancelPayment', `/v1/payments/${dropped.id}/cancel`, {});
  const paid = await post('createPayment', '/v1/payments', { ...card, amount: 1250, confirm: true });
  const refund = await post('createRefund', '/v1/refunds', { payment: paid.id, amount: 250 });
  await get('readRefund', `/v1/refunds/${refund.id}`);
  await get('listRefunds', '/v1/refunds?limit=1');
  await get('readPayment', `/v1/payments/${paid.id}`);
  await get('readPaymentTimeline', `/v1/payments/${paid.id}/timeline`);
  await get('listPayments', '/v1/payments?limit=1');
  await get('readCustomerBalance', `/v1/customers/${CUSTOMER}/balance?currency=usd`);

  const accounts = await get('listAccounts', `/v1/accounts?customer=${CUSTOMER}&limit=1`);
  const wallet = accounts.data[0]?.id ?? '';
  await get('readAccount', `/v1/accounts/${wallet}`);
  await get('readAccountBalance', `/v1/accounts/${wallet}/balance`);
  await post('queryBalances', '/v1/balances/query', { accounts: [wallet] });
  await post('createDebit', '/v1/debits', { customer: CUSTOMER, amount: 100, currency: 'usd' });
  const other = await ask('readCustomerBalance', 'GET', `/v1/customers/${friend.id}/balance?currency=usd`);
  const to = (other as unknown as { account: string }).account;
  const one = { from: wallet, to, amount: 50, currency: 'usd' };
  const moved = await post('createTransfer', '/v1/transfers', { ...one, reference: 'gift-7' });
  await get('readTransfer', `/v1/transfers/${moved.id}`);
  await post('reverseTransfer', `/v1/transfers/${moved.id}/reverse`, { amount: 20, reason: 'too much' });
  await get('listTransfers', '/v1/transfers?limit=1');
  await get('listEntries', `/v1/accounts/${wallet}/entries?limit=1`);
  await get('readStatement', `/v1/accounts/${wallet}/statement?from=2026-01-01&to=2026-02-01`);
  await get('readActivity', '/v1/activity?from=2026-01-01&to=2026-02-01&tz=Europe/Berlin');
  // The demo's past has some of each.
  const disputes = await get('listDisputes', '/v1/disputes?limit=1');
  await get('readDispute', `/v1/disputes/${disputes.data[0]?.id ?? ''}`);
  const payouts = await get('listPayouts', '/v1/payouts?limit=1');
  const payout = `/v1/payouts/${payouts.data[0]?.id ?? ''}`;
  await get('readPayout', payout);
  await get('listPayoutTransactions', `${payout}/balance_transactions?limit=1`);
  await get('listBalanceTransactions', '/v1/balance_transactions?limit=1');
  await post('createBulkTransfer', '/v1/transfers/bulk', { mode: 'independent', transfers: [one] });
  const usage = {
    currency: 'usd',
    items: [
      { quantity: '1.5', unit_price: '0.4' },
      { quantity: 20, unit_price: '2' },
    ],
  };
  await post('quoteUsage', '/v1/usage/quote', usage);
  await post('spendUsage', '/v1/usage', { customer: CUSTOMER, ...usage });
  await post('createItem', '/v1/items', { name: 'gadget', unit_price: '349', currency: 'usd' });
  await get('readItem', '/v1/items/item_demo');
  await get('readTrialBalance', '/v1/trial_balance');
  await get('readVolume', '/v1/volume');
  await get('readProof', '/v1/ledger/proof');
  await get('listPeriods', '/v1/ledger/periods');
  await post('closePeriod', '/v1/ledger/periods', { ends: '2026-03-31', tz: 'Europe/Berlin' });

  const endpoint = await post('createWebhookEndpoint', '/v1/webhook_endpoints', {
    ...{ url: 'http://127.0.0.1:4999/hooks', enabled_events: ['payment.succeeded'] },
  });
  const at = `/v1/webhook_endpoints/${endpoint.id}`;
  await get('listWebhookEndpoints', '/v1/webhook_endpoints?limit=1');
  await get('readWebhookEndpoint', at);
  await post('updateWebhookEndpoint', at, { description: 'the shop' });
  await ask('rotateWebhookSecret', 'POST', `${at}/rotate_secret`);
  const events = await get('listEvents', `/v1/events?subject=${paid.id}&limit=1`);
  const event = `/v1/events/${events.data[0]?.id ?? ''}`;
  await get('readEvent', event);
  await post('redeliverEvent', `${event}/redeliver`, {});
  await get('listDeliveries', `${event}/deliveries`);
  await ask('deleteWebhookEndpoint', 'DELETE', at);
  await ask('deleteCustomer', 'DELETE', `/v1/customers/${friend.id}`);
  return examples;
};
