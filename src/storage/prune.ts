/**
 * Deletes rows that have served their time, and no money: payments, attempts, refunds, transfers and accounts stay.
 *
 * A table is walked from its first page to its last, and what is over is deleted on the way. No index on time is kept for
 * it. Each would cost every commit; and BRIN, which costs least, tells nothing once freed pages hold new rows. Nor can
 * claims be kept in partitions by time: a key has to be unique in all of them.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { errAsync, ResultAsync } from 'neverthrow';
import { plusMs, systemClock, toIsoMicros, toMs, type Clock, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { readFailure, writeFailure } from './failure.ts';
import type { DB } from './schema.ts';

/** What is walked. With an event go its deliveries and their tries. */
const TABLES = ['batches', 'claims', 'events', 'stripe_events'] as const;
export type Walked = (typeof TABLES)[number];

export interface Retention {
  /** Idempotency keys with their replies. */
  readonly keyDays: number;
  /** What merchants were told, and what Stripe told. */
  readonly eventDays: number;
}

export interface Pruner {
  readonly tables: readonly Walked[];
  /**
   * Deletes what is over in some pages, from that one on; without one it begins anywhere, since whoever is started again
   * and again would never come to the end of a large table. Nothing of the slice is deleted where it fails. Errors:
   * `database_unavailable`; `contention`; `event_not_found` where one of them is to be told of again just then; `internal`
   * where the clocks differ.
   */
  readonly slice: (table: Walked, fromPage: number | undefined, now: Micros) => ResultAsync<Slice, PaymentError>;
}

export interface Slice {
  /** How many rows were deleted, by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** The page where the next slice begins; 0 after the last one. */
  readonly nextPage: number;
}

/** Half a megabyte: at most some thousand rows, and some ten milliseconds' work where all of them go. */
const SLICE_PAGES = 64;
const DAY_MS = 24 * 3600 * 1000;
/**
 * A batch is asked after for ten seconds (`commit.ts`) after its COMMIT was lost. Long after that, and by the clock of the
 * database, which also wrote `created_at`: a row that went too early would let its batch be written twice.
 */
const BATCH_MINUTES = 60;
/** Clocks that somebody looks after are seconds apart; and nothing is kept for less than a day. */
const CLOCKS_APART_MS_MAX = 60 * 60 * 1000;

/**
 * A machine whose clock runs ahead would forget keys long before their time, and have cards charged again: nothing is
 * deleted while `machine` and the database do not agree on what time it is.
 */
export const createPruner = (
  db: Kysely<DB>,
  { keyDays, eventDays }: Retention,
  machine: Clock = systemClock(),
): Pruner => ({
  tables: TABLES,
  slice: (table, fromPage, now) =>
    ResultAsync.fromPromise(look(db, table), readFailure).andThen(({ pages, databaseNow }) => {
      const apartMs = Math.abs(toMs(machine.now()) - toMs(databaseNow));
      if (apartMs > CLOCKS_APART_MS_MAX) return errAsync(clocksApart(apartMs));
      const before = plusMs(now, -DAY_MS * (table === 'claims' ? keyDays : eventDays));
      const from = fromPage ?? Math.floor(Math.random() * pages);
      return ResultAsync.fromPromise(deleteSlice(db, table, from, pages, before), writeFailure);
    }),
});

const clocksApart = (apartMs: number): PaymentError => {
  const minutes = Math.round(apartMs / 60_000);
  return paymentError('internal', {
    cause: new Error(`the clocks of this machine and of the database are ${minutes} minutes apart`),
  });
};

const deleteSlice = async (
  db: Kysely<DB>,
  table: Walked,
  from: number,
  pages: number,
  before: Micros,
): Promise<Slice> => {
  const to = from + SLICE_PAGES;
  const inSlice = sql`ctid >= ${`(${from},0)`}::tid and ctid < ${`(${to},0)`}::tid`;
  const { rows } = await sql<Record<string, bigint>>`
    with ${STATEMENTS[table](inSlice, sql`${toIsoMicros(before)}::timestamptz`)}`.execute(db);
  const counts = Object.entries(rows[0] ?? {}).map(([name, count]) => [name, Number(count)]);
  return { rows: Object.fromEntries(counts) as Slice['rows'], nextPage: to < pages ? to : 0 };
};

const look = async (db: Kysely<DB>, table: Walked): Promise<{ pages: number; databaseNow: Micros }> => {
  const pages = sql<bigint>`pg_relation_size(${table}::regclass) / current_setting('block_size')::bigint`.as('pages');
  const row = await db.selectNoFrom([pages, sql<Micros>`now()`.as('now')]).executeTakeFirstOrThrow();
  return { pages: Number(row.pages), databaseNow: row.now };
};

type Part = RawBuilder<unknown>;

/**
 * Each ends with how many rows it has deleted of each table. Nobody writes to such rows but another pruner, or who has an
 * old event told again: one of the two then waits, for as long as the other's one statement takes, or fails.
 */
const STATEMENTS: Readonly<Record<Walked, (inSlice: Part, before: Part) => Part>> = {
  batches: (slice) => sql`
    gone as (
      delete from batches where ${slice} and created_at < now() - make_interval(mins => ${BATCH_MINUTES}) returning 1
    )
    select (select count(*) from gone) as batches`,

  // Without a status it is under way, or its outcome is unknown: until that is settled, however late, the key stays. Its
  // days begin then: `created_at` is when the reply was stored (`batch.ts`).
  claims: (slice, before) => sql`
    gone as (delete from claims where ${slice} and status is not null and created_at < ${before} returning 1)
    select (select count(*) from gone) as claims`,

  // Kept are those that somebody is still to be told of. One that someone makes due again meanwhile is kept by its delivery's
  // foreign key: the statement fails, and the next walk sees it.
  events: (slice, before) => sql`
    old as (
      select merchant_id, id from events e
      where ${slice} and created_at < ${before}
        and (fanned_out or not exists (
          select from webhook_endpoints w where w.merchant_id = e.merchant_id and w.id < e.id and w.status <> 'deleted'))
        and not exists (
          select from deliveries d join webhook_endpoints w on w.merchant_id = d.merchant_id and w.id = d.endpoint_id
          where d.merchant_id = e.merchant_id and d.event_id = e.id and d.status = 'pending' and w.status <> 'deleted')
      for update skip locked
    ), old_deliveries as (
      select d.merchant_id, d.event_id, d.endpoint_id from deliveries d
      join old on old.merchant_id = d.merchant_id and old.id = d.event_id
      where d.status <> 'pending' or exists (
        select from webhook_endpoints w where w.merchant_id = d.merchant_id and w.id = d.endpoint_id and w.status = 'deleted')
      for update of d skip locked
    ), tries as (
      delete from delivery_tries t using old_deliveries d
      where t.merchant_id = d.merchant_id and t.event_id = d.event_id and t.endpoint_id = d.endpoint_id returning 1
    ), told as (
      delete from deliveries t using old_deliveries d
      where t.merchant_id = d.merchant_id and t.event_id = d.event_id and t.endpoint_id = d.endpoint_id returning 1
    ), gone as (
      delete from events e using old where e.merchant_id = old.merchant_id and e.id = old.id returning 1
    )
    select (select count(*) from gone) as events, (select count(*) from told) as deliveries,
      (select count(*) from tries) as delivery_tries`,

  stripe_events: (slice, before) => sql`
    gone as (delete from stripe_events where ${slice} and applied_at is not null and received_at < ${before} returning 1)
    select (select count(*) from gone) as stripe_events`,
};
