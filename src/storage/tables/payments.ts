/** Payments. */
import type { Payment } from '../../domain/payment.ts';
import { NOTHING_SAID } from '../../domain/payment-details.ts';
import { insert, update, type Bulk } from './bulk.ts';
import { bigint, boolean, id, instant, json, orNull, text } from './codec.ts';
import { beside, changing, follows, key, later, once, table, type Row, type Table } from './table.ts';

const PAYMENTS: Table<'payments', Payment> = table(
  'payments',
  {
    merchant: key(id('mer')),
    id: key(id('pay')),
    customer: once(id('cus')),
    amount: changing(bigint),
    amountCaptured: later(bigint),
    amountRefunded: later(bigint),
    amountReturned: later(bigint),
    currency: once(text()),
    status: changing(text()),
    paymentMethod: changing(orNull(text())),
    captureMethod: once(text()),
    returnUrl: changing(orNull(text())),
    description: changing(orNull(text())),
    metadata: changing(json()),
    reference: changing(orNull(text())),
    clientSecret: once(text()),
    nextAction: later(orNull(json())),
    lastError: later(orNull(json())),
    intent: later(orNull(text())),
    attempt: changing(orNull(id('att'))),
    underWay: follows(
      (row) => row.status === 'processing' && row.attempt !== null && row.attempt !== row.ended_attempt,
    ),
    mayExist: later(boolean),
    refundsPending: later(bigint),
    createdAt: once(instant),
  },
  { ended_attempt: beside('later', orNull(id('att')), (p) => (p.underWay ? null : p.attempt)) },
);

export const paymentOf: (row: Row<'payments'>) => Payment = PAYMENTS.read;
export const insertPayments: Bulk<Payment> = insert(PAYMENTS);
/** What they say, and the amount, is seldom changed: most batches spare it. */
export const updatePayments: Bulk<Payment> = update(PAYMENTS, {
  without: ['amount', ...Object.keys(NOTHING_SAID)],
});
export const updateWhatTheySay: Bulk<Payment> = update(PAYMENTS);
export const insertWholePayments: Bulk<Payment> = insert(PAYMENTS, { isWhole: true });
