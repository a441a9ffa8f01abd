/**
 * The proof that there is no wrong moment to be killed in: for every operation, the service is killed on entering the
 * k-th network system call of its main thread, for every k, and started again; the client repeats, and the judge judges.
 * Before each write, read and connection is after the one before it: so no step of a charge is left out.
 *
 *   npm run proof:matrix -- [--operation charge|confirm|…|erase] [--every 1] [--progress]
 *
 * It needs strace (Linux): elsewhere it says that it was skipped.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, until } from '../../src/platform/process.ts';
import { commandLine, count, oneOf } from '../../scripts/command-line.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { createClient, createWallets, type Client, type Wallet } from './load.ts';
import { createRandom } from './random.ts';
import {
  attached,
  clearFaults,
  createWorld,
  expireLeases,
  isErased,
  openAttempts,
  setFault,
  withoutNpm,
  type Service,
  type World,
} from '../support/world.ts';
import { placesOf } from '../support/places.ts';

export const OPERATIONS = [
  'charge',
  'confirm',
  'capture',
  'cancel',
  'refund',
  'debit',
  'recover',
  'save',
  'attach',
  'setup',
  'confirm-setup',
  'away',
  'detach',
  'erase',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface MatrixOptions {
  readonly operations: readonly Operation[];
  /** Every n-th kill point; 1 is all of them. */
  readonly every: number;
  readonly log: (line: string) => void;
}

export interface Matrix {
  readonly verdict: Verdict;
  readonly complaints: readonly string[];
  /** Kill points tried, and those at which the process was indeed killed, of each operation. */
  readonly points: Readonly<Record<string, { readonly tried: number; readonly killed: number }>>;
}

/** All ways in which bytes, connections and their ends pass between a process and the network. */
const CALLS = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,connect,accept,accept4,shutdown,close';
/** An operation is repeated for this long before it counts as stuck: a restart, and a round of the sweeper. */
const FINAL_TIMEOUT_MS = 60_000;

export const hasStrace = (): Promise<boolean> =>
  run('strace', ['-V']).then(
    () => process.platform === 'linux',
    () => false,
  );

interface Bench {
  readonly world: World;
  readonly client: Client;
  readonly wallet: Wallet;
  readonly url: () => string;
}

/** Makes what an operation needs; what it answers is then run under strace, and resolves at the final reply. */
type Prepare = (bench: Bench, key: string) => Promise<() => Promise<unknown>>;

const PAYMENT = { amount: 700, currency: 'usd', payment_method: 'pm_card_visa' };

const PREPARE: Readonly<Record<Operation, Prepare>> = {
  charge: async ({ client, wallet }, key) => {
    const body = { ...PAYMENT, customer: wallet.customer, confirm: true };
    return () => client.send({ operation: 'POST /v1/payments', key, body });
  },
  confirm: async ({ client, wallet }, key) => {
    const made = await client.send({
      operation: 'POST /v1/payments',
      key,
      body: { ...PAYMENT, customer: wallet.customer },
    });
    const { id } = JSON.parse(made?.body ?? '{}') as { id: string };
    return () => client.send({ operation: `POST /v1/payments/${id}/confirm`, key: `${key}-confirm`, body: {} });
  },
  capture: async ({ client, wallet }, key) => {
    const id = await paid(client, wallet, key, { capture_method: 'manual' });
    return () =>
      client.send({ operation: `POST /v1/payments/${id}/capture`, key: `${key}-end`, body: { amount: 500 } });
  },
  cancel: async ({ client, wallet }, key) => {
    const id = await paid(client, wallet, key, { capture_method: 'manual' });
    return () => client.send({ operation: `POST /v1/payments/${id}/cancel`, key: `${key}-end`, body: {} });
  },
  refund: async ({ client, wallet }, key) => {
    const body = { payment: await paid(client, wallet, key, {}), amount: 300 };
    return () => client.send({ operation: 'POST /v1/refunds', key: `${key}-end`, body });
  },
  debit: async ({ client, wallet }, key) => {
    const body = { customer: wallet.customer, amount: 1, currency: PAYMENT.currency };
    return () => client.send({ operation: 'POST /v1/debits', key, body });
  },
  /** The first card that a customer saves: he comes to be at Stripe with it. */
  save: async ({ client }, key) => {
    const body = { ...PAYMENT, customer: await stranger(client, key), confirm: true, save_payment_method: true };
    return () => client.send({ operation: 'POST /v1/payments', key, body });
  },
  attach: async ({ client }, key) => {
    const operation = `POST /v1/customers/${await stranger(client, key)}/payment_methods`;
    return () => client.send({ operation, key, body: { payment_method: PAYMENT.payment_method } });
  },
  setup: async ({ client }, key) => {
    const customer = await stranger(client, key);
    const body = { customer, payment_method: PAYMENT.payment_method, confirm: true };
    return () => client.send({ operation: 'POST /v1/setups', key, body });
  },
  'confirm-setup': async ({ client }, key) => {
    const customer = await stranger(client, key);
    const made = await client.send({ operation: 'POST /v1/setups', key: `${key}-made`, body: { customer } });
    const { id } = JSON.parse(made?.body ?? '{}') as { id: string };
    const body = { payment_method: PAYMENT.payment_method };
    return () => client.send({ operation: `POST /v1/setups/${id}/confirm`, key, body });
  },
  away: async ({ client }, key) => {
    const customer = await stranger(client, key);
    await saved(client, customer, key);
    const body = { customer, amount: 700, currency: PAYMENT.currency, confirm: true, off_session: true };
    return () => client.send({ operation: 'POST /v1/payments', key, body });
  },
  detach: async (bench, key) => {
    const id = await saved(bench.client, await stranger(bench.client, key), key);
    return () => until(() => remove(bench, `/v1/payment_methods/${id}`), FINAL_TIMEOUT_MS);
  },
  /** To the end of what is then cleared in rounds, and of what is forgotten at Stripe. */
  erase: async (bench, key) => {
    const { world, client } = bench;
    const who = { name: NAME, metadata: { who: NAME } };
    const made = await client.send({ operation: 'POST /v1/customers', key: `${key}-customer`, body: who });
    const { id: customer = 'none' } = JSON.parse(made?.body ?? '{}') as { id?: string };
    const body = { ...PAYMENT, customer, confirm: true, save_payment_method: true, description: `for ${NAME}` };
    await client.send({ operation: 'POST /v1/payments', key, body });
    return async () => {
      await until(() => remove(bench, `/v1/customers/${customer}`), FINAL_TIMEOUT_MS);
      await until(() => isErased(world, customer), FINAL_TIMEOUT_MS);
    };
  },
  /** Stripe has charged and its reply was lost: the sweeper is at work, and is killed. */
  recover: async ({ world, client, wallet, url }, key) => {
    const body = { ...PAYMENT, customer: wallet.customer, confirm: true };
    await setFault(world, { kind: 'reset_after', method: 'POST', path: '/v1/payment_intents', count: 2 });
    await fetch(`${url()}/v1/payments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.apiKey}`, 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await clearFaults(world);
    return async () => {
      await expireLeases(world);
      await until(async () => (await openAttempts(world)) === 0, FINAL_TIMEOUT_MS);
      await client.send({ operation: 'POST /v1/payments', key, body });
    };
  },
};

/** Who is erased: to be found nowhere. */
const NAME = 'Ada Quillfeather';

/** It takes no key: whoever is cut off asks again. */
const remove = ({ world, url }: Bench, path: string): Promise<boolean> =>
  fetch(url() + path, { method: 'DELETE', headers: { authorization: `Bearer ${world.apiKey}` } }).then(
    ({ ok }) => ok,
    () => false,
  );

/** A customer of whom Stripe knows nothing yet. */
const stranger = async (client: Client, key: string): Promise<string> => {
  const made = await client.send({ operation: 'POST /v1/customers', key: `${key}-customer`, body: {} });
  return (JSON.parse(made?.body ?? '{}') as { id?: string }).id ?? 'none';
};

/** What a customer has saved: Stripe's id of it. */
const saved = async (client: Client, customer: string, key: string): Promise<string> => {
  const operation = `POST /v1/customers/${customer}/payment_methods`;
  const made = await client.send({ operation, key: `${key}-card`, body: { payment_method: 'pm_card_visa' } });
  return (JSON.parse(made?.body ?? '{}') as { id?: string }).id ?? 'none';
};

/** The id of a payment that was paid, or is held. */
const paid = async (client: Client, { customer }: Wallet, key: string, how: object): Promise<string> => {
  const body = { ...PAYMENT, ...how, customer, confirm: true };
  const reply = await client.send({ operation: 'POST /v1/payments', key, body });
  return (JSON.parse(reply?.body ?? '{}') as { id?: string }).id ?? 'none';
};

export const proveMatrix = async ({ operations, every, log }: MatrixOptions): Promise<Matrix> => {
  const world = await createWorld();
  try {
    const recipe = withoutNpm(await attached(world));
    let service = await world.start(recipe);
    const url = (): string => service.url;
    const client = createClient({ urls: () => [url()], apiKey: world.apiKey, random: createRandom(1) });
    const [wallet] = await createWallets({ client, url, apiKey: world.apiKey, count: 1 });
    const bench: Bench = { world, client, wallet, url };
    const points: Record<string, { tried: number; killed: number }> = {};

    for (const operation of operations) {
      // The first is for what is done once: connections, prepared statements, the wallet.
      for (const key of ['first', 'second']) await (await PREPARE[operation](bench, `${operation}-${key}`))();
      const calls = await countCalls(
        service,
        join(world.dataDir, 'trace'),
        await PREPARE[operation](bench, `${operation}-count`),
      );
      const all = [...calls].flatMap(([call, n]) => Array.from({ length: n }, (_, i) => ({ call, k: i + 1 })));
      log(`${operation}: ${all.length} calls: ${[...calls].map(([call, n]) => `${call} ${n}`).join(', ')}`);
      const counts = (points[operation] = { tried: 0, killed: 0 });

      for (const { call, k } of all.filter((_, i) => i % every === 0)) {
        const act = await PREPARE[operation](bench, `${operation}-${call}-${k}`);
        const strace = await attach(service, ['-e', `inject=${call}:signal=SIGKILL:when=${k}`, '-e', `trace=${call}`]);
        const acting = act();
        let done = false;
        void acting.then(() => (done = true));
        await until(() => done || service.ended(), FINAL_TIMEOUT_MS);
        // The k-th call may be made by what runs in the background, before the operation begins or after it has ended.
        await detach(strace);
        counts.tried++;
        const killed = service.ended() || strace.said().includes(KILLED);
        if (killed) {
          counts.killed++;
          await until(() => service.ended(), FINAL_TIMEOUT_MS);
          // Its owner is dead: as if the time of its lease had passed.
          await expireLeases(world);
          service = await world.start(recipe);
        }
        await acting;
        log(`${operation}: ${call} ${k}: ${killed ? 'killed' : 'not reached'}`);
      }
    }
    const { databaseUrl, sandboxUrl } = world;
    const places = operations.includes('erase') ? await placesOf(databaseUrl, [NAME]) : [];
    const verdict = await judge({ databaseUrl, sandboxUrl, seen: [...client.seen.values()] });
    const complaints = [...client.complaints, ...places.map((place) => `who was erased stands in ${place}`)];
    return { verdict, complaints, points };
  } finally {
    await world.close();
  }
};

/** How many of each call an operation makes, in the order of their first. */
const countCalls = async (
  service: Service,
  file: string,
  act: () => Promise<unknown>,
): Promise<Map<string, number>> => {
  const strace = await attach(service, ['-e', `trace=${CALLS}`, '-o', file]);
  await act();
  // The log line of the request comes after its reply.
  await sleep(50);
  await detach(strace);
  const names = [...(await readFile(file, 'utf8')).matchAll(/^(?:\d+ +)?(\w+)\(/gm)].map(([, name = '']) => name);
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, of]) => [name, of.length]));
};

interface Strace {
  readonly process: ChildProcess;
  /** What it has said of whom it follows. */
  readonly said: () => string;
}

/** What strace says of a process that was ended by the signal that it sent. */
const KILLED = 'killed by SIGKILL';

/** Follows the main thread, where all network calls are made. Resolves once it is attached. */
const attach = async ({ pid }: Service, args: readonly string[]): Promise<Strace> => {
  const strace = spawn('strace', ['-p', String(pid), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  strace.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const isAttached = await until(() => said.includes('attached') || strace.exitCode !== null, 10_000);
  if (!isAttached || (strace.exitCode !== null && !said.includes(KILLED)))
    throw new Error(`strace could not attach: ${said}`);
  return { process: strace, said: () => said };
};

const detach = async ({ process: strace }: Strace): Promise<void> => {
  if (strace.exitCode !== null || strace.signalCode !== null) return;
  const exited = once(strace, 'exit');
  strace.kill('SIGINT');
  await exited;
};

const USAGE = `
npm run proof:matrix -- [options]

Kills the service at its k-th network system call, for every k, in each operation. It needs strace (Linux).

  --operation NAME  charge, confirm, capture, cancel, refund, debit, recover, save, attach, setup, confirm-setup,
                    away, detach or erase; may be repeated (all)
  --every N         every N-th kill point (1)
  --progress        tells each kill point
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    operation: { type: 'string', multiple: true },
    every: { type: 'string', default: '1' },
    progress: { type: 'boolean', default: false },
  });
  const operations = values.operation?.map((name) => oneOf('--operation', name, OPERATIONS)) ?? OPERATIONS;
  if (!(await hasStrace())) {
    console.log('SKIPPED: the kill matrix needs strace, which is not on this machine. NOTHING WAS PROVED.');
    return;
  }
  const log = values.progress ? console.log : (): void => undefined;
  console.log(`proof:matrix ${operations.join(', ')}`);
  const { verdict, complaints, points } = await proveMatrix({ operations, every: count('every', values.every), log });
  for (const [name, { tried, killed }] of Object.entries(points))
    console.log(`${name}: ${killed} of ${tried} kill points hit`);
  for (const complaint of complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  process.exitCode = verdict.violations.length + complaints.length > 0 ? 1 : 0;
};

if (import.meta.main) await main();
