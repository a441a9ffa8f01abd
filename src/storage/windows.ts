/** How far one of Stripe's lists has been read: in closed spans of its time, so that no restart loses any. */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import { run } from './failure.ts';
import type { DB } from './schema.ts';

/** A span of time, of which a list is read page by page. */
export interface Window {
  readonly from: Micros;
  readonly to: Micros;
  /** The last that was read of it. */
  readonly after: string | null;
  /** How often all of it was read. */
  readonly reads: number;
}

/** What is to be read. */
export interface Opened {
  /** Whether more are due already. */
  readonly isBehind: boolean;
  /** Where the first ends of which not all was read yet; null where there is none. */
  readonly unread: Micros | null;
}

/** Errors of all: `database_unavailable`. */
export interface Windows {
  /** Opens the window that follows the last one, where it is due. */
  readonly open: (to: Micros, leastMs: number) => ResultAsync<Opened, PaymentError>;
  /** Takes windows to be read, oldest first, each by one taker until then. */
  readonly take: (now: Micros, until: Micros, max: number) => ResultAsync<Window[], PaymentError>;
  /** Notes how far a window was read, and when it is due again. */
  readonly turnPage: (window: Window, after: string, due: Micros) => ResultAsync<void, PaymentError>;
  /** Notes that all of a window was read, and when it is read again: never, where that is null. */
  readonly close: (window: Window, againAt: Micros | null) => ResultAsync<void, PaymentError>;
}

/** How many windows a span that was missed is read in: a quarter of what is left at a time, so that four work at it. */
const PARTS = 4;
/** A window is this long at least where much was missed. */
const PART_MS = 10_000;
/** Stripe's clock may be this far behind ours. */
const SKEW_MS = 300_000;

/** The first window begins a little before the first payment, and no longer ago than Stripe keeps that list. */
export const createWindows = (
  db: Kysely<DB>,
  table: 'balance_windows' | 'event_windows' | 'intent_windows',
  keptMs: number | null,
): Windows => {
  const at = (instant: Micros): string => toIsoMicros(instant);
  const windows = sql.table(table);

  const open = async (to: Micros, leastMs: number): Promise<Opened> => {
    const until = at(to);
    // Two instances that open it at once meet at its key.
    const { rows } = await sql<{ behind: boolean | null; unread: Micros | null }>`
      with last as (
        select coalesce(
          (select created_to from ${windows} order by created_from desc limit 1),
          greatest(
            least((select min(created_at) from payments), ${until}::timestamptz)
              - make_interval(secs => ${SKEW_MS / 1000}),
            ${until}::timestamptz - make_interval(secs => ${keptMs && keptMs / 1000}))) as ended),
      next as (
        select ended, least(${until}::timestamptz, ended + greatest((${until}::timestamptz - ended) / ${PARTS}::int,
          make_interval(secs => ${PART_MS / 1000}))) as ends
        from last where ended <= ${until}::timestamptz - make_interval(secs => ${leastMs / 1000})),
      opened as (
        insert into ${windows} (created_from, created_to, due_at)
        select date_trunc('second', ended), date_trunc('second', ends), ends from next
        where date_trunc('second', ended) < date_trunc('second', ends)
        on conflict do nothing)
      select (select ends < date_trunc('second', ${until}::timestamptz) from next) as behind,
        (select min(created_to) from ${windows} where reads = 0) as unread`.execute(db);
    return { isBehind: rows[0]?.behind ?? false, unread: rows[0]?.unread ?? null };
  };

  const take = async (now: Micros, until: Micros, max: number): Promise<Window[]> => {
    const { rows } = await sql<Window>`
      update ${windows} w set due_at = ${at(until)}::timestamptz
      from (
        select created_from from ${windows} where due_at <= ${at(now)}::timestamptz
        order by due_at limit ${max} for update skip locked
      ) t
      where w.created_from = t.created_from
      returning w.created_from as "from", w.created_to as "to", w.after, w.reads`.execute(db);
    return rows;
  };

  const turnPage = async ({ from, reads }: Window, after: string, due: Micros): Promise<void> => {
    await sql`
      update ${windows} set after = ${after}, due_at = ${at(due)}::timestamptz
      where created_from = ${at(from)}::timestamptz and reads = ${reads}`.execute(db);
  };

  const close = async ({ from, reads }: Window, againAt: Micros | null): Promise<void> => {
    await sql`
      update ${windows} set after = null, reads = reads + 1, due_at = ${againAt && at(againAt)}::timestamptz
      where created_from = ${at(from)}::timestamptz and reads = ${reads}`.execute(db);
    // The last one stays: the next follows from it.
    await sql`
      delete from ${windows}
      where due_at is null and created_from < (select max(created_from) from ${windows})`.execute(db);
  };

  return {
    open: (to, leastMs) => run(open(to, leastMs)),
    take: (now, until, max) => run(take(now, until, max)),
    turnPage: (window, after, due) => run(turnPage(window, after, due)),
    close: (window, againAt) => run(close(window, againAt)),
  };
};
