/** Writes the rows of a past that was made up: many at once, and in one statement, which leaves all of them or none. */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { Account } from '../domain/account.ts';
import type { BalanceTransaction, PayoutShare } from '../domain/balance.ts';
import type { Customer } from '../domain/change.ts';
import type { EventType } from '../domain/event-types.ts';
import type { AccountId, AttemptId, EventId, MerchantId, PaymentId, RefundId } from '../domain/ids.ts';
import type { AttemptOutcome, Dispute, Payment, Refund } from '../domain/payment.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { PaymentError } from '../error.ts';
import { run } from './failure.ts';
import { NEVER_OLD } from './tables/attempts.ts';
import { executeAll, filled, insert } from './tables/bulk.ts';
import { bigint, id, instant, orNull, text, written } from './tables/codec.ts';
import { insertCustomers } from './tables/customers.ts';
import { writeDisputes } from './tables/disputes.ts';
import { insertTransfers, writeAccounts } from './tables/ledger.ts';
import { insertWholePayments } from './tables/payments.ts';
import { writeRefunds } from './tables/refunds.ts';
import { insertIntents, lines, writePayouts } from './tables/stripe.ts';
import { beside, constant, key, once, table, type Table } from './tables/table.ts';
import type { DB } from './schema.ts';
import { SEEDING_LOCK } from './seals.ts';

/** An attempt that has long ended. */
export interface PastAttempt {
  readonly id: AttemptId;
  readonly payment: PaymentId;
  readonly kind: 'confirm' | 'refund';
  readonly paymentMethod: string | null;
  readonly amount: bigint | null;
  readonly refund: RefundId | null;
  readonly outcome: AttemptOutcome;
  readonly startedAt: Micros;
  readonly settledAt: Micros;
}

/** A line of Stripe's balance, with the payout that it went out with, if it has. */
interface PastLine extends BalanceTransaction {
  readonly payout: string | null;
  readonly postedAt: Micros;
}

interface PastEvent {
  readonly id: EventId;
  readonly type: EventType;
  readonly subject: string;
  /** JSON. */
  readonly data: string;
  readonly createdAt: Micros;
}

/** What a stretch of time has left, all of one merchant; `accounts` are those that it touched, as it left them. */
export interface PastRows {
  readonly merchant: MerchantId;
  readonly customers: Customer[];
  readonly payments: Payment[];
  readonly attempts: PastAttempt[];
  readonly refunds: Refund[];
  readonly disputes: Dispute[];
  readonly lines: PastLine[];
  readonly payouts: PayoutShare[];
  readonly events: PastEvent[];
  readonly transfers: PostedTransfer[];
  readonly accounts: Map<AccountId, Account>;
}

/** Errors of all: `database_unavailable`. */
export interface Seeding {
  /** Whether nobody has been here yet. */
  readonly isEmpty: () => ResultAsync<boolean, PaymentError>;
  /** The first rows of a merchant bring the merchant too, under that name. */
  readonly write: (rows: PastRows, name?: string) => ResultAsync<void, PaymentError>;
  /** What Stripe lists of before that time is not to be read: it is here. And the planner is told how much there is. */
  readonly finish: (until: Micros) => ResultAsync<void, PaymentError>;
}

/** Over one connection, which holds the sealer off from the first rows to the end, or until it is closed. */
export const createSeeding = (db: Kysely<DB>): Seeding => {
  const isEmpty = async (): Promise<boolean> => {
    const { rows } = await sql`select from merchants limit 1`.execute(db);
    return rows.length === 0;
  };
  const write = async (rows: PastRows, name: string | undefined): Promise<void> => {
    // Its times lie in the past, where others are sealed already.
    if (name !== undefined) await sql`select pg_advisory_lock(${SEEDING_LOCK}::bigint)`.execute(db);
    await executeAll(db, [
      ...filled(insertMerchants, name === undefined ? [] : [{ id: rows.merchant, name }]),
      ...partsOf(rows),
    ]);
  };
  const finish = async (until: Micros): Promise<void> => {
    const to = toIsoMicros(until);
    for (const windows of WINDOWS)
      await sql`
        insert into ${sql.table(windows)} (created_from, created_to)
        select ${to}::timestamptz - interval '1 day', ${to}::timestamptz
        where not exists (select from ${sql.table(windows)})`.execute(db);
    for (const table of SEEDED) await sql`analyze ${sql.table(table)}`.execute(db);
    await sql`select pg_advisory_unlock(${SEEDING_LOCK}::bigint)`.execute(db);
  };
  return {
    isEmpty: () => run(isEmpty()),
    write: (rows, name) => run(write(rows, name)),
    finish: (until) => run(finish(until)),
  };
};

const WINDOWS = ['balance_windows', 'event_windows', 'intent_windows'] as const;
const SEEDED = [
  'customers',
  'payments',
  'attempts',
  'events',
  'transfers',
  'accounts',
  'balance_transactions',
] as const;

const MERCHANTS: Table<'merchants', { readonly id: MerchantId; readonly name: string }> = table('merchants', {
  id: key(id('mer')),
  name: once(text()),
});
const insertMerchants = insert(MERCHANTS);

type OfMerchant<Past> = Past & { readonly merchant: MerchantId };

const PAST_ATTEMPTS: Table<'attempts', object, OfMerchant<PastAttempt>> = table(
  'attempts',
  {},
  {
    merchant_id: beside('key', id('mer'), (a) => a.merchant),
    id: beside('key', id('att'), (a) => a.id),
    payment_id: beside('once', id('pay'), (a) => a.payment),
    kind: beside('once', text(), (a) => a.kind),
    payment_method: beside('once', orNull(text()), (a) => a.paymentMethod),
    amount: beside('once', orNull(bigint), (a) => a.amount),
    refund_id: beside('once', orNull(id('re')), (a) => a.refund),
    request_id: constant('once', "'req_demo'"),
    reply_status: constant('once', '201'),
    shows_secret: constant('once', 'true'),
    owned_until: constant('once', `'${NEVER_OLD}'::timestamptz`),
    leased_until: beside('once', instant, (a) => a.settledAt),
    fence: constant('once', '1'),
    started_at: beside('once', instant, (a) => a.startedAt),
    outcome: beside('once', text(), (a) => a.outcome),
    settled_at: beside('once', instant, (a) => a.settledAt),
  },
);
const insertPastAttempts = insert(PAST_ATTEMPTS);

const insertPastLines = insert(
  lines<PastLine>({
    payout: beside('once', orNull(text()), (l) => l.payout),
    posted_at: beside('once', instant, (l) => l.postedAt),
  }),
);

const LISTED_PAYOUTS: Table<'stripe_payouts', object, PayoutShare> = table(
  'stripe_payouts',
  {},
  {
    id: beside('key', text(), (p) => p.payout),
    listed: constant('once', 'true'),
    outcome: beside('once', text(), (p) => p.status),
  },
);
const insertListedPayouts = insert(LISTED_PAYOUTS);

const PAST_EVENTS: Table<'events', object, OfMerchant<PastEvent>> = table(
  'events',
  {},
  {
    merchant_id: beside('key', id('mer'), (e) => e.merchant),
    id: beside('key', id('evt'), (e) => e.id),
    type: beside('once', text(), (e) => e.type),
    subject: beside('once', text(), (e) => e.subject),
    data: beside('once', written('json'), (e) => e.data),
    created_at: beside('once', instant, (e) => e.createdAt),
    fanned_out: constant('once', 'true'),
  },
);
const insertPastEvents = insert(PAST_EVENTS);

const partsOf = ({ merchant, ...rows }: PastRows): ReturnType<typeof filled> => [
  ...filled(insertCustomers, rows.customers),
  ...filled(insertWholePayments, rows.payments),
  ...filled(
    insertIntents,
    rows.payments.flatMap(({ id: payment, intent }) => (intent === null ? [] : [{ merchant, payment, intent }])),
  ),
  ...filled(
    insertPastAttempts,
    rows.attempts.map((attempt) => ({ ...attempt, merchant })),
  ),
  // Asked for and sent at one instant: nothing was ever held.
  ...filled(
    writeRefunds,
    rows.refunds.map((refund) => ({ ...refund, heldAt: refund.createdAt, freedAt: refund.createdAt })),
  ),
  ...filled(writeDisputes, rows.disputes),
  ...filled(insertPastLines, rows.lines),
  ...filled(writePayouts, rows.payouts),
  ...filled(insertListedPayouts, rows.payouts),
  ...filled(
    insertPastEvents,
    rows.events.map((event) => ({ ...event, merchant })),
  ),
  ...filled(insertTransfers, rows.transfers),
  ...filled(writeAccounts, [...rows.accounts.values()]),
];
