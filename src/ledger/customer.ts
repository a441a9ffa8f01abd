/** Customers, who have wallets. */
import { ok, type ResultAsync } from 'neverthrow';
import type { CallerWithoutKey, Context } from '../context.ts';
import { answerOf, type Answer, type Customer, type Reply } from '../domain/change.ts';
import { newId, type CustomerId, type MerchantId } from '../domain/ids.ts';
import { customerView, jsonReply } from '../domain/reply.ts';
import type { ChangeError, StorageCode } from '../domain/refusals.ts';
import type { CustomerView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';

export type NewCustomer = Pick<Customer, 'name' | 'email' | 'metadata'>;

/** Errors: those of any claim, `database_unavailable`. */
export const createCustomer = (
  ctx: Pick<Context, 'commit' | 'clock'>,
  { merchant, claim, requestId }: CallerWithoutKey,
  wanted: NewCustomer,
): ResultAsync<Reply<CustomerView>, ChangeError<never>> => {
  const customer: Customer = { merchant, id: newId('cus'), ...wanted, createdAt: ctx.clock.now() };
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
