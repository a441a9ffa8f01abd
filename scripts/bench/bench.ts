/** Drives the scenarios, in turns with another service where there is one. */
import { open, rm } from 'node:fs/promises';
import { fdatasyncSync, writeSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, until } from '../../src/platform/process.ts';
import { createWorld, type World } from '../../test/support/world.ts';
import { lacksRoute, medianOf, METRICS, type Results, type ScenarioResult } from './figures.ts';
import type { Report } from './load/report.ts';
import { canMeasure, treeUse } from './processes.ts';
import { errorsOf, runLoad } from './run-load.ts';
import { SCENARIOS } from './scenarios.ts';
import {
  createDatabase,
  runningSubject,
  startOwn,
  startProgram,
  type Own,
  type Program,
  type Stripe,
  type Subject,
} from './subject.ts';

export interface BenchOptions {
  readonly scenarios: readonly string[];
  readonly rounds: number;
  readonly durationS: number;
  readonly warmupS: number;
  readonly connections: number;
  readonly customers: number;
  /** Requests a second of the scenarios that are open loops, instead of their own. */
  readonly rate?: number | undefined;
  readonly workers?: string | undefined;
  /** A service that runs already, instead of our own; and its processes, as `service:1,postgres:2`. */
  readonly service?: string | undefined;
  readonly servicePid?: string | undefined;
  /** The URL of another Stripe endpoint, or the path of a program that is one. */
  readonly stripe?: string | undefined;
  readonly stripePid?: number | undefined;
  /** The URL of another service, or the path of a program that is one. */
  readonly against?: string | undefined;
  readonly againstPid?: string | undefined;
  readonly key?: string | undefined;
  /** The path of another load generator. */
  readonly load?: string | undefined;
  /** Where CPU profiles of the service go. */
  readonly profileDir?: string | undefined;
  readonly log: (line: string) => void;
}

const isUrl = (text: string): boolean => /^https?:/.test(text);

export const bench = async (options: BenchOptions): Promise<Results> => {
  if (options.service !== undefined)
    return drive(options, runningSubject(options.service, options.key, options.servicePid), otherOf(options), '');

  options.log('starting Postgres, the Stripe sandbox and the service');
  const world = await createWorld();
  const programs: Program[] = [];
  try {
    const disk = await describeDisk(world.dataDir);
    const stripe = await openStripe(options, programs);
    const own = await startOwn(world, { workers: options.workers, stripe, nodeArgs: profileArgs(options.profileDir) });
    const other = await openOther(options, world, own, stripe?.url ?? world.sandboxUrl, programs);
    return await drive(options, own, other, disk).catch(async (error: unknown) => {
      throw new Error(`${messageOf(error)}\n${await lastWords(own)}`, { cause: error });
    });
  } finally {
    await Promise.all(programs.map(({ stop }) => stop()));
    await world.close();
  }
};

/** What the service has logged at last, but for the lines of requests. */
const lastWords = async ({ service }: Own): Promise<string> =>
  (await service.said())
    .trim()
    .split('\n')
    .filter((line) => !line.includes('"msg":"request"'))
    .slice(-5)
    .join('\n');

/** Twice as often as V8 does by itself: ten seconds give 20,000 samples. */
const profileArgs = (dir: string | undefined): string[] =>
  dir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dir}`, '--cpu-prof-interval=500'];

const openStripe = async ({ stripe, stripePid }: BenchOptions, programs: Program[]): Promise<Stripe | undefined> => {
  if (stripe === undefined) return undefined;
  if (isUrl(stripe)) return { url: stripe, pid: stripePid };
  const program = await startProgram(stripe, {});
  programs.push(program);
  return program;
};

const otherOf = ({ against, key, againstPid }: BenchOptions): Subject | undefined => {
  if (against === undefined) return undefined;
  if (!isUrl(against)) throw new Error('--against takes a URL where --service is given: a program needs our database.');
  return runningSubject(against, key, againstPid);
};

/** A program gets a database in our cluster and our Stripe endpoint: the same disk, the same durability. */
const openOther = async (
  options: BenchOptions,
  world: World,
  own: Subject,
  stripeUrl: string,
  programs: Program[],
): Promise<Subject | undefined> => {
  const { against } = options;
  if (against === undefined || isUrl(against)) return otherOf(options);
  const databaseUrl = await createDatabase(world.databaseUrl, 'other');
  const program = await startProgram(against, { DATABASE_URL: databaseUrl, STRIPE_API_BASE: stripeUrl });
  programs.push(program);
  return { url: program.url, key: options.key ?? own.key, pids: { ...own.pids, service: program.pid } };
};

// ---- the rounds ----------------------------------------------------------------------------------------------------

const drive = async (
  options: BenchOptions,
  own: Subject,
  other: Subject | undefined,
  disk: string,
): Promise<Results> => {
  const { scenarios, log: _log, key: _key, ...shown } = options;
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) results.push(await driveScenario(options, scenario, own, other));
  return { machine: describeMachine(options, disk), options: shown, scenarios: results };
};

const driveScenario = async (
  options: BenchOptions,
  scenario: string,
  own: Subject,
  other: Subject | undefined,
): Promise<ScenarioResult> => {
  const ours: Report[] = [];
  const others: Report[] = [];
  let rival = other;
  for (let round = 1; round <= options.rounds; round++) {
    const runOwn = async (): Promise<unknown> => ours.push(await runOnce(options, scenario, round, own, ''));
    const runOther = async (): Promise<void> => {
      if (!rival) return;
      const report = await runOnce(options, scenario, round, rival, ' (other)');
      if (lacksRoute(report)) rival = undefined;
      else others.push(report);
    };
    // First one and then the other begins, so that a machine that grows slower does not favour either.
    for (const run of round % 2 === 1 ? [runOwn, runOther] : [runOther, runOwn]) {
      await settle(own, other, options.log);
      await run();
    }
  }
  return { scenario, own: ours, other: others };
};

/** Of a core, all of them together: what a service, Postgres and the sandbox take at rest is a tenth of it. */
const REST_CORES = 0.15;
const LOOK_MS = 300;
/** The webhooks of some ten thousand payments arrive by then. */
const SETTLE_TIMEOUT_MS = 60_000;

/** Waits until nobody works any more: what one run leaves behind, webhooks first of all, is not the next one's cost. */
const settle = async (own: Subject, other: Subject | undefined, log: BenchOptions['log']): Promise<void> => {
  const pids = new Set([...Object.values(own.pids), ...Object.values(other?.pids ?? {})]);
  if (!canMeasure || pids.size === 0) return;
  const used = (): number => [...pids].reduce((sum, pid) => sum + treeUse(pid).cpuS, 0);
  let before = used();
  const isAtRest = await until(async () => {
    await sleep(LOOK_MS);
    const now = used();
    const cores = (now - before) / (LOOK_MS / 1000);
    before = now;
    return cores < REST_CORES;
  }, SETTLE_TIMEOUT_MS);
  if (!isAtRest) log('the run before is still worked on: the next one is measured beside that');
};

const runOnce = async (
  options: BenchOptions,
  scenario: string,
  round: number,
  subject: Subject,
  who: string,
): Promise<Report> => {
  const { args: usual = [], at, ownGeneratorOnly } = SCENARIOS[scenario] ?? {};
  const args = options.rate !== undefined && at ? at(options.rate) : usual;
  const isOwnGenerator = ownGeneratorOnly ?? options.profileDir !== undefined;
  const report = await runLoad(subject, {
    generator: isOwnGenerator ? undefined : options.load,
    args: [
      ...args,
      ...['--duration', String(options.durationS), '--warmup', String(options.warmupS)],
      ...['--connections', String(options.connections), '--customers', String(options.customers)],
    ],
  });
  const { all } = report;
  options.log(
    `${scenario}${who}, round ${round} of ${options.rounds}: ${Math.round(all.rate)} req/s, P99 ${all.p99_ms.toFixed(1)} ms, ` +
      `${Math.round(METRICS.both.of(report) ?? 0)} µs, ${errorsOf(report)} errors`,
  );
  return report;
};

// ---- where it was measured -------------------------------------------------------------------------------------------

const describeMachine = (options: BenchOptions, disk: string): string => {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  return (
    `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${memoryGb} GB, Node ${process.versions.node}, ${process.platform}${disk}; ` +
    `${options.rounds} rounds of ${options.durationS} s after ${options.warmupS} s, ${options.connections} connections, ` +
    `${options.customers} customers; everything on the one machine`
  );
};

/** What a commit cannot be faster than: a disk that flushes in no time is memory. */
const describeDisk = async (folder: string): Promise<string> => {
  const path = join(folder, 'flush');
  const file = await open(path, 'w');
  const page = Buffer.alloc(8_192, 1);
  const flush = (): number => {
    const startedAt = performance.now();
    writeSync(file.fd, page, 0, page.length, 0);
    fdatasyncSync(file.fd);
    return performance.now() - startedAt;
  };
  const ms = medianOf(Array.from({ length: 50 }, flush));
  await file.close();
  await rm(path);
  return `, ${ms.toFixed(2)} ms to flush a page`;
};
