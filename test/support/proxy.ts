/** A wire that can be cut: between a client and a server that speak TCP. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterSuite } from './cleanup.ts';

/** What becomes of bytes on their way to the server. */
export type Fate =
  | 'forward'
  /** The client is cut off; the server gets neither these bytes nor a word of it, but a closed connection. */
  | 'lose'
  /** The client is cut off, and the server gets the bytes. */
  | 'deliver and cut'
  /** Nothing more passes, in either direction, and nobody is told. */
  | 'swallow'
  /** They wait until `release`. */
  | 'hold';

export interface Proxy {
  /** The server's URL, through this wire. */
  readonly url: string;
  /** Decides over all bytes that clients send from now on. */
  readonly judge: (fate: (bytes: Buffer) => Fate) => void;
  /** Delivers what was held. */
  readonly release: () => void;
  /** Cuts clients off; the server learns nothing of it. */
  readonly cutClients: () => void;
  /** Nothing more passes on the connections that there are, in either direction, and nobody is told. New ones work. */
  readonly silence: () => void;
  /** Cuts every connection, and refuses new ones while `refusing`. */
  readonly cut: (refusing: boolean) => void;
}

export const startProxy = async (target: string): Promise<Proxy> => {
  const { hostname, port } = new URL(target);
  let fateOf: (bytes: Buffer) => Fate = () => 'forward';
  let held: (() => void)[] = [];
  let refusing = false;
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  /** Clients who are gone without their server knowing. */
  const deserted = new WeakSet<Socket>();

  const server = createServer((client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    const isSwallowed = (): boolean => silent.has(client);
    clients.add(client);
    client.on('close', () => clients.delete(client));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    upstream.on('data', (bytes) => {
      if (!isSwallowed()) client.write(bytes);
    });
    upstream.on('close', () => {
      if (!isSwallowed()) client.destroy();
    });
    client.on('close', () => {
      if (!deserted.has(client)) upstream.end();
    });
    client.on('data', (bytes: Buffer) => {
      if (isSwallowed()) return;
      switch (fateOf(bytes)) {
        case 'forward':
          upstream.write(bytes);
          break;
        case 'lose':
          upstream.destroy();
          client.resetAndDestroy();
          break;
        case 'deliver and cut':
          upstream.end(bytes);
          client.resetAndDestroy();
          break;
        case 'swallow':
          silent.add(client);
          break;
        case 'hold':
          held.push(() => upstream.write(bytes));
          break;
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterSuite(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  const own = new URL(target);
  own.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: own.href.replace(/\/$/, ''),
    judge: (fate) => (fateOf = fate),
    release: () => {
      for (const deliver of held) deliver();
      held = [];
    },
    cutClients: () => {
      for (const client of clients) {
        deserted.add(client);
        client.resetAndDestroy();
      }
    },
    silence: () => {
      for (const client of clients) silent.add(client);
    },
    cut: (refuse) => {
      refusing = refuse;
      // What was delivered last arrives, though nobody hears what comes of it.
      for (const socket of sockets) if (!socket.writableEnded) socket.resetAndDestroy();
    },
  };
};
