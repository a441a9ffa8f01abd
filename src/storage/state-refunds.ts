/** What a batch reads of money that goes back: refunds, disputes, second charges, and what was posted of them. */
import { sql, type Selectable } from 'kysely';
import type { Change } from '../domain/change.ts';
import { secondOf } from '../domain/decide.ts';
import { idOf, uuidOf, type PaymentId } from '../domain/ids.ts';
import { REFUNDS_MAX } from '../domain/refunds.ts';
import type { State } from '../domain/state.ts';
import { plain, texts } from './arrays.ts';
import { columnsOf } from './columns.ts';
import { keyed } from './find.ts';
import type { DB } from './schema.ts';
import { sorted } from './sorted.ts';
import { secondChargeOf } from './tables/disputes.ts';
import type { Posted } from './tables/refunds.ts';
import type { Flight } from './transaction.ts';

/** Not locked: whoever writes a refund or a dispute holds its payment. Those too that are Stripe's under another id. */
export const readRefunds = async (
  flight: Flight,
  changes: readonly Change[],
): Promise<readonly Selectable<DB['refunds']>[]> => {
  const wanted = changes.flatMap(({ merchant, payment: step }) => {
    if (step?.kind !== 'settle refund') return [];
    const { payment, refund, settlement } = step;
    return [{ merchant, refund, payment: payment.id, stripe: settlement.found?.stripeId ?? null }];
  });
  if (wanted.length === 0) return [];
  const merchants = plain(wanted.map(({ merchant }) => uuidOf(merchant)));
  return flight(sql<Selectable<DB['refunds']>>`
    select ${columnsOf('refunds', 'r')} from refunds r
    join unnest(${merchants}::uuid[], ${plain(wanted.map(({ refund }) => uuidOf(refund)))}::uuid[]) k (merchant_id, id)
      using (merchant_id, id)
    union select ${columnsOf('refunds', 'r')} from refunds r
    join unnest(${merchants}::uuid[], ${plain(wanted.map(({ payment }) => uuidOf(payment)))}::uuid[],
      ${texts(wanted.map(({ stripe }) => stripe))}::text[]) k (merchant_id, payment_id, stripe_id)
      using (merchant_id, payment_id, stripe_id)`);
};

/** Of payments that are to be refunded. */
export const countRefunds = async (flight: Flight, changes: readonly Change[]): Promise<State['refundParts']> => {
  const asked = changes.flatMap(({ payment: step }) => (step?.kind === 'refund' ? [step.payment.id] : []));
  if (asked.length === 0) return new Map<PaymentId, never>();
  const rows = await flight(sql<{ id: string; parts: number }>`
    select k.id, (select count(*) from (
      select from refunds r where r.payment_id = k.id limit ${REFUNDS_MAX}) r)::int as parts
    from unnest(${plain(asked.map(uuidOf))}::uuid[]) k (id)`);
  return new Map(rows.map(({ id, parts }) => [idOf('pay', id), parts]));
};

export const readDisputes = async (
  flight: Flight,
  changes: readonly Change[],
): Promise<readonly Selectable<DB['disputes']>[]> => {
  const wanted = changes.flatMap(({ merchant, payment: step }) =>
    step?.kind === 'dispute' ? [{ merchant, payment: step.payment.id, stripe: step.found.stripeId }] : [],
  );
  if (wanted.length === 0) return [];
  return flight(sql<Selectable<DB['disputes']>>`
    select ${columnsOf('disputes', 'd')} from disputes d
    join unnest(${plain(wanted.map(({ merchant }) => uuidOf(merchant)))}::uuid[],
      ${plain(wanted.map(({ payment }) => uuidOf(payment)))}::uuid[], ${texts(wanted.map(({ stripe }) => stripe))}::text[])
      k (merchant_id, payment_id, stripe_id) using (merchant_id, payment_id, stripe_id)`);
};

/**
 * What was posted of those payments' refunds and disputes: the release before writes it down nowhere else. Looked up one by
 * one, whatever Postgres knows of the table: of one that was never analyzed it reads all there is of all payments.
 */
export const readReversals = async (
  flight: Flight,
  changes: readonly Change[],
): Promise<ReadonlyMap<string, Posted>> => {
  const keys = changes.flatMap(({ merchant, payment: step }) =>
    step?.kind === 'settle refund' || step?.kind === 'dispute' ? [{ merchant, id: step.payment.id }] : [],
  );
  if (keys.length === 0) return new Map();
  const { merchants, ids } = sorted(keys);
  const rows = await flight(sql<Pick<Selectable<DB['transfers']>, 'id' | 'kind' | 'amount'>>`
    select t.id, t.kind, t.amount from unnest(${plain(merchants)}::uuid[], ${plain(ids)}::uuid[]) k (merchant_id, payment_id),
      lateral (select t.id, t.kind, t.amount from transfers t
        where t.merchant_id = k.merchant_id and t.payment_id = k.payment_id
          and t.kind in ('refund', 'refund_reversed', 'dispute_opened', 'dispute_won', 'dispute_lost')
        offset 0) t`);
  return new Map(rows.map(({ id, kind, amount }) => [idOf('tr', id), { kind, amount }]));
};

const secondCharges = keyed('second_charges', { idType: 'text' });
/** Not locked either: a second charge is written by who holds its payment. */
export const readSeconds = async (flight: Flight, changes: readonly Change[]): Promise<State['seconds']> => {
  const keys = changes.flatMap(({ merchant, payment: step }) => {
    const intent = step && secondOf(step);
    return intent === undefined ? [] : [{ merchant, intent }];
  });
  if (keys.length === 0) return new Map<string, never>();
  const merchants = plain(keys.map(({ merchant }) => uuidOf(merchant)));
  const rows = await flight(secondCharges(merchants, texts(keys.map(({ intent }) => intent))));
  return new Map(rows.map(secondChargeOf).map((second) => [second.intent, second]));
};
