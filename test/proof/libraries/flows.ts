/** The flows of Stripe's documents with Stripe's own library for Node, against the sandbox: one line a check. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import type { Delivery } from './deliveries.ts';

const [url = '', file = ''] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const client = (key: string): Stripe =>
  new Stripe(key, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0, telemetry: false });
const api = client('sk_test_node');

const PAY = {
  ...{ amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
  allowed_payment_method_types: ['card'],
} satisfies Stripe.PaymentIntentCreateParams;

const control = async (path: string, body: object): Promise<{ id: string }> => {
  const response = await fetch(`${url}/_sandbox/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { id: string };
};

const that = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

const check = async (name: string, work: () => Promise<void>): Promise<void> => {
  const wrong = await work().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  process.stdout.write(wrong === undefined ? `ok ${name}\n` : `no ${name}: ${wrong}\n`);
};

const raises = async (type: string, code: string | undefined, work: Promise<unknown>): Promise<void> => {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof Stripe.errors.StripeError)) throw new Error('nothing was raised');
  that(error.type === type && error.code === code, `${error.type} ${error.code ?? ''}`);
};

process.stdout.write(`version ${Stripe.PACKAGE_VERSION} ${Stripe.API_VERSION}\n`);

await check('customers', async () => {
  const made = await api.customers.create({ name: 'Ada', email: 'node@example.test' });
  await api.customers.update(made.id, { name: 'Bea' });
  const listed = await api.customers.list({ email: 'node@example.test' });
  const found = await api.customers.search({ query: "email:'node@example.test'" });
  that(listed.data[0]?.name === 'Bea' && found.data[0]?.id === made.id, 'not found');
  that((await api.customers.del(made.id)).deleted, 'not deleted');
});

await check('payment methods', async () => {
  const { id: customer } = await api.customers.create({});
  const method = await api.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
  await api.paymentMethods.attach(method.id, { customer });
  const paid = await api.paymentIntents.create({ ...PAY, customer, payment_method: method.id, off_session: true });
  that(paid.status === 'succeeded', paid.status);
  that((await api.paymentMethods.detach(method.id)).customer === null, 'not detached');
});

await check('payments', async () => {
  const made = await api.paymentIntents.create({ amount: 900, currency: 'eur' });
  await api.paymentIntents.update(made.id, { metadata: { order: '7' } });
  const back = { payment_method: 'pm_card_visa', return_url: 'https://shop.test/' };
  that((await api.paymentIntents.confirm(made.id, back)).status === 'succeeded', 'not confirmed');
  const held = await api.paymentIntents.create({ ...PAY, capture_method: 'manual' });
  const taken = await api.paymentIntents.capture(held.id, { amount_to_capture: 1000 });
  that(taken.amount_received === 1000, 'not captured');
  const open = await api.paymentIntents.create({ amount: 900, currency: 'eur' });
  that((await api.paymentIntents.cancel(open.id)).status === 'canceled', 'not canceled');
  const all = await api.paymentIntents.list({ limit: 1 }).autoPagingToArray({ limit: 3 });
  that(all.length === 3, 'not paged');
});

await check('setups and confirmation tokens', async () => {
  const setup = await api.setupIntents.create({
    ...{ payment_method: 'pm_card_visa', confirm: true, allowed_payment_method_types: ['card'] },
  });
  that(setup.status === 'succeeded', setup.status);
  const token = await api.testHelpers.confirmationTokens.create({
    ...{ payment_method: 'pm_card_visa', return_url: 'https://shop.test/' },
  });
  const paid = await api.paymentIntents.create({
    ...{ amount: 500, currency: 'usd', confirm: true, confirmation_token: token.id },
  });
  that(paid.status === 'succeeded', paid.status);
});

await check('refunds', async () => {
  const paid = await api.paymentIntents.create(PAY);
  const part = await api.refunds.create({ payment_intent: paid.id, amount: 250 });
  that(part.status === 'succeeded' && part.amount === 250, String(part.status));
});

await check('disputes', async () => {
  const paid = await api.paymentIntents.create({ ...PAY, payment_method: 'pm_card_createDispute' });
  await control('clock', { advance_s: 2 });
  const [dispute] = (await api.disputes.list({ payment_intent: paid.id })).data;
  const id = dispute?.id ?? '';
  await api.disputes.update(id, { evidence: { uncategorized_text: 'winning_evidence' }, submit: true });
  await control('clock', { advance_s: 2 });
  that((await api.disputes.retrieve(id)).status === 'won', 'not won');
});

await check('payouts and balance', async () => {
  const available = { payment_method: 'pm_card_bypassPending', capture_method: 'automatic' } as const;
  await api.paymentIntents.create({ ...PAY, ...available, amount: 100_000 });
  const byHand = await api.payouts.create({ amount: 10, currency: 'usd' });
  const { id } = await control('payouts', { currency: 'usd' });
  const automatic = await api.payouts.retrieve(id);
  const lines = await api.balanceTransactions.list({ payout: id });
  that(automatic.automatic && !byHand.automatic && lines.data[0]?.type === 'payout', 'not listed');
});

await check('events', async () => {
  const paid = await api.paymentIntents.create(PAY);
  const [told] = (await api.events.list({ type: 'payment_intent.succeeded', limit: 1 })).data;
  that((told?.data.object as { id?: string } | undefined)?.id === paid.id, 'not told');
});

await check('webhook signatures', async () => {
  const heard = await new Promise<{ body: string; signature: string; secret: string }>((resolve, reject) => {
    let secret = '';
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.end(() => server.close());
        const signature = String(request.headers['stripe-signature']);
        resolve({ body: Buffer.concat(chunks).toString(), signature, secret });
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port: own } = server.address() as AddressInfo;
      api.webhookEndpoints
        .create({ url: `http://127.0.0.1:${own}/`, enabled_events: ['payment_intent.succeeded'] })
        .then((endpoint) => {
          secret = endpoint.secret ?? '';
          return api.paymentIntents.create(PAY);
        })
        .catch(reject);
    });
  });
  // The clock of the sandbox has been moved, and the signature with it.
  const toleranceS = 1e9;
  const event = api.webhooks.constructEvent(heard.body, heard.signature, heard.secret, toleranceS);
  that(event.type === 'payment_intent.succeeded', event.type);
});

await check('a decline is a card error', () =>
  raises(
    'StripeCardError',
    'card_declined',
    api.paymentIntents.create({ ...PAY, payment_method: 'pm_card_visa_chargeDeclined' }),
  ),
);
await check('what is missing is an invalid request', () =>
  raises('StripeInvalidRequestError', 'resource_missing', api.charges.retrieve('ch_nope')),
);
await check('a wrong key is an authentication error', () =>
  raises('StripeAuthenticationError', undefined, client('sk_live_x').charges.list()),
);

await check('standard webhooks of a service, rotated twice', async () => {
  const verifies = (secret: string, { body, headers }: Delivery): boolean => {
    try {
      new Webhook(secret).verify(body, { ...headers });
      return true;
    } catch {
      return false;
    }
  };
  for (const one of JSON.parse(readFileSync(file, 'utf8')) as Delivery[]) {
    that(
      one.secrets.every((secret) => verifies(secret, one)),
      'a secret does not verify',
    );
    that(!verifies(one.stranger, one), "a stranger's secret verifies");
  }
});
