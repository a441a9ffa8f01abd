/**
 * The client of Quittance: a method a route, which answers with a value and never throws.
 *
 *   const quittance = createClient({ key: 'sk_…', baseUrl: 'https://pay.example' });
 *   const paid = await quittance.charge(customer, 1250);
 *
 * A request is sent again where its error says that it may be, under the same idempotency key: it is never done twice.
 */
import { createLists, createMethods, ERROR_CODES, type Client, type Lists } from './api.ts';
import { createCall, createList, type Options, type Settings } from './call.ts';

export type * from './api.ts';
export type { ApiError, Failure, Options, Outcome, Page, Settings, TransportError, Unrecognised } from './call.ts';
export { verifyWebhook, type WebhookProblem } from './webhook.ts';

export interface Quittance extends Client {
  /**
   * Charges what the customer has saved, while he is away: an amount in minor units, of dollars where nothing else is said.
   * Give it the idempotency key of what he is charged for, an invoice's id: repeated, it is charged once.
   */
  readonly charge: (
    customer: string,
    amount: number,
    currency?: string,
    options?: Options,
  ) => ReturnType<Client['createPayment']>;
  /** Lists as async iterators over all of their items: `for await (const payment of quittance.each.listPayments())`. */
  readonly each: Lists;
}

const chargeWith =
  ({ createPayment }: Client): Quittance['charge'] =>
  (customer, amount, currency = 'usd', options) =>
    createPayment({ customer, amount, currency, confirm: true, off_session: true }, options);

export const createClient = (settings: Settings): Quittance => {
  const call = createCall(settings, new Set(ERROR_CODES));
  const methods = createMethods(call);
  return {
    ...methods,
    charge: chargeWith(methods),
    each: createLists(createList(call)),
  };
};
