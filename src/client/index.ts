/**
 * The client of Quittance: a method a route, which answers with a value and never throws.
 *
 *   const quittance = createClient({ key: 'sk_…', baseUrl: 'https://pay.example' });
 *   const paid = await quittance.createPayment({ customer, amount: 1250, currency: 'usd', payment_method, confirm: true });
 *
 * A request is sent again where its error says that it may be, under the same idempotency key: it is never done twice.
 */
import { createLists, createMethods, ERROR_CODES, type Client, type Lists } from './api.ts';
import { createCall, createList, type Settings } from './call.ts';

export type * from './api.ts';
export type { ApiError, Failure, Options, Outcome, Page, Settings, TransportError, Unrecognised } from './call.ts';
export { verifyWebhook, type WebhookProblem } from './webhook.ts';

export interface Quittance extends Client {
  /** Lists as async iterators over all of their items: `for await (const payment of quittance.each.listPayments())`. */
  readonly each: Lists;
}

export const createClient = (settings: Settings): Quittance => {
  const call = createCall(settings, new Set(ERROR_CODES));
  return { ...createMethods(call), each: createLists(createList(call)) };
};
