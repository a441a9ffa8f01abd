/** The door: where every request comes in, unless the house is full, and goes out again. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { errorReply } from '../domain/reply.ts';
import { paymentError } from '../error.ts';
import type { Admission, AdmissionClass, Refusal, SeenKeys } from '../monitor/admission.ts';
import { newRecord, type RequestRecord } from './record.ts';
import type { Route } from './route.ts';

export interface DoorOptions {
  readonly admission: Admission;
  readonly seen: SeenKeys;
  readonly routes: readonly Pick<Route, 'method' | 'path' | 'class'>[];
  readonly retryAfterS: () => number;
  /** Runs what a request asks for, so that whatever blocks the event loop on its behalf is known to be its doing. */
  readonly follow: (record: RequestRecord, run: () => void) => void;
  readonly onRefused: (reason: Refusal, serviceClass: AdmissionClass) => void;
  /** Called once for each request that was let in, when it has ended or its caller has hung up. */
  readonly onEnd: (record: RequestRecord, status: number, durationMs: number) => void;
}

/** Lets a request in, or answers 503 `overloaded`. It comes before Express: a refusal must cost next to nothing. */
export const createDoor = (options: DoorOptions, listener: RequestListener): RequestListener => {
  const { admission, seen, onRefused, onEnd, follow, retryAfterS } = options;
  const classOf = createClassOf(options.routes);

  return (request, response) => {
    const serviceClass = classOf(request.method ?? 'GET', request.url ?? '/');
    const key = keyOf(request);
    const isRepeat = key !== undefined && seen.has(key);
    const refusal = admission.enter(serviceClass, isRepeat);
    if (refusal) {
      onRefused(refusal, serviceClass);
      refuse(request, response, retryAfterS());
      return;
    }
    if (key !== undefined) seen.add(key);

    const record = newRecord(request.method ?? 'GET');
    request.record = record;
    response.once('close', () => {
      admission.leave(serviceClass);
      // 499, as nginx has it: the caller hung up before there was an answer.
      const status = response.writableFinished ? response.statusCode : 499;
      onEnd(record, status, performance.now() - record.startedAt);
    });
    follow(record, () => listener(request, response));
  };
};

/** An idempotency key is one merchant's: what tells callers apart is a part of it. */
const keyOf = ({ headers }: IncomingMessage): string | undefined => {
  const key = headers['idempotency-key'];
  return typeof key === 'string' && key.length <= 255 ? `${headers.authorization?.slice(-12) ?? ''} ${key}` : undefined;
};

/** `/v1/payments/:id`: its words, and which of them stand for anything. */
const shapeOf = (path: string): { readonly words: readonly string[]; readonly isParameter: readonly boolean[] } => {
  const words = path.split('/').slice(1);
  return { words, isParameter: words.map((word) => word.startsWith(':')) };
};

/** By the table of routes. What matches none is refused as a read; what is not ours to refuse is let in. */
const createClassOf = (routes: DoorOptions['routes']): ((method: string, url: string) => AdmissionClass) => {
  const byDepth = new Map<
    string,
    { words: readonly string[]; isParameter: readonly boolean[]; class: AdmissionClass }[]
  >();
  for (const route of routes) {
    const shape = shapeOf(route.path);
    const at = `${route.method} ${String(shape.words.length)}`;
    byDepth.set(at, [...(byDepth.get(at) ?? []), { ...shape, class: route.class }]);
  }
  return (method, url) => {
    const query = url.indexOf('?');
    const words = (query < 0 ? url : url.slice(0, query)).split('/').slice(1, 9);
    // Stripe sends an acknowledgement that was refused again, for days: nothing is saved by refusing it.
    if (words[0] === 'webhooks') return 'exempt';
    const found = byDepth
      .get(`${method} ${String(words.length)}`)
      ?.find((route) => route.words.every((word, at) => route.isParameter[at] || word === words[at]));
    return found?.class ?? 'read';
  };
};

const refuse = (request: IncomingMessage, response: ServerResponse, afterS: number): void => {
  // The body that was not read is thrown away, so that the connection serves the next request.
  request.resume();
  const { requestId } = newRecord(request.method ?? 'GET');
  const { status, body } = errorReply(paymentError('overloaded', { retryAfterS: afterS }), requestId);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'Request-Id': requestId,
    'Retry-After': String(afterS),
  });
  response.end(body);
};
