import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { raw } = sandbox;

const FORM = 'amount=700&currency=usd&payment_method=pm_card_visa&allowed_payment_method_types[]=card&confirm=true';
const pay = (key: string, headers: Record<string, string> = {}) =>
  raw('POST', '/v1/payment_intents', { body: FORM, headers: { 'Idempotency-Key': key, ...headers } });
const charges = async (): Promise<number> => (await raw('GET', '/_sandbox/count')).json.charges;
const setFault = (fault: object) =>
  raw('POST', '/_sandbox/faults', { body: JSON.stringify(fault), headers: { 'Content-Type': 'application/json' } });

/** All bytes that come back for a payment, and whether the connection ended in a reset. */
const bytesOf = async (key: string, fault: string): Promise<{ bytes: string; reset: boolean }> => {
  const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
  let bytes = '';
  let reset = false;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.toString()));
  socket.on('error', () => (reset = true));
  socket.write(
    'POST /v1/payment_intents HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer sk_test_x\r\n' +
      `Idempotency-Key: ${key}\r\nSandbox-Fault: ${fault}\r\n` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${FORM.length}\r\n\r\n${FORM}`,
  );
  // Not `once` of node:events, which would throw what the reset raises.
  await new Promise((resolve) => socket.once('close', resolve));
  return { bytes, reset };
};

describe('faults of the sandbox', () => {
  test.each([
    ['reset_after', 1],
    ['reset_before', 0],
  ])('%s resets the connection, and %i charge was made', async (fault, made) => {
    const before = await charges();
    expect(await bytesOf(fault, fault)).toEqual({ bytes: '', reset: true });
    expect((await charges()) - before).toBe(made);
    const again = await pay(fault);
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotent-replayed')).toBe(made === 1 ? 'true' : null);
    expect((await charges()) - before).toBe(1);
  });

  test.each([0, 1, 20, 400])('truncate cuts the reply after %i bytes, and the charge was made', async (length) => {
    const before = await charges();
    const { bytes } = await bytesOf(`cut ${length}`, `truncate=${length}`);
    expect(bytes).toHaveLength(length);
    expect('HTTP/1.1 200 '.startsWith(bytes.slice(0, 13))).toBe(true);
    expect((await charges()) - before).toBe(1);
  });

  test('error_before charges nothing, error_after charges and says 500', async () => {
    const before = await charges();
    expect((await pay('e1', { 'Sandbox-Fault': 'error_before' })).status).toBe(500);
    expect(await charges()).toBe(before);
    expect((await pay('e2', { 'Sandbox-Fault': 'error_after' })).json.error.type).toBe('api_error');
    expect(await charges()).toBe(before + 1);
  });

  test('are set for all requests of a route, a number of times', async () => {
    const fault = await setFault({
      kind: 'rate_limit',
      method: 'POST',
      path: '/v1/payment_intents',
      skip: 1,
      count: 2,
    });
    expect(fault.json.id).toMatch(/^fault_/);
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await pay(`limited ${n}`)).status);
    expect(statuses).toEqual([200, 429, 429, 200, 200]);
    expect((await raw('GET', '/v1/balance')).status).toBe(200);
    expect((await raw('GET', '/_sandbox/faults')).json.data).toMatchObject([{ id: fault.json.id, struck: 2 }]);
    await raw('DELETE', `/_sandbox/faults/${fault.json.id}`);
    expect((await raw('GET', '/_sandbox/faults')).json.data).toEqual([]);
  });

  test('what Stripe makes good later is dated when it was made, however far the clock has moved since', async () => {
    await setFault({ kind: 'error_reconciled', path: '/v1/payment_intents', method: 'POST', count: 1, ms: 60_000 });
    const failed = await pay('reconciled');
    expect([failed.status, failed.json.error.type]).toEqual([500, 'api_error']);
    const failedS = Math.floor(Date.now() / 1000);
    await sandbox.advance(72 * 3600);
    const [made] = (await raw('GET', '/v1/payment_intents?limit=1')).json.data;
    expect(made.status).toBe('succeeded');
    expect(Math.abs(made.created - failedS - 60)).toBeLessThan(30);
    await raw('DELETE', '/_sandbox/faults');
  });

  test('match one segment with a star', async () => {
    await setFault({ kind: 'error_before', path: '/v1/payment_intents/*/confirm', count: 1 });
    expect((await pay('unstruck')).status).toBe(200);
    expect((await raw('POST', '/v1/payment_intents/pi_x/confirm')).status).toBe(500);
    await raw('DELETE', '/_sandbox/faults');
  });

  test('strike the same requests again when they are drawn from the same seed', async () => {
    const draw = async (): Promise<number[]> => {
      await setFault({ kind: 'rate_limit', probability: 0.5, seed: 7 });
      const statuses: number[] = [];
      for (let n = 0; n < 20; n++) statuses.push((await raw('GET', '/v1/balance')).status);
      await raw('DELETE', '/_sandbox/faults');
      return statuses;
    };
    const drawn = await draw();
    expect(new Set(drawn)).toEqual(new Set([200, 429]));
    expect(await draw()).toEqual(drawn);
  });

  test('what hangs goes on when the faults are removed, and was charged once', async () => {
    await setFault({ kind: 'hang_before', path: '/v1/payment_intents' });
    const before = await charges();
    const hanging = pay('hung');
    for (let status = 0; status !== 409;) {
      status = await Promise.race([
        pay('hung').then((reply) => reply.status),
        new Promise<number>((resolve) => setTimeout(resolve, 20, 0)),
      ]);
    }
    expect(await charges()).toBe(before);
    await raw('DELETE', '/_sandbox/faults');
    expect((await hanging).json.status).toBe('succeeded');
    expect(await charges()).toBe(before + 1);
  });

  test.each([[{ kind: 'flood' }], [{ kind: 'latency', ms: -1 }], [{ kind: 'latency', colour: 'red' }], [null]])(
    'refuse %j',
    async (fault) => {
      const reply = await setFault(fault as object);
      expect(reply.status).toBe(400);
      expect(reply.json.error.message).toContain('Invalid fault');
    },
  );

  test('an unknown fault in the header is refused, and nothing is charged', async () => {
    const before = await charges();
    expect((await pay('typo', { 'Sandbox-Fault': 'reset_afer' })).status).toBe(400);
    expect(await charges()).toBe(before);
  });
});
