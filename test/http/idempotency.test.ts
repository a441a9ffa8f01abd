import { describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { createClient, payFor, startWorld, type Answer } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const { post, get, createCustomer, balanceOf, sandboxCounts } = world;

/** On a busy machine the service may shed a request before it begins it: the same one is sent again. */
const unlessShed = async <Reply>(ask: () => Promise<Answer<Reply>>): Promise<Answer<Reply>> => {
  const answer = await ask();
  return answer.status === 503 && answer.body.error.code === 'overloaded' ? unlessShed(ask) : answer;
};

const transfersOf = async (customer: string): Promise<number> => {
  const wallet = (await world.walletOf(customer)).slice(5);
  const [row] = await world.query<{ n: string }>(
    'select count(*) as n from transfers where credit = $1 or debit = $1',
    [wallet],
  );
  return Number(row!.n);
};

describe('a thousand requests at once under one key', () => {
  it('are one charge and one transfer, and every success is the same bytes', async () => {
    const customer = await createCustomer();
    const { charges, payment_intents } = await sandboxCounts();
    const body = payFor(customer, 100);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 1000 }, () => unlessShed(() => post('/v1/payments', body, key))),
    );

    const paid = answers.filter(({ status }) => status === 201);
    const others = answers.filter(({ status }) => status !== 201);
    expect(paid.length).toBeGreaterThan(0);
    expect(new Set(paid.map(({ text }) => text)).size).toBe(1);
    expect(paid.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    expect(
      new Set(others.map(({ status, body: { error } }) => `${status} ${error.code} ${error.outcome} ${error.retry}`)),
    ).toEqual(new Set(others.length > 0 ? ['409 idempotency_key_in_use unknown same_key'] : []));
    for (const { headers } of others) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);

    const after = await sandboxCounts();
    expect([after['charges']! - charges!, after['payment_intents']! - payment_intents!]).toEqual([1, 1]);
    expect([await transfersOf(customer), await balanceOf(customer)]).toEqual([1, 100]);
    const later = await post('/v1/payments', body, key);
    expect([later.text, later.headers.get('idempotent-replayed')]).toEqual([paid[0]!.text, 'true']);
  });
});

describe('sixty-four clients who spend from one wallet', () => {
  it('spend what it holds to the last unit, and not one unit more', async () => {
    const customer = await createCustomer(100);
    const codes: string[] = [];
    const spend = async (): Promise<void> => {
      for (let refused = 0; refused < 2;) {
        const key = randomUUID();
        const { status, body } = await unlessShed(() =>
          post('/v1/debits', { customer, amount: 1, currency: 'usd' }, key),
        );
        codes.push(status === 201 ? 'spent' : `${status} ${body.error.code}`);
        if (status !== 201) refused++;
      }
    };
    await Promise.all(Array.from({ length: 64 }, spend));
    expect(codes.filter((code) => code === 'spent')).toHaveLength(100);
    expect(new Set(codes)).toEqual(new Set(['spent', '402 insufficient_funds']));
    expect(await balanceOf(customer)).toBe(0);
    expect(new Set(await world.sums())).toEqual(new Set(['0']));
  });
});

describe('a key', () => {
  const asked = async <Reply>(
    first: () => Promise<Answer<Reply>>,
    second = first,
  ): Promise<[Answer<Reply>, Answer<Reply>]> => [await first(), await second()];

  it.each(['/v1/payments', '/v1/debits', '/v1/transfers', '/v1/transfers/bulk', '/v1/usage'])(
    'is required on POST %s',
    async (path) => {
      const customer = await createCustomer();
      const wallet = await world.walletOf(customer);
      const transfer = { from: wallet, to: wallet, amount: 1, currency: 'usd' };
      const bodies: Record<string, object> = {
        '/v1/payments': payFor(customer, 1),
        '/v1/debits': { customer, amount: 1, currency: 'usd' },
        '/v1/transfers': transfer,
        '/v1/transfers/bulk': { mode: 'atomic', transfers: [transfer] },
        '/v1/usage': { customer, currency: 'usd', items: [{ quantity: 1, unit_price: '1' }] },
      };
      const { status, body } = await post(path, bodies[path], null);
      expect([status, body.error.code, body.error.type]).toEqual([
        400,
        'idempotency_key_required',
        'invalid_request_error',
      ]);
    },
  );

  it('makes one customer, however often it is sent, where it is sent; without it there are two', async () => {
    const key = randomUUID();
    const [one, two] = await asked(() => post('/v1/customers', { name: 'Ada' }, key));
    expect([two.status, two.text]).toEqual([201, one.text]);
    expect(two.headers.get('idempotent-replayed')).toBe('true');
    const [three, four] = await asked(() => post('/v1/customers', { name: 'Ada' }, null));
    expect(three.body.id).not.toBe(four.body.id);
  });

  it('with another body is refused, and with the same fields in another order is not', async () => {
    const customer = await createCustomer(500);
    const key = randomUUID();
    const first = await post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key);
    const other = await post('/v1/debits', { customer, amount: 6, currency: 'usd' }, key);
    expect([other.status, other.body.error.code, other.body.error.type]).toEqual([
      400,
      'idempotency_key_reused',
      'idempotency_error',
    ]);
    const same = await post('/v1/debits', { currency: 'usd', amount: 5, customer }, key);
    expect([same.status, same.text]).toEqual([201, first.text]);
    expect(await balanceOf(customer)).toBe(495);
  });

  it('is the same bare and quoted', async () => {
    const customer = await createCustomer(500);
    const key = randomUUID();
    const [bare, quoted] = await asked(
      () => post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key),
      () => post('/v1/debits', { customer, amount: 5, currency: 'usd' }, `"${key}"`),
    );
    expect(quoted.text).toBe(bare.text);
    expect(await balanceOf(customer)).toBe(495);
  });

  it('of one merchant, and on one path, says nothing of another', async () => {
    const stranger = createClient(world.url, await world.createKey('Stranger', 'secret'));
    const customer = await createCustomer(500);
    const wallet = await world.walletOf(customer);
    const to = await world.walletOf(await createCustomer());
    const key = randomUUID();
    expect((await post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key)).status).toBe(201);
    expect((await post('/v1/transfers', { from: wallet, to, amount: 5, currency: 'usd' }, key)).status).toBe(201);
    expect((await stranger.post('/v1/customers', {}, key)).status).toBe(201);
    const [one, other] = [
      await post('/v1/payments', { customer, amount: 5, currency: 'usd' }),
      await post('/v1/payments', { customer, amount: 5, currency: 'usd' }),
    ];
    const confirmed = await Promise.all(
      [one, other].map(({ body }) => post(`/v1/payments/${body.id}/confirm`, { payment_method: 'pm_card_visa' }, key)),
    );
    expect(confirmed.map(({ body }) => body.id)).toEqual([one.body.id, other.body.id]);
  });

  it('is in use while its request runs, with when to ask again', async () => {
    const customer = await createCustomer();
    await stripe.fault({ kind: 'hang_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    const key = randomUUID();
    const running = post('/v1/payments', payFor(customer, 100), key);
    const isOpen = async (): Promise<boolean> =>
      (await world.query('select 1 from claims where key = $1', [key])).length > 0;
    while (!(await isOpen()));
    const second = await post('/v1/payments', payFor(customer, 100), key);
    expect([second.status, second.body.error.code, second.body.error.type]).toEqual([
      409,
      'idempotency_key_in_use',
      'idempotency_error',
    ]);
    expect(second.headers.get('retry-after')).toBe('1');
    const third = await post('/v1/payments', payFor(customer, 101), key);
    expect([third.status, third.body.error.code]).toEqual([400, 'idempotency_key_reused']);
    await stripe.heal();
    const first = await running;
    expect((await post('/v1/payments', payFor(customer, 100), key)).text).toBe(first.text);
  });

  it('is still free after a 400, a 404 and a 403', async () => {
    const customer = await createCustomer(500);
    const key = randomUUID();
    const bad = [
      await post('/v1/debits', { customer, amount: 0, currency: 'usd' }, key),
      await post('/v1/debits', { customer: `cus_${'0'.repeat(32)}`, amount: 5, currency: 'usd' }, key),
      await world.as('fk_test_demo').post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key),
      await world.as('sk_test_nobody').post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key),
    ];
    expect(bad.map(({ status }) => status)).toEqual([400, 404, 403, 401]);
    expect((await post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key)).status).toBe(201);
  });

  it('keeps a 402, byte for byte, though the wallet could pay now', async () => {
    const customer = await createCustomer();
    const key = randomUUID();
    const poor = await post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key);
    expect([poor.status, poor.body.error.code]).toEqual([402, 'insufficient_funds']);
    await post('/v1/payments', payFor(customer, 100));
    const again = await post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key);
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([402, poor.text, 'true']);
    expect((await post('/v1/debits', { customer, amount: 5, currency: 'usd' })).status).toBe(201);
  });

  it('keeps a decline, and does not ask the bank again', async () => {
    const customer = await createCustomer();
    const body = payFor(customer, 100, { payment_method: 'pm_card_visa_chargeDeclined' });
    const key = randomUUID();
    const [first, { declined }] = [await post('/v1/payments', body, key), await sandboxCounts()];
    const again = await post('/v1/payments', body, key);
    expect([again.status, again.text]).toEqual([402, first.text]);
    expect((await sandboxCounts())['declined']).toBe(declined);
  });

  it('keeps the 409 of a wrong state', async () => {
    const customer = await createCustomer(5);
    const wallet = await world.walletOf(customer);
    const key = randomUUID();
    const [one, two] = await asked(() =>
      post('/v1/transfers', { from: wallet, to: wallet, amount: 1, currency: 'usd' }, key),
    );
    expect([one.status, one.body.error.code]).toEqual([409, 'transfer_not_allowed']);
    expect([two.text, two.headers.get('idempotent-replayed')]).toEqual([one.text, 'true']);
  });

  it('shows one request-id in a replayed error, that of the request which it answered, and a new one in the header', async () => {
    const customer = await createCustomer();
    const key = randomUUID();
    const [one, two] = await asked(() => post('/v1/debits', { customer, amount: 5, currency: 'usd' }, key));
    expect(one.headers.get('request-id')).toBe(one.body.error.request_id);
    expect(two.body.error.request_id).toBe(one.body.error.request_id);
    expect(two.headers.get('request-id')).not.toBe(one.headers.get('request-id'));
  });
});

it('in the end the sum over all accounts is zero', async () => {
  expect(new Set(await world.sums())).toEqual(new Set(['0']));
  expect((await get('/v1/trial_balance')).body.balanced).toBe(true);
});

describe('a request whose key the release before has kept', () => {
  it('is answered as it was, and not told that its body is another', async () => {
    const customer = await createCustomer();
    const body = payFor(customer, 100);
    const key = randomUUID();
    const first = await post('/v1/payments', body, key);
    // What that release made its hash of: the body as it had understood it.
    const understood =
      `{"amount":100,"captureMethod":"automatic","confirm":true,"currency":"usd","customer":"${customer}",` +
      '"description":null,"metadata":{},"paymentMethod":"pm_card_visa","returnUrl":null}';
    const hash = createHash('sha256').update(understood).digest('hex').slice(0, 32);
    await world.query('update claims set request_hash = $1 where key = $2', [hash, key]);

    const again = await post('/v1/payments', body, key);
    expect([again.status, again.text]).toEqual([201, first.text]);
    const other = await post('/v1/payments', payFor(customer, 101), key);
    expect([other.status, other.body.error.code]).toEqual([400, 'idempotency_key_reused']);
  });
});
