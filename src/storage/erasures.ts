/**
 * Where customers who are forgotten still stand: in what is said of their payments, and in what was written down at the
 * time, which are stored replies, events, and what Stripe told.
 *
 * For the latter no index is kept, which would cost every commit for what happens seldom: those tables are walked from
 * their first page to their last, once for all who are to be forgotten by then.
 */
import { sql, type Kysely, type Selectable } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import { LEASE_MS } from '../domain/deadlines.ts';
import { idOf, uuidOf, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { FORGOTTEN } from '../domain/payment-details.ts';
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

/** A customer as Stripe knows him; without an id where Stripe was asked for one, and it is not known what came of it. */
export interface Known {
  readonly customer: CustomerId;
  readonly stripeId: string | null;
  readonly askedAt: Micros;
}

/** What is walked. */
const WRITTEN_DOWN = ['claims', 'events', 'stripe_events'] as const;
type WrittenDown = (typeof WRITTEN_DOWN)[number];

/** Errors of all: `database_unavailable`, `contention`. */
export interface Erasures {
  readonly tables: readonly WrittenDown[];
  /** Who is to be forgotten, in turns between merchants, the longest waiting first; without those whose turn comes later. */
  readonly open: (now: Micros, without: readonly CustomerId[]) => ResultAsync<Erasure[], StorageError>;
  /** Takes from some of their payments what is said of them; answers whether there may be more. */
  readonly clearPayments: (of: readonly Erasure[]) => ResultAsync<boolean, StorageError>;
  /** Clears them from some pages of a table; answers where to go on, undefined after the last page. */
  readonly clearPages: (
    table: WrittenDown,
    fromPage: number,
    of: readonly Erasure[],
  ) => ResultAsync<number | undefined, StorageError>;
  /** Takes from them what they have saved; answers who they are at Stripe, of those who are or may be anyone there. */
  readonly clearSaved: (of: readonly Erasure[]) => ResultAsync<Known[], StorageError>;
  /** Notes that it is done, unless it was asked for again meanwhile. */
  readonly finish: (of: readonly Erasure[], now: Micros) => ResultAsync<void, StorageError>;
}

/** So many at a time: each is looked for in every page. */
const TOGETHER_MAX = 100;
/** A transaction that has begun before has ended by then (`session.ts`): nobody writes down any more who he was. */
const SETTLED_MS = 5_000;
/** Rows of a payment are locked only so long that nobody waits for it. */
const PAYMENTS_AT_ONCE = 500;
/** 8 MB: some ten thousand replies. */
const PAGES_AT_ONCE = 1024;

export const createErasures = (db: Kysely<DB>): Erasures => {
  return {
    tables: WRITTEN_DOWN,
    open: (now, without) => run(selectOpen(db, now, without)),
    clearPayments: (of) => run(clearPayments(db, of)),
    clearPages: (table, fromPage, of) => run(clearPages(db, table, fromPage, of)),
    clearSaved: (of) => run(clearSaved(db, of)),
    finish: (of, now) => run(finish(db, of, now)),
  };
};

/** Whoever is being made at Stripe right now is waited for: then it is known who he is, or that somebody must look. */
const selectOpen = async (db: Kysely<DB>, now: Micros, without: readonly CustomerId[]): Promise<Erasure[]> => {
  const { rows } = await sql<Pick<Selectable<DB['erasures']>, 'merchant_id' | 'customer_id' | 'requested_at'>>`
    select e.merchant_id, e.customer_id, e.requested_at from erasures e
    left join stripe_customers s on s.merchant_id = e.merchant_id and s.id = e.customer_id
    where e.done_at is null and e.customer_id <> all (${plain(without.map(uuidOf))}::uuid[]) and e.requested_at <= ${toIsoMicros(plusMs(now, -SETTLED_MS))}::timestamptz
      and (s.id is null or s.stripe_id is not null or s.asked_at <= ${toIsoMicros(plusMs(now, -LEASE_MS))}::timestamptz)
    order by row_number() over (partition by e.merchant_id order by e.requested_at), e.requested_at
    limit ${TOGETHER_MAX}`.execute(db);
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
const WITHOUT_WAY_BACK = sql`case when next_action ->> 'returnUrl' is null then next_action
  else jsonb_set(next_action, '{returnUrl}', 'null') end`;

const FORGOTTEN_COLUMNS = Object.entries(FORGOTTEN).map(([name, nothing]) => ({
  column: sql.ref(name),
  nothing: nothing === null ? sql`null` : sql.lit(JSON.stringify(nothing)),
}));
/** `description = null, metadata = '{}'` */
const FORGETTING = sql.join(FORGOTTEN_COLUMNS.map(({ column, nothing }) => sql`${column} = ${nothing}`));
/** `p.description is distinct from null or p.metadata is distinct from '{}'` */
const SAYS_WHO = sql.join(
  FORGOTTEN_COLUMNS.map(({ column, nothing }) => sql`p.${column} is distinct from ${nothing}`),
  sql` or `,
);

const clearPayments = async (db: Kysely<DB>, of: readonly Erasure[]): Promise<boolean> => {
  const { numAffectedRows } = await sql`
    update payments p set ${FORGETTING}, return_url = null, next_action = ${WITHOUT_WAY_BACK}
    from (
      select p.merchant_id, p.id from ${keysOf(of)}
      join payments p on p.merchant_id = k.merchant_id and p.customer_id = k.customer_id
      where ${SAYS_WHO} or p.return_url is not null or p.next_action ->> 'returnUrl' is not null
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
  // As releases before this one have kept it, whole. What Stripe tells of a payment or a setup has its tag, or was found to be of it; of a card, it names whose it is.
  stripe_events: async (db, inPages, of) => {
    const { rows } = await sql<{ id: string; body: string }>`
      select t.id, t.payload::text as body from stripe_events t
      where ${inPages} and (exists (
        select from ${keysOf(of)}
        join payments p on p.merchant_id = k.merchant_id and p.customer_id = k.customer_id
        where p.id = coalesce(t.payment_id, ${tagIn('payment', 'pay')})
      ) or exists (
        select from ${keysOf(of)} join setups s on s.merchant_id = k.merchant_id and s.id = ${tagIn('setup', 'set')}
        where s.customer_id = k.customer_id
      ) or exists (
        select from ${keysOf(of)} join stripe_customers s on s.merchant_id = k.merchant_id and s.id = k.customer_id
        where strpos(t.payload::text, '"' || s.stripe_id || '"') > 0
      ))`.execute(db);
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

const tagIn = (tag: string, prefix: string): Condition =>
  sql`substring(t.payload::text from ${sql.lit(`"quittance_${tag}": ?"${prefix}_([0-9a-f]{32})"`)})::uuid`;

const keysAndBodies = (rows: readonly Written[]): Condition =>
  sql`${plain(rows.map((row) => row.merchant_id))}::uuid[], ${plain(rows.map((row) => row.id))}::uuid[],
    ${jsons(rows.map((row) => row.body))}::text[]`;

const clearSaved = async (db: Kysely<DB>, of: readonly Erasure[]): Promise<Known[]> => {
  const { rows } = await sql<Pick<Selectable<DB['stripe_customers']>, 'id' | 'stripe_id' | 'asked_at'>>`
    with gone as (
      update payment_methods m set detached = true, card = null from ${keysOf(of)}
      where m.merchant_id = k.merchant_id and m.customer_id = k.customer_id
    ), unset as (
      update setups s set return_url = null, next_action = ${WITHOUT_WAY_BACK} from ${keysOf(of)}
      where s.merchant_id = k.merchant_id and s.customer_id = k.customer_id
    )
    update stripe_customers s set default_method = null from ${keysOf(of)}
    where s.merchant_id = k.merchant_id and s.id = k.customer_id returning s.id, s.stripe_id, s.asked_at`.execute(db);
  return rows.map((row) => ({
    customer: idOf('cus', row.id),
    stripeId: row.stripe_id,
    askedAt: row.asked_at as Micros,
  }));
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
