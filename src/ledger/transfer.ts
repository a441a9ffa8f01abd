/** Money moved within a merchant's own ledger: wallet to revenue, and wallet to wallet. */
import { err, ok, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Answer, type Change, type Effect, type Reply } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import { newId, platformAccountId, walletId, type AccountId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { errorView, jsonReply, transferView } from '../domain/reply.ts';
import type { Transfer } from '../domain/transfer.ts';
import { TRANSFER, type ChangeError, type TransferCode } from '../domain/refusals.ts';
import type { BulkView, TransferView } from '../domain/views.ts';
import { paymentError, type ErrorCode } from '../error.ts';

/** What a merchant says of a transfer. */
export type Details = Pick<Transfer, 'reference' | 'metadata'>;

export interface Debit extends Details {
  readonly customer: CustomerId;
  /** In minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
  readonly description: string | null;
  readonly kind: 'debit' | 'usage';
}

const DEBIT = ['insufficient_funds', 'account_not_found', 'balance_limit_exceeded'] as const;
export type DebitCode = 'insufficient_funds' | 'customer_not_found' | 'balance_limit_exceeded';

/**
 * Spends from a customer's wallet to the merchant's revenue. Errors: `DEBIT`, where `account_not_found` is told as the
 * `customer_not_found` that it means.
 *
 * `insufficient_funds` is said by `post` (`domain/transfer.ts`) under the lock of the wallet. Like any reply that is final
 * it is kept in `claims` under the idempotency key, by the same commit, and replayed from there (`domain/stored-claim.ts`).
 */
export const debit = (
  ctx: Pick<Context, 'commit'>,
  caller: Caller,
  wanted: Debit,
): ResultAsync<Reply<TransferView>, ChangeError<DebitCode>> => {
  const { customer, amount, currency, description, kind, reference, metadata } = wanted;
  const transfer: Transfer = {
    merchant: caller.merchant,
    id: newId('tr'),
    kind,
    debit: walletId(customer, currency),
    credit: platformAccountId(caller.merchant, 'revenue', currency),
    amount,
    currency,
    limit: 'available',
    description,
    payment: null,
    reference,
    metadata,
  };
  return (
    commitTransfers(ctx, caller, { transfers: [transfer], refusals: DEBIT }, onlyTransfer)
      // A wallet is opened where its customer exists; so it is the customer that is missing.
      .mapErr((error) =>
        error.code === 'account_not_found' ? paymentError('customer_not_found', { param: 'customer' }) : error,
      )
  );
};

export interface WalletTransfer extends Details {
  readonly from: AccountId;
  readonly to: AccountId;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly description: string | null;
}

/** Moves money between two wallets of the merchant. Errors: `TRANSFER`. */
export const transfer = (
  ctx: Pick<Context, 'commit'>,
  caller: Caller,
  wanted: WalletTransfer,
): ResultAsync<Reply<TransferView>, ChangeError<TransferCode>> =>
  commitTransfers(
    ctx,
    caller,
    { transfers: [walletTransfer(caller.merchant, wanted)], refusals: TRANSFER },
    onlyTransfer,
  );

/**
 * Up to a thousand of them in one change: all or none (`atomic`), or each by itself (`independent`).
 * Errors: those of `transfer`, whose `param` names the first that failed; none of them where `independent`.
 */
export const transferInBulk = (
  ctx: Pick<Context, 'commit'>,
  caller: Caller,
  mode: 'atomic' | 'independent',
  wanted: readonly WalletTransfer[],
): ResultAsync<Reply<BulkView>, ChangeError<TransferCode>> => {
  const transfers = wanted.map((one) => walletTransfer(caller.merchant, one));
  const resultView = (result: Effect['results'][number]): BulkView['data'][number] =>
    result.match<BulkView['data'][number]>(transferView, (error) => ({
      object: 'error',
      error: errorView(error, caller.requestId),
    }));
  const bulkView = (effect: Effect): BulkView => ({
    object: 'bulk_transfer',
    mode,
    data: mode === 'atomic' ? effect.transfers.map(transferView) : effect.results.map(resultView),
  });
  return commitTransfers(ctx, caller, { transfers, bulk: mode, refusals: TRANSFER }, (effect) =>
    ok(jsonReply(200, bulkView(effect))),
  );
};

const walletTransfer = (merchant: MerchantId, wanted: WalletTransfer): Transfer => ({
  merchant,
  id: newId('tr'),
  kind: 'transfer',
  debit: wanted.from,
  credit: wanted.to,
  amount: wanted.amount,
  currency: wanted.currency,
  limit: 'available',
  description: wanted.description,
  payment: null,
  reference: wanted.reference,
  metadata: wanted.metadata,
});

/** The one transfer of a change, as the reply to it. */
export const onlyTransfer = ({ transfers: [moved] }: Effect): Answer<TransferView, never> =>
  moved ? ok(jsonReply(201, transferView(moved))) : err(paymentError('internal'));

/** Commits transfers of a request, and answers what was made of them. */
export const commitTransfers = <View, Code extends ErrorCode>(
  ctx: Pick<Context, 'commit'>,
  { merchant, claim, requestId }: Caller,
  wanted: Pick<Change, 'transfers' | 'bulk'> & { readonly refusals: readonly Code[] },
  answer: (effect: Effect) => Answer<View>,
): ResultAsync<Reply<View>, ChangeError<Code>> =>
  ctx.commit<View, Code>({ merchant, claim, requestId, ...wanted, answer }).andThen(answerOf);
