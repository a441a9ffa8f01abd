import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { afterSuite } from '../support/cleanup.ts';
import { CHARGE, failureOf, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe, raw } = sandbox;

interface Received {
  readonly body: string;
  readonly signature: string;
}
const received: Received[] = [];
let refusals = 0;
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    response.statusCode = refusals > 0 ? 500 : 200;
    if (refusals > 0) refusals--;
    else received.push({ body, signature: String(request.headers['stripe-signature']) });
    response.setHeader('Connection', 'close');
    response.end();
  });
});
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');
afterSuite(() => new Promise((resolve) => receiver.close(resolve)));
const address = receiver.address();
const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/hook`;

const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ['payment_intent.succeeded'] });
const pay = () => stripe.paymentIntents.create({ ...CHARGE, capture_method: 'automatic' });
const setFault = (fault: object) =>
  raw('POST', '/_sandbox/faults', { body: JSON.stringify(fault), headers: { 'Content-Type': 'application/json' } });

/** What was received, once nothing is left to be delivered. */
const delivered = async (): Promise<Received[]> => {
  while ((await raw('GET', '/_sandbox/count')).json.deliveries_pending > 0);
  return received.splice(0);
};
const intentsOf = (deliveries: Received[]): string[] => deliveries.map(({ body }) => JSON.parse(body).data.object.id);

describe('webhooks of the sandbox', () => {
  test('tell an endpoint of the events that it wants, signed with its secret', async () => {
    expect(endpoint.secret).toMatch(/^whsec_\w{32}$/);
    const intent = await pay();
    const [delivery, ...more] = await delivered();
    expect(more).toEqual([]);
    const event = Stripe.webhooks.constructEvent(delivery!.body, delivery!.signature, endpoint.secret!);
    expect(event).toMatchObject({ type: 'payment_intent.succeeded', data: { object: { id: intent.id } } });
    expect(await stripe.events.retrieve(event.id)).toMatchObject({ id: event.id });
    expect(() => Stripe.webhooks.constructEvent(`${delivery!.body} `, delivery!.signature, endpoint.secret!)).toThrow();
  });

  test('never show the secret again', async () => {
    expect(await stripe.webhookEndpoints.retrieve(endpoint.id)).not.toHaveProperty('secret');
  });

  test('are sent again, later, when the endpoint did not take them', async () => {
    refusals = 2;
    const intent = await pay();
    while (received.length === 0) await sandbox.advance(3600);
    expect(intentsOf(await delivered())).toEqual([intent.id]);
  });

  test('survive the kill of the sandbox', async () => {
    await setFault({ kind: 'webhook_delay', ms: 60_000 });
    const intent = await pay();
    await sandbox.kill('SIGKILL');
    await sandbox.restart();
    await sandbox.advance(61);
    expect(intentsOf(await delivered())).toEqual([intent.id]);
  });

  test('may be duplicated and dropped', async () => {
    await setFault({ kind: 'webhook_duplicate', event: 'payment_intent.*', count: 1 });
    const twice = await pay();
    expect(intentsOf(await delivered())).toEqual([twice.id, twice.id]);
    await setFault({ kind: 'webhook_drop', event: 'payment_intent.*', count: 1 });
    await pay();
    expect(await delivered()).toEqual([]);
    await raw('DELETE', '/_sandbox/faults');
  });

  test('may be reordered', async () => {
    await setFault({ kind: 'webhook_reorder', ms: 3_600_000, seed: 1 });
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.push((await pay()).id);
    await raw('DELETE', '/_sandbox/faults');
    await sandbox.advance(3600);
    const order = intentsOf(await delivered());
    expect([...order].sort()).toEqual([...ids].sort());
    expect(order).not.toEqual(ids);
  });

  test('are sent by hand', async () => {
    const intent = await pay();
    const [first] = await delivered();
    const { id } = JSON.parse(first!.body);
    expect((await raw('POST', `/_sandbox/events/${id}/send`)).json).toEqual({ event: id, endpoints: 1 });
    expect(intentsOf(await delivered())).toEqual([intent.id]);
    expect((await raw('POST', '/_sandbox/events/evt_none/send')).status).toBe(404);
  });

  test('stop when the endpoint is disabled or deleted', async () => {
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    await pay();
    expect(await delivered()).toEqual([]);
    await stripe.webhookEndpoints.update(endpoint.id, { disabled: false });
    await pay();
    expect(await delivered()).toHaveLength(1);
    await stripe.webhookEndpoints.del(endpoint.id);
    await pay();
    expect(await delivered()).toEqual([]);
    expect((await failureOf(stripe.webhookEndpoints.retrieve(endpoint.id))).statusCode).toBe(404);
  });

  test('tell the address of the environment of everything, with the secret of the environment', async () => {
    const own = await startSandbox({ SANDBOX_WEBHOOK_URL: url, SANDBOX_WEBHOOK_SECRET: 'whsec_own' });
    await own.kill('SIGTERM');
    await own.restart();
    await own.stripe.customers.create({ name: 'Ada' });
    while (received.length === 0) await own.raw('GET', '/_sandbox/health');
    const [delivery, ...more] = received.splice(0);
    expect(more).toEqual([]);
    expect(Stripe.webhooks.constructEvent(delivery!.body, delivery!.signature, 'whsec_own').type).toBe(
      'customer.created',
    );
  });
});
