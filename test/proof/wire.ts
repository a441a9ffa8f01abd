/** A wire between the service and something else, which can go dead: what is sent then arrives nowhere, and nobody is told. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Wire {
  readonly port: number;
  /** Dead from now on, for the connections that there are and for those to come; or alive again, for those to come. */
  readonly setDead: (isDead: boolean) => void;
  readonly close: () => Promise<void>;
}

export const startWire = async (target: () => number): Promise<Wire> => {
  let isDead = false;
  const sockets = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  const server = createServer((client) => {
    const track = (socket: Socket): void => {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    };
    track(client);
    if (isDead) {
      silent.add(client);
      return;
    }
    const upstream = connect(target(), '127.0.0.1');
    track(upstream);
    const carry = (from: Socket, to: Socket): void => {
      from.on('data', (bytes) => {
        if (!silent.has(client)) to.write(bytes);
      });
      from.on('close', () => {
        if (!silent.has(client)) to.destroy();
      });
    };
    carry(client, upstream);
    carry(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setDead: (dead) => {
      isDead = dead;
      for (const socket of sockets) if (dead) silent.add(socket);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
