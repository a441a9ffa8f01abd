import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { get as getRaw, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import express from 'express';
import { newRecord } from '../../src/http/record.ts';
import { sendReply } from '../../src/http/respond.ts';
import { afterSuite } from '../support/cleanup.ts';
import { startWorld } from '../support/service.ts';

const world = await startWorld();
const customer = await world.createCustomer();
for (let n = 0; n < 30; n++) await world.post('/v1/payments', { customer, amount: 100 + n, currency: 'usd' });

/** A large reply that is one key's. */
const app = express();
app.get('/', (request, response) => {
  request.record = newRecord('GET');
  sendReply(request, response, { status: 200, body: 'x'.repeat(10_000), headers: { Vary: 'Authorization' } });
});
const server = app.listen(0, '127.0.0.1');
afterSuite(async () => {
  server.close();
  await once(server, 'close');
});
await once(server, 'listening');
const keyed = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

/** The bytes as they come: fetch would unpack them. */
const read = (path: string, accepts?: string): Promise<{ headers: IncomingMessage['headers']; bytes: Buffer }> =>
  new Promise((resolve, reject) => {
    const headers = {
      Authorization: 'Bearer sk_test_demo',
      ...(accepts === undefined ? {} : { 'Accept-Encoding': accepts }),
    };
    getRaw(world.url + path, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, bytes: Buffer.concat(chunks) }));
    }).on('error', reject);
  });

const LARGE = '/v1/payments?limit=30';
const SMALL = '/v1/payments?limit=1';

describe('a large reply', () => {
  it.each([
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const)(
    'is packed for who takes %s, a fifth of its size at the most, and is the same reply',
    async (name, unpack) => {
      const plain = await read(LARGE);
      const packed = await read(LARGE, name);
      expect(plain.headers['content-encoding']).toBeUndefined();
      expect(packed.headers['content-encoding']).toBe(name);
      expect(packed.headers.vary).toContain('Accept-Encoding');
      expect(plain.headers.vary).toContain('Accept-Encoding');
      expect(unpack(packed.bytes).equals(plain.bytes)).toBe(true);
      expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 5);
    },
  );

  it('is sent as it is to who refuses, and whole to many at once', async () => {
    expect((await read(LARGE, 'br;q=0, gzip;q=0')).headers['content-encoding']).toBeUndefined();
    const plain = (await read(LARGE)).bytes;
    const many = await Promise.all(Array.from({ length: 40 }, () => read(LARGE, 'gzip')));
    for (const { headers, bytes } of many)
      expect((headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).equals(plain)).toBe(true);
  });
});

describe('a large reply that depends on something else too', () => {
  it('says so of both', async () => {
    const { headers } = await fetch(keyed);
    expect(headers.get('vary')?.split(', ').sort()).toEqual(['Accept-Encoding', 'Authorization']);
  });
});

describe('a small reply', () => {
  it('is never packed', async () => {
    const { headers, bytes } = await read(SMALL, 'br, gzip');
    expect([headers['content-encoding'], headers.vary, bytes.length < 8192]).toEqual([undefined, undefined, true]);
  });
});

describe('OPTIONS', () => {
  it('is logged under the route that it asks about', async () => {
    await fetch(`${world.url}/v1/payments/pay_1/confirm`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://a.example' },
    });
    await fetch(`${world.url}/v1/debits`, { method: 'OPTIONS' });
    const lines = world
      .logged()
      .split('\n')
      .filter((line) => line.includes('"OPTIONS"'))
      .map((line) => (JSON.parse(line) as { 'http.route': string })['http.route']);
    expect(lines).toEqual(['/v1/payments/:id/confirm', '/v1/debits']);
  });
});
