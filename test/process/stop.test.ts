import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { afterSuite } from '../support/cleanup.ts';
import { startWorld } from '../support/service.ts';
import { until } from '../support/until.ts';

const world = await startWorld();
const apiKey = await world.createKey('Shop', 'secret');

const start = async (): Promise<{ readonly url: string; readonly opsUrl: string; readonly child: ChildProcess }> => {
  const child = spawn(process.execPath, ['--import', './scripts/require-node.js', 'src/main.ts'], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      OPS_PORT: '0',
      LOG_LEVEL: 'warn',
      DATABASE_URL: world.databaseUrl,
      STRIPE_SECRET_KEY: 'sk_test_sandbox',
      STRIPE_API_BASE: world.sandbox.url,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const urlOf = (what: string): string | undefined => new RegExp(`${what}\\s+(http:\\S+)`).exec(said)?.[1];
  await until(() => urlOf('API') !== undefined);
  afterSuite(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return { url: urlOf('API')!, opsUrl: urlOf('Ops')!, child };
};

/** One client on one connection that is kept alive, until it is told that a reply was the last. */
const keepBusy = async (url: string, customer: string): Promise<{ replies: number; lost: string[] }> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const told = { replies: 0, lost: [] as string[] };
  for (let isLast = false; !isLast;) {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      const body = JSON.stringify({ customer, amount: 1, currency: 'usd' });
      const headers = {
        Authorization: `Bearer ${apiKey}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': randomUUID(),
      };
      httpRequest(`${url}/v1/debits`, { agent, method: 'POST', headers }, resolve).on('error', reject).end(body);
    }).catch((error: unknown) => {
      told.lost.push(String(error));
      return undefined;
    });
    if (!reply) break;
    reply.resume();
    await once(reply, 'end');
    if (reply.statusCode !== 201) told.lost.push(`status ${reply.statusCode ?? 0}`);
    told.replies++;
    isLast = reply.headers.connection === 'close';
  }
  agent.destroy();
  return told;
};

it('a service that is told to stop under busy connections answers every request, and says on each which was the last', async () => {
  const client = world.as(apiKey);
  const customer = await world.createCustomer(100_000, client);
  const { url, opsUrl, child } = await start();
  const clients = Array.from({ length: 16 }, () => keepBusy(url, customer));
  await until(
    async () => Number((await client.get(`/v1/customers/${customer}/balance?currency=usd`)).body.posted) < 99_500,
  );
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  let stopping = '';
  while (!stopping.includes('is stopping')) {
    const text = await fetch(`${opsUrl}/readyz`).then(
      (reply) => reply.text(),
      () => 'gone',
    );
    if (text === 'gone') break;
    stopping = text;
  }
  const told = await Promise.all(clients);
  expect(told.flatMap(({ lost }) => lost)).toEqual([]);
  expect(stopping).toContain('is stopping');
  expect(await exited).toEqual([0, null]);
  const spent = 100_000 - Number((await client.get(`/v1/customers/${customer}/balance?currency=usd`)).body.posted);
  expect(spent).toBe(told.reduce((sum, { replies }) => sum + replies, 0));
}, 60_000);
