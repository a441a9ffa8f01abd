/**
 * Setups: a card is kept without a charge, by Stripe's SetupIntent. No money hangs on one, so Stripe is asked first, under
 * keys that follow from the claim, and then all of it is written in one commit, with the reply: whoever repeats a request
 * that was cut off in between is answered by Stripe as before, and what is never repeated Stripe tells of.
 */
import { err, errAsync, ok, ResultAsync } from 'neverthrow';
import type { Caller, Context } from '../context.ts';
import { answerOf, type Answer, type Change, type Reply } from '../domain/change.ts';
import { idFrom, type CustomerId, type MerchantId, type SetupId } from '../domain/ids.ts';
import type { LastError } from '../domain/payment.ts';
import { KEEP, type ChargeError, type KeepCode, type StorageCode, type StripeError } from '../domain/refusals.ts';
import { jsonReply, setupView } from '../domain/reply.ts';
import type { Setup, SetupFact } from '../domain/setup.ts';
import type { SetupView } from '../domain/views.ts';
import { paymentError, withDetail, type PaymentError } from '../error.ts';
import type { Confirming, NewSetup, Told } from '../stripe/vault.ts';
import { admit, secretOf, type Access } from './access.ts';
import { stripeCustomerOf } from './holder.ts';
import { shareLook } from './look.ts';
import { refused } from './saved.ts';
import { applySetup, checkCustomer, setupEvents } from './saved-facts.ts';
import { unlessAnswered, type CardNeeds } from './with-stripe.ts';

export interface CreateSetup {
  readonly customer: CustomerId;
  readonly paymentMethod: string | null;
  readonly confirm: boolean;
  readonly returnUrl: string | null;
  readonly inPage?: true;
}

type CreateCode = 'customer_not_found' | KeepCode;
const CREATE: readonly CreateCode[] = ['customer_not_found', ...KEEP];

/** Errors: those, with `provider_unavailable` where Stripe has not answered; and where it is to be confirmed with no card, that it must be named. */
export const createSetup = (
  ctx: CardNeeds,
  caller: Caller,
  { customer, paymentMethod, confirm, returnUrl, inPage }: CreateSetup,
): ResultAsync<Reply<SetupView>, ChargeError<CreateCode | 'payment_method_required'>> => {
  if (confirm && paymentMethod === null)
    return errAsync(paymentError('payment_method_required', { param: 'payment_method' }));
  const { merchant, claim, requestId } = caller;
  const id = idFrom('set', claim.id);
  const confirming = confirm && paymentMethod !== null ? { paymentMethod, returnUrl, inPage: inPage === true } : null;
  return unlessAnswered(ctx, caller, CREATE, () =>
    stripeCustomerOf(ctx, merchant, customer)
      .andThen((stripeCustomer) =>
        makeSetup(ctx, { merchant, id, stripeCustomer, paymentMethod, confirming }, claim.id).andThrough(
          ({ refusal }) => checkCustomer(ctx, stripeCustomer, refusal),
        ),
      )
      .andThen(({ found, refusal }) => {
        const setup = found && newSetup(ctx, { merchant, id, customer, returnUrl, paymentMethod }, found);
        return ctx.commit<SetupView, CreateCode>({
          ...{ merchant, claim, requestId, refusals: CREATE, events: setupEvents },
          ...(setup ? { setup: { kind: 'create', setup, found } } : {}),
          answer: (effect) => answer(effect.setup, refusal, 201),
        });
      })
      .andThen(answerOf),
  );
};

/** Where Stripe has nothing more to say under the key, what it has made is looked for, and else asked for under another. */
const makeSetup = (
  { vault }: Pick<Context, 'vault'>,
  wanted: NewSetup,
  key: string,
): ResultAsync<Told<SetupFact>, StripeError | PaymentError<'idempotency_key_reused'>> =>
  vault.createSetup(wanted, key).orElse((silence): ReturnType<typeof makeSetup> => {
    if (silence.isOfAnother) return errAsync(paymentError('idempotency_key_reused'));
    if (!silence.mustLook) return errAsync(silence);
    return vault
      .findSetup(wanted.stripeCustomer, wanted.id)
      .andThen((found) =>
        found ? ok({ found, refusal: found.lastError }) : vault.createSetup(wanted, `${key}-again`),
      );
  });

const newSetup = (
  ctx: Pick<Context, 'clock'>,
  of: Pick<Setup, 'merchant' | 'id' | 'customer' | 'returnUrl' | 'paymentMethod'>,
  { intent, status }: SetupFact,
): Setup => ({
  ...{ ...of, intent, status },
  clientSecret: secretOf(of.id),
  nextAction: null,
  lastError: null,
  tries: 0,
  triedSince: null,
  createdAt: ctx.clock.now(),
});

const answer = (
  setup: Setup | null,
  refusal: LastError | null,
  status: 200 | 201,
  isSecret = true,
): Answer<SetupView> => {
  if (refusal) return err(withDetail(refused(refusal), setup ? { setup: setup.id } : {}));
  return setup
    ? ok(jsonReply(status, setupView(setup, isSecret ? 'servers' : 'page')))
    : err(paymentError('internal', { cause: new Error('a setup was made, and is not there') }));
};

export interface ConfirmSetup {
  readonly setup: SetupId;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly inPage?: true;
  readonly access: Access;
}

type ConfirmCode = 'setup_not_found' | 'setup_not_confirmable' | 'too_many_attempts' | KeepCode;
const CONFIRM: readonly ConfirmCode[] = ['setup_not_found', 'setup_not_confirmable', 'too_many_attempts', ...KEEP];

/** Errors: those, and `payment_method_required` where no card is known. */
export const confirmSetup = (
  ctx: CardNeeds,
  caller: Caller,
  command: ConfirmSetup,
): ResultAsync<Reply<SetupView>, ChargeError<ConfirmCode | 'payment_method_required'>> =>
  admitted(ctx, caller.merchant, command.setup, command.access).andThen((setup) => {
    const paymentMethod = command.paymentMethod ?? setup.paymentMethod;
    if (paymentMethod === null) return errAsync(paymentError('payment_method_required', { param: 'payment_method' }));
    const returnUrl = command.returnUrl ?? setup.returnUrl;
    const how: Confirming = { paymentMethod, returnUrl, inPage: command.inPage === true };
    const { merchant, claim, requestId } = caller;
    const write = (change: Change<SetupView, ConfirmCode>): ResultAsync<Reply<SetupView>, ChargeError<ConfirmCode>> =>
      ctx.commit<SetupView, ConfirmCode>({ ...change, refusals: CONFIRM }).andThen(answerOf);
    const as = { merchant, claim, requestId };
    const isSecret = command.access.kind === 'secret';
    return unlessAnswered(ctx, caller, CONFIRM, () =>
      // Though it be over: that may be what this very request has done, whose reply was lost; under its key Stripe tells.
      ctx
        .commit({ merchant, setup: { kind: 'try', setup }, refusals: CONFIRM })
        .andThen(() =>
          ctx.vault
            .confirmSetup(setup.intent, how, claim.id)
            .orElse((silence) => (silence.mustLook ? asItStands(ctx, setup.intent, silence) : err(silence))),
        )
        .andThen(({ found, refusal }) =>
          write({
            ...as,
            ...(found ? { setup: { kind: 'confirm', setup: { ...setup, returnUrl }, found } } : {}),
            answer: (effect) => answer(effect.setup, refusal, 200, isSecret),
            events: setupEvents,
          }),
        ),
    );
  });

/** Stripe has nothing more to say under that key: what it has come to says it, unless it still waits for a card. */
const asItStands = (
  ctx: Pick<Context, 'vault'>,
  intent: string,
  silence: StripeError,
): ResultAsync<{ readonly found: SetupFact; readonly refusal: LastError | null }, StripeError> =>
  ctx.vault.setup(intent).andThen((found) => {
    if (!found || found.status === 'requires_confirmation') return err(silence);
    if (found.status === 'requires_payment_method' && found.lastError === null) return err(silence);
    return ok({ found, refusal: found.lastError });
  });

const admitted = (
  ctx: Pick<Context, 'saved'>,
  merchant: MerchantId,
  id: SetupId,
  access: Access,
): ResultAsync<Setup, PaymentError<'setup_not_found' | StorageCode>> =>
  ctx.saved.setup(merchant, id).andThen((setup) => admit(setup, access, 'setup_not_found'));

/** As it is; while it waits for its customer, as Stripe has it now. Errors: `setup_not_found`, `database_unavailable`. */
export const readSetup = (
  ctx: Pick<Context, 'saved' | 'vault' | 'commit' | 'log'>,
  merchant: MerchantId,
  id: SetupId,
  access: Access,
): ResultAsync<SetupView, PaymentError<'setup_not_found' | StorageCode>> =>
  admitted(ctx, merchant, id, access)
    .andThen((setup) =>
      setup.status === 'requires_action'
        ? ResultAsync.fromSafePromise(
            shareLook(ctx, id, () => applySetup(ctx, { merchant, setup: id }, setup.intent)),
          ).andThen((wasAsked) => (wasAsked ? ctx.saved.setup(merchant, id) : ok(setup)))
        : ok(setup),
    )
    .map((setup) =>
      setupView(setup, access.kind === 'secret' ? 'servers' : access.kind === 'finance' ? 'finance' : 'page'),
    );
