/** A world in which a request that is refused must leave everything as it was. */
import { randomUUID } from 'node:crypto';
import { beforeEach, expect } from '@jest/globals';
import { payFor, send, startWorld, type Answer, type World } from './service.ts';

export interface Untouched {
  readonly world: World;
  /** Whose wallet holds 1000. */
  readonly customer: string;
  readonly wallet: string;
  readonly otherWallet: string;
  /** A debit of 5, and a payment of 5, but for what is said. */
  readonly debit: (more: object) => Promise<Answer>;
  readonly pay: (more: object) => Promise<Answer>;
  /** Those bytes as the body of a debit. */
  readonly raw: (body: string | Buffer, headers?: Record<string, string>) => Promise<Answer>;
  /** Nothing has changed since the test began: neither money nor a key, which may be used again. */
  readonly isUntouched: () => Promise<void>;
  /** It says no, clearly, and nothing has changed. */
  readonly refuses: (answer: Promise<Answer>, status: number, code: string, param?: string | null) => Promise<void>;
}

/** Called where the suite begins. */
export const startUntouched = async (): Promise<Untouched> => {
  const world = await startWorld();
  const { post, createCustomer, walletOf } = world;
  const customer = await createCustomer(1000);
  const wallet = await walletOf(customer);
  const otherWallet = await walletOf(await createCustomer());

  /** Everything that a request could have changed. */
  const ledger = async (): Promise<unknown> =>
    world.query(`
      select (select count(*) from transfers where kind <> 'fee') as transfers, (select count(*) from payments) as payments,
        (select count(*) from customers) as customers, (select sum(amount) from transfers where kind <> 'fee') as moved,
        (select count(*) from claims) as claims, (select count(*) from items) as items`);
  let before: unknown;
  beforeEach(async () => (before = await ledger()));
  const isUntouched = async (): Promise<void> => expect(await ledger()).toEqual(before);

  return {
    world,
    customer,
    wallet,
    otherWallet,
    debit: (more) => post('/v1/debits', { customer, amount: 5, currency: 'usd', ...more }),
    pay: (more) => post('/v1/payments', { ...payFor(customer, 5), ...more }),
    raw: (body, headers = {}) =>
      send(world.url, {
        method: 'POST',
        path: '/v1/debits',
        headers: {
          Authorization: 'Bearer sk_test_demo',
          'Content-Type': 'application/json',
          'Idempotency-Key': randomUUID(),
          ...headers,
        },
        body,
      }),
    isUntouched,
    refuses: async (answer, status, code, param) => {
      const { status: got, body, headers } = await answer;
      expect([got, body.error.code]).toEqual([status, code]);
      if (param !== undefined) expect(body.error.param).toBe(param);
      expect(body.error).toMatchObject({ outcome: 'none', request_id: headers.get('request-id') });
      expect(body.error.message.length).toBeGreaterThan(10);
      await isUntouched();
    },
  };
};
