/** Debits that are begun at a steady pace, whatever becomes of those before: what a caller sees of an outage. */
import { Agent, request as httpRequest } from 'node:http';
import type { Seen } from './judge.ts';

export interface Ticker {
  readonly done: () => number;
  readonly doneSince: (at: number) => number;
  /** When the first debit after that was answered as done. */
  readonly firstAfter: (at: number) => number;
  /** The longest time between two that were, since then. */
  readonly longestGap: (since: number) => number;
  /** What was answered with 5xx, and when it was. */
  readonly failures: () => readonly { readonly at: number; readonly said: string }[];
  /** What no caller may be told. */
  readonly complaints: () => readonly string[];
  /** Begins no more; answers what was told as final. */
  readonly finish: () => Promise<Seen[]>;
}

export interface TickerOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly ratePerS: number;
  /** Begins its idempotency keys. */
  readonly name?: string;
}

const IN_FLIGHT_MAX = 512;
const TICK_MS = 20;
const REPLY_TIMEOUT_MS = 20_000;
/** Largest that a card is charged with here; it is spent one by one. */
const FUNDS = 5_000_000;

export const startTicker = async ({ url, apiKey, ratePerS, name = 'ticker' }: TickerOptions): Promise<Ticker> => {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
  const doneAt: number[] = [];
  const seen: Seen[] = [];
  const complaints: string[] = [];
  const failures: { at: number; said: string }[] = [];
  const open = new Set<Promise<void>>();
  let n = 0;

  const post = (path: string, key: string, body: object): Promise<Seen | undefined> =>
    new Promise((resolve) => {
      const text = JSON.stringify(body);
      const headers = {
        authorization: `Bearer ${apiKey}`,
        'idempotency-key': key,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      };
      const request = httpRequest(
        `${url}${path}`,
        { method: 'POST', agent, headers, timeout: REPLY_TIMEOUT_MS },
        (reply) => {
          let said = '';
          reply.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
          reply.on('end', () => resolve({ operation: `POST ${path}`, key, status: reply.statusCode ?? 0, body: said }));
          reply.on('error', () => resolve(undefined));
        },
      );
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(undefined));
      request.end(text);
    });

  const made = await post('/v1/customers', `${name}-customer`, {});
  const { id: customer } = JSON.parse(made?.body ?? '{}') as { id?: string };
  const payment = { customer, amount: FUNDS, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };
  const paid = await post('/v1/payments', `${name}-funds`, payment);
  if (paid?.status !== 201) throw new Error(`the debits have nothing to spend: ${paid?.body ?? 'no reply'}`);
  seen.push(paid);

  const debit = async (key: string): Promise<void> => {
    const reply = await post('/v1/debits', key, { customer, amount: 1, currency: 'usd' });
    if (reply && reply.status >= 500) failures.push({ at: performance.now(), said: `${reply.status} ${reply.body}` });
    if (reply?.status === 201) {
      doneAt.push(performance.now());
      seen.push(reply);
    } else if (reply && reply.status !== 503 && reply.status !== 429)
      complaints.push(`a debit was told ${reply.status} ${reply.body}`);
  };
  let owed = 0;
  const timer = setInterval(() => {
    owed = Math.min(owed + (ratePerS * TICK_MS) / 1000, ratePerS);
    for (; owed >= 1 && open.size < IN_FLIGHT_MAX; owed--) {
      const one = debit(`${name}-${++n}`).finally(() => open.delete(one));
      open.add(one);
    }
  }, TICK_MS);

  return {
    done: () => doneAt.length,
    doneSince: (at) => doneAt.filter((one) => one > at).length,
    firstAfter: (at) => doneAt.find((one) => one > at) ?? Infinity,
    longestGap: (since) => {
      const times = [since, ...doneAt.filter((one) => one > since)];
      return Math.max(...times.slice(1).map((one, i) => one - (times[i] ?? since)), 0);
    },
    failures: () => failures,
    complaints: () => complaints,
    finish: async () => {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
      return seen;
    },
  };
};
