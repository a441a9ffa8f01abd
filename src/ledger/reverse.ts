/** What a request has moved is taken back: by a transfer the other way, which says of what and why. */
import { err, ok, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import { newId, type TransferId } from '../domain/ids.ts';
import { REVERSAL, type ChangeError, type ReversalCode } from '../domain/refusals.ts';
import { REVERSIBLE_KINDS } from '../domain/transfer.ts';
import type { TransferView } from '../domain/views.ts';
import { paymentError } from '../error.ts';
import { commitTransfers, onlyTransfer } from './transfer.ts';

export interface Reversal {
  readonly transfer: TransferId;
  /** Positive, in minor units; null for all that is left of it. */
  readonly amount: bigint | null;
  readonly reason: string;
  /** `2026-03-31` */
  readonly effectiveDate: string | null;
}

/**
 * Nothing is changed of the transfer itself, and nothing is backdated. Whoever received the money must still hold it.
 * Errors: `REVERSAL`, `database_unavailable`.
 */
export const reverse = (
  ctx: Pick<Context, 'commit' | 'ledger'>,
  caller: Caller,
  { transfer: id, amount, reason, effectiveDate }: Reversal,
): ResultAsync<Reply<TransferView>, ChangeError<ReversalCode>> =>
  ctx.ledger
    .transfer(caller.merchant, id)
    .andThen((found) =>
      REVERSIBLE_KINDS.some((kind) => kind === found.transfer.kind)
        ? ok(found)
        : err(paymentError('transfer_not_reversible')),
    )
    .andThen(({ transfer, reversed }) => {
      const left = transfer.amount - reversed;
      const back = {
        merchant: caller.merchant,
        id: newId('tr'),
        kind: 'reversal',
        debit: transfer.credit,
        credit: transfer.debit,
        // Where nothing is left, it is refused as more than that: or it was done, and its key says so.
        amount: amount ?? (left > 0n ? left : transfer.amount),
        currency: transfer.currency,
        limit: 'available',
        description: transfer.description,
        payment: null,
        reference: transfer.reference,
        reverses: { transfer: id, reason, effectiveDate },
      } as const;
      return commitTransfers(ctx, caller, { transfers: [back], refusals: REVERSAL }, onlyTransfer);
    });
