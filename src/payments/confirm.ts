/** A payment is confirmed: for the first time, again with another card, or instead of a challenge that was left open. */
import type { ResultAsync } from 'neverthrow';
import { errAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import type { PaymentId } from '../domain/ids.ts';
import { CHARGE, type ChargeCode, type ChargeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import { paymentError } from '../error.ts';
import { admit, type Access } from './access.ts';
import { newAttempt } from './attempt.ts';
import { begin } from './begin.ts';

export interface ConfirmPayment {
  readonly payment: PaymentId;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly access: Access;
}

type Code = 'payment_not_found' | 'payment_not_confirmable' | 'too_many_attempts' | ChargeCode;
const REFUSALS: readonly Code[] = ['payment_not_found', 'payment_not_confirmable', 'too_many_attempts', ...CHARGE];

/** Errors: those, with `provider_unavailable` where the outcome is unknown; and where no card is known, that it is. */
export const confirmPayment = (
  ctx: Context,
  caller: Caller,
  command: ConfirmPayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code | 'payment_method_required'>> =>
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
        REFUSALS,
      );
    });
