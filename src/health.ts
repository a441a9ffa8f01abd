/**
 * What the service knows of its own health, for the ops port. A look never waits long: where the database does not
 * answer, that it does not is the answer.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultAsync } from 'neverthrow';
import type { Config } from './config.ts';
import type { Clocks } from './clocks.ts';
import type { Context } from './context.ts';
import { awakeMs } from './domain/awake.ts';
import { toMs } from './domain/time.ts';
import type { PaymentError } from './error.ts';
import { DEMO_KEYS } from './http/authenticate.ts';
import type { Admission } from './monitor/admission.ts';
import type { Check, Snapshot } from './monitor/ops.ts';
import type { JobAge } from './jobs/runner.ts';
import type { KeptContradiction } from './storage/contradictions.ts';
import type { Database } from './storage/database.ts';
import type { Keys } from './storage/keys.ts';
import type { UnknownOutcomes } from './storage/leases.ts';

export interface HealthSources {
  readonly clocks: Pick<Clocks, 'check'>;
  readonly ctx: Context;
  readonly config: Config;
  readonly database: Database;
  readonly keys: Keys;
  readonly admission: Admission;
  /** Of each job that was started. */
  readonly jobs: () => readonly JobAge[];
  /** Whether the books proved when they were last looked at; undefined before that, and where another process looks. */
  readonly booksHold: () => boolean | undefined;
  /** Where people read of payments; undefined before the API listens. */
  readonly consoleUrl: () => string | undefined;
  /** Whether a write works. */
  readonly probe: () => ResultAsync<void, PaymentError>;
}

export interface Health {
  /** Looks now. Never rejects. */
  readonly look: () => Promise<Snapshot>;
  /** From now on no request should be sent here. */
  readonly stop: () => void;
  /** What the database last told of outcomes that nobody knows; undefined before it has told any. */
  readonly unknown: () => UnknownOutcomes | undefined;
  /** How many contradictions are open, by kind; undefined before it has told. */
  readonly contradictions: () => Readonly<Record<string, number>> | undefined;
}

/** A probe waits a second; the ops thread, half of that. A database that takes longer is told to be slow. */
const PATIENCE_MS = 250;
/** More than a person looks at one by one. */
const SHOWN_MAX = 20;
/** Slower than this, it is no use to any request. */
const DOWN_MS = 2_000;

/** One question to the database: asked anew when the last one is answered, and judged by how long it takes. */
interface Question {
  /** Waits for the answer, but not long. */
  readonly ask: () => Promise<void>;
  readonly check: () => Check;
}

const createQuestion = (ask: () => Promise<PaymentError | undefined>): Question => {
  let told: { readonly failure: PaymentError | undefined; readonly tookMs: number } | undefined;
  let asked: { readonly at: number; readonly answer: Promise<void> } | undefined;
  const put = async (): Promise<void> => {
    const at = awakeMs();
    const failure = await ask();
    told = { failure, tookMs: awakeMs() - at };
    asked = undefined;
  };
  return {
    ask: () => {
      asked ??= { at: awakeMs(), answer: put() };
      return Promise.race([asked.answer, sleep(PATIENCE_MS, undefined, { ref: false })]);
    },
    check: () => {
      const waitedMs = asked ? awakeMs() - asked.at : 0;
      if (waitedMs >= PATIENCE_MS || !told)
        return {
          state: waitedMs < DOWN_MS && told && !told.failure ? 'degraded' : 'bad',
          detail: `has not answered for ${Math.round(waitedMs)} ms`,
        };
      return told.failure
        ? { state: 'bad', detail: whyOf(told.failure) }
        : { state: told.tookMs < PATIENCE_MS ? 'ok' : 'degraded', detail: `answered in ${Math.round(told.tookMs)} ms` };
    },
  };
};

/** With what the database itself said, for those who are to mend it. */
const whyOf = ({ message, cause }: PaymentError): string =>
  cause instanceof Error && cause.message !== '' ? `${message} (${cause.message})` : message;

/** Everybody knows it: it may be in a database that was a demo's before. */
const DEMO_HASH = createHash('sha256').update(DEMO_KEYS.oncall).digest('base64');

export const createHealth = ({
  ctx,
  clocks,
  config,
  database,
  keys,
  admission,
  jobs,
  booksHold,
  consoleUrl,
  probe,
}: HealthSources): Health => {
  const requests = createRequestsCheck(admission);
  let isStopping = false;
  let keyHashes: readonly string[] | undefined;
  let unknown: UnknownOutcomes | undefined;
  let contradictions: Readonly<Record<string, number>> | undefined;
  let oldestContradictions: readonly KeptContradiction[] = [];

  const reads = createQuestion(async () => {
    const hashes = await keys.oncallHashes();
    // On-call reads most while the database is down: who may, was known before.
    keyHashes = hashes
      .map((all) => (config.demoKeys ? all : all.filter((hash) => hash !== DEMO_HASH)))
      .unwrapOr(keyHashes);
    unknown = (await ctx.leases.unknown(ctx.clock.now())).unwrapOr(unknown);
    contradictions = (await ctx.contradictions.count()).unwrapOr(contradictions);
    // None is open nearly always.
    oldestContradictions = Object.values(contradictions ?? {}).some((count) => count > 0)
      ? (await ctx.contradictions.oldest(SHOWN_MAX)).unwrapOr(oldestContradictions)
      : [];
    return hashes.isErr() ? hashes.error : undefined;
  });
  // A database that is full, or whose standby is gone, or that was demoted, reads as well as ever.
  const writes = createQuestion(() =>
    probe().match(
      () => undefined,
      (error) => error,
    ),
  );

  const look = async (): Promise<Snapshot> => {
    await Promise.all([reads.ask(), writes.ask()]);
    return {
      checks: {
        ...(isStopping ? { service: STOPPING } : {}),
        database: reads.check(),
        writes: writes.check(),
        // The start has looked at it.
        migrations: {
          state: 'ok',
          detail: config.migrate === 'auto' ? 'applied at the start' : 'checked at the start',
        },
        requests: requests(),
        jobs: jobsCheck(jobs()),
        stripe: stripeCheck(ctx),
        ...(config.stripe.webhookSecrets.length > 0 ? {} : { stripe_webhooks: NO_WEBHOOK_SECRET }),
        unknown_outcomes: unknownCheck(unknown),
        contradictions: contradictionsCheck(contradictions),
        ...booksCheck(booksHold()),
        clocks: clocks.check(),
        pool: poolCheck(database, config.pool.max),
      },
      keyHashes,
      unknown,
      contradictions: oldestContradictions.map(({ kind, merchant, payment, subject, detail, seenAt }) => ({
        ...{ kind, merchant, payment, subject, detail },
        ageMs: toMs(ctx.clock.now()) - toMs(seenAt),
      })),
      consoleUrl: consoleUrl(),
    };
  };
  return {
    look,
    stop: () => (isStopping = true),
    unknown: () => unknown,
    contradictions: () => contradictions,
  };
};

/** Where all that came since the last look was refused, whoever sends more had better send it elsewhere. */
const createRequestsCheck = (admission: Admission): (() => Check) => {
  let before = { entered: 0, shed: 0 };
  return () => {
    const now = { entered: admission.entered(), shed: admission.shed() };
    const [entered, shed] = [now.entered - before.entered, now.shed - before.shed];
    before = now;
    if (shed === 0) return { state: 'ok', detail: `${entered} were let in` };
    return { state: entered === 0 ? 'bad' : 'degraded', detail: `${entered} were let in, and ${shed} refused` };
  };
};

const jobsCheck = (ages: readonly JobAge[]): Check => {
  if (ages.length === 0) return { state: 'bad', detail: 'none has begun' };
  const stuck = ages.filter(({ isStuck }) => isStuck);
  const failing = ages.filter(({ isFailing }) => isFailing);
  const list = (some: readonly JobAge[], of: (age: JobAge) => number): string =>
    some.map((age) => `${age.name} ${(of(age) / 1000).toFixed(1)} s ago`).join(', ');
  if (stuck.length + failing.length === 0)
    return { state: 'ok', detail: `ended a round: ${list(ages, ({ ageMs }) => ageMs)}` };
  const told = [
    ...(stuck.length > 0 ? [`stand still, and ended a round: ${list(stuck, ({ ageMs }) => ageMs)}`] : []),
    ...(failing.length > 0 ? [`fail, and last did their work: ${list(failing, ({ undoneMs }) => undoneMs)}`] : []),
  ];
  return { state: stuck.some(({ isVital }) => isVital) ? 'bad' : 'degraded', detail: told.join('; ') };
};

/** Never a reason to send no requests here: reads and the ledger do without Stripe. */
const stripeCheck = ({ breaker }: Context): Check => {
  const waiting = `${breaker.inFlight()} calls wait for it`;
  return breaker.circuit() === 'closed'
    ? { state: 'ok', detail: `the circuit is closed, ${waiting}` }
    : { state: 'degraded', detail: `does not answer: charges are refused, ${waiting}` };
};

const STOPPING: Check = { state: 'bad', detail: 'is stopping' };

const NO_WEBHOOK_SECRET: Check = {
  state: 'degraded',
  detail: "STRIPE_WEBHOOK_SECRET is not set: Stripe's webhooks are refused, and its list of events is read instead",
};

const unknownCheck = (unknown: UnknownOutcomes | undefined): Check => {
  if (!unknown) return { state: 'degraded', detail: 'not known: the database has not told' };
  const { count, oldestMs } = unknown;
  return count === 0
    ? { state: 'ok', detail: 'none' }
    : { state: 'degraded', detail: `${count}, the oldest for ${Math.round(oldestMs / 1000)} s` };
};

/** Never a reason to send no requests here: it is a person's to look at. */
const contradictionsCheck = (open: Readonly<Record<string, number>> | undefined): Check => {
  const some = Object.entries(open ?? {}).filter(([, count]) => count > 0);
  return some.length === 0
    ? { state: 'ok', detail: 'none is open' }
    : { state: 'degraded', detail: some.map(([kind, count]) => `${kind}: ${count}`).join(', ') };
};

/** Never a reason to send no requests here by itself: whether to stop all that writes, a person decides. */
const booksCheck = (hold: boolean | undefined): Record<string, Check> => {
  if (hold === undefined) return {};
  return {
    books: hold
      ? { state: 'ok', detail: 'proved' }
      : { state: 'degraded', detail: 'something in them is wrong: the log names each row, and so does npm run verify' },
  };
};

/** One that waits is let in within milliseconds; a crowd of them is a sign. */
const WAITING_PER_CONNECTION = 4;

const poolCheck = (database: Database, max: number): Check => {
  const { waiting } = database.stats();
  return {
    state: waiting > max * WAITING_PER_CONNECTION ? 'degraded' : 'ok',
    detail: `${waiting} wait for one of ${max} connections`,
  };
};
