/**
 * The proof that the service does what a simple model says, whatever is asked in whatever order: random operations on
 * the service and at Stripe, while webhooks are dropped, told twice and out of order, and clocks jump. After each run
 * the service, the model and Stripe say the same of every payment and of the wallet; at the end the judge looks at all.
 *
 *   npm run proof:model -- [--runs 100] [--commands 30] [--seed N]
 *
 * The model holds what is true at Stripe. While Stripe's news are on their way the service may lag behind: then, and
 * only then, either answer is right, and the one that was given tells the model how it went on.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commandLine, count } from '../../scripts/command-line.ts';
import { startInProcess, type InProcess } from './in-process.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { seedOf } from './random.ts';
import { eventually, stripeAt, type Stripe } from '../support/stripe.ts';
import { createWorld, setFault, clearFaults, type World } from '../support/world.ts';

export interface ModelOptions {
  readonly runs: number;
  readonly commands: number;
  readonly seed: number;
}

export interface ModelProof {
  readonly verdict: Verdict;
  /** How often each command ran, with the status of its answer. */
  readonly ran: Readonly<Record<string, number>>;
  /** The shortest commands that were found to break the model, if any. */
  readonly failure: string | undefined;
}

// ---- the model ---------------------------------------------------------------------------------------------------

type Status =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'requires_capture'
  | 'succeeded'
  | 'canceled';

const CARDS = {
  pm_card_visa: 'pays',
  pm_card_pendingRefund: 'pays',
  pm_card_refundFail: 'pays',
  pm_card_threeDSecure2Required: 'challenges',
  pm_card_visa_chargeDeclined: 'declines',
  pm_never_seen: 'is unusable',
} as const;
type Card = keyof typeof CARDS;

interface Payment {
  readonly id: string;
  readonly amount: number;
  readonly manual: boolean;
  status: Status;
  captured: number;
  card: Card | null;
  /** The bank's page, while it is open. */
  page: string | null;
  /** Whether the service may not have heard of all that is so. */
  lags: boolean;
  /** By what the card does with them. */
  refunds: { readonly amount: number; readonly fails: boolean; readonly heard: boolean }[];
  /** How long its money has been held. */
  heldS: number;
}

interface Model {
  readonly customer: string;
  readonly payments: Payment[];
  spent: number;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** What of a payment may still be refunded: surely, as far as the service has heard, and at the most. */
const left = ({ captured, refunds }: Payment): { least: number; most: number } => ({
  least: captured - sum(refunds.map(({ amount }) => amount)),
  most: captured - sum(refunds.filter(({ fails, heard }) => !fails && heard).map(({ amount }) => amount)),
});

/** What the wallet has free: what it surely has, and what it has if all good news and no bad have arrived. */
const free = ({ payments, spent }: Model): { least: number; most: number } => ({
  least:
    sum(payments.map((payment) => (payment.lags ? Math.min(0, left(payment).least) : left(payment).least))) - spent,
  most: sum(payments.map((payment) => left(payment).most)) - spent,
});

// ---- commands ----------------------------------------------------------------------------------------------------

interface Real {
  readonly service: InProcess;
  readonly stripe: Stripe;
  readonly world: World;
  readonly count: (what: string) => void;
}

type Run = (model: Model, real: Real) => Promise<void>;

const command = (
  name: string,
  run: Run,
  check: (model: Model) => boolean = () => true,
): fc.AsyncCommand<Model, Real> => ({
  check,
  run,
  toString: () => name,
});

const ask = async ({ service, count }: Real, name: string, path: string, body: object): Promise<Reply> => {
  const { status, body: shown } = await service.post(path, body);
  count(`${name} ${status}`);
  const page = (shown['next_action'] as { redirect_to_url?: { url: string } } | null)?.redirect_to_url?.url ?? null;
  const error = shown['error'] as { payment?: string; code?: string } | undefined;
  return { status, id: String(shown['id'] ?? error?.payment), page, says: JSON.stringify(shown).slice(0, 400) };
};

interface Reply {
  readonly status: number;
  readonly id: string;
  readonly page: string | null;
  /** For the message of a failure. */
  readonly says: string;
}

const expects = ({ status, says }: Reply, allowed: readonly number[], why: string): void =>
  assert.ok(allowed.includes(status), `${why}: answered ${status}, and not ${allowed.join(' or ')}: ${says}`);

/** Of those that `suits`, mostly; any of them where none does, or the draw is high. */
const pick = ({ payments }: Model, at: number, suits: (payment: Payment) => boolean): Payment => {
  const suited = payments.filter(suits);
  const from = suited.length > 0 && at < SUITED_BELOW ? suited : payments;
  const payment = from[at % from.length];
  assert.ok(payment);
  return payment;
};
const DRAW_MAX = 11;
const SUITED_BELOW = 9;
const isConfirmable = ({ status }: Payment): boolean => CONFIRMABLE.includes(status);
const isHeld = ({ status }: Payment): boolean => status === 'requires_capture';
const isPaid = ({ status }: Payment): boolean => status === 'succeeded';
const isOpen = ({ page }: Payment): boolean => page !== null;
const some = ({ payments }: Model): boolean => payments.length > 0;

/** What a card does to a payment that may be confirmed; answers the status of the reply. */
const charge = (payment: Payment, card: Card, page: string | null, paid: number): number => {
  switch (CARDS[card]) {
    case 'pays':
      Object.assign(payment, { card, page: null, heldS: 0, status: payment.manual ? 'requires_capture' : 'succeeded' });
      if (!payment.manual) payment.captured = payment.amount;
      return paid;
    case 'challenges':
      Object.assign(payment, { card, page, status: 'requires_action' });
      return paid;
    case 'declines':
      Object.assign(payment, { card, page: null, status: 'requires_payment_method' });
      return 402;
    case 'is unusable':
      // Stripe's intent stays as it was, with its challenge; where there is none, it wants a card.
      if (payment.status === 'requires_confirmation') payment.status = 'requires_payment_method';
      return 402;
  }
};

const BACK = 'https://shop.example/';

const create = (amount: number, manual: boolean, card: Card | null, confirm: boolean): fc.AsyncCommand<Model, Real> =>
  command(
    `create ${amount}${manual ? ' manual' : ''} ${card ?? 'no card'}${confirm ? ' confirm' : ''}`,
    async (model, real) => {
      const reply = await ask(real, 'create', '/v1/payments', {
        ...{ customer: model.customer, amount, currency: 'usd', return_url: BACK },
        ...(card === null ? {} : { payment_method: card, confirm }),
        capture_method: manual ? 'manual' : 'automatic',
      });
      const payment: Payment = {
        ...{ id: reply.id, amount, manual, captured: 0, card, page: null, lags: false, refunds: [], heldS: 0 },
        status: card === null ? 'requires_payment_method' : 'requires_confirmation',
      };
      expects(reply, [card === null || !confirm ? 201 : charge(payment, card, reply.page, 201)], 'create');
      model.payments.push(payment);
    },
  );

const CONFIRMABLE: readonly Status[] = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

const confirm = (at: number, card: Card): fc.AsyncCommand<Model, Real> =>
  command(
    `confirm #${at} ${card}`,
    async (model, real) => {
      const payment = pick(model, at, isConfirmable);
      const reply = await ask(real, 'confirm', `/v1/payments/${payment.id}/confirm`, {
        payment_method: card,
        return_url: BACK,
      });
      if (CONFIRMABLE.includes(payment.status)) {
        expects(reply, [charge(payment, card, reply.page, 200)], `confirm a payment that is ${payment.status}`);
        payment.lags = payment.refunds.length > 0;
        return;
      }
      // Where the service has not heard yet that it is paid or held, it finds out by asking.
      expects(reply, payment.lags ? [200, 409] : [409], `confirm a payment that is ${payment.status}`);
    },
    some,
  );

const answer = (at: number, result: 'pass' | 'fail'): fc.AsyncCommand<Model, Real> =>
  command(
    `${result} #${at}`,
    async (model, { stripe, count }) => {
      const payment = pick(model, at, isOpen);
      const { status } = await stripe.answer(payment.page ?? '', result);
      count(`${result} ${status}`);
      assert.equal(status, 303, 'the page of an open challenge');
      Object.assign(payment, { page: null, lags: true, heldS: 0 });
      if (result === 'fail') payment.status = 'requires_payment_method';
      else {
        payment.status = payment.manual ? 'requires_capture' : 'succeeded';
        if (!payment.manual) payment.captured = payment.amount;
      }
    },
    (model) => some(model) && pick(model, at, isOpen).page !== null,
  );

const capture = (at: number, share: number): fc.AsyncCommand<Model, Real> =>
  command(
    `capture #${at} ${share}`,
    async (model, real) => {
      const payment = pick(model, at, isHeld);
      const amount = Math.max(1, Math.round(payment.amount * share));
      const reply = await ask(real, 'capture', `/v1/payments/${payment.id}/capture`, { amount });
      if (payment.status !== 'requires_capture' || amount > payment.amount) {
        expects(reply, [409], `capture ${amount} of a payment that is ${payment.status}`);
        return;
      }
      expects(reply, payment.lags ? [200, 409] : [200], `capture ${amount} of ${payment.amount}`);
      if (reply.status === 200) Object.assign(payment, { status: 'succeeded', captured: amount, lags: false });
    },
    some,
  );

const cancel = (at: number): fc.AsyncCommand<Model, Real> =>
  command(
    `cancel #${at}`,
    async (model, real) => {
      const payment = pick(model, at, (payment) => isHeld(payment) || isConfirmable(payment));
      const reply = await ask(real, 'cancel', `/v1/payments/${payment.id}/cancel`, {});
      if (payment.status === 'succeeded') {
        expects(reply, [409], 'cancel what is paid');
        return;
      }
      if (payment.status === 'canceled') {
        expects(reply, payment.lags ? [200, 409] : [409], 'cancel what is canceled');
        return;
      }
      expects(reply, [200], `cancel a payment that is ${payment.status}`);
      Object.assign(payment, { status: 'canceled', page: null, lags: false });
    },
    some,
  );

const refund = (at: number, share: number): fc.AsyncCommand<Model, Real> =>
  command(
    `refund #${at} ${share}`,
    async (model, real) => {
      const payment = pick(model, at, isPaid);
      const amount = Math.max(1, Math.round(payment.amount * share));
      const { least, most } = left(payment);
      const wallet = free(model);
      const reply = await ask(real, 'refund', '/v1/refunds', { payment: payment.id, amount });
      if (payment.status !== 'succeeded' || amount > most || amount > wallet.most) {
        expects(reply, [402, 409], `refund ${amount} of ${most}, with ${wallet.most} in the wallet`);
        return;
      }
      const isSure = !payment.lags && amount <= least && amount <= wallet.least;
      expects(reply, isSure ? [201] : [201, 402, 409], `refund ${amount} of ${least}, with ${wallet.least}`);
      if (reply.status === 201)
        payment.refunds.push({ amount, fails: payment.card === 'pm_card_refundFail', heard: true });
    },
    some,
  );

const refundAtStripe = (at: number, share: number): fc.AsyncCommand<Model, Real> =>
  command(
    `refund at Stripe #${at} ${share}`,
    async (model, { stripe, service, count }) => {
      const payment = pick(model, at, isPaid);
      const amount = Math.max(1, Math.round(payment.amount * share));
      const [row] = await service.query<{ intent: string }>('select intent from payments where id = $1', [
        payment.id.slice(4),
      ]);
      await stripe.post('/v1/refunds', { payment_intent: row?.intent ?? '', amount: String(amount) });
      count('refund at Stripe');
      payment.refunds.push({ amount, fails: payment.card === 'pm_card_refundFail', heard: false });
    },
    (model) => {
      if (!some(model)) return false;
      const payment = pick(model, at, isPaid);
      return payment.status === 'succeeded' && Math.max(1, Math.round(payment.amount * share)) <= left(payment).least;
    },
  );

const spend = (amount: number): fc.AsyncCommand<Model, Real> =>
  command(`spend ${amount}`, async (model, real) => {
    const { least, most } = free(model);
    const body = { customer: model.customer, amount, currency: 'usd' };
    const reply = await ask(real, 'spend', '/v1/debits', body);
    if (amount > most) {
      expects(reply, [402], `spend ${amount} of at most ${most}`);
      return;
    }
    expects(reply, amount <= least ? [201] : [201, 402], `spend ${amount} of ${least} to ${most}`);
    if (reply.status === 201) model.spent += amount;
  });

const HOLD_S = 7 * 24 * 3600;

const jump = (seconds: number): fc.AsyncCommand<Model, Real> =>
  command(`jump ${seconds} s`, async (model, { service, world, count }) => {
    await service.clock.advance(world.sandboxUrl, seconds);
    count('jump');
    for (const payment of model.payments) {
      if (payment.status !== 'requires_capture') continue;
      payment.heldS += seconds;
      if (payment.heldS >= HOLD_S) Object.assign(payment, { status: 'canceled', lags: true });
    }
  });

const FAULTS = ['webhook_drop', 'webhook_duplicate', 'webhook_reorder'] as const;

const fault = (kind: (typeof FAULTS)[number], probability: number, seed: number): fc.AsyncCommand<Model, Real> =>
  command(`${kind} ${probability}`, async (_model, { world, count }) => {
    await setFault(world, { kind, probability, seed, ...(kind === 'webhook_reorder' ? { ms: 300 } : {}) });
    count(kind);
  });

const heal: fc.AsyncCommand<Model, Real> = command('heal', (_model, { world }) => clearFaults(world));

const commandsOf = (): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => {
  const at = fc.nat(DRAW_MAX);
  const card = fc.constantFrom(...(Object.keys(CARDS) as Card[]));
  const share = fc.constantFrom(0.1, 0.4, 0.5, 1, 1.1);
  const amount = fc.integer({ min: 50, max: 900 });
  const spending = fc.integer({ min: 1, max: 300 });
  const likely = fc.constantFrom<Card>(
    ...(['pm_card_visa', 'pm_card_threeDSecure2Required', 'pm_card_pendingRefund', 'pm_card_refundFail'] as const),
  );
  return [
    fc.tuple(amount, fc.boolean(), likely).map((of) => create(...of, true)),
    fc.tuple(amount, fc.boolean(), fc.option(card), fc.boolean()).map((of) => create(...of)),
    fc.tuple(at, card).map((of) => confirm(...of)),
    fc.tuple(at, fc.constantFrom('pass' as const, 'pass' as const, 'fail' as const)).map((of) => answer(...of)),
    fc.tuple(at, share).map((of) => capture(...of)),
    at.map(cancel),
    fc.tuple(at, share).map((of) => refund(...of)),
    fc.tuple(at, share).map((of) => refundAtStripe(...of)),
    spending.map(spend),
    fc.constantFrom(60, 60, 60, 25 * 3600, 25 * 3600, HOLD_S + 60).map(jump),
    fc.tuple(fc.constantFrom(...FAULTS), fc.constantFrom(0.3, 1), fc.nat(1000)).map((of) => fault(...of)),
    fc.constant(heal),
  ];
};

// ---- the end of a run --------------------------------------------------------------------------------------------

/** Refunds are decided, and what could not be applied at once is due again. */
const SETTLED_S = 120;

/** All news have arrived in the end: what was dropped is sent again, as Stripe's list would tell. */
const settle = async ({ service, stripe, world }: Real, known: string | undefined): Promise<string | undefined> => {
  await clearFaults(world);
  await service.clock.advance(world.sandboxUrl, SETTLED_S);
  const events = await stripe.events(known);
  for (const { id } of events) await stripe.resend(id);
  await eventually(
    async () =>
      ((await (await fetch(`${world.sandboxUrl}/_sandbox/count`)).json()) as Record<string, number>)[
        'deliveries_pending'
      ],
    (pending) => pending === 0,
  );
  await eventually(
    () => service.query<{ n: number }>('select count(*)::int as n from stripe_events where applied_at is null'),
    ([row]) => row?.n === 0,
  );
  return events.at(-1)?.id ?? known;
};

/** The service, the model and Stripe, of each payment and of the wallet. */
const compare = async (model: Model, { service, stripe }: Real): Promise<void> => {
  for (const payment of model.payments) {
    const refunded = sum(payment.refunds.filter(({ fails }) => !fails).map(({ amount }) => amount));
    const { body } = await service.get(`/v1/payments/${payment.id}`);
    assert.deepEqual(
      { status: body['status'], captured: body['amount_captured'], refunded: body['amount_refunded'] },
      { status: payment.status, captured: payment.captured, refunded },
      `payment ${payment.id}`,
    );
    const [row] = await service.query<{ intent: string | null }>('select intent from payments where id = $1', [
      payment.id.slice(4),
    ]);
    if (!row || row.intent === null) continue;
    const intent = await stripe.get(`/v1/payment_intents/${row.intent}`);
    assert.deepEqual([intent.status, intent.amount_received], [payment.status, payment.captured], 'at Stripe');
  }
  const { least } = free({
    ...model,
    payments: model.payments.map((payment) => ({
      ...payment,
      lags: false,
      refunds: payment.refunds.filter(({ fails }) => !fails),
    })),
  });
  const { body: wallet } = await service.get(`/v1/customers/${model.customer}/balance?currency=usd`);
  assert.deepEqual([wallet['posted'], wallet['pending']], [String(least), '0'], 'the wallet');
};

// ---- the proof ---------------------------------------------------------------------------------------------------

export const proveModel = async ({ runs, commands, seed }: ModelOptions): Promise<ModelProof> => {
  const world = await createWorld();
  const ran: Record<string, number> = {};
  try {
    const service = await startInProcess(world, world.databaseUrl, { hearsWebhooks: true });
    try {
      const stripe = stripeAt(world.sandboxUrl);
      const real: Real = { service, stripe, world, count: (what) => (ran[what] = (ran[what] ?? 0) + 1) };
      let told: string | undefined;
      const property = fc.asyncProperty(
        fc.commands(commandsOf(), { maxCommands: commands, size: 'max' }),
        async (steps) => {
          const { body } = await service.post('/v1/customers', {});
          const model: Model = { customer: String(body['id']), payments: [], spent: 0 };
          await fc.asyncModelRun(() => ({ model, real }), steps);
          told = await settle(real, told);
          await compare(model, real);
        },
      );
      // A run that fails is not made shorter: the clocks have moved, and a rerun is another run.
      const checked = await fc.check(property, { numRuns: runs, seed, endOnFailure: true });
      const failure = checked.failed
        ? `${String(checked.errorInstance)}\n${fc.defaultReportMessage(checked)}`
        : undefined;
      const verdict = await judge({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandboxUrl, seen: [] });
      return { verdict, ran, failure };
    } finally {
      await service.close();
    }
  } finally {
    await world.close();
  }
};

const USAGE = `
npm run proof:model -- [options]

Drives the service and a model of it side by side with random commands.

  --runs N      how many runs (100)
  --commands N  how many commands in each at most (30)
  --seed N      the same number, the same runs (a random one)
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    runs: { type: 'string', default: '100' },
    commands: { type: 'string', default: '30' },
    seed: { type: 'string' },
  });
  const options = {
    runs: count('runs', values.runs),
    commands: count('commands', values.commands),
    seed: seedOf(values.seed),
  };
  console.log(`proof:model --runs ${options.runs} --commands ${options.commands} --seed ${options.seed}`);
  const { verdict, ran, failure } = await proveModel(options);
  console.log(Object.fromEntries(Object.entries(ran).sort()));
  if (failure !== undefined) console.log(failure);
  console.log(describe(verdict));
  if (failure !== undefined || verdict.violations.length > 0) process.exitCode = 1;
};

if (import.meta.main) await main();
