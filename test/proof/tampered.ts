/** Books in which nothing is wrong, and copies of them in which something is: what the judge is tried on. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';
import pg from 'pg';
import { judge, type Seen, type Verdict } from './judge.ts';
import { startLoad } from './load.ts';
import { createRandom } from './random.ts';
import { eventually, stripeAt } from '../support/stripe.ts';
import { attached, balanceIsRead, createWorld, type World } from '../support/world.ts';
import { afterSuite } from '../support/cleanup.ts';
import { withDatabaseName } from '../support/database.ts';

/** What is changed in a copy. */
export interface Planted {
  readonly sql?: string;
  /** The sandbox's export, a line for each PaymentIntent. */
  readonly lines?: (lines: readonly string[]) => readonly string[];
  /** The list of payouts, as Stripe shows it. */
  readonly payouts?: (payouts: string) => string;
  readonly seen?: (seen: readonly Seen[]) => readonly Seen[];
  readonly settledWithinS?: number;
}

/** What a run left behind, with nothing wrong in it. */
export interface Books {
  /** The second charge, which was not made by the service. */
  readonly second: string;
  /** Judges a copy of the books in which something was changed. */
  readonly judgeWith: (planted: Planted) => Promise<Verdict>;
}

/** Money is moved in every way, and the service is stopped; what it left is kept until the suite has ended. */
export const makeBooks = async (): Promise<Books> => {
  const world = await createWorld();
  afterSuite(world.close);
  const service = await world.start(await attached(world));
  const load = await startLoad({
    urls: () => [service.url],
    apiKey: world.apiKey,
    random: createRandom(7),
    clients: 4,
  });
  while (load.operations() < 60) await new Promise((wake) => setTimeout(wake, 20));
  const { seen, complaints } = await load.finish(20_000);
  const second = await moneyGoesBack(world, service.url);
  await balanceIsRead(world);
  await service.stop();
  expect(complaints).toEqual([]);
  const exported = await (await fetch(`${world.sandboxUrl}/_sandbox/export`)).text();
  const payouts = JSON.stringify(await stripeAt(world.sandboxUrl).get('/v1/payouts'));
  const left = { world, seen, lines: exported.trim().split('\n'), payouts, second };
  let copies = 0;
  return { second, judgeWith: (planted) => judgeCopy(left, `copy_${++copies}`, planted) };
};

/** A hold, a dispute lost, one won, a payout, a refund that came back, and a second charge of which a part has gone back. */
const moneyGoesBack = async ({ apiKey, sandboxUrl, databaseUrl }: World, url: string): Promise<string> => {
  const stripe = stripeAt(sandboxUrl);
  const post = async (path: string, body: object): Promise<{ id: string }> => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${apiKey}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': crypto.randomUUID(),
      },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(201);
    return (await response.json()) as { id: string };
  };
  const { id: customer } = await post('/v1/customers', {});
  const pay = async (card: string, more: object = {}): Promise<{ id: string; intent: string }> => {
    const body = { customer, amount: 5000, currency: 'usd', payment_method: `pm_card_${card}`, confirm: true, ...more };
    const { id } = await post('/v1/payments', body);
    const [row] = await rows<{ intent: string }>(databaseUrl, 'select intent from payments where id = $1', [
      id.slice(4),
    ]);
    return { id, intent: row!.intent };
  };
  await pay('visa', { capture_method: 'manual' });
  await pay('bypassPending');
  await stripe.post('/_sandbox/payouts', { currency: 'usd' });
  const twice = await pay('visa');
  const { metadata } = await stripe.get(`/v1/payment_intents/${twice.intent}`);
  const { id: second } = await stripe.post('/v1/payment_intents', {
    ...{ amount: '5000', currency: 'usd', payment_method: 'pm_card_visa', confirm: 'true' },
    'allowed_payment_method_types[0]': 'card',
    ...Object.fromEntries(Object.entries(metadata).map(([tag, value]) => [`metadata[${tag}]`, value])),
  });
  await stripe.post('/v1/refunds', { payment_intent: second, amount: '1200' });
  await post('/v1/refunds', { payment: (await pay('refundFail')).id, amount: 700 });
  for (const evidence of ['losing_evidence', 'winning_evidence']) {
    const { intent } = await pay('createDispute');
    const { data } = await eventually(
      () => stripe.get(`/v1/disputes?payment_intent=${intent}`),
      (list) => list.data.length > 0,
    );
    await stripe.post(`/v1/disputes/${data[0]!.id}`, { 'evidence[uncategorized_text]': evidence, submit: 'true' });
  }
  await eventually(
    () =>
      rows<{ all: boolean }>(
        databaseUrl,
        `select (select count(*) from disputes where status <> 'open') = 2
          and exists (select from second_charges where returned = 1200)
          and exists (select from refunds where status = 'failed')
          and exists (select from payouts where status = 'paid') as all`,
      ),
    ([row]) => row?.all === true,
  );
  return second;
};

interface Left {
  readonly world: World;
  readonly seen: readonly Seen[];
  readonly lines: readonly string[];
  readonly payouts: string;
  readonly second: string;
}

const judgeCopy = async (left: Left, name: string, planted: Planted): Promise<Verdict> => {
  const databaseUrl = withDatabaseName(left.world.databaseUrl, name);
  await ask(withDatabaseName(left.world.databaseUrl, 'template1'), `create database ${name} template postgres`);
  if (planted.sql !== undefined) await ask(databaseUrl, planted.sql);
  const lines = (planted.lines?.(left.lines) ?? left.lines).join('\n');
  const payouts = planted.payouts?.(left.payouts) ?? left.payouts;
  const { sandboxUrl } = left.world;
  const stripe = createServer(({ url = '' }, response) => {
    if (url.startsWith('/v1/payouts')) response.end(payouts);
    else if (url.startsWith('/_sandbox/export')) response.end(lines);
    else
      void fetch(sandboxUrl + url, { headers: { Authorization: 'Bearer sk_test_sandbox' } })
        .then((reply) => reply.text())
        .then((text) => response.end(text));
  });
  await new Promise<void>((listening) => stripe.listen(0, '127.0.0.1', listening));
  const { port } = stripe.address() as AddressInfo;
  try {
    const { settledWithinS } = planted;
    return await judge({
      databaseUrl,
      sandboxUrl: `http://127.0.0.1:${port}`,
      seen: planted.seen?.(left.seen) ?? left.seen,
      balanceRead: true,
      elsewhere: [left.second],
      ...(settledWithinS === undefined ? {} : { settledWithinS }),
    });
  } finally {
    stripe.closeAllConnections();
    await new Promise((closed) => stripe.close(closed));
  }
};

const rows = async <Row>(url: string, statement: string, values: unknown[] = []): Promise<Row[]> => {
  const db = new pg.Client(url);
  await db.connect();
  return (await db.query(statement, values).finally(() => db.end())).rows as Row[];
};

const ask = async (url: string, statement: string): Promise<void> => {
  const db = new pg.Client(url);
  await db.connect();
  await db.query(statement).finally(() => db.end());
};
