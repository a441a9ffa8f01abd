/**
 * The proof that the service does what a simple model says, whatever is asked in whatever order: random operations on
 * the service and at Stripe, while webhooks are dropped, told twice and out of order, and clocks jump. After each run
 * the service, the model and Stripe say the same of every payment, of the wallet and of what is kept; at the end the judge
 * looks at all.
 *
 *   npm run proof:model -- [--runs 100] [--commands 30] [--seed N]
 *
 * The model holds what is true at Stripe. While Stripe's news are on their way the service may lag behind: then, and
 * only then, either answer is right, and the one that was given tells the model how it went on.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { commandLine, count } from '../../scripts/command-line.ts';
import { startInProcess } from './in-process.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { commandsOf } from './model/commands.ts';
import { compareKept } from './model/saved.ts';
import { free, sum, type Model, type Real } from './model/state.ts';
import { seedOf } from './random.ts';
import { eventually, stripeAt } from '../support/stripe.ts';
import { clearFaults, createWorld } from '../support/world.ts';

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
          const model: Model = {
            ...{ customer: String(body['id']), payments: [], spent: 0 },
            ...{ saved: [], chosen: null, gone: [] },
          };
          await fc.asyncModelRun(() => ({ model, real }), steps);
          told = await settle(real, told);
          await compare(model, real);
          await compareKept(model, real);
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
