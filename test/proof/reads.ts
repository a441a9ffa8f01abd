/**
 * `npm run proof:reads`: what finance reads costs the same in a ledger a hundred times as large, and slows no charge; and
 * a list of payments, however it is narrowed, among a million of them what it does among a thousand.
 *
 * Two databases with as many customers, one with ten thousand transfers and one with a million, a hundred of each customer
 * who moves money: balances as of a time, a page of a statement and an account are read from both, in turns, and lists of
 * a thousand payments and of a million. Then all rows of the busiest account are exported while cards are charged.
 */
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId, platformAccountId, uuidOf, walletId, type MerchantId } from '../../src/domain/ids.ts';
import { parseCurrency } from '../../src/domain/currency.ts';
import { migrate } from '../../src/storage/migrate.ts';
import { createDatabase, startOwn, type Own } from '../../scripts/bench/subject.ts';
import { commandLine } from '../../scripts/command-line.ts';
import { treeUse } from '../../scripts/bench/processes.ts';
import { createApiKey, createWorld, type World } from '../support/world.ts';

const USAGE = `
npm run proof:reads

What finance reads of a ledger of a million transfers, beside one of ten thousand: P99 of each, the rows and the memory of an
export, and what charges take beside it; and lists of a million payments beside those of a thousand. It wants the machine for
itself, for five to ten minutes.

  --lists   the lists alone
  --export  the export alone
`;

const CUSTOMERS = 10_000;
const SIZES = [10_000, 1_000_000] as const;
const PAYMENTS = [1_000, 1_000_000] as const;
/** Of each who moves money, so that a page of one is as long in both ledgers. */
const TRANSFERS_OF_ONE = 100;
const PAYMENTS_OF_ONE = 100;
/** Of each, so that a P99 is the twentieth slowest. */
const READS = 2_000;
const AT_ONCE = 4;
/** P99 of the large by that of the small, and of charges beside an export by that of charges alone. */
const GROWTH_MAX = 2;
const SLOWDOWN_MAX = 1.5;
const MEMORY_MAX_MB = 50;
const WARM_UP_MS = 3_000;
const CHARGES_MS = 8_000;

const usd = parseCurrency('usd');
if (!usd) throw new Error('there are no dollars');

interface Shop {
  readonly own: Own;
  readonly customers: readonly string[];
  readonly wallets: readonly string[];
  readonly revenue: string;
  /** Those who have paid, each as often, so that a page of one is as long in both. */
  readonly payers: readonly string[];
  readonly payments: number;
}

/** A year of transfers, in SQL: half of them pay into a wallet, half are spent from it. */
type Seeded = Pick<Shop, 'customers' | 'wallets' | 'revenue'>;
const seed = async (url: string, transfers: number): Promise<Seeded> => {
  const db = new pg.Client(url);
  db.on('error', () => undefined);
  await db.connect();
  const { rows } = await db.query<{ id: string }>(`select id from merchants where name = 'Proof'`);
  const merchant = `mer_${(rows[0]?.id ?? '').replaceAll('-', '')}` as MerchantId;
  const customers = Array.from({ length: CUSTOMERS }, () => newId('cus'));
  const movers = transfers / TRANSFERS_OF_ONE;
  const wallets = customers.slice(0, movers).map((customer) => walletId(customer, usd));
  const [clearing, revenue] = (['stripe_clearing', 'revenue'] as const).map((kind) =>
    platformAccountId(merchant, kind, usd),
  );
  const uuids = (ids: readonly string[]): string[] => ids.map((id) => id.slice(id.indexOf('_') + 1));
  await db.query(
    `insert into customers (merchant_id, id, metadata, created_at) select $1, u.id, '{}', now() from unnest($2::uuid[]) u (id)`,
    [uuidOf(merchant), uuids(customers)],
  );
  await db.query('create temporary table w as select t.id, t.n from unnest($1::uuid[]) with ordinality as t (id, n)', [
    uuids(wallets),
  ]);
  await db.query('create unique index on w (n)');
  // The nth movement is of wallet n mod customers: first in, then out, so that each balance is 0 or 100.
  await db.query(
    `insert into transfers (merchant_id, id, kind, debit, credit, amount, currency, description, posted_at, debit_sequence,
       credit_sequence, debit_balance_after, credit_balance_after)
     select $1, gen_random_uuid(), case when isin then 'payment' else 'debit' end, case when isin then $2 else w.id end,
       case when isin then w.id else $3 end, 100, 'usd', 'order ' || m.n, now() - interval '1 year' + m.n * (interval '364 days' / $4),
       case when isin then nth else round + 1 end, case when isin then round + 1 else nth end,
       case when isin then -100 * nth else 0 end, case when isin then 100 else 100 * nth end
     from (
       select g.n, g.n / $5 as round, (g.n / $5) % 2 = 0 as isin, (g.n / $5 / 2) * $5 + g.n % $5 + 1 as nth
       from generate_series(0, $4 - 1) g (n)
     ) m join w on w.n = m.n % $5 + 1 order by m.n`
      .replaceAll('$2', '$2::uuid')
      .replaceAll('$3', '$3::uuid')
      .replaceAll('$4', '$4::bigint')
      .replaceAll('$5', '$5::bigint'),
    [uuidOf(merchant), uuids([clearing ?? ''])[0], uuids([revenue ?? ''])[0], transfers, movers],
  );
  await db.query(
    `insert into accounts (merchant_id, id, kind, customer_id, currency, debits, credits, sequence, posted_at)
     select $1, l.account, case l.account when $2::uuid then 'stripe_clearing' when $3::uuid then 'revenue' else 'wallet' end,
       c.id, 'usd', sum(l.debit), sum(l.credit), count(*), max(l.posted_at)
     from (select debit as account, amount as debit, 0 as credit, posted_at from transfers
           union all select credit, 0, amount, posted_at from transfers) l
     left join unnest($4::uuid[], $5::uuid[]) c (wallet, id) on c.wallet = l.account
     group by l.account, c.id`,
    [uuidOf(merchant), uuids([clearing ?? ''])[0], uuids([revenue ?? ''])[0], uuids(wallets), uuids(customers)],
  );
  await db.query('vacuum analyze transfers');
  await db.query('vacuum analyze accounts');
  await db.end();
  return { customers, wallets, revenue: clearing ?? '' };
};

/** A year of payments: one of twenty in euros, one of eleven declined, and some of what is rare or was given up long ago. */
const seedPayments = async (url: string, payers: readonly string[], count: number): Promise<void> => {
  const db = new pg.Client(url);
  db.on('error', () => undefined);
  await db.connect();
  await db.query(
    `insert into payments (merchant_id, id, customer_id, amount, currency, status, capture_method, metadata, client_secret,
       attempt, ended_attempt, created_at, reference)
     select m.id, (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
       c.id, 1 + n * 7919::bigint % 100000,
       case when n = $2 / 2 then 'gbp' when n < $2 / 10 and n % 2 = 0 then 'sek' when n % 20 = 0 then 'eur' else 'usd' end,
       case when n in ($2 / 3, $2 / 4) then 'canceled' when n % 11 = 0 then 'requires_payment_method' else 'succeeded' end,
       'automatic', '{}', 'secret', m.id, m.id, at, 'order ' || n
     from (select n, now() - interval '1 year' + n * (interval '364 days' / $2) as at from generate_series(0, $2 - 1) n) p
     join unnest($1::uuid[]) with ordinality c (id, nth) on c.nth = 1 + n % $3
     join merchants m on m.name = 'Proof' order by n`
      .replaceAll('$2', `${count}`)
      .replaceAll('$3', `${payers.length}`),
    [payers.map((id) => id.slice(id.indexOf('_') + 1))],
  );
  await db.query('vacuum analyze payments');
  await db.end();
};

const shopOf = async (world: World, transfers: number, payments: number): Promise<Shop> => {
  const name = `shop_${transfers}`;
  const url = await createDatabase(world.databaseUrl, name);
  (await migrate(url))._unsafeUnwrap();
  const key = await createApiKey(url);
  const seeded = await seed(url, transfers);
  const payers = seeded.customers.slice(0, payments / PAYMENTS_OF_ONE);
  await seedPayments(url, payers, payments);
  return { ...seeded, payers, payments, own: await startOwn(world, { database: { name, url, key } }) };
};

const ask = async ({ own }: Shop, path: string): Promise<string> => {
  const answer = await fetch(own.url + path, { headers: { Authorization: `Bearer ${own.key}` } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
  return text;
};

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;
const DAY_MS = 86_400_000;
const then = (): string => new Date(Date.now() - DAY_MS * (1 + Math.random() * 360)).toISOString();

const READERS: Readonly<Record<string, (shop: Shop) => string>> = {
  'balance as of a time': ({ wallets }) => `/v1/accounts/${pick(wallets)}/balance?as_of=${then()}`,
  'balance of the busiest account as of a time': ({ revenue }) => `/v1/accounts/${revenue}/balance?as_of=${then()}`,
  'page of a statement': ({ wallets }) => `/v1/accounts/${pick(wallets)}/entries?limit=20&to=${then()}`,
  statement: ({ wallets }) =>
    `/v1/accounts/${pick(wallets)}/statement?from=${new Date(Date.now() - 300 * DAY_MS).toISOString()}`,
  account: ({ wallets }) => `/v1/accounts/${pick(wallets)}`,
};

/** What narrows a list of payments, at its best and at its worst. */
const LISTS: readonly string[] = [
  ...['', 'status=succeeded', 'status=requires_payment_method', 'status=canceled', 'status=processing'],
  ...[
    'status=succeeded,canceled',
    'currency=usd',
    'currency=sek',
    'currency=gbp',
    'currency=jpy',
    'reference=order 500',
  ],
  ...['amount[gte]=2', 'amount[gte]=99000', 'amount[gte]=500&amount[lte]=FEW', 'amount[gte]=200000', 'amount=77'],
  ...['amount[lte]=50000&status=canceled', 'amount[gte]=2&currency=sek', 'CUSTOMER', 'BEFORE'],
];
const listOf =
  (narrowed: string) =>
  (shop: Shop): string =>
    `/v1/payments?${narrowed
      .replace('CUSTOMER', `customer=${pick(shop.payers)}`)
      .replace('BEFORE', `created[lt]=${then()}`)
      // Amounts are of a range of 100,000: of so many of them there are twenty payments in both.
      .replace('FEW', `${499 + 2_000_000 / shop.payments}`)}`;

const linesOf = (chunk: Uint8Array): number => {
  let lines = 0;
  for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
  return lines;
};

const p99 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? NaN;

/** Of both, asked one after the other, so that whatever else the machine does meets both alike. */
const timesOf = async (
  shops: readonly [Shop, Shop],
  path: (shop: Shop) => string,
  count: number,
): Promise<readonly [number[], number[]]> => {
  const times: [number[], number[]] = [[], []];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (times[1].length < count)
        for (const nth of [0, 1] as const) {
          const at = performance.now();
          await ask(shops[nth], path(shops[nth]));
          times[nth].push(performance.now() - at);
        }
    }),
  );
  return times;
};

/** Charges, one after the other on a few connections, for so long or until told. */
const charge = async (shop: Shop, isOn: () => boolean): Promise<number[]> => {
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (isOn()) {
        const at = performance.now();
        const answer = await fetch(`${shop.own.url}/v1/payments`, {
          method: 'POST',
          headers: {
            Authorization: `Bearer ${shop.own.key}`,
            'Content-Type': 'application/json',
            'Idempotency-Key': crypto.randomUUID(),
          },
          body: JSON.stringify({
            customer: pick(shop.customers),
            amount: 1250,
            currency: 'usd',
            payment_method: 'pm_card_visa',
            confirm: true,
          }),
        });
        await answer.arrayBuffer();
        if (answer.status !== 201) throw new Error(`a charge answered ${answer.status}`);
        times.push(performance.now() - at);
        await sleep(20);
      }
    }),
  );
  return times;
};

const line = (name: string, isMet: boolean, text: string): boolean => {
  process.stdout.write(`${isMet ? 'ok  ' : 'MISS'} ${name}: ${text}\n`);
  return isMet;
};

/** P99 of both. */
const compare = async (
  shops: readonly [Shop, Shop],
  path: (shop: Shop) => string,
): Promise<readonly [number, number]> => {
  await timesOf(shops, path, READS / 4);
  const [few, many] = await timesOf(shops, path, READS);
  return [p99(few), p99(many)];
};

/** All rows of the busiest account, beside charges, and what charges take without it: in turns, for both get slower as they go. */
const provedExport = async (shop: Shop): Promise<boolean[]> => {
  const memory = (): number => treeUse(shop.own.service.pid).memoryBytes / 2 ** 20;
  await charge(shop, forMs(WARM_UP_MS));
  const alone = await charge(shop, forMs(CHARGES_MS));
  const before = memory();
  let isDone = false;
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, memory())), 100);
  const startedAt = performance.now();
  const reading = exported(shop).finally(() => (isDone = true));
  const beside = await charge(shop, () => !isDone);
  const rows = await reading;
  const tookS = (performance.now() - startedAt) / 1000;
  clearInterval(watch);
  alone.push(...(await charge(shop, forMs(CHARGES_MS))));
  return [
    line('rows of a CSV', rows >= SIZES[1] / 2, `${rows} in ${tookS.toFixed(0)} s`),
    line(
      'memory beside it',
      peak - before <= MEMORY_MAX_MB,
      `${before.toFixed(0)} MB before, ${peak.toFixed(0)} MB at most`,
    ),
    line(
      'charges beside it',
      p99(beside) <= p99(alone) * SLOWDOWN_MAX,
      `P99 ${p99(alone).toFixed(1)} ms of ${alone.length} alone, ${p99(beside).toFixed(1)} ms of ${beside.length}`,
    ),
  ];
};

const forMs = (ms: number): (() => boolean) => {
  const until = performance.now() + ms;
  return () => performance.now() < until;
};

/** Reads the whole statement as CSV, and counts its rows, without its head. */
const exported = async (shop: Shop): Promise<number> => {
  const answer = await fetch(`${shop.own.url}/v1/accounts/${shop.revenue}/statement?format=csv`, {
    headers: { Authorization: `Bearer ${shop.own.key}` },
  });
  let rows = -1;
  for await (const chunk of answer.body ?? []) rows += linesOf(chunk as Uint8Array);
  return rows;
};

const provedReads = async (small: Shop, large: Shop, onlyLists: boolean): Promise<boolean[]> => {
  const lists = LISTS.map((narrowed) => [`payments?${narrowed}`, listOf(narrowed), PAYMENTS] as const);
  const reads = Object.entries(READERS).map(([name, path]) => [name, path, SIZES] as const);
  const met: boolean[] = [];
  for (const [name, path, sizes] of onlyLists ? lists : [...reads, ...lists]) {
    const [few, many] = await compare([small, large], path);
    const said = `P99 ${few.toFixed(2)} ms of ${sizes[0]}, ${many.toFixed(2)} ms of ${sizes[1]}`;
    met.push(line(name, many <= few * GROWTH_MAX, said));
  }
  return met;
};

const main = async (only: { readonly lists: boolean; readonly export: boolean }): Promise<boolean> => {
  const world = await createWorld();
  const met: boolean[] = [];
  try {
    const large = await shopOf(world, SIZES[1], PAYMENTS[1]);
    if (!only.export) met.push(...(await provedReads(await shopOf(world, SIZES[0], PAYMENTS[0]), large, only.lists)));
    if (!only.lists) met.push(...(await provedExport(large)));
  } finally {
    await world.close();
  }
  return met.every(Boolean);
};

if (import.meta.main) {
  const only = commandLine(USAGE, {
    lists: { type: 'boolean', default: false },
    export: { type: 'boolean', default: false },
  });
  process.exitCode = (await main(only)) ? 0 : 1;
}
