import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/stripe.ts';
import { plusMs, systemClock } from '../../src/domain/time.ts';
import { payFor, startService, startWorld, type Client } from '../support/service.ts';

const world = await startWorld();
const { get, post, createCustomer } = world;
/** Another instance, whose machine's clock is seven minutes behind. */
const other = await startService({
  databaseUrl: world.databaseUrl,
  sandboxUrl: world.sandbox.url,
  clock: { now: () => plusMs(systemClock().now(), -7 * 60_000) },
});

/** Reads on from where the last page ended, again and again, until all of these were seen; answers what was seen. */
const poll = async (
  path: '/v1/payments' | '/v1/events',
  from: string,
  isAll: (seen: readonly string[]) => boolean,
): Promise<string[]> => {
  const seen: string[] = [];
  let newest = from;
  await eventually(
    async () => {
      const { data } = (await get(`${path}?limit=100&ending_before=${newest}`)).body;
      seen.push(...data.map(({ id }) => id).reverse());
      newest = data[0]?.id ?? newest;
      return seen;
    },
    () => isAll(seen),
  );
  return seen;
};

describe('who reads a list on from the newest that was seen', () => {
  it('sees every payment and every event once, whichever instance made it, and whatever its clock says', async () => {
    const customer = await createCustomer(500);
    const first = (await get('/v1/payments?limit=1')).body.data[0]!.id;
    const firstEvent = (await get('/v1/events?limit=1')).body.data[0]!.id;
    const made: string[] = [];
    const write = async (client: Client): Promise<void> => {
      for (let n = 0; n < 20; n++) made.push((await client.post('/v1/payments', payFor(customer, 100))).body.id);
    };
    const writers = Promise.all([world, world, world, other, other, other].map(write));
    let ended = false;
    void writers.then(() => (ended = true));
    const [payments, events] = await Promise.all([
      poll('/v1/payments', first, (seen) => ended && made.every((id) => seen.includes(id))),
      poll('/v1/events', firstEvent, (seen) => ended && seen.length >= made.length),
      writers,
    ]);
    expect(payments.toSorted()).toEqual(made.toSorted());
    expect(new Set(events).size).toBe(made.length);
  });

  it('is given what is there: a page that goes back to the newest misses only what is seconds old', async () => {
    const customer = await createCustomer();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++)
      ids.unshift((await post('/v1/payments', { customer, amount: 100, currency: 'usd' })).body.id);
    expect((await get(`/v1/payments?customer=${customer}`)).body.data.map(({ id }) => id)).toEqual(ids);
    const page = await eventually(
      async () => (await get(`/v1/payments?customer=${customer}&ending_before=${ids[2]!}`)).body.data,
      (data) => data.length === 2,
    );
    expect(page.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  });
});

describe('a page that begins at what is not there', () => {
  const nowhere = '0'.repeat(32);
  it.each([
    ['/v1/payments', 'pay_'],
    ['/v1/refunds', 're_'],
    ['/v1/customers', 'cus_'],
    ['/v1/accounts', 'acct_'],
    ['/v1/events', 'evt_'],
    ['/v1/webhook_endpoints', 'we_'],
    ['/v1/transfers', 'tr_'],
    ['/v1/disputes', 'dp_'],
    ['/v1/contradictions', 'ctr_'],
  ])('is refused in the list %s, in both directions', async (path, prefix) => {
    for (const param of ['starting_after', 'ending_before']) {
      const { status, body } = await get(`${path}?${param}=${prefix}${nowhere}`);
      expect([status, body.error.code, body.error.param]).toEqual([400, 'invalid_request', param]);
    }
  });
});
