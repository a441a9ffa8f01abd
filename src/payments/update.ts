/** What a payment says is changed; and its amount, until it is first confirmed. */
import { errAsync, ok, type ResultAsync } from 'neverthrow';
import type { CallerWithoutKey, Context } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import { isChargeable } from '../domain/currency.ts';
import type { PaymentId } from '../domain/ids.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import type { ChangeError, StorageCode } from '../domain/refusals.ts';
import type { PaymentUpdate } from '../domain/update.ts';
import type { PaymentView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import { notChargeable } from './attempt.ts';

type Code = 'payment_not_found' | 'payment_not_updatable' | 'invalid_request';
const REFUSALS: readonly Code[] = ['payment_not_found', 'payment_not_updatable', 'invalid_request'];

/** It moves nothing, and nobody is told of it. Errors: those. */
export const updatePayment = (
  ctx: Pick<Context, 'commit' | 'reads'>,
  { merchant, claim, requestId }: CallerWithoutKey,
  id: PaymentId,
  wanted: PaymentUpdate,
): ResultAsync<Reply<PaymentView>, ChangeError<Code> | PaymentError<'payment_not_found' | StorageCode>> =>
  ctx.reads.payment(merchant, id).andThen((payment) => {
    if (wanted.amount !== undefined && !isChargeable(wanted.amount, payment.currency)) return errAsync(notChargeable());
    return ctx
      .commit<PaymentView, Code>({
        merchant,
        requestId,
        refusals: REFUSALS,
        ...(claim ? { claim } : {}),
        payment: { kind: 'update', payment, wanted },
        answer: ({ payment: after }) => ok(jsonReply(200, paymentView(after ?? payment, 'servers'))),
      })
      .andThen(answerOf);
  });
