/** Lists, as Stripe shows them. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { MerchantId, TransferId } from '../domain/ids.ts';
import { accountView, pageView, transferView } from '../domain/reply.ts';
import type { AccountView } from '../domain/ledger-views.ts';
import type { ListView, TransferView } from '../domain/views.ts';
import type { ListError, StorageCode } from '../domain/refusals.ts';
import type { PaymentError } from '../error.ts';
import type { AccountFilter } from '../storage/reads.ts';
import type { TransferFilter } from '../storage/transfers.ts';

/** Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listAccounts = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  filter: AccountFilter,
): ResultAsync<ListView<AccountView>, ListError> =>
  ctx.reads.listAccounts(merchant, filter).map(pageView('/v1/accounts', accountView));

/** Errors: `transfer_not_found`, `database_unavailable`. */
export const readTransfer = (
  ctx: Pick<Context, 'ledger'>,
  merchant: MerchantId,
  id: TransferId,
): ResultAsync<TransferView, PaymentError<'transfer_not_found' | StorageCode>> =>
  ctx.ledger.transfer(merchant, id).map(({ transfer }) => transferView(transfer));

/** Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listTransfers = (
  ctx: Pick<Context, 'ledger' | 'clock'>,
  merchant: MerchantId,
  filter: TransferFilter,
): ResultAsync<ListView<TransferView>, ListError> =>
  ctx.ledger.listTransfers(merchant, filter, ctx.clock.now()).map(pageView('/v1/transfers', transferView));
