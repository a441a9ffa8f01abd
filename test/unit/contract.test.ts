import { describe, expect, it } from '@jest/globals';
import { ERRORS, paymentError, type ErrorCode } from '../../src/error.ts';
import { errorReply } from '../../src/domain/reply.ts';
import { routes } from '../../src/http/routes.ts';
import { breachOf } from '../support/contract.ts';

const ITEM = { id: 'item_demo', object: 'item', name: 'widget', unit_price: '199', currency: 'usd' };

const answers = (status: number, body: object) => ({
  method: 'GET',
  path: '/v1/items/item_demo',
  status,
  contentType: 'application/json; charset=utf-8',
  text: JSON.stringify(body),
});
const answersError = (code: ErrorCode) => {
  const { status, body } = errorReply(paymentError(code), 'req_1');
  return answers(status, JSON.parse(body) as object);
};

describe('the check that every reply of every test passes', () => {
  it('lets through what the route says that it gives, and the errors that it lists', () => {
    expect(breachOf(answers(200, ITEM))).toBeUndefined();
    expect(breachOf(answersError('item_not_found'))).toBeUndefined();
  });

  it('finds a field too many, one too few, and one of another type', () => {
    expect(breachOf(answers(200, { ...ITEM, stock: 5 }))).toContain('"stock"');
    expect(breachOf(answers(200, { ...ITEM, name: undefined }))).toContain('name');
    expect(breachOf(answers(200, { ...ITEM, unit_price: 199 }))).toContain('unit_price');
  });

  it('finds a status that was not promised, an error that is not listed, and one with the status of another', () => {
    expect(breachOf(answers(201, ITEM))).toContain('answered 201, and not 200');
    expect(breachOf(answersError('card_declined'))).toContain('card_declined, which it does not list');
    expect(breachOf({ ...answersError('item_not_found'), status: 410 })).toContain('whose status is 404');
    expect(breachOf(answers(500, { error: 'oops' }))).toContain('an error that is none');
  });
});

/** Answered where no route is, or by one that stands outside the table. */
const OUTSIDE: Readonly<Partial<Record<ErrorCode, string>>> = {
  route_not_found: 'there is no route',
  webhook_signature_invalid: 'POST /webhooks/stripe, which Stripe alone calls',
};

describe('the table of routes', () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])(
    'has a route that can answer %s, or it is named as one outside',
    (code) => {
      const listed = routes.filter(({ errors }) => errors.includes(code)).length;
      expect(listed > 0).toBe(OUTSIDE[code] === undefined);
    },
  );
});
