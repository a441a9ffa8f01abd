/**
 * The proof that a lost reply is never guessed: Stripe's reply is cut after every one of its bytes, so that it has
 * charged and we cannot know; then the client repeats, the sweeper asks, and the judge judges.
 *
 *   npm run proof:ambiguity -- [--operation charge|confirm|capture|cancel|refund] [--every 1] [--jump] [--progress]
 *
 * With `--jump`, a day and an hour pass before anyone asks: Stripe has forgotten its keys, and nothing may be sent again.
 */
import { until } from '../../src/platform/process.ts';
import { commandLine, count, oneOf } from '../../scripts/command-line.ts';
import { describe, judge, type Verdict } from './judge.ts';
import { createClient, createWallets, type Client, type Wallet } from './load.ts';
import { createRandom } from './random.ts';
import {
  advanceClock,
  attached,
  clearFaults,
  createWorld,
  expireLeases,
  later,
  openAttempts,
  setFault,
  withoutNpm,
  type World,
} from '../support/world.ts';

export const CUT_OPERATIONS = ['charge', 'confirm', 'capture', 'cancel', 'refund'] as const;
export type CutOperation = (typeof CUT_OPERATIONS)[number];

export interface AmbiguityOptions {
  readonly operations: readonly CutOperation[];
  /** Every n-th byte; 1 is all of them. */
  readonly every: number;
  /** Whether 25 hours pass between a cut and its resolution. */
  readonly jump: boolean;
  readonly log: (line: string) => void;
}

export interface Ambiguity {
  readonly verdict: Verdict;
  readonly complaints: readonly string[];
  /** How many cuts of each operation left its outcome unknown at first. */
  readonly cuts: Readonly<Record<string, number>>;
}

interface Request {
  readonly operation: string;
  readonly key: string;
  readonly body: object;
}

/** What is asked of the service, and the path at Stripe whose reply is cut. */
interface Cut {
  readonly path: string;
  readonly request: (client: Client, wallet: Wallet, key: string) => Promise<Request>;
}

/** The id of a payment that was paid, or is held. */
const paid = async (client: Client, { customer }: Wallet, key: string, how: object): Promise<string> => {
  const body = { ...PAYMENT, ...how, customer, confirm: true };
  const reply = await client.send({ operation: 'POST /v1/payments', key, body });
  return (JSON.parse(reply?.body ?? '{}') as { id?: string }).id ?? 'none';
};

const PAYMENT = { amount: 900, currency: 'usd', payment_method: 'pm_card_visa' };

const CUTS: Readonly<Record<CutOperation, Cut>> = {
  charge: {
    path: '/v1/payment_intents',
    request: async (client, wallet, key) => {
      // An answer in between: a row of cuts would open the circuit, and nothing would be sent.
      await paid(client, wallet, `${key}-before`, {});
      return { operation: 'POST /v1/payments', key, body: { ...PAYMENT, customer: wallet.customer, confirm: true } };
    },
  },
  /** A second attempt, on the PaymentIntent that the first has made. */
  confirm: {
    path: '/v1/payment_intents/*/confirm',
    request: async (client, { customer }, key) => {
      const body = { ...PAYMENT, customer, confirm: true, payment_method: 'pm_card_chargeDeclined' };
      const declined = await client.send({ operation: 'POST /v1/payments', key, body });
      const { error } = JSON.parse(declined?.body ?? '{}') as { error?: { payment?: string } };
      return {
        operation: `POST /v1/payments/${error?.payment ?? 'none'}/confirm`,
        key: `${key}-again`,
        body: { payment_method: 'pm_card_visa' },
      };
    },
  },
  capture: {
    path: '/v1/payment_intents/*/capture',
    request: async (client, wallet, key) => {
      const id = await paid(client, wallet, key, { capture_method: 'manual' });
      return { operation: `POST /v1/payments/${id}/capture`, key: `${key}-end`, body: { amount: 500 } };
    },
  },
  cancel: {
    path: '/v1/payment_intents/*/cancel',
    request: async (client, wallet, key) => {
      const id = await paid(client, wallet, key, { capture_method: 'manual' });
      return { operation: `POST /v1/payments/${id}/cancel`, key: `${key}-end`, body: {} };
    },
  },
  refund: {
    path: '/v1/refunds',
    request: async (client, wallet, key) => ({
      operation: 'POST /v1/refunds',
      key: `${key}-end`,
      body: { payment: await paid(client, wallet, key, {}), amount: 300 },
    }),
  },
};

const JUMP_S = 25 * 3600;
/** This many are cut before they are resolved together, by sweeper and clients. */
const ROUND = 200;
const RESOLVE_TIMEOUT_MS = 60_000;
/** No reply of Stripe's is as long. */
const BYTES_MAX = 20_000;

export const proveAmbiguity = async ({ operations, every, jump, log }: AmbiguityOptions): Promise<Ambiguity> => {
  const world = await createWorld();
  try {
    const recipe = withoutNpm(await attached(world));
    let service = await world.start(recipe);
    let jumpedS = 0;
    const passTime = async (): Promise<void> => {
      await service.stop();
      jumpedS += JUMP_S;
      await advanceClock(world, JUMP_S);
      service = await world.start(later(recipe, jumpedS));
    };
    const { apiKey, databaseUrl, sandboxUrl } = world;
    const client = createClient({ urls: () => [service.url], apiKey, random: createRandom(1) });
    const [wallet] = await createWallets({ client, url: () => service.url, apiKey, count: 1 });
    const complaints: string[] = [];
    const cuts: Record<string, number> = {};
    for (const operation of operations) {
      const { path, request } = CUTS[operation];
      let unresolved: Request[] = [];
      let whole = false;
      cuts[operation] = 0;
      for (let bytes = 0; !whole && bytes < BYTES_MAX; bytes += every) {
        const asked = await request(client, wallet, `${operation}-${bytes}`);
        await setFault(world, { kind: 'truncate', method: 'POST', path, bytes });
        const { status, body } = await sendOnce(service.url, apiKey, asked);
        await clearFaults(world);
        whole = status < 300;
        if (!whole) cuts[operation]++;
        if (!whole && !(status === 503 && body.includes('"outcome":"unknown"')))
          complaints.push(`${operation} cut after ${bytes} bytes was told ${status} ${body}`);
        unresolved.push(asked);
        if (unresolved.length < ROUND && !whole) continue;
        if (jump) await passTime();
        await resolve(world, client, unresolved);
        unresolved = [];
        log(`${operation}: cut after up to ${bytes} bytes, and resolved`);
      }
    }
    const verdict = await judge({ databaseUrl, sandboxUrl, seen: [...client.seen.values()] });
    return { verdict, complaints: [...complaints, ...client.complaints], cuts };
  } finally {
    await world.close();
  }
};

const sendOnce = async (
  url: string,
  apiKey: string,
  { operation, key, body }: Request,
): Promise<{ status: number; body: string }> => {
  const response = await fetch(url + operation.replace('POST ', ''), {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.text() };
};

/** Clients repeat while the sweeper works; the leases have run out, since the requests that held them have ended. */
const resolve = async (world: World, client: Client, unresolved: readonly Request[]): Promise<void> => {
  const [early, late] = [unresolved.filter((_, i) => i % 10 === 0), unresolved.filter((_, i) => i % 10 !== 0)];
  const repeating = early.map((request) => client.send(request));
  await expireLeases(world);
  await until(async () => (await openAttempts(world)) === 0, RESOLVE_TIMEOUT_MS);
  await Promise.all(repeating);
  for (const request of late) await client.send(request);
};

const USAGE = `
npm run proof:ambiguity -- [options]

Cuts Stripe's reply at every byte, and has client and sweeper find out what became of it.

  --operation NAME  charge, confirm, capture, cancel or refund; may be repeated (all)
  --every N         every N-th byte (1)
  --jump            25 hours pass before anyone asks
  --progress        tells each cut
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    operation: { type: 'string', multiple: true },
    every: { type: 'string', default: '1' },
    jump: { type: 'boolean', default: false },
    progress: { type: 'boolean', default: false },
  });
  const operations = values.operation?.map((name) => oneOf('--operation', name, CUT_OPERATIONS)) ?? CUT_OPERATIONS;
  const log = values.progress ? console.log : (): void => undefined;
  const { every, jump } = values;
  console.log(`proof:ambiguity ${operations.join(', ')}, --every ${every}${jump ? ' --jump' : ''}`);
  const { verdict, complaints, cuts } = await proveAmbiguity({ operations, every: count('every', every), jump, log });
  for (const [name, n] of Object.entries(cuts))
    console.log(`${name}: ${n} cuts left the outcome unknown, and all were resolved`);
  for (const complaint of complaints.slice(0, 10)) console.log(`COMPLAINT ${complaint}`);
  console.log(describe(verdict));
  process.exitCode = verdict.violations.length + complaints.length > 0 ? 1 : 0;
};

if (import.meta.main) await main();
