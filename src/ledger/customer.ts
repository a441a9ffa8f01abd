/** Customers, who have wallets. */
import { ok, type ResultAsync } from 'neverthrow';
import type { CallerWithoutKey, Context } from '../context.ts';
import { answerOf, type Answer, type Customer, type Reply } from '../domain/change.ts';
import { newId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { customerView, jsonReply, pageView } from '../domain/reply.ts';
import type { ChangeError, ListError, StorageCode } from '../domain/refusals.ts';
import type { CustomerView, ListView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import type { CustomerFilter, CustomerUpdate } from '../storage/people.ts';

export type NewCustomer = Pick<Customer, 'name' | 'email' | 'metadata'>;

/** Errors: those of any claim, `database_unavailable`. */
export const createCustomer = (
  ctx: Pick<Context, 'commit' | 'clock'>,
  { merchant, claim, requestId }: CallerWithoutKey,
  wanted: NewCustomer,
): ResultAsync<Reply<CustomerView>, ChangeError<never>> => {
  const createdAt = ctx.clock.now();
  const customer: Customer = { merchant, id: newId('cus', createdAt), ...wanted, erasedAt: null, createdAt };
  const answer = (): Answer<CustomerView> => ok(jsonReply(201, customerView(customer)));
  return ctx
    .commit({ merchant, requestId, refusals: [], ...(claim ? { claim } : {}), customer, answer })
    .andThen(answerOf);
};

/** Errors: `customer_not_found`, `database_unavailable`. */
export const readCustomer = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  id: CustomerId,
): ResultAsync<CustomerView, PaymentError<'customer_not_found' | StorageCode>> =>
  ctx.reads.customer(merchant, id).map(customerView);

/** Who was erased is found by his id alone. Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listCustomers = (
  ctx: Pick<Context, 'people' | 'clock'>,
  merchant: MerchantId,
  filter: CustomerFilter,
): ResultAsync<ListView<CustomerView>, ListError> =>
  ctx.people.list(merchant, filter, ctx.clock.now()).map(pageView('/v1/customers', customerView));

/** Errors: `customer_not_found`, also of one that was erased; `invalid_request`, `contention`, `database_unavailable`. */
export const updateCustomer = (
  ctx: Pick<Context, 'people'>,
  merchant: MerchantId,
  id: CustomerId,
  wanted: CustomerUpdate,
): ResultAsync<CustomerView, PaymentError<'customer_not_found' | 'invalid_request' | StorageCode>> =>
  ctx.people.update(merchant, id, wanted).map(customerView);

/**
 * Forgets who a customer is. What the ledger needs stays: his wallet, his payments, and what they came to. Errors:
 * `customer_not_found`, `contention`, `database_unavailable`.
 */
export const eraseCustomer = (
  ctx: Pick<Context, 'people' | 'clock'>,
  merchant: MerchantId,
  id: CustomerId,
): ResultAsync<CustomerView, PaymentError<'customer_not_found' | StorageCode>> =>
  ctx.people.erase(merchant, id, ctx.clock.now()).map(customerView);
