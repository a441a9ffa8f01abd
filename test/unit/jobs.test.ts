import { describe, expect, it } from '@jest/globals';
import { errAsync, okAsync } from 'neverthrow';
import pino from 'pino';
import { paymentError } from '../../src/error.ts';
import { createRunner, type Job, type JobAge, type Runner, type RunnerOptions } from '../../src/jobs/runner.ts';
import { runWork, workStorage } from '../../src/monitor/context.ts';
import { createBreaker } from '../../src/stripe/breaker.ts';
import { afterSuite } from '../support/cleanup.ts';
import { until } from '../support/until.ts';

const log = pino({ level: 'silent' });
const ctx = { log, breaker: createBreaker(log) };
type JobHere = Job<typeof ctx>;

/** A pause that no test waits for. */
const NEVER_MS = 600_000;

const start = <Name extends string>(
  jobs: Readonly<Record<Name, JobHere>>,
  options: Partial<RunnerOptions> = {},
): Runner<Name> => {
  const none = { isFirst: true, observe: () => undefined, onThrown: () => undefined };
  const runner = createRunner<typeof ctx, Name>(ctx, jobs, { ...none, ...options });
  afterSuite(runner.stop);
  runner.start();
  return runner;
};

describe('a job', () => {
  it('is run at once, again without a pause while there is more to do, and again when it is woken', async () => {
    let rounds = 0;
    const runner = start({
      one: { pauseMs: NEVER_MS, run: () => okAsync(++rounds < 3 ? 'more' : 'done') },
    });
    await until(() => rounds === 3);
    runner.wake('one');
    await until(() => rounds === 4);
  });

  it('that threw is told of, and run again as after any other round', async () => {
    const thrown: unknown[] = [];
    const mistake = new Error('a mistake');
    let rounds = 0;
    start(
      {
        one: {
          pauseMs: 10,
          run: () => {
            if (++rounds === 1) throw mistake;
            return okAsync('done');
          },
        },
      },
      { onThrown: (error) => thrown.push(error) },
    );
    await until(() => rounds >= 2);
    expect(thrown).toEqual([mistake]);
  });

  it('that failed rests before it is run again, whoever wakes it', async () => {
    const seen: string[] = [];
    const runner = start(
      { one: { pauseMs: NEVER_MS, run: () => errAsync(paymentError('database_unavailable')) } },
      { observe: (name, result) => seen.push(`${name}: ${result}`) },
    );
    await until(() => seen.length > 0);
    for (let times = 0; times < 5; times++) {
      runner.wake('one');
      await new Promise(setImmediate);
    }
    expect(seen).toEqual(['one: database_unavailable']);
  });

  it('that fails again and again is told to be failing, and when it last did its work, though its rounds end', async () => {
    let isBroken = false;
    let failed = 0;
    const runner = start({
      one: {
        pauseMs: 1,
        roundMsMax: 20,
        run: () => {
          if (!isBroken) return okAsync('done' as const);
          failed++;
          return errAsync(paymentError('internal'));
        },
      },
    });
    const age = (): JobAge | undefined => runner.ages()[0];
    await until(() => age()?.isFailing === false);
    isBroken = true;
    await until(() => age()?.isFailing === true && failed > 1);
    expect(age()?.undoneMs).toBeGreaterThan(20);
    isBroken = false;
    await until(() => age()?.isFailing === false);
  });

  it('is not told to stand still before its longest pause and its longest round are over', async () => {
    let rounds = 0;
    const runner = start({
      one: { pauseMs: 3_600_000, roundMsMax: 5_000, run: () => okAsync(++rounds < 2 ? 'more' : 'done') },
    });
    await until(() => rounds === 2);
    expect(runner.ages().map(({ ageMsMax }) => ageMsMax)).toEqual([4_505_000]);
  });

  it('does nothing on behalf of the request that woke it', async () => {
    const routes: (string | undefined)[] = [];
    const runner = start({
      one: {
        pauseMs: NEVER_MS,
        run: () => {
          routes.push(workStorage.getStore()?.route);
          return okAsync('done');
        },
      },
    });
    await until(() => routes.length === 1);
    await new Promise<void>((done) => {
      setImmediate(() => {
        runWork({ route: '/webhooks/stripe', startedAt: performance.now() }, () => runner.wake('one'));
        done();
      });
    });
    await until(() => routes.length === 2);
    expect(routes).toEqual(['job:one', 'job:one']);
  });

  it('that one process is enough for is run by the first of several', async () => {
    const ran: string[] = [];
    const run = (name: string): JobHere['run'] => {
      return () => {
        ran.push(name);
        return okAsync('done');
      };
    };
    const jobs = {
      lone: { pauseMs: NEVER_MS, isOneEnough: true, run: run('lone') },
      any: { pauseMs: NEVER_MS, run: run('any') },
    } as const;
    const second = start(jobs, { isFirst: false });
    await until(() => ran.includes('any'));
    expect(second.ages().map(({ name }) => name)).toEqual(['any']);
    expect(ran).toEqual(['any']);
  });

  it('is waited for at a stop, and then ends what it has begun; one that only reads is not waited for', async () => {
    const told: string[] = [];
    let finish = (): void => undefined;
    const working = new Promise<void>((done) => (finish = done));
    const runner = start({
      writing: {
        pauseMs: NEVER_MS,
        run: () =>
          okAsync('done' as const).map(async (round) => {
            await working;
            told.push('written');
            return round;
          }),
        end: async () => {
          told.push('ended');
        },
      },
      reading: {
        pauseMs: NEVER_MS,
        isCutOff: true,
        run: () => okAsync('done' as const).map(() => new Promise<'done'>(() => undefined)),
      },
    });
    const stopping = runner.stop().then(() => told.push('stopped'));
    finish();
    await stopping;
    expect(told).toEqual(['written', 'ended', 'stopped']);
  });
});
