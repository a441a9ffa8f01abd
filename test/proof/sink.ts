/** A server of nothing, in a process of its own: what is sent there costs its sender and the machine what it costs, and the service nothing. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Sink {
  readonly url: string;
  readonly close: () => void;
}

export const startSink = async (): Promise<Sink> => {
  const child = fork(new URL(import.meta.url), ['sink']);
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, close: () => child.kill() };
};

if (process.argv[2] === 'sink') {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(503).end('{}');
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
    process.send?.((server.address() as AddressInfo).port),
  );
}
