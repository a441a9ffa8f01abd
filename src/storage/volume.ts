/** What was charged, day by day, and why the rest was declined. */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { Currency } from '../domain/currency.ts';
import { uuidFrom, uuidOf, type MerchantId } from '../domain/ids.ts';
import type { StorageError } from '../domain/refusals.ts';
import { MADE_WITHIN_MS, plusMs, toIsoMicros, type Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';
import { inTurn, type Turns } from './turns.ts';

/** A day, in a zone and a currency. */
export interface VolumeLine {
  /** `2026-03-31` */
  readonly day: string;
  readonly currency: Currency;
  /** Of those that were made on that day: all, those that are paid, and what was captured of them. */
  readonly payments: bigint;
  readonly succeeded: bigint;
  readonly captured: bigint;
}

/** Payments whose last card was declined, and that still wait for another. */
interface DeclineLine {
  readonly code: string;
  readonly declineCode: string | null;
  readonly payments: bigint;
}

/** Payments that were made from one instant to before another. */
interface MadeBetween {
  readonly from: Micros;
  readonly before: Micros;
  readonly tz: string;
}

export interface Volumes {
  /** Days without a payment are left out. Errors: `database_unavailable`. */
  readonly byDay: (merchant: MerchantId, span: MadeBetween) => ResultAsync<VolumeLine[], StorageError>;
  readonly declines: (merchant: MerchantId, span: MadeBetween) => ResultAsync<DeclineLine[], StorageError>;
}

export const createVolumes = (db: Kysely<DB>, turns: Turns): Volumes => {
  const ask = inTurn(turns);
  // An id is made a little before the time that stands in its row: by their ids they are found, by that time they count.
  const made = (merchant: MerchantId, { from, before }: MadeBetween) =>
    sql`merchant_id = ${uuidOf(merchant)}::uuid
      and id >= ${uuidFrom(plusMs(from, -MADE_WITHIN_MS))}::uuid and id < ${uuidFrom(plusMs(before, MADE_WITHIN_MS))}::uuid
      and created_at >= ${toIsoMicros(from)}::timestamptz and created_at < ${toIsoMicros(before)}::timestamptz`;
  return {
    byDay: (merchant, span) =>
      ask(merchant, () =>
        sql<VolumeLine & { captured: string }>`
          select to_char(created_at at time zone ${span.tz}, 'YYYY-MM-DD') as day, currency, count(*) as payments,
            count(*) filter (where status = 'succeeded') as succeeded, sum(amount_captured)::text as captured
          from payments where ${made(merchant, span)} group by 1, 2 order by 1, 2`.execute(db),
      ).map(({ rows }) => rows.map((row) => ({ ...row, captured: BigInt(row.captured) }))),
    declines: (merchant, span) =>
      ask(merchant, () =>
        sql<DeclineLine>`
          select last_error ->> 'code' as code, last_error ->> 'declineCode' as "declineCode", count(*) as payments
          from payments where ${made(merchant, span)} and last_error is not null and status <> 'succeeded'
          group by 1, 2 order by 3 desc, 1, 2`.execute(db),
      ).map(({ rows }) => rows),
  };
};
