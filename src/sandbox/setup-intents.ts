/** Setup intents: a card is kept for later, and nothing is charged. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { CONFIRMABLE, methodOf, missingReturnUrl } from './attempt.ts';
import { methodNamed, type NamedMethod, useToken } from './confirmation-tokens.ts';
import { findCustomer } from './customers.ts';
import type { Decline } from './declines.ts';
import { badParam, cardError, type Failure, refused, resourceMissing, setupUnexpectedState } from './failure.ts';
import { idOf, newId, newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { attach, cardBehind, declineError } from './payment-methods.ts';
import { find, save, type Scope } from './scope.ts';
import { AUTHENTICATED, type ChallengeParams, nextAction, wantsOwner } from './three-d-secure.ts';

type Setup = Stripe.SetupIntent;
type Outcome = Result<Setup, Failure>;

interface Options {
  readonly card?: { readonly request_three_d_secure?: string | undefined } | undefined;
}

export interface ConfirmSetupParams extends NamedMethod, ChallengeParams {
  readonly allowed_payment_method_types?: readonly ('card' | 'link')[] | undefined;
  readonly client_secret?: string | undefined;
  readonly payment_method_options?: Options | undefined;
}

export interface UpdateSetupParams extends Omit<ConfirmSetupParams, 'confirmation_token' | 'client_secret'> {
  readonly customer?: string | undefined;
  readonly description?: string | null | undefined;
  readonly excluded_payment_method_types?: readonly string[] | null | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly payment_method_types?: readonly string[] | undefined;
}

export interface CreateSetupParams extends UpdateSetupParams, ConfirmSetupParams {
  readonly automatic_payment_methods?:
    { readonly enabled: boolean; readonly allow_redirects?: string | undefined } | undefined;
  readonly confirm?: boolean | undefined;
  readonly usage?: string | undefined;
}

/** Makes a setup intent, and confirms it where `confirm` says so. */
export const createSetup = (scope: Scope, params: CreateSetupParams): Outcome => {
  if (params.confirm !== true && params.return_url !== undefined) {
    return err(
      badParam(
        'The parameter return_url cannot be passed when creating a SetupIntent unless confirm is set to true.',
        'return_url',
        'setup_intent_invalid_parameter',
      ),
    );
  }
  const customer = params.customer === undefined ? ok(null) : findCustomer(scope, params.customer);
  if (customer.isErr()) return err(customer.error);
  return methodNamed(scope, params, customer.value?.id ?? null).andThen(({ method, params: more }) => {
    const setup = newSetup(scope, params, method);
    const given = { ...more, ...params };
    const redirect = params.confirm === true ? missingReturnUrl(setup, given) : undefined;
    if (redirect !== undefined) return err(redirect);
    save(scope, setup, 'setup_intent.created');
    return params.confirm === true ? attempt(scope, setup, method, given) : ok(setup);
  });
};

const optionsOf = (
  given: Options | undefined,
  held?: Stripe.SetupIntent.PaymentMethodOptions | null,
): Stripe.SetupIntent.PaymentMethodOptions => ({
  card: {
    mandate_options: null,
    network: null,
    request_three_d_secure: 'automatic',
    ...held?.card,
    ...(given?.card?.request_three_d_secure === undefined
      ? {}
      : { request_three_d_secure: given.card.request_three_d_secure }),
  },
});

const newSetup = (scope: Scope, params: CreateSetupParams, method: Stripe.PaymentMethod | null): Setup => {
  const id = newId('seti_');
  const types = params.allowed_payment_method_types ?? params.payment_method_types;
  const automatic =
    (params.automatic_payment_methods?.enabled ?? types === undefined)
      ? { allow_redirects: params.automatic_payment_methods?.allow_redirects ?? 'always', enabled: true }
      : null;
  return {
    id,
    object: 'setup_intent',
    allowed_payment_method_types:
      params.allowed_payment_method_types === undefined ? null : [...params.allowed_payment_method_types],
    application: null,
    automatic_payment_methods: automatic,
    cancellation_reason: null,
    client_secret: newSecret(`${id}_secret_`, 32),
    created: scope.clock.nowS(),
    customer: params.customer ?? null,
    customer_account: null,
    description: params.description ?? null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    managed_payments: null,
    mandate: null,
    metadata: mergeMetadata({}, params.metadata),
    next_action: null,
    on_behalf_of: null,
    payment_method: method?.id ?? null,
    payment_method_configuration_details: automatic === null ? null : { id: 'pmc_1Sandbox', parent: null },
    payment_method_options: optionsOf(params.payment_method_options),
    payment_method_types: [...(types ?? ['card'])],
    single_use_mandate: null,
    status: method === null ? 'requires_payment_method' : 'requires_confirmation',
    usage: params.usage ?? 'off_session',
  };
};

/** Changes a setup that has not succeeded. */
export const updateSetup = (scope: Scope, id: string, params: UpdateSetupParams): Outcome =>
  find(scope, 'setup_intent', id).andThen((held): Outcome => {
    const says = Object.entries(params).find(
      ([name, value]) => value !== undefined && !['description', 'metadata'].includes(name),
    )?.[0];
    if (says !== undefined && !CONFIRMABLE.includes(held.status)) {
      return err(
        setupUnexpectedState(
          `You cannot update this SetupIntent's ${says} because it has a status of ${held.status}.`,
          held,
        ),
      );
    }
    const customer: Result<string | null, Failure> =
      params.customer === undefined
        ? ok(idOf(held.customer))
        : findCustomer(scope, params.customer).map((found) => found.id);
    return customer.andThen((whose) =>
      methodNamed(scope, params, whose).map(({ method }) => {
        const types = params.allowed_payment_method_types ?? params.payment_method_types;
        const setup: Setup = {
          ...held,
          customer: whose,
          description: params.description === undefined ? held.description : params.description,
          metadata: mergeMetadata(held.metadata ?? {}, params.metadata),
          payment_method: method?.id ?? held.payment_method,
          payment_method_options: optionsOf(params.payment_method_options, held.payment_method_options),
          payment_method_types: types === undefined ? held.payment_method_types : [...types],
          ...(method === null ? {} : { next_action: null, status: 'requires_confirmation' }),
        };
        save(scope, setup);
        return setup;
      }),
    );
  });

/** Asks the card whether it may be kept. */
export const confirmSetup = (scope: Scope, id: string, params: ConfirmSetupParams): Outcome =>
  find(scope, 'setup_intent', id).andThen((held) => {
    if (params.client_secret !== undefined && params.client_secret !== held.client_secret) {
      return err(resourceMissing(404, 'setup_intent', id, 'intent'));
    }
    if (!CONFIRMABLE.includes(held.status)) {
      return err(
        setupUnexpectedState(
          held.status === 'succeeded'
            ? 'You cannot confirm this SetupIntent because it has already succeeded.'
            : `You cannot confirm this SetupIntent because it has a status of ${held.status}.`,
          held,
        ),
      );
    }
    return methodNamed(scope, params, idOf(held.customer)).andThen(({ method, params: more }) => {
      const given = { ...more, ...params };
      const setup = {
        ...held,
        payment_method_options: optionsOf(given.payment_method_options, held.payment_method_options),
      };
      const redirect = missingReturnUrl(setup, given);
      if (redirect !== undefined) return err(redirect);
      return attempt(scope, setup, method ?? methodOf(scope, setup), given);
    });
  });

const attempt = (
  scope: Scope,
  setup: Setup,
  method: Stripe.PaymentMethod | null,
  params: ConfirmSetupParams & { readonly authenticated?: boolean },
): Outcome => {
  if (method === null) {
    return err(
      setupUnexpectedState(
        "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a " +
          'payment method and then confirm it again.',
        setup,
      ),
    );
  }
  const card = cardBehind(scope, method.id);
  if (card.debit === true)
    return err(
      refused(
        'The PaymentMethod provided (sepa_debit) is not allowed for this SetupIntent. Please attach a PaymentMethod of one ' +
          `of the following types: ${setup.payment_method_types.join(', ')}.`,
        'setup_intent_incompatible_payment_method',
        'payment_method',
      ),
    );
  useToken(scope, params.confirmation_token, setup);
  const wish = setup.payment_method_options?.card?.request_three_d_secure ?? undefined;
  // The owner is there: a setup is how a card comes to be charged without him.
  const asked = wantsOwner(card, { offSession: card.authentication === 'on_session', wish, isSetUp: false });
  if (params.authenticated !== true && asked) {
    const tried = recordAttempt(scope, setup, method, 'requires_action');
    const waiting: Setup = {
      ...setup,
      last_setup_error: null,
      latest_attempt: tried.id,
      next_action: nextAction(scope, setup.id, params),
      payment_method: method.id,
      status: 'requires_action',
    };
    save(scope, waiting, 'setup_intent.requires_action');
    return ok(waiting);
  }
  if (card.decline !== undefined && card.declinesOnlyCharges !== true)
    return refuse(scope, setup, method, card.decline);
  const tried = recordAttempt(scope, setup, method, 'succeeded', params.authenticated === true);
  const customer = idOf(setup.customer);
  if (customer !== null) attach(scope, method, customer);
  if (setup.usage === 'off_session') scope.store.setUp(method.id);
  const done: Setup = {
    ...setup,
    last_setup_error: null,
    latest_attempt: tried.id,
    next_action: null,
    payment_method: method.id,
    status: 'succeeded',
  };
  save(scope, done, 'setup_intent.succeeded');
  return ok(done);
};

const refuse = (scope: Scope, setup: Setup, method: Stripe.PaymentMethod, why: Decline): Outcome => {
  const failure = cardError({ ...declineError(why), payment_method: method });
  const tried = recordAttempt(scope, setup, method, 'failed');
  const failed: Setup = {
    ...setup,
    last_setup_error: failure.error,
    latest_attempt: tried.id,
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  save(scope, { ...tried, setup_error: failure.error });
  save(scope, failed, 'setup_intent.setup_failed');
  return err({ ...failure, error: { ...failure.error, setup_intent: failed } });
};

const recordAttempt = (
  scope: Scope,
  setup: Setup,
  method: Stripe.PaymentMethod,
  status: string,
  authenticated = false,
): Stripe.SetupAttempt => {
  const { card } = method;
  const { authentication_flow, electronic_commerce_indicator, result, result_reason, transaction_id, version } =
    AUTHENTICATED;
  const tried: Stripe.SetupAttempt = {
    id: newId('setatt_'),
    object: 'setup_attempt',
    application: null,
    created: scope.clock.nowS(),
    customer: setup.customer,
    customer_account: null,
    flow_directions: null,
    livemode: false,
    on_behalf_of: null,
    payment_method: method.id,
    payment_method_details: {
      card: {
        brand: card?.brand ?? null,
        checks: card?.checks ?? null,
        country: card?.country ?? null,
        exp_month: card?.exp_month ?? null,
        exp_year: card?.exp_year ?? null,
        fingerprint: card?.fingerprint ?? null,
        funding: card?.funding ?? null,
        last4: card?.last4 ?? null,
        network: card?.brand ?? null,
        three_d_secure: authenticated
          ? { authentication_flow, electronic_commerce_indicator, result, result_reason, transaction_id, version }
          : null,
        wallet: null,
      },
      type: 'card',
    },
    setup_error: null,
    setup_intent: setup.id,
    status,
    usage: setup.usage,
  };
  save(scope, tried);
  return tried;
};

/** The customer passed or failed 3-D Secure. */
export const answerSetup = (scope: Scope, setup: Setup, passed: boolean): Setup => {
  const method = methodOf(scope, setup);
  if (passed) {
    return attempt(scope, setup, method, { authenticated: true }).unwrapOr(
      scope.store.get('setup_intent', setup.id) ?? setup,
    );
  }
  const failed: Setup = {
    ...setup,
    last_setup_error: {
      code: 'setup_intent_authentication_failure',
      doc_url: 'https://stripe.com/docs/error-codes/setup-intent-authentication-failure',
      message:
        'The latest attempt to set up the payment method has failed because authentication failed. You can provide ' +
        'payment_method_data or a new PaymentMethod to attempt to fulfill this SetupIntent again.',
      ...(method === null ? {} : { payment_method: method }),
      type: 'invalid_request_error',
    },
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  save(scope, failed, 'setup_intent.setup_failed');
  return failed;
};

/** Ends a setup that has not succeeded. */
export const cancelSetup = (scope: Scope, id: string, reason: string | undefined): Outcome =>
  find(scope, 'setup_intent', id).andThen((setup): Outcome => {
    if (!CONFIRMABLE.includes(setup.status)) {
      return err(
        setupUnexpectedState(
          `You cannot cancel this SetupIntent because it has a status of ${setup.status}. Only a SetupIntent with one of ` +
            `the following statuses may be canceled: ${CONFIRMABLE.join(', ')}.`,
          setup,
        ),
      );
    }
    const canceled: Setup = {
      ...setup,
      cancellation_reason: reason ?? null,
      next_action: null,
      status: 'canceled',
    };
    save(scope, canceled, 'setup_intent.canceled');
    return ok(canceled);
  });
