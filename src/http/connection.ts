/**
 * Connections: how many requests of one are under way at a time, how long a reply may wait to be taken, and what becomes
 * of bytes that are no request.
 *
 * A client may send the next request before it has read the reply to the last (pipelining). Node hands on whatever it
 * has read; here the rest waits its turn, so that nobody's share depends on how much he can write at once.
 */
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errorReply } from '../domain/reply.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { SECURITY_HEADERS } from './headers.ts';
import { newRecord } from './record.ts';

/** More than any client keeps under way on one connection, and few enough that a connection is nobody's whole share. */
const AT_ONCE_MAX = 16;
/** Requests that are read and wait behind those, each some 3 KB: whoever sends more than this takes no replies. */
const AHEAD_MAX = 256;
/** As long as a client's own patience: a reply of which nothing was taken meanwhile has nobody who waits for it. */
const TAKE_REPLY_MS = 20_000;
const LOOK_EVERY_MS = 5_000;
/** For a last word to be read: a connection that is closed at once takes what its peer has not read yet with it. */
const LEAVE_MS = 1_000;

/** A request that has been read as far as its headers. */
interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly run: () => void;
  /** Its reply was taken, or its caller has hung up. */
  readonly onClose: () => void;
}

class Connection {
  /** Begun, and their replies not yet taken. */
  underWay = 0;
  waiting: Turn[] = [];
  /** The latest that was read: of all, only its body may still be on its way. */
  latest: Pick<Turn, 'request' | 'response'> | undefined = undefined;
  /** Nothing more is read from it for a while. */
  isResting = false;
  /** Set once it can be read no further: says so, when everything before it is answered. */
  farewell: (() => void) | undefined = undefined;
  /** Bytes that were taken by the last look, and since when that many. */
  taken = 0;
  takenSince = 0;
}

export interface Connections {
  /** Runs it now or in its turn. */
  readonly take: (turn: Turn) => void;
  /** Reads nothing more from a connection for that long: its caller was asked to come again, and not before. */
  readonly rest: (socket: Socket, ms: number) => void;
}

/** Follows the connections of a server, from the first byte to the last. */
export const followConnections = (server: Server): Connections => {
  const connections = new Map<Socket, Connection>();

  const follow = (socket: Socket): Connection => {
    const connection = new Connection();
    connections.set(socket, connection);
    // Node takes its own listener off a socket that it hands over, and an error that nobody hears ends the process.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => connections.delete(socket));
    return connection;
  };
  const of = (socket: Socket): Connection => connections.get(socket) ?? follow(socket);

  const begin = (socket: Socket, connection: Connection, turn: Turn): void => {
    connection.underWay++;
    turn.response.once('close', () => {
      connection.underWay--;
      turn.onClose();
      goOn(socket, connection);
    });
    turn.run();
  };

  const goOn = (socket: Socket, connection: Connection): void => {
    if (socket.destroyed) return;
    const next = connection.waiting.shift();
    if (next) {
      begin(socket, connection, next);
      if (connection.waiting.length === 0) readOn(socket, connection);
    } else if (connection.underWay === 0) connection.farewell?.();
  };

  /** Where its replies are not taken, Node itself reads nothing more until they are. */
  const readOn = (socket: Socket, connection: Connection): void => {
    if (!connection.isResting && !connection.farewell && !socket.writableNeedDrain) socket.resume();
  };

  const rest = (socket: Socket, ms: number): void => {
    const connection = of(socket);
    connection.isResting = true;
    socket.pause();
    setTimeout(() => {
      connection.isResting = false;
      if (connection.waiting.length === 0) readOn(socket, connection);
    }, ms).unref();
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
    const connection = of(socket);
    connection.latest = turn;
    if (connection.underWay < AT_ONCE_MAX) {
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

  /** Node's parser gives up on a connection; what came before is answered first, in words that are true of it. */
  server.on('clientError', (error: NodeJS.ErrnoException, duplex) => {
    const socket = duplex as Socket;
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const connection = of(socket);
    if (connection.farewell) return;
    const { latest } = connection;
    const refusal = unreadable(error);
    connection.farewell = () => leave(socket, refusal);
    socket.pause();
    // The caller's half of the connection is closed: he has most likely gone, and counts as one who hung up.
    if (error.code === 'HPE_INVALID_EOF_STATE' && connection.underWay === 1 && !latest?.request.complete)
      connection.farewell();
    else if (latest && !latest.request.complete && !latest.response.headersSent) {
      // It is this one's body that cannot be read, or does not come: none of it was done, and its reply says so.
      connection.farewell = () => leave(socket);
      sendRaw(latest.response, refusal);
    } else if (connection.underWay === 0 && connection.waiting.length === 0) connection.farewell();
  });
  server.on('checkExpectation', (request, response) => {
    const refusal = refusalOf(417, 'Expect: nothing but 100-continue can be expected.', { param: 'Expect' });
    take({ request, response, run: () => sendRaw(response, refusal), onClose: () => undefined });
  });
  // Node's parser has left it by then. It is answered behind whatever was asked before it.
  server.on('connect', (_request, duplex) => {
    const socket = duplex as Socket;
    const connection = of(socket);
    connection.farewell = () => {
      leave(socket, refusalOf(405, 'There is no such route: this is no proxy.'));
      socket.resume();
    };
    if (connection.underWay === 0 && connection.waiting.length === 0) connection.farewell();
  });
  server.on('connection', follow);
  // Who has said all he has to say may still listen: Node alone would end what he asked for without a word.
  Object.assign(server, { httpAllowHalfOpen: true });

  const look = (): void => {
    const now = performance.now();
    for (const [socket, connection] of connections) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || taken !== connection.taken) {
        connection.taken = taken;
        connection.takenSince = now;
      } else if (now - connection.takenSince > TAKE_REPLY_MS) socket.destroy();
    }
  };
  const looking = setInterval(look, LOOK_EVERY_MS).unref();
  server.once('close', () => clearInterval(looking));

  return { take, rest };
};

interface Refused {
  readonly error: PaymentError;
  readonly headers: readonly string[];
}

/** What Node would say by itself, without a word. Nothing was begun. */
export const refusalOf = (status: number, message: string, detail: { readonly param?: string } = {}): Refused => ({
  error: paymentError(status === 405 ? 'route_not_found' : 'invalid_request', { ...detail, status, message }),
  headers: status === 405 ? ['Allow', 'GET, HEAD, POST, DELETE, OPTIONS'] : [],
});

/** Node's own statuses for these; anything else that its parser refuses is a 400. */
const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const unreadable = ({ code = '' }: NodeJS.ErrnoException): Refused => {
  const status = STATUS_OF[code] ?? 400;
  return refusalOf(status, `The request could not be read: ${(STATUS_CODES[status] ?? '').toLowerCase()}.`);
};

interface Rendered {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

const render = ({ error, headers }: Refused): Rendered => {
  const { requestId } = newRecord('');
  const { status, body } = errorReply(error, requestId);
  const own = ['Connection', 'close', 'Content-Type', 'application/json; charset=utf-8', 'Cache-Control', 'no-store'];
  own.push('Content-Length', String(Buffer.byteLength(body)), 'Request-Id', requestId, ...SECURITY_HEADERS);
  return { status, headers: [...own, ...headers], body };
};

/** Through the response, which waits for those before it. The connection ends with it. */
export const sendRaw = (response: ServerResponse, refused: Refused): void => {
  if (response.headersSent) return;
  const { status, headers, body } = render(refused);
  response.writeHead(status, [...headers]);
  response.end(body);
};

/** Where there is no response to write to. */
const asBytes = (refused: Refused): string => {
  const { status, headers, body } = render(refused);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  for (let at = 1; at < headers.length; at += 2) lines.push(`${headers[at - 1] ?? ''}: ${headers[at] ?? ''}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
};
