/** A payment is confirmed: for the first time, again with another card, or instead of a challenge that was left open. */
import type { ResultAsync } from 'neverthrow';
import { errAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import type { PaymentId } from '../domain/ids.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { admit, type Access } from './access.ts';
import { newAttempt } from './attempt.ts';
import { begin } from './begin.ts';

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
  caller: Caller,
  command: ConfirmPayment,
): ResultAsync<Reply, PaymentError> =>
  ctx.reads
    .payment(caller.merchant, command.payment)
    .andThen((payment) => admit(payment, command.access))
    .andThen((payment) => {
      const paymentMethod = command.paymentMethod ?? payment.paymentMethod;
      if (paymentMethod === null) return errAsync(paymentError('payment_method_required', { param: 'payment_method' }));
      const reply = { replyStatus: 200, showsSecret: command.access.kind === 'secret' } as const;
      return begin(
        ctx,
        caller,
        { ...payment, returnUrl: command.returnUrl ?? payment.returnUrl },
        { ...newAttempt(ctx, caller, payment, reply), kind: 'confirm', paymentMethod },
      );
    });
