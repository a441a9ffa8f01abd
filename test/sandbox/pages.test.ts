import { describe, expect, test } from '@jest/globals';
import { sendRaw } from '../support/raw.ts';
import { CHARGE, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;

const act = (name: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  raw('POST', `/_sandbox/act/${name}`, { body: new URLSearchParams(form).toString(), headers });
const page = async (path: string) => (await raw('GET', path)).text;
const pay = async (card: string, more: Record<string, string> = {}): Promise<string> => {
  const form = {
    payment_method: `pm_card_${card}`,
    amount: '4200',
    currency: 'usd',
    capture_method: 'automatic',
    ...more,
  };
  return (await act('pay', form)).headers.get('location') ?? '';
};

describe('the pages of the sandbox', () => {
  test('pay with any test card by a form, and show what came of it', async () => {
    const paid = await pay('visa');
    expect(paid).toMatch(/^\/_sandbox\/payments\/pi_/);
    expect(await page(paid)).toContain('$42.00');
    expect(await page('/')).toContain(paid);
    expect(await page(await pay('visa_chargeDeclinedInsufficientFunds'))).toContain(
      'Your card has insufficient funds.',
    );
    expect(await page(await pay('authenticationRequired'))).toContain('/_sandbox/3ds/');
  });

  test('show a whole life on one page, and lead to each part of it', async () => {
    const life = await pay('createDispute');
    const intent = life.split('/').at(-1) ?? '';
    await sandbox.advance(2);
    const [dispute] = (await stripe.disputes.list({ payment_intent: intent })).data;
    await act('evidence', { id: intent, dispute: dispute?.id ?? '', evidence: 'winning_evidence' });
    await sandbox.advance(2);
    await act('refund', { id: intent, amount: '100' });
    const text = await page(life);
    for (const told of ['charge.dispute.created', 'charge.dispute.funds_reinstated', 'refund.created']) {
      expect(text).toContain(told);
    }
    const links = [...text.matchAll(/href="(\/_sandbox\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThan(10);
    for (const path of new Set(links)) expect((await raw('GET', path)).status).toBe(200);
  });

  test('hold, capture and cancel by hand', async () => {
    const held = (await pay('visa', { capture_method: 'manual' })).split('/').at(-1) ?? '';
    await act('capture', { id: held });
    expect((await stripe.paymentIntents.retrieve(held)).status).toBe('succeeded');
    const other = (await pay('visa', { capture_method: 'manual' })).split('/').at(-1) ?? '';
    await act('cancel', { id: other });
    expect((await stripe.paymentIntents.retrieve(other)).status).toBe('canceled');
    expect((await act('capture', { id: other })).text).toContain('That was refused');
  });

  test('set faults and move the clock by a form', async () => {
    await act('fault', { kind: 'error_before', path: '/v1/customers', size: '', count: '1' });
    expect((await raw('POST', '/v1/customers', { body: '' })).status).toBe(500);
    expect(await page('/')).toContain('error_before');
    await act('mend', {});
    const moved = await raw('POST', '/_sandbox/clock', { body: 'advance_s=60' });
    expect([moved.status, moved.headers.get('location')]).toEqual([303, '/']);
  });

  test('are asked by nobody from elsewhere', async () => {
    const elsewhere = { Origin: 'https://evil.test' };
    expect((await act('pay', { payment_method: 'pm_card_visa' }, elsewhere)).status).toBe(403);
    const fault = { body: '{"kind":"reset_after"}', headers: { ...elsewhere, 'Content-Type': 'text/plain' } };
    expect((await raw('POST', '/_sandbox/faults', fault)).status).toBe(403);
    expect((await act('pay', { payment_method: 'pm_card_visa' }, { Origin: 'null' })).status).toBe(403);
  });

  test('are asked by no name that a page has lead to this machine, and by nothing but JSON and forms', async () => {
    const host = `evil.test:${new URL(sandbox.url).port}`;
    const ask = (line: string, headers: string, body = ''): Promise<string> =>
      sendRaw(
        sandbox.url,
        `${line} HTTP/1.1\r\nConnection: close\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    for (const path of ['/', '/_sandbox/export', '/_sandbox/count'])
      expect(await ask(`GET ${path}`, `Host: ${host}\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    const json = 'Content-Type: application/json\r\n';
    const rebound = `Host: ${host}\r\nOrigin: http://${host}\r\n${json}`;
    expect(await ask('POST /_sandbox/clock', rebound, '{"advance_s":1}')).toMatch(/^HTTP\/1\.1 403 /);
    for (const type of ['', 'Content-Type: text/plain\r\n', 'Content-Type: multipart/form-data; boundary=x\r\n'])
      expect(await ask('POST /_sandbox/clock', `Host: localhost\r\n${type}`, '{"advance_s":1}')).toMatch(
        /^HTTP\/1\.1 400 .*application\/json/s,
      );
    expect(await ask('POST /_sandbox/clock', `Host: localhost\r\n${json}`, '{"advance_s":1}')).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });

  test('run no script, and show what they are given as text', async () => {
    const description = '<script>alert(1)</script>';
    const { id } = await stripe.paymentIntents.create({ ...CHARGE, description });
    const reply = await raw('GET', `/_sandbox/objects/${id}`);
    expect(reply.text).not.toContain('<script');
    expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test('say what is covered, card by card and route by route', async () => {
    const help = await page('/_sandbox/help');
    for (const said of ['POST /v1/payment_intents', 'sandbox_leaves_out', 'StripeClient', 'Connect']) {
      expect(help).toContain(said);
    }
    for (const field of ['kind', 'method', 'event', 'skip', 'seed', 'ms', 'min_ms', 'p99_ms', 'bytes']) {
      expect(help).toContain(`<dt><code>${field}</code></dt>`);
    }
    expect(await page('/_sandbox/cards')).toContain('pm_card_riskLevelElevated');
    expect((await raw('GET', '/_sandbox/objects/ch_nope')).status).toBe(404);
  });
});
