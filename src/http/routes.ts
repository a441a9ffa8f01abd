/** Everything that the API does, on one screen. Handlers are one line: the work is in payments/ and ledger/. */
import { account, accountBalance, balances, customerBalance } from '../ledger/balance.ts';
import { createCustomer, eraseCustomer, listCustomers, readCustomer, updateCustomer } from '../ledger/customer.ts';
import { listEntries } from '../ledger/entries.ts';
import { createItem } from '../ledger/item.ts';
import { listAccounts, listTransfers, readTransfer } from '../ledger/list.ts';
import {
  listBalanceTransactions,
  listDisputes,
  listPayoutLines,
  listPayouts,
  readDispute,
  readPayout,
} from '../ledger/stripe-lists.ts';
import { trialBalance, trialBalanceCsv } from '../ledger/trial-balance.ts';
import { activity, activityCsv } from '../ledger/activity.ts';
import { reverse } from '../ledger/reverse.ts';
import { closePeriod, listPeriods, readProof } from '../ledger/proof.ts';
import { debit, transfer, transferInBulk } from '../ledger/transfer.ts';
import { quoteUsage, spendUsage } from '../ledger/usage.ts';
import { accessOf } from '../payments/access.ts';
import { confirmPayment } from '../payments/confirm.ts';
import { listContradictions, resolveContradiction } from '../payments/contradictions.ts';
import { createPayment } from '../payments/create.ts';
import { cancelPayment, capturePayment } from '../payments/capture.ts';
import { listPayments, listRefunds, readPayment, readRefund } from '../payments/read.ts';
import { createRefund } from '../payments/refund.ts';
import { attachMethod, chooseDefault, detachMethod, listMethods } from '../payments/saved.ts';
import { confirmSetup, createSetup, readSetup } from '../payments/setup.ts';
import { readVolume } from '../payments/volume.ts';
import { readTimeline } from '../payments/timeline.ts';
import { updatePayment } from '../payments/update.ts';
import {
  createEndpoint,
  deleteEndpoint,
  listEndpoints,
  readEndpoint,
  rotateSecret,
  updateEndpoint,
} from '../webhooks/endpoints.ts';
import { listDeliveries, listEvents, readEvent, redeliver } from '../webhooks/events.ts';
import { CHARGE, KEEP, REVERSAL, TRANSFER } from '../domain/refusals.ts';
import { readItem } from './items.ts';
import { reply, route, type Route } from './route.ts';
import { sendStatement, table } from './statement.ts';
import * as gives from './replies.ts';
import * as takes from './requests.ts';
import * as webhooks from './webhook-requests.ts';

const ONLY_SECRET = ['secret'] as const;
const READERS = ['secret', 'finance'] as const;

// prettier-ignore
export const routes: readonly Route[] = [
  route({ name: 'createCustomer', method: 'POST', path: '/v1/customers', summary: 'Make a customer', roles: ONLY_SECRET, class: 'money', key: 'optional', body: takes.customer,
    reply: [201, gives.customer], errors: [],
    handle: (ctx, call) => createCustomer(ctx, call, call.body) }),
  route({ name: 'readCustomer', method: 'GET', path: '/v1/customers/:id', summary: 'Read a customer', roles: READERS, class: 'read', key: 'none', params: takes.ofCustomer,
    reply: [200, gives.customer], errors: ['customer_not_found'],
    handle: (ctx, { merchant, params }) => readCustomer(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'listCustomers', method: 'GET', path: '/v1/customers', summary: 'List customers, newest first, or find one by e-mail', roles: READERS, class: 'read', key: 'none', query: takes.customers,
    reply: [200, gives.list(gives.customer)], errors: [],
    handle: (ctx, { merchant, query }) => listCustomers(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'updateCustomer', method: 'POST', path: '/v1/customers/:id', summary: 'Change who a customer is', roles: ONLY_SECRET, class: 'money', key: 'none', params: takes.ofCustomer, body: takes.customerUpdate,
    reply: [200, gives.customer], errors: ['customer_not_found', 'payment_method_not_found'],
    handle: (ctx, { merchant, params, body: { default_payment_method: chosen, ...wanted } }) => chooseDefault(ctx, merchant, params.id, chosen).andThen(() => updateCustomer(ctx, merchant, params.id, wanted)).andThen(reply(200)) }),
  route({ name: 'deleteCustomer', method: 'DELETE', path: '/v1/customers/:id', summary: 'Erase who a customer is; the money stays as it is', roles: ONLY_SECRET, class: 'money', key: 'none', params: takes.ofCustomer,
    reply: [200, gives.customer], errors: ['customer_not_found'],
    handle: (ctx, { merchant, params }) => eraseCustomer(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'readCustomerBalance', method: 'GET', path: '/v1/customers/:id/balance', summary: "Read a customer's wallet, now or at a time", roles: READERS, class: 'read', key: 'none', params: takes.ofCustomer, query: takes.inCurrency,
    reply: [200, gives.balance], errors: ['customer_not_found'],
    handle: (ctx, { merchant, params, query }) => customerBalance(ctx, merchant, params.id, query.currency, query).andThen(reply(200)) }),

  route({ name: 'listPaymentMethods', method: 'GET', path: '/v1/customers/:id/payment_methods', summary: 'List what a customer has saved, newest first', roles: READERS, class: 'read', key: 'none', params: takes.ofCustomer, query: takes.methods,
    reply: [200, gives.list(gives.paymentMethod)], errors: ['customer_not_found'],
    handle: (ctx, { merchant, params, query }) => listMethods(ctx, merchant, params.id, query).andThen(reply(200)) }),
  route({ name: 'attachPaymentMethod', method: 'POST', path: '/v1/customers/:id/payment_methods', summary: 'Save a payment method of a customer who is not there', roles: ONLY_SECRET, class: 'money', key: 'optional', params: takes.ofCustomer, body: takes.attachment,
    reply: [201, gives.paymentMethod], errors: ['customer_not_found', ...KEEP],
    handle: (ctx, call) => attachMethod(ctx, call, { ...call.body, customer: call.params.id }) }),
  route({ name: 'detachPaymentMethod', method: 'DELETE', path: '/v1/payment_methods/:id', summary: 'Forget a saved payment method, for good', roles: ONLY_SECRET, class: 'money', key: 'none', params: takes.ofMethod,
    reply: [200, gives.detachedMethod], errors: ['payment_method_not_found', 'provider_refused', 'provider_unavailable'],
    handle: (ctx, { merchant, params }) => detachMethod(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'createSetup', method: 'POST', path: '/v1/setups', summary: 'Keep a card without a charge', roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.setup,
    reply: [201, gives.setup], errors: ['customer_not_found', 'payment_method_required', ...KEEP],
    handle: (ctx, call) => createSetup(ctx, call, call.body) }),
  route({ name: 'confirmSetup', method: 'POST', path: '/v1/setups/:id/confirm', summary: 'Ask the card whether it may be kept', roles: ['secret', 'publishable'], class: 'money', cors: true, key: 'required', params: takes.ofSetup, body: takes.setupConfirmation,
    reply: [200, gives.setup], errors: ['setup_not_found', 'setup_not_confirmable', 'payment_method_required', 'too_many_attempts', ...KEEP],
    handle: (ctx, call) => confirmSetup(ctx, call, { ...call.body, setup: call.params.id, access: accessOf(call.principal.role, call.body.clientSecret) }) }),
  route({ name: 'readSetup', method: 'GET', path: '/v1/setups/:id', summary: 'Read a setup', roles: ['secret', 'finance', 'publishable'], class: 'read', cors: true, key: 'none', params: takes.ofSetup, query: takes.withSecret,
    reply: [200, gives.setup], errors: ['setup_not_found'],
    handle: (ctx, { merchant, params, principal, query }) => readSetup(ctx, merchant, params.id, accessOf(principal.role, query.clientSecret)).andThen(reply(200)) }),

  route({ name: 'createPayment', method: 'POST', path: '/v1/payments', summary: 'Make a payment, and charge it with `confirm`', roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.payment,
    reply: [201, gives.payment], errors: ['customer_not_found', 'payment_method_required', 'payment_not_confirmable', ...CHARGE],
    handle: (ctx, call) => createPayment(ctx, call, call.body) }),
  route({ name: 'confirmPayment', method: 'POST', path: '/v1/payments/:id/confirm', summary: 'Charge a payment', roles: ['secret', 'publishable'], class: 'money', cors: true, key: 'required', params: takes.ofPayment, body: takes.confirmation,
    reply: [200, gives.payment], errors: ['payment_not_found', 'payment_method_required', 'payment_not_confirmable', 'too_many_attempts', ...CHARGE],
    handle: (ctx, call) => confirmPayment(ctx, call, { ...call.body, payment: call.params.id, access: accessOf(call.principal.role, call.body.clientSecret) }) }),
  route({ name: 'readPayment', method: 'GET', path: '/v1/payments/:id', summary: 'Read a payment', roles: ['secret', 'finance', 'publishable'], class: 'read', cors: true, key: 'none', params: takes.ofPayment, query: takes.withSecret,
    reply: [200, gives.payment], errors: ['payment_not_found'],
    handle: (ctx, { merchant, params, principal, query }) => readPayment(ctx, merchant, params.id, { ...query, access: accessOf(principal.role, query.clientSecret) }).andThen(reply(200)) }),
  route({ name: 'listPayments', method: 'GET', path: '/v1/payments', summary: 'List payments, newest first', roles: READERS, class: 'read', key: 'none', query: takes.payments,
    reply: [200, gives.list(gives.payment)], errors: [],
    handle: (ctx, { merchant, principal, query }) => listPayments(ctx, merchant, query, principal.role === 'secret').andThen(reply(200)) }),

  route({ name: 'updatePayment', method: 'POST', path: '/v1/payments/:id', summary: 'Change what a payment says, and its amount until it is first confirmed', roles: ONLY_SECRET, class: 'money', key: 'optional', params: takes.ofPayment, body: takes.paymentUpdate,
    reply: [200, gives.payment], errors: ['payment_not_found', 'payment_not_updatable'],
    handle: (ctx, call) => updatePayment(ctx, call, call.params.id, call.body) }),

  route({ name: 'capturePayment', method: 'POST', path: '/v1/payments/:id/capture', summary: 'Take what the card holds, or a part of it', roles: ONLY_SECRET, class: 'money', key: 'required', params: takes.ofPayment, body: takes.capture,
    reply: [200, gives.payment], errors: ['payment_not_found', 'payment_not_capturable', 'capture_exceeds_payment', ...CHARGE],
    handle: (ctx, call) => capturePayment(ctx, call, call.params.id, call.body.amount) }),
  route({ name: 'cancelPayment', method: 'POST', path: '/v1/payments/:id/cancel', summary: 'Call off a payment that is not paid', roles: ONLY_SECRET, class: 'money', key: 'required', params: takes.ofPayment, body: takes.empty,
    reply: [200, gives.payment], errors: ['payment_not_found', 'payment_not_cancelable', ...CHARGE],
    handle: (ctx, call) => cancelPayment(ctx, call, call.params.id) }),
  route({ name: 'readPaymentTimeline', method: 'GET', path: '/v1/payments/:id/timeline', summary: 'Everything that happened to a payment, in order', roles: READERS, class: 'read', key: 'none', params: takes.ofPayment,
    reply: [200, gives.timeline], errors: ['payment_not_found'],
    handle: (ctx, { merchant, params }) => readTimeline(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'createRefund', method: 'POST', path: '/v1/refunds', summary: 'Send money back to the card', roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.refund,
    reply: [201, gives.refund], errors: ['payment_not_found', 'payment_not_refundable', 'refund_exceeds_payment', 'insufficient_funds', 'provider_refused', 'provider_unavailable'],
    handle: (ctx, call) => createRefund(ctx, call, call.body) }),
  route({ name: 'readRefund', method: 'GET', path: '/v1/refunds/:id', summary: 'Read a refund', roles: READERS, class: 'read', key: 'none', params: takes.ofRefund,
    reply: [200, gives.refund], errors: ['refund_not_found'],
    handle: (ctx, { merchant, params }) => readRefund(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'listRefunds', method: 'GET', path: '/v1/refunds', summary: 'List refunds, newest first', roles: READERS, class: 'read', key: 'none', query: takes.refunds,
    reply: [200, gives.list(gives.refund)], errors: [],
    handle: (ctx, { merchant, query }) => listRefunds(ctx, merchant, query).andThen(reply(200)) }),

  route({ name: 'listContradictions', method: 'GET', path: '/v1/contradictions', summary: 'List what Stripe and the books say differently, newest first', roles: READERS, class: 'read', key: 'none', query: takes.contradictions,
    reply: [200, gives.list(gives.contradiction)], errors: [],
    handle: (ctx, { merchant, query }) => listContradictions(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'resolveContradiction', method: 'POST', path: '/v1/contradictions/:id/resolve', summary: 'Say what was done about one: it moves no money', roles: READERS, class: 'read', key: 'none', params: takes.ofContradiction, body: takes.resolution,
    reply: [200, gives.contradiction], errors: ['contradiction_not_found'],
    handle: (ctx, { merchant, params, body }) => resolveContradiction(ctx, merchant, params.id, body.reason).andThen(reply(200)) }),

  route({ name: 'createDebit', method: 'POST', path: '/v1/debits', summary: "Spend from a customer's wallet", roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.debit,
    reply: [201, gives.transfer], errors: ['customer_not_found', 'insufficient_funds', 'balance_limit_exceeded'],
    handle: (ctx, call) => debit(ctx, call, { ...call.body, kind: 'debit' }) }),
  route({ name: 'createTransfer', method: 'POST', path: '/v1/transfers', summary: 'Move money between two wallets', roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.transfer,
    reply: [201, gives.transfer], errors: [...TRANSFER],
    handle: (ctx, call) => transfer(ctx, call, call.body) }),
  route({ name: 'createBulkTransfer', method: 'POST', path: '/v1/transfers/bulk', summary: 'Up to 1000 transfers at once', roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.bulk,
    reply: [200, gives.bulk], errors: [...TRANSFER],
    handle: (ctx, call) => transferInBulk(ctx, call, call.body.mode, call.body.transfers) }),

  route({ name: 'readTransfer', method: 'GET', path: '/v1/transfers/:id', summary: 'Read a transfer', roles: READERS, class: 'read', key: 'none', params: takes.ofTransfer,
    reply: [200, gives.transfer], errors: ['transfer_not_found'],
    handle: (ctx, { merchant, params }) => readTransfer(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'listTransfers', method: 'GET', path: '/v1/transfers', summary: 'List transfers, newest first', roles: READERS, class: 'read', key: 'none', query: takes.transfers,
    reply: [200, gives.list(gives.transfer)], errors: [],
    handle: (ctx, { merchant, query }) => listTransfers(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'reverseTransfer', method: 'POST', path: '/v1/transfers/:id/reverse', summary: 'Take back a debit, usage or a transfer between wallets', roles: ONLY_SECRET, class: 'money', key: 'required', params: takes.ofTransfer, body: takes.reversal,
    reply: [201, gives.transfer], errors: [...REVERSAL],
    handle: (ctx, call) => reverse(ctx, call, { ...call.body, transfer: call.params.id }) }),

  route({ name: 'quoteUsage', method: 'POST', path: '/v1/usage/quote', summary: 'Price usage', roles: ONLY_SECRET, class: 'read', key: 'none', body: takes.quote,
    reply: [200, gives.quote], errors: [],
    handle: (_ctx, call) => quoteUsage(call.body) }),
  route({ name: 'spendUsage', method: 'POST', path: '/v1/usage', summary: "Price usage, and spend it from a customer's wallet", roles: ONLY_SECRET, class: 'money', key: 'required', body: takes.usage,
    reply: [201, gives.transfer], errors: ['customer_not_found', 'insufficient_funds', 'balance_limit_exceeded'],
    handle: (ctx, call) => spendUsage(ctx, call, call.body) }),

  route({ name: 'createItem', method: 'POST', path: '/v1/items', summary: 'Make an item', roles: ONLY_SECRET, class: 'money', key: 'optional', body: takes.item,
    reply: [201, gives.item], errors: ['item_exists'],
    handle: (ctx, call) => createItem(ctx, call, call.body) }),
  route({ name: 'readItem', method: 'GET', path: '/v1/items/:id', summary: 'Read an item', roles: ['secret', 'publishable', 'finance'], class: 'read', cors: true, key: 'none', params: takes.ofItem,
    reply: [200, gives.item], errors: ['item_not_found'],
    handle: (ctx, { merchant, params, headers }) => readItem(ctx, merchant, params.id, headers['if-none-match']) }),

  route({ name: 'listAccounts', method: 'GET', path: '/v1/accounts', summary: 'List accounts', roles: READERS, class: 'read', key: 'none', query: takes.accounts,
    reply: [200, gives.list(gives.account)], errors: [],
    handle: (ctx, { merchant, query }) => listAccounts(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'readAccount', method: 'GET', path: '/v1/accounts/:id', summary: 'Read an account', roles: READERS, class: 'read', key: 'none', params: takes.ofAccount,
    reply: [200, gives.account], errors: ['account_not_found'],
    handle: (ctx, { merchant, params }) => account(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'readAccountBalance', method: 'GET', path: '/v1/accounts/:id/balance', summary: 'Read what an account holds, now or at a time', roles: READERS, class: 'read', key: 'none', params: takes.ofAccount, query: takes.asOf,
    reply: [200, gives.balance], errors: ['account_not_found'],
    handle: (ctx, { merchant, params, query }) => accountBalance(ctx, merchant, params.id, query).andThen(reply(200)) }),
  route({ name: 'listEntries', method: 'GET', path: '/v1/accounts/:id/entries', summary: 'List the entries of an account with the balance after each, newest first', roles: READERS, class: 'read', key: 'none', params: takes.ofAccount, query: takes.entries,
    reply: [200, gives.list(gives.entry)], errors: ['account_not_found'],
    handle: (ctx, { merchant, params, query }) => listEntries(ctx, merchant, params.id, query).andThen(reply(200)) }),
  route({ name: 'readStatement', method: 'GET', path: '/v1/accounts/:id/statement', summary: 'Opening and closing balance of a span of time, and what lies between; its entries as CSV, or a journal for hledger', roles: READERS, class: 'report', key: 'none', params: takes.ofAccount, query: takes.statement,
    reply: [200, gives.statement], also: ['text/csv', 'text/plain'], errors: ['account_not_found'],
    handle: (ctx, call) => sendStatement(ctx, call) }),
  route({ name: 'queryBalances', method: 'POST', path: '/v1/balances/query', summary: 'Balances of up to 1000 accounts in one snapshot', roles: READERS, class: 'read', key: 'none', body: takes.accountIds,
    reply: [200, gives.balances], errors: ['account_not_found'],
    handle: (ctx, call) => balances(ctx, call.merchant, call.body.accounts, call.body).andThen(reply(200)) }),
  route({ name: 'readTrialBalance', method: 'GET', path: '/v1/trial_balance', summary: 'Opening, debits, credits and closing by currency and account, now or at a time', roles: READERS, class: 'report', key: 'none', query: takes.trialBalance,
    reply: [200, gives.trialBalance], also: ['text/csv'], errors: [],
    handle: (ctx, { merchant, query, headers }) => trialBalance(ctx, merchant, query).andThen(table(query.format, headers.accept, trialBalanceCsv)) }),
  route({ name: 'readActivity', method: 'GET', path: '/v1/activity', summary: "What moved the balance at Stripe, by the categories of Stripe's reports", roles: READERS, class: 'report', key: 'none', query: takes.activity,
    reply: [200, gives.activity], also: ['text/csv'], errors: [],
    handle: (ctx, { merchant, query, headers }) => activity(ctx, merchant, query).andThen(table(query.format, headers.accept, activityCsv)) }),
  route({ name: 'readDispute', method: 'GET', path: '/v1/disputes/:id', summary: 'Read a dispute', roles: READERS, class: 'read', key: 'none', params: takes.ofDispute,
    reply: [200, gives.dispute], errors: ['dispute_not_found'],
    handle: (ctx, { merchant, params }) => readDispute(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'listDisputes', method: 'GET', path: '/v1/disputes', summary: 'List disputes, newest first', roles: READERS, class: 'read', key: 'none', query: takes.disputes,
    reply: [200, gives.list(gives.dispute)], errors: [],
    handle: (ctx, { merchant, query }) => listDisputes(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'readPayout', method: 'GET', path: '/v1/payouts/:id', summary: 'Read a payout, and what its transactions do not explain', roles: READERS, class: 'read', key: 'none', params: takes.ofPayout,
    reply: [200, gives.payout], errors: ['payout_not_found'],
    handle: (ctx, { merchant, params }) => readPayout(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'listPayouts', method: 'GET', path: '/v1/payouts', summary: 'List payouts, newest first', roles: READERS, class: 'read', key: 'none', query: takes.payouts,
    reply: [200, gives.list(gives.payout)], errors: [],
    handle: (ctx, { merchant, query }) => listPayouts(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'listPayoutTransactions', method: 'GET', path: '/v1/payouts/:id/balance_transactions', summary: 'What a payout is made of', roles: READERS, class: 'read', key: 'none', params: takes.ofPayout, query: takes.payoutLines,
    reply: [200, gives.list(gives.balanceTransaction)], errors: ['payout_not_found'],
    handle: (ctx, { merchant, params, query }) => listPayoutLines(ctx, merchant, params.id, query).andThen(reply(200)) }),
  route({ name: 'listBalanceTransactions', method: 'GET', path: '/v1/balance_transactions', summary: "List what changed the balance at Stripe, newest first", roles: READERS, class: 'read', key: 'none', query: takes.balanceTransactions,
    reply: [200, gives.list(gives.balanceTransaction)], errors: [],
    handle: (ctx, { merchant, query }) => listBalanceTransactions(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'readProof', method: 'GET', path: '/v1/ledger/proof', summary: 'What the books prove of themselves', roles: READERS, class: 'report', key: 'none',
    reply: [200, gives.proof], errors: [],
    handle: (ctx, { merchant }) => readProof(ctx, merchant).andThen(reply(200)) }),
  route({ name: 'listPeriods', method: 'GET', path: '/v1/ledger/periods', summary: 'List periods, newest first, with the file of each that is closed', roles: READERS, class: 'report', key: 'none',
    reply: [200, gives.periods], errors: [],
    handle: (ctx, { merchant }) => listPeriods(ctx, merchant).andThen(reply(200)) }),
  route({ name: 'closePeriod', method: 'POST', path: '/v1/ledger/periods', summary: 'Close the open period with a day', roles: READERS, class: 'report', key: 'none', body: takes.periodEnd,
    reply: [201, gives.period], errors: [],
    handle: (ctx, call) => closePeriod(ctx, call.merchant, call.body).andThen(reply(201)) }),

  route({ name: 'readVolume', method: 'GET', path: '/v1/volume', summary: 'What was charged, day by day, and why the rest was declined', roles: READERS, class: 'report', key: 'none', query: takes.inSpan,
    reply: [200, gives.volume], errors: [],
    handle: (ctx, { merchant, query }) => readVolume(ctx, merchant, query).andThen(reply(200)) }),

  route({ name: 'createWebhookEndpoint', method: 'POST', path: '/v1/webhook_endpoints', summary: 'Have events told to a URL', roles: ONLY_SECRET, class: 'read', key: 'none', body: webhooks.endpoint,
    reply: [201, gives.endpointWithSecret], errors: ['webhook_endpoint_limit'],
    handle: (ctx, call) => createEndpoint(ctx, call.merchant, call.body).andThen(reply(201)) }),
  route({ name: 'listWebhookEndpoints', method: 'GET', path: '/v1/webhook_endpoints', summary: 'List webhook endpoints, newest first', roles: ONLY_SECRET, class: 'read', key: 'none', query: webhooks.endpoints,
    reply: [200, gives.list(gives.endpoint)], errors: [],
    handle: (ctx, { merchant, query }) => listEndpoints(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'readWebhookEndpoint', method: 'GET', path: '/v1/webhook_endpoints/:id', summary: 'Read a webhook endpoint', roles: ONLY_SECRET, class: 'read', key: 'none', params: webhooks.ofEndpoint,
    reply: [200, gives.endpoint], errors: ['webhook_endpoint_not_found'],
    handle: (ctx, { merchant, params }) => readEndpoint(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'updateWebhookEndpoint', method: 'POST', path: '/v1/webhook_endpoints/:id', summary: 'Change a webhook endpoint, disable it, or enable it again', roles: ONLY_SECRET, class: 'read', key: 'none', params: webhooks.ofEndpoint, body: webhooks.endpointChange,
    reply: [200, gives.endpoint], errors: ['webhook_endpoint_not_found'],
    handle: (ctx, { merchant, params, body }) => updateEndpoint(ctx, merchant, params.id, body).andThen(reply(200)) }),
  route({ name: 'deleteWebhookEndpoint', method: 'DELETE', path: '/v1/webhook_endpoints/:id', summary: 'Delete a webhook endpoint', roles: ONLY_SECRET, class: 'read', key: 'none', params: webhooks.ofEndpoint,
    reply: [200, gives.deletedEndpoint], errors: ['webhook_endpoint_not_found'],
    handle: (ctx, { merchant, params }) => deleteEndpoint(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'rotateWebhookSecret', method: 'POST', path: '/v1/webhook_endpoints/:id/rotate_secret', summary: 'Give it a new secret; the old one signs beside it for 24 hours', roles: ONLY_SECRET, class: 'read', key: 'none', params: webhooks.ofEndpoint,
    reply: [200, gives.endpointWithSecret], errors: ['webhook_endpoint_not_found', 'webhook_secret_limit'],
    handle: (ctx, { merchant, params }) => rotateSecret(ctx, merchant, params.id).andThen(reply(200)) }),

  route({ name: 'listEvents', method: 'GET', path: '/v1/events', summary: 'List events, newest first', roles: READERS, class: 'read', key: 'none', query: webhooks.events,
    reply: [200, gives.list(gives.event)], errors: [],
    handle: (ctx, { merchant, query }) => listEvents(ctx, merchant, query).andThen(reply(200)) }),
  route({ name: 'readEvent', method: 'GET', path: '/v1/events/:id', summary: 'Read an event', roles: READERS, class: 'read', key: 'none', params: webhooks.ofEvent,
    reply: [200, gives.event], errors: ['event_not_found'],
    handle: (ctx, { merchant, params }) => readEvent(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'listDeliveries', method: 'GET', path: '/v1/events/:id/deliveries', summary: 'Whether endpoints have heard of an event, and each try', roles: READERS, class: 'read', key: 'none', params: webhooks.ofEvent,
    reply: [200, gives.list(gives.delivery)], errors: ['event_not_found'],
    handle: (ctx, { merchant, params }) => listDeliveries(ctx, merchant, params.id).andThen(reply(200)) }),
  route({ name: 'redeliverEvent', method: 'POST', path: '/v1/events/:id/redeliver', summary: 'Tell of an event again, now', roles: ONLY_SECRET, class: 'read', key: 'none', params: webhooks.ofEvent, body: webhooks.redelivery,
    reply: [200, gives.list(gives.delivery)], errors: ['event_not_found', 'webhook_endpoint_not_found', 'webhook_endpoint_disabled'],
    handle: (ctx, { merchant, params, body }) => redeliver(ctx, merchant, params.id, body.endpoint).andThen(reply(200)) }),
];
