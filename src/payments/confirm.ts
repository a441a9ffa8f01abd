/** A payment is confirmed: for the first time, or again with another card after a decline. */
import { err, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import type { PaymentId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import { errorReply } from '../domain/reply.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { admit, type Access } from './access.ts';
import { beginAttempt } from './attempt.ts';
import { charge } from './charge.ts';

export interface ConfirmPayment {
  readonly payment: PaymentId;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly access: Access;
}

/**
 * Errors: `payment_not_found`, `payment_method_required`, `payment_not_confirmable`, the declines,
 * `provider_unavailable` (unknown), and those of any claim.
 */
export const confirmPayment = (
  ctx: Context,
  { merchant, claim, requestId }: Caller,
  command: ConfirmPayment,
): ResultAsync<Reply, PaymentError> =>
  ctx.reads
    .payment(merchant, command.payment)
    .andThen((payment) => admit(payment, command.access))
    .andThen((payment): Result<Payment, PaymentError> => {
      const paymentMethod = command.paymentMethod ?? payment.paymentMethod;
      if (paymentMethod === null) return err(paymentError('payment_method_required', { param: 'payment_method' }));
      const returnUrl = command.returnUrl ?? payment.returnUrl;
      return ok({ ...payment, paymentMethod, returnUrl, attempt: payment.attempt + 1 });
    })
    .andThen((payment) => {
      const showsSecret = command.access.kind === 'secret';
      const attempt = beginAttempt(ctx, payment, { claim: claim.id, requestId, replyStatus: 200, showsSecret });
      return ctx
        .commit({
          merchant,
          claim,
          payment: { kind: 'begin', attempt },
          reply: (result) => (result.isErr() ? errorReply(result.error, requestId) : null),
        })
        .andThen((applied) => (applied.reply ? okAsync(applied.reply) : charge(ctx, payment, attempt)));
    });
