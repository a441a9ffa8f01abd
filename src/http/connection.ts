/**
 * Connections: how many requests of one are under way at a time, how long a reply may wait to be taken, what becomes of
 * bytes that are no request, and how all of them are ended so that no request is lost.
 *
 * A client may send the next request before it has read the reply to the last (pipelining). Node hands on whatever it
 * has read; here the rest waits its turn, so that nobody's share depends on how much he can write at once.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { asBytes, refusalOf, sendRaw, unreadable, type Refused } from './unreadable.ts';

/** More than any client keeps under way on one connection, and few enough that a connection is nobody's whole share. */
const AT_ONCE_MAX = 16;
/** Of replies that are not taken: beyond it, the next of the same connection waits until they are. */
const UNREAD_MAX_BYTES = 1024 * 1024;
/** Requests that are read and wait behind those, each some 3 KB: whoever sends more than this takes no replies. */
const AHEAD_MAX = 256;
/** As long as a client's own patience, and longer for what is being taken: slower than the worst of mobile networks is nobody. */
const TAKE_REPLY_MS = 20_000;
const TAKE_BYTES_PER_MS = 4;
/** What replies that are not taken hold together, beyond which whoever has held most for longest is cut off. */
const REPLIES_MAX_BYTES = 64 * 1024 * 1024;
const LOOK_EVERY_MS = 500;
/** For a last word to be read: a connection that is closed at once takes what its peer has not read yet with it. */
const LEAVE_MS = 1_000;
/** Of connections that are cut off together, so many in a turn of the loop: each takes a tenth of a millisecond. */
const CUT_AT_ONCE = 20;
/** For so long after a stop connections are accepted still, and idle ones kept, so that each is told with a reply to leave. */
const LINGER_MS = 2_000;
/** How often connections that were answered meanwhile are closed: kept alive, they would hold the server open. */
const CLOSE_IDLE_EVERY_MS = 50;

/** A request that has been read as far as its headers. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What is done with one: the same for all of them, since each request pays for what is made for it alone. */
export interface Handling {
  readonly run: (exchange: Exchange) => void;
  /** Its reply was taken, or its caller has hung up. */
  readonly onClose: (exchange: Exchange) => void;
}

interface Turn extends Exchange {
  readonly handling: Handling;
}

class Connection {
  /** Begun, and their replies not yet taken. */
  readonly replies = new Set<ServerResponse>();
  waiting: Turn[] = [];
  /** The latest that was read: of all, only its body may still be on its way. */
  latest: Exchange | undefined = undefined;
  /** Set once it can be read no further: says so, when everything before it is answered. */
  farewell: (() => void) | undefined = undefined;
  /** Since when something of its replies has always waited to be taken, and how much had been taken by then. */
  pending: { readonly since: number; readonly taken: number } | undefined = undefined;
}

export interface ConnectionLimits {
  readonly takeReplyMs: number;
  readonly repliesMaxBytes: number;
  readonly lookEveryMs: number;
}

export interface Connections {
  /** Runs it now or in its turn. */
  readonly take: (turn: Turn) => void;
  readonly drain: Drain;
}

/** Waits for the requests in flight, and those that come on connections that are there; after the deadline they are cut. */
export type Drain = (deadlineMs: number) => Promise<void>;

/** Follows the connections of a server that does not listen yet, from the first byte to the last. */
export const followConnections = (
  server: Server,
  {
    takeReplyMs = TAKE_REPLY_MS,
    repliesMaxBytes = REPLIES_MAX_BYTES,
    lookEveryMs = LOOK_EVERY_MS,
  }: Partial<ConnectionLimits> = {},
): Connections => {
  const connections = new Map<Socket, Connection>();
  let isDraining = false;

  const follow = (socket: Socket): Connection => {
    const connection = new Connection();
    connections.set(socket, connection);
    // Node takes its own listener off a socket that it hands over, and an error that nobody hears ends the process.
    socket.on('error', () => socket.destroy());
    forgetStacks(socket);
    socket.once('close', () => connections.delete(socket));
    return connection;
  };
  const of = (socket: Socket): Connection => connections.get(socket) ?? follow(socket);

  const begin = (socket: Socket, connection: Connection, turn: Turn): void => {
    const { response, handling } = turn;
    connection.replies.add(response);
    // Said once: `once` itself would cost as much again.
    response.on('close', () => {
      connection.replies.delete(response);
      handling.onClose(turn);
      goOn(socket, connection);
    });
    handling.run(turn);
  };

  const goOn = (socket: Socket, connection: Connection): void => {
    if (socket.destroyed) return;
    const next = hasRoom(connection) ? connection.waiting.shift() : undefined;
    if (next) {
      begin(socket, connection, next);
      if (connection.waiting.length === 0) readOn(socket, connection);
    } else if (connection.replies.size === 0) connection.farewell?.();
  };

  /** Where its replies are not taken, Node itself reads nothing more until they are. */
  const readOn = (socket: Socket, connection: Connection): void => {
    if (!connection.farewell && !socket.writableNeedDrain) socket.resume();
  };

  /** Says a last word, if there is one. Whoever does not hang up is cut off: Node counts some of these no more. */
  const leave = (socket: Socket, refusal?: Refused): void => {
    if (refusal) socket.end(asBytes(refusal));
    else socket.end();
    const timer = setTimeout(() => socket.destroy(), LEAVE_MS);
    socket.once('close', () => clearTimeout(timer));
  };

  const take = (turn: Turn): void => {
    const { socket } = turn.request;
    // What Node had read with the one that was too many.
    if (socket.destroyed) return;
    const connection = of(socket);
    const { latest: before } = connection;
    if (isDraining) {
      // It was told that nothing behind its last request is read.
      if (isLast(before?.response)) return;
      if (before && !before.response.headersSent) before.response.shouldKeepAlive = true;
      turn.response.shouldKeepAlive = false;
    }
    connection.latest = turn;
    if (hasRoom(connection)) {
      begin(socket, connection, turn);
      return;
    }
    if (connection.waiting.length >= AHEAD_MAX) {
      socket.destroy();
      return;
    }
    connection.waiting.push(turn);
    socket.pause();
  };

  /** Thousands may have been begun together, whose time is up together. */
  const late: (() => void)[] = [];
  const cutSome = (): void => {
    for (const cut of late.splice(0, CUT_AT_ONCE)) cut();
    if (late.length > 0) setImmediate(cutSome);
  };
  const cutInTurn = (cut: () => void): void => {
    late.push(cut);
    if (late.length === 1) setImmediate(cutSome);
  };

  /** Node's parser gives up on a connection; what came before is answered first, in words that are true of it. */
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const connection = of(socket);
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') cutInTurn(() => giveUp(socket, connection, error));
    else giveUp(socket, connection, error);
  });
  const giveUp = (socket: Socket, connection: Connection, error: NodeJS.ErrnoException): void => {
    if (connection.farewell || socket.destroyed) return;
    const { latest } = connection;
    const refusal = unreadable(error);
    // A request that was refused for what its headers say has its reply: its body gets no other.
    const isAnswered = latest !== undefined && !latest.request.complete && latest.response.headersSent;
    connection.farewell = () => leave(socket, isAnswered ? undefined : refusal);
    socket.pause();
    // The caller's half of the connection is closed: he has most likely gone, and counts as one who hung up.
    if (error.code === 'HPE_INVALID_EOF_STATE' && connection.replies.size === 1 && !latest?.request.complete)
      connection.farewell();
    else if (latest && !latest.request.complete && !latest.response.headersSent) {
      // It is this one's body that cannot be read, or does not come: none of it was done, and its reply says so.
      connection.farewell = () => leave(socket);
      sendRaw(latest.response, refusal);
    } else if (connection.replies.size === 0 && connection.waiting.length === 0) connection.farewell();
  };
  server.on('checkExpectation', (request, response) => {
    const refusal = refusalOf(417, 'Expect: nothing but 100-continue can be expected.', { param: 'Expect' });
    const handling: Handling = { run: () => sendRaw(response, refusal), onClose: () => undefined };
    take({ request, response, handling });
  });
  // Node's parser has left it by then. It is answered behind whatever was asked before it.
  server.on('connect', (_request, duplex) => {
    const socket = duplex as Socket;
    const connection = of(socket);
    connection.farewell = () => {
      leave(socket, refusalOf(405, 'There is no such route: this is no proxy.'));
      socket.resume();
    };
    if (connection.replies.size === 0 && connection.waiting.length === 0) connection.farewell();
  });
  server.on('connection', follow);
  // Who has said all he has to say may still listen: Node alone would end what he asked for without a word.
  Object.assign(server, { httpAllowHalfOpen: true });

  const look = (): void => {
    const now = performance.now();
    const held: { readonly socket: Socket; readonly bytes: number; readonly weight: number }[] = [];
    let heldBytes = 0;
    for (const [socket, connection] of connections) {
      if (socket.writableLength === 0) {
        connection.pending = undefined;
        continue;
      }
      const taken = takenOf(socket);
      connection.pending ??= { since: now, taken };
      const patienceMs = takeReplyMs + (taken - connection.pending.taken) / TAKE_BYTES_PER_MS;
      if (now - connection.pending.since > patienceMs) {
        socket.destroy();
        continue;
      }
      const bytes = bytesOf(connection);
      heldBytes += bytes;
      held.push({ socket, bytes, weight: bytes * (1 + now - connection.pending.since) });
    }
    if (heldBytes <= repliesMaxBytes) return;
    for (const { socket, bytes } of held.sort((a, b) => b.weight - a.weight)) {
      socket.destroy();
      heldBytes -= bytes;
      if (heldBytes <= repliesMaxBytes) return;
    }
  };
  const looking = setInterval(look, lookEveryMs).unref();
  server.once('close', () => clearInterval(looking));

  /**
   * A connection that is closed while its client sends the next request loses it. So each is told first, with the latest
   * of its replies, that it was the last one, and is the client's to leave.
   */
  const drain: Drain = (deadlineMs) =>
    new Promise((resolve) => {
      isDraining = true;
      for (const { latest } of connections.values())
        if (latest && !latest.response.headersSent) latest.response.shouldKeepAlive = false;

      let tick: NodeJS.Timeout | undefined;
      const deadline = setTimeout(() => connections.forEach((_, socket) => socket.destroy()), deadlineMs);
      const stopListening = (): void => {
        server.close(() => {
          clearInterval(tick);
          clearTimeout(deadline);
          resolve();
        });
        tick = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
      };
      const lingerUntil = performance.now() + Math.min(LINGER_MS, deadlineMs / 2);
      const linger = (): void => {
        if (connections.size === 0 || performance.now() > lingerUntil) stopListening();
        else setTimeout(linger, CLOSE_IDLE_EVERY_MS);
      };
      linger();
    });

  return { take, drain };
};

const isLast = (response: ServerResponse | undefined): boolean =>
  response !== undefined && response.headersSent && !response.shouldKeepAlive;

/**
 * Of each request that is under way when its connection closes, Node makes an error, and its stack, which nobody reads:
 * of thousands that hang up together, half of the time that the loop is held.
 */
const forgetStacks = (socket: Socket): void => {
  const { stackTraceLimit } = Error;
  socket.prependOnceListener('close', () => (Error.stackTraceLimit = 0));
  socket.once('close', () => (Error.stackTraceLimit = stackTraceLimit));
};

/** Whether one more of it may begin: there are few, and what they answer is taken. */
const hasRoom = (connection: Connection): boolean => {
  const { size } = connection.replies;
  return size === 0 || (size < AT_ONCE_MAX && bytesOf(connection) < UNREAD_MAX_BYTES);
};

/** What its replies hold, of which those that wait for one before them are whole. */
const bytesOf = ({ replies }: Connection): number => {
  let bytes = 0;
  for (const { writableLength } of replies) bytes += writableLength;
  return bytes;
};

/** How many bytes the kernel has taken of what was written: Node's own timeouts look there too. */
const takenOf = (socket: Socket): number => {
  const { _handle: handle } = socket as { _handle?: { bytesWritten: number; writeQueueSize: number } | null };
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0;
};
