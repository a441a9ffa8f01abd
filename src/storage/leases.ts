/** Attempts that are under way, and who may finish them. */
import { sql, type Kysely, type Selectable } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { Attempt, Payment } from '../domain/payment.ts';
import { idOf, uuidOf, type MerchantId, type PaymentId } from '../domain/ids.ts';
import { LEASE_MS } from '../domain/deadlines.ts';
import { plusMs, toIsoMicros, toMs, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import { plain } from './arrays.ts';
import { columnsOf } from './columns.ts';
import { run } from './failure.ts';
import { attemptOf, NEVER_OLD } from './tables/attempts.ts';
import { paymentOf } from './tables/payments.ts';
import type { DB } from './schema.ts';

export interface Abandoned {
  readonly payment: Payment;
  readonly attempt: Attempt;
  /** An answer that leaves open what will become of it; null where there was none. */
  readonly trouble: string | null;
}

export interface Leases {
  /** Takes over attempts whose lease ran out before `now`, oldest first, each by one taker. Errors: `database_unavailable`. */
  readonly takeAbandoned: (now: Micros, until: Micros, max: number) => ResultAsync<Abandoned[], PaymentError>;
  /** Has nobody look at it before then, nor twice at what was looked at. Errors: `database_unavailable`. */
  readonly postpone: (
    attempt: Attempt,
    due: Micros,
    trouble: string | null,
    seenTo: string | null,
  ) => ResultAsync<void, PaymentError>;
  /** Attempts past their first lease whose outcome nobody knows: how many, and how old the oldest. Errors: `database_unavailable`. */
  readonly unknown: (now: Micros) => ResultAsync<UnknownOutcomes, PaymentError>;
}

export interface UnknownOutcomes {
  readonly count: number;
  readonly oldestMs: number;
  /** The oldest of them, for a person to look at. */
  readonly oldest: readonly UnknownOutcome[];
}

interface UnknownOutcome {
  readonly merchant: MerchantId;
  readonly payment: PaymentId;
  /** What was attempted: `confirm`, `capture`, `refund`, … */
  readonly kind: string;
  readonly ageMs: number;
}

/** More than a person looks at one by one. */
const SHOWN_MAX = 20;

export const createLeases = (db: Kysely<DB>): Leases => ({
  takeAbandoned: (now, until, max) => run(takeAbandoned(db, now, until, max)),
  postpone: ({ merchant, id, fence }, due, trouble, seenTo) =>
    run(
      sql`
        update attempts set leased_until = ${toIsoMicros(due)}::timestamptz, trouble = ${trouble}, seen_to = ${seenTo}
        where merchant_id = ${uuidOf(merchant)}::uuid and id = ${uuidOf(id)}::uuid and fence = ${fence}
          and outcome is null`.execute(db),
    ).map(() => undefined),
  unknown: (now) => run(findUnknown(db, now)),
});

const findUnknown = async (db: Kysely<DB>, now: Micros): Promise<UnknownOutcomes> => {
  const rows = await db
    .selectFrom('attempts')
    .select(({ fn }) => [
      fn.countAll<bigint>().over().as('count'),
      'merchant_id',
      'payment_id',
      'kind',
      sql<Micros>`started_at`.as('started_at'),
    ])
    .where('outcome', 'is', null)
    .where('started_at', '<', sql<Micros>`${toIsoMicros(plusMs(now, -LEASE_MS))}::timestamptz`)
    .orderBy('started_at')
    .limit(SHOWN_MAX)
    .execute();
  const oldest = rows.map(({ merchant_id, payment_id, kind, started_at }) => ({
    merchant: idOf('mer', merchant_id),
    payment: idOf('pay', payment_id),
    kind,
    ageMs: toMs(now) - toMs(started_at),
  }));
  return { count: Number(rows[0]?.count ?? 0), oldestMs: oldest[0]?.ageMs ?? 0, oldest };
};

const takeAbandoned = async (db: Kysely<DB>, now: Micros, until: Micros, max: number): Promise<Abandoned[]> => {
  // One statement is one transaction: the new lease is committed before anyone acts on it.
  const { rows: attempts } = await sql<Selectable<DB['attempts']>>`
    update attempts a
    set owned_until = ${NEVER_OLD}::timestamptz, leased_until = ${toIsoMicros(until)}::timestamptz, fence = a.fence + 1
    from (
      select merchant_id, id from attempts
      where outcome is null and coalesce(leased_until, owned_until) < ${toIsoMicros(now)}::timestamptz
      order by coalesce(leased_until, owned_until) limit ${max} for update skip locked
    ) t
    where a.merchant_id = t.merchant_id and a.id = t.id
    returning ${columnsOf('attempts', 'a')}`.execute(db);
  if (attempts.length === 0) return [];
  const { rows: payments } = await sql<Selectable<DB['payments']>>`
    select ${columnsOf('payments', 'p')} from payments p
    join unnest(${plain(attempts.map((a) => a.merchant_id))}::uuid[], ${plain(attempts.map((a) => a.payment_id))}::uuid[])
      k (merchant_id, id) using (merchant_id, id)`.execute(db);
  const byId = new Map(payments.map((row) => [row.id, paymentOf(row)]));
  return attempts.flatMap((row) => {
    const payment = byId.get(row.payment_id);
    return payment ? [{ payment, attempt: attemptOf(row), trouble: row.trouble }] : [];
  });
};
