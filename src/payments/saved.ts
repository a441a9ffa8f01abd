/** What a customer has saved: a payment method is attached by hand, listed, made the default, and detached. */
import { err, errAsync, ok, okAsync, type ResultAsync } from 'neverthrow';
import type { CallerWithoutKey, Context } from '../context.ts';
import { answerOf, type Answer, type Effect, type Reply } from '../domain/change.ts';
import { newId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import type { LastError } from '../domain/payment.ts';
import { KEEP, type ChargeError, type KeepCode, type StorageCode, type StripeError } from '../domain/refusals.ts';
import { jsonReply, listView, methodView } from '../domain/reply.ts';
import type { DetachedMethodView, ListView, PaymentMethodView } from '../domain/views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Page } from '../storage/pages.ts';
import { stripeCustomerOf } from './holder.ts';
import { checkCustomer, letGo, withoutClaim } from './saved-facts.ts';
import { unlessAnswered, type CardNeeds } from './with-stripe.ts';

export interface AttachMethod {
  readonly customer: CustomerId;
  readonly paymentMethod: string;
  readonly isDefault: boolean;
}

type Code = 'customer_not_found' | KeepCode;
const REFUSALS: readonly Code[] = ['customer_not_found', ...KEEP];

/**
 * Attaches a payment method without the bank being asked for its customer: a setup is better, where he is there. Errors:
 * those; `payment_method_not_usable` where it is another's, was used up or is not there.
 */
export const attachMethod = (
  ctx: CardNeeds,
  caller: CallerWithoutKey,
  { customer, paymentMethod, isDefault }: AttachMethod,
): ResultAsync<Reply<PaymentMethodView>, ChargeError<Code>> =>
  unlessAnswered(ctx, caller, REFUSALS, () => {
    const { merchant, claim, requestId } = caller;
    return stripeCustomerOf(ctx, merchant, customer)
      .andThen((holder) =>
        ctx.vault
          .attach(paymentMethod, holder, claim?.id ?? newId('att'))
          .andThrough(({ refusal }) => checkCustomer(ctx, holder, refusal)),
      )
      .andThen(({ found, refusal }) =>
        ctx.commit<PaymentMethodView, Code>({
          ...{ merchant, requestId, refusals: REFUSALS },
          ...(claim ? { claim } : {}),
          ...(found ? { saved: { kind: 'keep', customer, found, isDefault } } : {}),
          answer: (effect) => (refusal ? err(refused(refusal)) : attached(effect)),
        }),
      )
      .andThen(answerOf);
  });

const attached = ({ method, holder }: Effect): Answer<PaymentMethodView> =>
  method
    ? ok(jsonReply(201, methodView(method, holder)))
    : err(paymentError('payment_method_not_usable', { param: 'payment_method' }));

/** Why it was not kept. */
export const refused = ({ code, declineCode, message }: LastError): PaymentError =>
  paymentError(code, { message, ...(declineCode === undefined ? {} : { declineCode }) });

/** Errors: `customer_not_found`, `invalid_request` of a page that begins nowhere, `database_unavailable`. */
export const listMethods = (
  ctx: Pick<Context, 'saved' | 'reads'>,
  merchant: MerchantId,
  customer: CustomerId,
  page: Page<string>,
): ResultAsync<
  ListView<PaymentMethodView>,
  PaymentError<'customer_not_found' | 'invalid_request' | 'overloaded' | StorageCode>
> =>
  ctx.reads.customer(merchant, customer).andThen(({ erasedAt }) =>
    ctx.saved.holder(merchant, customer).andThen((holder) =>
      ctx.saved.listMethods(merchant, customer, page).map(({ data, hasMore }) =>
        listView(
          `/v1/customers/${customer}/payment_methods`,
          // Of who was erased they are gone in some seconds, when Stripe has let go of them: they are told no more until then.
          erasedAt === null ? data.map((method) => methodView(method, holder ?? null)) : [],
          erasedAt === null && hasMore,
        ),
      ),
    ),
  );

/** Makes a saved method, where one is named, what is charged where none is. Errors: `payment_method_not_found`, `database_unavailable`. */
export const chooseDefault = (
  ctx: Pick<Context, 'commit'>,
  merchant: MerchantId,
  customer: CustomerId,
  method: string | undefined,
): ResultAsync<void, PaymentError<'payment_method_not_found' | 'overloaded' | StorageCode>> =>
  method === undefined
    ? okAsync(undefined)
    : ctx
        .commit({ merchant, saved: { kind: 'choose', customer, method }, refusals: ['payment_method_not_found'] })
        .map(() => undefined)
        .mapErr(withoutClaim);

type DetachError =
  PaymentError<'payment_method_not_found' | 'provider_refused' | 'overloaded' | StorageCode> | StripeError;

/**
 * Detaches it for good: at Stripe first, since what is noted here could be forgotten there, and be charged by others.
 * Repeated, it answers the same. Errors: `payment_method_not_found`, `provider_refused`, `provider_unavailable`.
 */
export const detachMethod = (
  ctx: Pick<Context, 'commit' | 'saved' | 'vault'>,
  merchant: MerchantId,
  id: string,
): ResultAsync<DetachedMethodView, DetachError> =>
  ctx.saved
    .method(merchant, id)
    .andThen((method) => {
      if (method.isDetached) return okAsync(undefined);
      return ctx.vault
        .detach(id)
        .andThen(({ found, refusal }) =>
          found?.holder === null
            ? letGo(ctx, merchant, method.customer, id)
            : errAsync(paymentError('provider_refused', refusal ? { message: refusal.message } : {})),
        );
    })
    .map((): DetachedMethodView => ({ id, object: 'payment_method', deleted: true }));
