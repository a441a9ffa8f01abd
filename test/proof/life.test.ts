import { expect, test } from '@jest/globals';
import { proveModel } from './model.ts';
import { proveOrders } from './webhooks.ts';

/** The proofs of a payment's life in their short form; `npm run proof:model` and `npm run proof:webhooks` go further. */
const TIMEOUT_MS = 120_000;

test(
  'the service, a simple model of it and Stripe agree, whatever is asked in whatever order',
  async () => {
    const { verdict, failure, ran } = await proveModel({ runs: 15, commands: 30, seed: 7 });
    expect(failure).toBeUndefined();
    expect(verdict.violations).toEqual([]);
    expect(ran['create 201']).toBeGreaterThan(15);
  },
  TIMEOUT_MS,
);

test(
  'the webhooks of 20 payments, in ten random orders with duplicates, leave one state and one ledger',
  async () => {
    const { payments, events, deliveries, states, summary } = await proveOrders({
      orders: 10,
      seed: 20,
      log: () => undefined,
    });
    expect(payments).toBe(20);
    expect(deliveries).toBeGreaterThan(200 * 10);
    expect(events).toBeGreaterThan(100);
    expect([...states.values()]).toEqual([10]);
    expect(summary).toMatchObject({ succeeded: 16, canceled: 2, requires_payment_method: 2, 'posted payment': 16 });
  },
  TIMEOUT_MS,
);
