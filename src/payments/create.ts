/** A payment comes to be, and is charged at once where its caller says `confirm`. */
import { errAsync, ok, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import { newId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import type { CaptureMethod, Payment, PaymentAttempt } from '../domain/payment.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { newAttempt } from './attempt.ts';
import { perform } from './perform.ts';
import { withStripe } from './with-stripe.ts';

export interface CreatePayment {
  readonly customer: CustomerId;
  /** In minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
  readonly paymentMethod: string | null;
  readonly confirm: boolean;
  readonly captureMethod: CaptureMethod;
  readonly returnUrl: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Errors: `customer_not_found`, `payment_method_required`, the declines, `provider_unavailable` (unknown), and those of
 * any claim.
 */
export const createPayment = (
  ctx: Context,
  caller: Caller,
  command: CreatePayment,
): ResultAsync<Reply, PaymentError> => {
  if (!command.confirm) return create(ctx, caller, command);
  if (command.paymentMethod === null)
    return errAsync(paymentError('payment_method_required', { param: 'payment_method' }));
  return withStripe(ctx, caller, () => create(ctx, caller, command));
};

const create = (ctx: Context, caller: Caller, command: CreatePayment): ResultAsync<Reply, PaymentError> => {
  const { merchant, claim, requestId } = caller;
  const created = newPayment(ctx, merchant, command);
  const attempt: PaymentAttempt | null =
    command.confirm && command.paymentMethod !== null
      ? {
          ...newAttempt(ctx, caller, created, { replyStatus: 201, showsSecret: true }),
          kind: 'confirm',
          paymentMethod: command.paymentMethod,
        }
      : null;
  const payment: Payment = { ...created, attempt: attempt?.id ?? null };
  return ctx
    .commit({
      merchant,
      claim,
      payment: { kind: 'create', payment, attempt },
      requestId,
      answer: () => (attempt ? null : ok(jsonReply(201, paymentView(payment, true)))),
    })
    .andThen((applied) => (attempt && !applied.answer ? perform(ctx, payment, attempt) : answerOf(applied)));
};

const newPayment = (ctx: Context, merchant: MerchantId, command: CreatePayment): Payment => {
  const id = newId('pay');
  const { customer, amount, currency, paymentMethod, confirm, captureMethod, returnUrl } = command;
  return {
    merchant,
    id,
    customer,
    amount,
    amountCaptured: 0n,
    amountRefunded: 0n,
    currency,
    status: confirm ? 'processing' : paymentMethod === null ? 'requires_payment_method' : 'requires_confirmation',
    paymentMethod,
    captureMethod,
    returnUrl,
    description: command.description,
    metadata: command.metadata,
    clientSecret: `${id}_secret_${randomToken()}`,
    nextAction: null,
    lastError: null,
    intent: null,
    attempt: null,
    refundsPending: 0n,
    createdAt: ctx.clock.now(),
  };
};

/** 192 random bits: whoever has it may pay. */
const randomToken = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url');
