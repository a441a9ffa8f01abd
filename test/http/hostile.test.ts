import { describe, expect, it } from '@jest/globals';
import { payFor, startWorld } from '../support/service.ts';

const world = await startWorld();
const { post, createCustomer } = world;

describe('one request ends nothing but itself', () => {
  it.each(['9'.repeat(21), '9'.repeat(30), '9'.repeat(200_000), '-1e99', '0x1f'])(
    'with an amount that no arithmetic takes: %.25s',
    async (amount) => {
      const customer = await createCustomer();
      const { status, body } = await post('/v1/payments', { ...payFor(customer, 5), amount });
      expect([status, body.error.code, body.error.outcome]).toEqual([400, 'invalid_request', 'none']);
      expect((await post('/v1/payments', payFor(customer, 5))).status).toBe(201);
    },
  );
});
