/** Another merchant's charges, in a thread of their own: what they wait for is the service, and not who attacks it. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads';

export interface Charging {
  readonly url: string;
  readonly key: string;
  readonly customer: string;
  readonly seconds: number;
  /** Charges that begin in a second, whatever becomes of those before. */
  readonly ratePerS: number;
  /** Connections that he has open before the attack, as a server keeps some to whom it asks often; a new one waits its turn. */
  readonly kept: number;
}

export interface Charge {
  readonly ms: number;
  /** `paid`, or what was answered instead. */
  readonly code: string;
}

/** Longer than anybody waits. */
const PATIENCE_MS = 20_000;

/** Charges once `attack` has begun. */
export const chargeFor = async (charging: Charging, attack: () => Promise<void>): Promise<Charge[]> => {
  const worker = new Worker(new URL(import.meta.url), { workerData: charging });
  await once(worker, 'message');
  await attack();
  worker.postMessage('charge');
  const [charges] = (await once(worker, 'message')) as [Charge[]];
  await worker.terminate();
  return charges;
};

const charge = async ({ url, key, customer }: Charging): Promise<Charge> => {
  const startedAt = performance.now();
  const code = await fetch(`${url}/v1/payments`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${key}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': randomUUID(),
    },
    body: JSON.stringify({
      ...{ customer, amount: 100, currency: 'usd' },
      ...{ payment_method: 'pm_card_visa', confirm: true },
    }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
    .then(async (response) => {
      const { error } = (await response.json()) as { error?: { code: string } };
      return response.status === 201 ? 'paid' : (error?.code ?? String(response.status));
    })
    .catch((error: unknown) => (error instanceof Error ? error.name : 'lost'));
  return { ms: performance.now() - startedAt, code };
};

const keepConnections = async ({ url, kept }: Charging): Promise<void> => {
  const asked = Array.from({ length: kept }, () => fetch(`${url}/v1/items/none`).then((response) => response.text()));
  await Promise.all(asked);
};

const main = async (charging: Charging, port: MessagePort): Promise<void> => {
  await keepConnections(charging);
  port.postMessage('ready');
  await once(port, 'message');
  const charges: Promise<Charge>[] = [];
  for (let n = 0; n < charging.seconds * charging.ratePerS; n++) {
    charges.push(charge(charging));
    await sleep(1000 / charging.ratePerS);
  }
  port.postMessage(await Promise.all(charges));
};

if (!isMainThread && parentPort && (workerData as Partial<Charging> | null)?.ratePerS !== undefined)
  await main(workerData as Charging, parentPort);
