/** `npm run bench`: what a request costs, how long it takes, and how that compares with another service. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { commandWords, count, misused, oneOf, type CommandLine } from '../command-line.ts';
import { bench } from './bench.ts';
import { chartOf } from './chart.ts';
import { idleConnections, slowClients } from './connections.ts';
import { errorsIn, type Results } from './figures.ts';
import { flat, flatTable, type Size } from './flat.ts';
import { profileReport } from './profile.ts';
import { errorsOf } from './run-load.ts';
import { SCENARIOS } from './scenarios.ts';
import { soak } from './soak.ts';
import { tableOf } from './table.ts';

const OPTIONS = {
  scenario: { type: 'string' },
  rounds: { type: 'string' },
  duration: { type: 'string', default: '10' },
  warmup: { type: 'string', default: '2' },
  connections: { type: 'string', default: '64' },
  customers: { type: 'string', default: '1000' },
  workers: { type: 'string' },
  service: { type: 'string' },
  'service-pid': { type: 'string' },
  stripe: { type: 'string' },
  'stripe-pid': { type: 'string' },
  against: { type: 'string' },
  'against-pid': { type: 'string' },
  key: { type: 'string' },
  load: { type: 'string' },
  profile: { type: 'boolean', default: false },
  json: { type: 'string' },
  chart: { type: 'string' },
  accounts: { type: 'string', default: '1000,100000' },
  transfers: { type: 'string' },
  keep: { type: 'string' },
  count: { type: 'string' },
  within: { type: 'string', default: '65' },
  minutes: { type: 'string', default: '30' },
  rate: { type: 'string' },
} as const satisfies NonNullable<ParseArgsConfig['options']>;

type Given = CommandLine<typeof OPTIONS>;

const HELP = `npm run bench -- [options]

Starts Postgres, the Stripe sandbox and the service in a folder of their own, drives them and prints what it cost.

  --scenario a,b       some of these, instead of all:
${Object.entries(SCENARIOS)
  .map(([name, { what }]) => `                         ${name.padEnd(15)}${what}`)
  .join('\n')}
  --rounds 1           how often each runs; the medians are shown (3 with --against)
  --duration 10        measured seconds of each run, after --warmup 2
  --connections 64     of the load
  --customers 1000     made and paid for before each run
  --rate 3333          requests a second of a scenario that is an open loop: mixed
  --workers N          the service's WORKERS; any other variable of the service is taken from the environment

  --service URL        drives a service that already runs, with --service-pid service:1,postgres:2,stripe:3 to
                       measure its processes, and --key
  --stripe URL|PROGRAM charges at another endpoint than the sandbox (--stripe-pid N); a program gets PORT
  --against URL|PROGRAM  alternates with another service that speaks the same routes, and prints ratios
                       (--against-pid as --service-pid); a program gets PORT, a DATABASE_URL in the same cluster and
                       STRIPE_API_BASE, and the rest of the environment
  --load PROGRAM       drives with another generator that takes the same options as scripts/bench/load/main.ts

  --profile            profiles the service, and prints the functions with the most self time
  --json FILE          every run's figures
  --chart FILE         draws them, as SVG; npm run bench -- chart FILE.json FILE.svg draws those of an earlier run

Others, each with a service of its own:

  flat --accounts 1e3,1e5,1e7 --transfers 1e3,1e5,1e7 [--rounds 3] [--keep DIR]
                       what a request costs as the tables grow: databases of these sizes, seeded in SQL. One number of
                       transfers is that of every size; left out, each account has one. What is seeded stays in DIR
                       for another time (1e7 and 1e7: 20 GB); --rounds 0 seeds, and measures nothing
  connections --count 8000   what an idle kept-alive connection takes of the service's memory
  slow-loris --count 50 --within 65   clients that send a byte a second are cut within so many seconds
  soak --minutes 30 [--rate 3333]   the mixed load for long: latency, memory and its slope, stalls, errors

Ends with 1 where a reply was no 2xx, a replay was not the same byte for byte, or a request was not answered.
`;

const seconds = (name: 'duration' | 'warmup', text: string): number => {
  if (!/^\d{1,6}(\.\d+)?$/.test(text)) throw new Error(`--${name} takes seconds; it is "${text}".`);
  return Number(text);
};

const NAMES = Object.keys(SCENARIOS);
const scenariosOf = (text: string | undefined): string[] =>
  text?.split(',').map((name) => oneOf('--scenario', name, NAMES)) ?? NAMES;

/** It would be ignored by a closed loop, which sends as fast as it is answered. */
const rateOf = (text: string | undefined, scenarios: readonly string[]): number | undefined => {
  if (text === undefined) return undefined;
  const open = NAMES.filter((name) => SCENARIOS[name]?.at);
  if (!scenarios.some((name) => open.includes(name)))
    return misused(`--rate is of an open loop: it takes --scenario ${open.join(', ')}, or soak`);
  return count('rate', text);
};

const log = (line: string): void => void process.stderr.write(`${line}\n`);

const runScenarios = async ({ values }: Given): Promise<void> => {
  const profileDir = values.profile ? await mkdtemp(join(tmpdir(), 'quittance-profile-')) : undefined;
  if (profileDir !== undefined && values.service !== undefined)
    return misused('--profile is of a service that the bench starts, not of --service');
  const scenarios = scenariosOf(values.scenario);
  const results = await bench({
    scenarios,
    rate: rateOf(values.rate, scenarios),
    rounds: count('rounds', values.rounds ?? (values.against === undefined ? '1' : '3'), 1),
    durationS: seconds('duration', values.duration),
    warmupS: seconds('warmup', values.warmup),
    connections: count('connections', values.connections, 1),
    customers: count('customers', values.customers, 2),
    workers: values.workers,
    service: values.service,
    servicePid: values['service-pid'],
    stripe: values.stripe,
    stripePid: values['stripe-pid'] === undefined ? undefined : count('stripe-pid', values['stripe-pid'], 1),
    against: values.against,
    againstPid: values['against-pid'],
    key: values.key,
    load: values.load,
    profileDir,
    log,
  });
  process.stdout.write(`\n${tableOf(results)}`);
  if (profileDir !== undefined) process.stdout.write(`\n${await profileReport(profileDir, results.scenarios)}`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (values.chart !== undefined) await writeFile(values.chart, chartOf(results));
  if (errorsIn(results) > 0) process.exitCode = 1;
};

const drawChart = async ({ words }: Given): Promise<void> => {
  const [, from, to] = words;
  if (from === undefined || to === undefined) return misused('chart takes FILE.json and FILE.svg');
  await writeFile(to, chartOf(JSON.parse(await readFile(from, 'utf8')) as Results));
};

const sizesOf = (accountsText: string, transfersText: string | undefined): Size[] => {
  const accounts = accountsText.split(',').map((text) => count('accounts', text, 2));
  const transfers = transfersText?.split(',').map((text) => count('transfers', text, 1)) ?? accounts;
  if (transfers.length !== 1 && transfers.length !== accounts.length)
    return misused('--transfers takes one number, or one for each of --accounts');
  return accounts.map((count, n) => {
    const past = transfers[n] ?? transfers[0] ?? count;
    if (past < count) log(`${count} accounts have a transfer each at least, which brings their money`);
    return { accounts: count, transfers: Math.max(past, count) };
  });
};

const runFlat = async ({ values }: Given): Promise<void> => {
  const results = await flat({
    sizes: sizesOf(values.accounts, values.transfers),
    rounds: count('rounds', values.rounds ?? '3', 0),
    durationS: seconds('duration', values.duration),
    warmupS: seconds('warmup', values.warmup),
    connections: count('connections', values.connections, 1),
    keep: values.keep && resolve(values.keep),
    log,
  });
  process.stdout.write(`\n${flatTable(results)}`);
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
  if (results.some(({ reports }) => reports.some((report) => errorsOf(report) > 0))) process.exitCode = 1;
};

const runConnections = async ({ values }: Given): Promise<void> => {
  process.stdout.write(await idleConnections(count('count', values.count ?? '8000', 1), log));
};

const tell = ({ text, ok }: { text: string; ok: boolean }): void => {
  process.stdout.write(text);
  if (!ok) process.exitCode = 1;
};

const runSlowLoris = async ({ values }: Given): Promise<void> =>
  tell(await slowClients(count('count', values.count ?? '50', 2), count('within', values.within, 1), log));

const runSoak = async ({ values }: Given): Promise<void> =>
  tell(
    await soak({
      minutes: count('minutes', values.minutes, 1),
      connections: count('connections', values.connections, 1),
      rate: values.rate === undefined ? undefined : count('rate', values.rate, 1),
      stripe: values.stripe,
      load: values.load,
      log,
    }),
  );

const COMMANDS: Readonly<Record<string, (given: Given) => Promise<void>>> = {
  scenarios: runScenarios,
  chart: drawChart,
  flat: runFlat,
  connections: runConnections,
  'slow-loris': runSlowLoris,
  soak: runSoak,
};

const main = async (): Promise<void> => {
  const given = commandWords(HELP, OPTIONS);
  const [name = 'scenarios'] = given.words;
  await COMMANDS[oneOf('what to measure', name, Object.keys(COMMANDS))]?.(given);
};

await main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
