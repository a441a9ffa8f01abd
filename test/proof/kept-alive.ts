/**
 * Clients whose connections are kept alive, as a balancer keeps them: each stays with an instance until that says with a
 * reply that it was the last, or refuses a connection, which loses nothing, and then goes to the other.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Seen } from './judge.ts';

export interface KeptAlive {
  readonly requests: () => number;
  /** Requests that were not answered as done, in the end. */
  readonly lost: () => readonly string[];
  /** Those whose connection was cut before the reply, and which had to be sent again. */
  readonly cut: () => readonly string[];
  readonly finish: () => Promise<Seen[]>;
}

export interface KeptAliveOptions {
  readonly urls: readonly string[];
  readonly apiKey: string;
  readonly clients: number;
}

/** Both are asked in turns while one is being started again. */
const REFUSED_PAUSE_MS = 20;

export const startKeptAlive = async ({ urls, apiKey, clients }: KeptAliveOptions): Promise<KeptAlive> => {
  const lost: string[] = [];
  const cut: string[] = [];
  const seen: Seen[] = [];
  let requests = 0;
  let stopped = false;
  const isStopped = (): boolean => stopped;

  const post = async (
    url: string,
    agent: Agent,
    path: string,
    key: string,
    body: object,
  ): Promise<{ seen: Seen; isLast: boolean }> => {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', 'idempotency-key': key };
      httpRequest(url + path, { method: 'POST', agent, headers }, resolve)
        .on('error', reject)
        .end(JSON.stringify(body));
    });
    let text = '';
    reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await once(reply, 'end');
    return {
      seen: { operation: `POST ${path}`, key, status: reply.statusCode ?? 0, body: text },
      isLast: reply.headers.connection === 'close',
    };
  };

  const [first = ''] = urls;
  const setUp = new Agent();
  const made = await post(first, setUp, '/v1/customers', randomUUID(), {});
  const { id: customer } = JSON.parse(made.seen.body) as { id: string };
  const payment = { customer, amount: 5_000_000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };
  seen.push((await post(first, setUp, '/v1/payments', randomUUID(), payment)).seen);

  const client = async (n: number): Promise<void> => {
    let agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let at = n % urls.length;
    const move = (): void => {
      agent.destroy();
      agent = new Agent({ keepAlive: true, maxSockets: 1 });
      at = (at + 1) % urls.length;
    };
    let key = randomUUID();
    let unanswered: string | undefined;
    while (!isStopped()) {
      try {
        const reply = await post(urls[at] ?? first, agent, '/v1/debits', key, { customer, amount: 1, currency: 'usd' });
        requests++;
        if (reply.seen.status === 201) seen.push(reply.seen);
        else lost.push(`${reply.seen.status} ${reply.seen.body}`);
        key = randomUUID();
        unanswered = undefined;
        if (reply.isLast) move();
      } catch (error) {
        // A connection that was not made carries no request. What was sent on another is sent again, under its key.
        const isRefused = (error as NodeJS.ErrnoException).syscall === 'connect';
        if (!isRefused) cut.push((unanswered = `instance ${at}: ${String(error)}`));
        move();
        await new Promise((resume) => setTimeout(resume, REFUSED_PAUSE_MS));
      }
    }
    if (unanswered !== undefined) lost.push(unanswered);
    agent.destroy();
  };
  const working = Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
  return {
    requests: () => requests,
    lost: () => lost,
    cut: () => cut,
    finish: async () => {
      stopped = true;
      await working;
      setUp.destroy();
      return seen;
    },
  };
};
