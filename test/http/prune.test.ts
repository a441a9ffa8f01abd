/** What is forgotten in time, what is not, and that nobody loses money by it. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { eventually, stripeAt } from '../support/stripe.ts';
import { plusMs, systemClock, type Clock } from '../../src/domain/time.ts';
import { startReceiver } from '../support/receiver.ts';
import type { Payment, Transfer } from '../../src/client/api.ts';
import { payFor, send, startWorld, type Answer } from '../support/service.ts';

const DAY_MS = 24 * 3600 * 1000;
let offsetMs = 0;
const machine = systemClock();
/** The service's; Stripe's stays. */
const clock: Clock = { now: () => plusMs(machine.now(), offsetMs), movedMs: () => offsetMs };
const wait = (days: number): void => void (offsetMs += days * DAY_MS);
const world = await startWorld({ IDEMPOTENCY_KEY_DAYS: '30', EVENT_DAYS: '31', LOG_LEVEL: 'warn' }, clock);
const { post, get, createCustomer, query, as } = world;
const onCall = await world.createKey('Operations', 'oncall');

const spend = (customer: string, key: string): Promise<Answer<Transfer>> =>
  post('/v1/debits', { customer, amount: 1, currency: 'usd' }, key);
/** Whoever prunes has walked past all that there was once the row of a far older key has gone. */
const walkPast = async (): Promise<void> => {
  await query(
    "insert into claims select merchant_id, $1, '', '', $1, 201, '', created_at - interval '99 days' from claims limit 1",
    [randomUUID()],
  );
  await eventually(
    () => query("select from claims where key = ''"),
    (rows) => rows.length === 0,
  );
};
const isReplay = ({ headers }: Answer): boolean => headers.get('idempotent-replayed') === 'true';

describe('an idempotency key', () => {
  // The first of all, while the service's clock is still Stripe's, whose records are looked through by time.
  it('stays while its outcome is unknown, however long that is, and is then replayed for its days', async () => {
    const [payer, other] = [await createCustomer(), await createCustomer(1)];
    const mend = await stripeAt(world.sandbox.url).fault({ kind: 'reset_after' });
    const pay = (): Promise<Answer<Payment>> => post('/v1/payments', payFor(payer, 700), 'unsettled');
    expect((await pay()).body.error.outcome).toBe('unknown');
    await spend(other, 'settled');
    wait(31);
    await eventually(
      () => query("select from claims where key = 'settled'"),
      (rows) => rows.length === 0,
    );
    expect((await pay()).status).toBe(409);
    await mend();
    const paid = await eventually(pay, ({ status }) => status === 201);
    expect(paid.body.status).toBe('succeeded');
    await walkPast();
    expect((await pay()).text).toBe(paid.text);
    expect(await world.balanceOf(payer)).toBe(700);
  });

  it('is replayed for its days, and counts as new after them', async () => {
    const customer = await createCustomer(100);
    const key = randomUUID();
    const first = await spend(customer, key);
    wait(29);
    await spend(customer, 'young');
    await walkPast();
    const replayed = await spend(customer, key);
    expect([replayed.text, isReplay(replayed)]).toEqual([first.text, true]);

    wait(2);
    const fresh = await eventually(
      () => spend(customer, key),
      (answer) => !isReplay(answer),
    );
    expect(fresh.status).toBe(201);
    expect(fresh.body.id).not.toBe(first.body.id);
    expect(isReplay(await spend(customer, 'young'))).toBe(true);
  });
});

describe('an event', () => {
  it('goes with its deliveries when it is old, and stays while an endpoint is still to be told', async () => {
    const client = as(await world.createKey('Shop', 'secret'));
    const customer = await createCustomer(0, client);
    const [well, ill] = [await startReceiver(), await startReceiver((response) => response.writeHead(500).end())];
    const endpointOf = async (url: string, event: string): Promise<string> =>
      (await client.post('/v1/webhook_endpoints', { url, enabled_events: [event] }, null)).body.id;
    await endpointOf(well.url, 'payment.succeeded');
    const broken = await endpointOf(ill.url, 'payment.failed');
    await client.post('/v1/payments', payFor(customer, 300));
    await client.post('/v1/payments', payFor(customer, 300, { payment_method: 'pm_card_chargeDeclined' }));
    const [[told], [untold]] = [await well.hears(1), await ill.hears(1)];
    const triesOf = (event: string): Promise<{ n: string }[]> =>
      query('select count(*) as n from delivery_tries where event_id = $1', [event.slice(4)]);
    for (const { event } of [told!, untold!])
      await eventually(
        () => triesOf(event.id),
        ([row]) => row?.n !== '0',
      );
    await client.post(`/v1/webhook_endpoints/${broken}`, { disabled: true }, null);

    wait(32);
    const event = (id: string): Promise<Answer> => client.get(`/v1/events/${id}`);
    await eventually(
      () => event(told!.event.id),
      ({ status }) => status === 404,
    );
    expect(await triesOf(told!.event.id)).toEqual([{ n: '0' }]);
    expect((await event(untold!.event.id)).status).toBe(200);
    expect(Number((await triesOf(untold!.event.id))[0]?.n)).toBeGreaterThan(0);
  });

  it('that goes while an endpoint is being told of it keeps nobody else from being told', async () => {
    const secret = await world.createKey('Closing', 'secret');
    const client = as(secret);
    const customer = await createCustomer(0, client);
    const answers: (() => unknown)[] = [];
    const slow = await startReceiver((response) => void answers.push(() => response.end()));
    const other = await startReceiver();
    const endpoint = { enabled_events: ['payment.succeeded'] };
    const { id } = (await client.post('/v1/webhook_endpoints', { url: slow.url, ...endpoint }, null)).body;
    await client.post('/v1/payments', payFor(customer, 300));
    const [told] = await slow.hears(1);
    const headers = { Authorization: `Bearer ${secret}` };
    await send(world.url, { method: 'DELETE', path: `/v1/webhook_endpoints/${id}`, headers });

    wait(32);
    await eventually(
      () => client.get(`/v1/events/${told!.event.id}`),
      ({ status }) => status === 404,
    );
    for (const answer of answers) answer();
    await client.post('/v1/webhook_endpoints', { url: other.url, ...endpoint }, null);
    const paid = await client.post('/v1/payments', payFor(customer, 300));
    expect((await other.hears(1))[0]?.event.data.object.id).toBe(paid.body.id);
  });

  it('that goes just as it is to be told again is not found', async () => {
    const client = as(await world.createKey('Again', 'secret'));
    const customer = await createCustomer(0, client);
    const receiver = await startReceiver();
    const { id } = (
      await client.post('/v1/webhook_endpoints', { url: receiver.url, enabled_events: ['payment.succeeded'] }, null)
    ).body;
    await client.post('/v1/payments', payFor(customer, 300));
    const [told] = await receiver.hears(1);
    const event = told!.event.id;
    const row = `event_id = '${event.slice(4)}'`;
    await eventually(
      () => query(`select from delivery_tries where ${row}`),
      (rows) => rows.length === 1,
    );
    // Slowly, so that the request comes in between.
    const going = query(`do $$ begin
      delete from delivery_tries where ${row}; delete from deliveries where ${row};
      delete from events where id = '${event.slice(4)}'; perform pg_sleep(0.7); end $$`);
    await eventually(
      () => query("select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"),
      (rows) => rows.length > 0,
    );
    const again = await client.post(`/v1/events/${event}/redeliver`, { webhook_endpoint: id }, null);
    await going;
    expect([again.status, again.body.error.code]).toEqual([404, 'event_not_found']);
  });
});

describe('a table of which nothing can be deleted', () => {
  it('does not keep the others from being walked', async () => {
    await spend(await createCustomer(1), randomUUID());
    await query("insert into batches values ($1, now() - interval '61 minutes')", [randomUUID()]);
    await query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$`);
    await query('create trigger refuse before delete on batches for each row execute function refuse()');
    await eventually(
      () => Promise.resolve(world.logged()),
      (text) => text.includes('not this one'),
    );
    await walkPast();
    await query('drop function refuse cascade');
  });
});

describe('when all else is forgotten', () => {
  it('the money is there, a payment tells its life, and the books balance', async () => {
    const customer = await createCustomer(500);
    await spend(customer, randomUUID());
    const { id } = (await get(`/v1/payments?customer=${customer}`)).body.data[0]!;
    await query("insert into batches values ($1, now() - interval '61 minutes')", [randomUUID()]);
    const young = "select id from batches where created_at > now() - interval '30 minutes' order by id";
    const kept = await query(young);
    wait(32);
    const left = (table: string, past: string): Promise<unknown[]> => query(`select from ${table} where ${past}`);
    await eventually(
      () => left('batches', "created_at < now() - interval '1 hour'"),
      (rows) => rows.length === 0,
    );
    await eventually(
      () => left('claims', `key = 'young'`),
      (rows) => rows.length === 0,
    );
    await eventually(
      () => left('events', `subject = '${id}'`),
      (rows) => rows.length === 0,
    );
    await eventually(
      () => left('stripe_events', `payment_id = '${id.slice(4)}' and applied_at is not null`),
      (rows) => rows.length === 0,
    );

    expect((await query(young)).slice(0, kept.length)).toEqual(kept);
    expect((await get(`/v1/payments/${id}`)).body).toMatchObject({ status: 'succeeded', amount: 500 });
    expect(await world.balanceOf(customer)).toBe(499);
    const timeline = (await get(`/v1/payments/${id}/timeline`)).body.data;
    expect(JSON.stringify(timeline)).toContain('Charge succeeded');
    expect((await get('/v1/trial_balance')).body.balanced).toBe(true);
    expect(new Set(await world.sums())).toEqual(new Set(['0']));
    const scrape = async (): Promise<string> =>
      (await fetch(`${world.opsUrl}/metrics`, { headers: { Authorization: `Bearer ${onCall}` } })).text();
    await eventually(scrape, (text) => /^quittance_pruned_rows_total\{table="claims"\} [1-9]/m.test(text));
  });
});
