/** Payments of 700 in the states that a card brings them to, each of a customer of its own. */
import type { Payment } from '../../src/client/api.ts';
import type { World } from './service.ts';
import { eventually } from './stripe.ts';

/** A card whose bank asks for the cardholder. */
export const CHALLENGE = 'pm_card_threeDSecure2Required';
export const BACK = 'https://shop.example/back';
const DECLINED = 'pm_card_visa_chargeDeclined';

export interface CardPayments {
  readonly read: (id: string) => Promise<Payment>;
  /** Waits until it has that status. */
  readonly becomes: (id: string, status: string) => Promise<Payment>;
  /** The PaymentIntent that it has at Stripe. */
  readonly intentOf: (id: string) => Promise<string>;
  readonly create: (more?: object) => Promise<Payment>;
  readonly confirmed: (more?: object) => Promise<Payment>;
  readonly held: () => Promise<Payment>;
  readonly challenged: (more?: object) => Promise<Payment>;
  readonly declined: (more?: object) => Promise<Payment>;
}

export const cardPayments = ({ post, get, createCustomer, query }: World): CardPayments => {
  const read: CardPayments['read'] = async (id) => (await get(`/v1/payments/${id}`)).body;
  const create: CardPayments['create'] = async (more = {}) =>
    (await post('/v1/payments', { customer: await createCustomer(), amount: 700, currency: 'usd', ...more })).body;
  const confirmed: CardPayments['confirmed'] = (more = {}) =>
    create({ payment_method: 'pm_card_visa', confirm: true, return_url: BACK, ...more });
  return {
    read,
    becomes: (id, status) =>
      eventually(
        () => read(id),
        (payment) => payment.status === status,
      ),
    intentOf: async (id) => {
      const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
      return row!.intent;
    },
    create,
    confirmed,
    held: () => confirmed({ capture_method: 'manual' }),
    challenged: (more = {}) => confirmed({ payment_method: CHALLENGE, ...more }),
    declined: async (more = {}) => {
      const payment = await create(more);
      await post(`/v1/payments/${payment.id}/confirm`, { payment_method: DECLINED });
      return read(payment.id);
    },
  };
};
