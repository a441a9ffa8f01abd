/**
 * The proof that one caller can't stop the house, slow the others, or be told something untrue: attacks, one after the
 * other, while another merchant charges cards beside them; and arbitrary requests, each of which is answered, in the form
 * of every answer.
 *
 *   npm run proof:hostile -- [--seed N] [--seconds 5] [--rate 20] [--requests 20000] [--progress]
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { routes } from '../../src/http/routes.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { commandLine, count as countOf } from '../command-line.ts';
import { ATTACKS, type Target } from './attacks.ts';
import { createRandom, seedOf, type Random } from './random.ts';
import { attached, createWorld, withoutNpm, type Service, type World } from './world.ts';

export interface HostileOptions {
  readonly seed: number;
  /** How long each attack lasts. */
  readonly seconds: number;
  /** Charges of another merchant that begin in a second meanwhile. */
  readonly ratePerS: number;
  /** Arbitrary requests. */
  readonly requests: number;
  readonly log: (line: string) => void;
}

/** What befell those who did nothing. */
export interface Bystanders {
  readonly during: string;
  readonly isControl: boolean;
  readonly asked: number;
  readonly paid: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** By which the service's memory has grown since before, in MB. */
  readonly grownMb: number;
  /** What they were refused, by code. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface Hostile {
  readonly alone: Bystanders;
  readonly attacks: readonly Bystanders[];
  readonly arbitrary: {
    readonly asked: number;
    readonly slowestMs: number;
    readonly statuses: Readonly<Record<string, number>>;
  };
  readonly complaints: readonly string[];
}

/** Fewer than this, and callers notice. */
const PAID_MIN = 0.99;
const GROWN_MAX_MB = 100;
/** Beyond twice what it was alone, and what a machine that others share adds by chance. */
const SLOWER_MAX = 2;
const NOISE_MS = 100;
/** What nothing may take: a reply to an arbitrary request, in a second. */
const REPLY_MAX_MS = 1_000;

interface Charge {
  readonly ms: number;
  readonly code: string;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const rssMb = (pid: number): number => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    // Only Linux tells it so.
    return 0;
  }
};

export const proveHostile = async (options: HostileOptions): Promise<Hostile> => {
  const world = await createWorld();
  try {
    const service = await world.start(withoutNpm(await attached(world)));
    const target = await makeTarget(world, service);
    const random = createRandom(options.seed);
    const customer = await makeCustomer(service.url, world.apiKey);

    const watch = async (
      during: string,
      isControl: boolean,
      attack: () => Promise<() => void>,
    ): Promise<Bystanders> => {
      const before = rssMb(service.pid);
      const stop = await attack();
      const charges = await chargeFor(options, service.url, world.apiKey, customer);
      const grownMb = rssMb(service.pid) - before;
      stop();
      const took = charges.map(({ ms }) => ms).sort((a, b) => a - b);
      const refused: Record<string, number> = {};
      for (const { code } of charges) if (code !== 'paid') refused[code] = (refused[code] ?? 0) + 1;
      return {
        ...{ during, isControl, grownMb, refused },
        ...{ asked: charges.length, paid: charges.filter(({ code }) => code === 'paid').length },
        ...{ p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99), maxMs: took.at(-1) ?? 0 },
      };
    };

    const nothing = (): Promise<() => void> => Promise.resolve(() => undefined);
    await watch('warming up', false, nothing);
    const alone = await watch('nothing else', false, nothing);
    options.log(lineOf(alone));
    const attacks: Bystanders[] = [];
    for (const [at, { name, begin, isControl = false }] of ATTACKS.entries()) {
      const seen = await watch(name, isControl, () => begin(target, random.fork(at)));
      options.log(lineOf(seen));
      attacks.push(seen);
      await sleep(500);
    }
    const complaints = attacks.flatMap((seen) => complaintsOf(seen, alone));
    const arbitrary = await askArbitrarily(options, target, random.fork(1000), complaints);
    if (service.ended()) complaints.push('the process has ended');
    const said = await service.said();
    if (said.includes('internal error') || said.includes('a fault'))
      complaints.push('the service met what it did not foresee');
    return { alone, attacks, arbitrary, complaints };
  } finally {
    await world.close();
  }
};

const complaintsOf = (seen: Bystanders, alone: Bystanders): string[] => {
  const faults = [
    ...(seen.paid < seen.asked * PAID_MIN ? [`only ${seen.paid} of ${seen.asked} were paid`] : []),
    ...(seen.p99Ms > alone.p99Ms * SLOWER_MAX + NOISE_MS ? [`P99 ${seen.p99Ms.toFixed(0)} ms`] : []),
    ...(seen.grownMb > GROWN_MAX_MB ? [`memory grew by ${seen.grownMb.toFixed(0)} MB`] : []),
  ];
  if (seen.isControl) return faults.length > 0 ? [] : [`${seen.during}: it was not seen`];
  return faults.map((fault) => `${seen.during}: ${fault}`);
};

const makeTarget = async (world: World, { url, pid }: Service): Promise<Target> => {
  const log = pino({ level: 'silent' });
  const database = openDatabase({ url: world.databaseUrl, poolMin: 0, poolMax: 1, acquireTimeoutMs: 3_000, log });
  const keys = createKeys(database.pool);
  const secret = (await keys.create('Attacker', 'secret', 'test'))._unsafeUnwrap().secret;
  const publishable = (await keys.create('Attacker', 'publishable', 'test'))._unsafeUnwrap().secret;
  await database.close();
  return { url, pid, secret, publishable };
};

const makeCustomer = async (url: string, key: string): Promise<string> => {
  const response = await fetch(`${url}/v1/customers`, { method: 'POST', headers: { Authorization: `Bearer ${key}` } });
  return ((await response.json()) as { id: string }).id;
};

/** Charges that begin at that rate, whatever becomes of those before. */
const chargeFor = async (
  { seconds, ratePerS }: HostileOptions,
  url: string,
  key: string,
  customer: string,
): Promise<Charge[]> => {
  const body = JSON.stringify({
    customer,
    amount: 100,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
  });
  const charge = async (): Promise<Charge> => {
    const startedAt = performance.now();
    const headers = {
      Authorization: `Bearer ${key}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
    };
    const code = await fetch(`${url}/v1/payments`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(20_000),
    })
      .then(async (response) =>
        response.status === 201 ? 'paid' : ((await response.json()) as { error: { code: string } }).error.code,
      )
      .catch((error: unknown) => (error instanceof Error ? error.name : 'lost'));
    return { ms: performance.now() - startedAt, code };
  };
  const charges: Promise<Charge>[] = [];
  for (let n = 0; n < seconds * ratePerS; n++) {
    charges.push(charge());
    await sleep(1000 / ratePerS);
  }
  return Promise.all(charges);
};

// ---- arbitrary requests --------------------------------------------------------------------------------------------

const METHODS = ['GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'] as const;
const BODIES = [
  '',
  '{}',
  '[]',
  'null',
  '{"amount":1e400}',
  '{"a":1,"a":2}',
  '{',
  '\0',
  '"4242424242424242"',
  `"${'x'.repeat(9_000)}"`,
  '{"amount":"99999999999999999999999"}',
  '{"metadata":{"":"","__proto__":1}}',
  '\u{1f600}',
  '{"customer":12.0}',
] as const;
const HEADERS = [
  '',
  'Expect: tea\r\n',
  'Expect: 100-continue\r\n',
  'Content-Encoding: gzip\r\n',
  'Content-Type: text/plain\r\n',
  'Content-Type: application/json; charset=utf-16\r\n',
  'Idempotency-Key: \r\n',
  'Idempotency-Key: "a\\"\r\n',
  'Origin: https://evil.example\r\n',
  'If-None-Match: *\r\n',
  'Accept: application/problem+json\r\n',
  'Range: bytes=0-1\r\n',
  'Upgrade: websocket\r\n',
  'X-HTTP-Method-Override: DELETE\r\n',
  'Authorization: Basic eDp5\r\n',
  'Host: other\r\n',
] as const;

/** A request as bytes, and whether it can be told that one reply belongs to it. */
const arbitraryRequest = (random: Random, { secret, publishable }: Target): Buffer => {
  const paths = routes.map(({ path }) => path);
  const id = random.pick([
    `pay_${'0'.repeat(32)}`,
    '%00',
    '..',
    'x'.repeat(300),
    '4242424242424242',
    '%zz',
    'item_demo',
  ]);
  const path = random.pick(['/', '/docs/errors', '/webhooks/stripe', '//', '/v1//payments', ...paths]);
  const url = `${random.pick(['', '', '', 'http://localhost'])}${path.replace(':id', id)}${random.pick(['', '', '?limit=1', '?a=b&a=c', '#x', '?%ff=%', `?q=${'9'.repeat(2_000)}`])}`;
  const key = random.pick([secret, publishable, 'sk_test_demo', '', 'x'.repeat(300)]);
  const body = random.pick(BODIES);
  const bytes = Buffer.from(body);
  const framing = random.chance(0.1)
    ? `Transfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n${body}${bytes.length === 0 ? '' : '\r\n0\r\n'}\r\n`
    : `Content-Length: ${bytes.length}\r\n\r\n${body}`;
  const type = random.chance(0.7) ? 'Content-Type: application/json\r\n' : '';
  const idempotent = random.chance(0.5) ? `Idempotency-Key: ${random.integer(0, 99)}\r\n` : '';
  const text = `${random.pick(METHODS)} ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${key === '' ? '' : `Authorization: Bearer ${key}\r\n`}${type}${idempotent}${random.pick(HEADERS)}${random.pick(HEADERS)}${framing}`;
  const request = Buffer.from(text);
  // One in ten is broken somewhere, or ends before its time.
  if (random.chance(0.05)) request[random.integer(0, request.length - 1)] = random.integer(0, 255);
  return random.chance(0.05) ? request.subarray(0, random.integer(1, request.length)) : request;
};

const ask = (url: string, request: Buffer): Promise<{ answer: string; ms: number }> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const startedAt = performance.now();
    // What is cut off is ended here too, so that nobody waits for the rest.
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    let answer = '';
    const done = (): void => {
      socket.destroy();
      resolve({ answer, ms: performance.now() - startedAt });
    };
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('end', done).on('error', done).setTimeout(10_000, done);
    socket.end(request);
  });

const askArbitrarily = async (
  { requests, log }: HostileOptions,
  target: Target,
  random: Random,
  complaints: string[],
): Promise<Hostile['arbitrary']> => {
  const statuses: Record<string, number> = {};
  let slowestMs = 0;
  let asked = 0;
  const one = async (): Promise<void> => {
    const request = arbitraryRequest(random, target);
    const { answer, ms } = await ask(target.url, request);
    slowestMs = Math.max(slowestMs, ms);
    const reply = answer.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
    const [, status = 'none'] = /^HTTP\/1\.1 (\d{3}) /.exec(reply) ?? [];
    statuses[status] = (statuses[status] ?? 0) + 1;
    const complaint = whyWrong(reply, status, ms);
    if (complaint !== undefined)
      complaints.push(`${complaint}: ${JSON.stringify(request.toString('latin1').slice(0, 300))}`);
    if (++asked % 2_000 === 0) log(`${asked} arbitrary requests, the slowest answered in ${slowestMs.toFixed(0)} ms`);
  };
  const go = async (): Promise<void> => {
    while (asked < requests) await one();
  };
  await Promise.all(Array.from({ length: 8 }, go));
  return { asked, slowestMs, statuses };
};

const whyWrong = (reply: string, status: string, ms: number): string | undefined => {
  if (status === 'none') return 'it was not answered';
  if (status.startsWith('5') && status !== '503') return `it was answered with ${status}`;
  if (ms > REPLY_MAX_MS) return `it took ${ms.toFixed(0)} ms`;
  const [head = '', body = ''] = reply.split('\r\n\r\n');
  if (Number(status) < 400 || body === '') return undefined;
  return /Request-Id: req_/.test(head) && /"(?:outcome)":"(?:none|applied|unknown)"/.test(body)
    ? undefined
    : 'its answer has another form';
};

const lineOf = ({ during, asked, paid, p50Ms, p99Ms, maxMs, grownMb, refused }: Bystanders): string =>
  `${during}: ${paid} of ${asked} paid, ${p50Ms.toFixed(0)} ms (P50), ${p99Ms.toFixed(0)} ms (P99), ${maxMs.toFixed(0)} ms (most), memory ${grownMb >= 0 ? '+' : ''}${grownMb.toFixed(0)} MB${Object.keys(refused).length === 0 ? '' : `, refused: ${JSON.stringify(refused)}`}`;

const USAGE = `
npm run proof:hostile -- [options]

Attacks a service while another merchant charges cards, and says what that merchant noticed; then asks whatever nobody
would ask. The last of the attacks is a control, which must be noticed.

  --seed N      the same seed asks the same (by chance)
  --seconds N   how long each attack lasts (5)
  --rate N      charges of the other merchant begun in a second (20)
  --requests N  arbitrary requests (20000)
  --progress    tells of each
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '20' },
    requests: { type: 'string', default: '20000' },
    progress: { type: 'boolean', default: false },
  });
  const seed = seedOf(values.seed);
  const [seconds, ratePerS, requests] = [
    countOf('seconds', values.seconds),
    countOf('rate', values.rate),
    countOf('requests', values.requests),
  ];
  console.log(
    `proof:hostile --seed ${seed}: ${ATTACKS.length} attacks of ${seconds} s, and ${requests} arbitrary requests`,
  );
  const log = values.progress ? console.log : (): void => undefined;
  const { alone, attacks, arbitrary, complaints } = await proveHostile({ seed, seconds, ratePerS, requests, log });
  for (const seen of [alone, ...attacks]) console.log(lineOf(seen));
  console.log(
    `${arbitrary.asked} arbitrary requests, the slowest answered in ${arbitrary.slowestMs.toFixed(0)} ms: ${JSON.stringify(arbitrary.statuses)}`,
  );
  for (const complaint of complaints.slice(0, 20)) console.log(`COMPLAINT ${complaint}`);
  console.log(complaints.length === 0 ? 'nobody else noticed anything' : `${complaints.length} complaints`);
  process.exitCode = complaints.length > 0 ? 1 : 0;
};

if (import.meta.main) await main();
