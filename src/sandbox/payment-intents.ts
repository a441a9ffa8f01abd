import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { AUTHENTICATION_REQUIRED, type Decline, GENERIC_DECLINE } from './cards.ts';
import { CAPTURE_WITHIN_S, newCharge, settleCharge } from './charges.ts';
import { findCustomer } from './customers.ts';
import { badParam, cardError, type Failure, refused, unexpectedState } from './failure.ts';
import { idOf, newId, newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { attach, cardBehind, declineError, newPaymentMethod, usePaymentMethod } from './payment-methods.ts';
import { recordCharge } from './balance.ts';
import { find, save, saveChange, type Scope } from './scope.ts';

/** With `automatic_async` the fee is known a little after the reply: long enough to be seen missing. */
const SETTLES_AFTER_MS = 1000;
/** What was captured by hand is disputed a minute later, so that a part of it can be refunded before. */
const DISPUTED_AFTER_MS = 60_000;
/** A card that answers late answers after this: long enough to be seen `processing`. */
const PROCESSED_AFTER_MS = 5000;

type Intent = Stripe.PaymentIntent;
type Outcome = Result<Intent, Failure>;

/** What a confirmation takes, alone or as part of a creation. */
export interface ConfirmParams {
  readonly allowed_payment_method_types?: readonly ('card' | 'link')[] | undefined;
  readonly payment_method?: string | undefined;
  /** The name of the test card behind a token, from `payment_method_data`. */
  readonly cardToken?: string | undefined;
  readonly return_url?: string | undefined;
  readonly off_session?: boolean | undefined;
  readonly error_on_requires_action?: boolean | undefined;
  readonly setup_future_usage?: string | null | undefined;
  readonly receipt_email?: string | null | undefined;
  readonly capture_method?: string | undefined;
  readonly shipping?: Stripe.PaymentIntent.Shipping | undefined;
  readonly payment_method_options?:
    { readonly card?: { readonly request_three_d_secure?: string | undefined } | undefined } | undefined;
}

/** What a change of an intent takes. */
export interface UpdateParams extends Omit<ConfirmParams, 'return_url' | 'off_session' | 'error_on_requires_action'> {
  readonly amount?: number | undefined;
  readonly currency?: string | undefined;
  readonly customer?: string | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly payment_method_types?: readonly string[] | undefined;
  readonly statement_descriptor?: string | undefined;
  readonly statement_descriptor_suffix?: string | undefined;
  readonly transfer_group?: string | undefined;
}

export interface CreateParams extends UpdateParams, ConfirmParams {
  readonly amount: number;
  readonly currency: string;
  readonly confirm?: boolean | undefined;
  readonly confirmation_method?: string | undefined;
  readonly automatic_payment_methods?:
    { readonly enabled: boolean; readonly allow_redirects?: string | undefined } | undefined;
}

/** Makes an intent, and confirms it where `confirm` says so. */
export const createIntent = (scope: Scope, params: CreateParams): Outcome => {
  const unusable = whatNeedsConfirm(params);
  if (unusable !== undefined) return err(unusable);
  const customer = params.customer === undefined ? ok(null) : findCustomer(scope, params.customer);
  if (customer.isErr()) return err(customer.error);
  const method = methodNamed(scope, params, customer.value?.id ?? null);
  if (method.isErr()) return err(method.error);

  const intent = newIntent(scope, params, method.value);
  const redirect = params.confirm === true ? missingReturnUrl(intent, params) : undefined;
  if (redirect !== undefined) return err(redirect);
  save(scope, intent, 'payment_intent.created');
  return params.confirm === true ? attempt(scope, intent, method.value, params) : ok(intent);
};

/** Some parameters are about the confirmation alone; Stripe refuses them without one. */
const whatNeedsConfirm = (params: CreateParams): Failure | undefined => {
  if (params.confirm === true) return undefined;
  const given = (['return_url', 'off_session', 'error_on_requires_action'] as const).find(
    (name) => params[name] !== undefined,
  );
  return given === undefined
    ? undefined
    : badParam(
        `The parameter ${given} cannot be passed when creating a PaymentIntent unless confirm is set to true.`,
        given,
        'payment_intent_invalid_parameter',
      );
};

/** The payment method that the request names, if it names one. */
const methodNamed = (
  scope: Scope,
  params: Pick<ConfirmParams, 'payment_method' | 'cardToken'>,
  customer: string | null,
): Result<Stripe.PaymentMethod | null, Failure> => {
  if (params.cardToken !== undefined) return ok(newPaymentMethod(scope, params.cardToken));
  return params.payment_method === undefined ? ok(null) : usePaymentMethod(scope, params.payment_method, customer);
};

const newIntent = (scope: Scope, params: CreateParams, method: Stripe.PaymentMethod | null): Intent => {
  const id = newId('pi_');
  // Where a request says neither, Stripe takes what the account's dashboard allows.
  const automatic =
    (params.automatic_payment_methods?.enabled ??
    (params.payment_method_types === undefined && params.allowed_payment_method_types === undefined))
      ? { allow_redirects: params.automatic_payment_methods?.allow_redirects ?? 'always', enabled: true }
      : null;
  return {
    id,
    object: 'payment_intent',
    allowed_payment_method_types:
      params.allowed_payment_method_types === undefined ? null : [...params.allowed_payment_method_types],
    amount: params.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: automatic,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: params.capture_method ?? 'automatic_async',
    client_secret: newSecret(`${id}_secret_`, 25),
    confirmation_method: params.confirmation_method ?? 'automatic',
    created: scope.clock.nowS(),
    currency: params.currency,
    customer: params.customer ?? null,
    customer_account: null,
    description: params.description ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: mergeMetadata({}, params.metadata),
    next_action: null,
    on_behalf_of: null,
    payment_method: method?.id ?? null,
    payment_method_configuration_details: automatic === null ? null : { id: 'pmc_1Sandbox', parent: null },
    payment_method_options: {
      card: {
        installments: null,
        mandate_options: null,
        network: null,
        request_three_d_secure: params.payment_method_options?.card?.request_three_d_secure ?? 'automatic',
      },
    },
    payment_method_types: [...(params.allowed_payment_method_types ?? params.payment_method_types ?? ['card'])],
    payment_record: null,
    processing: null,
    receipt_email: params.receipt_email ?? null,
    review: null,
    setup_future_usage: params.setup_future_usage ?? null,
    shipping: params.shipping ?? null,
    source: null,
    statement_descriptor: params.statement_descriptor ?? null,
    statement_descriptor_suffix: params.statement_descriptor_suffix ?? null,
    status: method === null ? 'requires_payment_method' : 'requires_confirmation',
    transfer_data: null,
    transfer_group: params.transfer_group ?? null,
  } satisfies Intent;
};

/** A payment method that sends its user elsewhere needs a way back; Stripe asks for it even where the method is a card. */
const missingReturnUrl = (intent: Intent, params: ConfirmParams): Failure | undefined =>
  intent.automatic_payment_methods?.allow_redirects === 'always' &&
  params.return_url === undefined &&
  params.off_session !== true
    ? badParam(
        'This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these ' +
          'payment methods might redirect your customer off of your page, you must provide a `return_url`. If you ' +
          "don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and " +
          '`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.',
      )
    : undefined;

const CONFIRMABLE: readonly string[] = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** Tries to take the money: an attempt, with the intent's payment method or with a new one. */
export const confirmIntent = (scope: Scope, id: string, params: ConfirmParams): Outcome =>
  find(scope, 'payment_intent', id).andThen((held) => {
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
    const intent: Intent = {
      ...held,
      capture_method: params.capture_method ?? held.capture_method,
      receipt_email: params.receipt_email === undefined ? held.receipt_email : params.receipt_email,
      setup_future_usage: params.setup_future_usage === undefined ? held.setup_future_usage : params.setup_future_usage,
      shipping: params.shipping ?? held.shipping,
      ...allowedTypes(params),
    };
    const redirect = missingReturnUrl(intent, params);
    if (redirect !== undefined) return err(redirect);
    return methodNamed(scope, params, idOf(intent.customer)).andThen((method) =>
      attempt(scope, intent, method ?? methodOf(scope, intent), params),
    );
  });

const methodOf = (scope: Scope, intent: Intent): Stripe.PaymentMethod | null =>
  scope.store.get('payment_method', idOf(intent.payment_method) ?? '') ?? null;

/** A list of types stands in for what the dashboard allows. */
const allowedTypes = ({ allowed_payment_method_types: types }: ConfirmParams): Partial<Intent> =>
  types === undefined
    ? {}
    : { allowed_payment_method_types: [...types], automatic_payment_methods: null, payment_method_types: [...types] };

/** Asks the card: it wants its owner, it declines, or it pays. */
const attempt = (
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
  const wanted =
    params.payment_method_options?.card?.request_three_d_secure ??
    intent.payment_method_options?.card?.request_three_d_secure;
  const challenge = card.authentication === 'required' || wanted === 'any' || wanted === 'challenge';
  if (challenge && params.authenticated !== true) {
    if (params.off_session === true) return decline(scope, intent, method, AUTHENTICATION_REQUIRED);
    if (params.error_on_requires_action === true) return decline(scope, intent, method, AUTHENTICATION_REQUIRED);
    return ok(requireAction(scope, intent, method, params.return_url));
  }
  if (card.decline !== undefined) return decline(scope, intent, method, card.decline);
  return ok(card.processing === undefined ? take(scope, intent, method) : process(scope, intent, method));
};

/** The answer takes a while: until then nobody knows whether the money comes. */
const process = (scope: Scope, intent: Intent, method: Stripe.PaymentMethod): Intent => {
  const charge = newCharge(scope, intent, method, cardBehind(scope, method.id), { kind: 'processing' });
  save(scope, charge, 'charge.pending');
  scope.store.schedule(scope.clock.nowMs() + PROCESSED_AFTER_MS, 'finish_processing', intent.id);
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
  const fails = cardBehind(scope, method.id).processing === 'fails';
  if (!fails) take(scope, intent, method, waiting);
  // The decline is in the intent and in its event; there is no request any more to be told of it.
  else decline(scope, intent, method, GENERIC_DECLINE, waiting).unwrapOr(intent);
};

/** Another verdict on a charge that was made before: the same charge. */
const again = (made: Stripe.Charge, waiting: Stripe.Charge | undefined): Stripe.Charge =>
  waiting === undefined ? made : { ...made, id: waiting.id, created: waiting.created };

/** The money is taken, or only held where the capture is manual. */
const take = (scope: Scope, intent: Intent, method: Stripe.PaymentMethod, waiting?: Stripe.Charge): Intent => {
  const card = cardBehind(scope, method.id);
  const manual = intent.capture_method === 'manual';
  const made = again(newCharge(scope, intent, method, card, { kind: manual ? 'authorized' : 'captured' }), waiting);
  const settlesNow = intent.capture_method === 'automatic';
  const charge = settlesNow ? { ...made, balance_transaction: recordCharge(scope, made).id } : made;
  save(scope, charge, 'charge.succeeded');
  if (!manual && !settlesNow) scope.store.schedule(scope.clock.nowMs() + SETTLES_AFTER_MS, 'settle_charge', charge.id);
  if (manual) scope.store.schedule(scope.clock.nowMs() + CAPTURE_WITHIN_S * 1000, 'expire_capture', intent.id);
  // Due at once, and so after this reply has left.
  if (card.dispute !== undefined && !manual) scope.store.schedule(scope.clock.nowMs(), 'open_dispute', charge.id);

  const customer = idOf(intent.customer);
  if (customer === null) scope.store.spend(method.id);
  else if (intent.setup_future_usage !== null) attach(scope, method, customer);
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
const decline = (
  scope: Scope,
  intent: Intent,
  method: Stripe.PaymentMethod,
  why: Decline,
  waiting?: Stripe.Charge,
): Outcome => {
  const verdict = { kind: 'declined', decline: why } as const;
  const charge = again(newCharge(scope, intent, method, cardBehind(scope, method.id), verdict), waiting);
  save(scope, charge, 'charge.failed');
  const failure = cardError({ ...declineError(why), charge: charge.id, payment_method: method });
  const failed: Intent = {
    ...intent,
    last_payment_error: failure.error,
    latest_charge: charge.id,
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  save(scope, failed, 'payment_intent.payment_failed');
  return err({ ...failure, error: { ...failure.error, payment_intent: failed } });
};

/** The card's owner is asked for: at the page that `next_action` names. */
const requireAction = (
  scope: Scope,
  intent: Intent,
  method: Stripe.PaymentMethod,
  returnUrl: string | undefined,
): Intent => {
  // The token makes the page of an attempt that another has replaced worthless.
  const url = `${scope.origin}/_sandbox/3ds/${intent.id}?attempt=${newSecret('', 24)}`;
  const waiting: Intent = {
    ...intent,
    last_payment_error: null,
    next_action:
      returnUrl === undefined
        ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
        : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } },
    payment_method: method.id,
    status: 'requires_action',
  };
  save(scope, waiting, 'payment_intent.requires_action');
  return waiting;
};

/** What the intent waits for its customer to do: the page, and where to go from there. */
export interface Challenge {
  readonly url: string;
  readonly returnUrl: string | null;
}

/** The challenge that is open, if one is. */
export const challengeOf = (intent: Intent): Challenge | undefined => {
  if (intent.status !== 'requires_action') return undefined;
  const { redirect_to_url: redirect, use_stripe_sdk: sdk } = intent.next_action ?? {};
  const url = redirect?.url ?? sdk?.['stripe_js'];
  return typeof url === 'string' ? { url, returnUrl: redirect?.return_url ?? null } : undefined;
};

/** The customer passed or failed 3-D Secure. A decline after it is in the intent, not in this answer. */
export const answerChallenge = (scope: Scope, intent: Intent, passed: boolean): Intent => {
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

/** What Stripe lets change once the money has moved. */
const CHANGEABLE_LATER: readonly string[] = [
  'description',
  'metadata',
  'receipt_email',
  'setup_future_usage',
  'shipping',
];

/** Changes an intent before it is confirmed; afterwards only what says nothing about the money. */
export const updateIntent = (scope: Scope, id: string, params: UpdateParams): Outcome =>
  find(scope, 'payment_intent', id).andThen((held): Outcome => {
    const tooLate = Object.entries(params).find(
      ([name, value]) => value !== undefined && name !== 'expand' && !CHANGEABLE_LATER.includes(name),
    )?.[0];
    if (tooLate !== undefined && !CONFIRMABLE.includes(held.status)) {
      return err(
        unexpectedState(
          `This PaymentIntent's ${tooLate} could not be updated because it has a status of ${held.status}. You may only ` +
            `update the ${tooLate} of a PaymentIntent with one of the following statuses: requires_payment_method, ` +
            'requires_confirmation, requires_action.',
          held,
        ),
      );
    }
    const customer =
      params.customer === undefined
        ? ok(idOf(held.customer))
        : findCustomer(scope, params.customer).map((found) => found.id);
    if (customer.isErr()) return err(customer.error);
    const method = methodNamed(scope, params, customer.value);
    if (method.isErr()) return err(method.error);
    const keep = <T>(changed: T | undefined, was: T): T => (changed === undefined ? was : changed);
    const intent: Intent = {
      ...held,
      amount: keep(params.amount, held.amount),
      currency: keep(params.currency, held.currency),
      customer: customer.value,
      capture_method: keep(params.capture_method, held.capture_method),
      description: keep(params.description, held.description),
      metadata: mergeMetadata(held.metadata, params.metadata),
      payment_method: method.value?.id ?? held.payment_method,
      payment_method_types: [...keep(params.payment_method_types, held.payment_method_types)],
      ...allowedTypes(params),
      receipt_email: keep(params.receipt_email, held.receipt_email),
      setup_future_usage: keep(params.setup_future_usage, held.setup_future_usage),
      shipping: keep(params.shipping, held.shipping),
      statement_descriptor: keep(params.statement_descriptor, held.statement_descriptor),
      statement_descriptor_suffix: keep(params.statement_descriptor_suffix, held.statement_descriptor_suffix),
      transfer_group: keep(params.transfer_group, held.transfer_group),
      // Another amount or another card ends a challenge that was open.
      ...(method.value === null && params.amount === undefined
        ? {}
        : {
            next_action: null,
            status: method.value !== null || held.payment_method !== null ? 'requires_confirmation' : held.status,
          }),
    };
    save(scope, intent);
    return ok(intent);
  });

/** Takes what was held: all of it, or less, and then the rest is let go. */
export const captureIntent = (
  scope: Scope,
  id: string,
  params: { amount_to_capture?: number | undefined; metadata?: Record<string, string> | null | undefined },
): Outcome =>
  find(scope, 'payment_intent', id).andThen((intent): Outcome => {
    const held = scope.store.get('charge', idOf(intent.latest_charge) ?? '');
    if (intent.status !== 'requires_capture' || held === undefined) {
      return err(
        unexpectedState(
          `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent ` +
            'with one of the following statuses may be captured: requires_capture.',
          intent,
        ),
      );
    }
    const amount = params.amount_to_capture ?? intent.amount_capturable;
    if (amount > intent.amount_capturable) {
      return err(
        refused(
          'The payment could not be captured because the requested capture amount is greater than the authorized amount.',
          'amount_too_large',
          'amount_to_capture',
        ),
      );
    }
    const captured = { ...held, amount_captured: amount, captured: true };
    const charge = { ...captured, balance_transaction: recordCharge(scope, captured).id };
    saveChange(scope, charge, 'charge.captured', { amount_captured: 0, balance_transaction: null, captured: false });
    const paid: Intent = {
      ...intent,
      amount_capturable: 0,
      amount_received: amount,
      metadata: mergeMetadata(intent.metadata, params.metadata),
      status: 'succeeded',
    };
    save(scope, paid, 'payment_intent.succeeded');
    const disputed = charge.payment_method !== null && cardBehind(scope, charge.payment_method).dispute !== undefined;
    if (disputed) scope.store.schedule(scope.clock.nowMs() + DISPUTED_AFTER_MS, 'open_dispute', charge.id);
    return ok(paid);
  });

const CANCELABLE: readonly string[] = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
];

/** Ends an intent that has not succeeded; what was held is let go. */
export const cancelIntent = (scope: Scope, id: string, reason: string | undefined): Outcome =>
  find(scope, 'payment_intent', id).andThen((intent): Outcome => {
    if (!CANCELABLE.includes(intent.status)) {
      return err(
        unexpectedState(
          `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with ` +
            `one of the following statuses may be canceled: ${CANCELABLE.join(', ')}.`,
          intent,
        ),
      );
    }
    return ok(cancel(scope, intent, reason ?? null, 'charge.refunded'));
  });

/** Stripe shows money that was held and let go as refunded, though none had been taken. */
const cancel = (
  scope: Scope,
  intent: Intent,
  reason: string | null,
  told: 'charge.refunded' | 'charge.expired',
): Intent => {
  const held = scope.store.get('charge', idOf(intent.latest_charge) ?? '');
  if (intent.status === 'requires_capture' && held !== undefined) {
    save(scope, { ...held, amount_refunded: held.amount, refunded: true }, told);
  }
  const canceled: Intent = {
    ...intent,
    amount_capturable: 0,
    canceled_at: scope.clock.nowS(),
    cancellation_reason: reason,
    next_action: null,
    status: 'canceled',
  };
  save(scope, canceled, 'payment_intent.canceled');
  return canceled;
};

/** Nobody captured it in time. */
export const expireCapture = (scope: Scope, id: string): void => {
  const intent = scope.store.get('payment_intent', id);
  if (intent?.status === 'requires_capture') cancel(scope, intent, 'automatic', 'charge.expired');
};

/** The balance transaction that `automatic_async` leaves for later. */
export const settleLater = (scope: Scope, charge: string): void => {
  const made = scope.store.get('charge', charge);
  if (made !== undefined) settleCharge(scope, made);
};
