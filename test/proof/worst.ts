/** The requests that cost most to look at, and for how long each holds the event loop, in which nobody else is served. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Role } from '../../src/domain/principal.ts';
import { ask } from './arbitrary.ts';
import type { Target } from './attacks.ts';

/** About as much as a body may hold. */
const BODY_BYTES = 256 * 1024 - 200;
const PUBLIC_BODY_BYTES = 16 * 1024 - 200;

const repeated = (unit: string, bytes: number): string[] =>
  Array<string>(Math.floor(bytes / (Buffer.byteLength(unit) + 1))).fill(unit);
/** Texts as long as one may be, in as many as there is room for. */
const texts = (unit: string, bytes: number): string => {
  const text = unit.repeat(Math.ceil(2_040 / unit.length)).slice(0, 2_040);
  return JSON.stringify({ metadata: Array(Math.floor(bytes / (Buffer.byteLength(text) + 3))).fill(text) });
};

/** JSON that is looked at in vain: for card numbers, for fields that stand twice, for what JSON.parse makes of it. */
export const worstBodies = (bytes: number = BODY_BYTES): Readonly<Record<string, string>> => ({
  'digits and spaces': texts('3 ', bytes),
  'half a card': texts('424242424242 x ', bytes),
  'groups of four': texts('4-2-', bytes),
  'digits of another script': texts('٤', bytes),
  'digits in circles': texts('④ ', bytes),
  'raised digits': texts('³⁴ ', bytes),
  'soft hyphens': texts('4\u00ad', bytes),
  ids: texts('a1b2c3d4e5f64242424242424242', bytes),
  'percent escapes': texts('%34', bytes),
  'escaped texts': `{"metadata":[${repeated('"\\u0034242 42"', bytes).join()}]}`,
  'escaped letters': `{"metadata":[${repeated('"\\u00e9\\u00e9\\u00e9"', bytes).join()}]}`,
  exponents: `[${repeated('1e308', bytes).join()}]`,
  numbers: `[${repeated('1234567890123', bytes).join()}]`,
  'fields that may stand twice': `[${repeated('{"a":":"}', bytes).join()}]`,
  'a field again and again': `{"a":1,${repeated('"a":1', bytes).join()}}`,
  names: `{"metadata":{${repeated('"k[000000', bytes - bytes / 3)
    .map((name, n) => `${name}${n}":1`)
    .join()
    .slice(0, bytes)}"":1}}`,
  brackets: '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  emoji: JSON.stringify({ description: '\u{1f600}'.repeat(bytes / 5) }),
});

type Asker = Role | 'console' | 'anyone';

interface Worst {
  readonly role: Asker;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly what: string;
  readonly body?: string;
  readonly accept?: string;
  /** As large as one request may be by its nature: a bulk. */
  readonly mayHold?: true;
}

export interface Held {
  readonly role: string;
  readonly route: string;
  readonly what: string;
  readonly mayHold: boolean;
  readonly status: string;
  /** The least of several tries, so that what others did on the machine is not counted. */
  readonly ms: number;
}

const TRIES = 5;
/** What is as short as this in one try is not tried again. */
const SHORT_MS = 10;

/** Asks the worst of each kind and role, one after the other. */
export const holdLoop = async (target: Target, log: (line: string) => void): Promise<Held[]> => {
  const held: Held[] = [];
  for (const worst of await worstRequests(target)) {
    const { role, method, path, what, mayHold = false } = worst;
    let [ms, status] = [Infinity, ''];
    for (let n = 0; n < TRIES && ms > SHORT_MS; n++) {
      const seen = await holdOf(target.url, asBytes(worst, target));
      ({ status } = seen);
      ms = Math.min(ms, seen.ms);
    }
    const one = {
      role,
      route: `${method} ${path.replace(/\?.*$/, '').replace(/_[0-9a-f%]{32,}/g, '_…')}`,
      what,
      mayHold,
      status,
      ms,
    };
    held.push(one);
    log(lineOfHeld(one));
  }
  return held;
};

export const lineOfHeld = ({ role, route, what, status, ms }: Held): string =>
  `${ms.toFixed(1).padStart(6)} ms  ${role.padEnd(11)} ${route.padEnd(40)} ${status}  ${what}`;

const worstRequests = async (target: Target): Promise<Worst[]> => {
  const call = async (path: string, body: object): Promise<{ id: string; account: string }> => {
    const response = await fetch(target.url + path, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${target.secret}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': crypto.randomUUID(),
      },
      body: JSON.stringify(body),
    });
    return (await response.json()) as { id: string; account: string };
  };
  const walletOf = async (customer: string): Promise<string> => {
    const headers = { Authorization: `Bearer ${target.secret}` };
    const reply = await fetch(`${target.url}/v1/customers/${customer}/balance?currency=usd`, { headers });
    return ((await reply.json()) as { account: string }).account;
  };
  const [one, other] = await Promise.all([call('/v1/customers', {}), call('/v1/customers', {})]);
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key ${n}`, '\u{1f600}'.repeat(250)]));
  const pay = { customer: one.id, amount: 100_000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };
  const [paid] = await Promise.all([call('/v1/payments', pay), call('/v1/payments', { ...pay, customer: other.id })]);
  // Pages of what is as large as it may be.
  for (let n = 0; n < 100; n++)
    await call('/v1/payments', { ...pay, confirm: false, metadata, description: 'x'.repeat(1000) });
  const [from, to] = await Promise.all([walletOf(one.id), walletOf(other.id)]);

  const year = new Date().getUTCFullYear();
  const span = `?from=${year}-01-01`;
  const today = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const none = '0'.repeat(32);
  const long = { quantity: '0.123456789012', unit_price: '0.999999999999' };
  const transfers = Array(1000).fill({ from, to, amount: 1, currency: 'usd', description: 'x'.repeat(60) });
  for (let n = 0; n < 3; n++) await call('/v1/transfers/bulk', { mode: 'independent', transfers });
  const post = (path: string, what: string, body: unknown, more: Partial<Worst> = {}): Worst => ({
    ...{ role: 'secret', method: 'POST', path, what, ...more },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const get = (path: string, what: string, role: Asker = 'secret'): Worst => ({ role, method: 'GET', path, what });
  const file = (path: string, type: string): Worst => ({
    ...get(path, type === 'text/csv' ? 'a table' : 'a journal', 'finance'),
    accept: type,
  });
  const each = (path: string, bodies: Readonly<Record<string, string>>, role: Role): Worst[] =>
    Object.entries(bodies).map(([what, body]) => post(path, what, body, { role }));
  return [
    ...each('/v1/customers', worstBodies(), 'secret'),
    ...each('/v1/transfers/bulk', worstBodies(), 'secret'),
    ...each(`/v1/payments/pay_${none}/confirm`, worstBodies(PUBLIC_BODY_BYTES), 'publishable'),
    post('/v1/payments', 'metadata as long as it may be', { ...pay, confirm: false, metadata }),
    post(
      '/v1/usage/quote',
      'a thousand long lines',
      { currency: 'usd', items: Array(1000).fill(long) },
      { mayHold: true },
    ),
    post('/v1/usage/quote', 'a thousand lines that are none', {
      currency: 'usd',
      items: Array(1000).fill({ quantity: '', x: 1 }),
    }),
    post(
      '/v1/usage',
      'a thousand long lines',
      { customer: one.id, currency: 'usd', items: Array(1000).fill(long) },
      { mayHold: true },
    ),
    post('/v1/transfers/bulk', 'a thousand that are none', {
      mode: 'atomic',
      transfers: Array(1000).fill({ from: 'x', y: 1 }),
    }),
    post('/v1/transfers/bulk', 'a thousand, all or none', { mode: 'atomic', transfers }, { mayHold: true }),
    post('/v1/transfers/bulk', 'a thousand, each by itself', { mode: 'independent', transfers }, { mayHold: true }),
    post('/v1/balances/query', 'a thousand accounts', { accounts: Array(1000).fill(from) }),
    get('/v1/payments?limit=100', 'a hundred with metadata as long as it may be'),
    get('/v1/events?limit=100', 'a hundred'),
    get(`/v1/payments?${'x%34=%34&'.repeat(1_400)}`, 'a query as long as it may be'),
    get(`/v1/items/item_${'%34'.repeat(4_000)}`, 'an id of escapes', 'publishable'),
    get(`/v1/accounts?customer=${'4'.repeat(12_000)}`, 'an id of digits'),
    // A ledger in which one account has more than any page shows, read by those who only read.
    ...[from, from].map((account, n) =>
      get(`/v1/accounts/${account}/entries?limit=100${n === 0 ? '' : '&order=asc'}`, 'a hundred entries', 'finance'),
    ),
    get(`/v1/accounts/${from}/statement${span}`, 'of some thousand entries', 'finance'),
    file(`/v1/accounts/${from}/statement${span}`, 'text/csv'),
    file(`/v1/accounts/${from}/statement${span}&format=hledger`, 'text/plain'),
    get(`/v1/accounts/${from}/balance?as_of=${today}&tz=Europe/Berlin`, 'of a day', 'finance'),
    get(`/v1/trial_balance?as_of=${today}`, 'of a day', 'finance'),
    file('/v1/trial_balance', 'text/csv'),
    get(`/v1/activity${span}`, 'of a year', 'finance'),
    file(`/v1/activity${span}`, 'text/csv'),
    get('/v1/ledger/proof', 'the latest', 'finance'),
    get('/v1/ledger/periods', 'all', 'finance'),
    get('/v1/transfers?limit=100', 'a hundred', 'finance'),
    get('/v1/payments?limit=100', 'a hundred with metadata as long as it may be', 'finance'),
    get('/v1/events?limit=100', 'a hundred', 'finance'),
    get('/v1/volume', 'of a month', 'finance'),
    get('/v1/payments?limit=100', 'what it may not', 'oncall'),
    get('/v1/items/item_demo', 'an item', 'oncall'),
    ...['', '/payments', '/customers', '/accounts', '/refunds', '/events', '/payouts', '/disputes'].map((path) =>
      get(`/console${path}`, 'a page', 'console'),
    ),
    ...['/activity', '/trial-balance', '/contradictions', '/unknown', `/find?q=${'4'.repeat(200)}`].map((path) =>
      get(`/console${path}`, 'a page', 'console'),
    ),
    get(`/console/accounts/${from}${span}`, 'a statement', 'console'),
    get(`/console/accounts/${from}/statement${span}`, 'a statement as a file', 'console'),
    get(`/console/payments/${paid.id}`, 'a payment', 'console'),
    get('/openapi.json', 'the largest document', 'anyone'),
    post('/webhooks/stripe', 'a megabyte with a wrong signature', 'x'.repeat(1024 * 1024 - 1), { role: 'anyone' }),
  ];
};

const asBytes = ({ role, method, path, accept = '*/*', body = '' }: Worst, target: Target): Buffer => {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    role === 'console'
      ? `Cookie: quittance=${target.cookie}`
      : `Authorization: Bearer ${role === 'anyone' ? 'none' : target[role]}`,
    `Accept: ${accept}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Idempotency-Key: ${crypto.randomUUID()}`,
    `Stripe-Signature: t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
};

/** What is asked again and again meanwhile, which waits for nothing but the loop. */
const PROBE = 'GET /none HTTP/1.1\r\nHost: x\r\n\r\n';

const holdOf = async (url: string, request: Buffer): Promise<{ ms: number; status: string }> => {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let ms = 0;
  let isOver = false;
  const probe = async (): Promise<void> => {
    while (!isOver) {
      const at = performance.now();
      socket.write(PROBE);
      await once(socket, 'data');
      ms = Math.max(ms, performance.now() - at);
    }
  };
  const probing = probe();
  const { answer } = await ask(url, request);
  isOver = true;
  await probing;
  socket.destroy();
  return { ms, status: /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'none' };
};
