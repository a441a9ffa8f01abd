import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../src/domain/ids.ts';
import { routes } from '../../src/http/routes.ts';

/** Values that are right somewhere, so that a body comes past its first fields. */
const RIGHT: Record<string, unknown> = {
  ...{ customer: newId('cus'), payment: newId('pay'), from: newId('acct'), to: newId('acct'), id: newId('pay') },
  ...{ amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true, capture_method: 'manual' },
  ...{ return_url: 'https://shop.example/done', description: 'a widget', metadata: { order: '1' }, name: 'widget' },
  ...{ client_secret: 'pay_1_secret_2', unit_price: '1.5', mode: 'atomic', accounts: [newId('acct')], reason: 'fraud' },
  ...{ url: 'https://shop.example/hook', enabled_events: ['payment.succeeded'], disabled: false, email: 'a@b.example' },
  ...{ transfers: [{ from: newId('acct'), to: newId('acct'), amount: 5, currency: 'usd' }], limit: '10' },
  ...{ items: [{ quantity: 1, unit_price: '2' }], starting_after: newId('pay'), ending_before: newId('pay') },
};

const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 6 }),
  fc.string({ unit: 'binary', maxLength: 3_000 }),
  fc.double(),
  fc.bigInt().map(String),
  fc.constantFrom(
    '9'.repeat(21),
    '9'.repeat(5_000),
    '1e400',
    '-0',
    '\ud800',
    '0x10',
    1e308,
    -0,
    '__proto__',
    '\0',
    '…',
  ),
);

/** Of the names that a schema may know, some as they should be, some as nobody expects them. */
const body: fc.Arbitrary<Record<string, unknown>> = fc
  .subarray(Object.keys(RIGHT))
  .chain((names) =>
    fc.record(
      Object.fromEntries(
        names.map((name) => [
          name,
          fc.oneof({ weight: 3, arbitrary: fc.constant(RIGHT[name]) }, { weight: 1, arbitrary: odd }),
        ]),
      ),
    ),
  );

/** Only the fields that it knows, all of them, of which one is odd: the rules over several fields see it too. */
const known = (schema: {
  safeParse: (value: unknown) => { error?: { issues: readonly { code: string }[] } };
}): string[] =>
  Object.keys(RIGHT).filter(
    (name) => !schema.safeParse({ [name]: RIGHT[name] }).error?.issues.some(({ code }) => code === 'unrecognized_keys'),
  );

describe('whatever JSON a caller sends, no schema throws', () => {
  const schemas = routes.flatMap(({ method, path, schemas: { params, query, body: ofBody } }) =>
    [params, query, ...(ofBody ? [ofBody] : [])].map((schema, at) => ({
      name: `${method} ${path}, ${['path', 'query', 'body'][at]!}`,
      schema,
    })),
  );

  it.each(schemas)('$name', ({ schema }) => {
    fc.assert(
      fc.property(fc.oneof(body, odd), (value) => void schema.safeParse(value)),
      { numRuns: 60 },
    );
    const names = known(schema);
    if (names.length === 0) return;
    const all = Object.fromEntries(names.map((name) => [name, RIGHT[name]]));
    fc.assert(
      fc.property(fc.constantFrom(...names), odd, (name, value) => void schema.safeParse({ ...all, [name]: value })),
      { numRuns: 100 },
    );
    expect(names).not.toEqual([]);
  });
});

describe('the time that a list is narrowed by', () => {
  it('is no day, and the refusal says why', () => {
    const list = routes.find(({ name }) => name === 'listPayments');
    const refused = list?.schemas.query.safeParse({ 'created[gte]': '2026-11-30' });
    expect(refused?.error?.issues.map(({ message }) => message)).toEqual([
      'It must be seconds since 1970, or an instant such as 2026-01-31T00:00:00Z: a day alone does not say where it begins.',
    ]);
  });
});
