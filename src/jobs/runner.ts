/** Jobs, which are what runs by itself, and the one runner that starts them, times them and stops them. */
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { awakeMs } from '../domain/awake.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { runJob } from '../monitor/context.ts';

/** What came of a round: `more` is followed by the next without a pause. */
export type Round = 'done' | 'more';

export interface Job<C = Context> {
  /**
   * From the end of a round to the beginning of the next. It varies by a quarter either way, so that several instances do
   * not march in step: a job of an hour comes round every 45 to 75 minutes, and what a round takes besides.
   */
  readonly pauseMs: number;
  /** Of several processes on one port, the first alone runs it; of several instances, each does. */
  readonly isOneEnough?: true;
  /** It is left out while the circuit around Stripe is open: each call would fail, and live traffic needs the probe. */
  readonly needsStripe?: true;
  /** A round takes less than this, or it stands still. Two minutes, unless told otherwise. */
  readonly roundMsMax?: number;
  /** Where it stands still, no request should be sent to this process. */
  readonly isVital?: true;
  /** At a stop, its last round is not waited for: it may take minutes, and only reads. */
  readonly isCutOff?: true;
  readonly run: (ctx: C) => ResultAsync<Round, PaymentError>;
  /** At a stop, after the last round: ends what rounds have begun. */
  readonly end?: (ctx: C) => Promise<void>;
}

/** By so much of it a pause is longer or shorter. */
const PAUSE_VARIES = 0.25;
/** A round waits for calls one after the other, each with a deadline of seconds; later than this, it never will end. */
const ROUND_MS_MAX = 120_000;

export interface JobAge {
  readonly name: string;
  /** Since its last round ended; before there was one, since it was started. */
  readonly ageMs: number;
  /** Since it last did its work: of one whose rounds end and fail, this goes on. */
  readonly undoneMs: number;
  /** What either may come to while all is well: its longest pause and its longest round. */
  readonly ageMsMax: number;
  /** No round ends. */
  readonly isStuck: boolean;
  /** They end, and all of them have failed for as long. */
  readonly isFailing: boolean;
  readonly isVital: boolean;
}

export interface Runner<Name extends string = string> {
  readonly start: () => void;
  /** Has the next round of that job begin now; one that has failed rests first. */
  readonly wake: (name: Name) => void;
  /** Of each job that was started. */
  readonly ages: () => readonly JobAge[];
  /** Ends each after the round that is under way. */
  readonly stop: () => Promise<void>;
}

export interface RunnerOptions {
  /** Of several processes on one port, this is the first. */
  readonly isFirst: boolean;
  /** Told of each round: what came of it, or the code of its error. */
  readonly observe: (name: string, result: string, durationMs: number) => void;
  /** Told what a job threw, which may not throw. */
  readonly onThrown: (error: unknown) => void;
}

/** What the runner itself needs. */
type Needs = Pick<Context, 'log' | 'breaker'>;

/** `Name` is of those jobs that may be woken. */
export const createRunner = <C extends Needs, Name extends string>(
  ctx: C,
  jobs: Readonly<Record<Name, Job<C>>> & Readonly<Record<string, Job<C>>>,
  { isFirst, observe, onThrown }: RunnerOptions,
): Runner<Name> => {
  const loops = new Map<string, Loop>();
  for (const [name, job] of Object.entries<Job<C>>(jobs))
    if (isFirst || !job.isOneEnough) loops.set(name, createLoop(ctx, name, job, { observe, onThrown }));
  const each = [...loops.values()];
  return {
    start: () => {
      for (const loop of each) loop.wake();
    },
    wake: (name) => loops.get(name)?.wake(),
    ages: () => each.flatMap((loop) => loop.age() ?? []),
    stop: async () => {
      await Promise.all(each.map((loop) => loop.stop()));
    },
  };
};

interface Loop {
  readonly wake: () => void;
  readonly age: () => JobAge | undefined;
  readonly stop: () => Promise<void>;
}

const createLoop = <C extends Needs>(
  ctx: C,
  name: string,
  job: Job<C>,
  { observe, onThrown }: Pick<RunnerOptions, 'observe' | 'onThrown'>,
): Loop => {
  const { pauseMs, roundMsMax = ROUND_MS_MAX, isVital = false } = job;
  const ageMsMax = pauseMs * (1 + PAUSE_VARIES) + roundMsMax;
  let endedAt: number | undefined;
  let doneAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isWoken = false;
  let isResting = false;
  let isStopped = false;
  // Asked anew after each round, during which they change.
  const isOver = (): boolean => isStopped;
  const isToFollow = (): boolean => isWoken && !isResting;

  /** Whether the next is to follow at once. */
  const round = async (): Promise<boolean> => {
    const startedAt = performance.now();
    const done = await runRound(ctx, job).catch((cause: unknown): Result<Round, PaymentError> => {
      onThrown(cause);
      return err(paymentError('internal', { cause }));
    });
    observe(name, done.isOk() ? done.value : done.error.code, performance.now() - startedAt);
    if (done.isErr())
      ctx.log.warn(
        { job: name, code: done.error.code, runbook: 'jobs', err: done.error.cause },
        'a job could not do its work, and tries again',
      );
    isResting = done.isErr();
    return done.isOk() && done.value === 'more';
  };
  const run = async (): Promise<void> => {
    isWoken = false;
    const isMore = await round();
    endedAt = awakeMs();
    if (!isResting) doneAt = endedAt;
    running = undefined;
    if (isOver()) return;
    const isAtOnce = isMore || isToFollow();
    timer = setTimeout(begin, isAtOnce ? 0 : pauseMs * (1 + PAUSE_VARIES * (2 * Math.random() - 1)));
  };
  // Whoever wakes it: what it then does is not on behalf of that request.
  const begin = (): void => {
    isResting = false;
    running = runJob(name, run);
  };

  return {
    wake: () => {
      endedAt ??= awakeMs();
      doneAt ??= endedAt;
      isWoken = true;
      if (running || isResting || isStopped) return;
      clearTimeout(timer);
      begin();
    },
    age: () => {
      if (endedAt === undefined || doneAt === undefined) return undefined;
      const now = awakeMs();
      const [ageMs, undoneMs] = [now - endedAt, now - doneAt];
      const isFailing = doneAt < endedAt && undoneMs > ageMsMax;
      return { name, ageMs, undoneMs, ageMsMax, isStuck: ageMs > ageMsMax, isFailing, isVital };
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      if (job.isCutOff) return;
      await running;
      await job.end?.(ctx);
    },
  };
};

/** In a function of its own, so that also what throws at once rejects. */
const runRound = async <C extends Needs>(ctx: C, { needsStripe, run }: Job<C>): Promise<Result<Round, PaymentError>> =>
  needsStripe && ctx.breaker.circuit() !== 'closed' ? ok('done') : run(ctx);
