/** What the monitor costs, what shedding saves, and whether the verdict names the right one. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from '../../../src/platform/postgres.ts';
import {
  ask,
  closedLoad,
  openLoad,
  percentile,
  startClosed,
  type Answered,
  type Call,
} from '../../../scripts/drill/load.ts';
import { startService, type ServiceUnderTest } from './service.ts';
import { startSubject, traffic, type Subject } from './subject.ts';

const WITHOUT = join(import.meta.dirname, 'without.ts');

const quote = JSON.stringify({
  currency: 'usd',
  items: Array.from({ length: 20 }, (_, i) => ({ quantity: String(i + 1), unit_price: '12.5' })),
});
/** Half a cached item, half a priced list: the cheapest requests there are, so what is added weighs most. */
const cheap = (i: number): Call =>
  i % 2 ? { method: 'GET', path: '/v1/items/item_demo' } : { method: 'POST', path: '/v1/usage/quote', body: quote };

/** What the overhead is measured of: the cheapest, or what money does most. */
export type Paid = 'cheap' | 'debit';

const fund = async ({ apiUrl, customer }: ServiceUnderTest): Promise<void> => {
  const body = { customer, amount: 90_000_000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };
  const call: Call = { method: 'POST', path: '/v1/payments', key: randomUUID(), body: JSON.stringify(body) };
  if ((await ask(apiUrl, call)) !== 201) throw new Error('the wallet was not funded');
};

const debitOf = ({ customer }: ServiceUnderTest): (() => Call) => {
  const body = JSON.stringify({ customer, amount: 1, currency: 'usd' });
  return () => ({ method: 'POST', path: '/v1/debits', key: randomUUID(), body });
};

export interface OverheadFigures {
  readonly pairs: number;
  /** On against off, in percent, of the main thread and all that helps it: the median of the pairs, and its 95 % interval. */
  readonly cpu: Interval;
  readonly throughput: Interval;
  readonly p99: Interval;
  readonly cpuUsOff: number;
  /** What the ops thread takes beside it, whether the rest is on or off, in percent of a request's CPU. */
  readonly opsThread: number;
}

interface Interval {
  readonly median: number;
  readonly from: number;
  readonly to: number;
}

/** Of the median, by rank, since a machine that others share makes some arms very slow. */
const comparedOf = (ratios: readonly number[]): Interval => {
  const sorted = ratios.toSorted((a, b) => a - b);
  const half = 0.98 * Math.sqrt(sorted.length);
  const at = (rank: number): number => ((sorted[Math.round(rank)] ?? NaN) - 1) * 100;
  const middle = (sorted.length - 1) / 2;
  return { median: at(middle), from: at(middle - half), to: at(middle + half) };
};

/** So many that the service always has a batch of requests to read: its cost is then that of work, not of waking up. */
const CLIENTS = 64;
const WARM_UP_MS = 6_000;
/** Until what was under way has ended. */
const SWITCHED_MS = 15;
/** Short, so that a machine that is now faster and now slower is so in both arms of a pair. */
const ARM_MS = 100;

/** Interleaved pairs in one process under one full load, with the main thread's part of the monitor on and off in turn. */
export const overhead = async (pairs: number, part: string, of: Paid): Promise<OverheadFigures> => {
  const service = await startService({ WITHOUT: 'switch', SWITCH: part }, ['--import', WITHOUT]);
  let answered = 0;
  let refused = 0;
  let times: number[] = [];
  if (of === 'debit') await fund(service);
  const load = startClosed(service.apiUrl, CLIENTS, of === 'debit' ? debitOf(service) : cheap, ({ status, ms }) => {
    answered++;
    if (status >= 300) refused++;
    times.push(ms);
  });
  const arm = async (): Promise<{ cpuUs: number; perS: number; p99: number }> => {
    await sleep(SWITCHED_MS);
    times = [];
    const before = { at: performance.now(), answered, cpuMs: service.cpuMs().main };
    await sleep(ARM_MS);
    const count = answered - before.answered;
    const cpuUs = ((service.cpuMs().main - before.cpuMs) * 1000) / count;
    return { cpuUs, perS: (count / (performance.now() - before.at)) * 1000, p99: percentile(times, 99) };
  };
  const flip = (): void => void process.kill(service.pid, 'SIGUSR2');
  try {
    await sleep(WARM_UP_MS);
    const begun = service.cpuMs();
    const cpu: number[] = [];
    const throughput: number[] = [];
    const p99: number[] = [];
    let cpuUsOff = 0;
    for (let pair = 0; pair < pairs; pair++) {
      // On, off, off, on: a machine that grows slower favours neither.
      const first = await arm();
      flip();
      const second = await arm();
      const [on, off] = pair % 2 ? [second, first] : [first, second];
      cpu.push(on.cpuUs / off.cpuUs);
      throughput.push(on.perS / off.perS);
      p99.push(on.p99 / off.p99);
      cpuUsOff += off.cpuUs / pairs;
    }
    const ended = service.cpuMs();
    await load.stop();
    if (refused > 0) throw new Error(`${String(refused)} of ${String(answered)} were not answered with success`);
    return {
      pairs,
      cpu: comparedOf(cpu),
      throughput: comparedOf(throughput),
      p99: comparedOf(p99),
      cpuUsOff,
      opsThread: ((ended.ops - begun.ops) / (ended.main - begun.main)) * 100,
    };
  } finally {
    await service.stop();
  }
};

export interface OverloadFigures {
  readonly capacityPerS: number;
  readonly offeredPerS: number;
  readonly goodputPerS: number;
  readonly goodputRatio: number;
  readonly moneyP99Ms: number;
  readonly refused: number;
  /** Found no connection free: on all of them an answer was waited for, or the end of a `Retry-After`. */
  readonly unsent: number;
  /** Answers that were neither good nor a refusal, by status; 0 is a connection that was lost. */
  readonly failed: Readonly<Record<string, number>>;
  /** How long after the load's end a steady light load was all answered within 100 ms. */
  readonly recoveredAfterS: number;
  /** What was answered with success and is in the ledger. */
  readonly accepted: number;
  readonly inLedger: number;
}

const countOf = (answers: readonly Answered[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

/** Debits with a fifth of reads; capacity is what as many clients get as keep it busy. */
export const overload = async (times: number, ms: number): Promise<OverloadFigures> => {
  // One merchant sends it all: what is shown is what becomes of the service, not of him.
  const service = await startService({ RATE_LIMIT_PER_S: '1000000' });
  try {
    await fund(service);
    const debit = debitOf(service);
    const mixed = (i: number): Call =>
      i % 5 ? debit() : { method: 'GET', path: `/v1/customers/${service.customer}/balance?currency=usd` };
    const balance = async (): Promise<number> => {
      const reply = await fetch(`${service.apiUrl}/v1/customers/${service.customer}/balance?currency=usd`, {
        headers: { Authorization: 'Bearer sk_test_demo' },
      });
      return Number(((await reply.json()) as { posted: string }).posted);
    };
    await closedLoad(service.apiUrl, 64, 3_000, mixed);
    const calm = await closedLoad(service.apiUrl, 128, ms / 2, mixed);
    const capacityPerS = (calm.length / (ms / 2)) * 1000;
    const before = await balance();
    const { answers, unsent } = await openLoad(service.apiUrl, capacityPerS * times, ms, mixed);
    const recoveredAfterS = await recovery(service.apiUrl, mixed);
    const isGood = ({ status }: Answered): boolean => status >= 200 && status < 300;
    const isMoney = ({ call }: Answered): boolean => call.method === 'POST';
    const good = answers.filter(isGood);
    const goodputPerS = (good.length / ms) * 1000;
    const accepted = good.filter(isMoney).length;
    await sleep(500);
    return {
      capacityPerS,
      offeredPerS: capacityPerS * times,
      goodputPerS,
      goodputRatio: goodputPerS / capacityPerS,
      moneyP99Ms: percentile(
        good.filter(isMoney).map((answer) => answer.ms),
        99,
      ),
      refused: answers.filter(({ status }) => status === 503).length,
      unsent,
      failed: countOf(answers.filter((answer) => !isGood(answer) && answer.status !== 503)),
      recoveredAfterS,
      accepted,
      inLedger: before - (await balance()) - recoveredDebits,
    };
  } finally {
    await service.stop();
  }
};

let recoveredDebits = 0;
const recovery = async (base: string, next: (i: number) => Call): Promise<number> => {
  const startedAt = performance.now();
  recoveredDebits = 0;
  for (;;) {
    const { answers } = await openLoad(base, 50, 500, next);
    recoveredDebits += answers.filter(({ status, call }) => status < 300 && call.method === 'POST').length;
    const elapsedS = (performance.now() - startedAt) / 1000;
    if (answers.every(({ status, ms }) => status > 0 && status < 300 && ms < 100)) return elapsedS - 0.5;
    if (elapsedS > 30) return Infinity;
  }
};

export interface VerdictFigures {
  readonly service: string;
  readonly finding: string;
  /** The same, but for what the machine withheld meanwhile. */
  readonly apart: string;
  readonly advice: string;
  readonly first: string;
}

const judged = (service: string, text: string): VerdictFigures => {
  const report = JSON.parse(text) as {
    finding: string;
    apart: string;
    advice: string;
    culprits: { route?: string; at?: string }[];
  };
  const [first] = report.culprits;
  return {
    service,
    finding: report.finding,
    apart: report.apart,
    advice: report.advice,
    first: first ? `${first.route ?? 'no route'} ${first.at ?? ''}` : '',
  };
};

const verdictOf = async ({ opsUrl }: Subject): Promise<string> =>
  (await fetch(`${opsUrl}/verdict`, { headers: { Accept: 'application/json' } })).text();

/** A heap near its limit, in which most of what is made survives for a while. */
const collecting = async (seconds: number): Promise<VerdictFigures> => {
  const subject = await startSubject({ execArgv: ['--max-old-space-size=256'] });
  try {
    await subject.get('/prepare/heap?objects=1200000');
    const load = traffic(subject, 4, 0.3);
    for (const until = performance.now() + seconds * 1000; performance.now() < until;) await subject.get('/churn');
    await load.stop();
    return judged('a heap near its limit', await verdictOf(subject));
  } finally {
    await subject.stop();
  }
};

/** One route among others that computes for a tenth of a second. */
const computing = async (seconds: number): Promise<VerdictFigures> => {
  const subject = await startSubject();
  try {
    const load = traffic(subject, 16, 0.3);
    for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
      await subject.get('/block/loop/1?ms=90');
      await sleep(300);
    }
    await load.stop();
    return judged('a route that computes', await verdictOf(subject));
  } finally {
    await subject.stop();
  }
};

/** Each flush of Postgres' log takes a tenth of a second, as a slow disk would make it. */
const waiting = async (seconds: number): Promise<VerdictFigures> => {
  const service = await startService();
  try {
    // The same data folder: the Postgres that runs there is found, not started.
    const postgres = await startPostgres({
      dataDir: service.dataDir,
      log: { info: () => undefined, warn: () => undefined },
    });
    const client = new pg.Client(postgres.map(({ url }) => url).unwrapOr(''));
    await client.connect();
    for (const setting of ['commit_delay = 100000', 'commit_siblings = 0'])
      await client.query(`alter system set ${setting}`);
    await client.query('select pg_reload_conf()');
    await client.end();
    const pay = (): Call => ({
      method: 'POST',
      path: '/v1/payments',
      key: randomUUID(),
      body: JSON.stringify({
        customer: service.customer,
        amount: 100,
        currency: 'usd',
        payment_method: 'pm_card_visa',
        confirm: true,
      }),
    });
    await closedLoad(service.apiUrl, 4, seconds * 1000, pay);
    return judged('a slow database', await service.ops('/verdict'));
  } finally {
    await service.stop();
  }
};

/** Three services, each with one thing wrong with it. */
export const verdicts = async (seconds: number): Promise<VerdictFigures[]> => [
  await collecting(seconds),
  await computing(seconds),
  await waiting(seconds),
];
