/** Disputes, and charges of a payment that was paid already. */
import { derivedId, type DisputeId } from '../../domain/ids.ts';
import type { Dispute, SecondCharge } from '../../domain/payment.ts';
import { insert, overwrite, type Bulk } from './bulk.ts';
import { bigint, id, instant, int, orNull, text, textsInText } from './codec.ts';
import type { Reversals } from './refunds.ts';
import { changing, key, once, table, type Row, type Table } from './table.ts';

const DISPUTES: Table<'disputes', Omit<Dispute, 'earlier'>> = table('disputes', {
  merchant: key(id('mer')),
  id: key(id('dp')),
  payment: once(id('pay')),
  amount: once(bigint),
  currency: once(text()),
  status: changing(text()),
  reason: once(orNull(text())),
  stripeId: once(text()),
  withdrawn: changing(bigint),
  reinstated: changing(bigint),
  lines: changing(textsInText),
  lost: changing(bigint),
  turns: changing(int),
  createdAt: once(instant),
});

export const disputeOf = (row: Row<'disputes'>, reversals: Reversals): Dispute => {
  const dispute = DISPUTES.read(row);
  return { ...dispute, earlier: earlierOf(dispute.id, reversals) };
};

/** In the release before, what opens a dispute and what ends it are posted under ids that follow from the dispute's. */
const earlierOf = (dispute: DisputeId, reversals: Reversals): Dispute['earlier'] => {
  const opened = reversals.get(derivedId('tr', dispute));
  const end = reversals.get(derivedId('tr', dispute, 1));
  return {
    opened: opened?.amount ?? 0n,
    won: end?.kind === 'dispute_won' ? end.amount : 0n,
    lost: end?.kind === 'dispute_lost' ? end.amount : 0n,
  };
};

export const writeDisputes: Bulk<Omit<Dispute, 'earlier'>> = insert(DISPUTES, { onConflict: overwrite(DISPUTES) });

const SECOND_CHARGES: Table<'second_charges', SecondCharge> = table('second_charges', {
  merchant: key(id('mer')),
  intent: key(text(), { as: 'id' }),
  payment: once(id('pay')),
  currency: once(text()),
  received: changing(bigint),
  returned: changing(bigint),
});

export const secondChargeOf: (row: Row<'second_charges'>) => SecondCharge = SECOND_CHARGES.read;
export const writeSecondCharges: Bulk<SecondCharge> = insert(SECOND_CHARGES, {
  onConflict: overwrite(SECOND_CHARGES),
});
