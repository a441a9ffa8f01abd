/** Stripe's events: what they are about is stored before they are acknowledged, and kept until they are applied. */
import { sql, type Kysely } from 'kysely';
import { err, ok, type ResultAsync } from 'neverthrow';
import { uuidOf, type PaymentId } from '../domain/ids.ts';
import type { LaneError, StorageError } from '../domain/refusals.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { jsons, plain, texts } from './arrays.ts';
import { run } from './failure.ts';
import { createLane, type Lane } from './lane.ts';
import type { DB } from './schema.ts';
import { createWindows, type Windows } from './windows.ts';

interface InboxEvent {
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly payload: string;
}

/** One that is to be applied, and how often that was tried, this time too. */
export interface TakenEvent extends InboxEvent {
  readonly tries: number;
}

/** What was done about an event, or why there was nothing to do. */
interface Finish {
  readonly id: string;
  readonly payment: PaymentId | null;
  readonly outcome: string;
  readonly at: Micros;
}

/** Errors of all: `database_unavailable`; and those of a lane where many at once are one statement. */
export interface Inbox {
  /** What is to be read of Stripe's own list. */
  readonly windows: Windows;
  /** Keeps one that came as a webhook. Those that come together are kept together. */
  readonly keep: (event: InboxEvent, now: Micros) => ResultAsync<void, LaneError>;
  /** Keeps those of a list that no webhook has brought; answers how many they are. */
  readonly keepMissing: (events: readonly InboxEvent[], now: Micros) => ResultAsync<number, StorageError>;
  /** Takes events that wait to be applied, each by one taker at a time; after `retryS` they are due again. */
  readonly take: (now: Micros, max: number) => ResultAsync<TakenEvent[], StorageError>;
  /** Notes that an event has been applied. Those that are done together are noted together. */
  readonly finish: (finish: Finish) => ResultAsync<void, LaneError>;
}

/** Events of one statement: some hundred bytes each. */
const BATCH_MAX = 64;
/** Some seconds' worth: whoever sends more is told to come again, and Stripe does. */
const WAITING_MAX = 4_096;

/** https://docs.stripe.com/api/events: 30 days. */
const KEPT_MS = 30 * 24 * 3600 * 1000;
/** An event that could not be applied is tried again after 5 s, then twice as long each time, up to an hour. */
const RETRY_S = sql`least(3600, 5 * power(2, least(tries, 10)))`;

export const createInbox = (db: Kysely<DB>): Inbox => {
  const insert = async (events: readonly Kept[]): Promise<number> => {
    const { numAffectedRows } = await sql`
      insert into stripe_events (id, type, payload, received_at, owned_until)
      select id, type, payload, at, at from unnest(
        ${texts(events.map(({ id }) => id))}::text[], ${texts(events.map(({ type }) => type))}::text[],
        ${jsons(events.map(({ payload }) => payload))}::json[],
        ${plain(events.map(({ at }) => toIsoMicros(at)))}::timestamptz[]
      ) w (id, type, payload, at)
      on conflict do nothing`.execute(db);
    return Number(numAffectedRows ?? 0n);
  };

  const keepMissing = async (events: readonly InboxEvent[], at: Micros): Promise<number> => {
    if (events.length === 0) return 0;
    const { rows } = await sql<{ id: string }>`
      select id from stripe_events where id = any(${texts(events.map(({ id }) => id))}::text[])`.execute(db);
    const known = new Set(rows.map(({ id }) => id));
    const missing = events.filter(({ id }) => !known.has(id));
    return missing.length === 0 ? 0 : insert(missing.map((event) => ({ ...event, at })));
  };

  const take = async (now: Micros, max: number): Promise<TakenEvent[]> => {
    const at = toIsoMicros(now);
    const { rows } = await sql<TakenEvent>`
      update stripe_events e
      set tries = e.tries + 1, owned_until = ${at}::timestamptz + make_interval(secs => ${RETRY_S})
      from (
        select id from stripe_events
        where applied_at is null and owned_until <= ${at}::timestamptz
        order by owned_until limit ${max} for update skip locked
      ) t
      where e.id = t.id
      returning e.id, e.type, e.payload::text as payload, e.tries`.execute(db);
    return rows;
  };

  const note = (finished: readonly Finish[]): Promise<unknown> =>
    sql`
      update stripe_events e set applied_at = w.at, outcome = w.outcome, payment_id = w.payment_id
      from unnest(
        ${texts(finished.map(({ id }) => id))}::text[], ${plain(finished.map(({ at }) => toIsoMicros(at)))}::timestamptz[],
        ${texts(finished.map(({ outcome }) => outcome))}::text[],
        ${plain(finished.map(({ payment }) => payment && uuidOf(payment)))}::uuid[]
      ) w (id, at, outcome, payment_id)
      where e.id = w.id`.execute(db);

  const keeping = together<Kept>(insert);
  const noting = together<Finish>(note);
  return {
    windows: createWindows(db, 'event_windows', KEPT_MS),
    keep: (event, at) => keeping.send({ ...event, at }),
    keepMissing: (events, now) => run(keepMissing(events, now)),
    take: (now, max) => run(take(now, max)),
    finish: (finish) => noting.send(finish),
  };
};

interface Kept extends InboxEvent {
  readonly at: Micros;
}

/** A lane of what one statement writes. */
const together = <Item>(write: (items: readonly Item[]) => Promise<unknown>): Lane<Item, void, StorageError> =>
  createLane({
    run: (items) =>
      run(write(items)).match(
        () => items.map(() => ok()),
        (error) => items.map(() => err(error)),
      ),
    ...{ weightOf: () => 1, ownerOf: () => '', observe: () => undefined },
    ...{ batchMax: BATCH_MAX, waitingMax: WAITING_MAX },
  });
