/**
 * The proof that the order of webhooks means nothing: the events of 20 payments, told to the same database in many
 * random orders, some of them several times, leave one state and one ledger.
 *
 *   npm run proof:webhooks -- [--orders 50] [--seed N]
 *
 * The payments are made by a service, and stopped half-way: challenged, held, paid. What happens to them then (challenges
 * passed and failed, captures, refunds and disputes at Stripe) no service sees. Each order begins with a copy of the
 * database as it was, in which Stripe's list of events cannot be read: webhooks alone tell.
 */
import { createHash, createHmac } from 'node:crypto';
import pg from 'pg';
import { commandLine, count } from '../../scripts/command-line.ts';
import { startInProcess, WEBHOOK_SECRET, type InProcess } from './in-process.ts';
import { createRandom, seedOf, type Random } from './random.ts';
import { eventually, stripeAt, type Stripe, type StripeObject } from '../support/stripe.ts';
import { createWorld, type World } from '../support/world.ts';

export interface OrdersOptions {
  readonly orders: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

export interface OrdersProof {
  readonly payments: number;
  readonly events: number;
  readonly deliveries: number;
  /** Each state that an order ended in, by its hash, and how many did: one, or the order matters. */
  readonly states: ReadonlyMap<string, number>;
  /** What the last order ended in: statuses of payments, and kinds of transfers. */
  readonly summary: Readonly<Record<string, number>>;
}

/** What becomes of a payment after its service has gone; twice each makes twenty. */
type Fate = (stripe: Stripe, intent: string, page: string) => Promise<unknown>;
const CHALLENGE = 'pm_card_threeDSecure2Required';
const at = (intent: string, action: string): string => `/v1/payment_intents/${intent}/${action}`;
const back = (stripe: Stripe, intent: string, amount: number): Promise<StripeObject> =>
  stripe.post('/v1/refunds', { payment_intent: intent, amount: String(amount) });
const disputeOf = async (stripe: Stripe, intent: string): Promise<string> =>
  (
    await eventually(
      () => stripe.get(`/v1/disputes?payment_intent=${intent}`),
      ({ data }) => data.length > 0,
    )
  ).data[0]!.id;

const FATES: readonly { readonly card: string; readonly manual: boolean; readonly fate: Fate }[] = [
  { card: CHALLENGE, manual: false, fate: (stripe, _intent, page) => stripe.answer(page, 'pass') },
  { card: CHALLENGE, manual: false, fate: (stripe, _intent, page) => stripe.answer(page, 'fail') },
  {
    card: CHALLENGE,
    manual: false,
    fate: async (stripe, intent, page) => {
      await stripe.answer(page, 'fail');
      await stripe.post(at(intent, 'confirm'), { payment_method: 'pm_card_visa' });
      await back(stripe, intent, 100);
      await back(stripe, intent, 200);
    },
  },
  {
    card: CHALLENGE,
    manual: true,
    fate: async (stripe, intent, page) => {
      await stripe.answer(page, 'pass');
      await stripe.post(at(intent, 'capture'), { amount_to_capture: '300' });
      await back(stripe, intent, 50);
    },
  },
  {
    card: CHALLENGE,
    manual: true,
    fate: async (stripe, intent, page) => {
      await stripe.answer(page, 'pass');
      await stripe.post(at(intent, 'cancel'));
    },
  },
  { card: 'pm_card_visa', manual: true, fate: (stripe, intent) => stripe.post(at(intent, 'capture')) },
  {
    card: 'pm_card_pendingRefund',
    manual: false,
    fate: async (stripe, intent) => {
      await back(stripe, intent, 100);
      await back(stripe, intent, 300);
    },
  },
  { card: 'pm_card_refundFail', manual: false, fate: (stripe, intent) => back(stripe, intent, 500) },
  {
    card: 'pm_card_createDispute',
    manual: false,
    fate: async (stripe, intent) => {
      const dispute = await disputeOf(stripe, intent);
      await stripe.post(`/v1/disputes/${dispute}`, { 'evidence[uncategorized_text]': 'winning_evidence' });
    },
  },
  {
    card: 'pm_card_createDispute',
    manual: false,
    fate: async (stripe, intent) => stripe.post(`/v1/disputes/${await disputeOf(stripe, intent)}/close`),
  },
];

/** Refunds and disputes are decided within this. */
const DECIDED_S = 10;
/** Each is told once, and this share of them again, up to three times. */
const AGAIN = 0.5;
const AT_ONCE = 8;

export const proveOrders = async ({ orders, seed, log }: OrdersOptions): Promise<OrdersProof> => {
  const world = await createWorld();
  const stripe = stripeAt(world.sandboxUrl);
  const random = createRandom(seed);
  const database = (name: string): string => Object.assign(new URL(world.databaseUrl), { pathname: `/${name}` }).href;
  try {
    const payments = await makePayments(world, stripe);
    // None of it is read from the list while the orders are told: what asks for it waits.
    const events = await stripe.events();
    const lines = await countLines(stripe);
    const states = new Map<string, number>();
    let deliveries = 0;
    let summary: OrdersProof['summary'] = {};
    for (let order = 1; order <= orders; order++) {
      await ask(database('template1'), `create database order_${order} template postgres`);
      const release = await stripe.fault({ kind: 'hang_before', path: '/v1/events' });
      const service = await startInProcess(world, database(`order_${order}`));
      const told = shuffled(events, random);
      await deliver(service, told);
      const [state, now] = await finalState(service, events.length, lines);
      states.set(state, (states.get(state) ?? 0) + 1);
      deliveries += told.length;
      summary = now;
      await release();
      await service.close();
      log(`order ${order}/${orders}: ${told.length} webhooks, state ${state}`);
    }
    return { payments, events: events.length, deliveries, states, summary };
  } finally {
    await world.close();
  }
};

/** Two payments of each fate; the service sees their first half, and the sandbox alone the second. */
const makePayments = async (world: World, stripe: Stripe): Promise<number> => {
  const service = await startInProcess(world, world.databaseUrl);
  const made: { intent: string; page: string; fate: Fate }[] = [];
  for (const { card, manual, fate } of [...FATES, ...FATES]) {
    const customer = await service.post('/v1/customers', {});
    const { body } = await service.post('/v1/payments', {
      ...{ customer: customer.body['id'], amount: 700, currency: 'usd', payment_method: card, confirm: true },
      ...{ capture_method: manual ? 'manual' : 'automatic', return_url: 'https://shop.example/' },
    });
    const id = String(body['id']);
    const [row] = await service.query<{ intent: string; page: string | null }>(
      `select intent, next_action->>'url' as page from payments where id = $1`,
      [id.slice(4)],
    );
    made.push({ intent: row?.intent ?? '', page: row?.page ?? '', fate });
  }
  await service.close();
  for (const { intent, page, fate } of made) await fate(stripe, intent, page);
  await service.clock.advance(world.sandboxUrl, DECIDED_S);
  return made.length;
};

const shuffled = (events: readonly StripeObject[], random: Random): StripeObject[] => {
  const told = events.flatMap((event) =>
    random.chance(AGAIN) ? Array<StripeObject>(random.integer(2, 4)).fill(event) : [event],
  );
  for (let last = told.length - 1; last > 0; last--) {
    const other = random.integer(0, last);
    [told[last], told[other]] = [told[other]!, told[last]!];
  }
  return told;
};

/** As Stripe does, several at once, each signed. */
const deliver = async (service: InProcess, told: readonly StripeObject[]): Promise<void> => {
  const left = told.map((event) => JSON.stringify(event));
  const worker = async (): Promise<void> => {
    for (let body = left.pop(); body !== undefined; body = left.pop()) {
      const t = Math.floor(Number(service.clock.now() / 1_000_000n));
      const v1 = createHmac('sha256', WEBHOOK_SECRET).update(`${t}.${body}`).digest('hex');
      const response = await fetch(`${service.url}/webhooks/stripe`, {
        method: 'POST',
        headers: { 'Stripe-Signature': `t=${t},v1=${v1}` },
        body,
      });
      if (!response.ok) throw new Error(`a webhook was not taken: ${await response.text()}`);
      await response.body?.cancel();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
};

/** Everything that must not depend on the order; times, sequences and running balances do. */
const STATE = `
  select 'payment' as what, row_to_json(x)::text as row from (select id, status, amount_captured, amount_refunded,
    refunds_pending, intent, last_error, next_action from payments) x
  union all select 'refund', row_to_json(x)::text from (select id, payment_id, amount, status, failure_reason from refunds) x
  union all select 'dispute', row_to_json(x)::text from (select id, payment_id, amount, status from disputes) x
  union all select 'transfer', row_to_json(x)::text from (select id, kind, debit, credit, amount from transfers) x
  union all select 'account', row_to_json(x)::text from (select id, debits, credits, pending, sequence from accounts) x
  order by 1, 2`;
const SUMMARY = `
  select status as name, count(*)::int as n from payments group by 1
  union all select 'posted ' || kind, count(*)::int from transfers group by 1 order by 1`;

/** How many transactions Stripe's balance has. */
const countLines = async (stripe: Stripe): Promise<number> => {
  for (let lines = 0, after = ''; ;) {
    const { data } = await stripe.get(`/v1/balance_transactions?limit=100${after}`);
    lines += data.length;
    if (data.length < 100) return lines;
    after = `&starting_after=${data.at(-1)?.id ?? ''}`;
  }
};

const finalState = async (
  service: InProcess,
  events: number,
  lines: number,
): Promise<[string, Readonly<Record<string, number>>]> => {
  // No webhook tells of them by itself: they are read from Stripe's list.
  await eventually(
    () => service.query<{ n: number }>('select count(*)::int as n from balance_transactions'),
    ([row]) => row?.n === lines,
  );
  await eventually(
    () => service.query<{ n: number }>('select count(*)::int as n from stripe_events where applied_at is not null'),
    ([row]) => row?.n === events,
  );
  const rows = await service.query('select 1 from accounts having sum(credits - debits) <> 0');
  if (rows.length > 0) throw new Error('money was made');
  const state = JSON.stringify(await service.query(STATE));
  const summary = await service.query<{ name: string; n: number }>(SUMMARY);
  return [
    createHash('sha256').update(state).digest('hex').slice(0, 12),
    Object.fromEntries(summary.map(({ name, n }) => [name, n])),
  ];
};

const ask = async (url: string, statement: string): Promise<void> => {
  const db = new pg.Client(url);
  await db.connect();
  await db.query(statement).finally(() => db.end());
};

const USAGE = `
npm run proof:webhooks -- [options]

Delivers the same webhooks in random orders, with duplicates, and compares what each order leaves.

  --orders N  how many orders (50)
  --seed N    the same number, the same orders (a random one)
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, { orders: { type: 'string', default: '50' }, seed: { type: 'string' } });
  const seed = seedOf(values.seed);
  const orders = count('orders', values.orders);
  console.log(`proof:webhooks --orders ${orders} --seed ${seed}`);
  const { payments, events, deliveries, states, summary } = await proveOrders({ orders, seed, log: console.log });
  console.log(`${payments} payments, ${events} events, ${deliveries} webhooks in ${orders} orders`);
  console.log(summary);
  console.log(states.size === 1 ? 'one final state, one ledger' : `${states.size} different states`);
  if (states.size !== 1) process.exitCode = 1;
};

if (import.meta.main) await main();
