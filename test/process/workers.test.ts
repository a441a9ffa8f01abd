import { describe, expect, it } from '@jest/globals';
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
    NODE_OPTIONS: `--import ${new URL('../support/blocks-on-signal.ts', import.meta.url).href}`,
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
const opsUrl = /Ops\s+(http:\S+)/.exec(said)![1]!;
const onCall = { headers: { Authorization: `Bearer ${await world.createKey('Operations', 'oncall')}` } };
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
    () => void world.query("update attempts set leased_until = now() - interval '1 s' where outcome is null"),
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

interface Ready {
  readonly status: number;
  readonly checks: Record<string, { readonly ok: boolean; readonly detail: string }>;
}
const readyz = async (): Promise<Ready> => {
  const reply = await fetch(`${opsUrl}/readyz`);
  return { status: reply.status, checks: ((await reply.json()) as Ready).checks };
};
const allAreReady = async (): Promise<boolean> => {
  const { status, checks } = await readyz();
  return status === 200 && 'worker_0_event_loop' in checks && 'worker_1_event_loop' in checks;
};
const pidOf = async (index: number): Promise<number> =>
  Number(/^pid (\d+)/.exec((await readyz()).checks[`worker_${index}_event_loop`]!.detail)![1]);

/** The one line that there is of it. */
const metric = async (line: RegExp): Promise<number> => {
  const text = await (await fetch(`${opsUrl}/metrics`, onCall)).text();
  const lines = text.split('\n').filter((one) => line.test(one));
  expect(lines.length).toBe(1);
  return Number(lines[0]!.split(' ').at(-1));
};
/** How many knocks were counted. */
const counted = (): Promise<number> => metric(/^http_server_request_duration_seconds_count\{.*"\/v1\/items"/);
const workersThat = (state: string): Promise<number> => metric(new RegExp(`^quittance_workers\\{state="${state}"`));

describe('the ops port of several processes', () => {
  it('adds up what they count', async () => {
    await until(allAreReady);
    await knock();
    const before = await counted();
    await Promise.all(Array.from({ length: 40 }, knock));
    await until(async () => (await counted()) === before + 40);
  });

  it('says of one whose loop is blocked that it is not ready, alive all the same, and by what', async () => {
    await until(allAreReady);
    const pid = await pidOf(1);
    process.kill(pid, 'SIGUSR2');
    await until(async () => (await readyz()).status === 503);
    const { checks } = await readyz();
    expect(checks['worker_1_event_loop']?.ok).toBe(false);
    expect(checks['worker_0_event_loop']?.ok).toBe(true);
    expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
    const { data } = (await (await fetch(`${opsUrl}/stalls`, onCall)).json()) as {
      data: { worker: number; pid: number; msg: string }[];
    };
    const stall = data.find((one) => one.pid === pid);
    expect(stall?.worker).toBe(1);
    expect(stall?.msg).toContain(`in worker 1 (pid ${pid})`);
    expect(await (await fetch(`${opsUrl}/live`, onCall)).text()).toContain(`in worker 1 (pid ${pid})`);
    await until(allAreReady);
  });

  it('says of one that is stopped that it is silent, and counts what it had counted once', async () => {
    await until(allAreReady);
    const pid = await pidOf(1);
    const before = await counted();
    process.kill(pid, 'SIGSTOP');
    try {
      await until(async () => (await readyz()).checks['worker_1']?.detail === `pid ${pid} does not answer`);
      expect((await readyz()).status).toBe(503);
      await until(async () => (await workersThat('silent')) === 1);
      expect(await workersThat('answers')).toBe(1);
      expect(await counted()).toBe(before);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until(allAreReady);
    await until(async () => (await workersThat('answers')) === 2);
    expect(await workersThat('silent')).toBe(0);
    expect(await counted()).toBe(before);
  });

  it.each([0, 1])('is that of the others where number %i is killed, and has forgotten no count', async (index) => {
    await until(allAreReady);
    const pid = await pidOf(index);
    const before = await counted();
    process.kill(pid, 'SIGKILL');
    await until(async () => {
      const { status, checks } = await readyz();
      return status === 200 && !Object.values(checks).some(({ detail }) => detail.startsWith(`pid ${pid}:`));
    });
    expect(await counted()).toBe(before);
    await until(allAreReady);
    expect(await pidOf(index)).not.toBe(pid);
  });
});

it('all of them end with the first process, which ends well', async () => {
  const pids = [await pidOf(0), await pidOf(1)];
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
});
