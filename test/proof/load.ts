/**
 * Charging load, as good clients make it: every request under an idempotency key, and whatever has no final reply is
 * sent again under the same key until it has one. What each was finally told is kept for the judge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Seen } from './judge.ts';
import type { Random } from './random.ts';

export interface LoadOptions {
  /** Where the service is now; asked anew for every request, since instances come and go. */
  readonly urls: () => readonly string[];
  readonly apiKey: string;
  readonly random: Random;
  readonly clients: number;
  /** Whether cards are kept and charged later: a release from before that knows no such field. */
  readonly keepsCards?: boolean;
}

/** What was asked for under one key. */
interface Request {
  readonly operation: string;
  readonly key: string;
  readonly body: object;
}

export interface LoadReport {
  readonly seen: readonly Seen[];
  /** What a good client never expects: a replay that differs, a reply that is not in the contract, no final reply. */
  readonly complaints: readonly string[];
  readonly operations: number;
  /** How many times a request was sent again because its outcome was unknown. */
  readonly repeats: number;
}

export interface Load {
  readonly operations: () => number;
  readonly inFlight: () => number;
  readonly complaints: readonly string[];
  /** Begins nothing new, and waits until everything that was begun has its final reply. */
  readonly finish: (patienceMs: number) => Promise<LoadReport>;
}

/** A hung connection is given up later than the service's own patience with Stripe and the database. */
const REPLY_TIMEOUT_MS = 15_000;
/** Some minutes' worth: an outcome that is unknown after that never comes. Counted, since a machine may stand still. */
const REPEATS_MAX = 100;
/** As a good client waits: soon at first, then half as often each time, and never long after the answer is there. */
const REPEAT_MIN_MS = 50;
const REPEAT_MAX_MS = 2_000;
const CURRENCY = 'usd';

/** A reply that ends a request: everything but "try again". */
const isFinal = (status: number, code: string | undefined): boolean =>
  status < 300 || status === 402 || (status === 409 && code !== 'idempotency_key_in_use');

/** A client that repeats what is unknown, and complains of what is not in the contract. */
export interface Client {
  /** The final reply; undefined, and a complaint, where there is none. */
  readonly send: (request: Request) => Promise<Seen | undefined>;
  readonly seen: ReadonlyMap<string, Seen>;
  readonly complaints: readonly string[];
  readonly repeats: () => number;
  readonly inFlight: () => number;
  /** Repeats nothing from now on. */
  readonly giveUp: () => void;
}

export const createClient = ({ urls, apiKey, random }: Omit<LoadOptions, 'clients' | 'keepsCards'>): Client => {
  const seen = new Map<string, Seen>();
  const complaints: string[] = [];
  let repeats = 0;
  let inFlight = 0;
  let givingUp = false;

  const sendOnce = async ({ operation, key, body }: Request): Promise<Seen | undefined> => {
    const [method = 'POST', path = '/'] = operation.split(' ');
    const all = urls();
    const url = all[random.integer(0, all.length - 1)];
    if (url === undefined) return undefined;
    try {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, 'idempotency-key': key, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(REPLY_TIMEOUT_MS),
      });
      return { operation, key, status: response.status, body: await response.text() };
    } catch {
      // Refused, reset, cut off or timed out: nobody knows what became of it.
      return undefined;
    }
  };

  const complain = (what: string): void => void complaints.push(what);

  /** Until it is final; undefined where patience has ended before. */
  const send = async (request: Request): Promise<Seen | undefined> => {
    const name = `${request.operation} under ${request.key}`;
    inFlight++;
    let waitMs = REPEAT_MIN_MS;
    try {
      for (let tries = 1; ; tries++) {
        const reply = await sendOnce(request);
        if (reply) {
          const code = codeOf(reply);
          if (isFinal(reply.status, code)) {
            const before = seen.get(name);
            if (before && (before.status !== reply.status || before.body !== reply.body))
              complain(`${name} was told ${before.status} ${before.body} and then ${reply.status} ${reply.body}`);
            seen.set(name, reply);
            return reply;
          }
          if (![409, 429, 500, 503].includes(reply.status)) {
            complain(`${name} was told ${reply.status} ${reply.body}`);
            return undefined;
          }
          if (reply.status === 500) complain(`${name} was told ${reply.body}`);
        }
        if (givingUp || tries > REPEATS_MAX) {
          complain(`${name} has no final reply; the last was ${reply ? `${reply.status} ${reply.body}` : 'none'}`);
          return undefined;
        }
        repeats++;
        await sleep(waitMs * (0.5 + random.next()));
        waitMs = Math.min(2 * waitMs, REPEAT_MAX_MS);
      }
    } finally {
      inFlight--;
    }
  };

  return {
    /** Once in a while a final reply is asked for again: it must be the same to the byte. */
    send: async (request: Request): Promise<Seen | undefined> => {
      const reply = await send(request);
      return reply && random.chance(0.05) ? send(request) : reply;
    },
    seen,
    complaints,
    repeats: () => repeats,
    inFlight: () => inFlight,
    giveUp: () => void (givingUp = true),
  };
};

const codeOf = ({ status, body }: Seen): string | undefined =>
  status < 300 ? undefined : (JSON.parse(body) as { error?: { code?: string } }).error?.code;

const CUSTOMERS = 8;
/** What takes longer is waited for beside the next thing: one unknown outcome does not stop a shop. */
const PATIENCE_MS = 500;
/** So many unknown outcomes to a client; past that it would only be in its own way. */
const OPEN_MAX = 8;

/** Makes the customers, and then as many clients as were asked for, each doing one thing after the other. */
export const startLoad = async (options: LoadOptions): Promise<Load> => {
  const client = createClient(options);
  const { urls, apiKey, keepsCards = true } = options;
  const wallets = await createWallets({ client, url: () => urls()[0] ?? '', apiKey, count: CUSTOMERS });

  let stopped = false;
  const isStopped = (): boolean => stopped;
  let operations = 0;
  const open = new Set<Promise<void>>();
  const work = async (n: number): Promise<void> => {
    const random = options.random.fork(n);
    for (let turn = 0; !isStopped(); turn++) {
      const acting = act({ client, random, wallets, keepsCards }, `c${n}-${turn}`).then(() => {
        operations++;
        open.delete(acting);
      });
      open.add(acting);
      await Promise.race([acting, sleep(PATIENCE_MS)]);
      while (open.size > options.clients * OPEN_MAX && !isStopped()) await sleep(PATIENCE_MS);
    }
  };
  const working = Promise.all(Array.from({ length: options.clients }, (_, n) => work(n)));

  return {
    operations: () => operations,
    inFlight: client.inFlight,
    complaints: client.complaints,
    finish: async (patienceMs) => {
      stopped = true;
      const timer = setTimeout(client.giveUp, patienceMs);
      await working;
      await Promise.all(open);
      clearTimeout(timer);
      const { complaints } = client;
      return { seen: [...client.seen.values()], complaints, operations, repeats: client.repeats() };
    },
  };
};

export interface Wallet {
  readonly customer: string;
  readonly account: string;
}

interface WalletOptions {
  readonly client: Client;
  readonly url: () => string;
  readonly apiKey: string;
  readonly count: number;
}

/** Customers, each with a wallet. */
export const createWallets = async (options: WalletOptions): Promise<[Wallet, ...Wallet[]]> => {
  const wallets: [Wallet, ...Wallet[]] = [await createWallet(options, 0)];
  for (let n = 1; n < options.count; n++) wallets.push(await createWallet(options, n));
  return wallets;
};

const createWallet = async ({ client, url, apiKey }: WalletOptions, n: number): Promise<Wallet> => {
  const made = await client.send({
    operation: 'POST /v1/customers',
    key: `customer-${n}`,
    body: { name: `Customer ${n}` },
  });
  if (!made) throw new Error(`customer ${n} could not be made: ${client.complaints.join('; ')}`);
  const { id: customer } = JSON.parse(made.body) as { id: string };
  const response = await fetch(`${url()}/v1/customers/${customer}/balance?currency=${CURRENCY}`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const { account } = (await response.json()) as { account: string };
  return { customer, account };
};

interface Acting {
  readonly client: Client;
  readonly random: Random;
  readonly wallets: [Wallet, ...Wallet[]];
  readonly keepsCards: boolean;
}

/** One thing that a merchant does: charges most of the time, and moves what was charged for the rest. */
const act = async ({ client, random, wallets, keepsCards }: Acting, key: string): Promise<void> => {
  const { customer, account } = random.pick(wallets);
  const amount = random.integer(100, 5_000);
  const kind = random.next();
  const payment = { customer, amount, currency: CURRENCY };

  if (kind < 0.35) {
    const body = { ...payment, payment_method: 'pm_card_visa', confirm: true };
    const paid = await client.send({ operation: 'POST /v1/payments', key, body });
    if (paid && paid.status < 300 && random.chance(0.3)) await refund(client, random, idOf(paid), amount, key);
  } else if (kind < 0.45) {
    await confirmLater(client, random, payment, key);
  } else if (kind < 0.55) {
    await declinedAtFirst(client, payment, key);
  } else if (kind < 0.7) {
    await captureLater(client, random, payment, key);
  } else if (kind < 0.8) {
    await client.send({ operation: 'POST /v1/debits', key, body: payment });
  } else if (kind < 0.9 && keepsCards) {
    await keepAndCharge(client, payment, key);
  } else {
    const to = random.pick(wallets).account;
    if (to === account) return;
    await client.send({
      operation: 'POST /v1/transfers',
      key,
      body: { from: account, to, amount, currency: CURRENCY },
    });
  }
};

const idOf = (reply: Seen): string => (JSON.parse(reply.body) as { id: string }).id;

/** Made first and confirmed then; now and again by two at once, of whom one may win. */
const confirmLater = async (client: Client, random: Random, payment: object, key: string): Promise<void> => {
  const body = { ...payment, payment_method: 'pm_card_visa' };
  const made = await client.send({ operation: 'POST /v1/payments', key, body });
  if (!made) return;
  const operation = `POST /v1/payments/${idOf(made)}/confirm`;
  const tabs = random.chance(0.3) ? ['a', 'b'] : ['a'];
  await Promise.all(tabs.map((tab) => client.send({ operation, key: `${key}-${tab}`, body: {} })));
};

/** A card that is declined, and then another on the same payment: a second attempt with a Stripe key of its own. */
const declinedAtFirst = async (client: Client, payment: object, key: string): Promise<void> => {
  const body = { ...payment, payment_method: 'pm_card_chargeDeclined', confirm: true };
  const declined = await client.send({ operation: 'POST /v1/payments', key, body });
  const id = declined && (JSON.parse(declined.body) as { error?: { payment?: string } }).error?.payment;
  if (id === undefined) return;
  const operation = `POST /v1/payments/${id}/confirm`;
  await client.send({ operation, key: `${key}-other`, body: { payment_method: 'pm_card_visa' } });
};

/** Held first, and then taken in whole or in part, or called off; now and again both at once, of whom one may win. */
const captureLater = async (
  client: Client,
  random: Random,
  payment: { readonly amount: number },
  key: string,
): Promise<void> => {
  const body = { ...payment, payment_method: 'pm_card_visa', capture_method: 'manual', confirm: true };
  const held = await client.send({ operation: 'POST /v1/payments', key, body });
  if (!held || held.status >= 300) return;
  const at = `POST /v1/payments/${idOf(held)}`;
  const part = random.chance(0.5) ? { amount: random.integer(1, payment.amount) } : {};
  const capture = { operation: `${at}/capture`, key: `${key}-capture`, body: part };
  const cancel = { operation: `${at}/cancel`, key: `${key}-cancel`, body: {} };
  const ends = random.pick([[capture], [capture], [cancel], [capture, cancel]]);
  await Promise.all(ends.map((end) => client.send(end)));
};

/** The card that pays is kept, and then charged while its owner is away. */
const keepAndCharge = async (client: Client, payment: object, key: string): Promise<void> => {
  const operation = 'POST /v1/payments';
  const card = { payment_method: 'pm_card_visa', save_payment_method: true, confirm: true };
  const kept = await client.send({ operation, key, body: { ...payment, ...card } });
  if (!kept || kept.status >= 300) return;
  await client.send({ operation, key: `${key}-away`, body: { ...payment, confirm: true, off_session: true } });
};

/** In two parts at once, which may be more than was paid. */
const refund = async (client: Client, random: Random, payment: string, paid: number, key: string): Promise<void> => {
  const parts = [random.integer(1, paid), random.integer(1, paid)];
  await Promise.all(
    parts.map((amount, n) =>
      client.send({ operation: 'POST /v1/refunds', key: `${key}-refund-${n}`, body: { payment, amount } }),
    ),
  );
};
