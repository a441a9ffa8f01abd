import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterSuite } from '../support/cleanup.ts';
import { createClient, payFor, startWorld } from '../support/service.ts';
import { createDataDir } from '../support/suite.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const world = await startWorld();
const child = spawn(process.execPath, ['--import', './scripts/require-node.js', 'src/main.ts'], {
  cwd: ROOT,
  env: {
    PATH: process.env['PATH'],
    WORKERS: '2',
    PORT: '0',
    OPS_PORT: '0',
    DATABASE_URL: world.databaseUrl,
    STRIPE_SECRET_KEY: 'sandbox',
    STRIPE_API_BASE: world.sandbox.url,
    DATA_DIR: await createDataDir(),
    SANDBOX_PORT: '0',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(child, 'exit');
let said = '';
child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
afterSuite(async () => {
  child.kill('SIGTERM');
  await exited;
});
const urlIn = (text: string): string | undefined => /API\s+(http:\S+)/.exec(text)?.[1];
await until(() => urlIn(said) !== undefined);
const shop = createClient(urlIn(said)!, await world.createKey('Shop', 'secret'));

/** A request over a connection of its own: the kernel chooses the process. */
const knock = (): Promise<void> =>
  new Promise((done, fail) => {
    const request = get(`${urlIn(said)!}/v1/items`, { agent: false }, (response) =>
      response.resume().once('end', done),
    );
    request.once('error', fail);
  });

/** Which processes wrote a line of a request: the log is buffered for a tenth of a second. */
const servedBy = (): Set<number> =>
  new Set(
    said
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => (JSON.parse(line) as { pid: number }).pid),
  );

it('several processes share a port, one that is killed is replaced, and no card is charged twice', async () => {
  const customer = (await shop.post('/v1/customers', {})).body.id;
  await until(async () => {
    await Promise.all(Array.from({ length: 8 }, knock));
    return servedBy().size === 2;
  });
  expect(servedBy().has(child.pid!)).toBe(false);

  const [victim] = servedBy();
  const charges = Array.from({ length: 20 }, async (_, n) => {
    for (;;) {
      const answer = await shop.post('/v1/payments', payFor(customer, 10), `while-killed-${n}`).catch(() => undefined);
      if (answer && answer.status !== 409 && answer.status !== 503) return answer.status;
    }
  });
  process.kill(victim!, 'SIGKILL');
  // As if the leases of those that were cut off had run out: the sweeper finishes them.
  const expire = setInterval(
    () => void world.query("update attempts set owned_until = now() - interval '1 s' where outcome is null"),
    250,
  );
  const statuses = await Promise.all(charges).finally(() => clearInterval(expire));
  expect(new Set(statuses)).toEqual(new Set([201]));
  expect((await world.sandboxCounts())['charges']).toBe(20);
  expect(await world.sums()).toEqual(['0']);

  await until(async () => {
    await Promise.all(Array.from({ length: 8 }, knock));
    return servedBy().size === 3;
  });
});

it('all of them end with the first process, which ends well', async () => {
  const pids = [...servedBy()];
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
});
