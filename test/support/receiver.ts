/** A merchant's server: hears webhooks, and answers as a test wants it to. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterSuite } from './cleanup.ts';

export interface Heard {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly data: { readonly object: { readonly id: string } };
  };
}

export interface Receiver {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** Waits until that many were heard, from the beginning. */
  readonly hears: (count: number) => Promise<readonly Heard[]>;
  /** The most requests that were open at once. */
  readonly openMax: () => number;
}

/** `answer` is given each request, and how many came before it. Closed with the suite. */
export const startReceiver = async (
  answer: (response: ServerResponse, before: number) => void = (response) => response.end(),
): Promise<Receiver> => {
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  let open = 0;
  let openMax = 0;
  const server = createServer((request, response) => {
    openMax = Math.max(openMax, ++open);
    response.on('close', () => open--);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const headers = asText(request.headers);
      heard.push({ id: headers['webhook-id'] ?? '', headers, body, event: JSON.parse(body) as Heard['event'] });
      answer(response, heard.length - 1);
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go));
  afterSuite(async () => {
    server.closeAllConnections();
    await new Promise((go) => server.close(go));
  });
  const hears = (count: number): Promise<readonly Heard[]> =>
    new Promise((go) => {
      const look = (): void => {
        if (heard.length < count) return;
        waiting.delete(look);
        go(heard);
      };
      waiting.add(look);
      look();
    });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, heard, hears, openMax: () => openMax };
};

const asText = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
