/** Lists, as Stripe shows them. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { MerchantId } from '../domain/ids.ts';
import { accountView, listView } from '../domain/reply.ts';
import type { AccountView, ListView } from '../domain/views.ts';
import type { StorageError } from '../domain/refusals.ts';
import type { AccountFilter } from '../storage/reads.ts';

/** Errors: `database_unavailable`. */
export const listAccounts = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  filter: AccountFilter,
): ResultAsync<ListView<AccountView>, StorageError> =>
  ctx.reads
    .listAccounts(merchant, filter)
    .map(({ data, hasMore }) => listView('/v1/accounts', data.map(accountView), hasMore));
