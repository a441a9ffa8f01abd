/** Who is let into the console, for how long, and from where. */
import { describe, expect, it } from '@jest/globals';
import { DEMO_KEYS } from '../../src/http/authenticate.ts';
import { until } from '../../src/platform/process.ts';
import { consoleAt } from '../support/console.ts';
import { payFor, startService, startWorld } from '../support/service.ts';
import { sendRaw as raw } from '../support/raw.ts';

const world = await startWorld();
const { port } = new URL(world.url);
const { ask, sendForm, signIn, read } = consoleAt(world.url);

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
    const elsewhere = consoleAt(real.url);
    expect((await elsewhere.ask('/console/sign-in')).text).not.toContain('demo');
    expect((await elsewhere.sendForm('/console/sign-in', { key: DEMO_KEYS.finance })).status).toBe(401);
    // Nor does a cookie of the demo open what is no demo any more.
    expect((await elsewhere.read('/console', cookie)).status).toBe(303);
    const own = await elsewhere.signIn(await world.createKey('Real', 'finance'));
    expect((await elsewhere.read('/console', own)).status).toBe(200);
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

  it('that nobody has is ended without a write, which a stranger could ask for as often as he likes', async () => {
    // Whoever wants to write there waits, and keeps his connection.
    const held = world.query(
      'begin; lock table console_sessions in share row exclusive mode; select pg_sleep(4); commit',
    );
    const before = performance.now();
    const ended = await Promise.all(
      Array.from({ length: 40 }, () => {
        const made = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
        return sendForm('/console/sign-out', {}, { Cookie: `quittance=${made}` });
      }),
    );
    const { status } = await world.get(`/v1/customers/${customer}`);
    expect(performance.now() - before).toBeLessThan(3_000);
    expect(new Set(ended.map((answer) => answer.status))).toEqual(new Set([303]));
    expect(status).toBe(200);
    await held;
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
