/**
 * A charge was declined, since the bank wants the cardholder and he was away: he finishes it when he comes, at an address
 * that the error names. The bank is asked then, and not before: it is told that he is there, and its challenge is fresh.
 */
import { errAsync, okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Claim } from '../domain/change.ts';
import type { Payment } from '../domain/payment.ts';
import type { ChargeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import { admit } from './access.ts';
import { APPROVE_PATH, type Approval } from './approval.ts';
import { confirmPayment } from './confirm.ts';
import { lookAgain } from './look.ts';

/** How the payment stands now; Stripe is asked while it waits for the bank's page. Errors: `payment_not_found`, `database_unavailable`. */
export const readApproval = (
  ctx: Context,
  { merchant, payment: id, clientSecret }: Approval,
): ResultAsync<Payment, PaymentError> =>
  ctx.reads
    .payment(merchant, id)
    .andThen((payment) => admit(payment, { kind: 'client', clientSecret }, 'payment_not_found'))
    .andThen((payment) =>
      ResultAsync.fromSafePromise(lookAgain(ctx, payment)).andThen((wasAsked) =>
        wasAsked ? ctx.reads.payment(merchant, id) : okAsync(payment),
      ),
    );

/** Whether its customer is waited for: by the bank, which has declined it while he was away, or which asks him now. */
export const isApprovable = ({ status, lastError }: Pick<Payment, 'status' | 'lastError'>): boolean =>
  status === 'requires_action' ||
  (status === 'requires_payment_method' && lastError?.code === 'authentication_required');

/**
 * Confirms it with its card, and its customer there. `claimOf` makes the claim of what may be asked for once. Errors: those
 * of a confirmation.
 */
export const approve = (
  ctx: Context,
  { merchant, payment: id, clientSecret }: Approval,
  { requestId, returnUrl, claimOf }: Approving,
): ResultAsync<PaymentView, ChargeError<ErrorCode>> =>
  ctx.reads.payment(merchant, id).andThen((payment) => {
    if (!isApprovable(payment)) return errAsync(paymentError('payment_not_confirmable', { payment: id }));
    return confirmPayment(
      ctx,
      { merchant, requestId, claim: claimOf(`POST ${APPROVE_PATH}/${id}`, payment.attempt ?? id) },
      {
        ...{ payment: id, paymentMethod: null, access: { kind: 'client', clientSecret } },
        returnUrl: payment.returnUrl ?? returnUrl,
      },
    ).map(({ body }) => JSON.parse(body) as PaymentView);
  });

interface Approving {
  readonly requestId: string;
  /** Where the bank's page sends him back to, where the merchant has named no other. */
  readonly returnUrl: string;
  /** One press of the button is one attempt: the key is the attempt that it follows. */
  readonly claimOf: (operation: string, key: string) => Claim;
}
