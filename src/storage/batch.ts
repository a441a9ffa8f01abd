/**
 * The second half of a commit's SQL: what was decided is written, each table once, from arrays.
 */
import { sql, type RawBuilder } from 'kysely';
import type { Writes } from '../domain/state.ts';
import { derivedId, uuidOf } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { jsons, plain, texts } from './arrays.ts';
import { contradictionsInsert } from './contradictions.ts';
import { NEVER_OLD } from './leases.ts';
import { insertHolders, updateHolders, writeMethods, writeSetups } from './saved.ts';
import type { Flight } from './transaction.ts';

/**
 * Writes what was decided, and `id`, which names the batch: it can be committed once. It is one statement, so that
 * there is no part of it that COMMIT, which leaves with it, could find done. All of it sees the rows as they were
 * before: a row that one part inserts, another cannot update.
 */
export const writeState = (id: string, writes: Writes, now: Micros): RawBuilder<unknown> => {
  const writers = [
    insertCustomers,
    insertHolders,
    updateHolders,
    writeMethods,
    writeSetups,
    insertItems,
    insertPayments,
    updatePayments,
    insertAttempts,
    settleAttempts,
    writeRefunds,
    writeDisputes,
    writeSeconds,
    insertIntents,
    insertContradictions,
    updateAccounts,
    insertTransfers,
    insertBalance,
    writePayouts,
    insertClaims,
    answerClaims,
    insertEvents,
  ];
  const parts = writers.flatMap((write) => write(writes, toIsoMicros(now)) ?? []);
  const named = parts.map((part, at) => sql`${sql.raw(`part_${at}`)} as (${part})`);
  const batch = sql`insert into batches (id) values (${id}::uuid)`;
  return named.length === 0 ? batch : sql`with ${sql.join(named)} ${batch}`;
};

/**
 * Settles whether the batch of that id was committed: once this is committed itself, the answer stands for ever. It waits
 * for a transaction that is still about to commit the batch; where none has, it takes the batch's place by a fence, so
 * that none can any more. It always writes, so that it is waited for as every commit is: what it found is then as durable.
 */
export const fenceBatch = async (flight: Flight, id: string): Promise<'stands' | 'fenced'> => {
  const [row] = await flight(fenceOf(id));
  return row?.is_fence === false ? 'stands' : 'fenced';
};

export const fenceOf = (id: string): RawBuilder<{ readonly is_fence: boolean }> => sql`
  insert into batches (id, is_fence) values (${id}::uuid, true)
  on conflict (id) do update set created_at = excluded.created_at returning is_fence`;

type Writer = (writes: Writes, nowIso: string) => RawBuilder<unknown> | undefined;

const insertCustomers: Writer = ({ customers: rows }) => {
  if (rows.length === 0) return undefined;
  return sql`
    insert into customers (merchant_id, id, name, email, metadata, created_at)
    select * from unnest(
      ${plain(rows.map((c) => uuidOf(c.merchant)))}::uuid[], ${plain(rows.map((c) => uuidOf(c.id)))}::uuid[],
      ${texts(rows.map((c) => c.name))}::text[], ${texts(rows.map((c) => c.email))}::text[],
      ${jsons(rows.map((c) => JSON.stringify(c.metadata)))}::jsonb[], ${plain(rows.map((c) => toIsoMicros(c.createdAt)))}::timestamptz[]
    )`;
};

const insertItems: Writer = ({ items: rows }) => {
  if (rows.length === 0) return undefined;
  return sql`
    insert into items (merchant_id, id, name, unit_price, currency)
    select * from unnest(
      ${plain(rows.map((i) => uuidOf(i.merchant)))}::uuid[], ${texts(rows.map((i) => i.id))}::text[], ${texts(rows.map((i) => i.name))}::text[],
      ${plain(rows.map((i) => i.unitPrice))}::numeric[], ${texts(rows.map((i) => i.currency))}::text[]
    )`;
};

const insertPayments: Writer = ({ newPayments: rows }) => {
  if (rows.length === 0) return undefined;
  return sql`
    insert into payments (merchant_id, id, customer_id, amount, currency, status, payment_method, capture_method,
                          return_url, description, reference, metadata, client_secret, attempt, created_at)
    select * from unnest(
      ${plain(rows.map((p) => uuidOf(p.merchant)))}::uuid[], ${plain(rows.map((p) => uuidOf(p.id)))}::uuid[],
      ${plain(rows.map((p) => uuidOf(p.customer)))}::uuid[], ${plain(rows.map((p) => p.amount))}::bigint[],
      ${texts(rows.map((p) => p.currency))}::text[], ${texts(rows.map((p) => p.status))}::text[],
      ${texts(rows.map((p) => p.paymentMethod))}::text[], ${texts(rows.map((p) => p.captureMethod))}::text[],
      ${texts(rows.map((p) => p.returnUrl))}::text[], ${texts(rows.map((p) => p.description))}::text[],
      ${texts(rows.map((p) => p.reference))}::text[], ${jsons(rows.map((p) => JSON.stringify(p.metadata)))}::jsonb[], ${texts(rows.map((p) => p.clientSecret))}::text[],
      ${plain(rows.map((p) => p.attempt && uuidOf(p.attempt)))}::uuid[],
      ${plain(rows.map((p) => toIsoMicros(p.createdAt)))}::timestamptz[]
    )`;
};

const updatePayments: Writer = ({ payments, updated }) => {
  if (payments.size === 0) return undefined;
  const rows = [...payments.values()];
  // What they say is sent along where one of them says something else now: most batches spare it.
  const says = updated.size > 0;
  return sql`
    update payments p set status = w.status, amount_captured = w.amount_captured, payment_method = w.payment_method,
      next_action = w.next_action, last_error = w.last_error, intent = w.intent, attempt = w.attempt,
      amount_refunded = w.amount_refunded, refunds_pending = w.refunds_pending, return_url = w.return_url,
      ended_attempt = w.ended_attempt, may_exist = w.may_exist
      ${says ? sql`, amount = w.amount, description = w.description, reference = w.reference, metadata = w.metadata` : sql``}
    from unnest(
      ${plain(rows.map((p) => uuidOf(p.merchant)))}::uuid[], ${plain(rows.map((p) => uuidOf(p.id)))}::uuid[],
      ${texts(rows.map((p) => p.status))}::text[], ${plain(rows.map((p) => p.amountCaptured))}::bigint[],
      ${texts(rows.map((p) => p.paymentMethod))}::text[], ${jsons(rows.map((p) => p.nextAction && JSON.stringify(p.nextAction)))}::jsonb[],
      ${jsons(rows.map((p) => p.lastError && JSON.stringify(p.lastError)))}::jsonb[], ${texts(rows.map((p) => p.intent))}::text[],
      ${plain(rows.map((p) => p.attempt && uuidOf(p.attempt)))}::uuid[],
      ${plain(rows.map((p) => p.amountRefunded))}::bigint[], ${plain(rows.map((p) => p.refundsPending))}::bigint[],
      ${texts(rows.map((p) => p.returnUrl))}::text[], ${plain(rows.map((p) => (p.underWay ? null : p.attempt && uuidOf(p.attempt))))}::uuid[],
      ${plain(rows.map((p) => p.mayExist))}::boolean[]
      ${says ? saysOf(rows) : sql``}
    ) w (merchant_id, id, status, amount_captured, payment_method, next_action, last_error, intent, attempt,
         amount_refunded, refunds_pending, return_url, ended_attempt, may_exist
         ${says ? sql`, amount, description, reference, metadata` : sql``})
    where p.merchant_id = w.merchant_id and p.id = w.id`;
};

const saysOf = (rows: readonly Payment[]): RawBuilder<unknown> => sql`
  , ${plain(rows.map((p) => p.amount))}::bigint[], ${texts(rows.map((p) => p.description))}::text[],
  ${texts(rows.map((p) => p.reference))}::text[], ${jsons(rows.map((p) => JSON.stringify(p.metadata)))}::jsonb[]`;

const insertAttempts: Writer = ({ attempts: rows }) => {
  if (rows.length === 0) return undefined;
  return sql`
    insert into attempts (merchant_id, id, payment_id, kind, payment_method, amount, refund_id, claim_id, request_id,
                          reply_status, shows_secret, owned_until, leased_until, fence, reason, stripe_key, in_page,
                          stripe_customer, used_for, started_at)
    select * from unnest(
      ${plain(rows.map((a) => uuidOf(a.merchant)))}::uuid[], ${plain(rows.map((a) => uuidOf(a.id)))}::uuid[],
      ${plain(rows.map((a) => uuidOf(a.payment)))}::uuid[], ${texts(rows.map((a) => a.kind))}::text[],
      ${texts(rows.map((a) => (a.kind === 'confirm' ? a.paymentMethod : null)))}::text[],
      ${plain(rows.map((a) => ('amount' in a ? a.amount : null)))}::bigint[],
      ${plain(rows.map((a) => (a.kind === 'refund' ? uuidOf(a.refund) : null)))}::uuid[], ${plain(rows.map((a) => a.claim))}::uuid[],
      ${texts(rows.map((a) => a.requestId))}::text[], ${plain(rows.map((a) => a.replyStatus))}::smallint[],
      ${plain(rows.map((a) => a.showsSecret))}::boolean[],
      ${plain(rows.map(() => NEVER_OLD))}::timestamptz[], ${plain(rows.map((a) => toIsoMicros(a.ownedUntil)))}::timestamptz[],
      ${plain(rows.map((a) => a.fence))}::int[], ${texts(rows.map((a) => (a.kind === 'refund' ? a.reason : null)))}::text[],
      ${texts(rows.map((a) => a.stripeKey))}::text[], ${plain(rows.map((a) => a.kind === 'confirm' && a.inPage))}::boolean[],
      ${texts(rows.map((a) => (a.kind === 'confirm' ? a.stripeCustomer : null)))}::text[],
      ${texts(rows.map((a) => (a.kind === 'confirm' ? a.usedFor : null)))}::text[],
      ${plain(rows.map((a) => toIsoMicros(a.startedAt)))}::timestamptz[]
    )`;
};

const settleAttempts: Writer = ({ settled: rows }, nowIso) => {
  if (rows.length === 0) return undefined;
  return sql`
    update attempts a
    set outcome = w.outcome, stripe_request_id = w.stripe_request_id, settled_at = ${nowIso}::timestamptz
    from unnest(
      ${plain(rows.map((s) => uuidOf(s.merchant)))}::uuid[], ${plain(rows.map((s) => uuidOf(s.attempt)))}::uuid[],
      ${texts(rows.map((s) => s.outcome))}::text[], ${texts(rows.map((s) => s.stripeRequestId))}::text[]
    ) w (merchant_id, id, outcome, stripe_request_id)
    where a.merchant_id = w.merchant_id and a.id = w.id and a.outcome is null`;
};

/** What a refund holds is free when it is posted, and else at once. */
const writeRefunds: Writer = ({ refunds, transfers }, nowIso) => {
  if (refunds.size === 0) return undefined;
  const rows = [...refunds.values()];
  const postedAt = new Map(transfers.map((t) => [t.id, toIsoMicros(t.postedAt)]));
  const freedAt = ({ id, status }: (typeof rows)[number]): string | null =>
    status === 'pending' ? null : (postedAt.get(derivedId('tr', id)) ?? nowIso);
  return sql`
    insert into refunds as r (merchant_id, id, payment_id, amount, currency, status, reason, failure_reason, stripe_id,
                              posted, reversed, created_at, held_at, freed_at)
    select w.merchant_id, w.id, w.payment_id, w.amount, w.currency, w.status, w.reason, w.failure_reason, w.stripe_id,
      w.posted, w.reversed, w.created_at, coalesce(w.freed_at, ${nowIso}::timestamptz), w.freed_at
    from unnest(
      ${plain(rows.map((r) => uuidOf(r.merchant)))}::uuid[], ${plain(rows.map((r) => uuidOf(r.id)))}::uuid[],
      ${plain(rows.map((r) => uuidOf(r.payment)))}::uuid[], ${plain(rows.map((r) => r.amount))}::bigint[],
      ${texts(rows.map((r) => r.currency))}::text[], ${texts(rows.map((r) => r.status))}::text[],
      ${texts(rows.map((r) => r.reason))}::text[], ${texts(rows.map((r) => r.failureReason))}::text[],
      ${texts(rows.map((r) => r.stripeId))}::text[], ${plain(rows.map((r) => r.posted))}::boolean[],
      ${plain(rows.map((r) => r.reversed))}::boolean[], ${plain(rows.map((r) => toIsoMicros(r.createdAt)))}::timestamptz[],
      ${plain(rows.map(freedAt))}::timestamptz[]
    ) w (merchant_id, id, payment_id, amount, currency, status, reason, failure_reason, stripe_id, posted, reversed,
         created_at, freed_at)
    on conflict (merchant_id, id) do update set status = excluded.status, amount = excluded.amount,
      failure_reason = excluded.failure_reason, stripe_id = excluded.stripe_id, posted = excluded.posted,
      reversed = excluded.reversed, freed_at = case when r.status = 'pending' then excluded.freed_at else r.freed_at end`;
};

const writeDisputes: Writer = ({ disputes }) => {
  if (disputes.size === 0) return undefined;
  const rows = [...disputes.values()];
  return sql`
    insert into disputes (merchant_id, id, payment_id, amount, currency, status, reason, stripe_id, withdrawn, reinstated,
                          lost, turns, lines, created_at)
    select w.merchant_id, w.id, w.payment_id, w.amount, w.currency, w.status, w.reason, w.stripe_id, w.withdrawn,
      w.reinstated, w.lost, w.turns, w.lines::text[], w.created_at
    from unnest(
      ${plain(rows.map((d) => uuidOf(d.merchant)))}::uuid[], ${plain(rows.map((d) => uuidOf(d.id)))}::uuid[],
      ${plain(rows.map((d) => uuidOf(d.payment)))}::uuid[], ${plain(rows.map((d) => d.amount))}::bigint[],
      ${texts(rows.map((d) => d.currency))}::text[], ${texts(rows.map((d) => d.status))}::text[],
      ${texts(rows.map((d) => d.reason))}::text[], ${texts(rows.map((d) => d.stripeId))}::text[],
      ${plain(rows.map((d) => d.withdrawn))}::bigint[], ${plain(rows.map((d) => d.reinstated))}::bigint[],
      ${plain(rows.map((d) => d.lost))}::bigint[], ${plain(rows.map((d) => d.turns))}::int[],
      ${texts(rows.map((d) => texts(d.lines)))}::text[], ${plain(rows.map((d) => toIsoMicros(d.createdAt)))}::timestamptz[]
    ) w (merchant_id, id, payment_id, amount, currency, status, reason, stripe_id, withdrawn, reinstated, lost, turns,
         lines, created_at)
    on conflict (merchant_id, id) do update set status = excluded.status, withdrawn = excluded.withdrawn,
      reinstated = excluded.reinstated, lost = excluded.lost, turns = excluded.turns, lines = excluded.lines`;
};

const writeSeconds: Writer = ({ seconds }) => {
  if (seconds.size === 0) return undefined;
  const rows = [...seconds.values()];
  return sql`
    insert into second_charges (merchant_id, id, payment_id, currency, received, returned)
    select * from unnest(
      ${plain(rows.map((s) => uuidOf(s.merchant)))}::uuid[], ${texts(rows.map((s) => s.intent))}::text[],
      ${plain(rows.map((s) => uuidOf(s.payment)))}::uuid[], ${texts(rows.map((s) => s.currency))}::text[],
      ${plain(rows.map((s) => s.received))}::bigint[], ${plain(rows.map((s) => s.returned))}::bigint[]
    )
    on conflict (merchant_id, id) do update set received = excluded.received, returned = excluded.returned`;
};

const insertIntents: Writer = ({ intents: rows }) => {
  if (rows.length === 0) return undefined;
  return sql`
    insert into intents (id, merchant_id, payment_id)
    select * from unnest(
      ${texts(rows.map((i) => i.intent))}::text[], ${plain(rows.map((i) => uuidOf(i.merchant)))}::uuid[],
      ${plain(rows.map((i) => uuidOf(i.payment)))}::uuid[]
    )
    on conflict do nothing`;
};

const insertContradictions: Writer = ({ contradictions }, nowIso) =>
  contradictions.length === 0 ? undefined : contradictionsInsert(contradictions, nowIso);

const updateAccounts: Writer = ({ accounts }) => {
  if (accounts.size === 0) return undefined;
  const rows = [...accounts.values()];
  return sql`
    update accounts a set debits = w.debits, credits = w.credits, pending = w.pending, sequence = w.sequence, posted_at = w.posted_at
    from unnest(
      ${plain(rows.map((a) => uuidOf(a.merchant)))}::uuid[], ${plain(rows.map((a) => uuidOf(a.id)))}::uuid[],
      ${plain(rows.map((a) => a.debits))}::bigint[], ${plain(rows.map((a) => a.credits))}::bigint[],
      ${plain(rows.map((a) => a.pending))}::bigint[], ${plain(rows.map((a) => a.sequence))}::bigint[], ${plain(rows.map((a) => toIsoMicros(a.postedAt)))}::timestamptz[]
    ) w (merchant_id, id, debits, credits, pending, sequence, posted_at)
    where a.merchant_id = w.merchant_id and a.id = w.id`;
};

const insertTransfers: Writer = ({ transfers: rows }) => {
  if (rows.length === 0) return undefined;
  const more = rows.some((t) => t.reference !== undefined || t.metadata || t.reverses) ? detailsOf(rows) : NO_DETAILS;
  return sql`
    insert into transfers (merchant_id, id, kind, debit, credit, amount, currency, description, payment_id, posted_at,
                           debit_sequence, credit_sequence, debit_balance_after, credit_balance_after${more.columns})
    select * from unnest(
      ${plain(rows.map((t) => uuidOf(t.merchant)))}::uuid[], ${plain(rows.map((t) => uuidOf(t.id)))}::uuid[],
      ${texts(rows.map((t) => t.kind))}::text[], ${plain(rows.map((t) => uuidOf(t.debit)))}::uuid[],
      ${plain(rows.map((t) => uuidOf(t.credit)))}::uuid[], ${plain(rows.map((t) => t.amount))}::bigint[],
      ${texts(rows.map((t) => t.currency))}::text[], ${texts(rows.map((t) => t.description))}::text[],
      ${plain(rows.map((t) => t.payment && uuidOf(t.payment)))}::uuid[], ${plain(rows.map((t) => toIsoMicros(t.postedAt)))}::timestamptz[],
      ${plain(rows.map((t) => t.debitSequence))}::bigint[], ${plain(rows.map((t) => t.creditSequence))}::bigint[],
      ${plain(rows.map((t) => t.debitBalanceAfter))}::bigint[], ${plain(rows.map((t) => t.creditBalanceAfter))}::bigint[]${more.values}
    )`;
};

/** Few transfers have any: a batch without them is written by a statement that does not know them. */
const NO_DETAILS = { columns: sql``, values: sql`` };
const detailsOf = (rows: Writes['transfers']): typeof NO_DETAILS => ({
  columns: sql`, reference, metadata, reverses, reason, effective_date`,
  values: sql`,
      ${texts(rows.map((t) => t.reference ?? null))}::text[],
      ${jsons(rows.map((t) => (t.metadata ? JSON.stringify(t.metadata) : null)))}::jsonb[],
      ${plain(rows.map((t) => (t.reverses ? uuidOf(t.reverses.transfer) : null)))}::uuid[],
      ${texts(rows.map((t) => t.reverses?.reason ?? null))}::text[],
      ${plain(rows.map((t) => t.reverses?.effectiveDate ?? null))}::date[]`,
});

/** One without a posting locks no account, and may meet itself. */
const insertBalance: Writer = ({ balance }, nowIso) => {
  if (balance.size === 0) return undefined;
  const rows = [...balance.values()];
  return sql`
    insert into balance_transactions (merchant_id, id, payment_id, kind, source, gross, fee, currency, charged,
                                      charged_currency, created_at, posted_at)
    select w.*, ${nowIso}::timestamptz from unnest(
      ${plain(rows.map((b) => uuidOf(b.merchant)))}::uuid[], ${texts(rows.map((b) => b.id))}::text[],
      ${plain(rows.map((b) => uuidOf(b.payment)))}::uuid[], ${texts(rows.map((b) => b.kind))}::text[],
      ${texts(rows.map((b) => b.source))}::text[], ${plain(rows.map((b) => b.gross))}::bigint[],
      ${plain(rows.map((b) => b.fee))}::bigint[], ${texts(rows.map((b) => b.currency))}::text[],
      ${plain(rows.map((b) => b.charged))}::bigint[], ${texts(rows.map((b) => b.chargedCurrency))}::text[],
      ${plain(rows.map((b) => toIsoMicros(b.createdAt)))}::timestamptz[]
    ) w
    on conflict do nothing`;
};

const writePayouts: Writer = ({ payouts }) => {
  if (payouts.size === 0) return undefined;
  const rows = [...payouts.values()];
  return sql`
    insert into payouts (merchant_id, id, currency, amount, status, created_at)
    select * from unnest(
      ${plain(rows.map((p) => uuidOf(p.merchant)))}::uuid[], ${texts(rows.map((p) => p.payout))}::text[],
      ${texts(rows.map((p) => p.currency))}::text[], ${plain(rows.map((p) => p.amount))}::bigint[],
      ${texts(rows.map((p) => p.status))}::text[], ${plain(rows.map((p) => toIsoMicros(p.createdAt)))}::timestamptz[]
    )
    on conflict (merchant_id, id) do update set status = excluded.status`;
};

/** Sorted, since a key that another process is inserting is waited for. */
const insertClaims: Writer = ({ claims }, nowIso) => {
  if (claims.length === 0) return undefined;
  const rows = claims.toSorted((a, b) => (a.claim.id < b.claim.id ? -1 : 1));
  return sql`
    insert into claims (merchant_id, id, key, operation, request_hash, status, body, created_at)
    select w.*, ${nowIso}::timestamptz from unnest(
      ${plain(rows.map((c) => uuidOf(c.merchant)))}::uuid[], ${plain(rows.map((c) => c.claim.id))}::uuid[],
      ${texts(rows.map((c) => c.claim.key))}::text[], ${texts(rows.map((c) => c.claim.operation))}::text[],
      ${plain(rows.map((c) => c.claim.requestHash))}::uuid[], ${plain(rows.map((c) => c.reply?.status ?? null))}::smallint[],
      ${jsons(rows.map((c) => c.reply?.body ?? null))}::text[]
    ) w`;
};

/** The days that a key is kept begin with its reply: one that was settled late is replayed as long as any other. */
const answerClaims: Writer = ({ answers }, nowIso) => {
  if (answers.length === 0) return undefined;
  const rows = answers.toSorted((a, b) => (a.claim < b.claim ? -1 : 1));
  return sql`
    update claims c set status = w.status, body = w.body, created_at = ${nowIso}::timestamptz
    from unnest(
      ${plain(rows.map((a) => uuidOf(a.merchant)))}::uuid[], ${plain(rows.map((a) => a.claim))}::uuid[],
      ${plain(rows.map((a) => a.reply.status))}::smallint[], ${jsons(rows.map((a) => a.reply.body))}::text[]
    ) w (merchant_id, id, status, body)
    where c.merchant_id = w.merchant_id and c.id = w.id and c.status is null`;
};

const insertEvents: Writer = ({ events: rows }, nowIso) => {
  if (rows.length === 0) return undefined;
  return sql`
    insert into events (merchant_id, id, type, subject, data, created_at)
    select w.*, ${nowIso}::timestamptz from unnest(
      ${plain(rows.map((e) => uuidOf(e.merchant)))}::uuid[], ${plain(rows.map((e) => uuidOf(e.id)))}::uuid[],
      ${texts(rows.map((e) => e.type))}::text[], ${texts(rows.map((e) => e.subject))}::text[], ${jsons(rows.map((e) => e.data))}::json[]
    ) w`;
};
