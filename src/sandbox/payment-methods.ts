import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { cardOf, type Decline, testCard, testCardName, type TestCard } from './cards.ts';
import { cardError, type ErrorBody, type Failure, refused } from './failure.ts';
import { idOf, newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { find, findNamed, save, saveChange, type Scope } from './scope.ts';

export interface Billing {
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly phone?: string | null | undefined;
}

/** A payment method of that test card, made afresh, as Stripe makes one each time that a `pm_card_…` is named. */
export const newPaymentMethod = (
  scope: Scope,
  cardName: string,
  more: { billing?: Billing | undefined; metadata?: Record<string, string> | null | undefined } = {},
): Stripe.PaymentMethod => {
  const method = {
    id: newId('pm_'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: {
      address: { city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
      email: more.billing?.email ?? null,
      name: more.billing?.name ?? null,
      phone: more.billing?.phone ?? null,
      tax_id: null,
    },
    card: cardOf(testCard(cardName)),
    created: scope.clock.nowS(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: more.metadata ?? {},
    type: 'card',
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
  if (name !== undefined) return ok(newPaymentMethod(scope, name));
  return findNamed(scope, 'payment_method', reference).andThen((method) => {
    if (method.customer !== null && method.customer !== customer) {
      return err(
        refused(
          customer === null
            ? `The provided PaymentMethod (${method.id}) belongs to the Customer ${idOf(method.customer) ?? ''}. ` +
                'Please include the Customer in the `customer` parameter on the PaymentIntent.'
            : 'The customer does not have a payment method with the ID ' +
                `${method.id}. The payment method must be attached to the customer.`,
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
  });
};

/** Saves a payment method to a customer. A card that the bank declines is declined here already, as at Stripe. */
export const attachPaymentMethod = (
  scope: Scope,
  reference: string,
  customer: Stripe.Customer,
): Result<Stripe.PaymentMethod, Failure> =>
  usePaymentMethod(scope, reference, customer.id).andThen((method) => {
    const { decline, declinesOnlyCharges } = cardBehind(scope, method.id);
    return decline === undefined || declinesOnlyCharges === true
      ? ok(attach(scope, method, customer.id))
      : err(cardError({ ...declineError(decline), payment_method: method }));
  });

/** A decline as the fields of Stripe's error. */
export const declineError = (decline: Decline): { code: string; message: string } & Partial<ErrorBody> => ({
  code: decline.code,
  message: decline.message,
  advice_code: decline.adviceCode,
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
export const detachPaymentMethod = (scope: Scope, id: string): Result<Stripe.PaymentMethod, Failure> =>
  find(scope, 'payment_method', id).andThen((method) => {
    if (method.customer === null) {
      return err(
        refused(
          'The payment method you provided is not attached to a customer so detachment is impossible.',
          undefined,
          'payment_method',
        ),
      );
    }
    const detached = { ...method, customer: null };
    saveChange(scope, detached, 'payment_method.detached', { customer: method.customer });
    scope.store.spend(id);
    return ok(detached);
  });

/** Changes what may be changed of a payment method. */
export const updatePaymentMethod = (
  scope: Scope,
  id: string,
  change: { billing?: Billing | undefined; metadata?: Record<string, string> | null | undefined },
): Result<Stripe.PaymentMethod, Failure> =>
  find(scope, 'payment_method', id).map((method) => {
    const { name, email, phone } = change.billing ?? {};
    const updated = {
      ...method,
      metadata: mergeMetadata(method.metadata ?? {}, change.metadata),
      billing_details: {
        ...method.billing_details,
        ...(name === undefined ? {} : { name }),
        ...(email === undefined ? {} : { email }),
        ...(phone === undefined ? {} : { phone }),
      },
    };
    save(scope, updated, 'payment_method.updated');
    return updated;
  });
