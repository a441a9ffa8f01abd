import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { type Failure, resourceMissing } from './failure.ts';
import { newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { attachPaymentMethod } from './payment-methods.ts';
import { find, save, type Scope } from './scope.ts';

export interface CustomerParams {
  readonly name?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly phone?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly payment_method?: string | undefined;
}

/** The customer that a parameter names; a deleted one is as good as none. */
export const findCustomer = (scope: Scope, id: string, param = 'customer'): Result<Stripe.Customer, Failure> => {
  const customer = scope.store.get('customer', id);
  return customer === undefined || customer.deleted === true
    ? err(resourceMissing(400, 'customer', id, param))
    : ok(customer);
};

export const createCustomer = (scope: Scope, params: CustomerParams): Result<Stripe.Customer, Failure> => {
  const customer = {
    id: newSecret('cus_', 14),
    object: 'customer',
    address: null,
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
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    name: params.name ?? null,
    next_invoice_sequence: 1,
    phone: params.phone ?? null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  } satisfies Stripe.Customer;
  save(scope, customer, 'customer.created');
  if (params.payment_method === undefined) return ok(customer);
  return attachPaymentMethod(scope, params.payment_method, customer).map(() => customer);
};

/** Changes a customer; it says so to nobody where nothing was asked. */
export const updateCustomer = (scope: Scope, id: string, params: CustomerParams): Result<Stripe.Customer, Failure> =>
  find(scope, 'customer', id).andThen((customer) => {
    if (customer.deleted === true) return err(resourceMissing(404, 'customer', id, 'id'));
    const updated: Stripe.Customer = {
      ...customer,
      ...(params.name === undefined ? {} : { name: params.name }),
      ...(params.email === undefined ? {} : { email: params.email }),
      ...(params.phone === undefined ? {} : { phone: params.phone }),
      ...(params.description === undefined ? {} : { description: params.description }),
      metadata: mergeMetadata(customer.metadata, params.metadata),
    };
    save(scope, updated, 'customer.updated');
    return ok(updated);
  });

/** A deleted customer is still found, with nothing but its id. Its payment methods are detached. */
export const deleteCustomer = (scope: Scope, id: string): Result<Stripe.DeletedCustomer, Failure> =>
  find(scope, 'customer', id).andThen((customer) => {
    if (customer.deleted === true) return err(resourceMissing(404, 'customer', id, 'id'));
    const where = [['customer', '=', id]] as const;
    for (const method of scope.store.list({ kind: 'payment_method', where, limit: 1000 })) {
      save(scope, { ...method, customer: null }, 'payment_method.detached');
      scope.store.spend(method.id);
    }
    const deleted = { id, object: 'customer', deleted: true } satisfies Stripe.DeletedCustomer;
    save(scope, customer, 'customer.deleted');
    save(scope, deleted);
    return ok(deleted);
  });
