/** Payments, read. */
import { okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { MerchantId, PaymentId, RefundId } from '../domain/ids.ts';
import { listView, pageView, paymentView, refundView } from '../domain/reply.ts';
import type { LaneError, ListError, StorageCode } from '../domain/refusals.ts';
import type { ListView, PaymentView, RefundView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import type { PaymentFilter } from '../storage/payment-list.ts';
import type { RefundFilter } from '../storage/reads.ts';
import { admit, type Access } from './access.ts';
import { lookAgain } from './look.ts';

const AUDIENCES = { secret: 'servers', finance: 'finance', client: 'page' } as const;

/**
 * With its client secret it is read for the customer, who may just have come back from his bank: where the payment waits
 * for him, Stripe is asked first. Errors: `payment_not_found`, `database_unavailable`.
 */
export const readPayment = (
  ctx: Context,
  merchant: MerchantId,
  id: PaymentId,
  { access, clientSecret }: { readonly access: Access; readonly clientSecret: string | null },
): ResultAsync<PaymentView, PaymentError<'payment_not_found'> | LaneError> =>
  ctx.reads
    .payment(merchant, id)
    .andThen((payment) => admit(payment, access, 'payment_not_found'))
    .andThen((payment) =>
      clientSecret === payment.clientSecret
        ? ResultAsync.fromSafePromise(lookAgain(ctx, payment)).andThen((wasAsked) =>
            wasAsked ? ctx.reads.payment(merchant, id) : okAsync(payment),
          )
        : okAsync(payment),
    )
    .map((payment) => paymentView(payment, AUDIENCES[access.kind]));

/** Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listPayments = (
  ctx: Pick<Context, 'reads' | 'clock'>,
  merchant: MerchantId,
  filter: PaymentFilter,
  showsSecret: boolean,
): ResultAsync<ListView<PaymentView>, ListError> =>
  ctx.reads.listPayments(merchant, filter, ctx.clock.now()).map(({ data, hasMore }) =>
    listView(
      '/v1/payments',
      data.map((payment) => paymentView(payment, showsSecret ? 'servers' : 'finance')),
      hasMore,
    ),
  );

/** Errors: `refund_not_found`, `database_unavailable`. */
export const readRefund = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  id: RefundId,
): ResultAsync<RefundView, PaymentError<'refund_not_found' | StorageCode>> =>
  ctx.reads.refund(merchant, id).map(refundView);

/** Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listRefunds = (
  ctx: Pick<Context, 'reads' | 'clock'>,
  merchant: MerchantId,
  filter: RefundFilter,
): ResultAsync<ListView<RefundView>, ListError> =>
  ctx.reads.listRefunds(merchant, filter, ctx.clock.now()).map(pageView('/v1/refunds', refundView));
