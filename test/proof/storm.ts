/**
 * The proof that no fact of Stripe's surprises the service: payments, refunds and cancellations whose replies are lost,
 * whose repeats are refused, or which Stripe fails and makes later; PaymentIntents that somebody else makes with our
 * tags, while our own charge is unknown, or of payments that are not here; captures that Stripe fails at for good; disputes, decided twice too; holds captured in parts; cards that take days; debits that are returned after they were paid; webhooks that are lost, twenty and more
 * a second, and clocks that jump or are wrong. When all of it has come to rest,
 * the judge compares every object at Stripe with the books, and nobody was told that a charge had failed which had not.
 *
 *   npm run proof:storm -- [--operations 60] [--seed N] [--of NAME] [--without MEND]
 */
import { commandLine, count, misused } from '../../scripts/command-line.ts';
import { startInProcess, type InProcess } from './in-process.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { createRandom, seedOf } from './random.ts';
import { burst } from './storm/burst.ts';
import { debit } from './storm/debits.ts';
import { isMend, MENDS, without, type Mend } from './storm/mends.ts';
import { copied, failedForGood, orphan } from './storm/unknown.ts';
import { ask, CREATE, HOUR_S, strike, type Storm } from './storm/weather.ts';
import { eventually, stripeAt } from '../support/stripe.ts';
import { balanceIsRead, clearFaults, createWorld, setFault, type World } from '../support/world.ts';

export interface StormOptions {
  readonly operations: number;
  readonly seed: number;
  /** What is done: everything, where it is not given. */
  readonly of?: readonly Operation[] | undefined;
  /** A safeguard that is taken out: the proof has to find that. */
  readonly without?: Mend | undefined;
  /** Told how far it is. */
  readonly log?: (line: string) => void;
}

export interface StormProof {
  readonly verdict: Verdict;
  /** What was said to callers, or believed for good, and was not so. */
  readonly falseWords: readonly string[];
  /** How often each thing happened. */
  readonly ran: Readonly<Record<string, number>>;
}

// ---- operations ----------------------------------------------------------------------------------------------------

const CARDS = ['visa', 'visa', 'visa', 'visa_chargeDeclined', 'sandbox_processing', 'sandbox_processingFails'] as const;
const DISPUTED = ['createDispute', 'createDisputeInquiry'] as const;

interface Paid {
  readonly id: string;
  readonly amount: number;
}

const pay = async (storm: Storm, card: string, more: object = {}): Promise<Paid & { status: number }> => {
  const amount = storm.random.integer(50, 5_000);
  const body = {
    ...{ customer: storm.customer, amount, currency: 'usd', payment_method: `pm_card_${card}`, confirm: true },
    ...more,
  };
  const { status, body: shown } = await ask(storm, `pay ${card}`, '/v1/payments', body);
  const error = shown['error'] as { payment?: string } | undefined;
  const id = String(shown['id'] ?? error?.payment);
  if (status === 402) storm.refused.push(id);
  return { id, amount, status };
};

const struckPayment = async (storm: Storm): Promise<void> => {
  await strike(storm, CREATE);
  const { random } = storm;
  const paying = pay(storm, random.pick(CARDS), random.chance(0.3) ? { capture_method: 'manual' } : {});
  if (!random.chance(0.4)) {
    await paying;
    return;
  }
  // It is called off while it is under way, by whoever has read its id.
  await new Promise((wake) => setTimeout(wake, random.integer(0, 80)));
  const [row] = await storm.service.query<{ id: string }>('select id from payments order by created_at desc limit 1');
  if (row) await ask(storm, 'cancel under way', `/v1/payments/pay_${row.id.replaceAll('-', '')}/cancel`, {});
  await paying;
};

/** A payment of before, whatever has become of it. */
const some = async ({ service, random }: Storm): Promise<(Paid & { status: string; intent: string | null }) | null> => {
  const rows = await service.query<{ id: string; amount: string; status: string; intent: string | null }>(
    'select id, amount, status, intent from payments order by id',
  );
  const row = rows[random.integer(0, Math.max(0, rows.length - 1))];
  return row
    ? { id: `pay_${row.id.replaceAll('-', '')}`, amount: Number(row.amount), status: row.status, intent: row.intent }
    : null;
};

const refund = async (storm: Storm): Promise<void> => {
  const paid = await some(storm);
  if (!paid) return;
  await strike(storm, '/v1/refunds');
  await ask(storm, 'refund', '/v1/refunds', {
    payment: paid.id,
    amount: Math.max(1, Math.floor(paid.amount / storm.random.integer(1, 3))),
  });
};

const capture = async (storm: Storm): Promise<void> => {
  const held = await some(storm);
  if (!held) return;
  await strike(storm, `${CREATE}/*/capture`);
  await ask(storm, 'capture', `/v1/payments/${held.id}/capture`, {});
};

const cancel = async (storm: Storm): Promise<void> => {
  const held = await some(storm);
  if (!held) return;
  await strike(storm, `${CREATE}/*/cancel`);
  await ask(storm, 'cancel', `/v1/payments/${held.id}/cancel`, {});
};

/** Somebody has copied our tags, and charges once more; some of it he gives back. */
const second = async (storm: Storm): Promise<void> => {
  const { stripe, service, random, count, elsewhere } = storm;
  const first = await some(storm);
  if (!first || first.intent === null) return;
  await clearFaults(storm.world);
  const { metadata } = await stripe.get(`${CREATE}/${first.intent}`);
  const { id, status } = await stripe.post(CREATE, {
    ...{ amount: String(first.amount), currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
    'allowed_payment_method_types[0]': 'card',
    ...Object.fromEntries(Object.entries(metadata).map(([tag, value]) => [`metadata[${tag}]`, value])),
  });
  elsewhere.push(id);
  count(`second intent: ${status}`);
  // Whether it is the payment's own is for the service to say first.
  await eventually(
    () =>
      service.query(
        `select from payments where intent = $1 union all select from second_charges where id = $1
         union all select from contradictions where subject = $1`,
        [id],
      ),
    (rows) => rows.length > 0,
  ).catch(() => {
    // By a clock that is wrong webhooks are refused, and Stripe's list is read later: then the judge asks in the end.
    if (storm.leads.length === 0) storm.complaints.push(`${id} took money, and nothing here tells of it`);
  });
  if (!random.chance(0.5)) return;
  await stripe.post('/v1/refunds', { payment_intent: id, amount: String(Math.ceil(first.amount / 2)) });
  count('second intent refunded');
};

/** A dispute lost, won, or of a part alone; an inquiry that is let be, or becomes one. */
const dispute = async (storm: Storm): Promise<void> => {
  const { stripe, service, random, count, world } = storm;
  await clearFaults(world);
  const card = random.pick(DISPUTED);
  const { id, amount } = await pay(storm, card);
  const [row] = await service.query<{ intent: string | null }>('select intent from payments where id = $1', [
    id.slice(4),
  ]);
  const intent = row?.intent ?? '';
  if (card === 'createDisputeInquiry' && random.chance(0.5)) {
    // What was given back before is no part of what the bank takes.
    await stripe.post('/v1/refunds', { payment_intent: intent, amount: String(Math.ceil(amount / 3)) });
    count('refund before a dispute');
  }
  const { data } = await eventually(
    () => stripe.get(`/v1/disputes?payment_intent=${intent}`),
    (list) => list.data.length > 0,
  );
  if (random.chance(0.5)) await setFault(world, { kind: 'webhook_drop', event: 'charge.dispute.*' });
  const say = (evidence: string): Promise<unknown> =>
    stripe.post(`/v1/disputes/${data[0]?.id ?? ''}`, { 'evidence[uncategorized_text]': evidence, submit: 'true' });
  if (card === 'createDisputeInquiry') {
    // Past the minute in which the bank takes a refund back that it has just been told of.
    if (random.chance(0.5)) await service.clock.advance(world.sandboxUrl, 61);
    await say('escalate_inquiry_evidence');
    await service.clock.advance(world.sandboxUrl, 2);
  }
  const evidence = random.pick(['winning_evidence', 'losing_evidence', 'losing_evidence', 'reversed_evidence', null]);
  if (evidence !== null) await say(evidence);
  // Lost a second later, and won after all a minute after that.
  if (evidence === 'reversed_evidence') for (const s of [2, 61]) await service.clock.advance(world.sandboxUrl, s);
  count(`${card}: ${evidence ?? 'open'}`);
};

const JUMPS_S = [600, 25 * HOUR_S, 72 * HOUR_S] as const;
const LEADS_S = [-600, 600, -25 * HOUR_S, 25 * HOUR_S] as const;

const time = async (storm: Storm): Promise<void> => {
  const { service, random, count, world, leads } = storm;
  if (random.chance(0.5)) {
    const seconds = random.pick(JUMPS_S);
    // What Stripe failed at it has made by then, before anybody looks so long afterwards.
    const madeByS = Math.min(seconds, 2 * HOUR_S);
    await service.clock.advance(world.sandboxUrl, madeByS);
    await service.clock.advance(world.sandboxUrl, seconds - madeByS);
    count(`both clocks: ${seconds} s`);
  } else {
    const seconds = random.pick(LEADS_S);
    service.clock.lead(seconds);
    leads.push(seconds);
    count(`our clock: ${seconds} s`);
  }
};

/** How often each is drawn, beside the others. */
const OPERATIONS: Readonly<
  Record<Operation, { readonly weight: number; readonly run: (storm: Storm) => Promise<void> }>
> = {
  pay: { weight: 8, run: struckPayment },
  refund: { weight: 3, run: refund },
  capture: { weight: 2, run: capture },
  cancel: { weight: 2, run: cancel },
  second: { weight: 2, run: second },
  dispute: { weight: 3, run: dispute },
  debit: { weight: 2, run: debit },
  burst: { weight: 1, run: burst },
  time: { weight: 1, run: time },
  copied: { weight: 1, run: copied },
  failed: { weight: 1, run: failedForGood },
  orphan: { weight: 1, run: orphan },
};
export type Operation =
  | 'pay'
  | 'refund'
  | 'capture'
  | 'cancel'
  | 'second'
  | 'dispute'
  | 'debit'
  | 'burst'
  | 'time'
  | 'copied'
  | 'failed'
  | 'orphan';
const NAMES = Object.keys(OPERATIONS) as Operation[];

const drawn = ({ random }: Storm, of: readonly Operation[]): ((storm: Storm) => Promise<void>) => {
  const urn = of.flatMap((name) => Array.from({ length: OPERATIONS[name].weight }, () => OPERATIONS[name].run));
  return urn[random.integer(0, urn.length - 1)] ?? struckPayment;
};

// ---- the end -------------------------------------------------------------------------------------------------------

/** The service sweeps each two seconds of its own. */
const ROUNDS_MAX = 20;
const ROUND_MS = 1_500;

/** Hours pass until nothing is under way; then all news are told once more, or Stripe's list has been read to its end. */
const settle = async ({ service, stripe, world, resends }: Storm): Promise<void> => {
  await clearFaults(world);
  service.clock.lead(0);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const [row] = await service.query<{ n: number }>('select count(*)::int as n from attempts where outcome is null');
    if (row?.n === 0 && round > 0) break;
    await service.clock.advance(world.sandboxUrl, HOUR_S);
    await new Promise((wake) => setTimeout(wake, ROUND_MS));
  }
  if (resends) for (const { id } of await stripe.events()) await stripe.resend(id);
  else await listIsRead(service, world);
  await eventually(
    () => service.query<{ n: number }>('select count(*)::int as n from stripe_events where applied_at is null'),
    ([row]) => row?.n === 0,
  );
  // A span of the balance that was opened by a clock ahead of Stripe's is read to its end two hours later.
  await service.clock.advance(world.sandboxUrl, 3 * HOUR_S);
  await balanceIsRead(world);
};

/** All of Stripe's list of events is read, and once more hours later, as spans are. */
const listIsRead = async ({ clock, query }: InProcess, { sandboxUrl }: World): Promise<void> => {
  // A clock that was a day ahead has left spans that are read again a day later.
  for (const seconds of [HOUR_S, 26 * HOUR_S, 3 * HOUR_S]) {
    await clock.advance(sandboxUrl, seconds);
    await eventually(
      () =>
        query<{ due: number; to: Date }>(
          `select count(*) filter (where due_at <= $1)::int as due, max(created_to) as to from event_windows`,
          [new Date(Number(clock.now() / 1000n))],
        ),
      ([row]) => row?.due === 0 && row.to.getTime() > Number(clock.now() / 1000n) - 60_000,
    );
  }
};

/** A belief that a fact had to undo: where nobody else had a hand in it, somebody was told what was not so. */
const falseWordsOf = async ({ service, elsewhere, refused, complaints }: Storm): Promise<string[]> => {
  const rows = await service.query<{ kind: string; subject: string; detail: string }>(
    `select kind, subject, detail from contradictions
     where kind in ('paid_after_refusal', 'paid_after_cancel', 'refund_after_failure', 'event_not_applied')
       or (kind = 'outcome_undecided' and resolved_at is null)`,
  );
  const paid = await service.query<{ id: string; intent: string; status: string }>(
    `select 'pay_' || replace(id::text, '-', '') as id, intent, status from payments
     where status in ('succeeded', 'requires_capture')`,
  );
  return [
    ...complaints,
    ...rows
      .filter(({ subject }) => !elsewhere.includes(subject))
      .map(({ kind, subject, detail }) => `${kind} ${subject}: ${detail}`),
    ...paid
      .filter(({ id, intent }) => refused.includes(id) && !elsewhere.includes(intent))
      .map(({ id, status }) => `${id} is ${status}, and its caller was told that nothing was charged`),
  ];
};

const TOLD_EVERY = 20;

export const proveStorm = async ({
  operations,
  seed,
  of = NAMES,
  without: mend,
  log,
}: StormOptions): Promise<StormProof> => {
  const world = await createWorld();
  const ran: Record<string, number> = {};
  try {
    const alter = mend === undefined ? {} : { alter: without(mend) };
    const service = await startInProcess(world, world.databaseUrl, { hearsWebhooks: true, ...alter });
    try {
      const { body } = await service.post('/v1/customers', {});
      const storm: Storm = {
        ...{ world, service, stripe: stripeAt(world.sandboxUrl), random: createRandom(seed), elsewhere: [] },
        ...{ refused: [], complaints: [], leads: [], resends: seed % 2 === 0 },
        count: (what) => (ran[what] = (ran[what] ?? 0) + 1),
        customer: String(body['id']),
      };
      for (let n = 1; n <= operations; n++) {
        await drawn(storm, of)(storm);
        if (n % TOLD_EVERY === 0) log?.(`${n} of ${operations} done`);
      }
      await settle(storm);
      const verdict = await judge({
        databaseUrl: world.databaseUrl,
        sandboxUrl: world.sandboxUrl,
        seen: [],
        balanceRead: true,
        elsewhere: storm.elsewhere,
      });
      return { verdict, falseWords: await falseWordsOf(storm), ran };
    } finally {
      await service.close();
    }
  } finally {
    await world.close();
  }
};

const USAGE = `
npm run proof:storm -- [options]

Everything that Stripe may do to the books, in an order that is drawn; then the judge.

  --operations N  how many things are done (60)
  --seed N        the same number, the same things (a random one)
  --of NAME       does only this; may be repeated: ${NAMES.join(', ')}
  --without MEND  takes a safeguard out, which has to be found: ${Object.keys(MENDS).join(', ')}
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    operations: { type: 'string', default: '60' },
    seed: { type: 'string' },
    of: { type: 'string', multiple: true, default: NAMES },
    without: { type: 'string' },
  });
  const { without: mend } = values;
  const of = NAMES.filter((name) => values.of.includes(name));
  if (of.length === 0) return misused(`--of takes ${NAMES.join(', ')}`);
  if (mend !== undefined && !isMend(mend)) return misused(`--without takes one of ${Object.keys(MENDS).join(', ')}`);
  const operations = count('operations', values.operations);
  const seed = seedOf(values.seed);
  console.log(`proof:storm --operations ${operations} --seed ${seed}${mend === undefined ? '' : ` --without ${mend}`}`);
  const { verdict, falseWords, ran } = await proveStorm({ operations, seed, of, without: mend, log: console.log });
  console.log(Object.fromEntries(Object.entries(ran).sort()));
  for (const word of falseWords) console.log(`A FALSE WORD: ${word}`);
  console.log(describe(verdict));
  if (falseWords.length > 0 || verdict.violations.length > 0) process.exitCode = 1;
};

if (import.meta.main) await main();
