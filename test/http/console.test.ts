import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { faultsOf, type PeriodFile } from '../../src/domain/period.ts';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { until } from '../../src/platform/process.ts';
import { consoleAt } from '../support/console.ts';
import { payFor, startWorld } from '../support/service.ts';

const world = await startWorld();
const { ask, sendForm, signIn, read } = consoleAt(world.url);

const cookie = await signIn(DEMO_KEYS.finance);
const customer = (await world.post('/v1/customers', { name: 'Ada' })).body.id;
const payment = (await world.post('/v1/payments', payFor(customer, 123_456))).body.id;

describe('each page', () => {
  const paths = [
    ...['/console', '/console/payments', `/console/payments/${payment}`, '/console/unknown', '/console/refunds'],
    ...[
      '/console/accounts',
      '/console/customers',
      `/console/customers/${customer}`,
      '/console/trial-balance',
      '/console/contradictions',
    ],
    ...['/console/disputes', '/console/payouts', '/console/activity', '/console/trial-balance?tz=Europe/Berlin'],
    ...['/console/events', '/console/periods', '/console/proof', '/console/sign-in'],
  ];
  it.each(paths)('%s runs nothing but what is ours, is kept by nobody, and shown in no frame', async (path) => {
    const { status, headers, text } = await read(path, cookie);
    expect(status).toBe(200);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).not.toMatch(/ style="| on\w+="|<script>/);
    for (const [, own = ''] of text.matchAll(/(?:src|stylesheet" href)="([^"]+)"/g))
      expect([own, (await ask(own)).status]).toEqual([own, 200]);
  });

  it('says 404 for what is not there, and 400 for what is no id', async () => {
    expect((await read(`/console/payments/pay_${'0'.repeat(32)}`, cookie)).status).toBe(404);
    expect((await read('/console/payments/x', cookie)).status).toBe(400);
    expect((await read('/console/nowhere', cookie)).status).toBe(404);
    expect((await ask('/console/payments', { method: 'DELETE' })).status).toBe(405);
  });

  it('finds what an id names', async () => {
    for (const id of [payment, customer])
      expect((await read(`/console/find?q=+${id}`, cookie)).headers.get('location')).toContain(id);
    expect((await read('/console/find?q=%3Cb%3E', cookie)).status).toBe(404);
  });

  it('finds a refund and a dispute by their ids, a payment by its reference, and a customer by his address', async () => {
    const email = `${randomUUID()}@example.org`;
    const own = (await world.post('/v1/customers', { email })).body.id;
    const reference = `INV ${randomUUID()}`;
    const paid = (await world.post('/v1/payments', payFor(own, 900, { reference }))).body.id;
    const refund = (await world.post('/v1/refunds', { payment: paid, amount: 100 })).body.id;
    const disputed = (await world.post('/v1/payments', payFor(own, 700, { payment_method: 'pm_card_createDispute' })))
      .body.id;
    const disputes = async () => (await world.get(`/v1/disputes?payment=${disputed}`)).body.data;
    await until(async () => (await disputes()).length === 1, 20_000);
    const found = async (q: string) => {
      const { status, headers } = await read(`/console/find?q=${encodeURIComponent(q)}`, cookie);
      return [status, headers.get('location')] as const;
    };
    expect(await found(refund)).toEqual([303, `/console/payments/${paid}`]);
    expect(await found((await disputes())[0]!.id)).toEqual([303, `/console/payments/${disputed}`]);
    const [, list] = await found(reference);
    expect((await read(list ?? '', cookie)).text).toContain(paid);
    const [, people] = await found(email);
    expect((await read(people ?? '', cookie)).text).toContain(own);
    for (const nothing of [
      `re_${'0'.repeat(32)}`,
      're_1',
      `dp_${'0'.repeat(32)}`,
      'INV 0',
      'x'.repeat(300),
      '',
      '4242 4242',
    ])
      expect([nothing, ...(await found(nothing))]).toEqual([nothing, 404, null]);
    expect((await read(`/console/payments/${paid}`, cookie)).text).toContain(reference);
  });

  it('shows a transfer that takes another back with its reason, and the account that it is with by name', async () => {
    const own = await world.createCustomer(5000);
    const order = { customer: own, amount: 1000, currency: 'usd', description: 'Order 77' };
    const debit = (await world.post('/v1/debits', order)).body.id;
    const reason = 'Booked <twice>';
    const back = (await world.post(`/v1/transfers/${debit}/reverse`, { reason, effective_date: '2026-01-31' })).body.id;
    const to = (await read(`/console/find?q=${back}`, cookie)).headers.get('location') ?? '';
    const { status, text } = await read(to, cookie);
    expect(status).toBe(200);
    for (const words of [
      'Booked &#60;twice&#62;',
      'Order 77',
      '2026-01-31',
      `/console/transfers/${debit}`,
      '>Revenue</a>',
    ])
      expect(text).toContain(words);
    const statement = await read(`/console/accounts/${await world.walletOf(own)}`, cookie);
    for (const words of [`/console/transfers/${back}`, '>Revenue</a>', '>Stripe clearing</a>'])
      expect(statement.text).toContain(words);
    expect((await read(`/console/transfers/tr_${'0'.repeat(32)}`, cookie)).status).toBe(404);
  });

  it('tells money in what happened to a payment as it does everywhere', async () => {
    const { text } = await read(`/console/payments/${payment}`, cookie);
    const plain = text.replaceAll(/<[^>]+>/g, '');
    expect(plain).toContain('Payment of 1234.56 USD created');
    expect(plain).not.toContain('usd created');
    expect(text).toContain('Payment of <span class="money">');
  });
});

describe('a filter', () => {
  it.each([
    ['payments?status=sold', 'status: It may be some of'],
    ['payments?customer=cus_1', 'It is not an id of the form cus_'],
    ['payments?limit=1000', 'limit: It must be from 1 to 100'],
    ['payments?unknown=1', 'There is no such field'],
    [`payments?starting_after=${payment}&ending_before=${payment}`, 'It cannot stand beside starting_after'],
    ['accounts?currency=xxx', 'It must be a lower-case ISO 4217 code'],
    ['accounts?kind=%3Cscript%3Ealert(1)%3C%2Fscript%3E', 'kind: It must be'],
    ['refunds?payment=%00', 'It is not an id of the form pay_'],
    ['payments?amount%5Bgte%5D=12.50', 'It must be'],
    ['payments?created%5Bgte%5D=yesterday', 'It must be seconds since 1970'],
    ['trial-balance?as_of=2999-01-01', 'as_of: It lies in the future'],
    ['trial-balance?as_of=31.3.2026', 'as_of: It is neither an RFC 3339 instant'],
    ['activity?tz=Mars/Olympus', 'tz: It is no IANA name'],
    ['activity?from=2026-03-02&to=2026-03-01', 'from: It is after'],
    ['payouts?currency=xxx', 'It must be a lower-case ISO 4217 code'],
    ['disputes?status=maybe', 'status: It must be'],
    [`events?subject=${'x'.repeat(10_000)}`, 'It is larger or longer than 100'],
  ])('%s is told beside its field what is wrong', async (query, words) => {
    const { status, text } = await read(`/console/${query}`, cookie);
    expect(status).toBe(400);
    expect(text.replaceAll('&#39;', "'")).toContain(words);
    expect(text).toContain('role="alert"');
    expect(text).not.toContain('<script>');
  });

  it('that leaves nothing says that it is the one, and how to go on without it', async () => {
    const { text } = await read(`/console/payments?status=canceled&customer=${customer}`, cookie);
    expect(text).toContain('“Status: <bdi>canceled</bdi>” that hides them');
    expect(text).toContain(`href="/console/payments?customer=${customer}"`);
    expect(text).not.toContain('“Customer:');
  });

  it('by day takes the days of the zone in which its page is told', async () => {
    const paid = (await world.post('/v1/payments', payFor(customer, 1))).body.id;
    // In Kiritimati it is a day later than in Pago Pago, at any hour.
    for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      const today = Temporal.Now.plainDateISO(zone);
      const between = (from: Temporal.PlainDate, before: Temporal.PlainDate): string =>
        `/console/payments?tz=${zone}&created%5Bgte%5D=${from.toString()}&created%5Blt%5D=${before.toString()}`;
      const of = async (path: string) => (await read(path, cookie)).text.includes(paid);
      expect(await of(between(today, today.add({ days: 1 })))).toBe(true);
      expect(await of(between(today.subtract({ days: 1 }), today))).toBe(false);
      const { text } = await read(between(today.subtract({ days: 1 }), today) + `&customer=${customer}`, cookie);
      expect(text).toContain('“Created: ');
    }
    expect((await read('/console/payments?created%5Bgte%5D=2026-02-30', cookie)).status).toBe(400);
  });

  it('that is left empty asks for nothing', async () => {
    const { status, text } = await read('/console/payments?status=&customer=', cookie);
    expect(status).toBe(200);
    expect(text).toContain(payment);
  });
});

it('a contradiction is resolved with a reason, which stays with it', async () => {
  await world.query(
    `insert into contradictions (id, merchant_id, kind, payment_id, subject, amount, currency, detail, seen_at)
     select gen_random_uuid(), merchant_id, 'second_charge', id, 'pi_x', 700, 'usd', '<b>twice</b>', now() from payments where id = $1`,
    [payment.slice(4)],
  );
  const before = await read('/console/contradictions', cookie);
  expect(before.text).toContain('&#60;b&#62;twice');
  const [, action = ''] = /action="(\/console\/contradictions\/ctr_\w+\/resolve)"/.exec(before.text) ?? [];
  expect((await read('/console', cookie)).text).toContain('1 contradiction between Stripe and the books');
  const empty = await sendForm(action, { reason: '' }, { Cookie: cookie });
  expect([empty.status, empty.text.includes('reason')]).toEqual([400, true]);
  const done = await sendForm(action, { reason: 'Sent back by hand' }, { Cookie: cookie });
  expect([done.status, done.headers.get('location')]).toEqual([303, '/console/contradictions?status=open']);
  expect((await read('/console/contradictions', cookie)).text).toContain('Sent back by hand');
  expect((await sendForm(action, { reason: 'Again' }, { Cookie: cookie })).status).toBe(404);
});

describe('the zone', () => {
  const choose = (path: string, headers: Record<string, string> = {}) =>
    ask(path, { headers: { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin', ...headers } });

  it('that is chosen on one page holds for all, until another is', async () => {
    const { headers, text } = await choose('/console/payments?tz=Asia/Tokyo');
    const kept = headers.get('set-cookie') ?? '';
    expect(kept).toMatch(/^quittance-zone=Asia\/Tokyo; Path=\/console; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    expect(text).toContain('all times in Asia/Tokyo');
    const own = `${cookie}; ${kept.split(';')[0] ?? ''}`;
    for (const path of ['', '/refunds', '/trial-balance', '/activity', `/payments/${payment}`, '/proof', '/periods'])
      expect([path, (await read(`/console${path}`, own)).text.includes('Asia/Tokyo')]).toEqual([path, true]);
    // What is read from a page as a file tells the same hours.
    expect((await read('/console/trial-balance', own)).text).toContain('tz=Asia%2FTokyo');
    const back = await choose('/console/payments?tz=UTC', { Cookie: own });
    expect(back.headers.get('set-cookie')).toMatch(/^quittance-zone=UTC; Path=\/console; Max-Age=0/);
    expect(back.text).toContain('all times in UTC');
  });

  it('of somebody else’s link is that of its page alone, and one that is none is no other', async () => {
    const led = await choose('/console/payments?tz=Asia/Tokyo', { 'Sec-Fetch-Site': 'cross-site' });
    expect([led.status, led.headers.get('set-cookie')]).toEqual([200, null]);
    for (const path of ['payments', `payments/${payment}`, 'trial-balance', 'proof']) {
      const { status, headers } = await choose(`/console/${path}?tz=Mars/Olympus`);
      expect([path, status, headers.get('set-cookie')]).toEqual([path, 400, null]);
      const kept = await read(`/console/${path}`, `${cookie}; quittance-zone=Mars/Olympus`);
      expect([path, kept.status, kept.text.includes('Mars')]).toEqual([path, 200, false]);
    }
  });
});

it('the overview tells what is not known from what Stripe is still at work on', async () => {
  const of = async () => (await world.post('/v1/payments', payFor(customer, 900))).body.id.slice(4);
  const [ours, theirs] = [await of(), await of()];
  const [{ attempt } = { attempt: '' }] = await world.query<{ attempt: string }>(
    `update payments set status = 'processing', ended_attempt = null where id = $1 returning attempt`,
    [ours],
  );
  await world.query(`update attempts set outcome = null where id = $1`, [attempt]);
  await world.query(`update payments set status = 'processing', ended_attempt = attempt where id = $1`, [theirs]);
  const { text } = await read('/console', cookie);
  const unknown = await read('/console/unknown', cookie);
  await world.query(`update attempts set outcome = 'succeeded' where id = $1`, [attempt]);
  await world.query(`update payments set status = 'succeeded', ended_attempt = $2 where id = $1`, [ours, attempt]);
  await world.query(`update payments set status = 'succeeded' where id = $1`, [theirs]);
  expect(text).toContain('1 payment whose outcome is not known yet');
  expect(text.replace(/\s+/g, ' ')).toContain(
    'Stripe is still at work on <a href="/console/payments?status=processing" >1 payment</a',
  );
  expect(unknown.text).toContain(ours);
  expect(unknown.text).not.toContain(theirs);
});

it('all of the books are proven when a person asks for it, and the page says so until it is done', async () => {
  const done = await sendForm('/console/proof', {}, { Cookie: cookie });
  expect([done.status, done.headers.get('location')]).toEqual([303, '/console/proof']);
  expect((await read('/console/proof', cookie)).text).toContain('Look again');
  const isDone = async () => !(await read('/console/proof', cookie)).text.includes('Look again');
  expect(await until(isDone, 20_000)).toBe(true);
  const { text } = await read('/console/proof', cookie);
  expect(text).toContain('In each currency, all debits equal all credits.');
  expect(text).toContain('Prove all of it now');
});

it('a period is closed on its page, once, and its file is right by itself', async () => {
  const own = await signIn(await world.createKey(`Closes ${randomUUID()}`, 'finance'));
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  const close = (fields: Record<string, string>) => sendForm('/console/periods', fields, { Cookie: own });
  for (const fields of [
    {},
    { ends: day, tz: '<b>' },
    { ends: '31.3.2026', tz: 'UTC' },
    { ends: '2999-01-01', tz: 'UTC' },
    // A year with a digit too few: what closes is not undone.
    ...['0202-10-31', '0001-01-01', '1969-12-31'].map((ends) => ({ ends, tz: 'UTC' })),
    { ends: day, tz: 'UTC', more: '1' },
  ])
    expect([fields, (await close(fields)).status]).toEqual([fields, 400]);
  expect((await read('/console/periods/1', own)).status).toBe(404);
  expect((await close({ ends: day, tz: 'Europe/Berlin' })).status).toBe(303);
  expect((await close({ ends: day, tz: 'Europe/Berlin' })).text).toContain('is there already');
  const saved = () => read('/console/periods/1/file', own);
  expect(await until(async () => (await saved()).status === 200, 20_000)).toBe(true);
  const { headers, text } = await saved();
  expect(headers.get('content-disposition')).toBe('attachment; filename="period-1.json"');
  expect(faultsOf(JSON.parse(text) as PeriodFile)).toEqual([]);
  expect((await read('/console/periods/1', own)).text).toContain((JSON.parse(text) as PeriodFile).hash);
  const other = await signIn(await world.createKey('Another', 'finance'));
  for (const path of ['periods/1', 'periods/1/file', 'periods/2', 'periods/0', 'periods/x'])
    expect([path, (await read(`/console/${path}`, other)).status >= 400]).toEqual([path, true]);
});

it('a report of the past is saved under its date and zone, and leads to no list of today as if it were of then', async () => {
  const past = (await read('/console/trial-balance?as_of=2026-03-31&tz=Europe/Berlin', cookie)).text;
  expect(past).toContain('download="trial-balance_2026-03-31_Europe-Berlin.csv"');
  expect(past).not.toContain('>Wallets</a>');
  expect(past).toMatch(/Wallets <small><a href="[^"]+">\d+ now<\/a>/);
  expect((await read('/console/trial-balance', cookie)).text).toContain('>Wallets</a>');
  const march = await read('/console/activity?from=2026-03-01&to=2026-04-01&tz=Europe/Berlin', cookie);
  expect(march.text).toContain('download="activity_2026-03-01_2026-04-01_Europe-Berlin.csv"');
});

it('what anyone has written is shown, and never run', async () => {
  const words = [
    '<script>alert(1)</script>',
    '=1+1',
    '\u202Eexe.gnp',
    '"><img src=x onerror=alert(1)>',
    'x'.repeat(900),
  ];
  for (const word of words) {
    const { body } = await world.post('/v1/customers', {
      name: word.slice(0, 200),
      metadata: { '<i>': word.slice(0, 500) },
    });
    const { body: paid } = await world.post('/v1/payments', payFor(body.id, 500, { description: word }));
    for (const path of [`/console/customers/${body.id}`, `/console/payments/${paid.id}`, '/console/payments']) {
      const { status, text } = await read(path, cookie);
      expect(status).toBe(200);
      expect(text).not.toMatch(/<script>|<img/);
    }
  }
});
