/** Everything that is recorded of one payment, for its timeline. */
import { sql, type Kysely } from 'kysely';
import { uuidOf, type MerchantId, type PaymentId } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';

/** One thing that happened, as it was recorded. */
export interface Happening {
  readonly at: Micros;
  readonly what:
    | 'attempt began'
    | 'attempt ended'
    | 'posted'
    | 'event'
    | 'delivery'
    | 'told by stripe'
    | 'contradiction'
    | 'contradiction resolved';
  /** Names of columns of ours, and values that hold ids, kinds and amounts. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export type History = readonly Happening[];

/** Far more than any payment has; a disputed one with ten refunds has fewer than a hundred. */
const HISTORY_MAX = 1_000;

export const readHistory = async (db: Kysely<DB>, merchant: MerchantId, payment: PaymentId): Promise<History> => {
  const of = sql`${uuidOf(merchant)}::uuid`;
  const id = sql`${uuidOf(payment)}::uuid`;
  // What was written in one commit comes in the order in which one thing follows from the other. A posting to a busy
  // account is a little later than the event of its commit: it stands where that does.
  const { rows } = await sql<Happening>`
    select at, what, details from (
      select 1 as rank, started_at as place, started_at as at, 'attempt began' as what, json_build_object('attempt', id, 'kind', kind,
        'payment_method', payment_method, 'amount', amount::text, 'refund', 're_' || replace(refund_id::text, '-', ''), 'idempotency_key', (select c.key from claims c
        where c.merchant_id = a.merchant_id and c.id = a.claim_id), 'request_id', request_id, 'off_session', coalesce(used_for = 'off_session', false)) as details
      from attempts a where merchant_id = ${of} and payment_id = ${id}
      union all
      select 2, received_at, received_at, 'told by stripe', json_build_object('stripe_event', id, 'type', type, 'outcome', outcome)
      from stripe_events where payment_id = ${id}
      union all
      select 3, settled_at, settled_at, 'attempt ended', json_build_object('attempt', id, 'kind', kind, 'outcome', outcome,
        'amount', amount::text, 'reason', coalesce((select r.failure_reason from refunds r
        where r.merchant_id = a.merchant_id and r.id = a.refund_id), (select e.data::jsonb #>> '{last_error,message}'
        from events e where e.merchant_id = a.merchant_id and e.subject = ${payment}
        and e.created_at = a.settled_at limit 1)),
        'stripe_request_id', stripe_request_id, 'fence', fence)
      from attempts a where merchant_id = ${of} and payment_id = ${id} and settled_at is not null
      union all
      select 4, coalesce((select max(e.created_at) from events e where e.merchant_id = t.merchant_id
        and e.subject = ${payment} and e.created_at <= t.posted_at
        and e.created_at > t.posted_at - interval '20 milliseconds'), t.posted_at), posted_at, 'posted', json_build_object('transfer', 'tr_' || replace(id::text, '-', ''), 'kind', kind,
        'amount', amount::text, 'currency', currency, 'debit', 'acct_' || replace(debit::text, '-', ''),
        'credit', 'acct_' || replace(credit::text, '-', ''), 'description', description)
      from transfers t where merchant_id = ${of} and payment_id = ${id}
      union all
      select 5, created_at, created_at, 'event', json_build_object('event', 'evt_' || replace(id::text, '-', ''), 'type', type,
        'reason', coalesce(e.data::jsonb #>> '{last_error,message}', e.data::jsonb ->> 'failure_reason'), 'answers', exists (select from attempts a
        where a.merchant_id = e.merchant_id and a.payment_id = ${id} and a.settled_at = e.created_at))
      from events e where merchant_id = ${of} and subject = ${payment}
      union all
      select 6, t.started_at, t.started_at, 'delivery', json_build_object('event', 'evt_' || replace(t.event_id::text, '-', ''),
        'type', e.type, 'endpoint', 'we_' || replace(t.endpoint_id::text, '-', ''), 'try', t.number, 'status', t.status_code, 'error', t.error)
      from delivery_tries t join events e on e.merchant_id = t.merchant_id and e.id = t.event_id
      where e.merchant_id = ${of} and e.subject = ${payment}
      union all
      select 7, c.seen_at, c.seen_at, 'contradiction', json_build_object('contradiction', 'ctr_' || replace(id::text, '-', ''),
        'kind', kind, 'subject', subject, 'amount', amount::text, 'currency', currency, 'detail', detail)
      from contradictions c where merchant_id = ${of} and payment_id = ${id}
      union all
      select 8, c.resolved_at, c.resolved_at, 'contradiction resolved', json_build_object('contradiction',
        'ctr_' || replace(id::text, '-', ''), 'kind', kind, 'subject', subject, 'resolution', resolution)
      from contradictions c where merchant_id = ${of} and payment_id = ${id} and resolved_at is not null
    ) h
    order by date_trunc('milliseconds', place), rank, at limit ${HISTORY_MAX}`.execute(db);
  return rows;
};
