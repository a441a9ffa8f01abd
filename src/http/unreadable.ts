/** What never becomes a request: bytes that are no HTTP, headers that are too large, a request that does not arrive. */
import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorReply } from '../domain/reply.ts';
import { paymentError } from '../error.ts';

/** Node's own statuses for these; anything else that its parser refuses is a 400. */
const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** For the server's `clientError`: Node alone would answer without a word. The connection ends with it. */
export const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF[error.code ?? ''] ?? 400;
  const requestId = `req_${randomBytes(9).toString('base64url')}`;
  const message = `The request could not be read: ${(STATUS_CODES[status] ?? '').toLowerCase()}.`;
  const { body } = errorReply(paymentError('invalid_request', { message }), requestId);
  const head = [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    'Cache-Control: no-store',
    `Request-Id: ${requestId}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
};
