/**
 * Where customers who are forgotten still stand: in what is said of their payments, and in what was written down at the
 * time, which are stored replies, events, and what Stripe told.
 *
 * For the latter no index is kept, which would cost every commit for what happens seldom: those tables are walked from
 * their first page to their last, once for all who are to be forgotten by then.
 */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import { idOf, uuidOf, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { withoutPerson, withoutPersonAtStripe } from '../domain/person.ts';
import type { StorageError } from '../domain/refusals.ts';
import { plusMs, toIsoMicros, type Micros } from '../domain/time.ts';
import { jsons, plain, texts } from './arrays.ts';
import { run } from './failure.ts';
import type { DB } from './schema.ts';

export interface Erasure {
  readonly merchant: MerchantId;
  readonly customer: CustomerId;
  readonly requestedAt: Micros;
}

/** What is walked. */
const WRITTEN_DOWN = ['claims', 'events', 'stripe_events'] as const;
type WrittenDown = (typeof WRITTEN_DOWN)[number];

/** Errors of all: `database_unavailable`, `contention`. */
export interface Erasures {
  readonly tables: readonly WrittenDown[];
  /** Who is to be forgotten, the longest waiting first. */
  readonly open: (now: Micros) => ResultAsync<Erasure[], StorageError>;
  /** Takes from some of their payments what is said of them; answers whether there may be more. */
  readonly clearPayments: (of: readonly Erasure[]) => ResultAsync<boolean, StorageError>;
  /** Clears them from some pages of a table; answers where to go on, undefined after the last page. */
  readonly clearPages: (
    table: WrittenDown,
    fromPage: number,
    of: readonly Erasure[],
  ) => ResultAsync<number | undefined, StorageError>;
  /** Takes from them what they have saved; answers who they are at Stripe, of those who are anyone there. */
  readonly clearSaved: (of: readonly Erasure[]) => ResultAsync<string[], StorageError>;
  /** Notes that it is done, unless it was asked for again meanwhile. */
  readonly finish: (of: readonly Erasure[], now: Micros) => ResultAsync<void, StorageError>;
}

/** So many at a time: each is looked for in every page. */
const TOGETHER_MAX = 100;
/** A transaction that has begun before has ended by then (`statement.ts`): nobody writes down any more who he was. */
const SETTLED_MS = 5_000;
/** Rows of a payment are locked only so long that nobody waits for it. */
const PAYMENTS_AT_ONCE = 500;
/** 8 MB: some ten thousand replies. */
const PAGES_AT_ONCE = 1024;

export const createErasures = (db: Kysely<DB>): Erasures => {
  return {
    tables: WRITTEN_DOWN,
    open: (now) => run(selectOpen(db, now)),
    clearPayments: (of) => run(clearPayments(db, of)),
    clearPages: (table, fromPage, of) => run(clearPages(db, table, fromPage, of)),
    clearSaved: (of) => run(clearSaved(db, of)),
    finish: (of, now) => run(finish(db, of, now)),
  };
};

const selectOpen = async (db: Kysely<DB>, now: Micros): Promise<Erasure[]> => {
  const rows = await db
    .selectFrom('erasures')
    .select(['merchant_id', 'customer_id', 'requested_at'])
    .where('done_at', 'is', null)
    .where(sql<boolean>`requested_at <= ${toIsoMicros(plusMs(now, -SETTLED_MS))}::timestamptz`)
    .orderBy('requested_at')
    .limit(TOGETHER_MAX)
    .execute();
  return rows.map((row) => ({
    merchant: idOf('mer', row.merchant_id),
    customer: idOf('cus', row.customer_id),
    requestedAt: row.requested_at as Micros,
  }));
};

const keysOf = (of: readonly Erasure[]): ReturnType<typeof sql> =>
  sql`unnest(${plain(of.map(({ merchant }) => uuidOf(merchant)))}::uuid[],
    ${plain(of.map(({ customer }) => uuidOf(customer)))}::uuid[]) k (merchant_id, customer_id)`;

/** A way back may say who comes back by it. */
const clearPayments = async (db: Kysely<DB>, of: readonly Erasure[]): Promise<boolean> => {
  const { numAffectedRows } = await sql`
    update payments p set description = null, metadata = '{}', return_url = null
    from (
      select p.merchant_id, p.id from ${keysOf(of)}
      join payments p on p.merchant_id = k.merchant_id and p.customer_id = k.customer_id
      where p.description is not null or p.metadata <> '{}' or p.return_url is not null
      limit ${PAYMENTS_AT_ONCE} for no key update of p
    ) t
    where p.merchant_id = t.merchant_id and p.id = t.id`.execute(db);
  return Number(numAffectedRows ?? 0n) === PAYMENTS_AT_ONCE;
};

const clearPages = async (
  db: Kysely<DB>,
  table: WrittenDown,
  fromPage: number,
  of: readonly Erasure[],
): Promise<number | undefined> => {
  const { rows } = await sql<{ pages: bigint }>`
    select pg_relation_size(${table}::regclass) / current_setting('block_size')::bigint as pages`.execute(db);
  const toPage = fromPage + PAGES_AT_ONCE;
  const inPages = sql`t.ctid >= ${`(${fromPage},0)`}::tid and t.ctid < ${`(${toPage},0)`}::tid`;
  await CLEAR[table](db, inPages, of);
  return toPage < Number(rows[0]?.pages ?? 0n) ? toPage : undefined;
};

type Condition = ReturnType<typeof sql>;
type Clear = (db: Kysely<DB>, inPages: Condition, of: readonly Erasure[]) => Promise<void>;

/** A reply or an event that shows a customer, or what is his, names him. */
const naming = (of: readonly Erasure[]): string => texts(of.map(({ customer }) => `%${customer}%`));

interface Written {
  readonly merchant_id: string;
  readonly id: string;
  readonly body: string;
}

/** What of it is one of theirs, as it is without them. */
const cleared = (rows: readonly Written[], of: readonly Erasure[]): Written[] => {
  const theirs = new Set(of.map(({ merchant, customer }) => merchant + customer));
  return rows.flatMap((row) => {
    const merchant = idOf('mer', row.merchant_id);
    const body = withoutPerson(row.body, (customer) => theirs.has(merchant + customer));
    return body === row.body ? [] : [{ ...row, body }];
  });
};

const CLEAR: Readonly<Record<WrittenDown, Clear>> = {
  claims: async (db, inPages, of) => {
    const { rows } = await sql<Written>`
      select merchant_id, id, body from claims t where ${inPages} and body like any (${naming(of)}::text[])`.execute(
      db,
    );
    const changed = cleared(rows, of);
    if (changed.length > 0)
      await sql`
        update claims c set body = w.body from unnest(${keysAndBodies(changed)}) w (merchant_id, id, body)
        where c.merchant_id = w.merchant_id and c.id = w.id`.execute(db);
  },
  events: async (db, inPages, of) => {
    const { rows } = await sql<Written>`
      select merchant_id, id, data::text as body from events t
      where ${inPages} and data::text like any (${naming(of)}::text[])`.execute(db);
    const changed = cleared(rows, of);
    if (changed.length > 0)
      await sql`
        update events e set data = w.body::json from unnest(${keysAndBodies(changed)}) w (merchant_id, id, body)
        where e.merchant_id = w.merchant_id and e.id = w.id`.execute(db);
  },
  // What Stripe tells of a payment has its tag, or was found to be of it.
  stripe_events: async (db, inPages, of) => {
    const { rows } = await sql<{ id: string; body: string }>`
      select t.id, t.payload::text as body from stripe_events t
      where ${inPages} and exists (
        select from ${keysOf(of)}
        join payments p on p.merchant_id = k.merchant_id and p.customer_id = k.customer_id
        where p.id = coalesce(t.payment_id,
          substring(t.payload::text from '"quittance_payment": ?"pay_([0-9a-f]{32})"')::uuid))`.execute(db);
    const changed = rows.flatMap(({ id, body: was }) => {
      const body = withoutPersonAtStripe(was);
      return body === was ? [] : [{ id, body }];
    });
    if (changed.length > 0)
      await sql`
        update stripe_events e set payload = w.body::json
        from unnest(${texts(changed.map(({ id }) => id))}::text[], ${jsons(changed.map(({ body }) => body))}::text[]) w (id, body)
        where e.id = w.id`.execute(db);
  },
};

const keysAndBodies = (rows: readonly Written[]): Condition =>
  sql`${plain(rows.map((row) => row.merchant_id))}::uuid[], ${plain(rows.map((row) => row.id))}::uuid[],
    ${jsons(rows.map((row) => row.body))}::text[]`;

const clearSaved = async (db: Kysely<DB>, of: readonly Erasure[]): Promise<string[]> => {
  const { rows } = await sql<{ stripe_id: string }>`
    with gone as (
      update payment_methods m set detached = true, card = null from ${keysOf(of)}
      where m.merchant_id = k.merchant_id and m.customer_id = k.customer_id
    ), holders as (
      update stripe_customers s set default_method = null from ${keysOf(of)}
      where s.merchant_id = k.merchant_id and s.id = k.customer_id returning s.stripe_id
    )
    select stripe_id from holders where stripe_id is not null`.execute(db);
  return rows.map((row) => row.stripe_id);
};

const finish = async (db: Kysely<DB>, of: readonly Erasure[], now: Micros): Promise<void> => {
  await sql`
    update erasures e set done_at = ${toIsoMicros(now)}::timestamptz
    from unnest(${plain(of.map(({ merchant }) => uuidOf(merchant)))}::uuid[],
      ${plain(of.map(({ customer }) => uuidOf(customer)))}::uuid[],
      ${plain(of.map(({ requestedAt }) => toIsoMicros(requestedAt)))}::timestamptz[]) w (merchant_id, customer_id, requested_at)
    where e.merchant_id = w.merchant_id and e.customer_id = w.customer_id and e.requested_at = w.requested_at`.execute(
    db,
  );
};
