/** The transfers of a change, posted one after the other on what the ones before them left. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import { available, type Account } from './account.ts';
import type { Change } from './change.ts';
import type { AccountId } from './ids.ts';
import type { State, Writes } from './state.ts';
import type { Hold } from './step.ts';
import type { Micros } from './time.ts';
import { mayReverse, post, type PostedTransfer, type Transfer } from './transfer.ts';

export interface Moved {
  readonly transfers: PostedTransfer[];
  readonly results: Result<PostedTransfer, PaymentError>[];
  readonly accounts: Map<AccountId, Account>;
}

/**
 * Holds, and then posts a change's transfers one after the other: all or none, or each by itself. Errors:
 * `account_not_found`, `insufficient_funds`, and those of `post` and `mayReverse`.
 */
export const move = (
  state: State,
  writes: Writes,
  change: Change,
  facts: readonly Transfer[],
  hold: Hold | null,
  now: Micros,
): Result<Moved, PaymentError> => {
  const moved: Moved = { transfers: [], results: [], accounts: new Map() };
  const wanted = [...facts, ...(change.transfers ?? [])];

  const account = (id: AccountId, param: string): Result<Account, PaymentError> => {
    const found = moved.accounts.get(id) ?? writes.accounts.get(id) ?? state.accounts.get(id);
    return found?.merchant === change.merchant ? ok(found) : err(paymentError('account_not_found', { param }));
  };
  const isLeft = (transfer: Transfer): Result<void, PaymentError> => {
    const { reverses } = transfer;
    if (!reverses) return ok();
    const posted = [...writes.transfers, ...moved.transfers];
    return mayReverse(transfer, reverses, state.reversed.get(reverses.transfer), posted);
  };
  const postOne = (transfer: Transfer): Result<PostedTransfer, PaymentError> =>
    account(transfer.debit, 'from').andThen((from) =>
      account(transfer.credit, 'to').andThen((to) =>
        isLeft(transfer)
          .andThen(() => post(transfer, from, to, now))
          .map((posting) => {
            moved.accounts.set(posting.debit.id, posting.debit).set(posting.credit.id, posting.credit);
            moved.transfers.push(posting.transfer);
            return posting.transfer;
          }),
      ),
    );

  if (hold) {
    const { account: wallet, amount } = hold;
    // What was refunded at Stripe is a fact; what is asked for here must be there to be held.
    const held = account(wallet, 'payment').andThen((before) =>
      change.payment?.kind === 'refund' && available(before) < amount
        ? err(paymentError('insufficient_funds', { payment: change.payment.payment.id }))
        : ok({ ...before, pending: before.pending + amount }),
    );
    if (held.isErr()) return err(held.error);
    moved.accounts.set(wallet, held.value);
  }
  for (const [index, transfer] of wanted.entries()) {
    const result = postOne(transfer);
    if (change.bulk === 'independent') moved.results.push(result);
    else if (result.isErr()) return err(change.bulk ? within(result.error, index) : result.error);
  }
  return ok(moved);
};

const within = (error: PaymentError, index: number): PaymentError => ({
  ...error,
  param: `transfers[${String(index)}]${error.param ? `.${error.param}` : ''}`,
});
