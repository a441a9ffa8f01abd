/** Confirmation tokens: what a customer has chosen in a page, kept until a server confirms with it. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { cardOf, testCard, testCardName } from './cards.ts';
import { debitOf } from './debits.ts';
import { badParam, type Failure, refused } from './failure.ts';
import { idOf, newId } from './ids.ts';
import { type MethodParams, newPaymentMethod, usePaymentMethod } from './payment-methods.ts';
import { findNamed, save, type Scope } from './scope.ts';

/** Stripe's. */
const EXPIRES_AFTER_S = 12 * 60 * 60;

/** The ways in which a request may name what pays. */
export interface NamedMethod {
  readonly confirmation_token?: string | undefined;
  readonly payment_method?: string | undefined;
  readonly methodData?: MethodParams | undefined;
}

export interface TokenParams extends NamedMethod {
  readonly return_url?: string | undefined;
  readonly setup_future_usage?: string | null | undefined;
  readonly shipping?: Stripe.PaymentIntent.Shipping | null | undefined;
}

/** Makes a token. What is behind it, a test card or a payment method, it does not show. */
export const createConfirmationToken = (
  scope: Scope,
  params: TokenParams,
): Result<Stripe.ConfirmationToken, Failure> => {
  const { methodData, payment_method: named } = params;
  if (methodData === undefined && named === undefined) {
    return err(badParam('Missing required param: payment_method_data.', 'payment_method_data', 'parameter_missing'));
  }
  const cardName = methodData?.cardName ?? testCardName(named ?? '');
  const held =
    cardName === undefined ? findNamed(scope, 'payment_method', named ?? '') : ok<Stripe.PaymentMethod | null>(null);
  return held.map((method) => {
    const now = scope.clock.nowS();
    const billing = methodData?.billing;
    const card = testCard(cardName ?? '');
    const isDebit = method === null ? card.debit === true : method.type === 'sepa_debit';
    const token = {
      id: newId('ctoken_'),
      object: 'confirmation_token',
      created: now,
      expires_at: now + EXPIRES_AFTER_S,
      livemode: false,
      // Where a mandate is needed, Stripe.js has shown it, and says so.
      mandate_data: isDebit ? ACCEPTED : null,
      metadata: {},
      payment_intent: null,
      payment_method_options: null,
      payment_method_preview: {
        allow_redisplay: methodData?.allowRedisplay ?? 'unspecified',
        billing_details: method?.billing_details ?? {
          address: billing?.address ?? NO_ADDRESS,
          email: billing?.email ?? null,
          name: billing?.name ?? null,
          phone: billing?.phone ?? null,
          tax_id: null,
        },
        ...(isDebit ? { sepa_debit: method?.sepa_debit ?? debitOf(card) } : { card: method?.card ?? cardOf(card) }),
        customer: idOf(method?.customer),
        customer_account: null,
        type: isDebit ? ('sepa_debit' as const) : ('card' as const),
      },
      return_url: params.return_url ?? null,
      setup_future_usage: params.setup_future_usage ?? null,
      setup_intent: null,
      shipping: shippingOf(params),
      use_stripe_sdk: params.return_url === undefined,
    } satisfies Stripe.ConfirmationToken;
    const behind: Behind =
      method === null ? { data: { ...methodData, cardName: cardName ?? 'visa' } } : { method: method.id };
    scope.store.put(token, JSON.stringify(behind));
    return token;
  });
};

const ACCEPTED: Stripe.ConfirmationToken.MandateData = {
  customer_acceptance: { online: { ip_address: '127.0.0.1', user_agent: 'sandbox' }, type: 'online' },
};

const NO_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

const shippingOf = ({ shipping }: TokenParams): Stripe.ConfirmationToken.Shipping | null =>
  shipping === undefined || shipping === null || shipping.address === undefined
    ? null
    : { address: shipping.address, name: shipping.name ?? '', phone: shipping.phone ?? null };

/** What stands behind a token. */
type Behind = { readonly data: MethodParams } | { readonly method: string };

/** What a token was made with, which a confirmation takes over where it does not say otherwise itself. */
export interface FromToken {
  readonly return_url?: string;
  readonly setup_future_usage?: string;
  readonly shipping?: Stripe.PaymentIntent.Shipping;
}

/** The payment method that the request names, if it names one, and what comes with it. */
export const methodNamed = (
  scope: Scope,
  params: NamedMethod,
  customer: string | null,
): Result<{ method: Stripe.PaymentMethod | null; params: FromToken }, Failure> => {
  if (params.methodData !== undefined) return ok({ method: newPaymentMethod(scope, params.methodData), params: {} });
  if (params.payment_method !== undefined) {
    return usePaymentMethod(scope, params.payment_method, customer).map((method) => ({ method, params: {} }));
  }
  return params.confirmation_token === undefined
    ? ok({ method: null, params: {} })
    : fromToken(scope, params.confirmation_token, customer);
};

const fromToken = (
  scope: Scope,
  id: string,
  customer: string | null,
): Result<{ method: Stripe.PaymentMethod; params: FromToken }, Failure> =>
  findNamed(scope, 'confirmation_token', id).andThen((token) => {
    if (token.payment_intent !== null || token.setup_intent !== null) {
      return err(refused('This ConfirmationToken has already been used.', undefined, 'confirmation_token'));
    }
    if ((token.expires_at ?? 0) <= scope.clock.nowS()) {
      return err(refused('This ConfirmationToken has expired.', undefined, 'confirmation_token'));
    }
    // Written by `createConfirmationToken`.
    const behind = JSON.parse(scope.store.hidden(id)?.value ?? '{}') as Behind;
    const method =
      'method' in behind ? usePaymentMethod(scope, behind.method, customer) : ok(newPaymentMethod(scope, behind.data));
    return method.map((found) => ({
      method: found,
      params: {
        ...(token.return_url === null ? {} : { return_url: token.return_url }),
        ...(token.setup_future_usage === null ? {} : { setup_future_usage: token.setup_future_usage }),
        ...(token.shipping === null
          ? {}
          : { shipping: { ...token.shipping, address: token.shipping.address, phone: token.shipping.phone ?? null } }),
      },
    }));
  });

/** A token is for one intent. */
export const useToken = (
  scope: Scope,
  token: string | undefined,
  intent: { readonly object: 'payment_intent' | 'setup_intent'; readonly id: string },
): void => {
  const held = token === undefined ? undefined : scope.store.get('confirmation_token', token);
  if (held !== undefined) save(scope, { ...held, [intent.object]: intent.id });
};
