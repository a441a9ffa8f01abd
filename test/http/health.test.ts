import { afterAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually, stripeAt } from '../support/stripe.ts';
import { startProxy } from '../support/proxy.ts';
import { payFor, startService, startWorld } from '../support/service.ts';

const world = await startWorld();
const stripe = stripeAt(world.sandbox.url);
const onCall = { headers: { Authorization: `Bearer ${await world.createKey('Operations', 'oncall')}` } };

interface Check {
  readonly ok: boolean;
  readonly state: string;
  readonly detail: string;
}
interface Ready {
  readonly status: string;
  readonly age_ms: number;
  readonly checks: Record<string, Check>;
}
const ask = async (opsUrl = world.opsUrl): Promise<Ready & { readonly http: number }> => {
  const reply = await fetch(`${opsUrl}/readyz`);
  return { http: reply.status, ...((await reply.json()) as Ready) };
};
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('while Stripe is down', () => {
  let mend = (): Promise<void> => Promise.resolve();
  afterAll(() => mend());

  it('/readyz ticks neither its circuit nor the outcomes that nobody knows, and is told at once', async () => {
    await mend();
    await eventually(ask, ({ status }) => status === 'ready');
    const customer = await world.createCustomer();
    mend = await stripe.fault({ kind: 'reset_before' });
    const answers = await eventually(
      () => world.post('/v1/payments', payFor(customer, 100)),
      ({ body }) => body.error.outcome === 'none',
    );
    expect(answers.status).toBe(503);
    // The very next look: no two seconds of a picture that is not true any more.
    const ready = await ask();
    expect(ready).toMatchObject({
      http: 200,
      status: 'degraded',
      checks: { stripe: { ok: false, state: 'degraded' } },
    });
    expect(ready.checks['stripe']?.detail).toContain('charges are refused');

    await world.query("update attempts set leased_until = now() - interval '1 ms' where outcome is null");
    const known = await eventually(ask, ({ checks }) => checks['unknown_outcomes']?.ok === false);
    expect(known.checks['unknown_outcomes']?.detail).toMatch(/^[1-5], the oldest for \d+ s$/);
    expect(known.checks['database']).toMatchObject({ ok: true });

    interface Live {
      readonly unknown: { readonly count: number; readonly oldest: readonly { payment: string; kind: string }[] };
    }
    const live = (await (await fetch(`${world.opsUrl}/live`, onCall)).json()) as Live;
    expect(live.unknown.oldest).toHaveLength(live.unknown.count);
    expect(live.unknown.oldest[0]).toMatchObject({ payment: expect.stringMatching(/^pay_/), kind: 'confirm' });
  });

  it('what was answered with 503 stands out in the log', () => {
    const failed = linesOf(world.logged()).filter((line) => line['http.response.status_code'] === 503);
    expect(failed.length).toBeGreaterThan(0);
    expect(new Set(failed.map(({ level }) => level))).toEqual(new Set(['warn']));
  });
});

describe('whether a write works', () => {
  const batches = async (): Promise<number> =>
    Number((await world.query<{ n: string }>('select count(*) as n from batches where is_fence'))[0]!.n);

  it('is asked without adding a row', async () => {
    await eventually(ask, ({ status }) => status !== 'not ready');
    // What was committed just now says it too.
    await new Promise((go) => setTimeout(go, 1_500));
    await ask();
    const before = await batches();
    for (let n = 0; n < 5; n++) expect((await ask()).checks['writes']).toMatchObject({ ok: true });
    expect(await batches()).toBe(before);
  });

  it('is known of a table that somebody holds: what was sent to it has been tried for seconds', async () => {
    const customer = await world.createCustomer();
    const holder = new pg.Client(world.databaseUrl);
    await holder.connect();
    await holder.query('begin');
    await holder.query('lock table accounts in access exclusive mode');
    const asked = world.post('/v1/debits', { customer, amount: 1, currency: 'usd' });
    const late = await eventually(ask, ({ checks }) => checks['writes']?.ok === false);
    expect(late).toMatchObject({
      http: 503,
      checks: { writes: { detail: expect.stringMatching(/tried for \d+ ms/) } },
    });
    await holder.query('rollback');
    await holder.end();
    await asked;
    await eventually(ask, ({ checks }) => checks['writes']?.ok === true);
  }, 30_000);
});

describe('a database that does not answer', () => {
  it('is told by /readyz within a second, with how long that has been', async () => {
    const proxy = await startProxy(world.databaseUrl);
    const service = await startService({ databaseUrl: proxy.url, sandboxUrl: world.sandbox.url });
    await eventually(
      () => ask(service.opsUrl),
      ({ status }) => status !== 'not ready',
    );
    proxy.judge(() => 'hold');
    const asked = performance.now();
    // On a busy machine it may have answered late before that.
    await eventually(
      () => ask(service.opsUrl),
      ({ checks: { database } }) => database?.ok === false && /^has not answered for \d+ ms$/.test(database.detail),
    );
    expect(performance.now() - asked).toBeLessThan(2_500);
    await eventually(
      () => ask(service.opsUrl),
      ({ http, checks }) => http === 503 && checks['database']?.state === 'bad',
    );
    proxy.judge(() => 'forward');
    proxy.release();
  });
});

describe('a loop that is held', () => {
  it('hears no answer meanwhile, and makes no database look late', async () => {
    await eventually(ask, ({ checks }) => checks['database']?.ok === true && checks['writes']?.ok === true);
    for (let waitMs = 0; waitMs < 12; waitMs += 2) {
      const asked = ask();
      await new Promise((go) => setTimeout(go, waitMs));
      // As long as a database that is told to be down: this process is the service's as well.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_200);
      const { checks } = await asked;
      for (const name of ['database', 'writes']) {
        const [, tookMs = 'none'] = /^answered in (\d+) ms$/.exec(checks[name]?.detail ?? '') ?? [];
        expect([name, checks[name]?.detail, Number(tookMs) < 2_000]).toEqual([name, checks[name]?.detail, true]);
      }
    }
  }, 60_000);
});

describe('a Stripe that is back while the database is down', () => {
  it('is found out all the same', async () => {
    const proxy = await startProxy(world.databaseUrl);
    const service = await startService({ databaseUrl: proxy.url, sandboxUrl: world.sandbox.url });
    const customer = await world.createCustomer();
    const heal = await stripe.fault({ kind: 'reset_before' });
    await eventually(
      () => service.post('/v1/payments', payFor(customer, 100)),
      ({ body }) => body.error.outcome === 'none',
    );
    proxy.cut(true);
    await eventually(
      () => ask(service.opsUrl),
      ({ checks }) => checks['database']?.ok === false && checks['stripe']?.ok === false,
    );
    await heal();
    await eventually(
      () => ask(service.opsUrl),
      ({ checks }) => checks['stripe']?.ok === true,
    );
    expect((await ask(service.opsUrl)).checks['database']?.ok).toBe(false);
    proxy.cut(false);
  }, 60_000);
});

describe('a database that takes no writes', () => {
  it('is told by /readyz though it reads as well as ever, and no more once it takes them', async () => {
    await eventually(ask, ({ checks }) => checks['writes']?.ok === true);
    await world.query(`create or replace function full_disk() returns trigger language plpgsql as $$
      begin raise exception using errcode = '53100', message = 'no space left on device'; end $$`);
    await world.query(
      'create or replace trigger full_disk before insert on batches for each row execute function full_disk()',
    );
    const ready = await eventually(ask, ({ checks }) => checks['writes']?.state === 'bad');
    expect([ready.http, ready.checks['database']?.ok]).toEqual([503, true]);
    await world.query('drop trigger full_disk on batches');
    expect((await eventually(ask, ({ http }) => http === 200)).checks['writes']?.ok).toBe(true);
  });
});

describe('a real key of Stripe without the secret of its webhooks', () => {
  it('is told by /readyz: no webhook will be believed', async () => {
    const env = { STRIPE_SECRET_KEY: 'sk_test_real', STRIPE_API_BASE: world.sandbox.url };
    const service = await startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url, env });
    const ready = await eventually(
      () => ask(service.opsUrl),
      ({ http }) => http === 200,
    );
    expect(ready).toMatchObject({ status: 'degraded', checks: { stripe_webhooks: { ok: false } } });
    expect(ready.checks['stripe_webhooks']?.detail).toContain('STRIPE_WEBHOOK_SECRET');
  });
});
