/** The door: where every request comes in, unless the house is full, and goes out again. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { errorReply } from '../domain/reply.ts';
import { paymentError } from '../error.ts';
import type { Admission, AdmissionClass, Refusal, SeenKeys } from '../monitor/admission.ts';
import type { Cors, HeaderList } from './headers.ts';
import { newRecord, type RequestRecord } from './record.ts';
import { endTogether } from './respond.ts';
import type { Route } from './route.ts';

/** What the door has to know of a route. */
interface Kind {
  readonly class: AdmissionClass;
  readonly cors: boolean;
}

export interface DoorOptions {
  readonly admission: Admission;
  readonly seen: SeenKeys;
  readonly routes: readonly (Pick<Route, 'method' | 'path'> & Kind)[];
  readonly headersFor: Cors['headersFor'];
  readonly retryAfterS: () => number;
  /** Runs what a request asks for, so that whatever blocks the event loop on its behalf is known to be its doing. */
  readonly follow: (record: RequestRecord, run: () => void) => void;
  readonly onRefused: (reason: Refusal, serviceClass: AdmissionClass) => void;
  /** Called once for each request that was let in, when it has ended or its caller has hung up. */
  readonly onEnd: (record: RequestRecord, status: number, durationMs: number) => void;
}

/** Lets a request in, or answers 503 `overloaded`. It comes before Express: a refusal must cost next to nothing. */
export const createDoor = (options: DoorOptions, listener: RequestListener): RequestListener => {
  const { admission, seen, onRefused, onEnd, follow, retryAfterS, headersFor } = options;
  const kindOf = createKindOf(options.routes);

  return (request, response) => {
    const { class: serviceClass, cors } = kindOf(request.method ?? 'GET', request.url ?? '/');
    const key = keyOf(request);
    const isRepeat = key !== undefined && seen.has(key);
    const refusal = admission.enter(serviceClass, isRepeat);
    if (refusal) {
      onRefused(refusal, serviceClass);
      const afterS = retryAfterS();
      // A browser that may call the route may read why it was refused, and when to come again.
      refuse(request, response, afterS, cors ? headersFor(request.headers.origin) : []);
      if (refusal === 'overload') restAfterReply(request, afterS);
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

/** What is not ours to refuse: Stripe sends an acknowledgement that was refused again, for days. */
const EXEMPT: Kind = { class: 'exempt', cors: false };
const UNMATCHED: Kind = { class: 'read', cors: false };

/** By the table of routes. What matches none is refused as a read. */
const createKindOf = (routes: DoorOptions['routes']): ((method: string, url: string) => Kind) => {
  const byDepth = new Map<string, (ReturnType<typeof shapeOf> & Kind)[]>();
  for (const route of routes) {
    const shape = shapeOf(route.path);
    const at = `${route.method} ${String(shape.words.length)}`;
    byDepth.set(at, [...(byDepth.get(at) ?? []), { ...shape, class: route.class, cors: route.cors }]);
  }
  return (method, url) => {
    // A preflight costs next to nothing, and a browser shows nobody why one was refused: the request itself is.
    if (method === 'OPTIONS') return EXEMPT;
    const query = url.indexOf('?');
    const words = (query < 0 ? url : url.slice(0, query)).split('/').slice(1, 9);
    if (words[0] === 'webhooks') return EXEMPT;
    const found = byDepth
      .get(`${method} ${String(words.length)}`)
      ?.find((route) => route.words.every((word, at) => route.isParameter[at] || word === words[at]));
    return found ?? UNMATCHED;
  };
};

/**
 * Reads nothing more from a connection on which a request was refused until its caller was asked to come again. To
 * refuse costs some 50 µs, a third of serving what is cheap: who repeats at once would have the service do nothing else.
 */
const restAfterReply = ({ socket }: IncomingMessage, afterS: number): void => {
  const rest = (): void => {
    socket.pause();
    setTimeout(() => socket.resume(), afterS * 1000).unref();
  };
  // Right after the reply, which leaves at the end of this turn too: nothing is read in between.
  setImmediate(rest);
};

/** All but the id is the same each time, and written once: thousands may be refused in a second. */
const PLACE = 'HERE_STANDS_THE_ID';
const { status: STATUS, body: BODY } = errorReply(paymentError('overloaded'), PLACE);
const [BEFORE = '', AFTER = ''] = BODY.split(PLACE);

const refuse = (request: IncomingMessage, response: ServerResponse, afterS: number, headers: HeaderList): void => {
  // The body that was not read is thrown away, so that the connection serves the next request.
  request.resume();
  const { requestId } = newRecord(request.method ?? 'GET');
  const body = BEFORE + requestId + AFTER;
  response.writeHead(STATUS, [
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(body.length),
    'Cache-Control',
    'no-store',
    'Request-Id',
    requestId,
    'Retry-After',
    String(afterS),
    ...headers,
  ]);
  endTogether(response, body);
};
