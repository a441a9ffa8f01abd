/** One keep-alive HTTP/1.1 connection, one request at a time, on a bare socket: as cheap as Node has it. */
import { connect, type Socket } from 'node:net';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** What follows the path of every request: ` HTTP/1.1`, Host and Authorization. */
  readonly common: string;
}

/** Bytes as Latin-1: texts are equal where the bytes are. */
export interface Reply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** No reply: status 0, and why. */
type OnReply = (reply: Reply) => void;

export interface Connection {
  /** `text` is a whole request; one is sent when the one before it is answered. */
  readonly send: (text: string, onReply: OnReply) => void;
  readonly close: () => void;
}

export const targetOf = (url: string, key: string): Target => {
  const { hostname, port, host } = new URL(url);
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 80),
    common: ` HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n`,
  };
};

/** Larger than any reply but a bulk one: most arrive in one read. */
const READ_BYTES = 64 * 1024;
/** One for all connections: what was read is copied out before the next read. */
const buffer = Buffer.allocUnsafe(READ_BYTES);

export const createConnection = ({ host, port }: Target): Connection => {
  let socket: Socket | undefined;
  let text = '';
  let waiting: { readonly request: string; readonly onReply: OnReply } | undefined;
  /** A connection that was kept alive may be closed just when it is used: such a request is sent once more. */
  let isFirstUse = true;

  const answer = (reply: Reply): void => {
    const { onReply } = waiting ?? {};
    waiting = undefined;
    text = '';
    isFirstUse = false;
    onReply?.(reply);
  };

  const onRead = (bytes: number): boolean => {
    const piece = buffer.toString('latin1', 0, bytes);
    text = text === '' ? piece : text + piece;
    const reply = parseReply(text);
    if (reply) answer(reply);
    return true;
  };

  const open = (): Socket => {
    const opened = connect({ host, port, noDelay: true, onread: { buffer, callback: onRead } });
    let failure = 'closed before the answer';
    opened.on('error', (error) => (failure = error.message));
    opened.once('close', () => {
      if (socket === opened) socket = undefined;
      if (!waiting) return;
      const { request } = waiting;
      if (isFirstUse || text !== '') {
        answer({ status: 0, head: '', body: failure });
        return;
      }
      isFirstUse = true;
      socket = open();
      socket.write(request, 'latin1');
    });
    return opened;
  };

  return {
    send: (request, onReply) => {
      waiting = { request, onReply };
      if (!socket || socket.destroyed || !socket.writable) {
        isFirstUse = true;
        socket = open();
      }
      socket.write(request, 'latin1');
    },
    close: () => {
      waiting = undefined;
      socket?.destroy();
    },
  };
};

/** Undefined while it is incomplete. */
const parseReply = (text: string): Reply | undefined => {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const status = Number(text.slice(9, 12));
  const head = text.slice(0, end + 2);
  const length = headerOf(head, 'Content-Length');
  if (length === undefined) {
    const body = unchunked(text, end + 4);
    return body === undefined ? undefined : { status, head, body };
  }
  const last = end + 4 + Number(length);
  return text.length < last ? undefined : { status, head, body: text.slice(end + 4, last) };
};

/** As it is usually spelled, or in lower case. */
export const headerOf = (head: string, name: string): string | undefined => {
  let at = head.indexOf(`\r\n${name}: `);
  if (at < 0) at = head.indexOf(`\r\n${name.toLowerCase()}: `);
  if (at < 0) return undefined;
  const from = at + name.length + 4;
  return head.slice(from, head.indexOf('\r\n', from));
};

/** A chunked body put together; undefined while it is incomplete. */
const unchunked = (text: string, from: number): string | undefined => {
  let body = '';
  for (let at = from; ;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (size === 0) return text.startsWith('\r\n', line + 2) ? body : undefined;
    if (!(size > 0) || text.length < line + size + 4) return undefined;
    body += text.slice(line + 2, line + 2 + size);
    at = line + size + 4;
  }
};
