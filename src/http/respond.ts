/** From a reply, or an error, to bytes on the wire. */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import { errorReply } from '../domain/reply.ts';
import type { ErrorView } from '../domain/views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { pack, PACKED_FROM } from './pack.ts';
import type { RequestRecord } from './record.ts';

/** A reply with headers of its own. */
export interface HttpReply<View = unknown> extends Reply<View> {
  readonly headers?: Readonly<Record<string, string>>;
  /** In the place of a body: text that is made as it is taken. Its `Content-Type` stands in the headers. */
  readonly stream?: Readable;
}

/** Sends a reply, unless its caller has hung up. Money is never cached by anyone on the way. */
export const sendReply = (request: Request, response: Response, reply: HttpReply): void => {
  if (reply.stream) {
    sendStream(request, response, reply, reply.stream);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  // A page that says what is wrong stays a page.
  const problem = reply.status >= 400 && reply.headers?.['Content-Type'] === undefined && wantsProblem(request);
  const body = problem ? problemOf(reply) : reply.body;
  const headers = {
    'Content-Type': problem ? 'application/problem+json' : 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    ...(reply.replayed ? { 'Idempotent-Replayed': 'true' } : {}),
    ...reply.headers,
  };
  if (body.length < PACKED_FROM || request.method === 'HEAD') sendBytes(request, response, reply.status, body, headers);
  else sendPacked(request, response, reply.status, body, headers);
};

/** What a request came to, for log and metrics: the cause of an error goes there, and nowhere else. */
export const noteError = (ctx: Pick<Context, 'log'>, record: RequestRecord, error: PaymentError): void => {
  record.error = error;
  if (error.code === 'internal')
    ctx.log.error({ err: error.cause, 'request.id': record.requestId, 'http.route': record.route }, 'internal error');
};

/** The one way in which an error leaves, where no page says it. */
export const sendError = (
  ctx: Pick<Context, 'log'>,
  request: Request,
  response: Response,
  record: RequestRecord,
  error: PaymentError,
): void => {
  noteError(ctx, record, error);
  const headers = error.retryAfterS === undefined ? undefined : { 'Retry-After': String(error.retryAfterS) };
  sendReply(request, response, { ...errorReply(error, record.requestId), ...(headers ? { headers } : {}) });
};

/**
 * Sends text as fast as it is taken, and no faster. Where it breaks off, so does the reply, so that nobody takes a part of
 * it for the whole; and where its reader hangs up, it is made no further.
 */
const sendStream = (request: Request, response: Response, { status, headers }: HttpReply, stream: Readable): void => {
  if (response.headersSent || response.destroyed || request.method === 'HEAD') stream.destroy();
  if (response.headersSent || response.destroyed) return;
  const { record } = request;
  const list = ['Request-Id', record.requestId, 'Cache-Control', 'no-store'];
  for (const [name, value] of Object.entries(headers ?? {})) list.push(name, value);
  response.writeHead(status, list.concat(record.headers));
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  pipeline(stream, response, (cause) => {
    if (cause && cause.code !== HUNG_UP) record.error = paymentError('internal', { cause, outcome: 'none' });
  });
};
const HUNG_UP = 'ERR_STREAM_PREMATURE_CLOSE';

/** Packed where its caller takes that. */
const sendPacked = (
  request: Request,
  response: Response,
  status: number,
  body: string,
  plain: Readonly<Record<string, string>>,
): void => {
  const { Vary: besides } = plain;
  const headers = { ...plain, Vary: besides === undefined ? 'Accept-Encoding' : `${besides}, Accept-Encoding` };
  const packing = pack(request, body);
  if (!packing) {
    sendBytes(request, response, status, body, headers);
    return;
  }
  void packing.then((packed) => {
    if (response.headersSent || response.destroyed) return;
    if (packed) sendBytes(request, response, status, packed.bytes, { ...headers, 'Content-Encoding': packed.encoding });
    else sendBytes(request, response, status, body, headers);
  });
};

/** All headers in one list: set one by one, they would cost as much as the rest of a small request. */
export const sendBytes = (
  request: Request,
  response: Response,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>>,
): void => {
  const list = ['Request-Id', request.record.requestId, 'Content-Length', String(Buffer.byteLength(body))];
  for (const name of Object.keys(headers)) list.push(name, headers[name] ?? '');
  response.writeHead(status, list.concat(request.record.headers));
  endTogether(response, request.method === 'HEAD' || status === 304 ? undefined : body);
};

/** A text of megabytes takes half as long again to become bytes: it does in the next turn of the loop, where others come first. */
const LARGE_CHARACTERS = 256 * 1024;
/** A wake-up that so many share costs none of them much; a later end would only keep the first of them waiting. */
const TOGETHER_MAX = 64;

interface Ending {
  readonly response: ServerResponse;
  readonly body: string | Buffer | undefined;
}
let endings: Ending[] = [];
/**
 * Ends a reply whose head is made, with the others of this turn of the loop. The first that is sent wakes up whoever waits
 * for it, a proxy or a client of many connections, and on a virtual machine that takes as long as a small request; the
 * others find its process running.
 */
export const endTogether = (response: ServerResponse, body: string | Buffer | undefined): void => {
  if (typeof body === 'string' && body.length > LARGE_CHARACTERS) {
    setImmediate(() => setImmediate(() => response.destroyed || response.end(body)));
    return;
  }
  endings.push({ response, body });
  if (endings.length === 1) setImmediate(endAll);
  else if (endings.length === TOGETHER_MAX) endAll();
};

const endAll = (): void => {
  const together = endings;
  endings = [];
  for (const { response, body } of together) if (!response.destroyed) response.end(body);
};

const wantsProblem = (request: Request): boolean =>
  request.headers.accept?.includes('application/problem+json') ?? false;

/** RFC 9457: https://www.rfc-editor.org/rfc/rfc9457 */
const problemOf = ({ status, body }: Reply): string => {
  const { error } = JSON.parse(body) as { error: ErrorView };
  const { doc_url: type, message: detail, request_id: instance, type: kind, ...rest } = error;
  return JSON.stringify({ type, title: STATUS_CODES[status], status, detail, instance, kind, ...rest });
};
