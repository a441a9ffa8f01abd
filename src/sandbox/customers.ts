import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { type Failure, resourceMissing } from './failure.ts';
import { newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { attach, detach, ownable } from './payment-methods.ts';
import { find, save, saveChange, type Scope } from './scope.ts';

export interface CustomerParams {
  readonly address?: Stripe.Address | null | undefined;
  readonly description?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly invoice_settings?: { readonly default_payment_method?: string | null | undefined } | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly name?: string | null | undefined;
  readonly payment_method?: string | undefined;
  readonly phone?: string | null | undefined;
  readonly preferred_locales?: string[] | undefined;
  readonly shipping?:
    | { readonly name: string; readonly phone?: string | null | undefined; readonly address: Stripe.Address }
    | null
    | undefined;
}

/** The customer that a parameter or the path names; a deleted one is as good as none. */
export const findCustomer = (
  scope: Scope,
  id: string,
  where: 'param' | 'path' = 'param',
): Result<Stripe.Customer, Failure> => {
  const customer = scope.store.get('customer', id);
  if (customer !== undefined && customer.deleted !== true) return ok(customer);
  return err(
    where === 'path' ? resourceMissing(404, 'customer', id, 'id') : resourceMissing(400, 'customer', id, 'customer'),
  );
};

/** Makes a customer, unless the payment method that comes with it can't be saved: then there is none. */
export const createCustomer = (scope: Scope, params: CustomerParams): Result<Stripe.Customer, Failure> => {
  const method = params.payment_method === undefined ? ok(null) : ownable(scope, params.payment_method, null);
  if (method.isErr()) return err(method.error);
  const id = newSecret('cus_', 14);
  const wanted = params.invoice_settings?.default_payment_method ?? null;
  const isDefault = method.value !== null && (wanted === method.value.id || wanted === params.payment_method);
  if (wanted !== null && !isDefault) return err(resourceMissing(400, 'PaymentMethod', wanted, DEFAULT_PARAM));
  const customer = {
    id,
    object: 'customer',
    address: params.address ?? null,
    balance: 0,
    created: scope.clock.nowS(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: params.description ?? null,
    discount: null,
    email: params.email ?? null,
    invoice_prefix: newSecret('', 8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: isDefault ? method.value.id : null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    name: params.name ?? null,
    next_invoice_sequence: 1,
    phone: params.phone ?? null,
    preferred_locales: params.preferred_locales ?? [],
    shipping: shippingOf(params),
    tax_exempt: 'none',
    test_clock: null,
  } satisfies Stripe.Customer;
  save(scope, customer, 'customer.created');
  if (method.value !== null) attach(scope, method.value, id);
  return ok(customer);
};

const DEFAULT_PARAM = 'invoice_settings[default_payment_method]';

const shippingOf = ({ shipping }: CustomerParams): Stripe.Customer['shipping'] =>
  shipping === undefined || shipping === null
    ? null
    : {
        address: shipping.address,
        name: shipping.name,
        ...(typeof shipping.phone === 'string' ? { phone: shipping.phone } : {}),
      };

/** Changes a customer, and says what it replaced. */
export const updateCustomer = (scope: Scope, id: string, params: CustomerParams): Result<Stripe.Customer, Failure> =>
  find(scope, 'customer', id).andThen((customer) => {
    if (customer.deleted === true) return err(resourceMissing(404, 'customer', id, 'id'));
    const wanted = params.invoice_settings?.default_payment_method;
    const method = typeof wanted === 'string' ? scope.store.get('payment_method', wanted) : undefined;
    if (typeof wanted === 'string' && method?.customer !== id) {
      return err(resourceMissing(400, 'PaymentMethod', wanted, DEFAULT_PARAM));
    }
    const updated: Stripe.Customer = {
      ...customer,
      ...(params.address === undefined ? {} : { address: params.address }),
      ...(params.name === undefined ? {} : { name: params.name }),
      ...(params.email === undefined ? {} : { email: params.email }),
      ...(params.phone === undefined ? {} : { phone: params.phone }),
      ...(params.description === undefined ? {} : { description: params.description }),
      ...(params.preferred_locales === undefined ? {} : { preferred_locales: params.preferred_locales }),
      ...(params.shipping === undefined ? {} : { shipping: shippingOf(params) }),
      ...(wanted === undefined
        ? {}
        : { invoice_settings: { ...customer.invoice_settings, default_payment_method: wanted } }),
      metadata: mergeMetadata(customer.metadata, params.metadata),
    };
    saveChange(scope, updated, 'customer.updated', changedFrom(customer, updated));
    return ok(updated);
  });

/** The fields that a change replaced, as they were. */
const changedFrom = (was: Stripe.Customer, is: Stripe.Customer): Partial<Stripe.Customer> =>
  Object.fromEntries(
    Object.entries(was).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(is, name))),
  );

/** A deleted customer is still found, with nothing but its id. Its payment methods are detached. */
export const deleteCustomer = (scope: Scope, id: string): Result<Stripe.DeletedCustomer, Failure> =>
  find(scope, 'customer', id).andThen((customer) => {
    if (customer.deleted === true) return err(resourceMissing(404, 'customer', id, 'id'));
    const where = [['customer', '=', id]] as const;
    for (const method of scope.store.list({ kind: 'payment_method', where, limit: 1000 })) detach(scope, method);
    const deleted = { id, object: 'customer', deleted: true } satisfies Stripe.DeletedCustomer;
    save(scope, customer, 'customer.deleted');
    save(scope, deleted);
    return ok(deleted);
  });
