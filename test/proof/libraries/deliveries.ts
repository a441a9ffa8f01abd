/** What a receiver hears of a running service, before and after the secret of its endpoint is replaced twice. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../../src/platform/process.ts';
import { newSecret } from '../../../src/webhooks/sign.ts';
import { embedded, withoutNpm, type World } from '../../support/world.ts';

/** One delivery as it was heard. */
export interface Delivery {
  /** Byte for byte, as it came in. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** All that were in force: each verifies. */
  readonly secrets: readonly string[];
  readonly stranger: string;
}

/** A payment tells of several events; each delivery takes a few milliseconds on an idle machine. */
const HEARD_WITHIN_MS = 30_000;

/**
 * Starts a service, makes an endpoint and a payment, replaces the endpoint's secret twice, and makes another payment:
 * the deliveries of both.
 */
export const hearDeliveries = async (world: World): Promise<Delivery[]> => {
  const heard: { body: string; headers: IncomingHttpHeaders }[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard.push({ body: Buffer.concat(chunks).toString(), headers: request.headers });
      response.end();
    });
  });
  await new Promise<void>((go) => receiver.listen(0, '127.0.0.1', go));
  const service = await world.start(withoutNpm(await embedded(world)));
  try {
    const post = async (path: string, body: object): Promise<{ id: string; secret: string }> => {
      const response = await fetch(service.url + path, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${world.apiKey}`,
          'Content-Type': 'application/json',
          'Idempotency-Key': crypto.randomUUID(),
        },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
      return (await response.json()) as { id: string; secret: string };
    };
    const customer = await post('/v1/customers', { name: 'Zoë Çelik' });
    const endpoint = await post('/v1/webhook_endpoints', {
      url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
      enabled_events: ['payment.succeeded'],
    });
    const rotate = async (): Promise<string> =>
      (await post(`/v1/webhook_endpoints/${endpoint.id}/rotate_secret`, {})).secret;
    /** Pays, and answers what is heard of it. */
    const pay = async (secrets: readonly string[]): Promise<Delivery> => {
      const before = heard.length;
      await post('/v1/payments', {
        ...{ customer: customer.id, amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
        description: 'café ☕ “№ 1”',
      });
      await until(() => Promise.resolve(heard.length > before), HEARD_WITHIN_MS);
      const [delivery] = heard.slice(before);
      if (!delivery) throw new Error('no delivery was heard of a payment');
      const headers = Object.entries(delivery.headers).map(([name, value]) => [name, String(value)]);
      return { body: delivery.body, headers: Object.fromEntries(headers), secrets, stranger: newSecret() };
    };
    const first = await pay([endpoint.secret]);
    return [first, await pay([endpoint.secret, await rotate(), await rotate()])];
  } finally {
    // Stopped in order it would take Postgres and the sandbox with it.
    await service.kill();
    receiver.closeAllConnections();
    await new Promise((go) => receiver.close(go));
  }
};
