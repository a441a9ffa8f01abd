/** Payment intents: how they are made and changed. What a confirmation does is in `attempt.ts`. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { checkAmount } from './amounts.ts';
import { attempt, CONFIRMABLE, type ConfirmParams, missingReturnUrl, narrowed, optionsOf } from './attempt.ts';
import { debitRefused, unfitForDebits } from './debits.ts';
import { methodNamed } from './confirmation-tokens.ts';
import { findCustomer } from './customers.ts';
import { badParam, type Failure, unexpectedState } from './failure.ts';
import { idOf, newId, newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { find, save, type Scope } from './scope.ts';

type Intent = Stripe.PaymentIntent;
type Outcome = Result<Intent, Failure>;

/** What a change of an intent takes. */
export interface UpdateParams extends Omit<
  ConfirmParams,
  'confirmation_token' | 'return_url' | 'use_stripe_sdk' | 'off_session' | 'error_on_requires_action'
> {
  readonly amount?: number | undefined;
  readonly currency?: string | undefined;
  readonly customer?: string | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly statement_descriptor?: string | null | undefined;
  readonly statement_descriptor_suffix?: string | null | undefined;
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
  const unusable =
    checkAmount(params.amount, params.currency) ??
    whatNeedsConfirm(params) ??
    unfitForDebits(params.allowed_payment_method_types ?? [], params.currency, params.capture_method);
  if (unusable !== undefined) return err(unusable);
  const customer = params.customer === undefined ? ok(null) : findCustomer(scope, params.customer);
  if (customer.isErr()) return err(customer.error);
  return methodNamed(scope, params, customer.value?.id ?? null).andThen(({ method, params: whole }) => {
    const given = { ...params, ...whole };
    const intent = newIntent(scope, given, method);
    const redirect = params.confirm === true ? missingReturnUrl(intent, given) : undefined;
    if (redirect !== undefined) return err(redirect);
    // What cannot pay at all leaves no intent behind.
    const unfit = params.confirm === true && method?.type === 'sepa_debit' ? debitRefused(intent, given) : undefined;
    if (unfit !== undefined && unfit.error.payment_intent === undefined) return err(unfit);
    save(scope, intent, 'payment_intent.created');
    return params.confirm === true ? attempt(scope, intent, method, given) : ok(intent);
  });
};

/** Some parameters are about the confirmation alone; Stripe refuses them without one. */
const whatNeedsConfirm = (params: CreateParams): Failure | undefined => {
  if (params.confirm === true) return undefined;
  const given = (
    ['return_url', 'off_session', 'error_on_requires_action', 'confirmation_token', 'mandate_data'] as const
  ).find((name) => params[name] !== undefined);
  return given === undefined
    ? undefined
    : badParam(
        `The parameter ${given} cannot be passed when creating a PaymentIntent unless confirm is set to true.`,
        given,
        'payment_intent_invalid_parameter',
      );
};

export const newIntent = (scope: Scope, params: CreateParams, method: Stripe.PaymentMethod | null): Intent => {
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
    payment_method_options: optionsOf(params),
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
    ...narrowed({ excluded_payment_method_types: params.excluded_payment_method_types }),
  } satisfies Intent;
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
    const wrong = checkAmount(params.amount ?? held.amount, params.currency ?? held.currency);
    if (wrong !== undefined) return err(wrong);
    const customer =
      params.customer === undefined
        ? ok(idOf(held.customer))
        : findCustomer(scope, params.customer).map((found) => found.id);
    if (customer.isErr()) return err(customer.error);
    const named = methodNamed(scope, params, customer.value);
    if (named.isErr()) return err(named.error);
    const { method } = named.value;
    const keep = <T>(changed: T | undefined, was: T): T => (changed === undefined ? was : changed);
    const intent: Intent = {
      ...held,
      amount: keep(params.amount, held.amount),
      currency: keep(params.currency, held.currency),
      customer: customer.value,
      capture_method: keep(params.capture_method, held.capture_method),
      description: keep(params.description, held.description),
      metadata: mergeMetadata(held.metadata, params.metadata),
      payment_method: method?.id ?? held.payment_method,
      payment_method_options: optionsOf(params, held.payment_method_options),
      ...narrowed(params),
      receipt_email: keep(params.receipt_email, held.receipt_email),
      setup_future_usage: keep(params.setup_future_usage, held.setup_future_usage),
      shipping: keep(params.shipping, held.shipping),
      statement_descriptor: keep(params.statement_descriptor, held.statement_descriptor),
      statement_descriptor_suffix: keep(params.statement_descriptor_suffix, held.statement_descriptor_suffix),
      transfer_group: keep(params.transfer_group, held.transfer_group),
      // Another amount or another card ends a challenge that was open.
      ...(method === null && params.amount === undefined
        ? {}
        : {
            next_action: null,
            status: method !== null || held.payment_method !== null ? 'requires_confirmation' : held.status,
          }),
    };
    save(scope, intent);
    return ok(intent);
  });

/** What a publishable key sees of an intent: https://docs.stripe.com/api/payment_intents/object, "publishable". */
const FOR_BROWSER: readonly string[] = [
  ...['id', 'object', 'amount', 'automatic_payment_methods', 'canceled_at', 'cancellation_reason', 'capture_method'],
  ...['client_secret', 'confirmation_method', 'created', 'currency', 'description', 'last_payment_error'],
  ...['last_setup_error', 'livemode', 'next_action', 'payment_method', 'payment_method_types', 'processing'],
  ...['receipt_email', 'setup_future_usage', 'shipping', 'status', 'usage'],
];

/** The intent as whoever asks may see it. */
export const forBrowser = (scope: Scope, intent: Intent | Stripe.SetupIntent): object =>
  scope.isBrowser ? Object.fromEntries(Object.entries(intent).filter(([name]) => FOR_BROWSER.includes(name))) : intent;
