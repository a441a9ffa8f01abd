/**
 * The proof that what was acknowledged survives the database: Postgres is stopped at once or killed, at random moments
 * under charging load, and started again each time, while the service stays up; and then the judge.
 *
 *   npm run proof:postgres -- [--crashes 50] [--clients 16] [--seed N] [--progress]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, until } from '../../src/platform/process.ts';
import { commandLine, count } from '../../scripts/command-line.ts';
import { describe, judge } from './judge.ts';
import type { Proof } from './kill.ts';
import { startLoad } from './load.ts';
import { createRandom, seedOf } from './random.ts';
import { attached, createWorld, setFault, type Fault, type World } from '../support/world.ts';

export interface PostgresOptions {
  readonly crashes: number;
  readonly clients: number;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** A crash comes this long after the database is back: during reconnection, and under full load. */
const UNTIL_CRASH_MS = { min: 50, max: 2_000 };
/** Half of the calls take 30 ms, so that many charges are between their two commits when it happens. */
const STRIPE_LATENCY: Fault = { kind: 'latency', path: '/v1/payment_intents*', median_ms: 30, p99_ms: 500 };
const SETTLE_TIMEOUT_MS = 60_000;

/** What `pg_ctl stop -m immediate` sends, and what no one can catch. */
const CRASHES = ['SIGQUIT', 'SIGKILL'] as const;

export const provePostgres = async ({ crashes, clients, seed, log }: PostgresOptions): Promise<Proof> => {
  const world = await createWorld();
  const random = createRandom(seed);
  try {
    const service = await world.start(await attached(world));
    await setFault(world, { ...STRIPE_LATENCY, seed });
    const { apiKey, databaseUrl, sandboxUrl } = world;
    const load = await startLoad({ urls: () => [service.url], apiKey, random: random.fork(1), clients });
    for (let crash = 1; crash <= crashes; crash++) {
      const waitMs = random.integer(UNTIL_CRASH_MS.min, UNTIL_CRASH_MS.max);
      const signal = random.pick(CRASHES);
      await sleep(waitMs);
      const inFlight = load.inFlight();
      const startedAt = performance.now();
      await crashPostgres(world, signal);
      const downMs = Math.round(performance.now() - startedAt);
      log(
        `crash ${crash}/${crashes}: ${signal} after ${waitMs} ms, ${inFlight} in flight, ${load.operations()} done; ${downMs} ms down`,
      );
      if (service.ended())
        throw new Error(`the service ended with its database: ${(await service.said()).slice(-3_000)}`);
    }
    const report = await load.finish(SETTLE_TIMEOUT_MS);
    return { verdict: await judge({ databaseUrl, sandboxUrl, seen: report.seen }), load: report };
  } finally {
    await world.close();
  }
};

const crashPostgres = async (world: World, signal: NodeJS.Signals): Promise<void> => {
  const pid = world.postgresPid();
  process.kill(pid, signal);
  await until(() => !isAlive(pid), 10_000);
  await world.restartPostgres();
};

const USAGE = `
npm run proof:postgres -- [options]

Crashes Postgres under load and looks whether what was acknowledged is there.

  --crashes N  how often (50)
  --clients N  how many callers at once (16)
  --seed N     the same number, the same load (a random one)
  --progress   tells each crash
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    crashes: { type: 'string', default: '50' },
    clients: { type: 'string', default: '16' },
    seed: { type: 'string' },
    progress: { type: 'boolean', default: false },
  });
  const seed = seedOf(values.seed);
  const log = values.progress ? console.log : (): void => undefined;
  console.log(`proof:postgres --crashes ${values.crashes} --seed ${seed}`);
  const { verdict, load } = await provePostgres({
    crashes: count('crashes', values.crashes),
    clients: count('clients', values.clients),
    seed,
    log,
  });
  console.log(`${load.operations} operations, ${load.repeats} repeats of unknown outcomes`);
  for (const complaint of load.complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  process.exitCode = verdict.violations.length + load.complaints.length > 0 ? 1 : 0;
};

if (import.meta.main) await main();
