/**
 * The proof that a killed process loses no money and charges nobody twice: SIGKILL at random moments under charging
 * load, a restart each time, and then the judge.
 *
 *   npm run proof:kill -- [--kills 50] [--instances 1|2] [--clients 16] [--seed N] [--progress]
 *                         [--broken charge-before-claim]
 *
 * With two instances, one of them is killed at a time, and the other goes on. `--broken` is the negative control: the
 * service charges before it claims, and the judge must say so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, count, oneOf } from '../../scripts/command-line.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { startLoad, type LoadReport } from './load.ts';
import { createRandom, seedOf } from './random.ts';
import {
  attached,
  balanceIsRead,
  createWorld,
  embedded,
  expireLeases,
  setFault,
  type Fault,
  type Recipe,
  type Service,
  type World,
} from '../support/world.ts';

export interface KillOptions {
  readonly kills: number;
  readonly instances: 1 | 2;
  readonly clients: number;
  readonly seed: number;
  readonly broken: boolean;
  /** Whether the leases of the dead run out at once, where only one instance can hold any: for a run of seconds. */
  readonly expire?: boolean;
  readonly log: (line: string) => void;
}

export interface Proof {
  readonly verdict: Verdict;
  readonly load: LoadReport;
}

/**
 * A kill comes this long after everything runs: through every phase of many charges. On a machine that is slow to start
 * it again, up to twice what that took: a service that is down most of the time cannot keep any promise about time.
 */
const UNTIL_KILL_MS = { min: 50, max: 2_500 };
const UP_TO_DOWN = 2;
/** As card networks answer, only faster: half of the calls take 30 ms, one in a hundred half a second. */
const STRIPE_LATENCY: Fault = { kind: 'latency', path: '/v1/payment_intents*', median_ms: 30, p99_ms: 500 };
/** A lease of 20 s, twice where a sweeper was killed too, and a round of the sweeper after each. */
const SETTLE_TIMEOUT_MS = 60_000;
/** What the service promises. */
const SETTLED_WITHIN_S = 30;

export const proveKills = async ({
  kills,
  instances,
  clients,
  seed,
  broken,
  expire = false,
  log,
}: KillOptions): Promise<Proof> => {
  const world = await createWorld();
  const random = createRandom(seed);
  const services: Service[] = [];
  const pauses = watchPauses(log);
  try {
    await setFault(world, { ...STRIPE_LATENCY, seed });
    const recipes = await recipesOf(world, instances, broken);
    for (const recipe of recipes) services.push(await world.start(recipe));
    const urls = services.map(({ url }) => url);
    const load = await startLoad({ urls: () => urls, apiKey: world.apiKey, random: random.fork(1), clients });

    let downMs = 0;
    for (let kill = 1; kill <= kills; kill++) {
      const waitMs = random.integer(UNTIL_KILL_MS.min, Math.max(UNTIL_KILL_MS.max, UP_TO_DOWN * downMs));
      const victim = random.integer(0, services.length - 1);
      await sleep(waitMs);
      const { [victim]: service } = services;
      const { [victim]: recipe } = recipes;
      if (!service || !recipe) throw new Error('there is no such instance');
      const inFlight = load.inFlight();
      await service.kill();
      if (expire) await expireLeases(world);
      const startedAt = performance.now();
      services[victim] = await world.start(recipe);
      downMs = Math.round(performance.now() - startedAt);
      log(
        `kill ${kill}/${kills}: ${recipe.name} after ${waitMs} ms, ${inFlight} in flight, ${load.operations()} done; ` +
          `back in ${downMs} ms`,
      );
    }
    if (kills === 0) await sleep(UNTIL_KILL_MS.max);
    const report = await load.finish(SETTLE_TIMEOUT_MS);
    // The broken one has no sweepers, and reads no balance.
    if (!broken) await balanceIsRead(world);
    const verdict = await judge({
      databaseUrl: world.databaseUrl,
      sandboxUrl: world.sandboxUrl,
      seen: report.seen,
      balanceRead: !broken,
      settledWithinS: SETTLED_WITHIN_S + Math.ceil(pauses.totalMs() / 1000),
    });
    return { verdict, load: report };
  } finally {
    pauses.stop();
    await world.close();
  }
};

/** Longer than any machine that is merely busy leaves a process without its turn. */
const PAUSE_MS = 5_000;

/** A machine that stands still (a laptop that is shut, a virtual one that is moved) breaks no promise of the service. */
const watchPauses = (log: KillOptions['log']): { readonly totalMs: () => number; readonly stop: () => void } => {
  let totalMs = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    const gapMs = performance.now() - before;
    before += gapMs;
    if (gapMs < PAUSE_MS) return;
    totalMs += gapMs;
    log(`the whole machine stood still for ${Math.round(gapMs / 1000)} s`);
  }, 500);
  return { totalMs: () => totalMs, stop: () => clearInterval(timer) };
};

const recipesOf = async (world: World, instances: 1 | 2, broken: boolean): Promise<Recipe[]> => {
  const first = await embedded(world);
  const all = instances === 1 ? [first] : [first, await attached(world)];
  if (!broken) return all;
  const program = new URL('broken.ts', import.meta.url).pathname;
  return all.map(({ name, env }) => ({
    name: `${name}-broken`,
    command: [process.execPath, program],
    env: { PORT: env['PORT'] ?? '0', DATABASE_URL: world.databaseUrl, STRIPE_API_BASE: world.sandboxUrl },
  }));
};

const USAGE = `
npm run proof:kill -- [options]

Kills the service at random under load, starts it again, and judges the books against the sandbox.

  --kills N        how often it is killed (50)
  --instances 1|2  how many serve one database (1)
  --clients N      how many callers at once (16)
  --seed N         what is done and when: the same number, the same load (a random one)
  --broken charge-before-claim   the negative control: must be caught
  --progress       tells each kill
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    kills: { type: 'string', default: '50' },
    instances: { type: 'string', default: '1' },
    clients: { type: 'string', default: '16' },
    seed: { type: 'string' },
    progress: { type: 'boolean', default: false },
    broken: { type: 'string' },
  });
  if (values.broken !== undefined) oneOf('--broken', values.broken, ['charge-before-claim']);
  const seed = seedOf(values.seed);
  const options: KillOptions = {
    kills: count('kills', values.kills),
    instances: oneOf('--instances', values.instances, ['1', '2']) === '2' ? 2 : 1,
    clients: count('clients', values.clients),
    seed,
    broken: values.broken !== undefined,
    log: values.progress ? console.log : () => undefined,
  };
  console.log(`proof:kill --kills ${options.kills} --instances ${options.instances} --seed ${seed}`);
  const { verdict, load } = await proveKills(options);
  console.log(`${load.operations} operations, ${load.repeats} repeats of unknown outcomes`);
  for (const complaint of load.complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  const clean = verdict.violations.length === 0 && load.complaints.length === 0;
  if (options.broken) console.log(clean ? 'THE BROKEN ORDER WAS NOT CAUGHT' : 'the broken order was caught');
  process.exitCode = clean === options.broken ? 1 : 0;
};

if (import.meta.main) await main();
