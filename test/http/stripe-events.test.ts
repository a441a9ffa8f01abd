import { describe, expect, it } from '@jest/globals';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';
import { bankPageOf, payFor, startService, startWorld, type TestService } from '../support/service.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, query } = world;
const stripe = stripeAt(world.sandbox.url);

const start = (): Promise<TestService> =>
  startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url, clock });
/** A payment that its customer fails to pass the bank's page of: no money moves, so that an event alone tells of it. */
const failed = async (client: Pick<TestService, 'post'> = { post }): Promise<string> => {
  const card = { payment_method: 'pm_card_threeDSecure2Required', return_url: 'https://shop.example/back' };
  const { body } = await client.post('/v1/payments', payFor(await createCustomer(), 700, card));
  await stripe.answer(bankPageOf(body), 'fail');
  return body.id;
};
/** Paid at Stripe, and none of ours. */
const paidElsewhere = (count: number): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, () =>
      stripe.post('/v1/payment_intents', {
        ...{ amount: '500', currency: 'usd', confirm: 'true', payment_method: 'pm_card_visa' },
        'allowed_payment_method_types[]': 'card',
      }),
    ),
  );
const statusesOf = async (payments: readonly string[], client: Pick<TestService, 'get'> = { get }): Promise<string[]> =>
  Promise.all(payments.map(async (id) => (await client.get(`/v1/payments/${id}`)).body.status));
/** As those have it whose end is known. */
const isTold = (statuses: readonly string[]): boolean =>
  statuses.every((status) => status === 'requires_payment_method');

describe('events that no webhook brought', () => {
  it('are found, though more than a page of later ones came', async () => {
    const heal = await stripe.fault({ kind: 'webhook_drop' });
    const lost = await failed();
    await heal();
    for (let n = 0; n < 110; n += 10) await paidElsewhere(10);
    await eventually(
      () =>
        query<{ n: number }>(`select count(*)::int as n from stripe_events where type = 'payment_intent.succeeded'`),
      ([row]) => row!.n >= 110,
    );
    expect(await statusesOf([lost])).toEqual(['requires_action']);
    await clock.advance(world.sandbox.url, 60);
    await start();
    await eventually(() => statusesOf([lost]), isTold);
  });

  it('are found, though they are twenty a second, and who looked for them was stopped in the midst of it', async () => {
    await stripe.fault({ kind: 'webhook_drop' });
    const lost: string[] = [];
    for (let n = 0; n < 12; n++) lost.push(...(await Promise.all([failed(), paidElsewhere(20)]).then(([id]) => [id])));
    (await world.service.close(5_000))._unsafeUnwrap();
    await clock.advance(world.sandbox.url, 60);
    // It reads one page, and no more.
    await stripe.fault({ kind: 'error_before', method: 'GET', path: '/v1/events', skip: 1 });
    const stopped = await start();
    await eventually(
      async () =>
        (await (await fetch(`${world.sandbox.url}/_sandbox/faults`)).json()) as { data: { struck: number }[] },
      ({ data }) => data.at(-1)!.struck > 0,
    );
    (await stopped.service.close(5_000))._unsafeUnwrap();
    await stripe.heal();
    await stripe.fault({ kind: 'webhook_drop' });
    const next = await start();
    // What the other had begun to read is read once its lease has run out.
    await clock.advance(world.sandbox.url, 60);
    await eventually(() => statusesOf(lost, next), isTold);
  });
});
