/** Clocks that are wrong: this machine's, and Stripe's. */
import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { plusMs, systemClock } from '../../src/domain/time.ts';
import { afterSuite } from '../support/cleanup.ts';
import { payFor, startService, startWorld } from '../support/service.ts';
import { eventually } from '../support/stripe.ts';

const world = await startWorld();
const { createCustomer, sums } = world;

describe('a clock of this machine that is wrong', () => {
  it.each([7 * 60_000, -7 * 60_000, 25 * 3_600_000, -25 * 3_600_000])(
    'by %d ms charges once, takes webhooks, and is told',
    async (ms) => {
      const wrong = { now: () => plusMs(systemClock().now(), ms) };
      const other = await startService({ databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url, clock: wrong });
      const paid = await other.post('/v1/payments', payFor(await createCustomer(), 700));
      const ahead = Math.abs(Date.parse(paid.body.created_at) - Date.now());
      expect([paid.status, ahead < 60_000]).toEqual([201, true]);
      await eventually(
        async () =>
          (await fetch(`${other.opsUrl}/readyz`)).json() as Promise<{
            checks: Record<string, { state?: string; ok?: boolean; detail: string }>;
          }>,
        ({ checks }) => /this machine is -?\d+\.\d s ahead/.test(checks['clocks']?.detail ?? ''),
      );
      (await other.service.close(1_000))._unsafeUnwrap();
    },
  );
});

it.each([
  [90_000, /Stripe is \d+\.\d s ahead/],
  [-25 * 3_600_000, /Stripe is -\d+\.\d s ahead/],
])('refuses money while Stripe’s clock and the database’s are %d ms apart, and says so', async (ms, words) => {
  // Stripe as it is, but for the time that it tells.
  const ahead = createServer((request, response) => {
    const { method, url, headers } = request;
    const forwarded = ask(`${world.sandbox.url}${url ?? ''}`, { method, headers }, (answer) => {
      const date = new Date(Date.now() + ms).toUTCString();
      response.writeHead(answer.statusCode ?? 500, { ...answer.headers, date });
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await once(ahead.listen(0, '127.0.0.1'), 'listening');
  afterSuite(async () => {
    ahead.closeAllConnections();
    ahead.close();
    await once(ahead, 'close');
  });
  const { port } = ahead.address() as AddressInfo;
  const sandboxUrl = `http://127.0.0.1:${port}`;
  const other = await startService({ databaseUrl: world.databaseUrl, sandboxUrl });
  const customer = await createCustomer();
  const refused = await eventually(
    () => other.post('/v1/payments', payFor(customer, 700)),
    ({ status }) => status === 503,
  );
  expect([refused.body.error.code, refused.body.error.outcome]).toEqual(['provider_unavailable', 'none']);
  const ready = async (): Promise<[number, string]> => {
    const answer = await fetch(`${other.opsUrl}/readyz`);
    return [answer.status, await answer.text()];
  };
  await eventually(ready, ([status, text]) => status === 503 && words.test(text));
  (await other.service.close(1_000))._unsafeUnwrap();
});

it('leaves the sum over all accounts at zero, after all that was done here', async () => {
  for (const sum of await sums()) expect(sum).toBe('0');
});
