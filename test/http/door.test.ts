import { Worker } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { startCrowded } from '../support/crowded.ts';
import { open, sendRaw, statusesIn } from '../support/raw.ts';
import { send, type Answer } from '../support/service.ts';
import { until } from '../support/until.ts';

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
     const { parentPort } = require('node:worker_threads');
     for (let n = 0; n < ${CLIENTS}; n++) {
       const socket = connect(${new URL(url).port}, '127.0.0.1');
       const ask = () => socket.write('GET /v1/payments HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n');
       socket.on('data', () => {
         parentPort.postMessage('answered');
         ask();
       });
       socket.on('error', () => undefined);
       ask();
     }`,
    { eval: true },
  );

describe('a caller who was refused and asks again at once', () => {
  it('is not answered until then', async () => {
    let answered = 0;
    const client = repeatAtOnce(await startCrowded()).on('message', () => answered++);
    await until(() => answered >= CLIENTS);
    // Long enough for each of them to have asked again a hundred times.
    await sleep(200);
    expect(answered).toBe(CLIENTS);
    await until(() => answered >= 2 * CLIENTS);
    await client.terminate();
  });

  it('keeps nobody waiting whose requests come on the same connection', async () => {
    const socket = await open(await startCrowded(1_000));
    let answers = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answers += text));
    for (const [n, key] of ['one', 'other', 'third'].entries()) {
      socket.write(`GET /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
      await until(() => answers.split('HTTP/1.1 503').length === n + 2);
    }
    socket.destroy();
  });
});

describe('a request that waits to be refused, and whose body is garbage', () => {
  it('is answered once, and ends nothing, though nobody takes its answer', async () => {
    const crowded = await startCrowded();
    const socket = await open(crowded);
    let answers = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answers += text));
    const post = (key: string, framing: string): string =>
      `POST /v1/debits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n${framing}\r\n\r\n`;
    socket.write(post('one', 'Content-Length: 0'));
    await until(() => answers.includes('HTTP/1.1 503'));
    // Behind one that is not answered, and so not taken either.
    socket.write(post('never', 'Content-Length: 0') + post('one', 'Transfer-Encoding: chunked'));
    await sleep(100);
    socket.write('zz\r\n');
    // Until the time has come for which it was to wait.
    await sleep(1_200);
    expect(answers.split('HTTP/1.1').length).toBe(2);
    expect(statusesIn(await sendRaw(crowded, post('one', 'Connection: close')))).toEqual([503]);
    socket.destroy();
  });
});

describe('what is let in whatever the load', () => {
  it.each([
    ['OPTIONS', '/v1/items/item_demo', 204],
    ['POST', '/webhooks/stripe', 400],
  ])('%s %s', async (method, path, status) => expect((await ask(method, path)).status).toBe(status));
});

describe('a report that calls itself something else is refused as one', () => {
  const line = async (request: string, headers = ''): Promise<string | undefined> =>
    (await sendRaw(url, `${request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`)).split('\r\n')[0];

  it.each([
    ['GET /v1/trial_balance', ''],
    ['HEAD /v1/trial_balance', ''],
    ['GET /v1/trial_balance#/webhooks/stripe', ''],
    ['GET http://x/v1/trial_balance', ''],
    ['GET http://x/webhooks/../v1/trial_balance', ''],
    ['GET /v1/trial_balance', 'Idempotency-Key: constant\r\n'],
  ])('%s %j', async (request, headers) => {
    const lines = await Promise.all([1, 2, 3].map(() => line(request, headers)));
    expect(new Set(lines)).toEqual(
      new Set([request.includes('..') ? 'HTTP/1.1 404 Not Found' : 'HTTP/1.1 503 Service Unavailable']),
    );
  });
});
