import { createServer, type Server } from 'node:http';
import { Worker } from 'node:worker_threads';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { createDoor } from '../../src/http/door.ts';
import { createCors } from '../../src/http/headers.ts';
import { routes } from '../../src/http/routes.ts';
import { createAdmission, createSeenKeys } from '../../src/monitor/admission.ts';
import { afterSuite } from '../support/cleanup.ts';
import { send, type Answer } from '../support/service.ts';
import { until } from '../support/until.ts';

/** A door behind which so much is under way that nobody more is let in. */
const startCrowded = async (onRefused: () => void = () => undefined): Promise<string> => {
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
      onRefused,
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

/** Asks on so many connections, and again as soon as it is answered: in a thread, so that it does not wait for our loop. */
const CLIENTS = 20;
const repeatAtOnce = (url: string): Worker =>
  new Worker(
    `const { connect } = require('node:net');
     for (let n = 0; n < ${CLIENTS}; n++) {
       const socket = connect(${new URL(url).port}, '127.0.0.1');
       const ask = () => socket.write('GET /v1/payments HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
       socket.on('data', ask);
       socket.on('error', () => undefined);
       ask();
     }`,
    { eval: true },
  );

describe('a caller who was refused and asks again at once', () => {
  it('is not heard until then', async () => {
    let refused = 0;
    const client = repeatAtOnce(await startCrowded(() => refused++));
    await until(() => refused >= CLIENTS);
    // Long enough for each of them to have asked again a hundred times.
    await sleep(200);
    expect(refused).toBe(CLIENTS);
    await client.terminate();
  });
});

describe('what is let in whatever the load', () => {
  it.each([
    ['OPTIONS', '/v1/items/item_demo'],
    ['POST', '/webhooks/stripe'],
  ])('%s %s', async (method, path) => expect((await ask(method, path)).text).toBe('let in'));
});
