/** Payments, read. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { MerchantId, PaymentId } from '../domain/ids.ts';
import { listView, paymentView } from '../domain/reply.ts';
import type { PaymentError } from '../error.ts';
import type { PaymentFilter } from '../storage/reads.ts';
import { admit, type Access } from './access.ts';

/** Errors: `payment_not_found`, `database_unavailable`. */
export const readPayment = (
  ctx: Context,
  merchant: MerchantId,
  id: PaymentId,
  access: Access,
): ResultAsync<object, PaymentError> =>
  ctx.reads
    .payment(merchant, id)
    .andThen((payment) => admit(payment, access))
    .map((payment) => paymentView(payment, access.kind === 'secret'));

/** Errors: `database_unavailable`. */
export const listPayments = (
  ctx: Context,
  merchant: MerchantId,
  filter: PaymentFilter,
  showsSecret: boolean,
): ResultAsync<object, PaymentError> =>
  ctx.reads.listPayments(merchant, filter).map(({ data, hasMore }) =>
    listView(
      '/v1/payments',
      data.map((payment) => paymentView(payment, showsSecret)),
      hasMore,
    ),
  );
