/** A payment comes to be, and is charged at once where its caller says `confirm`. */
import { ok, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Reply } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import { newId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import type { CaptureMethod, NewConfirm, Payment } from '../domain/payment.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import { CHARGE, type ChargeCode, type ChargeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import { secretOf } from './access.ts';
import { newAttempt } from './attempt.ts';
import { stripeCustomerOf } from './holder.ts';
import { perform } from './perform.ts';
import type { SavedNeeds } from './saved.ts';
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
  readonly inPage?: true;
  /** The one that pays is kept; or the cardholder is away. */
  readonly usedFor?: 'save' | 'off_session';
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

type Code = 'customer_not_found' | 'payment_method_required' | 'payment_not_confirmable' | ChargeCode;
const REFUSALS: readonly Code[] = [
  'customer_not_found',
  'payment_method_required',
  'payment_not_confirmable',
  ...CHARGE,
];

/** Errors: those, with `provider_unavailable` where the outcome is unknown; `payment_method_required` where no card is named, and the customer has no default. */
export const createPayment = (
  ctx: SavedNeeds,
  caller: Caller,
  command: CreatePayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> => {
  if (!command.confirm) return create(ctx, caller, command);
  return withStripe(ctx, caller, REFUSALS, () =>
    command.usedFor === 'save'
      ? stripeCustomerOf(ctx, caller.merchant, command.customer).andThen(() => create(ctx, caller, command))
      : create(ctx, caller, command),
  );
};

const create = (
  ctx: Pick<Context, 'commit' | 'cards' | 'clock' | 'log'>,
  caller: Caller,
  command: CreatePayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> => {
  const { merchant, claim, requestId } = caller;
  const created = newPayment(ctx, merchant, command);
  const attempt: NewConfirm | null = command.confirm
    ? {
        ...newAttempt(ctx, caller, created, { replyStatus: 201, showsSecret: true }),
        kind: 'confirm',
        paymentMethod: command.paymentMethod,
        inPage: command.inPage === true,
        usedFor: command.usedFor ?? null,
      }
    : null;
  const payment: Payment = { ...created, attempt: attempt?.id ?? null, underWay: attempt !== null };
  return ctx
    .commit<PaymentView, Code>({
      merchant,
      claim,
      payment: { kind: 'create', payment, attempt },
      requestId,
      refusals: REFUSALS,
      answer: () => (attempt ? null : ok(jsonReply(201, paymentView(payment, 'servers')))),
    })
    .andThen((applied) => {
      // As they were written: with the customer's default, where no card was named.
      const begun = applied.kind === 'done' ? applied.effect : null;
      return begun?.payment && begun.attempt?.kind === 'confirm'
        ? perform(ctx, begun.payment, begun.attempt, REFUSALS)
        : answerOf(applied);
    });
};

const newPayment = (ctx: Pick<Context, 'clock'>, merchant: MerchantId, command: CreatePayment): Payment => {
  const createdAt = ctx.clock.now();
  const id = newId('pay', createdAt);
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
    clientSecret: secretOf(id),
    nextAction: null,
    lastError: null,
    intent: null,
    attempt: null,
    underWay: false,
    mayExist: false,
    refundsPending: 0n,
    createdAt,
  };
};
