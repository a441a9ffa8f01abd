/** A payment comes to be, and is charged at once where its caller says `confirm`. */
import { ok, safeTry, type ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Answer, type Reply } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import { newId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import type { CaptureMethod, NewConfirm, Payment } from '../domain/payment.ts';
import { NOTHING_SAID, type GivenDetails } from '../domain/payment-details.ts';
import { jsonReply, paymentView } from '../domain/reply.ts';
import { CHARGE, type ChargeCode, type ChargeError } from '../domain/refusals.ts';
import type { PaymentView } from '../domain/views.ts';
import { secretOf } from './access.ts';
import { newAttempt } from './attempt.ts';
import { stripeCustomerOf } from './holder.ts';
import { charge, settle, type Claimed } from './perform.ts';
import { unlessAnswered, withStripe, type CardNeeds } from './with-stripe.ts';

export interface CreatePayment extends GivenDetails {
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
  ctx: CardNeeds,
  caller: Caller,
  command: CreatePayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> => {
  if (!command.confirm) return create(ctx, caller, command);
  if (command.usedFor !== 'save') return withStripe(ctx, caller, REFUSALS, () => processPayment(ctx, caller, command));
  // Who repeats it is answered as before, though its customer was erased meanwhile.
  return unlessAnswered(ctx, caller, REFUSALS, () =>
    stripeCustomerOf(ctx, caller.merchant, command.customer).andThen(() => processPayment(ctx, caller, command)),
  );
};

/**
 * The story's function: finds the user, charges his card, adds to his balance; and each of *user not found, Stripe failed,
 * database failed* is one of its errors. What it may be killed in between of is finished by others.
 */
const processPayment = (
  ctx: ChargeNeeds,
  caller: Caller,
  order: CreatePayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> =>
  safeTry(async function* () {
    const claimed = yield* claim(ctx, caller, order);
    if ('answer' in claimed) return claimed.answer;
    const charged = yield* charge(ctx, claimed);
    return settle(ctx, claimed, charged);
  });

type ChargeNeeds = Pick<Context, 'commit' | 'cards' | 'saved' | 'vault' | 'clock' | 'log'>;

/** The user is found, with the card that he has saved where none is named, and written down before anything is asked. */
const claim = (
  ctx: ChargeNeeds,
  caller: Caller,
  order: CreatePayment,
): ResultAsync<Claimed<Code> | { readonly answer: Answer<PaymentView, Code> }, ChargeError<Code>> => {
  const { merchant, requestId } = caller;
  const created = newPayment(ctx, merchant, order);
  const attempt: NewConfirm = {
    ...newAttempt(ctx, caller, created, { replyStatus: 201, showsSecret: true }),
    kind: 'confirm',
    paymentMethod: order.paymentMethod,
    inPage: order.inPage === true,
    usedFor: order.usedFor ?? null,
  };
  const payment: Payment = { ...created, attempt: attempt.id, underWay: true };
  return ctx
    .commit<PaymentView, Code>({
      ...{ merchant, claim: caller.claim, requestId, refusals: REFUSALS },
      payment: { kind: 'create', payment, attempt },
    })
    .map((applied) => {
      const begun = applied.kind === 'done' ? applied.effect : null;
      return begun?.payment && begun.attempt?.kind === 'confirm'
        ? { payment: begun.payment, attempt: begun.attempt, refusals: REFUSALS }
        : // It was asked for before: what was answered then is the answer.
          { answer: answerOf(applied) };
    });
};

/** A payment that is to be confirmed later. */
const create = (
  ctx: Pick<Context, 'commit' | 'clock'>,
  { merchant, claim: key, requestId }: Caller,
  order: CreatePayment,
): ResultAsync<Reply<PaymentView>, ChargeError<Code>> => {
  const payment = newPayment(ctx, merchant, order);
  return ctx
    .commit<PaymentView, Code>({
      ...{ merchant, claim: key, requestId, refusals: REFUSALS },
      payment: { kind: 'create', payment, attempt: null },
      answer: () => ok(jsonReply(201, paymentView(payment, 'servers'))),
    })
    .andThen(answerOf);
};

const newPayment = (
  ctx: Pick<Context, 'clock'>,
  merchant: MerchantId,
  { confirm, inPage: _, usedFor: __, ...wanted }: CreatePayment,
): Payment => {
  const createdAt = ctx.clock.now();
  const id = newId('pay', createdAt);
  return {
    ...NOTHING_SAID,
    ...wanted,
    merchant,
    id,
    amountCaptured: 0n,
    amountRefunded: 0n,
    amountReturned: 0n,
    status: confirm
      ? 'processing'
      : wanted.paymentMethod === null
        ? 'requires_payment_method'
        : 'requires_confirmation',
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
