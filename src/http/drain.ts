/**
 * The end of a server, at which no request is lost. A connection that is closed while its client sends the next request
 * loses it; so each is first told, with its next reply, that it was the last one, and is the client's to leave.
 */
import type { OutgoingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** For so long new connections are accepted still, and clients that are busy get the reply that tells them to leave. */
const LINGER_MS = 400;
/** How often connections that were answered meanwhile are closed: kept alive, they would hold the server open. */
const CLOSE_IDLE_EVERY_MS = 50;

/** Follows the connections of a server that does not listen yet. What it answers drains it; see `Drain`. */
export const createDrain = (server: Server): Drain => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return (deadlineMs) => drain(server, sockets, deadlineMs);
};

/** Waits for the requests in flight, and those that come on connections that are there; after the deadline they are cut. */
export type Drain = (deadlineMs: number) => Promise<void>;

const drain = (server: Server, sockets: ReadonlySet<Socket>, deadlineMs: number): Promise<void> =>
  new Promise((resolve) => {
    server.prependListener('request', (_request, response) => sayLast(response));
    for (const socket of sockets) sayLast(replyOn(socket));

    let tick: NodeJS.Timeout | undefined;
    const deadline = setTimeout(() => sockets.forEach((socket) => socket.destroy()), deadlineMs);
    const stopListening = (): void => {
      server.close(() => {
        clearInterval(tick);
        clearTimeout(deadline);
        resolve();
      });
      tick = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
    };
    if (sockets.size === 0) stopListening();
    else setTimeout(stopListening, Math.min(LINGER_MS, deadlineMs / 2));
  });

const sayLast = (reply: OutgoingMessage | undefined): void => {
  if (reply && !reply.headersSent) reply.shouldKeepAlive = false;
};

/** Node keeps the reply that a connection is busy with there, under a name that many rely on. */
const replyOn = (socket: Socket): OutgoingMessage | undefined =>
  (socket as { _httpMessage?: OutgoingMessage })._httpMessage;
