import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { createDoor } from '../../src/http/door.ts';
import { createCors } from '../../src/http/headers.ts';
import { routes } from '../../src/http/routes.ts';
import { createAdmission, createSeenKeys } from '../../src/monitor/admission.ts';
import { afterSuite } from '../support/cleanup.ts';
import { send, type Answer } from '../support/service.ts';

/** A door behind which so much is under way that nobody more is let in. */
const startCrowded = async (): Promise<string> => {
  const admission = createAdmission();
  for (let i = 0; i < 400; i++) admission.enter('money', false);
  for (let i = 0; i < 20; i++) admission.feel({ delayMs: 500, utilisation: 1, intervalMs: 100 });
  const door = createDoor(
    {
      admission,
      seen: createSeenKeys(),
      routes,
      headersFor: createCors(['https://shop.example']).headersFor,
      follow: (_record, run) => run(),
      onEnd: () => undefined,
      retryAfterS: () => 1,
      onRefused: () => undefined,
    },
    (_request, response) => response.end('let in'),
  );
  const server: Server = createServer(door).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  afterSuite(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const url = await startCrowded();
const ask = (method: string, path: string, origin = 'https://shop.example'): Promise<Answer> =>
  send(url, { method, path, headers: { Origin: origin } });

describe('a request that is refused under load', () => {
  it('is told so as every error is, and when to come again', async () => {
    const { status, headers, body } = await ask('POST', '/v1/payments');
    expect([status, body.error.code, body.error.outcome]).toEqual([503, 'overloaded', 'none']);
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.get('request-id')).toBe(body.error.request_id);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('can be read by a browser that may call the route, and by no other', async () => {
    const { status, headers } = await ask('GET', '/v1/items/item_demo');
    expect(status).toBe(503);
    expect(headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
    const elsewhere = await ask('GET', '/v1/items/item_demo', 'https://evil.example');
    expect(elsewhere.headers.get('access-control-allow-origin')).toBeNull();
    expect((await ask('POST', '/v1/payments')).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('what is let in whatever the load', () => {
  it.each([
    ['OPTIONS', '/v1/items/item_demo'],
    ['POST', '/webhooks/stripe'],
  ])('%s %s', async (method, path) => expect((await ask(method, path)).text).toBe('let in'));
});
