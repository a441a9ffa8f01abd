import { expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { payFor, startWorld, type Client } from '../support/service.ts';

const world = await startWorld();

/** Each test has a merchant of its own, whose volume is what it has charged. */
const openShop = async (): Promise<Client> => world.as(await world.createKey(`Shop ${randomUUID()}`, 'secret'));

interface Volume {
  readonly currencies: {
    currency: string;
    payments: number;
    succeeded: number;
    captured: string;
    days: { day: string; payments: number; succeeded: number; captured: string }[];
  }[];
  readonly declines: { code: string; decline_code: string | null; payments: number }[];
}
const read = async (shop: Client, query = ''): Promise<Volume> => {
  const { status, text } = await shop.get(`/v1/volume${query}`);
  expect(status).toBe(200);
  return JSON.parse(text) as Volume;
};
/** As if the payment had been made at that time: its id says so too. */
const madeAt = async (id: string, at: string): Promise<void> => {
  const hex = Date.parse(at).toString(16).padStart(12, '0');
  const payment = `'${id.slice(4)}'::uuid`;
  await world.query(
    `update transfers set payment_id = null where payment_id = ${payment};
     delete from attempts where payment_id = ${payment};
     update payments set created_at = '${at}', id = ('${hex}' || substr(replace(id::text, '-', ''), 13))::uuid where id = ${payment}`,
  );
};
const pay = async (shop: Client, amount: number, more: object = {}): Promise<string> => {
  const customer = await world.createCustomer(0, shop);
  const { status, body } = await shop.post('/v1/payments', payFor(customer, amount, more));
  return status === 402 ? (body.error.payment ?? '') : body.id;
};

it('adds up what was charged, by currency and by the day in a zone, and what was declined, by its reason', async () => {
  const shop = await openShop();
  await madeAt(await pay(shop, 1_000), '2026-03-01T22:30:00Z');
  await madeAt(await pay(shop, 2_000), '2026-03-01T23:30:00Z');
  await madeAt(await pay(shop, 500, { currency: 'eur' }), '2026-03-02T10:00:00Z');
  await madeAt(
    await pay(shop, 700, { payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds' }),
    '2026-03-02T11:00:00Z',
  );
  await madeAt(await pay(shop, 900), '2026-03-04T00:00:00Z');

  const utc = await read(shop, '?from=2026-03-01&to=2026-03-04');
  expect(utc.currencies).toEqual([
    {
      ...{ currency: 'usd', payments: 3, succeeded: 2, captured: '3000' },
      days: [
        { day: '2026-03-01', payments: 2, succeeded: 2, captured: '3000' },
        { day: '2026-03-02', payments: 1, succeeded: 0, captured: '0' },
      ],
    },
    {
      ...{ currency: 'eur', payments: 1, succeeded: 1, captured: '500' },
      days: [{ day: '2026-03-02', payments: 1, succeeded: 1, captured: '500' }],
    },
  ]);
  expect(utc.declines).toEqual([{ code: 'card_declined', decline_code: 'insufficient_funds', payments: 1 }]);

  const berlin = await read(shop, '?from=2026-03-01&to=2026-03-04&tz=Europe/Berlin');
  expect(berlin.currencies[0]?.days.map(({ day, captured }) => [day, captured])).toEqual([
    ['2026-03-01', '1000'],
    ['2026-03-02', '2000'],
  ]);
});

it('is of the last thirty days where nobody says which, and of a year at the most', async () => {
  const shop = await openShop();
  await pay(shop, 1_200);
  expect((await read(shop)).currencies).toMatchObject([{ currency: 'usd', captured: '1200' }]);
  for (const [query, param] of [
    ['from=2020-01-01', 'from'],
    ['from=yesterday', 'from'],
    ['to=2999-01-01', 'to'],
    ['from=2026-03-02&to=2026-03-01', 'from'],
    ['tz=Mars/Olympus', 'tz'],
  ] as const) {
    const { status, body } = await world.get(`/v1/volume?${query}`);
    expect([query, status, body.error.param]).toEqual([query, 400, param]);
  }
});

it('of a time before there was any is empty', async () => {
  for (const query of ['to=0000-01-01', 'from=0001-01-01&to=0001-01-02', 'to=1970-01-02', 'to=1970-01-01T00:00:00Z'])
    expect((await world.get(`/v1/volume?${query}`)).body).toMatchObject({ object: 'volume', currencies: [] });
});
