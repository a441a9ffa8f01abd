/** What Stripe has of payment methods and setups is applied, whoever learned of it: what is believed is what was fetched. */
import { errAsync, okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Effect, Event } from '../domain/change.ts';
import { idAt, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { CLAIM, type ClaimCode, type StorageCode } from '../domain/refusals.ts';
import type { LastError } from '../domain/payment.ts';
import { setupView } from '../domain/reply.ts';
import type { Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { TaggedSetup } from '../stripe/tags.ts';

type Needs = Pick<Context, 'commit' | 'saved' | 'vault'>;

type LetGoError = PaymentError<'payment_method_not_found' | 'overloaded' | StorageCode>;

/** Stripe has taken it from its customer. Errors: `payment_method_not_found`, `database_unavailable`. */
export const letGo = (
  ctx: Pick<Context, 'commit'>,
  merchant: MerchantId,
  customer: CustomerId,
  method: string,
): ResultAsync<void, LetGoError> =>
  ctx
    .commit({ merchant, saved: { kind: 'let go', customer, method }, refusals: ['payment_method_not_found'] })
    .map(() => undefined)
    .mapErr(withoutClaim);

/** No key was claimed. */
export const withoutClaim = <E extends PaymentError>(
  error: E,
): Exclude<E, PaymentError<ClaimCode>> | PaymentError<'internal'> =>
  isOfClaim(error) ? paymentError('internal', { cause: error }) : (error as Exclude<E, PaymentError<ClaimCode>>);

const isOfClaim = (error: PaymentError): error is PaymentError<ClaimCode> => CLAIM.some((code) => code === error.code);

/** Looks at a payment method, and says in a word what was done. Errors: `provider_unavailable`, `database_unavailable`. */
export const applyMethod = (ctx: Needs, id: string): ResultAsync<string, PaymentError> =>
  ctx.vault.method(id).andThen((found): ResultAsync<string, PaymentError> => {
    const { holder } = found ?? { holder: null };
    if (!found || holder === null)
      return ctx.saved
        .methodAt(id)
        .andThen((of) =>
          of ? letGo(ctx, of.merchant, of.customer, id).map(() => 'method: detached') : okAsync('unknown object'),
        );
    return ctx.saved.holderAt(holder).andThen((of) =>
      of
        ? ctx
            .commit({
              merchant: of.merchant,
              saved: { kind: 'keep', customer: of.customer, found, isDefault: false },
            })
            .map(() => 'method: attached')
        : okAsync('unknown object'),
    );
  });

/**
 * Looks whether a customer at Stripe was deleted there: what was attached to him is gone with him, and whoever pays for
 * ours, or saves for him, would be refused for ever. Errors: as `applyMethod`.
 */
export const applyCustomer = (ctx: Needs, stripeId: string): ResultAsync<string, PaymentError> =>
  ctx.saved.holderAt(stripeId).andThen((of): ResultAsync<string, PaymentError> => {
    if (!of) return okAsync('unknown object');
    const { merchant, customer } = of;
    return ctx.vault.isDeleted(stripeId).andThen((isDeleted): ResultAsync<string, PaymentError> => {
      if (!isDeleted) return okAsync('customer: there');
      return (
        ctx.saved
          .listMethods(merchant, customer, EVERY)
          .andThen(({ data }) => ResultAsync.combine(data.map(({ id }) => letGo(ctx, merchant, customer, id))))
          // Last: until it is done, whoever is refused comes here again.
          .andThen(() => ctx.commit({ merchant, saved: { kind: 'lose', customer, stripeId }, refusals: [] }))
          .map(() => 'customer: deleted')
      );
    });
  });
const EVERY = { limit: Number.MAX_SAFE_INTEGER - 1, startingAfter: undefined, endingBefore: undefined };

/**
 * What pays was refused: perhaps since its customer at Stripe is gone, and then the next is not refused for him. Where
 * that can't be found out now, the next is, and finds it out.
 */
export const checkCustomer = (
  ctx: Needs & Pick<Context, 'log'>,
  stripeId: string | null,
  refusal: LastError | null,
): ResultAsync<void, never> =>
  stripeId === null || refusal?.code !== 'payment_method_not_usable'
    ? okAsync(undefined)
    : applyCustomer(ctx, stripeId)
        .map(() => undefined)
        .orElse((error) => {
          ctx.log.warn(
            { code: error.code, err: error.cause },
            'it could not be seen whether a customer is still at Stripe',
          );
          return okAsync(undefined);
        });

/** The same of a setup. Errors: as `applyMethod`. */
export const applySetup = (ctx: Needs, of: TaggedSetup, intent: string): ResultAsync<string, PaymentError> =>
  ctx.saved
    .setup(of.merchant, of.setup)
    // Read before Stripe is asked: what is changed meanwhile is later than the answer.
    .andThen((setup) =>
      ctx.vault
        .setup(intent)
        .andThen((found) =>
          found
            ? ctx
                .commit({ merchant: of.merchant, setup: { kind: 'observe', setup, found }, events: setupEvents })
                .map(() => `setup: ${found.status}`)
            : okAsync('unknown object'),
        ),
    )
    .orElse((error) => (error.code === 'setup_not_found' ? okAsync('unknown object') : errAsync(error)));

const TOLD = {
  requires_action: 'setup.requires_action',
  succeeded: 'setup.succeeded',
  requires_payment_method: 'setup.failed',
} as const;

/** What is told of a setup; of one that waits to be confirmed, or for the bank, nothing. */
export const setupEvents = ({ setup }: Effect, now: Micros): Event[] => {
  const type = setup && setup.status in TOLD ? TOLD[setup.status as keyof typeof TOLD] : undefined;
  if (!setup || type === undefined || (type === 'setup.failed' && setup.lastError === null)) return [];
  const { merchant, id } = setup;
  const data = JSON.stringify(setupView(setup, 'finance'));
  return [{ merchant, id: idAt('evt', `${id} ${type}`, now), type, subject: id, data }];
};
