/** What accounts held at a past instant, and whether that is the last word. */
import { err, ok, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Currency } from '../domain/currency.ts';
import { asOfText, cutOf, type Asked } from '../domain/cut.ts';
import { walletId, type AccountId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { pastBalanceView } from '../domain/reply.ts';
import type { StorageCode } from '../domain/refusals.ts';
import type { BalancesView, BalanceView } from '../domain/ledger-views.ts';
import { paymentError, type PaymentError } from '../error.ts';

type PastError<Code extends 'account_not_found' | 'customer_not_found'> = PaymentError<
  Code | StorageCode | 'invalid_request'
>;
type Reader = Pick<Context, 'ledger' | 'reads' | 'clock'>;

/**
 * Balances of up to a thousand accounts at one instant, in one snapshot, in the order asked. Errors: `account_not_found`
 * with `param`, `invalid_request` for a time that is none, `database_unavailable`.
 */
export const pastBalances = (
  { ledger, clock }: Pick<Context, 'ledger' | 'clock'>,
  merchant: MerchantId,
  ids: readonly AccountId[],
  asked: Asked,
): ResultAsync<BalancesView, PastError<'account_not_found'>> =>
  cutOf(asked, clock.now()).asyncAndThen((cut) =>
    ledger.balancesBefore(merchant, ids, cut.before, clock.now()).andThen(({ balances, isFinal }) => {
      const missing = ids.findIndex((id) => !balances.has(id));
      if (missing >= 0) return err(paymentError('account_not_found', { param: `accounts[${String(missing)}]` }));
      const data = ids.flatMap((id) => balances.get(id) ?? []).map((one) => pastBalanceView(one, cut, isFinal));
      const view: BalancesView = { object: 'balances', as_of: asOfText(cut), tz: cut.tz, final: isFinal, data };
      return ok(view);
    }),
  );

/** Errors: `account_not_found`, `invalid_request`, `database_unavailable`. */
export const pastAccountBalance = (
  ctx: Pick<Context, 'ledger' | 'clock'>,
  merchant: MerchantId,
  id: AccountId,
  asked: Asked,
): ResultAsync<BalanceView, PastError<'account_not_found'>> =>
  pastBalances(ctx, merchant, [id], asked)
    .mapErr((error) => (error.code === 'account_not_found' ? paymentError('account_not_found') : error))
    .andThen(({ data: [balance] }) => (balance ? ok(balance) : err(paymentError('account_not_found'))));

/** A customer's wallet: zero before it was used. Errors: `customer_not_found`, `invalid_request`, `database_unavailable`. */
export const pastCustomerBalance = (
  { ledger, reads, clock }: Reader,
  merchant: MerchantId,
  customer: CustomerId,
  currency: Currency,
  asked: Asked,
): ResultAsync<BalanceView, PastError<'customer_not_found'>> =>
  cutOf(asked, clock.now()).asyncAndThen((cut) =>
    reads.customer(merchant, customer).andThen(() => {
      const account = walletId(customer, currency);
      return ledger.balancesBefore(merchant, [account], cut.before, clock.now()).map(({ balances, isFinal }) => {
        const unused = { account, currency, posted: 0n, pending: 0n, sequence: 0n };
        return pastBalanceView(balances.get(account) ?? unused, cut, isFinal);
      });
    }),
  );
