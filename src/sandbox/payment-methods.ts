import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { cardOf, testCard, testCardName } from './cards.ts';
import type { Decline } from './declines.ts';
import { badParam, cardError, type ErrorBody, type Failure, refused, resourceMissing } from './failure.ts';
import { idOf, newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { debitOf } from './debits.ts';
import { find, save, saveChange, type Scope } from './scope.ts';
import type { TestCard } from './test-cards.ts';

export interface Billing {
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly phone?: string | null | undefined;
  readonly address?: Stripe.Address | null | undefined;
}

/** What a new payment method is made of. */
export interface MethodParams {
  /** The test card behind it. */
  readonly cardName: string;
  readonly billing?: Billing | undefined;
  readonly allowRedisplay?: Stripe.PaymentMethod.AllowRedisplay | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

const NO_ADDRESS = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

/** A payment method of that test card, made afresh, as Stripe makes one each time that a `pm_card_…` is named. */
export const newPaymentMethod = (scope: Scope, params: MethodParams): Stripe.PaymentMethod => {
  const { cardName, billing = {}, allowRedisplay = 'unspecified', metadata } = params;
  const card = testCard(cardName);
  const method = {
    id: newId('pm_'),
    object: 'payment_method',
    allow_redisplay: allowRedisplay,
    billing_details: {
      address: billing.address ?? NO_ADDRESS,
      email: billing.email ?? null,
      name: billing.name ?? null,
      phone: billing.phone ?? null,
      tax_id: null,
    },
    ...(card.debit === true ? { sepa_debit: debitOf(card) } : { card: cardOf(card) }),
    created: scope.clock.nowS(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: mergeMetadata({}, metadata),
    type: card.debit === true ? ('sepa_debit' as const) : ('card' as const),
  } satisfies Stripe.PaymentMethod;
  scope.store.put(method, cardName);
  return method;
};

/** The test card behind a payment method. */
export const cardBehind = (scope: Scope, method: string): TestCard =>
  testCard(scope.store.hidden(method)?.value ?? 'visa');

/**
 * The payment method that a request names, fit to be used by that customer (or by none). A test card becomes a new one;
 * one of another customer's, or one that was used up or detached, is refused.
 */
export const usePaymentMethod = (
  scope: Scope,
  reference: string,
  customer: string | null,
): Result<Stripe.PaymentMethod, Failure> => {
  const name = testCardName(reference);
  if (name !== undefined) return ok(newPaymentMethod(scope, { cardName: name }));
  const method = scope.store.get('payment_method', reference);
  if (method === undefined) return err(resourceMissing(400, 'PaymentMethod', reference, 'payment_method'));
  if (method.customer !== null && method.customer !== customer) {
    return err(
      customer === null
        ? refused(
            `The provided PaymentMethod (${method.id}) belongs to the Customer ${idOf(method.customer) ?? ''}. Please ` +
              'include the Customer in the `customer` parameter on the PaymentIntent.',
            'parameter_missing',
            'source',
          )
        : refused(
            `The customer does not have a payment method with the ID ${method.id}. The payment method must be attached ` +
              'to the customer.',
            undefined,
            'payment_method',
          ),
    );
  }
  if (method.customer === null && scope.store.hidden(method.id)?.spent === true) {
    return err(
      refused(
        'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with ' +
          'a connected account without Customer attachment, or was detached from a Customer. It may not be used again. ' +
          'To use a PaymentMethod multiple times, you must attach it to a Customer first.',
        undefined,
        'payment_method',
      ),
    );
  }
  return ok(method);
};

/** The payment method of the path, where it is that customer's. */
export const findOfCustomer = (scope: Scope, customer: string, id: string): Result<Stripe.PaymentMethod, Failure> =>
  find(scope, 'payment_method', id).andThen((method) =>
    method.customer === customer ? ok(method) : err(resourceMissing(404, 'PaymentMethod', id, 'payment_method')),
  );

/** Saves a payment method to a customer. A card that the bank declines is declined here already, as at Stripe. */
export const attachPaymentMethod = (
  scope: Scope,
  reference: string,
  customer: Stripe.Customer,
): Result<Stripe.PaymentMethod, Failure> =>
  ownable(scope, reference, customer.id).map((method) => attach(scope, method, customer.id));

/** The payment method that a request names, if it is nobody else's and a customer, a new one too, may have it. */
export const ownable = (
  scope: Scope,
  reference: string,
  customer: string | null,
): Result<Stripe.PaymentMethod, Failure> => {
  const owner = scope.store.get('payment_method', reference)?.customer ?? null;
  return owner === null || owner === customer
    ? savable(scope, reference, customer)
    : err(refused('The payment method you provided has already been attached to a customer.'));
};

/** The payment method that a request names, if a customer may save it: nothing is saved yet. */
const savable = (scope: Scope, reference: string, customer: string | null): Result<Stripe.PaymentMethod, Failure> =>
  usePaymentMethod(scope, reference, customer).andThen((method) => {
    const { decline, declinesOnlyCharges } = cardBehind(scope, method.id);
    return decline === undefined || declinesOnlyCharges === true || method.type !== 'card'
      ? ok(method)
      : err(cardError({ ...declineError(decline), payment_method: method }));
  });

/** A decline as the fields of Stripe's error. */
export const declineError = (decline: Decline): { code: string; message: string } & Partial<ErrorBody> => ({
  code: decline.code,
  message: decline.message,
  ...(decline.adviceCode === null ? {} : { advice_code: decline.adviceCode }),
  ...(decline.declineCode === undefined ? {} : { decline_code: decline.declineCode }),
  ...(decline.networkCode === null ? {} : { network_decline_code: decline.networkCode }),
});

/** Saves a method that has shown itself good to that customer. */
export const attach = (scope: Scope, method: Stripe.PaymentMethod, customer: string): Stripe.PaymentMethod => {
  if (method.customer === customer) return method;
  const attached = { ...method, customer };
  save(scope, attached, 'payment_method.attached');
  return attached;
};

/** Takes a method from its customer; it cannot be used again. */
export const detach = (scope: Scope, method: Stripe.PaymentMethod): Stripe.PaymentMethod => {
  const detached = { ...method, customer: null };
  saveChange(scope, detached, 'payment_method.detached', { customer: method.customer });
  scope.store.spend(method.id);
  return detached;
};

/** Takes a method from its customer, who forgets that it was the default. */
export const detachPaymentMethod = (scope: Scope, id: string): Result<Stripe.PaymentMethod, Failure> =>
  find(scope, 'payment_method', id).andThen((method) => {
    if (method.customer === null) {
      return err(
        badParam('The payment method you provided is not attached to a customer so detachment is impossible.'),
      );
    }
    const detached = detach(scope, method);
    const customer = scope.store.get('customer', idOf(method.customer) ?? '');
    if (customer?.deleted !== true && customer?.invoice_settings.default_payment_method === id) {
      const settings = { ...customer.invoice_settings, default_payment_method: null };
      saveChange(scope, { ...customer, invoice_settings: settings }, 'customer.updated', {
        invoice_settings: customer.invoice_settings,
      });
    }
    return ok(detached);
  });

const badExpiry = (what: 'month' | 'year'): Failure =>
  cardError({
    code: `invalid_expiry_${what}`,
    message: `Your card's expiration ${what} is invalid.`,
    param: `exp_${what}`,
  });

export interface MethodChange {
  readonly allowRedisplay?: Stripe.PaymentMethod.AllowRedisplay | undefined;
  readonly billing?: Billing | undefined;
  readonly expires?: { readonly exp_month?: number | undefined; readonly exp_year?: number | undefined } | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

/** Changes what may be changed of a payment method: Stripe changes one only once it is a customer's. */
export const updatePaymentMethod = (
  scope: Scope,
  id: string,
  change: MethodChange,
): Result<Stripe.PaymentMethod, Failure> =>
  find(scope, 'payment_method', id).andThen((method) => {
    if (method.customer === null) {
      return err(
        refused('You must save this PaymentMethod to a customer before you can update it.', undefined, undefined),
      );
    }
    const { name, email, phone, address } = change.billing ?? {};
    const { exp_month: month, exp_year: year } = change.expires ?? {};
    if (month !== undefined && (month < 1 || month > 12)) return err(badExpiry('month'));
    if (year !== undefined && year < new Date(scope.clock.nowMs()).getUTCFullYear()) return err(badExpiry('year'));
    const updated: Stripe.PaymentMethod = {
      ...method,
      allow_redisplay: change.allowRedisplay ?? method.allow_redisplay ?? 'unspecified',
      metadata: mergeMetadata(method.metadata ?? {}, change.metadata),
      billing_details: {
        ...method.billing_details,
        ...(address === undefined ? {} : { address: address ?? NO_ADDRESS }),
        ...(name === undefined ? {} : { name }),
        ...(email === undefined ? {} : { email }),
        ...(phone === undefined ? {} : { phone }),
      },
      ...(method.card === undefined
        ? {}
        : {
            card: {
              ...method.card,
              exp_month: month ?? method.card.exp_month,
              exp_year: year ?? method.card.exp_year,
            },
          }),
    };
    save(scope, updated, 'payment_method.updated');
    return ok(updated);
  });

/** What a card is after its bank has sent its owner another. */
export interface NewCard {
  readonly exp_month?: number | undefined;
  readonly exp_year?: number | undefined;
  readonly last4?: string | undefined;
}

/** Cards are good for about that long. */
const CARD_YEARS = 4;

/**
 * The bank has sent the owner a new card, and the network tells Stripe, which goes on with it by itself: the same number
 * until four years later, where nothing else is said. Only what a customer has saved is kept up to date so:
 * https://docs.stripe.com/payments/cards/overview#automatic-card-updates
 */
export const updateByNetwork = (scope: Scope, id: string, given: NewCard): Result<Stripe.PaymentMethod, Failure> =>
  find(scope, 'payment_method', id).andThen((method) => {
    const { card } = method;
    if (card === undefined || method.customer === null) {
      return err(refused('Only a card that is saved to a customer is updated by its network.'));
    }
    const updated: Stripe.PaymentMethod = {
      ...method,
      card: {
        ...card,
        exp_month: given.exp_month ?? card.exp_month,
        exp_year: given.exp_year ?? card.exp_year + CARD_YEARS,
        last4: given.last4 ?? card.last4,
      },
    };
    saveChange(scope, updated, 'payment_method.automatically_updated', { card });
    return ok(updated);
  });
