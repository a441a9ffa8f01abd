/** The door: where every request comes in, is given a name, and goes out again. */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Connections, Handling } from './connection.ts';
import { newRecord, type RequestRecord } from './record.ts';
import { refusalOf, sendRaw, type Refused } from './unreadable.ts';

export interface DoorOptions {
  /** Runs what a request asks for, so that whatever blocks the event loop on its behalf is known to be its doing. */
  readonly follow: (record: RequestRecord, run: () => void) => void;
  /** Called once for each request that was not shed, when its reply was taken or its caller has hung up. */
  readonly onEnd: (record: RequestRecord, status: number, durationMs: number) => void;
}

/** It comes before Express. */
export const createDoor = (
  { follow, onEnd }: DoorOptions,
  connections: Connections,
  listener: RequestListener,
): RequestListener => {
  const handling: Handling = {
    run: ({ request, response }) => {
      const fault = faultOf(request);
      if (fault) sendRaw(response, fault);
      else if (!isTarget(request.url))
        sendRaw(response, refusalOf(400, 'What was asked for is neither a path nor a URL.'));
      else follow(request.record, () => listener(request, response));
    },
    onClose: ({ request: { record }, response }) => {
      if (record.isShed) return;
      // 499, as nginx has it: the caller hung up before there was an answer.
      const status = response.writableFinished ? response.statusCode : 499;
      onEnd(record, status, performance.now() - record.startedAt);
    },
  };
  return (request, response) => {
    request.record = newRecord(request.method ?? 'GET');
    connections.take({ request, response, handling });
  };
};

/**
 * What Node takes, or refuses without a word: a request that someone before us might understand as another one.
 * https://www.rfc-editor.org/rfc/rfc9112#section-3.2, and #section-6.1.
 */
const faultOf = ({ headers, rawHeaders, httpVersion }: IncomingMessage): Refused | undefined => {
  if (headers.host === undefined && httpVersion === '1.1')
    return refusalOf(400, 'Host: it is missing.', { param: 'Host' });
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return refusalOf(400, 'Transfer-Encoding: nothing but chunked is understood.', { param: 'Transfer-Encoding' });
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1 ? refusalOf(400, 'Host: there are two.', { param: 'Host' }) : undefined;
};

/** Express has words of its own for what it can find no path in. */
const isTarget = (url = ''): boolean => url.startsWith('/') || URL.canParse(url);
