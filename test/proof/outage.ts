/**
 * The proof that an outage of Stripe's stays Stripe's: under load the sandbox hangs, before it has charged and after it,
 * and comes back. Balances are read as fast as before; charges fail fast once the circuit has opened, and of those that
 * were refused nothing is left; what is unknown is known within a minute of the return; and the judge judges.
 *
 *   npm run proof:outage -- [--hang 30] [--before 10] [--rate 40] [--progress]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { until } from '../../src/platform/process.ts';
import { commandLine, count as countOf } from '../../scripts/command-line.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { createClient, createWallets, type Wallet } from './load.ts';
import { createRandom } from './random.ts';
import { attached, clearFaults, createWorld, setFault, withoutNpm } from '../support/world.ts';

export interface OutageOptions {
  readonly beforeS: number;
  readonly hangS: number;
  /** Charges that begin in a second, whatever has become of those before. */
  readonly ratePerS: number;
  readonly log: (line: string) => void;
}

export interface Outage {
  readonly verdict: Verdict;
  readonly complaints: readonly string[];
  /** The 99th percentile of a balance read. */
  readonly readsMs: { readonly before: number; readonly during: number };
  /** How many reads that is of. */
  readonly reads: { readonly before: number; readonly during: number };
  readonly charges: { readonly paid: number; readonly unknown: number; readonly refused: number };
  /** What the service shed because the machine was too busy. */
  readonly shed: number;
  /** From the beginning of the hang to the first charge that was refused. */
  readonly openedAfterS: number;
  /** How long a refusal took. */
  readonly refusalMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** From Stripe's return to the moment when no outcome was unknown; undefined where that never came. */
  readonly knownAfterS: number | undefined;
}

interface Timed {
  readonly at: number;
  readonly tookMs: number;
}

interface Answered extends Timed {
  readonly status: number;
  readonly body: string;
}

interface Charged extends Answered {
  readonly key: string;
}

/** A machine that is too busy sheds load: that is another proof. */
const isShed = ({ status, body }: Answered): boolean => status === 503 && body.includes('"overloaded"');

/** So many read at once, with a pause in between: they notice a wait, and make none. */
const READERS = 4;
const READ_PAUSE_MS = 5;
const AMOUNT = 250;
/** Until the code is compiled and the connections are there: no part of what is measured. */
const WARM_UP_MS = 3_000;
/** A call is given up after nine seconds; the circuit opens a moment after. */
const HANG_MIN_S = 11;
/** What the service promises. */
const KNOWN_WITHIN_MS = 60_000;
/** A refusal that takes longer than this has waited for something. */
const FAST_MS = 1_000;
/** Some more load after the return, to see that it is one. */
const AFTER_MS = 3_000;

export const proveOutage = async ({ beforeS, hangS, ratePerS, log }: OutageOptions): Promise<Outage> => {
  const world = await createWorld();
  try {
    const { url } = await world.start(withoutNpm(await attached(world)));
    const { apiKey, databaseUrl, sandboxUrl } = world;
    const client = createClient({ urls: () => [url], apiKey, random: createRandom(1) });
    const [wallet] = await createWallets({ client, url: () => url, apiKey, count: 1 });

    const ending = new AbortController();
    const { signal: end } = ending;
    const answers: Answered[] = [];
    const charges: Charged[] = [];
    const reading = Array.from({ length: READERS }, async () => {
      while (!end.aborted) {
        answers.push(await readBalance(url, apiKey, wallet));
        await sleep(READ_PAUSE_MS);
      }
    });
    const charging = (async () => {
      const begun: Promise<void>[] = [];
      for (let n = 0; !end.aborted; n++) {
        begun.push(charge(url, apiKey, wallet, `outage-${n}`).then((done) => void charges.push(done)));
        await sleep(1000 / ratePerS);
      }
      await Promise.all(begun);
    })();

    await sleep(WARM_UP_MS);
    const startedAt = performance.now();
    await sleep(beforeS * 1000);
    const hangAt = performance.now();
    await setFault(world, { kind: 'hang_after', probability: 0.5, seed: 1 });
    await setFault(world, { kind: 'hang_before' });
    log(`Stripe hangs for ${hangS} s`);
    await sleep(hangS * 1000);
    await clearFaults(world);
    const backAt = performance.now();
    log('Stripe is back');
    const back = new Date();
    const isKnown = await until(async () => (await countUnknown(databaseUrl, back)) === 0, KNOWN_WITHIN_MS);
    const knownAfterS = isKnown ? (performance.now() - backAt) / 1000 : undefined;
    await sleep(AFTER_MS);
    ending.abort();
    await Promise.all([...reading, charging]);

    const refused = charges.filter(
      ({ body }) => body.includes('"outcome":"none"') && body.includes('provider_unavailable'),
    );
    const unknown = charges.filter(({ body }) => body.includes('"outcome":"unknown"'));
    const paid = charges.filter(({ status }) => status === 201);
    for (const { key } of [...unknown, ...paid])
      await client.send({ operation: 'POST /v1/payments', key, body: chargeOf(wallet) });
    const claimed = await countClaims(
      databaseUrl,
      refused.map(({ key }) => key),
    );

    const reads = answers.filter(({ status }) => status === 200);
    const opened = Math.min(...refused.map(({ at, tookMs }) => at + tookMs));
    const refusals = refused.filter(({ at }) => at >= opened).map(({ tookMs }) => tookMs);
    const [before, during] = [within(reads, startedAt, hangAt), within(reads, hangAt, backAt)];
    const shed = [...answers, ...charges].filter(isShed);
    const known = [reads, paid, unknown, refused, shed].reduce((sum, { length }) => sum + length, 0);
    const strange = answers.length + charges.length - known;
    return {
      verdict: await judge({ databaseUrl, sandboxUrl, seen: [...client.seen.values()] }),
      complaints: [
        ...client.complaints,
        ...(claimed > 0 ? [`${claimed} charges were refused with outcome none, and yet claimed`] : []),
        ...(strange > 0 ? [`${strange} requests were told what is not in the contract`] : []),
        ...(refused.length === 0 ? ['no charge was refused: the circuit never opened'] : []),
        ...(isKnown ? [] : ['an outcome was still unknown a minute after the return']),
        ...(Math.max(0, ...refusals) > FAST_MS ? [`a refusal took ${Math.max(...refusals).toFixed(0)} ms`] : []),
        ...(charges.some(({ at, status }) => at > backAt && status === 201) ? [] : ['no charge has succeeded since']),
      ],
      readsMs: { before: percentile(before, 0.99), during: percentile(during, 0.99) },
      reads: { before: before.length, during: during.length },
      charges: { paid: paid.length, unknown: unknown.length, refused: refused.length },
      shed: shed.length,
      openedAfterS: (opened - hangAt) / 1000,
      refusalMs: { p50: percentile(refusals, 0.5), p99: percentile(refusals, 0.99), max: Math.max(0, ...refusals) },
      knownAfterS,
    };
  } finally {
    await world.close();
  }
};

const chargeOf = ({ customer }: Wallet): object => ({
  customer,
  amount: AMOUNT,
  currency: 'usd',
  payment_method: 'pm_card_visa',
  confirm: true,
});

const charge = async (url: string, apiKey: string, wallet: Wallet, key: string): Promise<Charged> => ({
  key,
  ...(await ask(`${url}/v1/payments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(chargeOf(wallet)),
  })),
});

const readBalance = (url: string, apiKey: string, { customer }: Wallet): Promise<Answered> =>
  ask(`${url}/v1/customers/${customer}/balance?currency=usd`, { headers: { authorization: `Bearer ${apiKey}` } });

/** Never rejects: status 0 where there was no reply, since nobody waits for a load that is under way. */
const ask = async (url: string, init: RequestInit): Promise<Answered> => {
  const at = performance.now();
  const [status, body] = await fetch(url, init)
    .then(async (response) => [response.status, await response.text()] as const)
    .catch((error: unknown) => [0, String(error)] as const);
  return { at, tookMs: performance.now() - at, status, body };
};

const countClaims = (url: string, keys: readonly string[]): Promise<number> =>
  count(url, 'from claims where key = any($1)', [keys]);

/** Of the attempts that began before Stripe was back: those under way, too. */
const countUnknown = (url: string, before: Date): Promise<number> =>
  count(url, 'from attempts where outcome is null and started_at < $1', [before]);

const count = async (url: string, rows: string, values: readonly unknown[]): Promise<number> => {
  const db = new pg.Client(url);
  await db.connect();
  const found = await db.query<{ n: string }>(`select count(*) as n ${rows}`, [...values]).finally(() => db.end());
  return Number(found.rows[0]?.n);
};

const within = (timed: readonly Timed[], from: number, to: number): number[] =>
  timed.filter(({ at }) => at >= from && at < to).map(({ tookMs }) => tookMs);

const percentile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * p) - 1)] ?? NaN;

const USAGE = `
npm run proof:outage -- [options]

Has the sandbox hang under load, and watches reads, refusals and how soon every outcome is known.

  --before N  seconds of load before it hangs (10)
  --hang N    seconds that it hangs, from 11 on: sooner no call has timed out, and the circuit stays closed (30)
  --rate N    charges begun in a second (40)
  --progress  tells what happens
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    before: { type: 'string', default: '10' },
    hang: { type: 'string', default: '30' },
    rate: { type: 'string', default: '40' },
    progress: { type: 'boolean', default: false },
  });
  const [beforeS, hangS, ratePerS] = [
    countOf('before', values.before),
    countOf('hang', values.hang, HANG_MIN_S),
    countOf('rate', values.rate),
  ];
  console.log(`proof:outage ${hangS} s of a Stripe that hangs, ${ratePerS} charges begun in a second`);
  const log = values.progress ? console.log : (): void => undefined;
  const proven = await proveOutage({ beforeS, hangS, ratePerS, log });
  const { readsMs, reads, charges, refusalMs, knownAfterS, complaints, verdict } = proven;
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  console.log(
    `balance reads, P99: ${ms(readsMs.before)} before (${reads.before}), ${ms(readsMs.during)} during (${reads.during}), ratio ${(readsMs.during / readsMs.before).toFixed(2)}`,
  );
  console.log(`charges: ${charges.paid} paid, ${charges.unknown} unknown at first, ${charges.refused} refused`);
  if (charges.refused > 0)
    console.log(
      `the circuit opened ${proven.openedAfterS.toFixed(1)} s after the hang began; then a refusal took ${ms(refusalMs.p50)} (P50), ${ms(refusalMs.p99)} (P99), ${ms(refusalMs.max)} (most)`,
    );
  if (proven.shed > 0) console.log(`the machine was too busy for ${proven.shed} requests, which were shed`);
  if (knownAfterS !== undefined) console.log(`${knownAfterS.toFixed(1)} s after its return every outcome was known`);
  for (const complaint of complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  process.exitCode = verdict.violations.length + complaints.length > 0 ? 1 : 0;
};

if (import.meta.main) await main();
