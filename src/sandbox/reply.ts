import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Result } from 'neverthrow';
import { API_VERSION, isVersion } from './events.ts';
import type { Failure } from './failure.ts';
import type { FaultKind } from './faults.ts';
import { headerOf } from './request.ts';

/** A reply before it leaves. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What goes wrong as a reply leaves. */
export interface Leaving {
  readonly kind: Extract<FaultKind, 'hang_after' | 'reset_after' | 'reset_before' | 'truncate'>;
  readonly bytes: number;
}

export const jsonReply = (status: number, value: object, headers: Reply['headers'] = {}): Reply => ({
  status,
  body: JSON.stringify(value),
  headers: { 'Content-Type': 'application/json', ...headers },
});

/** A result as Stripe would send it: the one place where a failure becomes a reply. */
export const render = (requestId: string, result: Result<object, Failure>): Reply =>
  result.match(
    (object) => jsonReply(200, object),
    ({ status, error, shouldRetry }) =>
      jsonReply(
        status,
        { error: { ...error, request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}` } },
        {
          ...(shouldRetry === undefined ? {} : { 'Stripe-Should-Retry': String(shouldRetry) }),
          ...(status === 401 ? { 'WWW-Authenticate': 'Basic realm="Stripe"' } : {}),
        },
      ),
  );

/** The one place where a reply leaves, or does not. */
export const send = (
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  reply: Reply,
  leaving?: Leaving,
): void => {
  const version = headerOf(request, 'stripe-version');
  const key = headerOf(request, 'idempotency-key');
  const headers = {
    'Content-Length': Buffer.byteLength(reply.body),
    'Request-Id': requestId,
    'Stripe-Version': version !== undefined && isVersion(version) ? version : API_VERSION,
    ...(key !== undefined && key.length <= 255 ? { 'Idempotency-Key': key } : {}),
    ...reply.headers,
  };
  if (leaving === undefined) {
    response.writeHead(reply.status, headers);
    response.end(reply.body);
    return;
  }
  const { socket } = request;
  switch (leaving.kind) {
    case 'hang_after':
      return;
    case 'reset_before':
    case 'reset_after':
      socket.resetAndDestroy();
      return;
    case 'truncate': {
      // Written past the response, so that the cut may fall anywhere, the head too.
      const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      const whole = Buffer.from(`HTTP/1.1 ${reply.status} Cut\r\n${head.join('')}\r\n${reply.body}`);
      // The end of a stream, not a reset: a reset may overtake what was written, and cut elsewhere.
      socket.write(whole.subarray(0, leaving.bytes), () => socket.destroy());
      return;
    }
  }
};
