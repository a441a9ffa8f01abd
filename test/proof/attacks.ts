/** What a stranger with a terminal does to a service, and those who hold a key that anyone can read. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Callers } from './likely.ts';
import type { Random } from './random.ts';
import { worstBodies } from './worst.ts';

/** The keys are another merchant's than those of the callers who are watched. */
export interface Target extends Callers {
  readonly url: string;
  readonly pid: number;
}

export interface Attack {
  readonly name: string;
  /** Goes on until it is told to stop. */
  readonly begin: (target: Target, random: Random) => Promise<() => void>;
  /** It is no attack, and the proof must see it all the same. */
  readonly isControl?: true;
}

const open = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await once(socket, 'connect').catch(() => undefined);
  return socket;
};

/** So many connections, each of which begins with these bytes; none reads where `silent`. */
const crowd = async (url: string, count: number, bytes: string | Buffer, silent = false): Promise<() => void> => {
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += 100) {
    const some = await Promise.all(Array.from({ length: Math.min(100, count - at) }, () => open(url)));
    for (const socket of some) {
      if (silent) socket.pause();
      else socket.resume();
      socket.write(bytes);
    }
    sockets.push(...some);
  }
  return () => sockets.forEach((socket) => socket.destroy());
};

/** Attacker and callers share this process: without a pause, they would wait for each other, and not for the service. */
const PAUSE_MS = 10;

/** The same requests again and again, a few at a time. */
const repeat = (ask: () => Promise<unknown>, atOnce: number): (() => void) => {
  let isOver = false;
  const go = async (): Promise<void> => {
    while (!isOver) {
      await ask().catch(() => undefined);
      await sleep(PAUSE_MS);
    }
  };
  for (let n = 0; n < atOnce; n++) void go();
  return () => (isOver = true);
};

const post = (target: Target, key: string, path: string, body: string | Buffer, more: Record<string, string> = {}) =>
  fetch(target.url + path, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${key}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': crypto.randomUUID(),
      ...more,
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  }).then((response) => response.text());

const head = (path: string, lines: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: localhost', ...lines, '', ''].join('\r\n');

const noPayment = `/v1/payments/pay_${'0'.repeat(32)}/confirm`;
const unread = `${head('/v1/payments', ['Content-Length: 2'])}{}`.repeat(25_000);

const silentPipeliners: Attack = {
  name: 'six who ask 25,000 times and never read',
  begin: ({ url }) => crowd(url, 6, unread, true),
};
const bodiesThatNeverCome: Attack = {
  name: '3,600 bodies that never come, with a publishable key',
  begin: ({ url, publishable }) =>
    crowd(
      url,
      3_600,
      head(noPayment, [`Authorization: Bearer ${publishable}`, 'Content-Type: application/json', 'Content-Length: 99']),
    ),
};
const unsignedWebhooks: Attack = {
  name: '400 webhooks with a signature of the right form, and no body',
  begin: ({ url }) =>
    crowd(
      url,
      400,
      head('/webhooks/stripe', [
        `Stripe-Signature: t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`,
        'Content-Length: 1000000',
      ]),
    ),
};

const WORST = Object.values(worstBodies());

/** A hundred payments with as much metadata as one may have. */
const fillPages = async (target: Target): Promise<void> => {
  const customer = (JSON.parse(await post(target, target.secret, '/v1/customers', '{}')) as { id: string }).id;
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key ${n}`, '\u{1f600}'.repeat(250)]));
  const body = JSON.stringify({ customer, amount: 100, currency: 'usd', metadata, description: 'x'.repeat(1000) });
  await Promise.all(Array.from({ length: 100 }, () => post(target, target.secret, '/v1/payments', body)));
};

export const ATTACKS: readonly Attack[] = [
  silentPipeliners,
  bodiesThatNeverCome,
  unsignedWebhooks,
  {
    name: 'these three at once',
    begin: async (target, random) => {
      const stops: (() => void)[] = [];
      for (const one of [silentPipeliners, bodiesThatNeverCome, unsignedWebhooks])
        stops.push(await one.begin(target, random));
      return () => stops.forEach((stop) => stop());
    },
  },
  {
    name: 'amounts of 21 digits and more',
    begin: (target) => {
      const body = JSON.stringify({ customer: `cus_${'0'.repeat(32)}`, amount: '9'.repeat(21), currency: 'usd' });
      return Promise.resolve(repeat(() => post(target, target.secret, '/v1/payments', body), 2));
    },
  },
  {
    name: 'the worst bodies of 256 KiB, one after the other',
    begin: (target, random) =>
      Promise.resolve(
        repeat(() => post(target, target.secret, '/v1/customers', random.pick(WORST as [string, ...string[]])), 1),
      ),
  },
  {
    name: 'bodies that inflate',
    begin: (target) =>
      Promise.resolve(
        repeat(() => post(target, target.publishable, noPayment, Buffer.alloc(428), { 'Content-Encoding': 'gzip' }), 4),
      ),
  },
  {
    name: 'an item whose id is taken, again and again',
    begin: async (target) => {
      const item = JSON.stringify({ id: 'item_taken', name: 'x', unit_price: '1', currency: 'usd' });
      await post(target, target.secret, '/v1/items', item);
      return repeat(() => post(target, target.secret, '/v1/items', item), 8);
    },
  },
  {
    name: 'keys that nobody has',
    begin: (target, random) =>
      Promise.resolve(repeat(() => post(target, `sk_test_${random.next()}`, '/v1/debits', '{}'), 8)),
  },
  {
    name: 'bytes that are no HTTP, behind requests',
    begin: ({ url }) =>
      Promise.resolve(
        repeat(async () => {
          const socket = await open(url);
          socket.resume();
          socket.write('GET /v1/items/item_demo HTTP/1.1\r\nHost: localhost\r\n\r\nx\r\n\r\n');
          await once(socket, 'close');
        }, 8),
      ),
  },
  {
    name: 'tunnels that are held, and pipelined requests with garbage behind them',
    begin: async ({ url }) => {
      const stop = await crowd(url, 200, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
      const again = repeat(async () => {
        const socket = await open(url);
        socket.resume();
        socket.write(`${'GET /v1/items/item_demo HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(40)}\0\0 x\r\n`);
        await once(socket, 'close');
      }, 4);
      return () => {
        stop();
        again();
      };
    },
  },
  {
    name: '60 webhooks of a megabyte that all but end',
    begin: ({ url }) =>
      crowd(
        url,
        60,
        `${head('/webhooks/stripe', [
          `Stripe-Signature: t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}`,
          'Content-Length: 1000000',
        ])}${'x'.repeat(999_999)}`,
      ),
  },
  {
    name: 'reports by one constant key, by HEAD, and by an absolute URL',
    begin: ({ url, secret }, random) => {
      const ask = async (): Promise<void> => {
        const target = random.pick(['/v1/trial_balance', `${url}/v1/trial_balance`, '/v1/trial_balance#x']);
        const socket = await open(url);
        socket.resume();
        socket.write(
          `${random.pick(['GET', 'HEAD'])} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${secret}\r\nIdempotency-Key: constant\r\n\r\n`,
        );
        await once(socket, 'close');
      };
      return Promise.resolve(repeat(ask, 40));
    },
  },
  {
    name: 'one id, spelled with percents in many ways',
    begin: (target, random) =>
      Promise.resolve(
        repeat(() => {
          const id = [...`pay_${'0'.repeat(32)}`].map((letter) =>
            random.chance(0.5) ? letter : `%${letter.charCodeAt(0).toString(16)}`,
          );
          return post(target, target.secret, `/v1/payments/${id.join('')}/confirm`, '{}', {
            'Idempotency-Key': 'constant',
          });
        }, 8),
      ),
  },
  {
    name: '1,500 bodies of 255 KB that all but end, with a secret key',
    begin: ({ url, secret }) =>
      crowd(
        url,
        1_500,
        `${head('/v1/customers', [`Authorization: Bearer ${secret}`, 'Content-Type: application/json', 'Content-Length: 262144'])}${' '.repeat(255 * 1024)}`,
      ),
  },
  {
    name: 'large pages that nobody reads',
    begin: async (target) => {
      await fillPages(target);
      const ask = `GET /v1/payments?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${target.secret}\r\n\r\n`;
      return crowd(target.url, 60, ask.repeat(16), true);
    },
  },
  {
    name: 'large pages, 64 at once',
    begin: async (target) => {
      await fillPages(target);
      return repeat(
        () =>
          fetch(`${target.url}/v1/payments?limit=100`, { headers: { Authorization: `Bearer ${target.secret}` } }).then(
            (response) => response.body?.cancel(),
          ),
        64,
      );
    },
  },
  {
    name: 'quotes of a thousand long lines, 64 at once',
    begin: (target) => {
      const items = Array(1000).fill({ quantity: '0.123456789012', unit_price: '0.999999999999' });
      const body = JSON.stringify({ currency: 'usd', items });
      return Promise.resolve(repeat(() => post(target, target.secret, '/v1/usage/quote', body), 64));
    },
  },
  {
    name: 'bodies of digits, 64 at once',
    begin: (target) => {
      const body = worstBodies()['digits and spaces'] ?? '';
      return Promise.resolve(repeat(() => post(target, target.secret, '/v1/customers', body), 64));
    },
  },
  {
    name: 'connections that come and are reset',
    begin: ({ url }) =>
      Promise.resolve(
        repeat(async () => {
          const stop = await crowd(url, 100, 'GET /v1/items/item_demo HTTP/1.1\r\nHost: x\r\n\r\n');
          stop();
        }, 4),
      ),
  },
  {
    name: 'CONTROL: the process is stopped for a second',
    isControl: true,
    begin: ({ pid }) => {
      process.kill(pid, 'SIGSTOP');
      const timer = setTimeout(() => process.kill(pid, 'SIGCONT'), 1_000);
      return Promise.resolve(() => {
        clearTimeout(timer);
        process.kill(pid, 'SIGCONT');
      });
    },
  },
];
