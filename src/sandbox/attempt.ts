/** A confirmation of a payment intent: the card is asked, and says what it says. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordCharge } from './balance.ts';
import { CAPTURE_WITHIN_S, failedDebit, newCharge, scheduleWhatFollows } from './charges.ts';
import { methodNamed, type NamedMethod, useToken } from './confirmation-tokens.ts';
import { debitRefused } from './debits.ts';
import { AUTHENTICATION_NOT_HANDLED, AUTHENTICATION_REQUIRED, type Decline, GENERIC_DECLINE } from './declines.ts';
import {
  badParam,
  cardError,
  type Failure,
  intentRefused,
  refused,
  resourceMissing,
  unexpectedState,
} from './failure.ts';
import { idOf } from './ids.ts';
import { attach, cardBehind, declineError } from './payment-methods.ts';
import { find, save, type Scope } from './scope.ts';
import { type ChallengeParams, nextAction, wantsOwner } from './three-d-secure.ts';

/** With `automatic_async` the fee is known a little after the reply: long enough to be seen missing. */
const SETTLES_AFTER_MS = 1000;
/** A card that answers late answers after this: long enough to be seen `processing`. */
const PROCESSED_AFTER_MS = 5000;

type Intent = Stripe.PaymentIntent;
type Outcome = Result<Intent, Failure>;

export interface CardOptions {
  readonly capture_method?: string | undefined;
  readonly moto?: boolean | undefined;
  readonly network?: string | undefined;
  readonly request_three_d_secure?: string | undefined;
  readonly setup_future_usage?: string | null | undefined;
}

/** What a confirmation takes, alone or as part of a creation. */
export interface ConfirmParams extends NamedMethod, ChallengeParams {
  readonly allowed_payment_method_types?: readonly ('card' | 'link' | 'sepa_debit')[] | undefined;
  readonly capture_method?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly error_on_requires_action?: boolean | undefined;
  readonly excluded_payment_method_types?: readonly string[] | null | undefined;
  readonly mandate_data?: object | null | undefined;
  readonly off_session?: boolean | undefined;
  readonly payment_method_options?: { readonly card?: CardOptions | undefined } | undefined;
  readonly payment_method_types?: readonly string[] | undefined;
  readonly receipt_email?: string | null | undefined;
  readonly setup_future_usage?: string | null | undefined;
  readonly shipping?: Stripe.PaymentIntent.Shipping | null | undefined;
}

/** The statuses in which an intent waits for a confirmation. */
export const CONFIRMABLE: readonly string[] = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** A payment method that sends its user elsewhere needs a way back; Stripe asks for it even where the method is a card. */
export const missingReturnUrl = (
  intent: Intent | Stripe.SetupIntent,
  params: ChallengeParams & { readonly off_session?: boolean | undefined },
): Failure | undefined =>
  intent.automatic_payment_methods?.enabled === true &&
  intent.automatic_payment_methods.allow_redirects === 'always' &&
  params.return_url === undefined &&
  params.use_stripe_sdk !== true &&
  params.off_session !== true
    ? badParam(
        `This ${intent.object === 'payment_intent' ? 'PaymentIntent' : 'SetupIntent'} is configured to accept payment ` +
          'methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of ' +
          "your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set " +
          '`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` ' +
          'when creating Setup Intents and Payment Intents.',
      )
    : undefined;

/** A list of types stands in for what the dashboard allows. */
export const narrowed = (params: ConfirmParams): Partial<Intent> => {
  const {
    allowed_payment_method_types: allowed,
    payment_method_types: older,
    excluded_payment_method_types: out,
  } = params;
  const types = allowed ?? older;
  return {
    ...(types === undefined ? {} : { automatic_payment_methods: null, payment_method_types: [...types] }),
    ...(allowed === undefined ? {} : { allowed_payment_method_types: [...allowed] }),
    ...(out === undefined
      ? {}
      : { excluded_payment_method_types: [...(out ?? [])] as Stripe.PaymentIntent.ExcludedPaymentMethodType[] }),
  };
};

/** The options of cards as an intent shows them. */
export const optionsOf = (
  { payment_method_options: given }: Pick<ConfirmParams, 'payment_method_options'>,
  held?: Stripe.PaymentIntent.PaymentMethodOptions | null,
): Stripe.PaymentIntent.PaymentMethodOptions => {
  const { moto: _, capture_method: capture, ...card } = given?.card ?? {};
  const told = Object.fromEntries(Object.entries(card).filter(([, value]) => value !== undefined));
  return {
    card: {
      installments: null,
      mandate_options: null,
      network: null,
      request_three_d_secure: 'automatic',
      ...held?.card,
      ...(capture === 'manual' ? { capture_method: 'manual' as const } : {}),
      ...told,
    },
  };
};

/** Tries to take the money: an attempt, with the intent's payment method or with a new one. */
export const confirmIntent = (scope: Scope, id: string, params: ConfirmParams): Outcome =>
  find(scope, 'payment_intent', id).andThen((held) => {
    if (params.client_secret !== undefined && params.client_secret !== held.client_secret) {
      return err(resourceMissing(404, 'payment_intent', id, 'intent'));
    }
    if (!CONFIRMABLE.includes(held.status)) {
      return err(
        unexpectedState(
          held.status === 'succeeded'
            ? 'You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.'
            : `You cannot confirm this PaymentIntent because it has a status of ${held.status}. Only a PaymentIntent ` +
                'with one of the following statuses may be confirmed: requires_confirmation, requires_action.',
          held,
        ),
      );
    }
    // Confirmed by hand once, it is the server that goes on after the customer has answered.
    if (scope.isBrowser && held.confirmation_method === 'manual') {
      return err(
        intentRefused(
          'This PaymentIntent has a confirmation_method of manual: it can be confirmed with a secret key only.',
          'payment_intent_invalid_parameter',
          held,
        ),
      );
    }
    return methodNamed(scope, params, idOf(held.customer)).andThen(({ method, params: more }) => {
      const given = { ...more, ...params };
      const intent: Intent = {
        ...held,
        capture_method: given.capture_method ?? held.capture_method,
        payment_method_options: optionsOf(given, held.payment_method_options),
        receipt_email: given.receipt_email === undefined ? held.receipt_email : given.receipt_email,
        setup_future_usage: given.setup_future_usage === undefined ? held.setup_future_usage : given.setup_future_usage,
        shipping: given.shipping === undefined ? held.shipping : given.shipping,
        ...narrowed(given),
      };
      const redirect = missingReturnUrl(intent, given);
      if (redirect !== undefined) return err(redirect);
      return attempt(scope, intent, method ?? methodOf(scope, intent), given);
    });
  });

/** The payment method that an intent holds. */
export const methodOf = (
  scope: Scope,
  intent: { readonly payment_method: Intent['payment_method'] },
): Stripe.PaymentMethod | null => scope.store.get('payment_method', idOf(intent.payment_method) ?? '') ?? null;

/** On a card's statement stands the account's descriptor, with a suffix at the most. */
export const noDescriptorOfCards = (): Failure =>
  refused(
    'statement_descriptor is not supported for card payments: use statement_descriptor_suffix instead.',
    undefined,
    'statement_descriptor',
  );

/** Asks the card: it wants its owner, it declines, or it pays. */
export const attempt = (
  scope: Scope,
  intent: Intent,
  method: Stripe.PaymentMethod | null,
  params: ConfirmParams & { readonly authenticated?: boolean },
): Outcome => {
  if (method === null) {
    return err(
      unexpectedState(
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the " +
          'PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment ' +
          'method or ConfirmationToken.',
        intent,
      ),
    );
  }
  const card = cardBehind(scope, method.id);
  if (card.debit !== true && intent.statement_descriptor !== null) return err(noDescriptorOfCards());
  const unfit = card.debit === true ? debitRefused(intent, params) : undefined;
  if (unfit !== undefined) return err(unfit);
  useToken(scope, params.confirmation_token, intent);
  const circumstances = {
    offSession: params.off_session === true || params.payment_method_options?.card?.moto === true,
    wish: intent.payment_method_options?.card?.request_three_d_secure ?? undefined,
    isSetUp: scope.store.hidden(method.id)?.setUp === true,
  };
  if (params.authenticated !== true && wantsOwner(card, circumstances)) {
    if (params.off_session === true) return decline(scope, intent, method, AUTHENTICATION_REQUIRED);
    if (params.error_on_requires_action === true) return decline(scope, intent, method, AUTHENTICATION_NOT_HANDLED);
    return ok(requireAction(scope, intent, method, params));
  }
  if (card.processing !== undefined) return ok(process(scope, intent, method));
  if (card.decline !== undefined) return decline(scope, intent, method, card.decline, params);
  return ok(take(scope, intent, method, params));
};

/** The answer takes a while: until then nobody knows whether the money comes. */
const process = (scope: Scope, intent: Intent, method: Stripe.PaymentMethod): Intent => {
  const made = newCharge(scope, intent, method, { kind: 'processing' });
  // Of a debit the balance has a line from the beginning, which says nothing of whether it is paid.
  const charge = made.captured ? { ...made, balance_transaction: recordCharge(scope, made, made.amount).id } : made;
  save(scope, charge, 'charge.pending');
  const afterMs = cardBehind(scope, method.id).processingMs ?? PROCESSED_AFTER_MS;
  scope.store.schedule(scope.clock.nowMs() + afterMs, 'finish_processing', intent.id);
  const waiting: Intent = {
    ...intent,
    last_payment_error: null,
    latest_charge: charge.id,
    next_action: null,
    payment_method: method.id,
    status: 'processing',
  };
  save(scope, waiting, 'payment_intent.processing');
  return waiting;
};

/** The answer has come, on the charge that has waited for it. */
export const finishProcessing = (scope: Scope, id: string): void => {
  const intent = scope.store.get('payment_intent', id);
  const method = intent === undefined ? null : methodOf(scope, intent);
  const waiting = scope.store.get('charge', idOf(intent?.latest_charge) ?? '');
  if (intent?.status !== 'processing' || method === null || waiting === undefined) return;
  const { processing, decline: why = GENERIC_DECLINE } = cardBehind(scope, method.id);
  if (processing !== 'fails') take(scope, intent, method, { waiting });
  // The decline is in the intent and in its event; there is no request any more to be told of it.
  else decline(scope, intent, method, why, { waiting }).unwrapOr(intent);
};

/** How it came to the verdict. */
interface How {
  /** The charge that has waited for it. */
  readonly waiting?: Stripe.Charge | undefined;
  /** Its owner has passed 3-D Secure. */
  readonly authenticated?: boolean | undefined;
}

/** Another verdict on a charge that was made before: the same charge. */
const again = (made: Stripe.Charge, waiting: Stripe.Charge | undefined): Stripe.Charge => {
  if (waiting === undefined) return made;
  const { id, created, balance_transaction, payment_method_details } = waiting;
  return { ...made, id, created, balance_transaction, payment_method_details };
};

/** The money is taken, or only held where the capture is manual. */
const take = (scope: Scope, intent: Intent, method: Stripe.PaymentMethod, how: How): Intent => {
  const manual = intent.capture_method === 'manual' || intent.payment_method_options?.card?.capture_method === 'manual';
  const verdict = { kind: manual ? 'authorized' : 'captured', authenticated: how.authenticated === true } as const;
  const made = again(newCharge(scope, intent, method, verdict), how.waiting);
  const settlesNow = intent.capture_method === 'automatic' && !manual;
  const isSettled = made.balance_transaction !== null;
  const charge =
    settlesNow && !isSettled
      ? { ...made, balance_transaction: recordCharge(scope, made, made.amount_captured).id }
      : made;
  save(scope, charge, 'charge.succeeded');
  if (!manual && !settlesNow && !isSettled)
    scope.store.schedule(scope.clock.nowMs() + SETTLES_AFTER_MS, 'settle_charge', charge.id);
  if (manual) scope.store.schedule(scope.clock.nowMs() + CAPTURE_WITHIN_S * 1000, 'expire_capture', intent.id);
  else scheduleWhatFollows(scope, charge);

  const customer = idOf(intent.customer);
  const kept = intent.setup_future_usage ?? intent.payment_method_options?.card?.setup_future_usage ?? null;
  if (customer === null) scope.store.spend(method.id);
  else if (kept !== null && kept !== 'none') attach(scope, method, customer);
  if (kept === 'off_session') scope.store.setUp(method.id);
  const paid: Intent = {
    ...intent,
    amount_capturable: manual ? intent.amount : 0,
    amount_received: manual ? 0 : intent.amount,
    last_payment_error: null,
    latest_charge: charge.id,
    next_action: null,
    payment_method: method.id,
    status: manual ? 'requires_capture' : 'succeeded',
  };
  save(scope, paid, manual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded');
  return paid;
};

/** The attempt failed: the intent wants another payment method, and remembers why. */
const decline = (scope: Scope, intent: Intent, method: Stripe.PaymentMethod, why: Decline, how: How = {}): Outcome => {
  const verdict = { kind: 'declined', decline: why, authenticated: how.authenticated === true } as const;
  const { waiting } = how;
  const charge =
    why.chargeless === true
      ? undefined
      : waiting?.captured === true
        ? failedDebit(scope, waiting, why)
        : again(newCharge(scope, intent, method, verdict), waiting);
  if (charge !== undefined) save(scope, charge, 'charge.failed');
  const failure = cardError({
    ...declineError(why),
    ...(charge === undefined ? {} : { charge: charge.id }),
    payment_method: method,
  });
  const failed: Intent = {
    ...intent,
    last_payment_error: failure.error,
    latest_charge: charge?.id ?? intent.latest_charge,
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  save(scope, failed, 'payment_intent.payment_failed');
  return err({ ...failure, error: { ...failure.error, payment_intent: failed } });
};

/** The card's owner is asked for: at the page that `next_action` names. */
const requireAction = (scope: Scope, intent: Intent, method: Stripe.PaymentMethod, params: ChallengeParams): Intent => {
  const waiting: Intent = {
    ...intent,
    last_payment_error: null,
    next_action: nextAction(scope, intent.id, params),
    payment_method: method.id,
    status: 'requires_action',
  };
  save(scope, waiting, 'payment_intent.requires_action');
  return waiting;
};

/** The customer passed or failed 3-D Secure. A decline after it is in the intent, not in this answer. */
export const answerPayment = (scope: Scope, intent: Intent, passed: boolean): Intent => {
  const method = methodOf(scope, intent);
  if (passed) {
    return attempt(scope, intent, method, { authenticated: true }).unwrapOr(
      scope.store.get('payment_intent', intent.id) ?? intent,
    );
  }
  const failed: Intent = {
    ...intent,
    last_payment_error: {
      code: 'payment_intent_authentication_failure',
      doc_url: 'https://stripe.com/docs/error-codes/payment-intent-authentication-failure',
      message:
        'The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new ' +
        'PaymentMethod to attempt to fulfill this PaymentIntent again.',
      ...(method === null ? {} : { payment_method: method }),
      type: 'invalid_request_error',
    },
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  save(scope, failed, 'payment_intent.payment_failed');
  return failed;
};
