import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { faultsOf, type PeriodFile } from '../../src/domain/period.ts';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { until } from '../../src/platform/process.ts';
import { payFor, startService, startWorld } from '../support/service.ts';
import { sendRaw as raw } from '../support/raw.ts';

const world = await startWorld();
const { port } = new URL(world.url);

interface Seen {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}
const ask = async (path: string, init: RequestInit = {}, at = world.url): Promise<Seen> => {
  const response = await fetch(at + path, { redirect: 'manual', ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const sendForm = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}, at = world.url) =>
  ask(path, { method: 'POST', body: new URLSearchParams(fields), headers: { Origin: at, ...headers } }, at);
/** The cookie of whoever has that key. */
const signIn = async (key: string, at = world.url): Promise<string> => {
  const { status, headers } = await sendForm('/console/sign-in', { key }, {}, at);
  expect(status).toBe(303);
  return (headers.get('set-cookie') ?? '').split(';')[0] ?? '';
};
const read = (path: string, Cookie: string, at = world.url) => ask(path, { headers: { Cookie } }, at);

const cookie = await signIn(DEMO_KEYS.finance);
const customer = (await world.post('/v1/customers', { name: 'Ada' })).body.id;
const payment = (await world.post('/v1/payments', payFor(customer, 123_456))).body.id;

describe('whoever signs in', () => {
  it('with a finance or a secret key gets a cookie that no script reads, and comes to where he was going', async () => {
    const away = await ask(`/console/payments?status=succeeded`);
    expect(away.status).toBe(303);
    const to = away.headers.get('location') ?? '';
    expect(to).toBe('/console/sign-in?next=%2Fconsole%2Fpayments%3Fstatus%3Dsucceeded');
    for (const key of [DEMO_KEYS.finance, DEMO_KEYS.secret]) {
      const { status, headers } = await sendForm(to, { key });
      expect([status, headers.get('location')]).toEqual([303, '/console/payments?status=succeeded']);
      expect(headers.get('set-cookie')).toMatch(
        /^quittance=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/,
      );
    }
  });

  it('over TLS gets one for that host alone, and over an open way none', async () => {
    const key = await world.createKey('Over TLS', 'finance');
    const body = `key=${key}`;
    const post = (origin: string): string =>
      [
        'POST /console/sign-in HTTP/1.1',
        ...['Host: pay.example', `Origin: ${origin}`, 'Connection: close'],
        ...['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`, '', body],
      ].join('\r\n');
    const over = await raw(world.url, post('https://pay.example'));
    expect(over).toMatch(
      /Set-Cookie: __Host-quittance=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure/,
    );
    const open = await raw(world.url, post('http://pay.example'));
    expect(open).toContain('Open the console over https');
    expect(open).not.toContain('Set-Cookie');
  });

  it.each([
    ['//evil.example', '/console'],
    ['https://evil.example/console', '/console'],
    ['/console\\evil', '/console'],
    ['/consolevil', '/console'],
    ['/v1/payments', '/console'],
    ['/console/events?subject=x', '/console/events?subject=x'],
  ])('and was going to %s is lead to %s', async (next, to) => {
    const { headers } = await sendForm(`/console/sign-in?next=${encodeURIComponent(next)}`, { key: DEMO_KEYS.finance });
    expect(headers.get('location')).toBe(to);
  });

  it.each([
    [DEMO_KEYS.publishable, 403, 'That is a publishable key'],
    [DEMO_KEYS.oncall, 403, 'That is an on-call key'],
    [`fk_test_${'x'.repeat(43)}`, 401, 'No key in force is like that'],
    ['', 401, 'No key in force is like that'],
    ['x'.repeat(1_500), 413, 'larger than'],
  ])('with %s is told which key is wanted', async (key, status, words) => {
    const answer = await sendForm('/console/sign-in', { key });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([status, null]);
    expect(answer.text).toContain(words);
    if (key.length > 20 && key.length < 100) expect(answer.text).not.toContain(key);
  });

  it('in the demo needs no key of his own, and elsewhere finds no such offer', async () => {
    expect((await ask('/console/sign-in')).text).toContain('Open the demo with its finance key');
    const real = await startService({
      databaseUrl: world.databaseUrl,
      sandboxUrl: world.sandbox.url,
      env: { DATABASE_URL: world.databaseUrl, STRIPE_SECRET_KEY: 'sandbox' },
    });
    expect((await ask('/console/sign-in', {}, real.url)).text).not.toContain('demo');
    expect((await sendForm('/console/sign-in', { key: DEMO_KEYS.finance }, {}, real.url)).status).toBe(401);
    // Nor does a cookie of the demo open what is no demo any more.
    expect((await read('/console', cookie, real.url)).status).toBe(303);
    const own = await signIn(await world.createKey('Real', 'finance'), real.url);
    expect((await read('/console', own, real.url)).status).toBe(200);
  });

  it('and tries key after key is told to come again later', async () => {
    const seen = new Set<number>();
    // A machine with much else to do may not take fifty in a second at once.
    const tryMany = async (): Promise<boolean> => {
      const tries = Array.from({ length: 80 }, (_, n) =>
        sendForm('/console/sign-in', { key: `fk_test_${'y'.repeat(40)}${n}` }),
      );
      for (const { status } of await Promise.all(tries)) seen.add(status);
      return seen.has(429);
    };
    await until(tryMany, 20_000);
    expect(seen).toEqual(new Set([401, 429]));
    expect((await signIn(DEMO_KEYS.finance)).length).toBeGreaterThan(40);
  });
});

describe('a session', () => {
  it('is kept by its hash alone, beside its key', async () => {
    const rows = await world.query<{ hash: Buffer; role: string }>(
      'select s.hash, k.role from console_sessions s join api_keys k on (k.merchant_id, k.id) = (s.merchant_id, s.key_id)',
    );
    expect(rows.map(({ role }) => role)).toContain('finance');
    const [, value = ''] = cookie.split('=');
    expect(rows.some(({ hash }) => hash.toString('base64url').includes(value))).toBe(false);
  });

  it('ends with its key, at once', async () => {
    const key = await world.createKey('Short-lived', 'finance');
    const own = await signIn(key);
    expect((await read('/console', own)).status).toBe(200);
    await world.query('update api_keys set revoked_at = now() where prefix = $1', [key.slice(0, 14)]);
    const { status, headers } = await read('/console', own);
    expect(status).toBe(303);
    const told = 'You are signed out: the time of your session is over, or its key was revoked.';
    expect((await read(headers.get('location') ?? '', own)).text).toContain(told);
    expect((await ask(headers.get('location') ?? '')).text).not.toContain(told);
    expect((await read('/console/sign-in', own)).text).not.toContain(told);
  });

  it('ends by itself, and when its owner says so, and is then nobody’s', async () => {
    const key = await world.createKey('Tired', 'finance');
    const [old, own] = [await signIn(key), await signIn(key)];
    await world.query(`update console_sessions set expires_at = now() - interval '1 minute' where hash = sha256($1)`, [
      old.split('=')[1],
    ]);
    expect((await read('/console', old)).status).toBe(303);
    expect((await read('/console', own)).status).toBe(200);
    const out = await sendForm('/console/sign-out', {}, { Cookie: own });
    expect([out.status, out.headers.get('location')]).toEqual([303, '/console/sign-in']);
    expect(out.headers.get('set-cookie')).toContain('quittance=; Path=/; Max-Age=0');
    expect((await read('/console', own)).status).toBe(303);
  });

  it('is as good as its key’s role is now', async () => {
    const key = await world.createKey('Demoted', 'finance');
    const own = await signIn(key);
    await world.query(`update api_keys set role = 'oncall' where prefix = $1`, [key.slice(0, 14)]);
    expect((await read('/console', own)).status).toBe(403);
  });

  it('sees nothing of another merchant', async () => {
    const other = await signIn(await world.createKey('Other', 'secret'));
    expect((await read('/console/payments', other)).text).toContain('No payments yet');
    for (const path of [`payments/${payment}`, `customers/${customer}`])
      expect((await read(`/console/${path}`, other)).status).toBe(404);
  });

  it('is no key of the API, and no key is a session', async () => {
    expect((await read('/v1/payments', cookie)).status).toBe(401);
    expect((await ask('/console', { headers: { Authorization: `Bearer ${DEMO_KEYS.secret}` } })).status).toBe(303);
  });

  it('of the demo works by no other name than this machine’s, and one that is made up by none', async () => {
    const get = (host: string, value: string) =>
      raw(world.url, `GET /console HTTP/1.1\r\nHost: ${host}\r\nCookie: ${value}\r\nConnection: close\r\n\r\n`);
    expect(await get(`127.0.0.1:${port}`, cookie)).toContain('200 OK');
    expect(await get('evil.example', cookie)).toContain('303 See Other');
    expect(await get('evil.example', cookie.replace('quittance', '__Host-quittance'))).toContain('303 See Other');
    expect(await get(`127.0.0.1:${port}`, `quittance=${'A'.repeat(43)}`)).toContain('303 See Other');
  });
});

describe('another site', () => {
  it.each([
    [{ Origin: 'https://evil.example' }],
    [{ Origin: 'null' }],
    [{ Origin: world.url, 'Sec-Fetch-Site': 'cross-site' }],
    [{ Origin: world.url, 'Sec-Fetch-Site': 'same-site' }],
    [{ Origin: world.url, 'Sec-Fetch-Site': 'none' }],
  ])('as %j says, has nothing done', async (headers) => {
    for (const path of [
      '/console/sign-in',
      '/console/sign-out',
      '/console/contradictions/x/resolve',
      '/console/periods',
      '/console/proof',
    ]) {
      const { status, text } = await sendForm(path, { key: DEMO_KEYS.finance }, { ...headers, Cookie: cookie });
      expect([path, status]).toEqual([path, 403]);
      expect(text).toContain('from a page of another site');
    }
    expect((await read('/console', cookie)).status).toBe(200);
  });
});

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
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
  const close = (fields: Record<string, string>) => sendForm('/console/periods', fields, { Cookie: cookie });
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
  expect((await read('/console/periods/1', cookie)).status).toBe(404);
  expect((await close({ ends: day, tz: 'Europe/Berlin' })).status).toBe(303);
  expect((await close({ ends: day, tz: 'Europe/Berlin' })).text).toContain('is there already');
  const saved = () => read('/console/periods/1/file', cookie);
  expect(await until(async () => (await saved()).status === 200, 20_000)).toBe(true);
  const { headers, text } = await saved();
  expect(headers.get('content-disposition')).toBe('attachment; filename="period-1.json"');
  expect(faultsOf(JSON.parse(text) as PeriodFile)).toEqual([]);
  expect((await read('/console/periods/1', cookie)).text).toContain((JSON.parse(text) as PeriodFile).hash);
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
