/**
 * The proof that a version can be deployed, and taken back, while money moves: the last release and this version side by
 * side on one database, in both orders, with this version's migrations between, and kills of either.
 *
 *   npm run proof:deploy -- [--release REF] [--kills 3] [--clients 6] [--seed N] [--broken] [--progress]
 *   npm run proof:deploy -- --restarts 200 [--clients 16] [--progress]
 *
 * With `--restarts`, two instances of this version are stopped by SIGTERM in turns, under clients on connections that are
 * kept alive: no request may be lost.
 */
import { execFile } from 'node:child_process';
import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { commandLine, count } from '../../scripts/command-line.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { startFates, type Fates } from './fates.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { startKeptAlive } from './kept-alive.ts';
import { startLoad, type LoadReport } from './load.ts';
import { createRandom, seedOf, type Random } from './random.ts';
import { stripeAt } from '../support/stripe.ts';
import { startTicker, type Ticker } from './ticker.ts';
import {
  attached,
  balanceIsRead,
  createApiKey,
  createWorld,
  setFault,
  type Fault,
  withoutNpm,
  type Recipe,
  type Service,
  type World,
} from '../support/world.ts';

/** The negative control: in the database, so that both versions are as they are. */
const BREAK = `
  create function lease_for_all() returns trigger language plpgsql as
    $$ begin new.owned_until := coalesce(new.leased_until, new.owned_until); return new; end $$;
  create trigger lease_for_all before insert or update on attempts for each row execute function lease_for_all()`;

export interface DeployOptions {
  /** What git calls the version that is in service. */
  readonly release: string;
  /** In each of the two phases with both versions. */
  readonly kills: number;
  readonly clients: number;
  readonly seed: number;
  /** The negative control: the release before takes over what this version has begun, and sends it under another key. */
  readonly broken?: boolean;
  readonly log: (line: string) => void;
}

export interface Deploy {
  readonly verdict: Verdict;
  readonly load: LoadReport;
  readonly debits: number;
  /** Of what outlives a deployment: payments, what became of them at Stripe, and replies that were asked for again. */
  readonly fates: ReturnType<Fates['counts']>;
  readonly complaints: readonly string[];
}

const ROOT = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);
/** With both versions at work. */
const TOGETHER_MS = 4_000;
/** A killed process may hold a row for as long as its session is kept, and its charges are others' to finish. */
const AFTER_KILL_MS = 8_000;
const SETTLE_TIMEOUT_MS = 90_000;
const STRIPE_LATENCY: Fault = { kind: 'latency', path: '/v1/payment_intents*', median_ms: 20, p99_ms: 200 };

/** That version's files, with this one's packages where it names the same ones, and else with its own. */
const checkOut = async (release: string): Promise<string> => {
  const folder = await createTempDir('release');
  const archive = join(folder, 'release.tar');
  await run('git', ['archive', '--output', archive, release], { cwd: ROOT });
  await run('tar', ['xf', archive, '-C', folder]);
  const [its, ours] = await Promise.all([folder, ROOT].map((of) => readFile(join(of, 'package-lock.json'), 'utf8')));
  if (its === ours) await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  else
    await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
      cwd: folder,
    });
  return folder;
};

/** Whether that version takes such a field. */
const knows = (release: string, field: string): Promise<boolean> =>
  run('git', ['grep', '-q', field, release, '--', 'src/http'], { cwd: ROOT }).then(
    () => true,
    () => false,
  );

const migrateWith = (folder: string, databaseUrl: string): Promise<unknown> =>
  run(process.execPath, ['--import', './scripts/require-node.js', 'scripts/migrate.ts'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, STRIPE_SECRET_KEY: 'sandbox' },
  });

export const proveDeploy = async ({ release, kills, clients, seed, broken, log }: DeployOptions): Promise<Deploy> => {
  const folder = await checkOut(release);
  const world = await createWorld();
  const random = createRandom(seed);
  try {
    const deployed = await withDatabase(world, 'deployed', folder);
    await setFault(world, { ...STRIPE_LATENCY, seed });
    const places = await Promise.all([attached(deployed), attached(deployed)]);
    const recipes = places.map((recipe, place) => ({
      old: { ...withoutNpm(recipe), name: `old-${place}`, folder },
      now: { ...withoutNpm(recipe), name: `now-${place}` },
    }));
    const services: Service[] = [];
    const replace = async (place: number, by: 'old' | 'now', how: 'stop' | 'kill' = 'stop'): Promise<void> => {
      const recipe: Recipe | undefined = recipes[place]?.[by];
      if (!recipe) throw new Error('there is no such place');
      await services[place]?.[how]();
      services[place] = await world.start(recipe);
    };
    for (const place of [0, 1]) await replace(place, 'old');
    const urls = services.map(({ url }) => url);
    const { apiKey } = deployed;
    const keepsCards = await knows(release, 'save_payment_method');
    const load = await startLoad({ urls: () => urls, apiKey, random: random.fork(1), clients, keepsCards });
    const tickers = await Promise.all(
      urls.map((url, place) => startTicker({ url, apiKey, ratePerS: 20, name: `place-${place}` })),
    );
    const fates = await startFates({
      urls: () => urls,
      apiKey,
      databaseUrl: deployed.databaseUrl,
      stripe: stripeAt(world.sandboxUrl),
      random: random.fork(2),
    });
    const phase = async (said: string): Promise<void> => {
      log(`${said}: ${load.operations()} operations`);
      await fates.step();
      await sleep(TOGETHER_MS);
    };
    const killed: number[] = [];
    const together = (versions: readonly ('old' | 'now')[]): Promise<void> =>
      killAtRandom({ random, kills, killed, log, kill: (place) => replace(place, versions[place] ?? 'now', 'kill') });

    await phase('both are the last release');
    await migrateWith(ROOT, deployed.databaseUrl);
    if (broken) await query(deployed.databaseUrl, BREAK);
    await phase('migrated under the last release');
    await replace(0, 'now');
    await phase('the first instance is this version, the second the last release');
    await together(['now', 'old']);
    await replace(1, 'now');
    await phase('both are this version');
    await replace(0, 'old');
    await phase('back: the first is the last release, the second this version');
    await together(['old', 'now']);
    await replace(1, 'old');
    await phase('both are the last release, on the database of this version');
    // Which settles what it can; the rest is this version's again, as it will be.
    await replace(0, 'now');
    await phase('the first is this version again');
    const debits = (await Promise.all(tickers.map((ticker) => ticker.finish()))).flat();
    const report = await load.finish(SETTLE_TIMEOUT_MS);
    const lasting = await fates.finish();
    if (!(await balanceIsRead(deployed))) log("Stripe's balance is not read to its end");
    const verdict = await judge({
      databaseUrl: deployed.databaseUrl,
      sandboxUrl: world.sandboxUrl,
      seen: [...report.seen, ...lasting.seen, ...debits],
    });
    return {
      verdict,
      load: report,
      debits: debits.length,
      fates: fates.counts(),
      complaints: [...report.complaints, ...lasting.complaints, ...unprovoked(tickers, killed)],
    };
  } finally {
    await world.close();
    await rm(folder, { recursive: true, force: true });
  }
};

/** A database of its own in the world's Postgres, as that version makes it. */
const withDatabase = async (world: World, name: string, folder: string): Promise<World> => {
  await query(world.databaseUrl, `create database ${name}`);
  const databaseUrl = world.databaseUrl.replace(/\/[^/]*$/, `/${name}`);
  await migrateWith(folder, databaseUrl);
  return { ...world, databaseUrl, apiKey: await createApiKey(databaseUrl) };
};

const query = async (url: string, statement: string): Promise<void> => {
  const db = new pg.Client(url);
  await db.connect();
  await db.query(statement).finally(() => db.end());
};

interface Killing {
  readonly random: Random;
  readonly kills: number;
  readonly killed: number[];
  readonly log: (line: string) => void;
  readonly kill: (place: number) => Promise<void>;
}

const killAtRandom = async ({ random, kills, killed, log, kill }: Killing): Promise<void> => {
  for (let n = 1; n <= kills; n++) {
    await sleep(random.integer(200, 2_000));
    const place = random.integer(0, 1);
    killed.push(performance.now());
    await kill(place);
    killed.push(performance.now());
    log(`kill ${n}/${kills}: instance ${place}`);
  }
  await sleep(AFTER_KILL_MS);
};

/** 5xx that nobody was killed for. */
const unprovoked = (tickers: readonly Ticker[], killed: readonly number[]): string[] =>
  tickers.flatMap((ticker) => [
    ...ticker.complaints(),
    ...ticker
      .failures()
      .filter(({ at }) => !killed.some((killedAt) => at > killedAt && at < killedAt + AFTER_KILL_MS))
      .map(({ said }) => `a debit was told ${said}`),
  ]);

// ---- rolling restarts ----------------------------------------------------------------------------------------------

export interface RestartOptions {
  readonly restarts: number;
  readonly clients: number;
  readonly log: (line: string) => void;
}

export interface Restarts {
  readonly requests: number;
  readonly lost: readonly string[];
  /** Sent again, since their connection was cut: a client that gets no core for longer than a stop lingers meets it. */
  readonly cut: readonly string[];
  readonly verdict: Verdict;
}

export const proveRestarts = async ({ restarts, clients, log }: RestartOptions): Promise<Restarts> => {
  const world = await createWorld();
  try {
    const recipes = [withoutNpm(await attached(world)), withoutNpm(await attached(world))].map((recipe, place) => ({
      ...recipe,
      name: `place-${place}`,
    }));
    const services: Service[] = [];
    for (const recipe of recipes) services.push(await world.start(recipe));
    const kept = await startKeptAlive({ urls: services.map(({ url }) => url), apiKey: world.apiKey, clients });
    for (let n = 0; n < restarts; n++) {
      const place = n % 2;
      const [service, recipe] = [services[place], recipes[place]];
      if (!service || !recipe) throw new Error('there is no such instance');
      const code = await service.stop();
      if (code !== 0) throw new Error(`it ended with ${code ?? 'a signal'}: ${(await service.said()).slice(-2_000)}`);
      services[place] = await world.start(recipe);
      log(`restart ${n + 1}/${restarts}: ${kept.requests()} requests, ${kept.lost().length} lost`);
    }
    const seen = await kept.finish();
    const { databaseUrl, sandboxUrl } = world;
    const verdict = await judge({ databaseUrl, sandboxUrl, seen });
    return { requests: kept.requests(), lost: kept.lost(), cut: kept.cut(), verdict };
  } finally {
    await world.close();
  }
};

const USAGE = `
npm run proof:deploy -- [options]

Deploys this version beside the last release, under load, and takes it back.

  --release REF   the last release, as git calls it (what db/last-release says)
  --kills N       kills while both versions are at work, in each order (3)
  --clients N     how many callers at once (6)
  --seed N        the same number, the same load (a random one)
  --broken        the negative control: the last release sends again what this version has begun
  --progress      tells each step

  --restarts N    instead: N restarts by SIGTERM, of two instances in turns, under clients whose connections are kept alive
`;

const lastRelease = async (): Promise<string> => (await readFile(join(ROOT, 'db', 'last-release'), 'utf8')).trim();

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    release: { type: 'string' },
    kills: { type: 'string', default: '3' },
    clients: { type: 'string', default: '6' },
    restarts: { type: 'string' },
    seed: { type: 'string' },
    broken: { type: 'boolean', default: false },
    progress: { type: 'boolean', default: false },
  });
  const log = values.progress ? console.log : (): void => undefined;
  const clients = count('clients', values.clients);
  if (values.restarts !== undefined) {
    const restarts = count('restarts', values.restarts);
    console.log(`proof:deploy --restarts ${restarts}`);
    const { requests, lost, cut, verdict } = await proveRestarts({ restarts, clients, log });
    console.log(
      `${requests} requests over ${restarts} restarts, ${lost.length} lost, ${cut.length} cut and sent again`,
    );
    for (const one of lost.slice(0, 10)) console.log(`LOST ${one}`);
    for (const one of cut.slice(0, 10)) console.log(`CUT ${one}`);
    console.log(describe(verdict));
    process.exitCode = lost.length + cut.length + verdict.violations.length > 0 ? 1 : 0;
    return;
  }
  const seed = seedOf(values.seed);
  const release = values.release ?? (await lastRelease());
  console.log(`proof:deploy --release ${release} --seed ${seed}`);
  const { verdict, load, debits, fates, complaints } = await proveDeploy({
    release,
    kills: count('kills', values.kills, 0),
    clients,
    seed,
    broken: values.broken,
    log,
  });
  console.log(`${load.operations} operations, ${debits} debits, ${load.repeats} repeats of unknown outcomes`);
  console.log(
    `${fates.payments} payments with a fate, ${fates.moved} moves at Stripe, ${fates.repeats} keys asked again`,
  );
  for (const complaint of complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  const clean = verdict.violations.length + complaints.length === 0;
  if (values.broken) console.log(clean ? 'WHAT WAS BROKEN WAS NOT FOUND' : 'what was broken was found');
  process.exitCode = clean === values.broken ? 1 : 0;
};

if (import.meta.main) await main();
