import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Answer } from '../support/service.ts';
import { startUntouched } from '../support/untouched.ts';

const { world, customer, wallet, otherWallet, debit, pay, raw, refuses, isUntouched } = await startUntouched();
const { post, get } = world;

describe('a card number is refused wherever it stands, and neither stored nor logged', () => {
  const CANARIES = [
    '4242424242424242',
    '4242 4242 4242 4242',
    '5555-5555-5555-4444',
    '378282246310005',
    '4000056655665556',
  ];
  const places = (number: string): [string, Promise<Answer>][] => [
    ['a description', debit({ description: `card ${number} please` })],
    ['a name', post('/v1/customers', { name: number })],
    ['a metadata value', post('/v1/customers', { metadata: { card: number } })],
    ['a metadata key', post('/v1/customers', { metadata: { [number]: 'card' } })],
    ['an unknown field', debit({ card: { number } })],
    ['the name of an unknown field', debit({ [number]: 1 })],
    ['a payment method', pay({ payment_method: `pm_${number.replaceAll(/\D/g, '')}` })],
    ['an amount', debit({ amount: number })],
    ['a bare number', debit({ amount: Number(number.replaceAll(/\D/g, '')) })],
    [
      'a bulk',
      post('/v1/transfers/bulk', {
        mode: 'atomic',
        transfers: [{ from: wallet, to: otherWallet, amount: 1, currency: 'usd', description: number }],
      }),
    ],
    ['an idempotency key', post('/v1/debits', { customer, amount: 5, currency: 'usd' }, number)],
    ['a body of another type', raw(number, { 'Content-Type': 'text/plain' })],
    ['malformed JSON', raw(`{"card":"${number}"`)],
    ['a path', get(`/v1/customers/${encodeURIComponent(number)}`)],
    ['a path that is none', get(`/${encodeURIComponent(number)}`)],
    ['a query', get(`/v1/payments?card=${encodeURIComponent(number)}`)],
    ['the name in a query', get(`/v1/payments?${encodeURIComponent(number)}=1`)],
    ['a key', world.as(`sk_test_${number.replaceAll(/\D/g, '')}`).get('/v1/payments')],
    ['an unknown header', get('/v1/payments/x', { 'X-Card': number })],
  ];

  it.each(CANARIES)('%s', async (number) => {
    for (const [place, asked] of places(number)) {
      const { status, text } = await asked;
      expect([place, [400, 401, 404].includes(status)]).toEqual([place, true]);
      expect([place, text.includes(number)]).toEqual([place, false]);
    }
    await isUntouched();
  });

  it('is told apart from other mistakes where it stands in a body or a key', async () => {
    await refuses(debit({ description: '4242424242424242' }), 400, 'card_number_refused');
    await refuses(
      post('/v1/debits', { customer, amount: 5, currency: 'usd' }, '4242424242424242'),
      400,
      'card_number_refused',
      'Idempotency-Key',
    );
    await refuses(post('/v1/customers', { metadata: { '4242-4242-4242-4242': 'x' } }), 400, 'card_number_refused');
  });

  it('is nowhere in the log and nowhere in the database, while what may be there is', async () => {
    const marker = `canary-${randomUUID()}`;
    await post('/v1/customers', { name: marker });
    const tables = await world.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'public'",
    );
    const texts = await Promise.all(
      tables.map(({ name }) =>
        world.query<{ text: string | null }>(`select string_agg(t::text, ' ') as text from ${name} t`),
      ),
    );
    const everything = texts.map(([row]) => row?.text ?? '').join('\n') + world.logged();
    expect(everything).toContain(marker);
    expect(world.logged()).toContain('/v1/debits');
    for (const number of CANARIES) {
      expect(everything).not.toContain(number);
      expect(everything).not.toContain(number.replaceAll(/\D/g, ''));
    }
  });
});
