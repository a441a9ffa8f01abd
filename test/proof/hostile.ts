/**
 * The proof that one caller can't stop the house, slow the others, or be told something untrue: attacks, one after the
 * other, while another merchant charges cards beside them; and arbitrary requests, each of which is answered, in the form
 * of every answer.
 *
 *   npm run proof:hostile -- [--seed N] [--seconds 5] [--rate 20] [--count 20000] [--only WORD] [--elsewhere] [--kept N]
 *     [--progress]
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import type { Role } from '../../src/domain/principal.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { commandLine, count as countOf } from '../../scripts/command-line.ts';
import { askArbitrarily, type Arbitrary } from './arbitrary.ts';
import { ATTACKS, type Target } from './attacks.ts';
import { chargeFor, type Charge } from './bystanders.ts';
import { createRandom, seedOf } from './random.ts';
import { startSink } from './sink.ts';
import { holdLoop, lineOfHeld, type Held } from './worst.ts';
import { attached, createWorld, withoutNpm, type Service, type World } from '../support/world.ts';

export interface HostileOptions {
  readonly seed: number;
  /** How long each attack lasts. */
  readonly seconds: number;
  /** Charges of another merchant that begin in a second meanwhile. */
  readonly ratePerS: number;
  /** Arbitrary requests. */
  readonly count: number;
  /** What is done: attacks whose names hold it, `arbitrary`, or `worst`; all of it where it is undefined. */
  readonly only?: string | undefined;
  /** The attacks go to a server of nothing: what others notice then is what the attacker's work takes from the machine. */
  readonly elsewhere?: boolean;
  /** Connections that the other merchant has open before an attack: none. */
  readonly kept?: number;
  readonly log: (line: string) => void;
}

/** What befell those who did nothing. */
export interface Bystanders {
  readonly during: string;
  readonly isControl: boolean;
  readonly asked: number;
  readonly paid: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** By which the service's memory has grown since before, in MB. */
  readonly grownMb: number;
  /** What they were refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface Hostile {
  readonly alone: Bystanders;
  readonly attacks: readonly Bystanders[];
  readonly arbitrary: Arbitrary | undefined;
  readonly held: readonly Held[];
  readonly complaints: readonly string[];
}

/** Fewer than this, and callers notice. */
const PAID_MIN = 0.99;
const GROWN_MAX_MB = 100;
/** Beyond twice what it was alone, and what a machine that others share adds by chance. */
const SLOWER_MAX = 2;
const NOISE_MS = 100;
/** Of the event loop, in which nobody else is served. */
const HOLD_MAX_MS = 20;

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const rssMb = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // Only Linux tells it so.
    return 0;
  }
};

export const proveHostile = async (options: HostileOptions): Promise<Hostile> => {
  const { seed, seconds, ratePerS, count, only, elsewhere = false, kept = 0, log } = options;
  const world = await createWorld();
  try {
    const service = await world.start(withoutNpm(await attached(world)));
    const target = await makeTarget(world, service);
    const random = createRandom(seed);
    const customer = await makeCustomer(service.url, world.apiKey);

    const watch = async (name: string, isControl: boolean, attack: () => Promise<() => void>): Promise<Bystanders> => {
      const before = rssMb(service.pid);
      let stop = (): void => undefined;
      const charging = { url: service.url, key: world.apiKey, customer, seconds, ratePerS, kept };
      const charges = await chargeFor(charging, async () => {
        stop = await attack();
      });
      const grownMb = rssMb(service.pid) - before;
      stop();
      const seen = { during: name, isControl, grownMb, ...summaryOf(charges) };
      log(lineOf(seen));
      return seen;
    };

    const chosen = ATTACKS.filter(({ name }) => only === undefined || name.includes(only));
    const nothing = (): Promise<() => void> => Promise.resolve(() => undefined);
    await watch('warming up', false, nothing);
    const alone = await watch('nothing else', false, nothing);
    const attacks: Bystanders[] = [];
    const sink = elsewhere ? await startSink() : undefined;
    const attacked = sink ? { ...target, url: sink.url } : target;
    for (const [at, { name, begin, isControl = false }] of chosen.entries()) {
      if (isControl && sink) continue;
      attacks.push(await watch(name, isControl, () => begin(attacked, random.fork(at))));
      await sleep(500);
    }
    sink?.close();
    const complaints = attacks.flatMap((seen) => complaintsOf(seen, alone));
    const isWanted = (what: string): boolean => !elsewhere && (only === undefined || only === what);
    const held = isWanted('worst') ? await holdLoop(target, log) : [];
    for (const { ms, route, what, mayHold } of held)
      if (ms > HOLD_MAX_MS && !mayHold) complaints.push(`${route}: ${what} held the loop for ${ms.toFixed(0)} ms`);
    const arbitrary = isWanted('arbitrary')
      ? await askArbitrarily(count, target, random.fork(1000), complaints)
      : undefined;
    if (service.ended()) complaints.push('the process has ended');
    const said = await service.said();
    if (said.includes('internal error') || said.includes('a fault'))
      complaints.push('the service met what it did not foresee');
    return { alone, attacks, held, arbitrary, complaints };
  } finally {
    await world.close();
  }
};

const summaryOf = (charges: readonly Charge[]): Omit<Bystanders, 'during' | 'isControl' | 'grownMb'> => {
  const took = charges.map(({ ms }) => ms).sort((a, b) => a - b);
  const refused: Record<string, number> = {};
  for (const { code } of charges) if (code !== 'paid') refused[code] = (refused[code] ?? 0) + 1;
  return {
    ...{ asked: charges.length, paid: charges.filter(({ code }) => code === 'paid').length, refused },
    ...{ p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99), maxMs: took.at(-1) ?? 0 },
  };
};

const complaintsOf = (seen: Bystanders, alone: Bystanders): string[] => {
  const faults = [
    ...(seen.paid < seen.asked * PAID_MIN ? [`only ${seen.paid} of ${seen.asked} were paid`] : []),
    ...(seen.p99Ms > alone.p99Ms * SLOWER_MAX + NOISE_MS ? [`P99 ${seen.p99Ms.toFixed(0)} ms`] : []),
    ...(seen.grownMb > GROWN_MAX_MB ? [`memory grew by ${seen.grownMb.toFixed(0)} MB`] : []),
  ];
  if (seen.isControl) return faults.length > 0 ? [] : [`${seen.during}: it was not seen`];
  return faults.map((fault) => `${seen.during}: ${fault}`);
};

const makeTarget = async (world: World, { url, pid }: Service): Promise<Target> => {
  const log = pino({ level: 'silent' });
  const database = openDatabase({ url: world.databaseUrl, poolMin: 0, poolMax: 1, acquireTimeoutMs: 3_000, log });
  const keys = createKeys(database.pool);
  const keyOf = async (role: Role): Promise<string> =>
    (await keys.create('Attacker', role, 'test'))._unsafeUnwrap().secret;
  const secret = await keyOf('secret');
  const [publishable, finance, oncall] = [await keyOf('publishable'), await keyOf('finance'), await keyOf('oncall')];
  const cookie = await signIn(url, finance);
  await database.close();
  return { url, pid, secret, publishable, finance, oncall, cookie };
};

const signIn = async (url: string, key: string): Promise<string> => {
  const response = await fetch(`${url}/console/sign-in`, {
    method: 'POST',
    headers: { Origin: url },
    body: new URLSearchParams({ key }),
    redirect: 'manual',
  });
  return /^quittance=([^;]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? '';
};

const makeCustomer = async (url: string, key: string): Promise<string> => {
  const response = await fetch(`${url}/v1/customers`, { method: 'POST', headers: { Authorization: `Bearer ${key}` } });
  return ((await response.json()) as { id: string }).id;
};

const lineOf = ({ during, asked, paid, p50Ms, p99Ms, maxMs, grownMb, refused }: Bystanders): string =>
  `${during}: ${paid} of ${asked} paid, ${p50Ms.toFixed(0)} ms (P50), ${p99Ms.toFixed(0)} ms (P99), ${maxMs.toFixed(0)} ms (most), memory ${grownMb >= 0 ? '+' : ''}${grownMb.toFixed(0)} MB${Object.keys(refused).length === 0 ? '' : `, refused: ${JSON.stringify(refused)}`}`;

const USAGE = `
npm run proof:hostile -- [options]

Attacks a service while another merchant charges cards, and says what that merchant noticed; measures how long the worst
request of each route holds the event loop; and asks whatever nobody would ask. The last of the attacks is a control,
which must be noticed.

  --seed N      the same seed asks the same (by chance)
  --seconds N   how long each attack lasts (5)
  --rate N      charges of the other merchant begun in a second (20)
  --count N     arbitrary requests (20000)
  --only WORD   attacks whose name holds it, or one of arbitrary, worst
  --elsewhere   sends the attacks to a server of nothing: what is noticed then is what the attacker's work takes from the
                machine, and is to be compared
  --kept N      connections that the other merchant has open before an attack, as a server would (0: he opens each, and
                waits behind whoever opened some before him)
  --progress    tells of each
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '20' },
    count: { type: 'string', default: '20000' },
    only: { type: 'string' },
    elsewhere: { type: 'boolean', default: false },
    kept: { type: 'string', default: '0' },
    progress: { type: 'boolean', default: false },
  });
  const seed = seedOf(values.seed);
  const [seconds, ratePerS, kept, count] = [
    countOf('seconds', values.seconds),
    countOf('rate', values.rate),
    countOf('kept', values.kept, 0),
    countOf('count', values.count),
  ];
  console.log(`proof:hostile --seed ${seed}: attacks of ${seconds} s, and ${count} arbitrary requests`);
  const log = values.progress ? console.log : (): void => undefined;
  const { only, elsewhere } = values;
  const { alone, attacks, held, arbitrary, complaints } = await proveHostile({
    ...{ seed, seconds, ratePerS, kept, count, only, elsewhere, log },
  });
  for (const seen of [alone, ...attacks]) console.log(lineOf(seen));
  for (const one of held) console.log(lineOfHeld(one));
  if (arbitrary)
    console.log(
      `${arbitrary.asked} arbitrary requests, the slowest answered in ${arbitrary.slowestMs.toFixed(0)} ms: ${JSON.stringify(arbitrary.statuses)}`,
    );
  for (const complaint of complaints.slice(0, 20)) console.log(`COMPLAINT ${complaint}`);
  console.log(complaints.length === 0 ? 'nobody else noticed anything' : `${complaints.length} complaints`);
  process.exitCode = complaints.length > 0 ? 1 : 0;
};

if (import.meta.main) await main();
