import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterSuite } from '../support/cleanup.ts';
import { startProxy } from '../support/proxy.ts';
import type { Payment } from '../../src/client/api.ts';
import { createClient, payFor, startService, startWorld, type Answer, type Client } from '../support/service.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const world = await startWorld();
const proxy = await startProxy(world.databaseUrl);
const real = (databaseUrl: string): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  STRIPE_SECRET_KEY: 'sk_test_sandbox',
  STRIPE_API_BASE: world.sandbox.url,
});

/** The service as a process of its own. */
const spawnService = async (databaseUrl: string): Promise<{ url: string; pid: number }> => {
  const child = spawn(process.execPath, ['--import', './scripts/require-node.js', 'src/main.ts'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], PORT: '0', OPS_PORT: '0', LOG_LEVEL: 'warn', ...real(databaseUrl) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  afterSuite(async () => {
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await exited;
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const urlIn = (text: string): string | undefined => /API\s+(http:\S+)/.exec(text)?.[1];
  await until(() => urlIn(said) !== undefined);
  return { url: urlIn(said)!, pid: child.pid! };
};

/** Asks again under the same key, as the errors say, until the answer is final. */
const payAtLast = async (client: Client, customer: string, key: string): Promise<Answer<Payment>> => {
  for (;;) {
    const answer = await client.post('/v1/payments', payFor(customer, 10), key);
    if (answer.status !== 503 && answer.status !== 409) return answer;
  }
};

it('a process that is stopped in the midst of a commit holds nobody up for long, and finishes what it began when it goes on', async () => {
  const key = await world.createKey('Shop', 'secret');
  const run = randomUUID();
  const charges = (await world.sandboxCounts())['charges']!;
  const pausing = await spawnService(proxy.url);
  const other = await startService({
    databaseUrl: world.databaseUrl,
    sandboxUrl: world.sandbox.url,
    env: real(world.databaseUrl),
  });
  const [paused, running] = [createClient(pausing.url, key), createClient(other.url, key)];
  const customer = (await running.post('/v1/customers', {})).body.id;

  // The commit that settles the charge has written the ledger, and holds the merchant's clearing account.
  let isSettling = false;
  let isPaused = false;
  proxy.judge((bytes) => {
    const text = bytes.toString('latin1');
    if (text.includes('insert into transfers')) isSettling = true;
    if (isPaused || !isSettling || !/\bcommit\b/.test(text)) return 'forward';
    process.kill(pausing.pid, 'SIGSTOP');
    isPaused = true;
    return 'hold';
  });
  const first = paused.post('/v1/payments', payFor(customer, 10), `${run}-before-the-pause`);
  await until(() => isPaused);

  // As if the leases of those that were cut off had run out: the sweeper finishes them.
  const expire = setInterval(
    () => void world.query("update attempts set leased_until = now() - interval '1 s' where outcome is null"),
    250,
  );
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => payAtLast(running, customer, `${run}-during-${n}`)),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));

  proxy.release();
  process.kill(pausing.pid, 'SIGCONT');
  expect([201, 409, 503]).toContain((await first).status);
  const last = await payAtLast(running, customer, `${run}-before-the-pause`).finally(() => clearInterval(expire));
  expect([last.status, last.body.status]).toEqual([201, 'succeeded']);

  expect((await world.sandboxCounts())['charges']).toBe(charges + 11);
  expect((await running.get(`/v1/customers/${customer}/balance?currency=usd`)).body).toMatchObject({
    posted: '110',
    sequence: '11',
  });
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
  expect(await world.query('select 1 from attempts where outcome is null')).toEqual([]);
}, 60_000);
