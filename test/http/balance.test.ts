/** What Stripe keeps and pays out: fees and payouts, in the ledger. */
import { describe, expect, it } from '@jest/globals';
import { payFor, startWorld, type Client } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, sums, query, as } = world;
const stripe = stripeAt(world.sandbox.url);
const TWO_DAYS_S = 2 * 24 * 3600 + 60;

interface Posted {
  readonly kind: string;
  readonly amount: string;
  readonly currency: string;
}

const pay = async (more: object = {}, client: Client = world): Promise<string> => {
  const customer = await createCustomer(0, client);
  const { status, body } = await client.post('/v1/payments', payFor(customer, 1250, more));
  expect(status).toBe(201);
  return body.id;
};
const postedOf = (payment: string): Promise<string[]> =>
  query<Posted>('select kind, amount, currency from transfers where payment_id = $1 order by posted_at, kind', [
    payment.slice(4),
  ]).then((rows) => rows.map(({ kind, amount, currency }) => `${kind} ${amount} ${currency}`));
const becomes = (payment: string, posted: string[]): Promise<unknown> =>
  eventually(
    () => postedOf(payment).then((found) => found.toSorted()),
    (found) => JSON.stringify(found) === JSON.stringify(posted.toSorted()),
  );
/** What an account of the merchant's own holds. */
const platform = async (kind: string, currency = 'usd', client: Client = world): Promise<number> =>
  Number((await client.get(`/v1/accounts?kind=${kind}&currency=${currency}`)).body.data[0]?.posted ?? 0);
/** Reads all of Stripe's balance once more, as hours later. */
const readAgain = async (): Promise<void> => {
  await clock.advance(world.sandbox.url, 2 * 3600 + 120);
  await eventually(
    () => query<{ n: number }>('select count(*)::int as n from balance_windows where due_at <= now()'),
    ([row]) => row?.n === 0,
  );
};

describe('a fee', () => {
  it('is posted once for each charge, after it was answered, and is seen in the timeline', async () => {
    const id = await pay();
    await becomes(id, ['payment 1250 usd', 'fee 66 usd']);
    const { data } = (await get(`/v1/payments/${id}/timeline`)).body;
    expect(data.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/^0\.66 usd kept by Stripe: its fee \(charge ch_\w+\)$/),
    );
    expect(await platform('stripe_fees')).toBeLessThanOrEqual(-66);
  });

  it('of a charge that Stripe settles in another currency is posted in that, and clearing holds what is owed in each', async () => {
    const before = [await platform('stripe_clearing', 'chf'), await platform('exchange', 'chf')];
    const id = await pay({ amount: 10_000, currency: 'chf' });
    await becomes(id, ['payment 10000 chf', 'converted_out 10000 chf', 'converted_in 12500 usd', 'fee 393 usd']);
    expect([await platform('stripe_clearing', 'chf'), await platform('exchange', 'chf')]).toEqual([
      before[0],
      before[1]! - 10_000,
    ]);
    await post('/v1/refunds', { payment: id, amount: 4000 });
    await becomes(id, [
      ...['payment 10000 chf', 'converted_out 10000 chf', 'converted_in 12500 usd', 'fee 393 usd'],
      ...['refund 4000 chf', 'converted_in 4000 chf', 'converted_out 5000 usd'],
    ]);
    expect(await platform('stripe_clearing', 'chf')).toBe(before[0]);
  });

  it('leaves what Stripe turned into another currency to the cent, though the rate that it shows is rounded', async () => {
    const id = await pay({ amount: 99_999_999, currency: 'sek' });
    const paid = ['payment 99999999 sek', 'converted_out 99999999 sek', 'converted_in 10537180 usd', 'fee 305608 usd'];
    await becomes(id, paid);
    await post('/v1/refunds', { payment: id, amount: 77_777_777 });
    await becomes(id, [...paid, 'refund 77777777 sek', 'converted_in 77777777 sek', 'converted_out 8195584 usd']);
    expect(await platform('stripe_clearing', 'sek')).toBe(0);
  });

  it('leaves a refund that is worth less than half a cent where it belongs, though its line says nothing', async () => {
    const before = await platform('stripe_clearing', 'krw');
    const id = await pay({ amount: 10_000, currency: 'krw' });
    const paid = ['payment 10000 krw', 'converted_out 10000 krw', 'converted_in 700 usd', 'fee 50 usd'];
    await becomes(id, paid);
    await post('/v1/refunds', { payment: id, amount: 7 });
    await becomes(id, [...paid, 'refund 7 krw', 'converted_in 7 krw']);
    expect(await platform('stripe_clearing', 'krw')).toBe(before);
  });

  it('is of each capture, where a hold is captured in parts, and each part is turned to the cent', async () => {
    const before = [await platform('stripe_clearing', 'sek'), await platform('exchange', 'sek')];
    const id = await pay({ amount: 90_000_000, currency: 'sek', capture_method: 'manual' });
    const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
    const capture = (amount: number, isLast: boolean): Promise<unknown> =>
      stripe.post(`/v1/payment_intents/${row!.intent}/capture`, {
        amount_to_capture: String(amount),
        final_capture: String(isLast),
      });
    const heal = await stripe.fault({ kind: 'webhook_drop', event: '*' });
    await capture(40_000_001, false);
    await capture(33_333_333, false);
    await heal();
    await capture(11_111_111, true);
    await eventually(
      () => postedOf(id),
      (posted) => posted.filter((one) => one.startsWith('fee')).length === 3,
    );
    const sumOf = async (kind: string): Promise<number> =>
      (await postedOf(id)).reduce(
        (sum, one) => (one.startsWith(`${kind} `) ? sum + Number(one.split(' ')[1]) : sum),
        0,
      );
    expect([await sumOf('payment'), await sumOf('converted_out')]).toEqual([84_444_445, 84_444_445]);
    expect((await get(`/v1/payments/${id}`)).body).toMatchObject({ status: 'succeeded', amount_captured: 84_444_445 });
    expect([await platform('stripe_clearing', 'sek'), await platform('exchange', 'sek')]).toEqual([
      before[0],
      before[1]! - 84_444_445,
    ]);
  });

  it('of a dispute is posted beside what it withdraws, and not with it', async () => {
    const id = await pay({ payment_method: 'pm_card_createDispute' });
    await becomes(id, ['payment 1250 usd', 'fee 66 usd', 'dispute_opened 1250 usd', 'fee 1500 usd']);
  });

  it('is posted once, however often and late its webhooks come, and however often the balance is read', async () => {
    const heal = await stripe.fault({ kind: 'webhook_duplicate', event: '*' });
    const id = await pay();
    await becomes(id, ['payment 1250 usd', 'fee 66 usd']);
    await heal();
    for (const { id: event, type } of await stripe.events()) if (type.startsWith('charge.')) await stripe.resend(event);
    await readAgain();
    expect(await postedOf(id)).toEqual(['payment 1250 usd', 'fee 66 usd']);
  });

  it('is posted though no webhook tells of it', async () => {
    const heal = await stripe.fault({ kind: 'webhook_drop', event: '*' });
    const id = await pay();
    await clock.advance(world.sandbox.url, 60);
    await becomes(id, ['payment 1250 usd', 'fee 66 usd']);
    await heal();
  });
});

it('a transaction that is of no payment here is kept, logged, and posted nowhere', async () => {
  await stripe.post('/v1/payment_intents', {
    amount: '700',
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: 'true',
    'allowed_payment_method_types[]': 'card',
  });
  const [kept] = await eventually(
    () => query<{ id: string; gross: string; fee: string }>('select id, gross, fee from unknown_balance_transactions'),
    ({ length }) => length > 0,
  );
  expect(kept).toMatchObject({ gross: '700', fee: '50' });
  expect(world.logged()).toContain(kept!.id);
});

describe('a payout', () => {
  const shares = (payout: string): Promise<{ name: string; amount: string; status: string }[]> =>
    query(
      `select m.name, p.amount, p.status from payouts p join merchants m on m.id = p.merchant_id where p.id = $1
       order by m.name`,
      [payout],
    );
  const moved = (payout: string, currency: string): Promise<Posted[]> =>
    query(
      `select t.kind, t.amount, t.currency from transfers t join payouts p on p.merchant_id = t.merchant_id
       where t.kind like 'payout%' and p.id = $1 and t.currency = $2 order by t.amount::int, t.posted_at`,
      [payout, currency],
    );
  /** Everything is paid out in that currency, whose webhooks come that often. */
  const payOut = async (currency: string, more: Record<string, string> = {}): Promise<string> => {
    await clock.advance(world.sandbox.url, TWO_DAYS_S);
    const { id } = await stripe.post('/_sandbox/payouts', { currency, ...more });
    await clock.advance(world.sandbox.url, 2);
    return id;
  };
  const settle = async (ids: readonly string[], client: Client): Promise<void> => {
    for (const id of ids)
      await eventually(
        async () => (await client.get(`/v1/payments/${id}/timeline`)).text,
        (text) => text.includes('its fee'),
      );
  };

  it('is split by merchant, in each currency, once however often it is told of', async () => {
    const other = as(await world.createKey('Payout & Sons', 'secret'));
    const mine = await pay({ amount: 10_000, currency: 'gbp' });
    const mineToo = await pay({ amount: 10_000, currency: 'eur' });
    const theirs = await pay({ amount: 3000, currency: 'gbp' }, other);
    await settle([mine, mineToo], world);
    await settle([theirs], other);
    const gbp = await payOut('gbp');
    const eur = await payOut('eur');
    await eventually(
      () => shares(gbp),
      ({ length }) => length === 2,
    );
    await eventually(
      () => shares(eur),
      ({ length }) => length === 1,
    );
    for (const { id, type } of await stripe.events())
      if (type.startsWith('payout.')) for (let times = 0; times < 2; times++) await stripe.resend(id);
    await eventually(
      () => query<{ n: number }>(`select count(*)::int as n from stripe_payouts where due_at is not null`),
      ([row]) => row?.n === 0,
    );
    expect(await shares(gbp)).toEqual([
      { name: 'Demo', amount: '9680', status: 'paid' },
      { name: 'Payout & Sons', amount: '2883', status: 'paid' },
    ]);
    expect(await moved(gbp, 'gbp')).toEqual([
      { kind: 'payout', amount: '2883', currency: 'gbp' },
      { kind: 'payout', amount: '9680', currency: 'gbp' },
    ]);
    expect(await shares(eur)).toEqual([{ name: 'Demo', amount: '9680', status: 'paid' }]);
    // All that Stripe owed has arrived.
    for (const client of [world, other]) expect(await platform('stripe_clearing', 'gbp', client)).toBe(0);
    expect([await platform('bank', 'gbp'), await platform('bank', 'gbp', other)]).toEqual([-9680, -2883]);
  });

  it('that the bank sends back is taken back, and paid out again by the next', async () => {
    const before = await platform('bank', 'gbp');
    await settle([await pay({ amount: 5000, currency: 'gbp' })], world);
    const failed = await payOut('gbp', { destination: 'ba_sandbox_closed' });
    await eventually(
      () => shares(failed),
      ([share]) => share?.status === 'paid',
    );
    expect(await platform('bank', 'gbp')).toBe(before - 4825);
    await clock.advance(world.sandbox.url, 6);
    await eventually(
      () => shares(failed),
      ([share]) => share?.status === 'failed',
    );
    expect([await platform('bank', 'gbp'), await platform('stripe_clearing', 'gbp')]).toEqual([before, -4825]);
    const next = await payOut('gbp');
    expect(
      await eventually(
        () => shares(next),
        ({ length }) => length > 0,
      ),
    ).toEqual([{ name: 'Demo', amount: '4825', status: 'paid' }]);
    expect([await platform('bank', 'gbp'), await platform('stripe_clearing', 'gbp')]).toEqual([before - 4825, 0]);
  });

  it('in which refunds took more than came in is taken from the bank of whose they are', async () => {
    const other = as(await world.createKey('Refunds Only', 'secret'));
    const theirs = await pay({ amount: 2000, currency: 'gbp' }, other);
    await settle([theirs], other);
    await payOut('gbp');
    await eventually(
      () => platform('bank', 'gbp', other),
      (bank) => bank === -1912,
    );
    await other.post('/v1/refunds', { payment: theirs });
    await settle([await pay({ amount: 5000, currency: 'gbp' })], world);
    const next = await payOut('gbp');
    expect(
      await eventually(
        () => shares(next),
        ({ length }) => length === 2,
      ),
    ).toEqual([
      { name: 'Demo', amount: '4825', status: 'paid' },
      { name: 'Refunds Only', amount: '-2000', status: 'paid' },
    ]);
    expect([await platform('bank', 'gbp', other), await platform('stripe_clearing', 'gbp', other)]).toEqual([88, 0]);
  });

  it('that was made by hand is the only merchant’s, or whose its metadata say, and until then a person is told', async () => {
    const before = [await platform('bank', 'eur'), await platform('bank', 'gbp')];
    await settle([await pay({ amount: 5000, currency: 'eur' }), await pay({ amount: 5000, currency: 'gbp' })], world);
    await clock.advance(world.sandbox.url, TWO_DAYS_S);
    const byHand = (currency: string): Promise<{ id: string }> =>
      stripe.post('/v1/payouts', { currency, amount: '1500' });
    const [eur, gbp] = [await byHand('eur'), await byHand('gbp')];
    await clock.advance(world.sandbox.url, 2);
    await eventually(
      () => platform('bank', 'eur'),
      (bank) => bank === before[0]! - 1500,
    );
    // In pounds several merchants have money.
    const told = 'select amount, resolution from contradictions where kind = $1 and subject = $2';
    const open = await eventually(
      () => query<{ amount: string; resolution: string | null }>(told, ['payout_differs', gbp.id]),
      ({ length }) => length > 0,
    );
    expect(open).toEqual([{ amount: '1500', resolution: null }]);
    expect(await platform('bank', 'gbp')).toBe(before[1]);
    const [demo] = await query<{ id: string }>(
      `select 'mer_' || replace(id::text, '-', '') as id from merchants where name = 'Demo'`,
    );
    await stripe.post(`/v1/payouts/${gbp.id}`, { 'metadata[quittance_merchant]': demo!.id });
    await eventually(
      () => platform('bank', 'gbp'),
      (bank) => bank === before[1]! - 1500,
    );
    expect(await query(told, ['payout_differs', gbp.id])).toEqual([
      { amount: '1500', resolution: 'It is known whose it was.' },
    ]);
    expect((await shares(eur.id)).map(({ amount, status }) => [amount, status])).toEqual([['1500', 'paid']]);
  });

  it('keeps what is of no payment here out of every share', async () => {
    const dollars = await payOut('usd');
    await eventually(
      () => shares(dollars),
      ({ length }) => length > 0,
    );
    const [unknown] = await query<{ payout: string }>('select payout from unknown_balance_transactions');
    expect(unknown?.payout).toBe(dollars);
    const [sum] = await query<{ sum: string }>(
      `select sum(gross - fee) as sum from balance_transactions where payout = $1`,
      [dollars],
    );
    const [share] = await shares(dollars);
    expect(share?.amount).toBe(sum?.sum);
    expect((await stripe.get(`/v1/payouts/${dollars}`)).amount).toBe(Number(share?.amount) + 650);
    // That it is another sum than its known transactions is told.
    const told = 'select amount, currency, resolution from contradictions where kind = $1 and subject = $2';
    expect(await query(told, ['payout_differs', dollars])).toEqual([
      { amount: '650', currency: 'usd', resolution: null },
    ]);
    const headers = { Authorization: `Bearer ${await world.createKey('Demo', 'oncall')}` };
    await eventually(
      async () => (await fetch(`${world.opsUrl}/metrics`, { headers })).text(),
      (text) => /^quittance_contradictions\{kind="payout_differs"\} [1-9]/m.test(text),
    );
  });
});

it('leaves the sum over all accounts at zero, after all that was done here', async () => {
  for (const sum of await sums()) expect(sum).toBe('0');
});
