/** Writes the rows of a past that was made up: many at once, and in one statement, which leaves all of them or none. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { Account } from '../domain/account.ts';
import type { BalanceTransaction, PayoutShare } from '../domain/balance.ts';
import type { Customer } from '../domain/change.ts';
import type { EventType } from '../domain/event-types.ts';
import {
  uuidOf,
  type AccountId,
  type AttemptId,
  type EventId,
  type MerchantId,
  type PaymentId,
  type RefundId,
} from '../domain/ids.ts';
import type { AttemptOutcome, Dispute, Payment, Refund } from '../domain/payment.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { PostedTransfer } from '../domain/transfer.ts';
import type { PaymentError } from '../error.ts';
import { jsons, plain, texts } from './arrays.ts';
import { run } from './failure.ts';
import { NEVER_OLD } from './tables/attempts.ts';
import type { DB } from './schema.ts';

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

export const createSeeding = (db: Kysely<DB>): Seeding => {
  const isEmpty = async (): Promise<boolean> => {
    const { rows } = await sql`select from merchants limit 1`.execute(db);
    return rows.length === 0;
  };
  const write = async (rows: PastRows, name: string | undefined): Promise<void> => {
    const merchants = name === undefined ? [] : [{ name }];
    const opened = insert('merchants', merchants, [
      ['id', 'uuid', () => uuidOf(rows.merchant)],
      ['name', 'text', (merchant) => merchant.name],
    ]);
    const parts = [...opened, ...inserts(rows)].map((part, at) => sql`${sql.raw(`part_${at}`)} as (${part})`);
    if (parts.length > 0) await sql`with ${sql.join(parts)} select`.execute(db);
  };
  const finish = async (until: Micros): Promise<void> => {
    const to = toIsoMicros(until);
    for (const windows of WINDOWS)
      await sql`
        insert into ${sql.table(windows)} (created_from, created_to)
        select ${to}::timestamptz - interval '1 day', ${to}::timestamptz
        where not exists (select from ${sql.table(windows)})`.execute(db);
    for (const table of SEEDED) await sql`analyze ${sql.table(table)}`.execute(db);
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

type Value = string | number | bigint | boolean | null;
type Type = 'uuid' | 'text' | 'bigint' | 'int' | 'boolean' | 'timestamptz' | 'jsonb' | 'json' | 'text[]';
/** A column, its type, and what of a row stands there. */
type Column<Row> = readonly [name: string, type: Type, value: (row: Row) => Value];

/** An array for each column; none, where there are no rows. */
const insert = <Row>(table: keyof DB, rows: readonly Row[], columns: readonly Column<Row>[]): RawBuilder<unknown>[] => {
  if (rows.length === 0) return [];
  const names = columns.map(([name]) => sql.ref(name));
  const arrays = columns.map(([, type, value]) => {
    const values = rows.map(value);
    const isText = type === 'text' || type === 'json' || type === 'jsonb' || type === 'text[]';
    // An array of arrays would be opened up to its innermost values: each is sent as a text.
    const sent = sql.raw(isText ? 'text[]' : `${type}[]`);
    return sql`${isText ? textsOf(type, values) : plain(values)}::${sent}`;
  });
  const picked = columns.map(([name, type]) => sql`w.${sql.ref(name)}::${sql.raw(type)}`);
  return [
    sql`insert into ${sql.table(table)} (${sql.join(names)})
        select ${sql.join(picked)} from unnest(${sql.join(arrays)}) w (${sql.join(names)})`,
  ];
};

const textsOf = (type: Type, values: readonly Value[]): string => {
  const given = values.map((value) => (value === null ? null : String(value)));
  return type === 'json' || type === 'jsonb' ? jsons(given) : texts(given);
};

const inserts = (rows: PastRows): RawBuilder<unknown>[] => {
  const merchant = uuidOf(rows.merchant);
  const of = ['merchant_id', 'uuid', () => merchant] as const;
  const orNull = (id: Parameters<typeof uuidOf>[0] | null): string | null => id && uuidOf(id);
  return [
    ...insert('customers', rows.customers, [
      of,
      ['id', 'uuid', (c) => uuidOf(c.id)],
      ['name', 'text', (c) => c.name],
      ['email', 'text', (c) => c.email],
      ['metadata', 'jsonb', (c) => JSON.stringify(c.metadata)],
      ['created_at', 'timestamptz', (c) => toIsoMicros(c.createdAt)],
    ]),
    ...insert('payments', rows.payments, [
      of,
      ['id', 'uuid', (p) => uuidOf(p.id)],
      ['customer_id', 'uuid', (p) => uuidOf(p.customer)],
      ['amount', 'bigint', (p) => p.amount],
      ['amount_captured', 'bigint', (p) => p.amountCaptured],
      ['amount_refunded', 'bigint', (p) => p.amountRefunded],
      ['currency', 'text', (p) => p.currency],
      ['status', 'text', (p) => p.status],
      ['payment_method', 'text', (p) => p.paymentMethod],
      ['capture_method', 'text', (p) => p.captureMethod],
      ['description', 'text', (p) => p.description],
      ['metadata', 'jsonb', (p) => JSON.stringify(p.metadata)],
      ['client_secret', 'text', (p) => p.clientSecret],
      ['last_error', 'jsonb', (p) => p.lastError && JSON.stringify(p.lastError)],
      ['intent', 'text', (p) => p.intent],
      ['attempt', 'uuid', (p) => orNull(p.attempt)],
      ['ended_attempt', 'uuid', (p) => orNull(p.attempt)],
      ['created_at', 'timestamptz', (p) => toIsoMicros(p.createdAt)],
    ]),
    ...insert('intents', rows.payments, [
      ['id', 'text', (p) => p.intent],
      of,
      ['payment_id', 'uuid', (p) => uuidOf(p.id)],
    ]),
    ...insert('attempts', rows.attempts, [
      of,
      ['id', 'uuid', (a) => uuidOf(a.id)],
      ['payment_id', 'uuid', (a) => uuidOf(a.payment)],
      ['kind', 'text', (a) => a.kind],
      ['payment_method', 'text', (a) => a.paymentMethod],
      ['amount', 'bigint', (a) => a.amount],
      ['refund_id', 'uuid', (a) => orNull(a.refund)],
      ['request_id', 'text', () => 'req_demo'],
      ['reply_status', 'int', () => 201],
      ['shows_secret', 'boolean', () => true],
      ['owned_until', 'timestamptz', () => NEVER_OLD],
      ['leased_until', 'timestamptz', (a) => toIsoMicros(a.settledAt)],
      ['fence', 'int', () => 1],
      ['started_at', 'timestamptz', (a) => toIsoMicros(a.startedAt)],
      ['outcome', 'text', (a) => a.outcome],
      ['settled_at', 'timestamptz', (a) => toIsoMicros(a.settledAt)],
    ]),
    ...insert('refunds', rows.refunds, [
      of,
      ['id', 'uuid', (r) => uuidOf(r.id)],
      ['payment_id', 'uuid', (r) => uuidOf(r.payment)],
      ['amount', 'bigint', (r) => r.amount],
      ['currency', 'text', (r) => r.currency],
      ['status', 'text', (r) => r.status],
      ['reason', 'text', (r) => r.reason],
      ['stripe_id', 'text', (r) => r.stripeId],
      ['posted', 'boolean', (r) => r.posted],
      ['created_at', 'timestamptz', (r) => toIsoMicros(r.createdAt)],
      // Asked for and sent at one instant: nothing was ever held.
      ['held_at', 'timestamptz', (r) => toIsoMicros(r.createdAt)],
      ['freed_at', 'timestamptz', (r) => toIsoMicros(r.createdAt)],
    ]),
    ...insert('disputes', rows.disputes, [
      of,
      ['id', 'uuid', (d) => uuidOf(d.id)],
      ['payment_id', 'uuid', (d) => uuidOf(d.payment)],
      ['amount', 'bigint', (d) => d.amount],
      ['currency', 'text', (d) => d.currency],
      ['status', 'text', (d) => d.status],
      ['reason', 'text', (d) => d.reason],
      ['stripe_id', 'text', (d) => d.stripeId],
      ['withdrawn', 'bigint', (d) => d.withdrawn],
      ['reinstated', 'bigint', (d) => d.reinstated],
      ['lost', 'bigint', (d) => d.lost],
      ['turns', 'int', (d) => d.turns],
      ['lines', 'text[]', (d) => texts(d.lines)],
      ['created_at', 'timestamptz', (d) => toIsoMicros(d.createdAt)],
    ]),
    ...insert('balance_transactions', rows.lines, [
      of,
      ['id', 'text', (l) => l.id],
      ['payment_id', 'uuid', (l) => uuidOf(l.payment)],
      ['kind', 'text', (l) => l.kind],
      ['source', 'text', (l) => l.source],
      ['gross', 'bigint', (l) => l.gross],
      ['fee', 'bigint', (l) => l.fee],
      ['currency', 'text', (l) => l.currency],
      ['charged', 'bigint', (l) => l.charged],
      ['charged_currency', 'text', (l) => l.chargedCurrency],
      ['payout', 'text', (l) => l.payout],
      ['created_at', 'timestamptz', (l) => toIsoMicros(l.createdAt)],
      ['posted_at', 'timestamptz', (l) => toIsoMicros(l.postedAt)],
    ]),
    ...insert('payouts', rows.payouts, [
      of,
      ['id', 'text', (p) => p.payout],
      ['currency', 'text', (p) => p.currency],
      ['amount', 'bigint', (p) => p.amount],
      ['status', 'text', (p) => p.status],
      ['created_at', 'timestamptz', (p) => toIsoMicros(p.createdAt)],
    ]),
    ...insert('stripe_payouts', rows.payouts, [
      ['id', 'text', (p) => p.payout],
      ['listed', 'boolean', () => true],
      ['outcome', 'text', (p) => p.status],
    ]),
    ...insert('events', rows.events, [
      of,
      ['id', 'uuid', (e) => uuidOf(e.id)],
      ['type', 'text', (e) => e.type],
      ['subject', 'text', (e) => e.subject],
      ['data', 'json', (e) => e.data],
      ['created_at', 'timestamptz', (e) => toIsoMicros(e.createdAt)],
      ['fanned_out', 'boolean', () => true],
    ]),
    ...insert('transfers', rows.transfers, [
      of,
      ['id', 'uuid', (t) => uuidOf(t.id)],
      ['kind', 'text', (t) => t.kind],
      ['debit', 'uuid', (t) => uuidOf(t.debit)],
      ['credit', 'uuid', (t) => uuidOf(t.credit)],
      ['amount', 'bigint', (t) => t.amount],
      ['currency', 'text', (t) => t.currency],
      ['description', 'text', (t) => t.description],
      ['payment_id', 'uuid', (t) => orNull(t.payment)],
      ['posted_at', 'timestamptz', (t) => toIsoMicros(t.postedAt)],
      ['debit_sequence', 'bigint', (t) => t.debitSequence],
      ['credit_sequence', 'bigint', (t) => t.creditSequence],
      ['debit_balance_after', 'bigint', (t) => t.debitBalanceAfter],
      ['credit_balance_after', 'bigint', (t) => t.creditBalanceAfter],
    ]),
    ...insert(
      'accounts',
      [...rows.accounts.values()],
      [
        of,
        ['id', 'uuid', (a) => uuidOf(a.id)],
        ['kind', 'text', (a) => a.kind],
        ['customer_id', 'uuid', (a) => orNull(a.customer)],
        ['currency', 'text', (a) => a.currency],
        ['debits', 'bigint', (a) => a.debits],
        ['credits', 'bigint', (a) => a.credits],
        ['sequence', 'bigint', (a) => a.sequence],
        ['posted_at', 'timestamptz', (a) => toIsoMicros(a.postedAt)],
      ],
    ).map(
      (accounts) => sql`${accounts}
        on conflict (merchant_id, id) do update set debits = excluded.debits, credits = excluded.credits,
          sequence = excluded.sequence, posted_at = excluded.posted_at`,
    ),
  ];
};
