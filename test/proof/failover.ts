/**
 * The proof that a failover of the database loses nothing that was acknowledged, charges nobody twice and leaves nothing
 * stuck: two Postgres with streaming replication, one service, charging load, and something that goes wrong in each round.
 *
 *   npm run proof:failover -- [--rounds 1] [--only kill] [--rate 50] [--clients 8] [--async] [--seed N] [--progress]
 *                             [--broken]
 *
 * `--broken` is the negative control: a standby that lags behind, asynchronously, is judged as if it were synchronous, and
 * the judge must find what was lost.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../src/platform/process.ts';
import { commandLine, count } from '../../scripts/command-line.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { mountDisk, type Disk } from './disk.ts';
import { createNode, follow, promote, setSynchronous, type Node } from './cluster.ts';
import { describe, judge, type Rule, type Seen, type Verdict } from './judge.ts';
import { startLoad, type LoadReport } from './load.ts';
import { createRandom, seedOf } from './random.ts';
import { startTicker, type Ticker } from './ticker.ts';
import { startWire, type Wire } from './wire.ts';
import { attached, balanceIsRead, createWorld, setFault, type Fault, type World } from '../support/world.ts';

/** What goes wrong with the primary, or with the standby. */
export const TROUBLES = [
  'kill',
  'freeze',
  'silence',
  'demote',
  'cancel',
  'standby gone',
  'read-only',
  'disk full',
] as const;
export type Trouble = (typeof TROUBLES)[number];

export interface FailoverOptions {
  readonly troubles: readonly Trouble[];
  readonly rounds: number;
  readonly clients: number;
  /** Debits begun in a second. */
  readonly ratePerS: number;
  readonly synchronous: boolean;
  readonly broken?: boolean;
  readonly seed: number;
  readonly log: (line: string) => void;
}

export interface Failover {
  readonly verdict: Verdict;
  readonly load: LoadReport;
  /** For each round, the longest time without a successful debit, and how much of it passed with a writable primary. */
  readonly rounds: readonly {
    readonly trouble: Trouble;
    readonly gapMs: number;
    readonly afterWritableMs: number;
  }[];
  readonly complaints: readonly string[];
  readonly debits: number;
}

/** As long as a watcher takes to be sure. */
const DETECT_MS = 1_000;
const CALM_MS = 2_000;
/** What the service promises, once there is a primary that takes writes. */
const RECOVERED_WITHIN_MS = 15_000;
const SETTLE_TIMEOUT_MS = 90_000;
const STRIPE_LATENCY: Fault = { kind: 'latency', path: '/v1/payment_intents*', median_ms: 20, p99_ms: 200 };

/** What an asynchronous standby may lose: the tail of what was acknowledged. The rest holds of it too. */
const TAIL: ReadonlySet<Rule> = new Set<Rule>([
  'charge_without_payment',
  'payment_without_charge',
  'refunds_differ',
  'balance_differs',
  'clearing_differs',
  'payouts_differ',
  'reply_lost',
  'reply_untrue',
]);

interface Scene {
  primary: Node;
  standby: Node;
  readonly wires: ReadonlyMap<Node, Wire>;
  readonly ticker: Ticker;
  readonly options: FailoverOptions;
  readonly disk: Disk | undefined;
}

export const proveFailover = async (options: FailoverOptions): Promise<Failover> => {
  const { seed, clients, ratePerS, synchronous, troubles, log } = options;
  const random = createRandom(seed);
  const disk = troubles.includes('disk full') ? await mountDisk() : undefined;
  if (!disk && troubles.includes('disk full')) log('SKIPPED disk full: no small disk can be mounted here');
  const world = await createWorld(disk?.folder);
  const otherDir = await createTempDir('standby');
  const one = createNode('one', world.dataDir);
  const two = createNode('two', otherDir);
  const wires = new Map<Node, Wire>();
  try {
    await one.start();
    for (const node of [one, two]) wires.set(node, await startWire(node.port));
    const { username, password } = new URL(one.url());
    const hosts = [one, two].map((node) => `127.0.0.1:${wires.get(node)?.port ?? 0}`).join(',');
    const recipe = await attached(world);
    const service = await world.start({
      ...recipe,
      env: { ...recipe.env, DATABASE_URL: `postgres://${username}:${password}@${hosts}/postgres` },
    });
    await setFault(world, { ...STRIPE_LATENCY, seed });
    await follow(two, one);
    if (synchronous) await setSynchronous(one, two.name);
    const load = await startLoad({
      urls: () => [service.url],
      apiKey: world.apiKey,
      random: random.fork(1),
      clients,
    });
    const ticker = await startTicker({ url: service.url, apiKey: world.apiKey, ratePerS });
    const scene: Scene = { primary: one, standby: two, wires, ticker, options, disk };
    await sleep(CALM_MS);

    const rounds: { trouble: Trouble; gapMs: number; afterWritableMs: number }[] = [];
    const complaints: string[] = [];
    for (let round = 1; round <= options.rounds; round++)
      for (const trouble of troubles.filter((name) => disk !== undefined || name !== 'disk full')) {
        const from = performance.now();
        const { writableAt, complaint } = await MAKE[trouble](scene);
        if (complaint !== undefined) complaints.push(`${trouble}: ${complaint}`);
        const isBack = await until(() => ticker.doneSince(writableAt) > 0, 4 * RECOVERED_WITHIN_MS);
        const afterWritableMs = Math.round(ticker.firstAfter(writableAt) - writableAt);
        await sleep(CALM_MS);
        const gapMs = Math.round(ticker.longestGap(from));
        log(
          `round ${round}/${options.rounds}, ${trouble}: ${gapMs} ms without a debit, of which ${afterWritableMs} ms with a writable primary; ${load.operations()} operations, ${ticker.done()} debits`,
        );
        rounds.push({ trouble, gapMs, afterWritableMs });
        if (!isBack || afterWritableMs > RECOVERED_WITHIN_MS)
          complaints.push(`${trouble}: no debit within ${RECOVERED_WITHIN_MS} ms of a writable primary`);
        if (service.ended()) throw new Error(`the service ended: ${(await service.said()).slice(-3_000)}`);
        await restore(scene);
      }

    const debits: Seen[] = await ticker.finish();
    const report = await load.finish(SETTLE_TIMEOUT_MS);
    const isJudgedWhole = synchronous || options.broken === true;
    // What reads Stripe's balance reads the primary's database, wherever that is by now.
    const here: World = { ...world, databaseUrl: scene.primary.url() };
    if (isJudgedWhole) await balanceIsRead(here);
    const verdict = await judge({
      databaseUrl: here.databaseUrl,
      sandboxUrl: world.sandboxUrl,
      seen: [...report.seen, ...debits],
      balanceRead: isJudgedWhole,
    });
    const violations = verdict.violations.filter(({ rule }) => isJudgedWhole || !TAIL.has(rule));
    const heard = isJudgedWhole
      ? report.complaints
      : report.complaints.filter((complaint) => complaint.includes('"internal"'));
    return {
      verdict: { ...verdict, violations },
      load: report,
      rounds,
      complaints: [...complaints, ...heard, ...ticker.complaints()],
      debits: debits.length,
    };
  } finally {
    for (const node of [one, two])
      await node
        .freeze(false)
        .then(node.kill)
        .catch(() => undefined);
    await world.close();
    for (const wire of wires.values()) await wire.close();
    await rm(otherDir, { recursive: true, force: true });
    await disk?.unmount();
  }
};

interface Made {
  /** Since when there has been a primary that takes writes again. */
  readonly writableAt: number;
  readonly complaint?: string;
}

const failOver = async (scene: Scene): Promise<number> => {
  await sleep(DETECT_MS);
  await promote(scene.standby);
  [scene.primary, scene.standby] = [scene.standby, scene.primary];
  return performance.now();
};

/** For so long there is no standby, or nothing is written. */
const SPELL_MS = 6_000;
/** What was on its way to the standby when it went is acknowledged still. */
const ON_ITS_WAY_MS = 500;

/** Without a standby nothing is acknowledged, where commits wait for one. */
const withoutStandby = async (scene: Scene, spell: () => Promise<unknown>): Promise<string | undefined> => {
  await scene.standby.freeze(true);
  await sleep(ON_ITS_WAY_MS);
  const before = scene.ticker.done();
  await spell();
  const acknowledged = scene.ticker.done() - before;
  return acknowledged > 0 && scene.options.synchronous
    ? `${acknowledged} debits were answered as done while no standby had them`
    : undefined;
};

const MAKE: Readonly<Record<Trouble, (scene: Scene) => Promise<Made>>> = {
  kill: async (scene) => {
    if (scene.options.broken === true) {
      await scene.standby.signalReceiver('SIGSTOP');
      await sleep(CALM_MS);
      await scene.primary.kill();
      await scene.standby.signalReceiver('SIGKILL');
    } else await scene.primary.kill();
    return { writableAt: await failOver(scene) };
  },
  freeze: async (scene) => {
    await scene.primary.freeze(true);
    return { writableAt: await failOver(scene) };
  },
  silence: async (scene) => {
    scene.wires.get(scene.primary)?.setDead(true);
    return { writableAt: await failOver(scene) };
  },
  // It is a standby of the other a moment later, and takes connections as such.
  demote: async (scene) => {
    const { primary } = scene;
    await primary.stop();
    const writableAt = await failOver(scene);
    await follow(primary, scene.primary);
    if (scene.options.synchronous) await setSynchronous(scene.primary, primary.name);
    return { writableAt };
  },
  // Whoever cancels the wait makes commits that this node alone has; then it is lost.
  cancel: async (scene) => {
    const { primary } = scene;
    const complaint = await withoutStandby(scene, async () => {
      const end = performance.now() + SPELL_MS;
      while (performance.now() < end) {
        await primary.ask("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
        await sleep(50);
      }
    });
    await primary.kill();
    await scene.standby.freeze(false);
    return { writableAt: await failOver(scene), ...(complaint === undefined ? {} : { complaint }) };
  },
  'standby gone': async (scene) => {
    const complaint = await withoutStandby(scene, () => sleep(SPELL_MS));
    await scene.standby.freeze(false);
    return { writableAt: performance.now(), ...(complaint === undefined ? {} : { complaint }) };
  },
  'read-only': async (scene) => {
    const set = async (value: string): Promise<void> => {
      await scene.primary.ask(`alter system set default_transaction_read_only = ${value}`);
      await scene.primary.ask('select pg_reload_conf()');
    };
    await set('on');
    await sleep(SPELL_MS);
    await set('off');
    return { writableAt: performance.now() };
  },
  // What has no room for its log ends, and recovers when it has: whoever looks after it starts it again.
  'disk full': async (scene) => {
    const { disk, wires } = scene;
    const small = [...wires.keys()].find(({ name }) => name === 'one');
    if (!disk || !small) return { writableAt: performance.now() };
    if (scene.primary !== small) {
      await scene.primary.kill();
      await failOver(scene);
      await restore(scene);
    }
    await disk.fill();
    await sleep(SPELL_MS);
    await disk.free();
    await small.start();
    const writes = (): Promise<boolean> =>
      small.ask('create table if not exists room (n int)').then(
        () => true,
        () => false,
      );
    await until(writes, 30_000);
    return { writableAt: performance.now() };
  },
};

/** Two servers again, of which one follows the other. */
const restore = async (scene: Scene): Promise<void> => {
  const { primary, standby, wires, options } = scene;
  const streams = await primary.ask("select from pg_stat_replication where state = 'streaming'");
  if (streams.length === 0) {
    await standby
      .freeze(false)
      .then(standby.kill)
      .catch(() => undefined);
    await follow(standby, primary);
  }
  wires.get(standby)?.setDead(false);
  if (options.synchronous) await setSynchronous(primary, standby.name);
  await sleep(CALM_MS);
};

const USAGE = `
npm run proof:failover -- [options]

Two Postgres with streaming replication, one service under charging load, and in each round something that goes wrong:
${TROUBLES.join(', ')}.

  --rounds N     how often each of them (1)
  --only NAME    only that one; may be repeated
  --rate N       debits begun in a second, beside the charges (50)
  --clients N    how many callers charge at once (8)
  --async        the standby is asynchronous: the tail of what was acknowledged may be lost, nobody is charged twice
  --broken       the negative control: a standby that lags is judged as a synchronous one
  --seed N       the same number, the same load (a random one)
  --progress     tells each round
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    rate: { type: 'string', default: '50' },
    clients: { type: 'string', default: '8' },
    async: { type: 'boolean', default: false },
    broken: { type: 'boolean', default: false },
    seed: { type: 'string' },
    progress: { type: 'boolean', default: false },
  });
  const { broken, only } = values;
  const seed = seedOf(values.seed);
  const synchronous = !values.async && !broken;
  // Only where commits wait for a standby is there a wait to be cancelled.
  const troubles = TROUBLES.filter((name) => (broken ? name === 'kill' : (only?.includes(name) ?? true)));
  console.log(
    `proof:failover ${synchronous ? 'synchronous' : 'asynchronous'}, --rounds ${values.rounds} --seed ${seed}`,
  );
  const proven = await proveFailover({
    troubles: troubles.filter((name) => synchronous || (name !== 'cancel' && name !== 'standby gone')),
    rounds: count('rounds', values.rounds),
    clients: count('clients', values.clients),
    ratePerS: count('rate', values.rate),
    synchronous,
    broken,
    seed,
    log: values.progress ? console.log : () => undefined,
  });
  const { rounds, load, complaints, verdict, debits } = proven;
  for (const trouble of troubles) {
    const these = rounds.filter((round) => round.trouble === trouble);
    if (these.length === 0) continue;
    const most = (of: (round: (typeof these)[number]) => number): number => Math.max(...these.map(of));
    console.log(
      `${trouble}: ${these.length} rounds, longest without a debit ${most(({ gapMs }) => gapMs)} ms, after a writable primary ${most(({ afterWritableMs }) => afterWritableMs)} ms`,
    );
  }
  console.log(`${load.operations} operations, ${debits} debits, ${load.repeats} repeats of unknown outcomes`);
  for (const complaint of complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  const clean = verdict.violations.length === 0 && complaints.length === 0;
  if (broken) console.log(clean ? 'WHAT WAS LOST WAS NOT FOUND' : 'what was lost was found');
  process.exitCode = clean === broken ? 1 : 0;
};

if (import.meta.main) await main();
