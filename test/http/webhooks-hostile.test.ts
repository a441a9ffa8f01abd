import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { afterSuite } from '../support/cleanup.ts';
import { startWebhookWorld } from '../support/webhook-world.ts';

const { world, createMerchant } = await startWebhookWorld();

/** A server that answers whatever it is asked with these bytes, again and again, for as long as they are taken. */
const startFlood = async (bytes: string): Promise<{ readonly url: string; readonly sentBytes: () => number }> => {
  const flood = Buffer.from(bytes);
  const sockets = new Set<Socket>();
  let sentBytes = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const pour = (): void => {
      if (socket.destroyed) return;
      sentBytes += flood.length;
      if (socket.write(flood)) setImmediate(pour);
      else socket.once('drain', pour);
    };
    socket.once('data', pour);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterSuite(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((go) => server.close(go));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sentBytes: () => sentBytes };
};

describe('an endpoint that answers with interim answers alone', () => {
  it('has failed after a few of them, and takes the time of nobody else', async () => {
    const merchant = await createMerchant();
    const flood = await startFlood('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'.repeat(1_000));
    await merchant.createEndpoint(flood.url);
    const payment = await merchant.pay();
    const [event] = (await merchant.get(`/v1/events?subject=${payment}`)).body.data;
    const { tries } = await merchant.delivered(event!.id, (delivery) => delivery.tries.length > 0);
    expect(tries[0]).toMatchObject({ status_code: null, error: expect.stringContaining('interim') });
    expect(tries[0]!.latency_ms).toBeLessThan(5_000);
    // What sockets hold, and not what the loop could take in fifteen seconds.
    expect(flood.sentBytes()).toBeLessThan(20_000_000);
  });
});

describe('endpoints that were made and deleted over and over', () => {
  /** How many rows of the table were read since the last time, by an index or without. */
  const createRead = () => {
    let before = 0;
    return async (): Promise<number> => {
      const [row] = await world.query<{ read: string }>(
        `select (seq_tup_read + idx_tup_fetch)::text as read from pg_stat_user_tables where relname = 'webhook_endpoints'`,
      );
      const read = Number(row?.read) - before;
      before += read;
      return read;
    };
  };

  it('are looked at by nobody who tells others of events', async () => {
    await (await createMerchant()).createEndpoint('http://127.0.0.1:9/');
    await world.query(`
      insert into webhook_endpoints (merchant_id, id, url, enabled_events, status, secret, created_at)
      select merchant_id, gen_random_uuid(), url, enabled_events, 'deleted', '', created_at
      from (select * from webhook_endpoints limit 1) one, generate_series(1, 50000)`);
    await world.query('analyze webhook_endpoints');
    const read = createRead();
    // Plans that were made before are made anew, and figures are written down once in a second.
    await sleep(3_000);
    await read();
    await sleep(4_000);
    expect(await read()).toBeLessThan(50_000);
  });
});
