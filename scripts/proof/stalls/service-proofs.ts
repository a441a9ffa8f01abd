/** What the monitor costs, what shedding saves, and whether the verdict names the right one. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startPostgres } from '../../../src/platform/postgres.ts';
import { closedLoad, openLoad, percentile, startService, type Answered, type Call } from './service.ts';
import { startSubject, traffic, type Subject } from './subject.ts';

const WITHOUT = join(import.meta.dirname, 'without.ts');

const quote = JSON.stringify({
  currency: 'usd',
  items: Array.from({ length: 20 }, (_, i) => ({ quantity: String(i + 1), unit_price: '12.5' })),
});
/** Half a cached item, half a priced list: the cheapest requests there are, so what is added weighs most. */
const cheap = (i: number): Call =>
  i % 2 ? { method: 'GET', path: '/v1/items/item_demo' } : { method: 'POST', path: '/v1/usage/quote', body: quote };

export interface OverheadFigures {
  readonly pairs: number;
  /** On against off, in percent: the mean of the pairs, and its 95 % interval. */
  readonly cpu: Interval;
  readonly throughput: Interval;
  readonly p99: Interval;
  readonly cpuUsOff: number;
}

interface Interval {
  readonly mean: number;
  readonly from: number;
  readonly to: number;
}

/** Student's t for 95 % and 9 degrees of freedom; for more pairs it is on the safe side. */
const T95 = 2.262;
const intervalOf = (values: readonly number[]): Interval => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const half = T95 * Math.sqrt(variance / values.length);
  return { mean, from: mean - half, to: mean + half };
};

/** Interleaved pairs, on and off in turn, each at full load for that long. */
export const overhead = async (pairs: number, ms: number): Promise<OverheadFigures> => {
  const on = await startService();
  const off = await startService({ WITHOUT: 'monitor' }, ['--import', WITHOUT]);
  const arm = async (service: typeof on): Promise<{ cpuUs: number; perS: number; p99: number }> => {
    const before = service.cpuMs();
    const startedAt = performance.now();
    const answers = await closedLoad(service.apiUrl, 16, ms, cheap);
    const tookS = (performance.now() - startedAt) / 1000;
    const cpuUs = ((service.cpuMs() - before) * 1000) / answers.length;
    return {
      cpuUs,
      perS: answers.length / tookS,
      p99: percentile(
        answers.map((answer) => answer.ms),
        99,
      ),
    };
  };
  try {
    for (const service of [on, off]) await closedLoad(service.apiUrl, 16, 4_000, cheap);
    const cpu: number[] = [];
    const throughput: number[] = [];
    const p99: number[] = [];
    let cpuUsOff = 0;
    for (let pair = 0; pair < pairs; pair++) {
      // Who goes first alternates: a machine that grows slower must not favour either.
      const first = await arm(pair % 2 ? on : off);
      const second = await arm(pair % 2 ? off : on);
      const [with_, without] = pair % 2 ? [first, second] : [second, first];
      cpu.push((with_.cpuUs / without.cpuUs - 1) * 100);
      throughput.push((with_.perS / without.perS - 1) * 100);
      p99.push((with_.p99 / without.p99 - 1) * 100);
      cpuUsOff += without.cpuUs / pairs;
    }
    return { pairs, cpu: intervalOf(cpu), throughput: intervalOf(throughput), p99: intervalOf(p99), cpuUsOff };
  } finally {
    await on.stop();
    await off.stop();
  }
};

export interface OverloadFigures {
  readonly capacityPerS: number;
  readonly offeredPerS: number;
  readonly goodputPerS: number;
  readonly goodputRatio: number;
  readonly moneyP99Ms: number;
  readonly refused: number;
  readonly failed: number;
  /** How long after the load's end a steady light load was all answered within 100 ms. */
  readonly recoveredAfterS: number;
  /** What was answered with success and is in the ledger. */
  readonly accepted: number;
  readonly inLedger: number;
}

/** Debits with a fifth of reads; capacity is what as many clients get as keep it busy. */
export const overload = async (times: number, ms: number): Promise<OverloadFigures> => {
  const service = await startService();
  try {
    const fund: Call = {
      method: 'POST',
      path: '/v1/payments',
      key: randomUUID(),
      body: JSON.stringify({
        customer: service.customer,
        amount: 90_000_000,
        currency: 'usd',
        payment_method: 'pm_card_visa',
        confirm: true,
      }),
    };
    await closedLoad(service.apiUrl, 1, 1, () => fund);
    const debit = JSON.stringify({ customer: service.customer, amount: 1, currency: 'usd' });
    const mixed = (i: number): Call =>
      i % 5
        ? { method: 'POST', path: '/v1/debits', key: randomUUID(), body: debit }
        : { method: 'GET', path: `/v1/customers/${service.customer}/balance?currency=usd` };
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
    const answers = await openLoad(service.apiUrl, capacityPerS * times, ms, mixed);
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
      failed: answers.filter(({ status }) => status !== 503 && (status < 200 || status >= 300)).length,
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
    const answers = await openLoad(base, 50, 500, next);
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

/** Three services, each with one thing wrong with it. */
export const verdicts = async (seconds: number): Promise<VerdictFigures[]> => {
  const figures: VerdictFigures[] = [];

  const garbage = await startSubject({ execArgv: ['--max-old-space-size=256'] });
  try {
    await garbage.get('/prepare/heap?objects=1200000');
    const load = traffic(garbage, 4, 0.3);
    for (const until = performance.now() + seconds * 1000; performance.now() < until;) await garbage.get('/churn');
    await load.stop();
    figures.push(judged('a heap near its limit', await verdictOf(garbage)));
  } finally {
    await garbage.stop();
  }

  const computing = await startSubject();
  try {
    const load = traffic(computing, 16, 0.3);
    for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
      await computing.get('/block/loop/1?ms=90');
      await sleep(300);
    }
    await load.stop();
    figures.push(judged('a route that computes', await verdictOf(computing)));
  } finally {
    await computing.stop();
  }

  const waiting = await startService();
  try {
    // The same data folder: the Postgres that runs there is found, not started.
    const postgres = await startPostgres({
      dataDir: waiting.dataDir,
      log: { info: () => undefined, warn: () => undefined },
    });
    const client = new pg.Client(postgres.map(({ url }) => url).unwrapOr(''));
    await client.connect();
    // Each flush of the log waits for a tenth of a second, as a slow disk would make it.
    for (const setting of ['commit_delay = 100000', 'commit_siblings = 0'])
      await client.query(`alter system set ${setting}`);
    await client.query('select pg_reload_conf()');
    await client.end();
    const pay = (): Call => ({
      method: 'POST',
      path: '/v1/payments',
      key: randomUUID(),
      body: JSON.stringify({
        customer: waiting.customer,
        amount: 100,
        currency: 'usd',
        payment_method: 'pm_card_visa',
        confirm: true,
      }),
    });
    await closedLoad(waiting.apiUrl, 4, seconds * 1000, pay);
    figures.push(judged('a slow database', await waiting.ops('/verdict')));
  } finally {
    await waiting.stop();
  }
  return figures;
};
