/** What accounts hold. */
import { err, ok, okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Currency } from '../domain/currency.ts';
import type { Asked } from '../domain/cut.ts';
import { walletId, type AccountId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { accountView, balanceView, zeroBalanceView } from '../domain/reply.ts';
import { toIso } from '../domain/time.ts';
import type { AccountView, BalancesView, BalanceView } from '../domain/ledger-views.ts';
import type { LaneError, StorageCode } from '../domain/refusals.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { pastAccountBalance, pastBalances, pastCustomerBalance } from './past.ts';

/** Whether a time was asked for: what is held now is told by the account's own row. */
const isPast = ({ asOf, tz }: Asked): boolean => asOf !== undefined || tz !== undefined;

/**
 * A customer's wallet in a currency: zero if it was never used. Errors: `customer_not_found`, `invalid_request` for a time
 * that is none, `database_unavailable`.
 */
export const customerBalance = (
  ctx: Pick<Context, 'reads' | 'ledger' | 'clock'>,
  merchant: MerchantId,
  customer: CustomerId,
  currency: Currency,
  asked: Asked = {},
): ResultAsync<BalanceView, PaymentError<'customer_not_found' | 'invalid_request'> | LaneError> => {
  if (isPast(asked)) return pastCustomerBalance(ctx, merchant, customer, currency, asked);
  const wallet = walletId(customer, currency);
  return ctx.reads.account(merchant, wallet).andThen((account) => {
    if (account) return okAsync(balanceView(account, ctx.clock.now()));
    return ctx.reads.customer(merchant, customer).map(() => zeroBalanceView(wallet, currency, ctx.clock.now()));
  });
};

/** Errors: `account_not_found`, `database_unavailable`. */
export const account = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  id: AccountId,
): ResultAsync<AccountView, PaymentError<'account_not_found'> | LaneError> =>
  ctx.reads
    .account(merchant, id)
    .andThen((found) => (found ? ok(accountView(found)) : err(paymentError('account_not_found'))));

/** Errors: `account_not_found`, `invalid_request` for a time that is none, `database_unavailable`. */
export const accountBalance = (
  ctx: Pick<Context, 'reads' | 'ledger' | 'clock'>,
  merchant: MerchantId,
  id: AccountId,
  asked: Asked = {},
): ResultAsync<BalanceView, PaymentError<'account_not_found' | 'invalid_request'> | LaneError> => {
  if (isPast(asked)) return pastAccountBalance(ctx, merchant, id, asked);
  return ctx.reads
    .account(merchant, id)
    .andThen((found) => (found ? ok(balanceView(found, ctx.clock.now())) : err(paymentError('account_not_found'))));
};

/**
 * Balances of up to a thousand accounts, in one snapshot, in the order asked. Errors: `account_not_found` with `param`,
 * `invalid_request` for a time that is none.
 */
export const balances = (
  ctx: Pick<Context, 'reads' | 'ledger' | 'clock'>,
  merchant: MerchantId,
  ids: readonly AccountId[],
  asked: Asked = {},
): ResultAsync<BalancesView, PaymentError<'account_not_found' | 'invalid_request' | StorageCode>> => {
  if (isPast(asked)) return pastBalances(ctx, merchant, ids, asked);
  return ctx.reads.accounts(merchant, ids).andThen((found) => {
    const known = new Map(found.map((one) => [one.id, one]));
    const missing = ids.findIndex((id) => !known.has(id));
    if (missing >= 0) return err(paymentError('account_not_found', { param: `accounts[${String(missing)}]` }));
    const now = ctx.clock.now();
    const view: BalancesView = {
      object: 'balances',
      as_of: toIso(now),
      final: false,
      data: found.map((one) => balanceView(one, now)),
    };
    return ok(view);
  });
};
