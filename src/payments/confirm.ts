/** A payment is confirmed: for the first time, again with another card, or instead of a challenge that was left open. */
import type { ResultAsync } from 'neverthrow';
import { err, errAsync, ok, okAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import type { PaymentId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import { CHARGE, type ChargeCode, type ChargeError, type StorageError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import { plusMs } from '../domain/time.ts';
import { TRIES_MAX, TRIES_WITHIN_MS } from '../domain/tries.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { admit, type Access } from './access.ts';
import { newAttempt } from './attempt.ts';
import { begin } from './begin.ts';
import { stripeCustomerOf, type HolderError } from './holder.ts';
import type { CardNeeds } from './with-stripe.ts';

export interface ConfirmPayment {
  readonly payment: PaymentId;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly inPage?: true;
  readonly usedFor?: 'save';
  readonly access: Access;
}

type Code = 'payment_not_found' | 'payment_not_confirmable' | 'too_many_attempts' | ChargeCode;
const REFUSALS: readonly Code[] = ['payment_not_found', 'payment_not_confirmable', 'too_many_attempts', ...CHARGE];

/** Errors: those, with `provider_unavailable` where the outcome is unknown; and where no card is known, that it is. */
export const confirmPayment = (
  ctx: CardNeeds,
  caller: Caller,
  command: ConfirmPayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code | 'payment_method_required'>> =>
  ctx.reads.paymentToConfirm(caller.merchant, command.payment).andThen(({ payment: found, stripeCustomer: known }) =>
    admit(found, command.access, 'payment_not_found')
      .asyncAndThen((payment) => withinTries(ctx, caller, payment))
      .andThen((payment) => {
        const paymentMethod = command.paymentMethod ?? payment.paymentMethod;
        if (paymentMethod === null)
          return errAsync(paymentError('payment_method_required', { param: 'payment_method' }));
        const reply = { replyStatus: 200, showsSecret: command.access.kind === 'secret' } as const;
        const confirm = (stripeCustomer: string | null) =>
          begin(
            ctx,
            caller,
            { ...payment, returnUrl: command.returnUrl ?? payment.returnUrl },
            {
              ...newAttempt(ctx, caller, payment, reply),
              ...{ kind: 'confirm', paymentMethod, inPage: command.inPage === true },
              ...{ stripeCustomer, usedFor: command.usedFor ?? null },
            },
            REFUSALS,
          );
        return command.usedFor === 'save' && known === null ? holderFor(ctx, payment).andThen(confirm) : confirm(known);
      }),
  );

/** None for who was erased: that nothing can be kept of him is said where it is known whether the key was claimed before. */
const holderFor = (
  ctx: CardNeeds,
  { merchant, customer }: Payment,
): ResultAsync<string | null, Exclude<HolderError, PaymentError<'customer_not_found'>>> =>
  stripeCustomerOf(ctx, merchant, customer)
    .map((holder): string | null => holder)
    .orElse((error) => (error.code === 'customer_not_found' ? ok(null) : err(error)));

/** Errors: `too_many_attempts`. */
const withinTries = (
  ctx: Pick<Context, 'reads' | 'clock'>,
  { merchant, claim }: Caller,
  payment: Payment,
): ResultAsync<Payment, StorageError | PaymentError<'too_many_attempts'>> => {
  // The first, and what is refused or replayed for its state, need no look.
  if (payment.attempt === null || payment.status === 'processing' || payment.status === 'succeeded')
    return okAsync(payment);
  return ctx.reads
    .confirmsSince(payment.merchant, payment.id, plusMs(ctx.clock.now(), -TRIES_WITHIN_MS))
    .andThen((tries) => {
      if (tries < TRIES_MAX) return okAsync(payment);
      // Who asks again after one of them is told what came of it.
      return ctx.reads
        .claim(merchant, claim.id)
        .andThen((known) => (known ? ok(payment) : err(paymentError('too_many_attempts', tooMany(payment)))));
    });
};

const tooMany = ({ id }: Payment): { payment: string; retryAfterS: number } => ({
  payment: id,
  retryAfterS: TRIES_WITHIN_MS / 1000,
});
