/** What is said to bytes that are no request, and to requests that Node would refuse by itself, without a word. */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import { errorReply } from '../domain/reply.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { SECURITY_HEADERS } from './headers.ts';
import { newRecord } from './record.ts';

export interface Refused {
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

export const unreadable = ({ code = '' }: NodeJS.ErrnoException): Refused => {
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
export const asBytes = (refused: Refused): string => {
  const { status, headers, body } = render(refused);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  for (let at = 1; at < headers.length; at += 2) lines.push(`${headers[at - 1] ?? ''}: ${headers[at] ?? ''}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
};
