/** Attempts: one table for all kinds of them. */
import { idOf } from '../../domain/ids.ts';
import type { Attempt, AttemptBase, ConfirmAttempt } from '../../domain/payment.ts';
import type { Writes } from '../../domain/state.ts';
import type { Micros } from '../../domain/time.ts';
import { insert, update, type Bulk } from './bulk.ts';
import { bigint, boolean, id, instant, int, orNull, smallint, text, uuid } from './codec.ts';
import { beside, constant, elsewhere, follows, key, once, stamped, table, type Row, type Table } from './table.ts';

/**
 * `owned_until` of what this version has begun or taken over: the release before, which goes by that column, leaves it
 * alone, since it would send Stripe another key, and charge a second time. Ours is `leased_until`.
 */
export const NEVER_OLD = '9999-01-01T00:00:00Z';

const ATTEMPTS: Table<'attempts', AttemptBase, Attempt> = table(
  'attempts',
  {
    merchant: key(id('mer')),
    id: key(id('att')),
    payment: once(id('pay')),
    claim: once(orNull(uuid())),
    // The release before sent the attempt's own id, and stored none.
    stripeKey: follows((row) => row.stripe_key ?? idOf('att', row.id)),
    requestId: once(text()),
    replyStatus: once(smallint()),
    showsSecret: once(boolean),
    ownedUntil: follows((row) => (row.leased_until ?? row.owned_until) as Micros),
    fence: once(int),
    startedAt: once(instant),
    seenTo: elsewhere(orNull(text())),
  },
  {
    stripe_key: beside('once', text(), (a) => a.stripeKey),
    owned_until: constant('once', `'${NEVER_OLD}'::timestamptz`),
    leased_until: beside('once', instant, (a) => a.ownedUntil),
    kind: beside('once', text(), (a) => a.kind),
    payment_method: beside('once', orNull(text()), (a) => (a.kind === 'confirm' ? a.paymentMethod : null)),
    in_page: beside('once', boolean, (a) => a.kind === 'confirm' && a.inPage),
    stripe_customer: beside('once', orNull(text()), (a) => (a.kind === 'confirm' ? a.stripeCustomer : null)),
    used_for: beside('once', orNull(text()), (a) => (a.kind === 'confirm' ? a.usedFor : null)),
    amount: beside('once', orNull(bigint), (a) => ('amount' in a ? a.amount : null)),
    refund_id: beside('once', orNull(id('re')), (a) => (a.kind === 'refund' ? a.refund : null)),
    reason: beside('once', orNull(text()), (a) => (a.kind === 'refund' ? a.reason : null)),
  },
);

export const attemptOf = (row: Row<'attempts'>): Attempt => {
  const base = ATTEMPTS.read(row);
  switch (row.kind as Attempt['kind']) {
    case 'confirm':
      return {
        ...base,
        kind: 'confirm',
        paymentMethod: row.payment_method ?? '',
        inPage: row.in_page,
        stripeCustomer: row.stripe_customer,
        usedFor: row.used_for as ConfirmAttempt['usedFor'],
      };
    case 'capture':
      return { ...base, kind: 'capture', amount: row.amount };
    case 'cancel':
      return { ...base, kind: 'cancel' };
    case 'refund':
      return {
        ...base,
        kind: 'refund',
        refund: idOf('re', row.refund_id ?? ''),
        amount: row.amount ?? 0n,
        reason: row.reason,
      };
  }
};

export const insertAttempts: Bulk<Attempt> = insert(ATTEMPTS);

type Settled = Writes['settled'][number];

const SETTLED: Table<'attempts', object, Settled> = table(
  'attempts',
  {},
  {
    merchant_id: beside('key', id('mer'), (s) => s.merchant),
    id: beside('key', id('att'), (s) => s.attempt),
    outcome: beside('changing', text(), (s) => s.outcome),
    stripe_request_id: beside('changing', orNull(text()), (s) => s.stripeRequestId),
    settled_at: stamped('changing'),
  },
);

/** Once: whoever comes second changes nothing. */
export const settleAttempts: Bulk<Settled> = update(SETTLED, { where: 'attempts.outcome is null' });
