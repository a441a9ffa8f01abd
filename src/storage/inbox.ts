/** Stripe's events as they came: stored before they are acknowledged, and kept until they are applied. */
import { sql, type Kysely } from 'kysely';
import { ResultAsync } from 'neverthrow';
import { uuidOf, type PaymentId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import { texts } from './arrays.ts';
import { readFailure } from './failure.ts';
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

/** Errors of all: `database_unavailable`. */
export interface Inbox {
  /** What is to be read of Stripe's own list. */
  readonly windows: Windows;
  /** Keeps those that are new; answers how many they are. */
  readonly store: (events: readonly InboxEvent[], now: Micros) => ResultAsync<number, PaymentError>;
  /** Takes events that wait to be applied, each by one taker at a time; after `retryS` they are due again. */
  readonly take: (now: Micros, max: number) => ResultAsync<TakenEvent[], PaymentError>;
  /** Notes that an event has been applied, or why there was nothing to apply. */
  readonly finish: (
    id: string,
    payment: PaymentId | null,
    outcome: string,
    now: Micros,
  ) => ResultAsync<void, PaymentError>;
}

/** https://docs.stripe.com/api/events: 30 days. */
const KEPT_MS = 30 * 24 * 3600 * 1000;
/** An event that could not be applied is tried again after 5 s, then twice as long each time, up to an hour. */
const RETRY_S = sql`least(3600, 5 * power(2, least(tries, 10)))`;

export const createInbox = (db: Kysely<DB>): Inbox => {
  const run = <T>(work: Promise<T>): ResultAsync<T, PaymentError> => ResultAsync.fromPromise(work, readFailure);

  const store = async (events: readonly InboxEvent[], now: Micros): Promise<number> => {
    if (events.length === 0) return 0;
    const at = toIsoMicros(now);
    const { numAffectedRows } = await sql`
      insert into stripe_events (id, type, payload, received_at, owned_until)
      select w.*, ${at}::timestamptz, ${at}::timestamptz from unnest(
        ${texts(events.map(({ id }) => id))}::text[], ${texts(events.map(({ type }) => type))}::text[],
        ${texts(events.map(({ payload }) => payload))}::json[]
      ) w
      on conflict do nothing`.execute(db);
    return Number(numAffectedRows ?? 0n);
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

  const finish = async (id: string, payment: PaymentId | null, outcome: string, now: Micros): Promise<void> => {
    await sql`
      update stripe_events
      set applied_at = ${toIsoMicros(now)}::timestamptz, outcome = ${outcome},
        payment_id = ${payment && uuidOf(payment)}::uuid
      where id = ${id}`.execute(db);
  };

  return {
    windows: createWindows(db, 'event_windows', KEPT_MS),
    store: (events, now) => run(store(events, now)),
    take: (now, max) => run(take(now, max)),
    finish: (id, payment, outcome, now) => run(finish(id, payment, outcome, now)),
  };
};
