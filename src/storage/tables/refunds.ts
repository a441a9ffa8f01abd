/** Refunds. */
import { derivedId } from '../../domain/ids.ts';
import type { Refund } from '../../domain/payment.ts';
import type { PostedTransfer } from '../../domain/transfer.ts';
import type { Micros } from '../../domain/time.ts';
import { insert, overwrite, type Bulk } from './bulk.ts';
import { bigint, boolean, id, instant, orNull, text } from './codec.ts';
import { beside, changing, key, once, table, type Row, type Table } from './table.ts';

/** A refund, and from when until when it holds what is to go back. */
interface HeldRefund extends Refund {
  readonly heldAt: Micros;
  readonly freedAt: Micros | null;
}

const REFUNDS: Table<'refunds', Refund, HeldRefund> = table(
  'refunds',
  {
    merchant: key(id('mer')),
    id: key(id('re')),
    payment: once(id('pay')),
    amount: changing(bigint),
    currency: once(text()),
    status: changing(text()),
    reason: once(orNull(text())),
    failureReason: changing(orNull(text())),
    stripeId: changing(orNull(text())),
    posted: changing(boolean),
    reversed: changing(boolean),
    createdAt: once(instant),
  },
  {
    held_at: beside('once', instant, (r) => r.heldAt),
    freed_at: beside('once', orNull(instant), (r) => r.freedAt),
  },
);

/** A transfer that was posted of a refund or a dispute, by whichever version. */
export interface Posted {
  readonly kind: string;
  readonly amount: bigint;
}
export type Reversals = ReadonlyMap<string, Posted>;

/** What was posted of it is told by the ledger: the release before does not note it. */
export const refundOf = (row: Row<'refunds'>, reversals: Reversals = new Map()): Refund => {
  const refund = REFUNDS.read(row);
  return {
    ...refund,
    posted: refund.posted || reversals.has(derivedId('tr', refund.id)),
    reversed: refund.reversed || reversals.has(derivedId('tr', refund.id, 1)),
  };
};

/** Called by `batch.ts`, once for all refunds of a batch. */
export const writeRefunds: Bulk<HeldRefund> = insert(REFUNDS, {
  onConflict: `${overwrite(REFUNDS)},
    freed_at = case when refunds.status = 'pending' then excluded.freed_at else refunds.freed_at end`,
});

/** What a refund holds is free when it is posted, and else at once. */
export const held = (refunds: Iterable<Refund>, transfers: readonly PostedTransfer[], now: Micros): HeldRefund[] => {
  const postedAt = new Map(transfers.map((transfer) => [transfer.id, transfer.postedAt]));
  return Array.from(refunds, (refund) => {
    const freedAt = refund.status === 'pending' ? null : (postedAt.get(derivedId('tr', refund.id)) ?? now);
    return { ...refund, heldAt: freedAt ?? now, freedAt };
  });
};
