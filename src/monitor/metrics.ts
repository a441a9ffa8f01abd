/** What the main thread counts. Labels are route templates, codes and names of ours: nothing that a client can make grow. */
import { performance, type RecordableHistogram } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ERRORS } from '../error.ts';
import type { AdmissionClass, Refusal } from './admission.ts';
import type { GcKind } from './beat.ts';
import { gaugeTheLoop, gaugeTheProcess, type GaugeOf, type GaugesOf } from './node-metrics.ts';
import type { Live, MetricJson, Spent } from './ops.ts';

export interface Metrics {
  /** As prom-client's JSON: what several processes count can be added up. */
  readonly json: () => Promise<readonly MetricJson[]>;
  readonly request: (method: string, route: string, status: number, durationMs: number) => void;
  readonly batch: (lane: string, batch: Batch) => void;
  /** A connection that a request had to itself: how long it waited for it, and how long it held it. */
  readonly connection: (waitMs: number, heldMs: number) => void;
  readonly error: (code: string) => void;
  /** A round of a job, by what came of it: `done`, `more`, or the code of its error. */
  readonly job: (name: string, result: string, durationMs: number) => void;
  /** Something threw outside of a request. */
  readonly fault: () => void;
  readonly stripeCall: (operation: string, result: string, durationMs: number) => void;
  /** `decline` is one of Stripe's own codes. */
  readonly payment: (outcome: string, decline: string) => void;
  readonly shed: (reason: string, serviceClass: string) => void;
  /** Old rows that were deleted, by table. */
  readonly pruned: (rows: Readonly<Record<string, number>>) => void;
  readonly gc: (kind: GcKind, durationMs: number) => void;
  /** Whether the books proved when they were last looked at. */
  readonly books: (hold: boolean) => void;
  /** What was last told of them. */
  readonly booksHold: () => boolean | undefined;
  /** Where the time of requests went, since the start. */
  readonly spent: () => Spent;
  /** What was asked of database and Stripe since the last time. */
  readonly takeCalls: () => Live['calls'];
}

/** Requests that shared a round to the database. */
interface Batch {
  readonly size: number;
  readonly waitMs: number;
  readonly waitedMs: number;
  readonly durationMs: number;
}

/** What is asked when someone scrapes. */
export interface MetricsSources {
  readonly pool: () => { total: number; idle: number; waiting: number };
  readonly inflight: () => Readonly<Record<string, number>>;
  readonly waiting: () => number;
  readonly unknown: () => { readonly count: number; readonly oldestMs: number } | undefined;
  /** How many are open, by kind. */
  readonly contradictions: () => Readonly<Record<string, number>> | undefined;
  /** How long ago each job did its work, and how long that may be. */
  readonly jobs: () => readonly { readonly name: string; readonly undoneMs: number; readonly ageMsMax: number }[];
  /** How far each clock is ahead of the database's, in seconds. */
  readonly clocks: () => Readonly<Record<string, number>>;
  readonly stripe: { readonly circuit: () => string; readonly inFlight: () => number } | undefined;
  readonly lag: () => RecordableHistogram | undefined;
}

/** The states of the circuit breaker around Stripe. */
const CIRCUITS = ['closed', 'open', 'half_open'];

/** Half a millisecond to ten seconds: what a wallet read takes, and what Stripe is given. */
const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/** As prom-client has them. */
const GC_SECONDS = [0.001, 0.01, 0.1, 1, 2, 5];
const REFUSALS: readonly Refusal[] = ['overload', 'in_flight', 'share'];
const CLASSES: readonly AdmissionClass[] = ['money', 'read', 'report'];
const GC_KINDS: readonly GcKind[] = ['minor', 'major', 'incremental', 'weakcb'];
const LANES = ['commit', 'balance'];
const OUTCOMES = ['succeeded', 'requires_capture', 'requires_action', 'processing', 'declined', 'canceled', 'failed'];
const STRIPE_OPERATIONS = ['confirm', 'capture', 'cancel', 'refund', 'find', 'find refund', 'ping'];
/** A decline code that is none of Stripe's form is not a label. */
const CODE = /^[a-z_]{1,40}$/;

export const createMetrics = (sources: MetricsSources): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: L[]
  ): Histogram<L> => new Histogram({ name, help, labelNames, buckets, registers });
  const gauge: GaugeOf = (name, help, read, aggregator = 'sum') => {
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      collect() {
        const value = read();
        // Not `reset`, which would show a 0 that nobody measured.
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  };
  const gauges: GaugesOf = (name, help, label, read, aggregator = 'sum') => {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      aggregator,
      collect() {
        // What was there at the last scrape may be gone.
        this.reset();
        for (const [key, value] of Object.entries(read())) this.set({ [label]: key }, value);
      },
    });
  };

  const requests = histogram(
    'http_server_request_duration_seconds',
    'How long requests took, by route template.',
    SECONDS,
    'http_request_method',
    'http_route',
    'http_response_status_code',
  );
  const errors = counter('quittance_errors_total', 'Errors answered, by the code of the PaymentError.', 'code');
  const faults = counter('quittance_faults_total', 'What jobs threw, which may not throw.');
  const payments = counter(
    'quittance_payments_total',
    'Attempts to charge, by outcome and decline code.',
    'outcome',
    'decline_code',
  );
  const sizes = histogram('quittance_batch_size', 'How many changes or reads left together.', SIZES, 'lane');
  const waits = histogram(
    'quittance_batch_wait_seconds',
    'How long the first of a batch waited for the one before.',
    SECONDS,
    'lane',
  );
  const durations = histogram(
    'quittance_batch_duration_seconds',
    'How long a batch took in the database.',
    SECONDS,
    'lane',
  );
  const stripe = histogram(
    'quittance_stripe_call_duration_seconds',
    'How long Stripe took, by what came of it.',
    SECONDS,
    'operation',
    'result',
  );
  const rounds = histogram('quittance_job_duration_seconds', 'How long a round of a job took.', SECONDS, 'name');
  const failures = counter('quittance_job_failures_total', 'Rounds in which a job could not do its work.', 'name');
  const sheds = counter(
    'quittance_shed_requests_total',
    'Requests refused under load, by reason and class.',
    'reason',
    'class',
  );
  const prunes = counter('quittance_pruned_rows_total', 'Old rows deleted, by table.', 'table');
  const gc = histogram(
    'nodejs_gc_duration_seconds',
    'Garbage collections by kind; every one is counted.',
    GC_SECONDS,
    'kind',
  );

  gauges(
    'quittance_database_connections',
    'Connections to Postgres, by state; waiting are those who want one.',
    'state',
    () => {
      const { total, idle, waiting } = sources.pool();
      return { used: total - idle, idle, waiting };
    },
  );
  gauges('quittance_requests_in_flight', 'Requests under way, by class.', 'class', sources.inflight);
  gauge('quittance_commit_waiting', 'Changes that wait for the commit under way.', sources.waiting);
  gauge(
    'quittance_unknown_outcomes',
    'Attempts whose outcome at Stripe nobody knows, past their lease.',
    () => sources.unknown()?.count,
    'max',
  );
  const oldestS = (): number | undefined => {
    const unknown = sources.unknown();
    return unknown && unknown.oldestMs / 1000;
  };
  gauge('quittance_unknown_outcome_age_seconds', 'How long ago the oldest of them began.', oldestS, 'max');
  gauges(
    'quittance_contradictions',
    'What Stripe and the books say differently, or a person must decide, and is open; by kind.',
    'kind',
    () => sources.contradictions() ?? {},
    'max',
  );
  gauges(
    'quittance_job_age_seconds',
    'How long ago a job last did its work: its last round that did not fail.',
    'name',
    () => Object.fromEntries(sources.jobs().map(({ name, undoneMs }) => [name, undoneMs / 1000])),
    'max',
  );
  gauges(
    'quittance_job_age_limit_seconds',
    'How old that may be while all is well: its longest pause and its longest round.',
    'name',
    () => Object.fromEntries(sources.jobs().map(({ name, ageMsMax }) => [name, ageMsMax / 1000])),
    'max',
  );
  gauges(
    'quittance_clock_ahead_seconds',
    "How far a clock is ahead of the database's, by which everything ages: this machine's, or Stripe's.",
    'clock',
    sources.clocks,
    'max',
  );
  const circuits = (): Record<string, number> => {
    const now = sources.stripe?.circuit();
    return now === undefined ? {} : Object.fromEntries(CIRCUITS.map((state) => [state, Number(state === now)]));
  };
  gauges(
    'quittance_stripe_circuit',
    '1 for the state that the circuit breaker around Stripe is in; of several processes, for each state that one is in.',
    'state',
    circuits,
    'max',
  );
  gauge('quittance_stripe_calls_in_flight', 'Calls that wait for Stripe.', () => sources.stripe?.inFlight());
  let booksHold: boolean | undefined;
  // Before they were first proved, since the start.
  let booksAt = performance.now();
  gauge(
    'quittance_ledger_balanced',
    '1 where the books proved themselves when they were last looked at, 0 where something in them is wrong.',
    () => (booksHold === undefined ? undefined : Number(booksHold)),
    'min',
  );
  gauge(
    'quittance_ledger_checked_age_seconds',
    'How long ago the books were last proved; while they cannot be, the verdict above is as old.',
    () => (performance.now() - booksAt) / 1000,
    'min',
  );
  gaugeTheLoop(gauge, sources.lag);
  gaugeTheProcess(gauge, gauges, registers);

  const NONE = { count: 0, failed: 0, ms: 0 };
  const calls = { database: { ...NONE }, stripe: { ...NONE } };
  const count = (of: keyof typeof calls, durationMs: number, failed: boolean): void => {
    calls[of].count++;
    calls[of].failed += Number(failed);
    calls[of].ms += durationMs;
  };
  // A series that is born at its first value hides it from rate() and increase(): what is known begins at zero.
  for (const code of Object.keys(ERRORS)) errors.inc({ code }, 0);
  for (const reason of REFUSALS) for (const serviceClass of CLASSES) sheds.inc({ reason, class: serviceClass }, 0);
  for (const outcome of OUTCOMES) payments.inc({ outcome, decline_code: 'none' }, 0);
  payments.inc({ outcome: 'unknown', decline_code: 'provider_unavailable' }, 0);
  for (const operation of STRIPE_OPERATIONS)
    for (const result of ['ok', 'provider_unavailable']) stripe.zero({ operation, result });
  for (const lane of LANES) for (const one of [sizes, waits, durations]) one.zero({ lane });
  for (const kind of GC_KINDS) gc.zero({ kind });

  const spent = { requests: 0, requestMs: 0, databaseMs: 0, queueMs: 0, stripeMs: 0 };
  return {
    json: () => registry.getMetricsAsJSON(),
    request: (method, route, status, durationMs) => {
      requests.observe(
        { http_request_method: method, http_route: route, http_response_status_code: status },
        durationMs / 1000,
      );
      spent.requests++;
      spent.requestMs += durationMs;
    },
    batch: (lane, { size, waitMs, waitedMs, durationMs }) => {
      sizes.observe({ lane }, size);
      waits.observe({ lane }, waitMs / 1000);
      durations.observe({ lane }, durationMs / 1000);
      // Each of the batch waits for the whole of it.
      spent.databaseMs += durationMs * size;
      count('database', durationMs, false);
      spent.queueMs += waitedMs;
    },
    connection: (waitMs, heldMs) => {
      spent.queueMs += waitMs;
      spent.databaseMs += heldMs;
    },
    error: (code) => errors.inc({ code }),
    job: (name, result, durationMs) => {
      rounds.observe({ name }, durationMs / 1000);
      failures.inc({ name }, Number(result !== 'done' && result !== 'more'));
    },
    fault: () => faults.inc(),
    stripeCall: (operation, result, durationMs) => {
      stripe.observe({ operation, result }, durationMs / 1000);
      spent.stripeMs += durationMs;
      // A decline is an answer.
      count('stripe', durationMs, result === 'provider_unavailable');
    },
    payment: (outcome, decline) => payments.inc({ outcome, decline_code: CODE.test(decline) ? decline : 'other' }),
    shed: (reason, serviceClass) => sheds.inc({ reason, class: serviceClass }),
    pruned: (rows) => {
      for (const [table, count] of Object.entries(rows)) prunes.inc({ table }, count);
    },
    gc: (kind, durationMs) => gc.observe({ kind }, durationMs / 1000),
    books: (hold) => {
      booksHold = hold;
      booksAt = performance.now();
    },
    booksHold: () => booksHold,
    takeCalls: () => {
      const { database, stripe: ofStripe } = calls;
      calls.database = { ...NONE };
      calls.stripe = { ...NONE };
      return { database, stripe: ofStripe };
    },
    spent: () => {
      const { user, system } = process.cpuUsage();
      return { ...spent, cpuMs: (user + system) / 1000 };
    },
  };
};
