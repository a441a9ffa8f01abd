/** What is recorded of Stripe's side, read and listed: disputes, payouts, and what they are made of. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { categoryOfLine } from '../domain/category.ts';
import type { DisputeId, MerchantId } from '../domain/ids.ts';
import { disputeView, pageView } from '../domain/reply.ts';
import type { ListError, StorageCode } from '../domain/refusals.ts';
import { toIso } from '../domain/time.ts';
import type { BalanceTransactionView, PayoutView } from '../domain/ledger-views.ts';
import type { DisputeView, ListView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import type { DisputeFilter, Line, LineFilter, Payout, PayoutFilter } from '../storage/stripe-lists.ts';

type Reader = Pick<Context, 'ledger' | 'clock'>;

/** Errors: `dispute_not_found`, `database_unavailable`. */
export const readDispute = (
  { ledger }: Reader,
  merchant: MerchantId,
  id: DisputeId,
): ResultAsync<DisputeView, PaymentError<'dispute_not_found' | StorageCode>> =>
  ledger.dispute(merchant, id).map(disputeView);

/** Newest first. Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listDisputes = (
  { ledger, clock }: Reader,
  merchant: MerchantId,
  filter: DisputeFilter,
): ResultAsync<ListView<DisputeView>, ListError> =>
  ledger.listDisputes(merchant, filter, clock.now()).map(pageView('/v1/disputes', disputeView));

/** Errors: `payout_not_found`, `database_unavailable`. */
export const readPayout = (
  { ledger }: Reader,
  merchant: MerchantId,
  id: string,
): ResultAsync<PayoutView, PaymentError<'payout_not_found' | StorageCode>> =>
  ledger.payout(merchant, id).map(payoutView);

/** Newest first. Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listPayouts = (
  { ledger }: Reader,
  merchant: MerchantId,
  filter: PayoutFilter,
): ResultAsync<ListView<PayoutView>, ListError> =>
  ledger.listPayouts(merchant, filter).map(pageView('/v1/payouts', payoutView));

/** Newest first. Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listBalanceTransactions = (
  { ledger }: Reader,
  merchant: MerchantId,
  filter: LineFilter,
): ResultAsync<ListView<BalanceTransactionView>, ListError> =>
  ledger.listLines(merchant, filter).map(pageView('/v1/balance_transactions', lineView));

/** Those of one payout. Errors: `payout_not_found`, and those of the list. */
export const listPayoutLines = (
  ctx: Reader,
  merchant: MerchantId,
  id: string,
  filter: LineFilter,
): ResultAsync<ListView<BalanceTransactionView>, ListError | PaymentError<'payout_not_found'>> =>
  ctx.ledger
    .payout(merchant, id)
    .andThen(() => listBalanceTransactions(ctx, merchant, { ...filter, payout: id }))
    .map((list) => ({ ...list, url: `/v1/payouts/${id}/balance_transactions` }));

/** What its transactions do not explain is said, and not spread over them. */
const payoutView = ({ id, currency, amount, status, transactions, net, createdAt }: Payout): PayoutView => ({
  id,
  object: 'payout',
  currency,
  amount: amount.toString(),
  status,
  transactions: Number(transactions),
  transactions_net: net.toString(),
  remainder: (amount - net).toString(),
  created_at: toIso(createdAt),
});

const lineView = (line: Line): BalanceTransactionView => ({
  id: line.id,
  object: 'balance_transaction',
  type: line.kind,
  category: categoryOfLine(line.kind, line.source, line.gross),
  source: line.source,
  payment: line.payment,
  payout: line.payout,
  currency: line.currency,
  gross: line.gross.toString(),
  fee: line.fee.toString(),
  net: (line.gross - line.fee).toString(),
  charged: line.charged.toString(),
  charged_currency: line.chargedCurrency,
  created_at: toIso(line.createdAt),
});
