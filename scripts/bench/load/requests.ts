/** What is sent: operations, their weights, and repeats of earlier requests. */
import { randomUUID } from 'node:crypto';
import { parseCurrency } from '../../../src/domain/currency.ts';
import { idOf, walletId } from '../../../src/domain/ids.ts';
import { headerOf, type Reply, type Target } from './connection.ts';

export interface Customer {
  readonly id: string;
  readonly account: string;
}

/** By its number, so that ten million need no list. */
export type Customers = { readonly count: number; readonly at: (n: number) => Customer };

export interface Sent {
  readonly op: string;
  readonly text: string;
  /** What its reply must be, byte for byte. */
  readonly expected?: Reply;
  /** Kept for a later replay when it is answered. */
  readonly keep?: true;
}

export interface RequestOptions {
  readonly target: Target;
  readonly mix: Mix;
  readonly customers: Customers;
  /** What a debit or a transfer moves, in minor units. */
  readonly amount: number;
  /** One wallet pays for all. */
  readonly hot: boolean;
  /** The share of money requests that repeat an earlier one. */
  readonly replayShare: number;
}

export interface Requests {
  readonly next: () => Sent;
  /** Told of every reply. What is wrong with it besides its status, if anything is. */
  readonly answered: (sent: Sent, reply: Reply) => string | undefined;
}

/** Earlier requests that may be repeated. */
const KEPT = 10_000;
/** Transfers in a bulk request. */
const BULK_TRANSFERS = 100;

const QUOTE = JSON.stringify({
  currency: 'usd',
  items: Array.from({ length: 20 }, (_, line) => ({ quantity: line + 1, unit_price: '2' })),
});

type Write = (options: RequestOptions, one: () => Customer, payer: () => Customer) => string;

const get = ({ common }: Target, path: string): string => `GET ${path}${common}\r\n`;

/** Bodies are ASCII: their length in characters is that in bytes. */
export const post = ({ common }: Target, path: string, body: string, key?: string): string =>
  `POST ${path}${common}${key === undefined ? '' : `Idempotency-Key: ${key}\r\n`}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const money = (target: Target, path: string, body: string): string => post(target, path, body, randomUUID());

export const paymentBody = (customer: string, amount: number): string =>
  `{"customer":"${customer}","amount":${amount},"currency":"usd","payment_method":"pm_card_visa","confirm":true}`;

export const balancePath = (customer: string): string => `/v1/customers/${customer}/balance?currency=usd`;

const transferBody = (amount: number, one: () => Customer, payer: () => Customer): string => {
  const from = payer();
  let to = one();
  while (to.account === from.account) to = one();
  return `{"from":"${from.account}","to":"${to.account}","amount":${amount},"currency":"usd"}`;
};

const OPERATIONS: Readonly<Record<string, { readonly moves: boolean; readonly write: Write }>> = {
  balance: { moves: false, write: ({ target }, one) => get(target, balancePath(one().id)) },
  item: { moves: false, write: ({ target }) => get(target, '/v1/items/item_demo') },
  usage: { moves: false, write: ({ target }) => post(target, '/v1/usage/quote', QUOTE) },
  debit: {
    moves: true,
    write: ({ target, amount }, _one, payer) =>
      money(target, '/v1/debits', `{"customer":"${payer().id}","amount":${amount},"currency":"usd"}`),
  },
  transfer: {
    moves: true,
    write: ({ target, amount }, one, payer) => money(target, '/v1/transfers', transferBody(amount, one, payer)),
  },
  bulk: {
    moves: true,
    write: ({ target, amount }, one, payer) => {
      const transfers = Array.from({ length: BULK_TRANSFERS }, () => transferBody(amount, one, payer));
      return money(target, '/v1/transfers/bulk', `{"mode":"atomic","transfers":[${transfers.join(',')}]}`);
    },
  },
  payment: {
    moves: true,
    write: ({ target }, one) => money(target, '/v1/payments', paymentBody(one().id, 1250)),
  },
};

export type Mix = readonly { readonly op: string; readonly weight: number }[];

/** `balance=70,debit=20`; a weight that is left out is 1. */
export const parseMix = (text: string): Mix =>
  text.split(',').map((part) => {
    const [op = '', weight = '1'] = part.split('=');
    if (!Object.hasOwn(OPERATIONS, op))
      throw new Error(`--mix takes ${Object.keys(OPERATIONS).join(', ')}; it has "${op}".`);
    if (!/^\d{1,6}$/.test(weight)) throw new Error(`--mix takes whole weights; it has "${part}".`);
    return { op, weight: Number(weight) };
  });

export const needsCustomers = (mix: Mix): boolean => mix.some(({ op }) => op !== 'item' && op !== 'usage');

export const createRequests = (options: RequestOptions): Requests => {
  const { mix, customers, hot, replayShare } = options;
  const earlier: { readonly text: string; readonly reply: Reply }[] = [];
  const total = mix.reduce((sum, { weight }) => sum + weight, 0);
  const one = (): Customer => customers.at(Math.floor(Math.random() * customers.count));
  const payer = hot ? (): Customer => customers.at(0) : one;

  const pick = (): string => {
    let at = Math.random() * total;
    for (const { op, weight } of mix) {
      at -= weight;
      if (at < 0) return op;
    }
    return mix[0]?.op ?? '';
  };

  return {
    next: () => {
      const op = pick();
      const { moves, write } = OPERATIONS[op]!;
      if (moves && replayShare > 0 && Math.random() < replayShare) {
        const repeated = earlier[Math.floor(Math.random() * earlier.length)];
        if (repeated) return { op: 'replay', text: repeated.text, expected: repeated.reply };
      }
      const text = write(options, one, payer);
      return moves && replayShare > 0 ? { op, text, keep: true } : { op, text };
    },
    answered: ({ text, expected, keep }, reply) => {
      if (keep && reply.status >= 200 && reply.status < 300) {
        const at = earlier.length < KEPT ? earlier.length : Math.floor(Math.random() * KEPT);
        earlier[at] = { text, reply };
      }
      if (!expected || reply.status === 0) return undefined;
      const isSame =
        reply.status === expected.status &&
        reply.body === expected.body &&
        headerOf(reply.head, 'Idempotent-Replayed') === 'true';
      return isSame
        ? undefined
        : `a replay differs: ${expected.status} ${expected.body} then ${reply.status} ${reply.body}`;
    },
  };
};

/** Customers whose ids follow from their numbers, as `flat` seeds them. */
export const seededCustomers = (count: number): Customers => {
  const currency = parseCurrency('usd')!;
  return {
    count,
    at: (n) => {
      const id = idOf('cus', seededUuid(n));
      return { id, account: walletId(id, currency) };
    },
  };
};

/** A UUIDv7 of early 2024 with a number in its tail. */
export const SEEDED_UUID_HEAD = '018d0000-0000-7000-8000-';
const seededUuid = (n: number): string => SEEDED_UUID_HEAD + n.toString(16).padStart(12, '0');
